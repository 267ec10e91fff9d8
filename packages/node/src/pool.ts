/**
 * Transactions that wait for an own event, in the order of submission. Bounded in number and bytes: what does not fit is
 * refused to the submitter, never dropped later.
 */
import { MAX_PAYLOAD_BYTES, MAX_TRANSACTION_BYTES, MAX_TRANSACTIONS } from '@hearsay/dag'

export interface PoolLimits {
  readonly transactions: number
  readonly bytes: number
}

export const DEFAULT_POOL_LIMITS: PoolLimits = { transactions: 100_000, bytes: 64 * 1024 * 1024 }

/** Stands for the submission at the API; undefined for a transaction from before a restart. */
export type Ticket = number | undefined

export interface Pooled {
  readonly ticket: Ticket
  readonly bytes: Uint8Array
}

/** Transactions of an own event that became stale, to go into the next one together. */
export interface StaleGroup {
  readonly staleId: Uint8Array
  readonly transactions: readonly Pooled[]
}

export interface Batch {
  readonly transactions: readonly Pooled[]
  /** Ids of the stale events whose transactions are in the batch. */
  readonly staleIds: readonly Uint8Array[]
}

export interface Pool {
  add(transaction: Pooled): boolean
  /** Puts a stale event's transactions before all others. They were taken in once, so no bound refuses them. */
  restore(group: StaleGroup): void
  /** Takes as much as one event may carry. */
  takeBatch(): Batch
  size(): number
  bytes(): number
}

const LENGTH_BYTES = 4

export function createPool(overrides: Partial<PoolLimits> = {}): Pool {
  const limits = { ...DEFAULT_POOL_LIMITS, ...overrides }
  const stale: StaleGroup[] = []
  let staleCount = 0
  let queue: Pooled[] = []
  let head = 0
  let bytes = 0

  function compact(): void {
    if (head < 1_024 || head * 2 < queue.length) return
    queue = queue.slice(head)
    head = 0
  }

  function takeBatch(): Batch {
    const transactions: Pooled[] = []
    const staleIds: Uint8Array[] = []
    let size = 0
    const fits = (more: number, count: number): boolean =>
      size + more <= MAX_PAYLOAD_BYTES && transactions.length + count <= MAX_TRANSACTIONS
    const sizeOf = (each: Pooled): number => LENGTH_BYTES + each.bytes.length
    for (let group = stale[0]; group !== undefined; group = stale[0]) {
      const groupBytes = group.transactions.reduce((sum, each) => sum + sizeOf(each), 0)
      if (!fits(groupBytes, group.transactions.length)) return { transactions, staleIds }
      stale.shift()
      staleCount -= group.transactions.length
      staleIds.push(group.staleId)
      transactions.push(...group.transactions)
      size += groupBytes
    }
    for (let next = queue[head]; next !== undefined && fits(sizeOf(next), 1); next = queue[head]) {
      head += 1
      transactions.push(next)
      size += sizeOf(next)
      bytes -= next.bytes.length
    }
    compact()
    return { transactions, staleIds }
  }

  return {
    add: (transaction) => {
      if (transaction.bytes.length > MAX_TRANSACTION_BYTES)
        throw new Error(`invariant: no event carries a transaction of ${transaction.bytes.length} bytes`)
      if (queue.length - head >= limits.transactions) return false
      if (bytes + transaction.bytes.length > limits.bytes) return false
      queue.push(transaction)
      bytes += transaction.bytes.length
      return true
    },
    restore: (group) => {
      stale.push(group)
      staleCount += group.transactions.length
    },
    takeBatch,
    size: () => queue.length - head + staleCount,
    bytes: () => bytes,
  }
}
