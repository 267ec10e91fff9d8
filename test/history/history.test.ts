/** The checker of client histories: honest ones pass, and each way of lying to a client is told by name. */
import { expect, test } from 'vitest'
import { checkHistory, type CheckOptions, type Violation } from './check.ts'
import type { History, ReadRow, SubmitRow } from './history.ts'
import { figuresOf } from './windows.ts'
import { acknowledged, honestHistory, withEnd, withRow } from './world.ts'

const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1)

test('honest histories of many seeds pass, and hold every kind of row', () => {
  const kinds = new Set<string>()
  for (const seed of SEEDS) {
    const history = honestHistory(seed)
    for (const row of history.rows)
      kinds.add(row.op === 'read' ? 'read' : `${row.outcome} ${String(row.taken)}`)
    expect(checkHistory(history), `seed ${seed}`).toEqual([])
  }
  expect([...kinds].toSorted()).toEqual(['fail undefined', 'info false', 'info true', 'ok undefined', 'read'])
})

test('a long history is checked in a moment', () => {
  const history = honestHistory(1, 4_000)
  expect(history.rows.length).toBeGreaterThan(2_000)
  expect(checkHistory(history)).toEqual([])
})

const middle = <T>(list: readonly T[]): T => list[Math.floor(list.length / 2)]!
const endOf = (history: History): ReturnType<History['ends']['get']> & object => history.ends.get('ada')!
const longReads = (history: History): ReadRow[] =>
  history.rows.filter((row) => row.op === 'read').filter((row) => row.entries.length > 2)
const submits = (history: History, outcome: SubmitRow['outcome']): SubmitRow[] =>
  history.rows.filter((row) => row.op === 'submit').filter((row) => row.outcome === outcome)

interface Lie {
  readonly name: string
  readonly check: Violation['check']
  readonly tell: (history: History) => History
  readonly options?: CheckOptions
}

const LIES: readonly Lie[] = [
  {
    name: 'two nodes have different transactions at one position',
    check: 'H1',
    tell: (history) => {
      const at = Math.floor(endOf(history).length / 2)
      const end = endOf(history).map((entry, i) => (i === at ? { ...entry, tx: 'another' } : entry))
      return withEnd(history, 'bob', end)
    },
  },
  {
    name: 'a read shows an order that is given up later',
    check: 'H1',
    tell: (history) => {
      const row = middle(longReads(history))
      const [a, b, ...rest] = row.entries
      return withRow(history, row, { ...row, entries: [{ ...a!, tx: b!.tx }, { ...b!, tx: a!.tx }, ...rest] })
    },
  },
  {
    name: 'a transaction is ordered twice',
    check: 'H2',
    tell: (history) => {
      const last = endOf(history).at(-1)!
      const twice = {
        ...last,
        tx: endOf(history)[3]!.tx,
        position: last.position + 1,
        timestamp: last.timestamp + 1,
      }
      let told = history
      for (const node of history.ends.keys()) told = withEnd(told, node, [...endOf(history), twice])
      return told
    },
  },
  {
    name: 'the log has what nobody submitted',
    check: 'H3',
    tell: (history) => {
      const last = endOf(history).at(-1)!
      const phantom = { ...last, tx: 'phantom', position: last.position + 1, timestamp: last.timestamp + 1 }
      let told = history
      for (const node of history.ends.keys()) told = withEnd(told, node, [...endOf(history), phantom])
      return told
    },
  },
  {
    name: 'a read shows a transaction before it was submitted',
    check: 'H3',
    tell: (history) => {
      const row = longReads(history).at(-1)!
      return withRow(history, row, { ...row, invokeMs: 1, returnMs: 2 })
    },
  },
  {
    name: 'an acknowledged transaction is gone in the end, everywhere',
    check: 'H4',
    tell: (history) => {
      let told = history
      for (const node of history.ends.keys()) told = withEnd(told, node, endOf(history).slice(0, -5))
      return told
    },
  },
  {
    name: 'an acknowledged transaction is missing on one node',
    check: 'H4',
    tell: (history) =>
      withEnd(history, 'cat', endOf(history).slice(0, middle(acknowledged(history)).place!.position)),
  },
  {
    name: 'a receipt names another position than the log',
    check: 'H2',
    tell: (history) => {
      const row = middle(acknowledged(history))
      return withRow(history, row, { ...row, place: { ...row.place!, position: row.place!.position + 1 } })
    },
  },
  {
    name: 'what was submitted after an acknowledgement stands before it',
    check: 'H5',
    tell: (history) => {
      const row = acknowledged(history)[2]!
      const endMs = Math.max(...history.rows.map(({ returnMs }) => returnMs))
      return withRow(history, row, { ...row, invokeMs: endMs + 1, returnMs: endMs + 2 })
    },
  },
  {
    name: 'a session is shown less than before',
    check: 'H6',
    tell: (history) => {
      const row = longReads(history).at(-1)!
      const again = { ...row, invokeMs: row.returnMs + 1_000, returnMs: row.returnMs + 1_001 }
      return { ...history, rows: [...history.rows, { ...again, from: 0, entries: [], total: row.total - 1 }] }
    },
  },
  {
    name: 'a session does not read what it was acknowledged',
    check: 'H6',
    tell: (history) => {
      const { client, node, session, place, returnMs } = acknowledged(history).at(-1)!
      const { position } = place!
      const read = {
        op: 'read' as const,
        client,
        node,
        session,
        from: position,
        entries: [],
        total: position,
      }
      return {
        ...history,
        rows: [...history.rows, { ...read, invokeMs: returnMs + 1, returnMs: returnMs + 2 }],
      }
    },
  },
  {
    name: 'a page leaves one out',
    check: 'H6',
    tell: (history) => {
      const row = middle(longReads(history))
      return withRow(history, row, { ...row, entries: row.entries.filter((_, i) => i !== 1) })
    },
  },
  {
    name: 'what was refused is ordered',
    check: 'H7',
    tell: (history) => {
      const row = middle(acknowledged(history))
      const { place: _, ...rest } = row
      return withRow(history, row, { ...rest, outcome: 'fail' })
    },
  },
  {
    name: 'what a living node took in never comes',
    check: 'H7',
    tell: (history) => {
      const row = submits(history, 'fail')[0]!
      return withRow(history, row, { ...row, outcome: 'info', taken: true })
    },
  },
  {
    name: 'time stands still',
    check: 'H8',
    tell: (history) => {
      const at = Math.floor(endOf(history).length / 2)
      const { timestamp } = endOf(history)[at - 1]!
      const end = endOf(history).map((entry, i) => (i === at ? { ...entry, timestamp } : entry))
      let told: History = { ...history, rows: history.rows.filter((row) => row.op === 'submit') }
      for (const node of history.ends.keys()) told = withEnd(told, node, end)
      return told
    },
  },
  {
    name: 'a receipt names another event than the log',
    check: 'H9',
    tell: (history) => {
      const row = middle(acknowledged(history))
      return withRow(history, row, { ...row, place: { ...row.place!, event: 'ffff' } })
    },
  },
  {
    name: 'a receipt does not verify',
    check: 'H9',
    tell: (history) => history,
    options: { verifyReceipt: ({ place }) => (place!.position === 7 ? 'its signature is wrong' : undefined) },
  },
]

test.each(LIES)('told: $name ($check)', ({ check, tell, options }) => {
  for (const seed of SEEDS) {
    const found = checkHistory(tell(honestHistory(seed)), options)
    expect(new Set(found.map((each) => each.check)), `seed ${seed}`).toContain(check)
  }
})

test('a transaction that was submitted twice is no history', () => {
  const history = honestHistory(1)
  const rows = [...history.rows, middle(acknowledged(history))]
  expect(() => checkHistory({ ...history, rows })).toThrow('submitted twice')
})

test('figures of windows: what came of the submissions that began in each', () => {
  const history = honestHistory(3)
  const endMs = Math.max(...history.rows.map(({ invokeMs }) => invokeMs))
  const halves = [
    { name: 'first', fromMs: 0, toMs: endMs / 2 },
    { name: 'second', fromMs: endMs / 2, toMs: endMs + 1 },
  ]
  const figures = figuresOf(history.rows, halves)
  for (const outcome of ['ok', 'fail', 'info'] as const)
    expect(figures[0]![outcome] + figures[1]![outcome]).toBe(submits(history, outcome).length)
  expect(figures[0]!.p50Ms).toBeLessThanOrEqual(figures[0]!.p99Ms!)
})
