/** The outcomes of checks as one page: a table and the plots, in static HTML without scripts, the same bytes for the same outcomes. */
import type { Check, Outcome, Size, Verdict } from './check.ts'
import { drawPlot, escaped, figure } from './plot.ts'

const STYLE = [
  'body{font:14px/1.45 ui-sans-serif,sans-serif;color:#222;max-width:980px;margin:2em auto;padding:0 1em}',
  'table{border-collapse:collapse;margin:.5em 0 1em}',
  'td,th{border-bottom:1px solid #ddd;padding:.15em .7em;text-align:right;font-variant-numeric:tabular-nums}',
  'td:first-child,th:first-child{text-align:left}',
  '.bad{color:#a11;font-weight:bold}',
  '.source{color:#666}',
  'svg{max-width:100%;height:auto}',
].join('')

/** What is allowed, as people read it: a band around the predicted value, or a bound. */
export function allowed({ predicted, low, high }: Verdict): string {
  if (low === -Infinity) return `<= ${figure(high)}`
  if (high === Infinity) return `>= ${figure(low)}`
  const about = Math.abs(high - predicted - (predicted - low)) <= 1e-9 * Math.max(1, Math.abs(high))
  return about ? `${figure(predicted)} ± ${figure(high - predicted)}` : `${figure(low)} … ${figure(high)}`
}

function row(verdict: Verdict): string {
  const { what, measured, error, holds } = verdict
  const spread = error === 0 ? '' : ` ± ${figure(error)}`
  return `<tr><td>${escaped(what)}</td><td>${figure(measured)}${spread}</td><td>${escaped(allowed(verdict))}</td><td${holds ? '' : ' class="bad"'}>${holds ? 'holds' : 'does not hold'}</td></tr>`
}

function section(
  { id, title, formula, source, rivals }: Check,
  { verdicts, unrefused, plots }: Outcome,
): string {
  const refused = rivals.filter((name) => !unrefused.includes(name))
  return [
    `<h2 id="${escaped(id)}">${escaped(id)} ${escaped(title)}</h2>`,
    `<p>${escaped(formula)}<br><span class="source">${escaped(source)}</span></p>`,
    '<table><tr><th>what</th><th>measured</th><th>predicted</th><th></th></tr>',
    ...verdicts.map(row),
    '</table>',
    refused.length === 0 ? '' : `<p>Refused with the same measurement: ${escaped(refused.join('; '))}.</p>`,
    unrefused.length === 0 ? '' : `<p class="bad">Not refused: ${escaped(unrefused.join('; '))}.</p>`,
    ...plots.map(drawPlot),
  ].join('\n')
}

export function renderPage(
  results: readonly { readonly check: Check; readonly outcome: Outcome }[],
  seed: number,
  size: Size,
): string {
  const holding = results.filter(({ outcome }) => outcome.holds).length
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><title>Hearsay: theory against measurement</title>',
    `<style>${STYLE}</style></head><body>`,
    '<h1>Theory against measurement</h1>',
    `<p>${holding} of ${results.length} checks hold. Seed ${seed}, ${size === 'full' ? 'full runs' : 'small runs'}. Discs are measured, lines are laws. After ± of a measured value stands its standard error.</p>`,
    ...results.map(({ check, outcome }) => section(check, outcome)),
    '</body></html>',
    '',
  ].join('\n')
}
