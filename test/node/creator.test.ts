import { describe, expect, test } from 'vitest'
import {
  createCreator,
  DEFAULT_CREATOR_TUNING,
  MAX_OPEN_EVENTS,
  type Creator,
  type CreatorState,
} from '@hearsay/node'
import { createRandom } from '../dag/random.ts'

const { minGapMs, patienceMs, answerAfterMs, stallMs, stallMaxMs } = DEFAULT_CREATOR_TUNING

const state = (
  nowMs: number,
  frontier: readonly number[],
  change: Partial<CreatorState> = {},
): CreatorState => ({
  nowMs,
  frontier: Float64Array.from(frontier),
  poolHasTransactions: false,
  undecidedEvents: 1,
  ownUndecidedEvents: 0,
  ownOpenEvents: 0,
  loopLagMs: 0,
  ...change,
})

const create = { kind: 'create' }
const idle = { kind: 'idle' }
const waitUntil = (untilMs: number) => ({ kind: 'wait', untilMs })

const quorumAt = (weights: readonly number[], heard: readonly number[]): boolean => {
  const creator = createCreator(weights, 0)
  creator.created(new Float64Array(weights.length), 0)
  const frontier = weights.map((_, slot) => (heard.includes(slot) ? 1 : 0))
  const verdict = creator.decide(state(1_000, frontier, { ownUndecidedEvents: 1 }))
  // Without a quorum rule 3 answers; tell them apart by the patience.
  return verdict.kind === 'wait' && verdict.untilMs === 1_000 + patienceMs
}

describe('rules', () => {
  test('without work there is nothing to say, whatever is new', () => {
    const creator = createCreator([1, 1, 1, 1], 0)
    expect(creator.decide(state(0, [0, 9, 9, 9], { undecidedEvents: 0 }))).toEqual(idle)
  })

  test('who has many events that are not ordered makes one a second at most', () => {
    const creator = createCreator([1, 1, 1, 1], 0)
    creator.created(Float64Array.of(1, 0, 0, 0), 0)
    const many = { ownOpenEvents: MAX_OPEN_EVENTS / 2 }
    expect(creator.decide(state(500, [1, 9, 9, 9], many))).toEqual(waitUntil(1_000))
    expect(creator.decide(state(1_000, [1, 9, 9, 9], many))).toEqual(create)
    expect(creator.decide(state(500, [1, 9, 9, 9], { ownOpenEvents: MAX_OPEN_EVENTS / 2 - 1 }))).toEqual(
      create,
    )
  })

  test('a member alone creates at its pace while there is work', () => {
    const creator = createCreator([5], 0)
    expect(creator.decide(state(0, [0], { undecidedEvents: 0 }))).toEqual(idle)
    expect(creator.decide(state(0, [0], { poolHasTransactions: true, undecidedEvents: 0 }))).toEqual(create)
    creator.created(Float64Array.of(0), 0)
    expect(creator.decide(state(1, [1]))).toEqual(waitUntil(minGapMs))
    expect(creator.decide(state(2, [1]))).toEqual(create)
  })

  test('with everybody there is no patience, without one who kept up a little, without a dead one none again', () => {
    const creator = createCreator([1, 1, 1, 1], 0)
    expect(creator.decide(state(0, [0, 1, 1, 1]))).toEqual(create)
    creator.created(Float64Array.of(0, 1, 1, 1), 0)
    let now = 10
    let saw = 1
    const decideWithoutLast = () => creator.decide(state(now, [0, saw, saw, 1]))
    for (let round = 0; round < 6; round++) {
      saw += 1
      now += 10
      const verdict = decideWithoutLast()
      // It is forgiven some misses, then it is not waited for.
      if (round <= DEFAULT_CREATOR_TUNING.missesForgiven) {
        expect(verdict, `round ${round}`).toEqual(waitUntil(now + patienceMs))
        now += patienceMs
      }
      expect(decideWithoutLast(), `round ${round}`).toEqual(create)
      creator.created(Float64Array.of(0, saw, saw, 1), now)
    }
    // Once it is back it is waited for again.
    creator.created(Float64Array.of(0, saw + 1, saw + 1, 2), now)
    now += 50
    expect(creator.decide(state(now, [0, saw + 2, saw + 2, 2]))).toEqual(waitUntil(now + patienceMs))
  })

  test('a quorum is more than two thirds of the weight, with the own', () => {
    expect(quorumAt([1, 1, 1, 1], [1])).toBe(false)
    expect(quorumAt([1, 1, 1, 1], [1, 2])).toBe(true)
    expect(quorumAt([1, 1, 1, 1, 1, 1], [1, 2, 3])).toBe(false)
    expect(quorumAt([1, 1, 1, 1, 1, 1], [1, 2, 3, 4])).toBe(true)
    expect(quorumAt([1, 7, 1, 1], [2, 3])).toBe(false)
    expect(quorumAt([1, 7, 1, 1], [1])).toBe(true)
    expect(quorumAt([8, 1, 1, 1], [])).toBe(true)
    expect(quorumAt([2 ** 48, 2 ** 48, 2 ** 48], [1])).toBe(false)
    expect(quorumAt([2 ** 48 + 1, 2 ** 48, 2 ** 48 - 2], [1])).toBe(true)
  })

  test('a lone submitter wakes the network at once; others answer a little later, once', () => {
    const lone = createCreator([1, 1, 1, 1], 0)
    const submitted = { poolHasTransactions: true, undecidedEvents: 0 }
    expect(lone.decide(state(0, [0, 0, 0, 0], submitted))).toEqual(create)
    lone.created(Float64Array.of(0, 0, 0, 0), 0)
    // Under way: nothing is new, so nothing is said again.
    expect(lone.decide(state(500, [1, 0, 0, 0], { ownUndecidedEvents: 1 }))).toEqual(idle)

    const other = createCreator([1, 1, 1, 1], 1)
    other.created(Float64Array.of(0, 0, 1, 1), 100)
    expect(other.decide(state(101, [1, 0, 1, 1]))).toEqual(waitUntil(100 + answerAfterMs))
    expect(other.decide(state(100 + answerAfterMs, [1, 0, 1, 1]))).toEqual(create)
    other.created(Float64Array.of(1, 0, 1, 1), 200)
    expect(other.decide(state(10_000, [1, 1, 1, 1]))).toEqual(idle)
    // The same member again is no more weight: that is for the seldom rule.
    expect(other.decide(state(300, [2, 1, 1, 1]))).toEqual(waitUntil(200 + stallMs))
  })

  test('a slow loop slows the pace', () => {
    const creator = createCreator([1], 0)
    creator.created(Float64Array.of(0), 0)
    expect(creator.decide(state(10, [0], { loopLagMs: 20 }))).toEqual(waitUntil(40))
  })
})

interface Sim {
  readonly creators: readonly Creator[]
  readonly sequences: Float64Array
  /** What each member knows. */
  readonly frontiers: readonly Float64Array[]
  readonly arrivals: {
    readonly atMs: number
    readonly to: number
    readonly from: number
    readonly sequence: number
  }[]
  nowMs: number
  created: number
}

const newSim = (weights: readonly number[]): Sim => ({
  creators: weights.map((_, slot) => createCreator(weights, slot)),
  sequences: new Float64Array(weights.length),
  frontiers: weights.map(() => new Float64Array(weights.length)),
  arrivals: [],
  nowMs: 0,
  created: 0,
})

/** The first member is woken by a transaction; everybody hears of its event. */
function wake(sim: Sim): void {
  sim.creators[0]!.created(new Float64Array(sim.creators.length), 0)
  for (const frontier of sim.frontiers) frontier[0] = 1
  sim.sequences[0] = 1
}

/** Runs the members that are up until `untilMs`; work never ends. Returns the longest time without any new event. */
function run(
  sim: Sim,
  up: readonly number[],
  untilMs: number,
  random: () => number,
  maxDelayMs = 20,
): number {
  let lastMs = sim.nowMs
  let longest = 0
  const deliver = (): void => {
    for (let i = sim.arrivals.length - 1; i >= 0; i--) {
      const arrival = sim.arrivals[i]!
      if (arrival.atMs > sim.nowMs) continue
      sim.arrivals.splice(i, 1)
      const known = sim.frontiers[arrival.to]!
      known[arrival.from] = Math.max(known[arrival.from]!, arrival.sequence)
    }
  }
  for (; sim.nowMs < untilMs; sim.nowMs += 1) {
    deliver()
    for (const slot of up) {
      const frontier = sim.frontiers[slot]!
      const verdict = sim.creators[slot]!.decide(state(sim.nowMs, [...frontier], { ownUndecidedEvents: 1 }))
      if (verdict.kind !== 'create') continue
      sim.creators[slot]!.created(frontier.slice(), sim.nowMs)
      const sequence = ++sim.sequences[slot]!
      frontier[slot] = sequence
      for (const to of up) {
        const atMs = sim.nowMs + 1 + random() * maxDelayMs
        if (to !== slot) sim.arrivals.push({ atMs, to, from: slot, sequence })
      }
      sim.created += 1
      longest = Math.max(longest, sim.nowMs - lastMs)
      lastMs = sim.nowMs
    }
  }
  return Math.max(longest, untilMs - lastMs)
}

describe('together', () => {
  test('in a connected quorum with work somebody always goes on, whatever was before', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const { below } = createRandom(seed)
      const random = (): number => below(2 ** 32) / 2 ** 32
      const count = 1 + below(7)
      const weights = Array.from({ length: count }, () => 1 + below(4))
      const total = weights.reduce((sum, weight) => sum + weight, 0)
      const sim = newSim(weights)
      const all = weights.map((_, slot) => slot)
      // Parts of the network are cut off for a while.
      wake(sim)
      for (let part = 0; part < 3; part++) {
        const up = all.filter(() => below(3) > 0)
        run(sim, up, sim.nowMs + below(3_000), random)
      }
      // A quorum is up for good, and has what each of them has (repair).
      let up = all.filter(() => below(4) > 0)
      if (3 * up.reduce((sum, slot) => sum + weights[slot]!, 0) <= 2 * total) up = all
      for (const to of up)
        for (const from of up)
          sim.frontiers[to]![from] = Math.max(sim.frontiers[to]![from]!, sim.sequences[from]!)
      const before = sim.created
      const longest = run(sim, up, sim.nowMs + 2_000, random)
      expect(longest, `seed ${seed}: ${weights.join(' ')} up ${up.join(' ')}`).toBeLessThanOrEqual(100)
      expect(sim.created - before, `seed ${seed}`).toBeGreaterThan(20)
    }
  })

  test('a minority that cannot decide goes quiet, and is back at once when there is a quorum', () => {
    for (const up of [[0, 1], [0]]) {
      const random = createRandom(3)
      const sim = newSim([1, 1, 1, 1])
      wake(sim)
      run(sim, [0, 1, 2, 3], 1_000, () => random.below(1_000) / 1_000)
      run(sim, up, 60_000, () => 0.5)
      const before = sim.created
      run(sim, up, 660_000, () => 0.5)
      // Ten minutes at the longest pause each.
      expect(sim.created - before).toBeLessThanOrEqual((2 * 600_000) / stallMaxMs + 2)
      for (const to of [0, 1, 2]) for (const from of [0, 1]) sim.frontiers[to]![from] = sim.sequences[from]!
      const woken = sim.created
      expect(run(sim, [0, 1, 2], 662_000, () => 0.5)).toBeLessThanOrEqual(100)
      expect(sim.created - woken).toBeGreaterThan(100)
    }
  })

  test('nobody outruns the gap', () => {
    const random = createRandom(9)
    const sim = newSim([1, 1, 1])
    wake(sim)
    run(sim, [0, 1, 2], 2_000, () => random.below(10) / 1_000, 0)
    for (const sequence of sim.sequences) {
      expect(sequence).toBeLessThanOrEqual(2_000 / minGapMs + 1)
      expect(sequence).toBeGreaterThan(500)
    }
  })
})
