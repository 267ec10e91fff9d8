/**
 * The unanimous fast path (packages/consensus/FAST-PATH.md): when it is taken and when not, on graphs by hand, and all small graphs.
 * Random ones are in differential.test.ts.
 */
import { createEngine } from '@hearsay/consensus'
import type { Engine } from '@hearsay/consensus'
import { describe, expect, it } from 'vitest'
import { countAbstractly } from './exhaust-votes.ts'
import { CONTROLS, explore, SEARCH } from './exhaust.ts'

/** Who makes an event, and on which others: an event is named by the place it stands at; the self-parent is found. */
interface Step {
  readonly by: number
  readonly on: readonly number[]
  /** Instead of the member's last event. */
  readonly self?: number
}

function run(steps: readonly Step[], engine: Engine): number[] {
  const last = new Map<number, number>()
  return steps.map(({ by, on, self }, at) => {
    engine.insert({
      id: new Uint8Array(32).fill(at + 1),
      creator: by,
      selfParent: self ?? last.get(by) ?? -1,
      otherParents: on,
      birthRound: 1,
      timestamp: 1000 + at,
      coin: 0,
      transactionCount: 0,
    })
    last.set(by, at)
    return engine.decidedRound()
  })
}

function engineOf(coinFrequency: number, fastPath: boolean): Engine {
  return createEngine({
    config: { coinFrequency, roundsNonAncient: 26 },
    rosters: [{ fromRound: 1, members: [0, 1, 2, 3].map((id) => ({ id, weight: 1 })) }],
    fastPath,
  })
}

/**
 * Push gossip: everybody takes everybody's event of the layer before. A round takes two layers:
 *
 *    layer 0   0  1  2  3     witnesses of round 1
 *    layer 1   4  5  6  7
 *    layer 2   8  9 10 11     witnesses of round 2: all see all of round 1
 *    layer 3  12 13 14 15
 *    layer 4  16 17 18 19     witnesses of round 3: they count the votes of round 2
 */
function layers(count: number, away: readonly number[] = []): Step[] {
  const present = [0, 1, 2, 3].filter((m) => !away.includes(m))
  const steps: Step[] = []
  for (let layer = 0; layer < count; layer++) {
    const before = steps.length - present.length
    for (const by of present) {
      const on = present.map((_, place) => before + place).filter((_, place) => present[place] !== by)
      steps.push({ by, on: layer === 0 ? [] : on })
    }
  }
  return steps
}

/** The places at which a round was decided. */
const decisions = (rounds: readonly number[]): number[] =>
  rounds.flatMap((round, at) => Array.from({ length: round - (rounds[at - 1] ?? 0) }, () => at))

/** The layer of round 2 on the event by 0, which stands at that place. */
const rest = (zero: number): Step[] => [
  { by: 0, on: [3, 4, 5] },
  { by: 1, on: [zero], self: 4 },
  { by: 2, on: [zero], self: 5 },
  { by: 3, on: [zero], self: 3 },
]

describe('the fast path', () => {
  it('decides a round at the last of its first votes, two layers before the rule counts them', () => {
    expect(decisions(run(layers(9), engineOf(12, true)))).toEqual([11, 19, 27, 35])
    expect(decisions(run(layers(9), engineOf(12, false)))).toEqual([16, 24, 32])
  })

  it('takes coinFrequency 3, and has no effect with 2', () => {
    expect(decisions(run(layers(9), engineOf(3, true)))).toEqual([11, 19, 27, 35])
    const exact = decisions(run(layers(9), engineOf(2, false)))
    expect(decisions(run(layers(9), engineOf(2, true)))).toEqual(exact)
    expect(exact.length).toBeGreaterThan(1)
  })

  it('is off unless asked for', () => {
    const rosters = [{ fromRound: 1, members: [0, 1, 2, 3].map((id) => ({ id, weight: 1 })) }]
    const engine = createEngine({ config: { coinFrequency: 12, roundsNonAncient: 26 }, rosters })
    expect(decisions(run(layers(9), engine))).toEqual([16, 24, 32])
  })

  it('waits for every member: while one is away the rule decides', () => {
    const exact = run(layers(9, [3]), engineOf(12, false))
    expect(run(layers(9, [3]), engineOf(12, true))).toEqual(exact)
    expect(exact.at(-1)).toBe(3)
  })

  it('is taken by everybody alike when a member has two first votes, one of which is like the others', () => {
    // Round 2 begins with the events by 0; the brancher 3 has a witness in it that does not know event 0, and one that does.
    const before: Step[] = [...layers(1), { by: 1, on: [2, 3] }, { by: 2, on: [1, 3] }]
    const hidden: Step = { by: 3, on: [4, 5], self: 3 }
    expect(decisions(run([...before, ...rest(6), hidden], engineOf(12, true)))).toEqual([9])
    expect(decisions(run([...before, hidden, ...rest(7)], engineOf(12, true)))).toEqual([10])
    expect(decisions(run([...before, hidden, ...rest(7)], engineOf(12, false)))).toEqual([])
    // Without the one that is like the others it is not taken.
    expect(decisions(run([...before, hidden, ...rest(7).slice(0, 3)], engineOf(12, true)))).toEqual([])
  })

  it('is not taken while first votes differ', () => {
    // 8 and 9 do not know event 0, 10 and 11 do.
    const steps: Step[] = [
      ...layers(1),
      { by: 0, on: [1, 2, 3] },
      { by: 1, on: [2, 3] },
      { by: 2, on: [1, 3] },
      { by: 3, on: [1, 2] },
      { by: 1, on: [6, 7] },
      { by: 2, on: [5, 7] },
      { by: 3, on: [4, 5, 6] },
      { by: 0, on: [5, 6, 7] },
    ]
    expect(decisions(run(steps, engineOf(12, true)))).toEqual([])
    const alike = steps.map((step, at) => (at === 8 || at === 9 ? { ...step, on: [4, ...step.on] } : step))
    expect(decisions(run(alike, engineOf(12, true)))).toEqual([11])
  })

  it('decides a no as well: a first event of a brancher that nobody has heard of', () => {
    const [first, second, third] = [layers(3).slice(0, 4), layers(3).slice(4, 8), layers(3).slice(8)]
    const hidden: Step = { by: 3, on: [], self: -1 }
    const moved = third.map((step) => ({ ...step, on: step.on.map((at) => at + 1) }))
    const goesOn = second.map((step) => (step.by === 3 ? { ...step, self: 3 } : step))
    const engine = engineOf(12, true)
    expect(decisions(run([...first, hidden, ...goesOn, ...moved], engine))).toEqual([12])
    expect(engine.takeDecidedRounds()[0]!.judges.map((id) => id[0])).toEqual([1, 2, 3, 4])
  })
})

describe('all graphs of three members up to 8 events', () => {
  it('give no vote that contradicts it', () => {
    const { contradictions, example, graphs, checked, asked } = explore({ ...SEARCH, events: 8 })
    expect([contradictions, example]).toEqual([0, ''])
    expect(graphs).toBe(32_974)
    expect(checked).toBeGreaterThan(300)
    expect(asked).toBeGreaterThan(500)
  })

  it.each(CONTROLS)('but of 10 events some contradict it: %s', (_, change) => {
    expect(explore({ ...SEARCH, ...change }).contradictions).toBeGreaterThan(0)
  })

  it('and no way of counting does', () => {
    const { contradictions, ways } = countAbstractly()
    expect(contradictions).toBe(0)
    expect(ways).toBe(270_089)
  })
})
