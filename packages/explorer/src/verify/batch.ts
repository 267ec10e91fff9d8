/** Collects what has happened since the page was told last, as columns; and which rounds the election gives to what is not ordered. */
import type { Engine } from '@hearsay/consensus'
import { readUint32 } from '@hearsay/dag'
import type { Batch, LinkedBatch, ShownRound } from '../model/messages.ts'

export interface LinkedRow {
  readonly id: Uint8Array
  readonly member: number
  readonly selfParent: number
  readonly otherParents: readonly number[]
  readonly timestamp: number
  readonly transactionCount: number
  readonly sizeBytes: number
}

/** Linked events as they come, drained as columns. */
export interface Rows {
  push(row: LinkedRow): void
  count(): number
  drain(): LinkedBatch
}

export function createRows(): Rows {
  let rows: LinkedRow[] = []
  let first = 0
  return {
    push: (row) => void rows.push(row),
    count: () => first + rows.length,
    drain: () => {
      const otherStart = new Uint32Array(rows.length + 1)
      for (const [i, { otherParents }] of rows.entries())
        otherStart[i + 1] = otherStart[i]! + otherParents.length
      const batch: LinkedBatch = {
        first,
        count: rows.length,
        member: Uint16Array.from(rows, ({ member }) => member),
        selfParent: Int32Array.from(rows, ({ selfParent }) => selfParent),
        otherStart,
        others: Int32Array.from(rows.flatMap(({ otherParents }) => otherParents)),
        timestamp: Float64Array.from(rows, ({ timestamp }) => timestamp),
        transactionCount: Uint32Array.from(rows, ({ transactionCount }) => transactionCount),
        sizeBytes: Uint32Array.from(rows, ({ sizeBytes }) => sizeBytes),
        idHigh: Uint32Array.from(rows, ({ id }) => readUint32(id, 0)),
        idLow: Uint32Array.from(rows, ({ id }) => readUint32(id, 4)),
      }
      first += rows.length
      rows = []
      return batch
    },
  }
}

export interface BatchMaker {
  linked(row: LinkedRow): void
  decided(round: ShownRound): void
  /** `undecided` are the events whose round may still change. */
  drain(undecided: ReadonlyMap<number, unknown>): Pick<Batch, 'linked' | 'changes' | 'rounds'>
}

export function createBatchMaker(engine: Pick<Engine, 'roundOf' | 'isWitness'>): BatchMaker {
  const rows = createRows()
  let rounds: ShownRound[] = []
  /** Index → round and witness as they were told. */
  const known = new Map<number, number>()
  let changed: [index: number, code: number][] = []

  function look(index: number): void {
    const round = engine.roundOf(index)
    // An event that is not at the base any more has no round now; it is shown with the one that it had.
    if (round === null) return
    const code = 2 * round + (engine.isWitness(index) ? 1 : 0)
    if (known.get(index) === code) return
    known.set(index, code)
    changed.push([index, code])
  }

  return {
    linked: (row) => {
      rows.push(row)
      look(rows.count() - 1)
    },
    decided: (round) => {
      rounds.push(round)
      for (const index of [...round.events, ...round.stale]) known.delete(index)
    },
    drain: (undecided) => {
      for (const index of undecided.keys()) look(index)
      const batch = {
        linked: rows.drain(),
        changes: {
          index: Uint32Array.from(changed, ([index]) => index),
          round: Uint32Array.from(changed, ([, code]) => code >> 1),
          witness: Uint8Array.from(changed, ([, code]) => code & 1),
        },
        rounds,
      }
      rounds = []
      changed = []
      return batch
    },
  }
}
