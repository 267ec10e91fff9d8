/**
 * What clients of a network did and saw, one row an operation, and nothing else: the checker knows no consensus, so it can be
 * wrong in no way in which Hearsay is. Every transaction is submitted once only, with bytes of its own.
 */

/** Where a client was told that a transaction stands. */
export interface Place {
  readonly position: number
  /** Consensus time in microseconds. */
  readonly timestamp: number
  readonly round: number
  readonly event: string
  readonly index: number
}

interface Operation {
  readonly client: string
  readonly node: string
  /** One client, one life of one node's process: what it has shown stays shown. */
  readonly session: string
  /** On one clock for all clients. */
  readonly invokeMs: number
  readonly returnMs: number
}

export interface SubmitRow extends Operation {
  readonly op: 'submit'
  readonly tx: string
  /** `fail` is certain: it was not taken in; `info` is anything. */
  readonly outcome: 'ok' | 'fail' | 'info'
  /** Of `ok`. */
  readonly place?: Place
  /** Of `info`: the node answered that it has it. */
  readonly taken?: boolean
}

export interface ReadEntry extends Place {
  readonly tx: string
}

/** A page of the log, from a position on. A read that failed is no row: nothing was seen. */
export interface ReadRow extends Operation {
  readonly op: 'read'
  readonly from: number
  readonly entries: readonly ReadEntry[]
  /** Transactions in the whole ledger as the node said. */
  readonly total: number
}

export type Row = SubmitRow | ReadRow

export interface History {
  readonly rows: readonly Row[]
  /** The whole log of every node that lives at the end, read when nothing was under way any more. */
  readonly ends: ReadonlyMap<string, readonly ReadEntry[]>
  /** Lives of nodes (as in `session`, behind the last `@`) that had not ended when the ends were read. */
  readonly lives: ReadonlySet<string>
  /** Positions that logs pass over, and what was proved to stand there: a repetition of what has taken effect before. */
  readonly voids?: ReadonlyMap<number, string>
}

export const sessionOf = (client: string, life: string): string => `${client}@${life}`

export const lifeOf = (session: string): string => session.slice(session.lastIndexOf('@') + 1)
