/** Failing cases become smaller and still fail; the world that simulated members live in has no clock and no dice. */
import { chooseScenario, createShrinking, FAULT_KINDS, isGrave, type Scenario } from '@hearsay/simulator'
import { runScenario } from '@hearsay/simulator/process'
import { expect, test } from 'vitest'

const large = (): Scenario => {
  for (let seed = 1; ; seed++) {
    const scenario = chooseScenario({ seed, members: [7, 10], kinds: FAULT_KINDS })
    if (scenario.faults.filter(({ kind }) => kind === 'pause').length > 2) return scenario
  }
}

const fails = ({ faults }: Scenario): boolean => faults.some(({ kind }) => kind === 'pause')

test('what a failure needs is kept, all else goes', () => {
  const shrinking = createShrinking(large())
  for (let trial = shrinking.next(); trial !== undefined; trial = shrinking.next())
    shrinking.answer(fails(trial))
  const { faults, members } = shrinking.smallest()
  expect(faults.map(({ kind }) => kind)).toEqual(['pause'])
  expect(members.every(({ liar }) => liar === undefined)).toBe(true)
})

test('liars and members that lose their past weigh less than a third', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const { members, faults } = chooseScenario({ seed, members: [4, 10], kinds: FAULT_KINDS })
    const bad = new Set(members.flatMap(({ liar }, i) => (liar === undefined ? [] : [i + 1])))
    for (const fault of faults) if (isGrave(fault) && fault.kind === 'crash') bad.add(fault.member)
    const weigh = (ids: Iterable<number>): number =>
      [...ids].reduce((sum, id) => sum + members[id - 1]!.weight, 0)
    expect(3 * weigh(bad), `seed ${seed}`).toBeLessThan(weigh(members.map((_, i) => i + 1)))
  }
})

test.each([
  ['Date.now', () => Date.now()],
  ['Date', () => new Date()],
  ['Math.random', () => Math.random()],
  ['performance.now', () => performance.now()],
  ['setTimeout', () => setTimeout(() => undefined, 1)],
])('%s throws inside a world, and works again outside of it', async (name, use) => {
  const scenario = chooseScenario({ seed: 3, members: [4, 4], kinds: [], stormMs: 300 })
  let said = ''
  await runScenario(scenario, (world) => {
    world.after(10, () => {
      try {
        use()
      } catch (error) {
        said = (error as Error).message
      }
    })
  })
  expect(said).toContain(name.split('.')[0])
  expect(use).not.toThrow()
})

test('a member with another order is found', async () => {
  const scenario = chooseScenario({ seed: 4, members: [4, 4], kinds: [], stormMs: 2_000 })
  const { violation } = await runScenario(scenario, ({ checks }) => {
    const { delivered } = checks
    // One member's first round is not what the others have.
    checks.delivered = (machine, block) =>
      delivered(machine, machine === 2 && block.round === 1 ? { ...block, hash: new Uint8Array(32) } : block)
  })
  expect(violation?.invariant).toBe('I1')
})
