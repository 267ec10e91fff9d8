/** Numbers at their edges: thresholds, medians, slots, ties. Lattices as in drawing.ts; results written down by hand. */
import { describe, expect, it } from 'vitest'
import { compare } from './compare.ts'
import type { Dag } from './dag.ts'
import { createDrawing, memberOf, timeOf } from './drawing.ts'
import type { Drawing } from './drawing.ts'
import { orderByEngine } from './engine.ts'
import type { Reference } from './model.ts'

function onBoth(dag: Dag): Reference {
  const { reference, difference } = compare(dag, orderByEngine)
  expect(difference).toBe(null)
  return reference
}

function orderOf(drawing: Drawing, { expected }: Reference): string[] {
  return expected.rounds.map((r) => drawing.names(r.events.map((e) => e.id)))
}

function timesOf({ expected }: Reference, round: number): number[] {
  return expected.rounds[round - 1]!.events.map((e) => e.timestamp)
}

/** Only the members of `present` make events; do they decide rounds? */
describe('more than two thirds, by total modulo three', () => {
  const table: [string, Record<string, number>, string, boolean][] = [
    ['2 of 3', { a: 1, b: 1, c: 1 }, 'ab', false],
    ['3 of 3', { a: 1, b: 1, c: 1 }, 'abc', true],
    ['2 of 4', { a: 1, b: 1, c: 1, d: 1 }, 'ab', false],
    ['3 of 4', { a: 1, b: 1, c: 1, d: 1 }, 'abc', true],
    ['3 of 5', { a: 1, b: 1, c: 1, d: 1, e: 1 }, 'abc', false],
    ['4 of 5', { a: 1, b: 1, c: 1, d: 1, e: 1 }, 'abcd', true],
    ['4 of 6 in two', { a: 3, b: 1, c: 2 }, 'ab', false],
    ['5 of 6 in two', { a: 3, b: 2, c: 1 }, 'ab', true],
    ['1 of 1', { a: 1 }, 'a', true],
    ['1 of 2', { a: 1, b: 1 }, 'a', false],
    ['2 of 2', { a: 1, b: 1 }, 'ab', true],
    ['2 of 3 in one', { a: 2, b: 1 }, 'a', false],
    ['3 of 4 in one', { a: 3, b: 1 }, 'a', true],
    ['two thirds of 2^53 − 2', { a: 6004799503160660, b: 3002399751580330 }, 'a', false],
    ['one more than that', { a: 6004799503160661, b: 3002399751580329 }, 'a', true],
    ['just more than two thirds of 2^53 − 1', { a: 6004799503160661, b: 3002399751580330 }, 'a', true],
    ['just less than two thirds of 2^53 − 1', { a: 6004799503160660, b: 3002399751580331 }, 'a', false],
    [
      'two thirds of 2^53 − 2 in two',
      { a: 3002399751580330, b: 3002399751580330, c: 3002399751580330 },
      'ab',
      false,
    ],
    [
      'one more than that in two',
      { a: 3002399751580330, b: 3002399751580331, c: 3002399751580329 },
      'ab',
      true,
    ],
  ]
  for (const [name, weights, present, decides] of table) {
    it(`${name}: ${decides ? 'decides' : 'does not'}`, () => {
      const drawing = createDrawing(weights)
      drawing.layers(9, present)
      expect(onBoth(drawing.dag()).expected.decidedRound > 0).toBe(decides)
    })
  }
})

describe('judges', () => {
  it('are listed by the number of their member, not by its digits or its place in the roster', () => {
    const numbers: Record<string, number> = { a: 2 ** 32 - 1, b: 100, c: 9, d: 10 }
    const drawing = createDrawing({ a: 1, b: 1, c: 1, d: 1 }, {}, [], (letter) => numbers[letter]!)
    drawing.layers(7, 'abcd')
    const { expected } = onBoth(drawing.dag())
    expect(expected.rounds.map((r) => drawing.names(r.judges))).toEqual(['c0 d0 b0 a0', 'c2 d2 b2 a2'])
  })
})

/**
 *   a90 b90 c90 e90     D shows d8 to A and B, and d9 to C and E; neither has a parent.
 *   | \ / |  | \ / |    Each of the four keeps what it heard first, so in round 2 four
 *   a0 d8 b0 c0 d9 e0   of eight vote yes on d8 and four on d9. In round 3 a tie is a
 *                       yes, and in round 4 both are famous: one has to be chosen.
 */
describe('two famous witnesses of one creator', () => {
  const table: [string, string, string, string][] = [
    ['the lesser id', '10', '20', 'd8'],
    ['as unsigned bytes', '80', '7f', 'd9'],
    ['as bytes, not as text in capitals', 'a0', '9f', 'd9'],
  ]
  for (const [name, d8, d9, judge] of table) {
    it(`${name}: ${judge}`, () => {
      const drawing = createDrawing({ a: 2, b: 2, c: 2, d: 1, e: 2 })
      drawing.event('d8', '', { id: d8.repeat(32), timestamp: 1 })
      drawing.event('d9', '', { id: d9.repeat(32), timestamp: 1 })
      drawing.layer('abce')
      for (const letter of 'ab') drawing.event(`${letter}90`, `${letter}0 d8`)
      for (const letter of 'ce') drawing.event(`${letter}90`, `${letter}0 d9`)
      drawing.layers(10, 'abce')
      const reference = onBoth(drawing.dag())
      const fame = ['d8', 'd9'].map((d) => reference.events.get(drawing.id(d))!.fame)
      expect(fame).toEqual(['famous', 'famous'])
      expect(drawing.names(reference.expected.rounds[0]!.judges)).toBe(`a0 b0 c0 ${judge} e0`)
      expect(reference.marks.get('two famous witnesses of one creator')).toBe(1)
    })
  }
})

describe('the median time', () => {
  it('of an even number of equal judges is the upper of the middle two', () => {
    // a0 is known to A at time 0, to B, C, D with their event of layer 1: of {a0, b1, c1, d1} it is c1's.
    const drawing = createDrawing({ a: 1, b: 1, c: 1, d: 1 })
    drawing.layers(7, 'abcd')
    const reference = onBoth(drawing.dag())
    const a0 = reference.expected.rounds[1]!.events.find((e) => e.id === drawing.id('a0'))!
    const first = reference.expected.rounds[1]!.events.filter((e) => e.timestamp < timeOf(1, 'c'))
    expect(a0.timestamp).toBe(timeOf(1, 'c'))
    expect(drawing.names(first.map((e) => e.id))).toBe('c0 d0')
  })

  it('waits for more than half of the judges’ weight, not of their number', () => {
    // Weights 4, 1, 1, 2. Of {a0, b1, c1, d1} it is b1's: 4 of 8 is not more than half, 5 is. Of {a1, b0, c1, d1} it is
    // a1's, and so for c0 and d0: these three are one apart.
    const drawing = createDrawing({ a: 4, b: 1, c: 1, d: 2 })
    drawing.layers(7, 'abcd')
    const reference = onBoth(drawing.dag())
    const start = timeOf(1, 'a')
    expect(timesOf(reference, 2).slice(0, 4)).toEqual([start, start + 1, start + 2, timeOf(1, 'b')])
    expect(orderOf(drawing, reference)[1]!.split(' ')[3]).toBe('a0')
  })

  it('stays among the honest clocks when most members, with little weight, lie', () => {
    const drawing = createDrawing({ a: 10, b: 10, c: 10, d: 3, e: 3, f: 3, g: 3 })
    const lies: Record<string, number> = { d: 2 ** 50, e: 2 ** 50, f: -900_000, g: -900_000 }
    for (let layer = 0; layer < 9; layer++) {
      drawing.layer('abcdefg', (name) => ({ timestamp: timeOf(layer, name[0]!) + (lies[name[0]!] ?? 0) }))
    }
    const reference = onBoth(drawing.dag())
    const times = reference.expected.rounds.flatMap((r) => r.events.map((e) => e.timestamp))
    expect(times.length).toBe(28)
    expect(Math.min(...times)).toBeGreaterThanOrEqual(timeOf(0, 'a'))
    expect(Math.max(...times)).toBeLessThanOrEqual(timeOf(5, 'a'))
  })

  it('is compared as a number where digits are added', () => {
    const drawing = createDrawing({ a: 1, b: 1, c: 1, d: 1 })
    const start: Record<string, number> = { a: 7, b: 8, c: 9, d: 10 }
    for (let layer = 0; layer < 9; layer++) {
      drawing.layer('abcd', (name) => ({ timestamp: start[name[0]!]! + 45 * layer, transactionCount: 0 }))
    }
    const reference = onBoth(drawing.dag())
    const [first, ...second] = [timesOf(reference, 2), timesOf(reference, 3)]
    // Layer 0 at 53 and 54, layer 1 at 98 and 99, each pair pushed apart by one; then layer 2 at 143 and so on.
    expect(first).toEqual([53, 54, 55, 56, 98, 99, 100, 101])
    expect(second[0]).toEqual([143, 144, 145, 146, 188, 189, 190, 191])
  })
})

describe('equal median times', () => {
  it('are broken by rank, then by whitened id', () => {
    // One clock for all: every event of layers 0 and 1 gets the time of layer 1 or 2. Ranks keep layer 0 first.
    // Judges 2x…, 4x…, 8x…, 1x… (first byte) whiten with their XOR 0xf0.
    const drawing = createDrawing({ a: 1, b: 1, c: 1, d: 1 })
    const firstByte: Record<string, string> = {
      a2: '20',
      b2: '40',
      c2: '80',
      d2: '10',
      a0: '01',
      b0: 'f3',
      c0: 'f1',
      d0: '81',
    }
    for (let layer = 0; layer < 7; layer++) {
      drawing.layer('abcd', (name) => {
        const byte = firstByte[name]
        const id = byte === undefined ? {} : { id: `${byte}${'5a'.repeat(31)}` }
        return { timestamp: 5_000 + layer, transactionCount: 0, ...id }
      })
    }
    const reference = onBoth(drawing.dag())
    // f1 ^ f0 = 01 (c0), f3 ^ f0 = 03 (b0), 81 ^ f0 = 71 (d0), 01 ^ f0 = f1 (a0)
    expect(orderOf(drawing, reference)[1]!.slice(0, 11)).toBe('c0 b0 d0 a0')
    expect(timesOf(reference, 2).slice(0, 4)).toEqual([5_001, 5_002, 5_003, 5_004])
  })
})

describe('an event with k transactions', () => {
  it('leaves k slots, one if it has none', () => {
    // c0 and d0 share one median time, a0 and b0 one that is 10 later.
    const drawing = createDrawing({ a: 1, b: 1, c: 1, d: 1 })
    const counts: Record<string, number> = { c0: 3, d0: 0, a0: 20, b0: 1 }
    for (let layer = 0; layer < 7; layer++)
      drawing.layer('abcd', (name) => ({ transactionCount: counts[name] ?? 0 }))
    const reference = onBoth(drawing.dag())
    const order = orderOf(drawing, reference)[1]!.split(' ').slice(0, 4)
    const times = timesOf(reference, 2)
    expect(order).toEqual(['c0', 'd0', 'a0', 'b0'])
    expect(times[0]).toBe(timeOf(1, 'b'))
    expect(times[1]).toBe(times[0]! + 3)
    expect(times[2]).toBe(timeOf(1, 'c'))
    expect(times[3]).toBe(times[2]! + 20)
  })

  it('leaves its slots also across the end of a round', () => {
    const drawing = createDrawing({ a: 1, b: 1, c: 1, d: 1 })
    for (let layer = 0; layer < 9; layer++) {
      drawing.layer('abcd', (name) => ({ transactionCount: name[1] === '1' ? 100_000 : 1 }))
    }
    const { expected } = onBoth(drawing.dag())
    const [, second, third] = expected.rounds
    expect(second!.lastTimestamp).toBe(second!.events.at(-1)!.timestamp + 99_999)
    expect(third!.events[0]!.timestamp).toBe(second!.lastTimestamp + 1)
  })
})

/**
 *   a4          A alone has more than two thirds of the weight, so every layer
 *   | \         is a round of its own.
 *   a3 b93      Round 1: judges a0 and b0, nothing below both.
 *   | / |       Round 2: b1 was heard by nobody, so a1 is the only judge.
 *   a2  |       Round 3: the only judge a2 receives itself.
 *   |   |       Round 4: judges a3 and b93 have only a2 in common: nothing to order.
 *   a1  b1
 *   | X |
 *   a0  b0
 */
describe('a round that receives nothing', () => {
  it('gives the weighted median of the judges’ own times if it is the first, else one more than the last time', () => {
    const drawing = createDrawing({ a: 5, b: 1 })
    drawing.layers(2, 'ab')
    drawing.event('a2', 'a1', { timestamp: timeOf(2, 'a'), transactionCount: 0 })
    drawing.event('b93', 'b1 a2', { timestamp: timeOf(3, 'b') })
    drawing.event('a3', 'a2', { timestamp: timeOf(3, 'a') })
    drawing.event('a4', 'a3 b93', { timestamp: timeOf(4, 'a') })
    drawing.event('a5', 'a4', { timestamp: timeOf(5, 'a') })
    const reference = onBoth(drawing.dag())
    const { rounds } = reference.expected
    expect(rounds.map((r) => drawing.names(r.judges))).toEqual(['a0 b0', 'a1', 'a2', 'a3 b93'])
    expect(orderOf(drawing, reference).map((names) => names.split(' ').toSorted().join(' '))).toEqual([
      '',
      'a0 a1 b0',
      'a2',
      '',
    ])
    expect(rounds[0]!.lastTimestamp).toBe(timeOf(0, 'a'))
    expect(rounds[2]!.lastTimestamp).toBe(timeOf(2, 'a'))
    expect(rounds[3]!.lastTimestamp).toBe(timeOf(2, 'a') + 1)
    expect(memberOf('b')).toBe(1)
  })
})
