/** Rates and finality over time, out of the graph alone: so the same for a live network and for a file. Times are microseconds. */
import type { GraphStore } from './store.ts'

export interface Series {
  /** Seconds since the epoch, for a chart. */
  readonly at: readonly number[]
  readonly eventsPerSecond: readonly number[]
  readonly transactionsPerSecond: readonly number[]
  readonly kibPerSecond: readonly number[]
  /** From the making of an event with transactions to the making of the one that decided its place; null where there is none. */
  readonly p50: readonly (number | null)[]
  readonly p90: readonly (number | null)[]
  readonly p99: readonly (number | null)[]
}

/** The value below which a share of the values lies, by the nearest rank. */
function quantile(sorted: readonly number[], share: number): number | null {
  if (sorted.length === 0) return null
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))]!
}

/** Over the last `spanMicros` before the newest of the first `shown` events, in `buckets` steps; looks at most at `limit` events. */
export function series(
  store: GraphStore,
  shown: number,
  spanMicros: number,
  buckets: number,
  limit = 60_000,
): Series {
  const end = shown === 0 ? 0 : store.latestOf(shown - 1) + 1
  const begin = end - spanMicros
  const step = spanMicros / buckets
  const counts = Array.from({ length: buckets }, () => ({
    events: 0,
    transactions: 0,
    bytes: 0,
    waits: [] as number[],
  }))
  for (let index = shown - 1; index >= 0 && shown - index <= limit; index--) {
    const time = store.timeOf(index)
    // Clocks differ a little: only when all are surely past, it ends.
    if (time < begin - 5_000_000) break
    const bucket = counts[Math.floor((time - begin) / step)]
    if (bucket === undefined) continue
    bucket.events += 1
    bucket.bytes += store.sizeOf(index)
    const held = store.transactionsOf(index)
    bucket.transactions += held
    const received = held === 0 ? undefined : store.roundRow(store.receivedOf(index))
    if (received !== undefined && received.decidedAt <= shown)
      bucket.waits.push(Math.max(0, received.decidedTime - time) / 1_000)
  }
  for (const { waits } of counts) waits.sort((a, b) => a - b)
  const perSecond = (value: number): number => (value * 1_000_000) / step
  return {
    at: counts.map((_, i) => (begin + (i + 0.5) * step) / 1_000_000),
    eventsPerSecond: counts.map(({ events }) => perSecond(events)),
    transactionsPerSecond: counts.map(({ transactions }) => perSecond(transactions)),
    kibPerSecond: counts.map(({ bytes }) => perSecond(bytes) / 1_024),
    p50: counts.map(({ waits }) => quantile(waits, 0.5)),
    p90: counts.map(({ waits }) => quantile(waits, 0.9)),
    p99: counts.map(({ waits }) => quantile(waits, 0.99)),
  }
}
