/** The traps that random graphs meet too seldom, drawn by hand. What must come out is written down, not computed. */
import { describe, expect, it } from 'vitest'
import { compare } from './compare.ts'
import type { Dag } from './dag.ts'
import { createDrawing, delaying, timeOf } from './drawing.ts'
import type { Drawing } from './drawing.ts'
import { NO_ROUND } from './election.ts'
import { orderByEngine } from './engine.ts'
import type { Reference } from './model.ts'
import { createRandom } from './random.ts'
import { splitVotes } from './split.ts'

const FOUR = { a: 1, b: 1, c: 1, d: 1 }

/** What the model says, after making sure that the engine says the same: as given, shuffled, from every snapshot. */
function onBoth(dag: Dag): Reference {
  const { reference, difference } = compare(dag, orderByEngine)
  expect(difference).toBe(null)
  return reference
}

function judgesOf(drawing: Drawing, { expected }: Reference): string[] {
  return expected.rounds.map((r) => drawing.names(r.judges))
}

function orderOf(drawing: Drawing, { expected }: Reference): string[] {
  return expected.rounds.map((r) => drawing.names(r.events.map((e) => e.id)))
}

describe('a full lattice of four', () => {
  it('decides a round every two layers and orders each layer by time', () => {
    const drawing = createDrawing(FOUR)
    drawing.layers(9, 'abcd')
    const reference = onBoth(drawing.dag())
    expect(judgesOf(drawing, reference)).toEqual(['a0 b0 c0 d0', 'a2 b2 c2 d2', 'a4 b4 c4 d4'])
    // c0 and d0 are known to A and B (and their creator) at the time of b1, a0 and b0 to a third member only at that of c1.
    expect(orderOf(drawing, reference)).toEqual(['', 'c0 d0 a0 b0 c1 d1 b1 a1', 'd2 c2 b2 a2 d3 c3 a3 b3'])
    expect(reference.expected.rounds[1]!.events.map((e) => e.timestamp - timeOf(1, 'a'))).toEqual([
      10, 11, 20, 21, 1010, 1011, 1020, 1021,
    ])
    expect(reference.events.get(drawing.id('b2'))).toEqual({
      election: 3,
      round: 2,
      witness: true,
      fame: 'famous',
    })
  })
})

function drawUnheard(coinFrequency: number): Drawing {
  const drawing = createDrawing(FOUR, { coinFrequency })
  drawing.event('d0', '', { timestamp: 999_000 })
  drawing.layers(9, 'abc')
  return drawing
}

/**
 *   a4  b4  c4          D made one event that nobody heard of. It is a witness of
 *   | X | X |           round 1 all the same. Whoever is given it early has four
 *   a0  b0  c0     d0   candidates, whoever is given it late has three.
 */
describe('a witness that nobody heard of', () => {
  const wanted = ['a0 b0 c0', 'a2 b2 c2', 'a4 b4 c4']

  it('given first, is voted down', () => {
    const drawing = drawUnheard(12)
    const reference = onBoth(drawing.dag())
    expect(judgesOf(drawing, reference)).toEqual(wanted)
    expect(reference.events.get(drawing.id('d0'))).toMatchObject({
      election: 1,
      round: 1,
      fame: 'not famous',
    })
    expect(reference.marks.has('late witness')).toBe(false)
  })

  it('given late but before the decision, is no candidate', () => {
    const drawing = drawUnheard(2)
    const early = onBoth(drawing.dag())
    const late = onBoth(delaying(drawing.dag(), [drawing.id('d0')], drawing.id('a5')))
    expect(judgesOf(drawing, late)).toEqual(wanted.slice(0, 2))
    expect(late.expected).toEqual(early.expected)
    expect(late.marks.get('late witness')).toBe(1)
    expect(late.events.get(drawing.id('d0'))).toMatchObject({ election: 1, round: 1, fame: 'not famous' })
  })

  it('given after the decision, has no round and changes nothing', () => {
    const drawing = drawUnheard(12)
    const early = onBoth(drawing.dag())
    const late = onBoth(delaying(drawing.dag(), [drawing.id('d0')], drawing.id('b4')))
    expect(late.expected).toEqual(early.expected)
    expect(late.events.get(drawing.id('d0'))).toEqual({
      election: 2,
      round: NO_ROUND,
      witness: false,
      fame: null,
    })
  })
})

/**
 *   a10 b10 c10 d11     After round 1 was decided D loses its disk and makes a
 *     \  |  /   |       second first event d10. It must not start in round 1:
 *    (lattice) d10      it has no round at all, and d11 has that of its other-parents.
 */
describe('a parentless event after genesis', () => {
  it('has no round, holds up nobody, and is ordered when judges have it as ancestor', () => {
    const drawing = createDrawing(FOUR)
    drawing.layers(6, 'abcd')
    drawing.event('d90', '', { birthRound: 1, timestamp: timeOf(5, 'd') + 1 })
    drawing.event('d91', 'd90 a5', { birthRound: 2, timestamp: timeOf(5, 'd') + 2 })
    drawing.layers(10, 'abcd')
    const reference = onBoth(drawing.dag())
    expect(reference.marks.get('parentless after genesis')).toBeGreaterThan(0)
    expect(reference.events.get(drawing.id('d90'))!.round).toBe(NO_ROUND)
    expect(reference.events.get(drawing.id('d91'))!.round).toBe(3)
    const place = orderOf(drawing, reference).findIndex((names) => names.includes('d90 '))
    expect(place).toBe(3)
    expect(reference.expected.decidedRound).toBe(6)
  })
})

/**
 *        a4   b4   c4
 *      /  |  X  | X |
 *    d3---a3   b3   c3    d3 is D's first event of round 2, on a3 of round 2: a
 *         |  X  | X |     witness of round 2 that descends from the witnesses
 *         a2   b2   c2    a2, b2 and c2. All four become judges of round 2.
 */
describe('a judge that descends from a judge', () => {
  it('keeps the round that its parents give it when the base moves', () => {
    const drawing = createDrawing(FOUR)
    drawing.layers(2, 'abcd')
    drawing.layers(2, 'abc')
    drawing.event('d3', 'd1 a3', { timestamp: timeOf(3, 'd') })
    drawing.layers(9, 'abcd')
    const reference = onBoth(drawing.dag())
    expect(judgesOf(drawing, reference)[1]).toBe('a2 b2 c2 d3')
    expect(reference.marks.get('judge descending from a judge')).toBeGreaterThan(0)
    expect(reference.events.get(drawing.id('a2'))).toMatchObject({ election: 3, round: 2 })
    expect(reference.events.get(drawing.id('d3'))).toMatchObject({ election: 3, round: 2, witness: true })
    expect(orderOf(drawing, reference)[1]).toBe('d0 c0 a0 b0 c1 b1 a1')
  })
})

function drawWithheld(): Drawing {
  const drawing = createDrawing(FOUR, { roundsNonAncient: 4 })
  drawing.layer('abcd')
  drawing.event('d1', 'd0', { birthRound: 1, timestamp: timeOf(1, 'd') })
  drawing.layers(19, 'abc')
  drawing.event('d99', 'd1 a19', { birthRound: 9, timestamp: timeOf(19, 'd') })
  drawing.layers(9, 'abcd')
  return drawing
}

/**
 *   a20 b20 c20 d20
 *    | X | X | X |
 *   a19 b19 c19 d99    d1 was made early and shown to nobody until its child d99.
 *    |   |   |   |     One node has had it all the time, the other is given it
 *    (lattice)   d1    when it is ancient already. Neither may order it.
 */
describe('an event that is ancient on one node only', () => {
  it('is stale on both, and all else is the same', () => {
    const drawing = drawWithheld()
    const held = onBoth(drawing.dag())
    const refused = onBoth(delaying(drawing.dag(), [drawing.id('d1')], drawing.id('d99')))
    expect(refused.expected).toEqual(held.expected)
    expect(held.marks.has('ancient on arrival')).toBe(false)
    expect(refused.marks.get('ancient on arrival')).toBe(1)
    const ordered = orderOf(drawing, held).join(' ').split(' ')
    expect(ordered).toContain('d99')
    expect(ordered).not.toContain('d1')
  })

  it('the threshold follows the birth rounds of the judges, and never goes back', () => {
    const { expected } = onBoth(drawWithheld().dag())
    expect(expected.rounds.map((r) => r.ancientThreshold)).toEqual([1, 1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8])
  })
})

/**
 *   c2          D shows d1 to A and d2, on the same d0, to B.
 *   | \ \       C hears of both at once. The branch that comes
 *   a1 b1 |     by the first parent is kept; nobody strongly sees
 *   |   \ |     witnesses of both.
 *   d1   d2
 *     \ /
 *     d0
 */
describe('a member with two branches', () => {
  it('is judged by one of them, and every event of both is ordered once', () => {
    const drawing = createDrawing({ a: 1, b: 1, c: 1, d: 1, e: 1 })
    drawing.event('d80', '', { id: '80'.repeat(32), timestamp: 900_000 })
    drawing.event('d90', '', { id: '70'.repeat(32), timestamp: 900_000 })
    drawing.layer('abce')
    drawing.event('a80', 'a0 d80')
    drawing.event('e80', 'e0 d80')
    drawing.event('b90', 'b0 d90')
    drawing.event('c90', 'c0 d90')
    drawing.layers(14, 'abce')
    const reference = onBoth(drawing.dag())
    const ordered = orderOf(drawing, reference).join(' ').split(' ')
    expect(reference.marks.get('branch passed over')).toBeGreaterThan(0)
    expect(ordered.filter((name) => name === 'd80' || name === 'd90').toSorted()).toEqual(['d80', 'd90'])
    expect(judgesOf(drawing, reference)[0]).toMatch(/^a0 b0 c0( d[89]0)? e0$/)
  })
})

/**
 *   e4 (round 3)     a5 (round 3)     Of seven members five are a quorum. e2 alone does not
 *   |   \           / |   \           know f0, so e4, which strongly sees a2 … e2, leaves f0
 *   a3 … e3       a4 b4 c4 g3         undecided. Then g0 turns up. a5 strongly sees a2 … d2,
 *   | X |          |  | X  |  |       f2 and g2, but not e2 (only through A, B, C and E): six
 *   a2 … d2  e2   a3 b3 c3 f2 g2      times yes on f0, and four
 *   |  X      |             \  |      against two on g0: not strong. Yet a5 decides round 1,
 *   a0 … e0   f0               g0     as e4 has (or would have) settled g0 already.
 */
function drawTurningUp(): Drawing {
  const drawing = createDrawing({ a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1 })
  for (const letter of 'abcdef') drawing.event(`${letter}0`, '')
  for (const letter of 'abcde') drawing.event(`${letter}1`, 'a0 b0 c0 d0 e0')
  drawing.event('f1', 'f0 a0 b0 c0 d0')
  drawing.event('e2', 'e1 a1 b1 c1 d1')
  for (const letter of 'abcd') drawing.event(`${letter}2`, 'a1 b1 c1 d1 e1 f1')
  for (const letter of 'abcde') drawing.event(`${letter}3`, 'a2 b2 c2 d2 e2')
  drawing.event('e4', 'e3 a3 b3 c3 d3')
  drawing.event('g0', '')
  drawing.event('g2', 'g0 a1 b1 c1 d1 e1 f1')
  drawing.event('f2', 'f1 a2 b2 c2 d2 g2')
  drawing.event('g3', 'g2 a2 b2 c2 d2 f2')
  for (const letter of 'abc') drawing.event(`${letter}4`, `${letter}3 f2 g2`)
  drawing.event('a5', 'a4 b4 c4 g3')
  return drawing
}

describe('a witness that turns up while the election is open', () => {
  it('is not waited for', () => {
    const drawing = drawTurningUp()
    const late = onBoth(drawing.dag())
    const early = onBoth(delaying(drawing.dag(), [drawing.id('g0')], drawing.id('a1')))
    expect(judgesOf(drawing, late)).toEqual(['a0 b0 c0 d0 e0 f0'])
    expect(late.events.get(drawing.id('g0'))).toMatchObject({ election: 1, round: 1, fame: 'not famous' })
    expect(late.marks.get('late witness')).toBe(1)
    expect(early.expected).toEqual(late.expected)
    expect(early.marks.has('late witness')).toBe(false)
  })

  it('changes nothing in the end', () => {
    const drawing = drawTurningUp()
    for (let layer = 6; layer < 14; layer++) {
      const before =
        layer === 6 ? 'a5 b4 c4 d3 e4 f2 g3' : [...'abcdefg'].map((x) => `${x}${layer - 1}`).join(' ')
      for (const letter of 'abcdefg') drawing.event(`${letter}${layer}`, before)
    }
    const late = onBoth(drawing.dag())
    const early = onBoth(delaying(drawing.dag(), [drawing.id('g0')], drawing.id('a1')))
    expect(late.expected.decidedRound).toBeGreaterThan(2)
    expect(early.expected).toEqual(late.expected)
  })
})

/**
 *   a91 … a95           D makes forty first events and shows A ten of them, one at a
 *   | \                 time, B the next ten, and so on: more witnesses of round 1 than
 *   a0  d100 … d139     there are bits in a word. Each of the others keeps the one that
 *                       it heard first, so at most four of them can be famous.
 */
describe('a member with forty first events', () => {
  it('holds up nobody', () => {
    const drawing = createDrawing({ a: 1, b: 1, c: 1, d: 1, e: 1 })
    drawing.layer('abce')
    for (let i = 0; i < 40; i++) drawing.event(`d${100 + i}`, '')
    for (let i = 0; i < 40; i++) {
      const letter = 'abce'[i % 4]!
      drawing.event(`${letter}${91 + i}`, `${i < 4 ? `${letter}0` : `${letter}${91 + i - 4}`} d${100 + i}`)
    }
    drawing.layers(12, 'abce')
    const dag = drawing.dag()
    const reference = onBoth(dag)
    const forty = dag.events.filter((e) => e.creator === 3).map((e) => reference.events.get(e.id)!)
    expect(forty.map((report) => [report.round, report.witness])).toEqual(forty.map(() => [1, true]))
    expect(judgesOf(drawing, reference)[0]).toMatch(/^a0 b0 c0( d\d+)? e0$/)
    expect(
      orderOf(drawing, reference)
        .join(' ')
        .match(/d1\d\d/g)!.length,
    ).toBe(40)
  })
})

describe('the coin round at the default frequency', () => {
  for (const seed of [1, 2, 3]) {
    it(`is reached when the votes are split by a scheduler (seed ${seed})`, () => {
      const reference = onBoth(splitVotes(seed, createRandom(seed)))
      expect(reference.marks.get('coin used at distance >= 12')).toBeGreaterThan(0)
      expect(reference.expected.decidedRound).toBeGreaterThan(1)
    })
  }
})

/**
 *   a7                 From round 3 on A has more than two thirds of the weight and
 *   |                  D none. Then every event that has one of A's as parent
 *   a6  b6  c6  d6     strongly sees it, and each layer is a round of its own: layer 3
 *   | X | X | X |      is round 3 and no longer a part of round 2.
 *   (lattice of four)  Nobody hears of b6 and c6, so they are not famous.
 */
describe('a roster that changes', () => {
  it('rules from its round on, also for events that were given before that round was reached', () => {
    const members = [0, 1, 2].map((id) => ({ id, weight: id === 0 ? 5 : 1 }))
    const drawing = createDrawing(FOUR, {}, [{ fromRound: 3, members }])
    drawing.layers(7, 'abcd')
    drawing.layers(4, 'a')
    const reference = onBoth(drawing.dag())
    const before = ['a0 b0 c0 d0', 'a2 b2 c2 d2']
    expect(judgesOf(drawing, reference)).toEqual([
      ...before,
      'a3 b3 c3',
      'a4 b4 c4',
      'a5 b5 c5',
      'a6',
      'a7',
      'a8',
    ])
    expect(reference.marks.get('roster change')).toBe(1)
    expect(reference.events.get(drawing.id('d6'))).toMatchObject({ round: 6, witness: true, fame: null })
  })
})
