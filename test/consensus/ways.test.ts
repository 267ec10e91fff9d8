/**
 * The engine computes as little as it can again when a round is decided, in several ways. None of them may change a
 * result: here it runs beside an engine that computes everything afresh, one whose ring is small and renumbered, one
 * that has hardly any lanes for branches, and one that leaves nearly all work to later insertions.
 */
import { createEngine } from '@hearsay/consensus'
import type { Engine, EngineEvent, EngineOptions } from '@hearsay/consensus'
import { describe, expect, test } from 'vitest'
import { createGossip, seeded } from './gossip.ts'

/** The rounds decided since the last call, as text. */
function decided(engine: Engine): string {
  return JSON.stringify(engine.takeDecidedRounds(), (_, value: unknown) =>
    value instanceof Uint8Array ? Array.from(value).join() : value,
  )
}

function insertAll(engine: Engine, events: readonly EngineEvent[]): void {
  for (const event of events) engine.insert(event)
}

function runWeighted(factor: number): string {
  const members = [1, 2, 3, 2].map((weight, id) => ({ id, weight: weight * factor }))
  const engine = createEngine({
    config: { coinFrequency: 12, roundsNonAncient: 26 },
    rosters: [{ fromRound: 1, members }],
  })
  insertAll(engine, createGossip({ seed: 4, members: 4, otherParents: 2, branchers: 0, branches: 0 })(500, 1))
  return decided(engine)
}

const cases = [
  { n: 4, branchers: 0, p: 1, laziness: 30 },
  { n: 4, branchers: 1, p: 1, laziness: 1 },
  { n: 7, branchers: 2, p: 1, laziness: 10 },
  { n: 7, branchers: 2, p: 3, laziness: 1 },
  { n: 10, branchers: 3, p: 2, laziness: 50 },
  { n: 13, branchers: 0, p: 2, laziness: 50 },
  { n: 33, branchers: 10, p: 2, laziness: 5 },
  { n: 40, branchers: 0, p: 1, laziness: 40 },
  { n: 65, branchers: 21, p: 3, laziness: 1 },
]

describe('every way of computing gives the same rounds', () => {
  test.each(cases)(
    '$n members, $branchers branching, up to $p other-parents',
    ({ n, branchers, p, laziness }) => {
      let rounds = 0
      for (let seed = 1; seed <= (n > 30 ? 3 : 6); seed++) {
        const random = seeded(seed * 7919)
        const weigh = seed % 2 === 0 && branchers === 0
        const members = Array.from({ length: n }, (_, id) => ({
          id,
          weight: weigh ? 1 + Math.floor(random() * 1000) : 1,
        }))
        const options: EngineOptions = {
          config: { coinFrequency: 2 + Math.floor(random() * 11), roundsNonAncient: 26 },
          rosters: [{ fromRound: 1, members }],
        }
        const branches = 2 + (seed % 12)
        const next = createGossip({ seed, members: n, otherParents: p, branchers, branches, laziness })
        const engine = createEngine(options)
        const others = [
          createEngine(options, { alwaysAfresh: true }),
          createEngine(options, { renumberAt: 300, capacity: 16 }),
          createEngine(options, { extraLanes: seed % 3 }),
          createEngine(options, { stepsPerInsert: 1 + (seed % 3) }),
        ]
        for (let part = 0; part < 5; part++) {
          const events = next(n * 24, engine.decidedRound() + 1)
          insertAll(engine, events)
          const expected = decided(engine)
          for (const other of others) {
            insertAll(other, events)
            expect(decided(other) === expected, `seed ${seed}`).toBe(true)
            expect(other.snapshot(), `seed ${seed}`).toStrictEqual(engine.snapshot())
          }
        }
        rounds += engine.decidedRound()
      }
      expect(rounds).toBeGreaterThan(10)
    },
  )

  test('ten witnesses of one member in one round are told apart', () => {
    const members = Array.from({ length: 7 }, (_, id) => ({ id, weight: 1 }))
    const options = {
      config: { coinFrequency: 12, roundsNonAncient: 26 },
      rosters: [{ fromRound: 1, members }],
    }
    const engine = createEngine(options)
    const other = createEngine(options, { alwaysAfresh: true })
    const next = createGossip({ seed: 9, members: 7, otherParents: 2, branchers: 2, branches: 30 })
    const genesis = Array.from({ length: 10 }, (_, i): EngineEvent => {
      const id = new Uint8Array(32).fill(i + 1)
      return {
        id,
        creator: 0,
        selfParent: -1,
        otherParents: [],
        birthRound: 1,
        timestamp: 1,
        coin: 0,
        transactionCount: 0,
      }
    })
    const shift = (handle: number): number => (handle < 0 ? handle : handle + genesis.length)
    const events = [
      ...genesis,
      ...next(1200, 1).map((event, i) => ({
        ...event,
        selfParent: event.creator === 0 && i % 5 === 0 ? i % 10 : shift(event.selfParent),
        otherParents: event.otherParents.map(shift),
        timestamp: event.timestamp + 1,
      })),
    ]
    insertAll(engine, events)
    insertAll(other, events)
    expect(engine.decidedRound()).toBeGreaterThan(3)
    expect(decided(other)).toBe(decided(engine))
  })

  test('work that is left for later lets no ancient event in', () => {
    const members = Array.from({ length: 7 }, (_, id) => ({ id, weight: 1 }))
    const options = {
      config: { coinFrequency: 12, roundsNonAncient: 2 },
      rosters: [{ fromRound: 1, members }],
    }
    const engine = createEngine(options)
    const lazy = createEngine(options, { stepsPerInsert: 1 })
    const next = createGossip({ seed: 5, members: 7, otherParents: 2, branchers: 2, branches: 3 })
    const places: number[] = []
    for (let i = 0; i < 1500; i++) {
      // A stranger without parents, as old as can be.
      const id = new Uint8Array(32).fill(i % 251)
      const birthRound = Math.max(1, engine.ancientThreshold())
      const old: EngineEvent = {
        id,
        creator: 99,
        selfParent: -1,
        otherParents: [],
        birthRound,
        timestamp: 1,
        coin: 0,
        transactionCount: 0,
      }
      const [event] = next(1, engine.decidedRound() + 1)
      const place = (handle: number): number => places[handle] ?? handle
      const given = {
        ...event!,
        selfParent: place(event!.selfParent),
        otherParents: event!.otherParents.map(place),
      }
      places.push(engine.insert(given))
      expect(lazy.insert(given)).toBe(places.at(-1))
      const before = { ...old, birthRound: Math.max(1, birthRound - 1) }
      if (i % 3 === 0) expect(lazy.insert(before)).toBe(engine.insert(before))
    }
    expect(engine.ancientThreshold()).toBeGreaterThan(5)
    expect(decided(lazy)).toBe(decided(engine))
  })

  test('weights may be as large as numbers are exact', () => {
    expect(runWeighted(2 ** 50 - 1)).toBe(runWeighted(1))
    expect(runWeighted(1)).not.toBe('[]')
  })

  test('a roster may be given when the engine is made, or later', () => {
    const config = { coinFrequency: 12, roundsNonAncient: 26 }
    const first = { fromRound: 1, members: [0, 1, 2, 3, 4].map((id) => ({ id, weight: 1 })) }
    const second = { fromRound: 9, members: [1, 2, 3, 4, 7].map((id) => ({ id, weight: id === 7 ? 1 : 3 })) }
    const early = createEngine({ config, rosters: [first, second] })
    const late = createEngine({ config, rosters: [first] })
    const next = createGossip({ seed: 3, members: 5, otherParents: 2, branchers: 1, branches: 3 })
    for (let part = 0; part < 20; part++) {
      const events = next(50, early.decidedRound() + 1)
      insertAll(early, events)
      insertAll(late, events)
      if (part === 1) late.scheduleRoster(second)
      expect(decided(late)).toBe(decided(early))
    }
    expect(early.decidedRound()).toBeGreaterThan(12)
    expect(() => late.scheduleRoster({ fromRound: late.decidedRound() + 1, members: first.members })).toThrow(
      /too late/,
    )
  })
})
