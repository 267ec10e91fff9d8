/** Ways of lying to clients, planted in a history that is honest: each must be told by the check that is named with it. */
import { checkHistory, type CheckOptions, type Violation } from './check.ts'
import { type History, lifeOf, type ReadEntry, type ReadRow, type Row, type SubmitRow } from './history.ts'

export const acknowledged = (history: History): SubmitRow[] =>
  history.rows.filter((row) => row.op === 'submit').filter((row) => row.outcome === 'ok')

/** The history with one row in place of another. */
const withRow = (history: History, row: Row, instead: Row): History => ({
  ...history,
  rows: history.rows.map((each) => (each === row ? instead : each)),
})

/** The history with another log of a node in the end. */
const withEnd = (history: History, node: string, entries: readonly ReadEntry[]): History => ({
  ...history,
  ends: new Map([...history.ends, [node, entries]]),
})

export const middle = <T>(list: readonly T[]): T => list[Math.floor(list.length / 2)]!
const endOf = (history: History): ReturnType<History['ends']['get']> & object => history.ends.get('ada')!
const longReads = (history: History): ReadRow[] =>
  history.rows.filter((row) => row.op === 'read').filter((row) => row.entries.length > 2)
export interface Lie {
  readonly name: string
  readonly check: Violation['check']
  readonly tell: (history: History) => History
  readonly options?: (history: History) => CheckOptions
}

export const LIES: readonly Lie[] = [
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
      withEnd(
        history,
        'cat',
        endOf(history).filter(({ position }) => position < middle(acknowledged(history)).place!.position),
      ),
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
    name: 'a log passes over what has never taken effect',
    check: 'H2',
    tell: (history) => {
      const { tx, position } = middle(endOf(history))
      let told: History = { ...history, rows: [], voids: new Map([...(history.voids ?? []), [position, tx]]) }
      for (const node of history.ends.keys())
        told = withEnd(
          told,
          node,
          endOf(history).filter((entry) => entry.position !== position),
        )
      return told
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
      const { place: _, ...row } = acknowledged(history).findLast(({ session }) =>
        history.lives.has(lifeOf(session)),
      )!
      const never = { ...row, tx: 'never', outcome: 'info' as const, taken: true }
      return { ...history, rows: [...history.rows, never] }
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
    options: (history) => {
      const { tx } = middle(acknowledged(history))
      return { verifyReceipt: (row) => (row.tx === tx ? 'its signature is wrong' : undefined) }
    },
  },
]

/** Plants each lie in a history that has none; the names of those that the checker does not tell. */
export function tellEach(history: History, lies: readonly Lie[] = LIES): string[] {
  return lies
    .filter(({ check, tell, options }) => {
      const found = checkHistory(tell(history), options?.(history))
      return !found.some((each) => each.check === check)
    })
    .map(({ name, check }) => `${check}: ${name}`)
}
