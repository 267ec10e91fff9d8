// Decides how checks of theory and single epidemics are printed, and where their plots go.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  allowed,
  type Check,
  CHECKS,
  drawPlot,
  figure,
  type Outcome,
  renderPage,
  simulateEpidemic,
} from '@hearsay/simulator'
import {
  CommandError,
  counted,
  type EpidemicOptions,
  EXIT,
  type TheoryOptions,
  usageError,
} from '../src/index.ts'
import { createTerminal, type Terminal } from './terminal.ts'

const COLUMNS = [44, 22, 20] as const

const tableRow = (...cells: readonly string[]): string =>
  cells
    .map((cell, i) => cell.padEnd(COLUMNS[i] ?? 0))
    .join('  ')
    .trimEnd()

async function printOutcome(terminal: Terminal, check: Check, outcome: Outcome): Promise<void> {
  const { paint } = terminal
  await terminal.out(`${check.id}  ${check.title}`)
  await terminal.out(paint.dim(`  ${check.formula}`))
  for (const verdict of outcome.verdicts) {
    const { what, measured, error, holds } = verdict
    const value = error === 0 ? figure(measured) : `${figure(measured)} ± ${figure(error)}`
    const word = holds ? paint.good('holds') : paint.bad('does not hold')
    await terminal.out(tableRow(`  ${what}`, value, allowed(verdict), word))
  }
  for (const name of outcome.unrefused) await terminal.out(`  ${paint.bad('not refused')}: ${name}`)
}

/** What JSON cannot say, no bound, is left out. */
const outcomeJson = ({ id, title, formula, source, fullRun }: Check, outcome: Outcome): string =>
  JSON.stringify({
    id,
    title,
    formula,
    source,
    fullRun,
    holds: outcome.holds,
    unrefused: outcome.unrefused,
    figures: outcome.verdicts.map(({ low, high, ...rest }) => ({
      ...rest,
      ...(Number.isFinite(low) ? { low } : {}),
      ...(Number.isFinite(high) ? { high } : {}),
    })),
  })

function chooseChecks(only: readonly string[]): readonly Check[] {
  const unknown = only.find((id) => CHECKS.every((check) => check.id !== id))
  if (unknown !== undefined)
    throw usageError(`there is no check ${unknown}`, `one of ${CHECKS.map(({ id }) => id).join(', ')}`)
  return only.length === 0 ? CHECKS : CHECKS.filter(({ id }) => only.includes(id))
}

export async function theory(options: TheoryOptions): Promise<void> {
  const terminal = createTerminal(options)
  const { seed, plots } = options
  const size = options.small === true ? 'suite' : 'full'
  const checks = chooseChecks(options.only)
  const results: { readonly check: Check; readonly outcome: Outcome }[] = []
  if (!terminal.isJson) await terminal.out(tableRow('what', 'measured ± error', 'predicted', 'verdict'))
  for (const check of checks) {
    terminal.progress(`${check.id}  ${check.title}`)
    const outcome = check.run(seed, size)
    results.push({ check, outcome })
    if (terminal.isJson) await terminal.out(outcomeJson(check, outcome))
    else await printOutcome(terminal, check, outcome)
  }
  if (plots !== undefined) {
    const file = join(plots, 'theory.html')
    mkdirSync(plots, { recursive: true })
    writeFileSync(file, renderPage(results, seed, size))
    terminal.say(`figures and plots in ${file}`)
  }
  const failed = results.filter(({ outcome }) => !outcome.holds).map(({ check }) => check.id)
  if (failed.length > 0) {
    const small = size === 'suite' ? '--small ' : ''
    throw new CommandError({
      code: 'E_THEORY',
      message: `${failed.join(', ')} of ${counted(checks.length, 'check')} ${failed.length === 1 ? 'does' : 'do'} not hold`,
      hint: `again: hearsay sim theory ${small}--seed ${seed} ${failed.map((id) => `--only "${id}"`).join(' ')}`,
      exitCode: EXIT.notVerified,
    })
  }
  const figures = results.reduce((sum, { outcome }) => sum + outcome.verdicts.length, 0)
  terminal.say(
    `${counted(checks.length, 'check holds', 'checks hold')}, ${counted(figures, 'figure')}, seed ${seed}`,
  )
}

/** Theory does not have an answer to everything. */
const shown = (value: number): string => (Number.isNaN(value) ? '' : figure(value))

export async function epidemic(options: EpidemicOptions): Promise<void> {
  const { model, members, fanout, loss, contacts, runs, seed, out } = options
  if (fanout >= members) throw usageError(`--fanout ${fanout}: only ${members - 1} others are there`)
  const terminal = createTerminal(options)
  const report = simulateEpidemic({ model, members, fanout, loss, contacts, runs, seed })
  if (terminal.isJson)
    await terminal.out(JSON.stringify({ model, seed, figures: report.figures, curve: report.curve }))
  else {
    await terminal.out(tableRow('what', 'measured', 'predicted'))
    for (const { what, measured, predicted } of report.figures)
      await terminal.out(tableRow(what, shown(measured), shown(predicted)))
    await terminal.out('')
    await terminal.out(tableRow(`${report.plot.y.label}, by ${report.plot.x.label}`, 'measured', 'predicted'))
    for (const { at, measured, predicted } of report.curve)
      await terminal.out(tableRow(figure(at), measured.toFixed(4), predicted.toFixed(4)))
  }
  if (out !== undefined) writeFileSync(out, drawPlot(report.plot))
}
