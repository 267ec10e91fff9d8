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
  /** If it is there, the bytes are an encoded payload of so many transactions, which stay together in one event. */
  readonly count?: number
}

/** How many transactions that is. */
export const countOf = (pooled: Pooled): number => pooled.count ?? 1

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

const sumOfCounts = (list: readonly Pooled[]): number => list.reduce((sum, each) => sum + countOf(each), 0)

export function createPool(overrides: Partial<PoolLimits> = {}): Pool {
  const limits = { ...DEFAULT_POOL_LIMITS, ...overrides }
  const stale: StaleGroup[] = []
  let staleCount = 0
  let queue: Pooled[] = []
  let head = 0
  let bytes = 0
  /** Transactions of the queue. */
  let waiting = 0

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
      size + more <= MAX_PAYLOAD_BYTES && taken + count <= MAX_TRANSACTIONS
    const sizeOf = (each: Pooled): number => (each.count === undefined ? LENGTH_BYTES : 0) + each.bytes.length
    let taken = 0
    for (let group = stale[0]; group !== undefined; group = stale[0]) {
      const groupBytes = group.transactions.reduce((sum, each) => sum + sizeOf(each), 0)
      const groupCount = sumOfCounts(group.transactions)
      if (!fits(groupBytes, groupCount)) return { transactions, staleIds }
      stale.shift()
      staleCount -= groupCount
      taken += groupCount
      staleIds.push(group.staleId)
      transactions.push(...group.transactions)
      size += groupBytes
    }
    for (
      let next = queue[head];
      next !== undefined && fits(sizeOf(next), countOf(next));
      next = queue[head]
    ) {
      head += 1
      transactions.push(next)
      size += sizeOf(next)
      taken += countOf(next)
      waiting -= countOf(next)
      bytes -= next.bytes.length
    }
    compact()
    return { transactions, staleIds }
  }

  return {
    add: (transaction) => {
      const count = countOf(transaction)
      const isPacked = transaction.count !== undefined
      if (
        transaction.bytes.length > (isPacked ? MAX_PAYLOAD_BYTES : MAX_TRANSACTION_BYTES) ||
        count > MAX_TRANSACTIONS
      )
        throw new Error(`invariant: no event carries a transaction of ${transaction.bytes.length} bytes`)
      if (waiting + count > limits.transactions) return false
      if (bytes + transaction.bytes.length > limits.bytes) return false
      queue.push(transaction)
      waiting += count
      bytes += transaction.bytes.length
      return true
    },
    restore: (group) => {
      stale.push(group)
      staleCount += sumOfCounts(group.transactions)
    },
    takeBatch,
    size: () => waiting + staleCount,
    bytes: () => bytes,
  }
}
