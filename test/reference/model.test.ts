/** The reference model against the published cases, and against its own promises (long chains, ancient parents, waiting). */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Dag, DagEvent } from './dag.ts'
import { isSupermajority } from './election.ts'
import { orderByReference } from './model.ts'
import { weightedMedian } from './order.ts'

const cases = new URL('../conformance/cases/', import.meta.url)
const names = readdirSync(cases).filter((name) => name.endsWith('.json'))

function load(name: string): Dag {
  return JSON.parse(readFileSync(new URL(name, cases), 'utf8')) as Dag
}

describe('the reference model gives the published rounds', () => {
  it('has all fifteen files', () => expect(names.length).toBe(15))
  for (const name of names) {
    it(name, () => {
      const dag = load(name)
      expect(orderByReference(dag).expected).toEqual(dag.expected)
    })
  }
})

/** Two members take turns; each event has the one before it as other-parent, and its creator's last as self-parent. */
function turns(length: number, members: number, active: number): Dag {
  const events: DagEvent[] = []
  for (let i = 0; i < length; i++) {
    events.push({
      id: (BigInt(i + 1) * 0x9e3779b97f4a7c15n).toString(16).padStart(64, '0'),
      creator: i % active,
      selfParent: i < active ? null : events[i - active]!.id,
      otherParents: i === 0 || active === 1 ? [] : [events[i - 1]!.id],
      birthRound: active === 1 ? Math.max(1, i - 1) : 1,
      timestamp: 1000 + i,
      coin: 0,
      transactionCount: 0,
    })
  }
  const roster = { fromRound: 1, members: Array.from({ length: members }, (_, id) => ({ id, weight: 1 })) }
  const config = { coinFrequency: 12, roundsNonAncient: 26 }
  return { name: 'turns', config, rosters: [roster], snapshot: null, events }
}

describe('the reference model', () => {
  it('survives 5,000 events without a decision', () => {
    const { expected, open } = orderByReference(turns(5000, 4, 2))
    expect(expected).toEqual({ decidedRound: 0, rounds: [] })
    expect(open.size).toBe(5000)
    expect([...open.values()].every((report) => report.round === 1)).toBe(true)
  })

  it('survives a chain of 5,000 events by one member', () => {
    const { expected } = orderByReference(turns(5000, 1, 1))
    expect(expected.decidedRound).toBe(4998)
    expect(expected.rounds.at(-1)!.nextOrder).toBe(4998)
  }, 60_000)

  it('waits for all judges of its snapshot', () => {
    const dag = load('snapshot-start-4.json')
    const last = dag.events.findIndex((e) => e.id === dag.snapshot!.judges.at(-1))
    const judges = new Set(dag.snapshot!.judges)
    const without = dag.events.filter((e) => e.id !== dag.events[last]!.id)
    expect(judges.size).toBe(dag.snapshot!.judges.length)
    expect(orderByReference({ ...dag, events: without }).expected).toEqual({
      decidedRound: dag.snapshot!.round,
      rounds: [],
    })
  })

  it('starts from the snapshot of every decided round and gives the same rounds', () => {
    const dag = load('ancient-4.json')
    const { expected } = orderByReference(dag)
    for (const snapshot of expected.rounds) {
      const events = dag.events.filter((e) => e.birthRound >= snapshot.ancientThreshold)
      const again = orderByReference({ ...dag, snapshot, events }).expected
      expect(again.rounds).toEqual(expected.rounds.slice(snapshot.round))
    }
  })
})

describe('arithmetic of the reference model', () => {
  it('needs more than two thirds', () => {
    const table: [bigint, bigint, boolean][] = [
      [2n, 3n, false],
      [3n, 3n, true],
      [2n, 4n, false],
      [3n, 4n, true],
      [3n, 5n, false],
      [4n, 5n, true],
      [1n, 1n, true],
      [2n ** 62n, 3n * 2n ** 61n, false],
      [2n ** 62n + 1n, 3n * 2n ** 61n, true],
    ]
    for (const [weight, total, yes] of table) expect(isSupermajority(weight, total)).toBe(yes)
  })

  it('takes the least time that more than half of the weight has reached', () => {
    expect(weightedMedian([30, 10, 20], [1n, 1n, 1n])).toBe(20)
    expect(weightedMedian([10, 20, 30, 40], [1n, 1n, 1n, 1n])).toBe(30)
    expect(weightedMedian([10, 20, 30], [3n, 1n, 1n])).toBe(10)
    expect(weightedMedian([9, 10, 100], [2n, 1n, 1n])).toBe(10)
    expect(weightedMedian([5], [7n])).toBe(5)
  })
})
