/** What the engine and the replay of interchange files refuse, and that they say which event and which field. */
import { createEngine, replayInterchange } from '@hearsay/consensus'
import type { EngineEvent, EngineOptions } from '@hearsay/consensus'
import { describe, expect, test } from 'vitest'

const config = { coinFrequency: 12, roundsNonAncient: 26 }
const members = [0, 1, 2, 3].map((id) => ({ id, weight: 1 }))
const options: EngineOptions = { config, rosters: [{ fromRound: 1, members }] }

function event(creator: number, change: Partial<EngineEvent> = {}): EngineEvent {
  const id = new Uint8Array(32).fill(creator)
  return {
    id,
    creator,
    selfParent: -1,
    otherParents: [],
    birthRound: 1,
    timestamp: 10,
    coin: 0,
    transactionCount: 0,
    ...change,
  }
}

describe('options', () => {
  const rosters = (...list: unknown[]): EngineOptions => ({
    config,
    rosters: list as EngineOptions['rosters'],
  })
  test.each<[string, EngineOptions, RegExp]>([
    ['no roster', rosters(), /there is none/],
    ['an empty roster', rosters({ fromRound: 1, members: [] }), /no members/],
    ['a roster that begins too late', rosters({ fromRound: 2, members }), /none rules round 1/],
    [
      'rosters out of order',
      rosters({ fromRound: 1, members }, { fromRound: 1, members }),
      /does not come after 1/,
    ],
    [
      'a member twice',
      rosters({ fromRound: 1, members: [...members, members[0]] }),
      /member 0 stands in it twice/,
    ],
    ['a weight of 0', rosters({ fromRound: 1, members: [{ id: 5, weight: 0 }] }), /weight 0 of member 5/],
    [
      'a weight that is not whole',
      rosters({ fromRound: 1, members: [{ id: 5, weight: 1.5 }] }),
      /weight 1.5/,
    ],
    [
      'a sum above 2^53 - 1',
      rosters({ fromRound: 1, members: [0, 1].map((id) => ({ id, weight: 2 ** 52 })) }),
      /sum/,
    ],
    ['a coin frequency of 1', { ...options, config: { ...config, coinFrequency: 1 } }, /coinFrequency/],
    ['no round non-ancient', { ...options, config: { ...config, roundsNonAncient: 0 } }, /roundsNonAncient/],
    [
      'a snapshot without judges',
      { ...options, snapshot: { round: 3, judges: [], ancientThreshold: 1, lastTimestamp: 5, nextOrder: 5 } },
      /round 3 with 0 judges/,
    ],
  ])('%s', (_, bad, message) => expect(() => createEngine(bad)).toThrow(message))
})

describe('events that break an invariant', () => {
  test.each<[string, EngineEvent, RegExp]>([
    ['an unknown handle', event(0, { selfParent: 7 }), /handle 7/],
    [
      'a self-parent by another',
      event(1, { selfParent: 0, timestamp: 11 }),
      /self-parent of an event by 1 is by 0/,
    ],
    ['an other-parent of its own', event(0, { otherParents: [0] }), /other-parent of an event by 0 is by 0/],
    ['a time not after the self-parent', event(0, { selfParent: 0 }), /not later than its self-parent/],
    [
      'two parents by one',
      event(1, { otherParents: [0, 2], birthRound: 2 }),
      /two parents of an event by 1 are by 0/,
    ],
    ['a birth round before a parent', event(1, { otherParents: [2] }), /birth round 1/],
    ['a short id', event(1, { id: new Uint8Array(31) }), /id/],
    ['a birth round of 0.5', event(1, { birthRound: 1.5 }), /birthRound/],
    ['a time that is no integer', event(1, { timestamp: Number.NaN }), /timestamp/],
    ['a count below 0', event(1, { transactionCount: -1 }), /transactionCount/],
  ])('%s', (_, bad, message) => {
    const engine = createEngine(options)
    expect(engine.insert(event(0))).toBe(0)
    expect(engine.insert(event(2))).toBe(1)
    expect(engine.insert(event(0, { selfParent: 0, timestamp: 11, birthRound: 2 }))).toBe(2)
    expect(() => engine.insert(bad)).toThrow(/^invariant: /)
    expect(() => engine.insert(bad)).toThrow(message)
    // A refused event leaves no trace.
    expect(engine.insert(event(3))).toBe(3)
  })
})

const hex = (n: number): string => n.toString(16).padStart(64, '0')
const line = (n: number, creator: number, change: object = {}): object => ({
  id: hex(n),
  creator,
  selfParent: null,
  otherParents: [],
  birthRound: 1,
  timestamp: 10 + n,
  coin: 0,
  transactionCount: 1,
  ...change,
})
const file = (...events: unknown[]): object => ({
  name: 'x',
  config,
  rosters: [{ fromRound: 1, members }],
  snapshot: null,
  events,
})

describe('interchange files', () => {
  test('a good one', () => {
    expect(
      replayInterchange(file(line(1, 0), line(2, 1, { otherParents: [hex(1), hex(99)] }))),
    ).toStrictEqual({
      decidedRound: 0,
      rounds: [],
    })
  })

  test.each<[string, unknown, RegExp]>([
    ['no object', 5, /^file: not an object/],
    ['no config', { ...file(), config: undefined }, /^config: not an object/],
    ['a config without a number', { ...file(), config: { coinFrequency: '12' } }, /^config: coinFrequency/],
    ['no events', { ...file(), events: {} }, /^file: events is not a list/],
    [
      'a roster without members',
      { ...file(), rosters: [{ fromRound: 1 }] },
      /^rosters\[0\]: members is not a list/,
    ],
    [
      'a bad weight',
      { ...file(), rosters: [{ fromRound: 1, members: [{ id: 1, weight: 0 }] }] },
      /members\[0\]: weight/,
    ],
    ['a bad snapshot', { ...file(), snapshot: { round: 1 } }, /^snapshot: judges is not a list/],
    ['an event that is null', file(null), /^events\[0\]: not an object/],
    ['an id in capitals', file(line(1, 0, { id: hex(171).toUpperCase() })), /^events\[0\]: id is not 64/],
    ['an id twice', file(line(1, 0), line(1, 1)), /^events\[1\]: id .* stands at events\[0\]/],
    ['a creator that is text', file(line(1, 0, { creator: 'a' })), /^events\[0\] \(0+1\): creator/],
    ['a creator above 2^32', file(line(1, 2 ** 32)), /creator is not an unsigned/],
    ['a coin of 2', file(line(1, 0, { coin: 2 })), /coin is neither/],
    ['a birth round of 0', file(line(1, 0, { birthRound: 0 })), /birthRound/],
    ['a time below 0', file(line(1, 0, { timestamp: -1 })), /timestamp/],
    ['a count that is not whole', file(line(1, 0, { transactionCount: 0.5 })), /transactionCount/],
    ['no other-parents', file(line(1, 0, { otherParents: null })), /otherParents is not a list/],
    ['no self-parent', file(line(1, 0, { selfParent: undefined })), /selfParent/],
    ['a parent that is a number', file(line(1, 0, { otherParents: [5] })), /otherParents\[0\] is not 64/],
    [
      'a child before its parent',
      file(line(2, 0, { otherParents: [hex(3)] }), line(3, 1)),
      /events\[0\].* does not come before/,
    ],
    ['itself as parent', file(line(2, 0, { selfParent: hex(2) })), /does not come before/],
    [
      'a self-parent by another',
      file(line(1, 0), line(2, 1, { selfParent: hex(1) })),
      /selfParent is by 0, not by 1/,
    ],
    [
      'an old child',
      file(line(1, 0, { birthRound: 3 }), line(2, 1, { otherParents: [hex(1)] })),
      /birthRound 1 is before/,
    ],
    [
      'a time that does not grow',
      file(line(9, 0), line(2, 0, { selfParent: hex(9) })),
      /timestamp is not greater/,
    ],
    [
      'two parents by one',
      file(line(1, 0), line(2, 0), line(3, 1, { otherParents: [hex(1), hex(2)] })),
      /otherParents\[1\] is by 0/,
    ],
    [
      'an other-parent of its own',
      file(line(1, 0), line(3, 0, { otherParents: [hex(1)] })),
      /otherParents\[0\] is by 0/,
    ],
  ])('%s', (_, bad, message) => expect(() => replayInterchange(bad)).toThrow(message))
})
