import { describe, expect, test } from 'vitest'
import type { VerifiedEvent } from '@hearsay/dag'
import type { WantFrame } from '@hearsay/gossip'
import { BYTES_PER_MARK, createRepairIndex, isWanted, wantedAs } from '@hearsay/node'
import { createMaker, refer, unsigned } from '../dag/making.ts'
import { createRandom } from '../dag/random.ts'

const MEMBERS = [1, 2, 3]
const maker = createMaker(3, unsigned)

const wantOf = (change: Partial<WantFrame>): WantFrame => ({
  kind: 'want',
  request: 1,
  frontier: new Map(),
  missing: [],
  maxBytes: 2 ** 30,
  ancientThreshold: 1,
  ...change,
})

interface Noted {
  readonly offset: number
  readonly event: VerifiedEvent
}

/** A journal of random events in which parents come first, with branches now and then. */
function drawJournal(seed: number) {
  const random = createRandom(seed)
  const index = createRepairIndex(MEMBERS)
  const journal: Noted[] = []
  const tips = new Map<number, VerifiedEvent>()
  let offset = 0
  for (let i = 0; i < 400; i++) {
    const creator = 1 + random.below(3)
    const tip = tips.get(creator)
    const birthRound = 1 + Math.floor(i / 20)
    const event =
      tip === undefined ? maker.event({ creator, birthRound }) : maker.child(tip, [], { birthRound })
    if (random.below(15) > 0) tips.set(creator, event)
    index.note(offset, event.bytes)
    journal.push({ offset, event })
    offset += random.below(2) === 0 ? event.bytes.length : random.below(BYTES_PER_MARK / 4)
  }
  return { random, index, journal, end: offset }
}

describe('where to begin', () => {
  test('nothing before the place is wanted, and it is not far from the first that is', () => {
    let skipped = 0
    for (let seed = 1; seed <= 60; seed++) {
      const { random, index, journal } = drawJournal(seed)
      for (let i = 0; i < 40; i++) {
        const named = journal[random.below(journal.length)]!.event
        const want = wantOf({
          frontier: new Map(MEMBERS.map((creator) => [creator, random.below(160)])),
          missing: random.below(3) === 0 ? [refer(named)] : [],
          ancientThreshold: 1 + (random.below(2) === 0 ? 0 : random.below(22)),
        })
        const start = index.startFor(want)
        const wanted = journal.filter(({ event }) => isWanted(want, event.bytes))
        const first = wanted[0]?.offset ?? Infinity
        expect(first, `seed ${seed}, want ${i}`).toBeGreaterThanOrEqual(start)
        if (start > 0) skipped += 1
      }
    }
    expect(skipped).toBeGreaterThan(500)
  })

  test('who knows all begins at the last mark, who knows nothing at the beginning', () => {
    const { index, journal, end } = drawJournal(1)
    const frontier = new Map(MEMBERS.map((creator) => [creator, 1_000]))
    expect(index.startFor(wantOf({ frontier }))).toBeGreaterThan(end - 2 * BYTES_PER_MARK)
    expect(index.startFor(wantOf({}))).toBe(0)
    // A member that the asker has never heard of, even one.
    expect(index.startFor(wantOf({ frontier: new Map([...frontier, [2, 0]]) }))).toBe(0)
    expect(index.startFor(wantOf({ frontier, missing: [refer(journal[0]!.event)] }))).toBe(0)
    // What is ancient to the asker is not read for it, whatever it lacks.
    expect(index.startFor(wantOf({ ancientThreshold: 1_000 }))).toBeGreaterThan(end - 2 * BYTES_PER_MARK)
    const later = index.startFor(wantOf({ ancientThreshold: 15 }))
    expect(later).toBeGreaterThan(0)
    expect(later).toBeLessThanOrEqual(journal.find(({ event }) => event.birthRound === 15)!.offset)
  })

  test('one mark for so many bytes', () => {
    const { index, end } = drawJournal(2)
    expect(index.markCount()).toBeLessThanOrEqual(1 + end / BYTES_PER_MARK)
    expect(createRepairIndex(MEMBERS).startFor(wantOf({}))).toBe(0)
  })
})

describe('what is wanted', () => {
  const event = maker.event({ creator: 2, birthRound: 5 })
  const wanted = (change: Partial<WantFrame>) => wantedAs(wantOf(change), event.bytes)

  test('what is beyond the frontier', () => {
    expect(wanted({})).toBe('beyond')
    expect(wanted({ frontier: new Map([[2, 0]]) })).toBe('beyond')
    expect(wanted({ frontier: new Map([[2, 1]]) })).toBeUndefined()
    expect(wanted({ frontier: new Map([[1, 1]]) })).toBe('beyond')
  })

  test('what a name may stand for: the creator, from the birth round on', () => {
    const frontier = new Map([[2, 9]])
    const named = (creator: number, birthRound: number) =>
      wanted({ frontier, missing: [{ creator, birthRound, id: new Uint8Array(32) }] })
    expect(named(2, 5)).toBe('named')
    expect(named(2, 4)).toBe('named')
    expect(named(2, 6)).toBeUndefined()
    expect(named(1, 5)).toBeUndefined()
  })

  test('nothing that is ancient to the asker', () => {
    expect(wanted({ ancientThreshold: 5 })).toBe('beyond')
    expect(wanted({ ancientThreshold: 6 })).toBeUndefined()
    expect(wanted({ ancientThreshold: 6, missing: [refer(event)] })).toBeUndefined()
  })
})
