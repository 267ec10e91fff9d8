/**
 * Every check of theory at its small size, with one seed: it holds, and refuses every rival law that is planted beside the right one.
 * Tolerances there are at least 5 standard errors, so a true law is refused with another seed once in 1.7 million a figure.
 * Reproduce one: hearsay sim theory --small --seed SEED --only ID
 */
import { CHECKS, drawPlot, renderPage } from '@hearsay/simulator'
import { expect, test } from 'vitest'

const SEED = 7

const results = new Map(CHECKS.map((check) => [check.id, { check, outcome: check.run(SEED, 'suite') }]))

test.for(CHECKS.map(({ id, title }) => ({ id, title })))('$id $title', ({ id }) => {
  const { check, outcome } = results.get(id)!
  const missed = outcome.verdicts
    .filter(({ holds }) => !holds)
    .map(({ what, measured, low, high }) => `${what}: ${measured} is not in [${low}, ${high}]`)
  expect(missed, `hearsay sim theory --small --seed ${SEED} --only ${id}`).toEqual([])
  expect(outcome.verdicts.length).toBeGreaterThan(0)
  expect(check.rivals.length).toBeGreaterThan(0)
  expect(outcome.unrefused).toEqual([])
  expect(outcome.holds).toBe(true)
})

test('ids are unique', () => {
  expect(results.size).toBe(CHECKS.length)
})

test('the page has every check and plot, without scripts, and is the same for the same seed', () => {
  const page = renderPage([...results.values()], SEED, 'suite')
  for (const { check, outcome } of results.values()) {
    expect(page).toContain(`id="${check.id}"`)
    for (const plot of outcome.plots) expect(page).toContain(drawPlot(plot))
  }
  expect(page).not.toMatch(/<script|javascript:|https?:\/\/(?!www\.w3\.org)|NaN|Infinity|undefined/)
  const again = CHECKS.filter(({ id }) => ['E3b', 'E20'].includes(id))
  for (const check of again) {
    const plots = check.run(SEED, 'suite').plots.map(drawPlot)
    expect(plots).toEqual(results.get(check.id)!.outcome.plots.map(drawPlot))
    expect(check.run(SEED + 1, 'suite').plots.map(drawPlot)).not.toEqual(plots)
  }
})
