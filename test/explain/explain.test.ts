/** What explanations look like as data and as text, for every way in which an event can end, and what is refused. */
import {
  createExplainer,
  explanationText,
  NO_EVENT,
  type EngineEvent,
  type Explanation,
} from '@hearsay/consensus'
import { fromHex } from '@hearsay/dag'
import { describe, expect, test } from 'vitest'
import type { Dag } from '../reference/dag.ts'
import { caseNames, explainAll, readCase } from './reading.ts'

function all(dag: Dag): Explanation[] {
  const { of } = explainAll(dag)
  return dag.events.map(({ id }) => of(id))
}

const explanations = new Map(caseNames.map((name) => [name, all(readCase(name))]))

/** The first explanation of any case that is like that. */
function first(like: (e: Explanation) => boolean): Explanation {
  for (const each of explanations.values()) {
    const found = each.find(like)
    if (found !== undefined) return found
  }
  throw new Error('no event is like that')
}

const event = (last: string, more: Partial<EngineEvent> = {}): EngineEvent => ({
  id: fromHex(last.padStart(64, '0'))!,
  creator: 0,
  selfParent: NO_EVENT,
  otherParents: [NO_EVENT],
  birthRound: 1,
  timestamp: 1,
  coin: 0,
  transactionCount: 0,
  ...more,
})

test('data is JSON as it stands, and everything has a text of one fact a line', () => {
  for (const each of explanations.values()) {
    for (const e of each) {
      expect(JSON.parse(JSON.stringify(e))).toStrictEqual(e)
      const text = explanationText(e)
      expect(text.startsWith(`event ${e.id}\n  by member ${e.creator}, `)).toBe(true)
      expect(text).not.toMatch(/undefined|null|NaN|\[object|\n\n|\n$/)
    }
  }
})

describe('in words', () => {
  const cases: [string, (e: Explanation) => boolean, RegExp][] = [
    [
      'a first event',
      (e) =>
        e.selfParent === null && e.round?.parentRound === null && e.round.round === 1 && !e.round.baseJudge,
      /\nround 1, a witness\n.*on genesis\n {2}round 1: it is a first event/,
    ],
    [
      'a judge',
      (e) => e.fame?.judge === true && e.place.kind === 'ordered',
      /\nfamous in the election of round (\d+)\n {2}votes\n( {4}round.*\n)+judge of round \1\n[^]*received in round \d+: all its judges/,
    ],
    [
      'a round up',
      (e) =>
        e.round !== null &&
        e.round.stronglySees.length > 2 &&
        (e.round.round ?? 0) > (e.round.parentRound ?? 99),
      /more than two thirds, so one round more than its parents\n {2}strongly sees the witnesses\n( {4}member \d+ [0-9a-f]{8}… weight \d+, through member.*\n){3}/,
    ],
    [
      'a witness that is not famous',
      (e) => e.fame?.status === 'not famous' && e.fame.votes.length > 0,
      /\nnot famous in[^]* no {3}counts \d+ yes, \d+ no, strong, this decides\n/,
    ],
    ['a coin', (e) => e.fame?.votes.some((vote) => vote.coinUsed) === true, /coin round: its coin/],
    [
      'a coin round without coins',
      (e) => e.fame?.votes.some((vote) => vote.coinRound && vote.strong) === true,
      /strong, coin round: decides nothing/,
    ],
    [
      'an undecided witness',
      (e) => e.fame?.status === 'undecided',
      /\nfame undecided in[^]*not ordered yet[^]*undecided; the newest witness/,
    ],
    [
      'an event without a round',
      (e) => e.round?.round === null && e.place.kind === 'undecided',
      /\nno round\n.*\n.*descends from no judge/,
    ],
    [
      'a later time',
      (e) => e.place.kind === 'ordered' && e.place.movedOn,
      /one more than the last time given, which was not earlier$/,
    ],
    [
      'a stale event',
      (e) => e.place.kind === 'stale',
      /\nstale: ancient since round \d+ was decided[^]*threshold \d+$/,
    ],
    ['an ancient event', (e) => e.place.kind === 'ancient', /\nancient when it came/],
    [
      'one before the snapshot',
      (e) => e.place.kind === 'before-snapshot',
      /\nordered before the snapshot of round \d+/,
    ],
  ]
  test.each(cases)('%s', (_, like, words) => {
    expect(explanationText(first(like))).toMatch(words)
  })

  test('with names and times as they are called', () => {
    const e = first((each) => each.place.kind === 'ordered')
    const words = { member: (id: number) => `<${id}>`, time: (timestamp: number) => `at ${timestamp}!` }
    const text = explanationText(e, words)
    expect(text).toContain(`  by <${e.creator}>, `)
    expect(text).toMatch(/consensus timestamp at \d+!/)
    expect(text).not.toMatch(/member \d|µs/)
  })
})

describe('from a snapshot', () => {
  const dag = readCase('snapshot-start-4.json')

  test('nothing is decided before all of its judges are there', () => {
    const last = dag.events.findIndex(({ id }) => dag.snapshot!.judges.includes(id))
    const { explainer, of } = explainAll({ ...dag, events: dag.events.slice(0, last + 1) })
    expect(explainer.decidedRound()).toBe(dag.snapshot!.round)
    expect(of(dag.events[0]!.id).place).toEqual({ kind: 'waiting', snapshotRound: dag.snapshot!.round })
    expect(explanationText(of(dag.events[0]!.id))).toMatch(/not all judges of the snapshot/)
  })

  test('a later one than genesis gives the same reasons for what is ordered after it', () => {
    const whole = readCase('genesis-4.json')
    const { of } = explainAll(whole)
    const { round, judges, ancientThreshold, lastTimestamp, nextOrder } = whole.expected!.rounds[5]!
    const snapshot = { round, judges, ancientThreshold, lastTimestamp, nextOrder }
    const later = explainAll({ ...whole, snapshot })
    let compared = 0
    for (const { id } of whole.events) {
      const e = of(id)
      if (e.place.kind !== 'ordered' || e.place.receivedRound <= round) continue
      const other = later.of(id)
      expect(other.place).toEqual(e.place)
      if (e.round !== null && e.round.election > round) expect(other.round).toEqual(e.round)
      if (e.fame !== null && e.fame.round > round) expect(other.fame).toEqual(e.fame)
      compared += 1
    }
    expect(compared).toBeGreaterThan(50)
  })
})

describe('what it is given', () => {
  const config = { coinFrequency: 12, roundsNonAncient: 26 }
  const rosters = [{ fromRound: 1, members: [{ id: 0, weight: 1 }] }]

  test('handles count up, and what is not known is not explained', () => {
    const explainer = createExplainer({ config, rosters })
    expect(explainer.insert(event('01'))).toBe(0)
    expect(explainer.insert(event('02', { selfParent: 0, timestamp: 2 }))).toBe(1)
    expect(explainer.explain(event('02').id)?.selfParent).toBe('01'.padStart(64, '0'))
    expect(explainer.explain(event('03').id)).toBe(undefined)
    expect(explainer.insert(event('04', { birthRound: 0 }))).toBe(NO_EVENT)
    expect(explainer.explain(event('04').id)?.place).toEqual({ kind: 'ancient', ancientThreshold: 1 })
  })

  test('the same event twice, handles of nothing and rosters that are none are refused', () => {
    const explainer = createExplainer({ config, rosters })
    explainer.insert(event('01'))
    expect(() => explainer.insert(event('01'))).toThrow(/inserted twice/)
    expect(() => explainer.insert(event('02', { selfParent: 7 }))).toThrow(/no event with the handle 7/)
    expect(() => createExplainer({ config, rosters: [] })).toThrow(/no roster for round 1/)
    const twice = [{ fromRound: 1, members: [...rosters[0]!.members, ...rosters[0]!.members] }]
    expect(() => createExplainer({ config, rosters: twice })).toThrow(/stands in it twice/)
    const heavy = [
      {
        fromRound: 1,
        members: [
          { id: 0, weight: 2 ** 52 },
          { id: 1, weight: 2 ** 53 - 1 },
        ],
      },
    ]
    expect(() => createExplainer({ config, rosters: heavy })).toThrow(/above 2\^53 - 1/)
  })

  test('a long line of events is no matter of the stack', () => {
    const explainer = createExplainer({
      config,
      rosters: [
        {
          fromRound: 1,
          members: [
            { id: 0, weight: 1 },
            { id: 1, weight: 1 },
          ],
        },
      ],
    })
    for (let i = 0; i < 20_000; i++) {
      const id = new Uint8Array(32)
      new DataView(id.buffer).setUint32(0, i)
      expect(explainer.insert(event('00', { id, selfParent: i - 1, timestamp: i + 1 }))).toBe(i)
    }
    expect(explainer.decidedRound()).toBe(0)
  })
})
