/** A few worlds of each size, and that a world is the same whenever it is run. The long runs are `hearsay sim`. */
import { chooseScenario, FAULT_KINDS, type Scenario } from '@hearsay/simulator'
import { runScenario } from '@hearsay/simulator/process'
import { expect, test } from 'vitest'

const scenarioOf = (seed: number, members: readonly [number, number]): Scenario =>
  chooseScenario({ seed, members, kinds: FAULT_KINDS, stormMs: 2_000 })

test.each([1, 2, 3, 4, 5, 6, 7, 8])('a storm and the calm after it: seed %i', async (seed) => {
  const outcome = await runScenario(scenarioOf(seed, [4, 7]))
  expect(outcome.violation, `hearsay sim --seed ${seed} --runs 1 --nodes 4-7 --storm 2s`).toBeUndefined()
  expect(outcome.settledAfterMs).toBeDefined()
  expect(outcome.rounds).toBeGreaterThan(0)
})

test('the same seed gives the same trace, another one another', async () => {
  const first = await runScenario(scenarioOf(9, [4, 4]))
  const second = await runScenario(scenarioOf(9, [4, 4]))
  const other = await runScenario(scenarioOf(10, [4, 4]))
  expect(second).toEqual(first)
  expect(other.trace).not.toBe(first.trace)
})
