/**
 * Decides which events a decided round receives, when they happened, and in which order they stand: `findOrder` of the
 * paper. Source: spec section 5. What it needs to know of ancestry is kept by coverage.ts while events are added.
 */
import { coverJudges } from './coverage.ts'
import type { Coverage } from './coverage.ts'
import type { DenseRoster } from './roster.ts'
import { LIVE, RECEIVED } from './store.ts'
import type { EventStore } from './store.ts'

export class OrderScratch {
  /** The judges: member, index, weight; and the set of their members. */
  members: Int32Array = new Int32Array(0)
  judges: Int32Array = new Int32Array(0)
  weights: Float64Array = new Float64Array(0)
  set: Int32Array = new Int32Array(0)
  values: Float64Array = new Float64Array(0)
  /** Received events as they were added, and each one's median time. */
  received: number[] = []
  medians: number[] = []
}

/** The least value such that at least `rank` of the first `count` values are not greater (rank from 1). */
function select(values: Float64Array, count: number, rank: number): number {
  const place = rank - 1
  let low = 0
  let high = count - 1
  while (low < high) {
    const pivot = values[(low + high) >>> 1]!
    let i = low
    let j = high
    while (i <= j) {
      while (values[i]! < pivot) i++
      while (values[j]! > pivot) j--
      if (i <= j) {
        const swap = values[i]!
        values[i++] = values[j]!
        values[j--] = swap
      }
    }
    if (place <= j) high = j
    else if (place >= i) low = i
    else return values[place]!
  }
  return values[place]!
}

/** The least time such that the judges whose time is not later hold more than half of the weight. */
function weightedMedian(times: Float64Array, weights: Float64Array, count: number): number {
  const places = Array.from({ length: count }, (_, i) => i)
  places.sort((a, b) => times[a]! - times[b]!)
  let total = 0
  for (let i = 0; i < count; i++) total += weights[i]!
  let sum = 0
  for (const place of places) {
    sum += weights[place]!
    // Doubling a safe integer is exact.
    if (2 * sum > total) return times[place]!
  }
  throw new Error('invariant: a median of no judges')
}

/** The weighted median of the judges' own times. */
export function judgesMedian(s: EventStore, roster: DenseRoster, judges: readonly number[]): number {
  const times = Float64Array.from(judges, (judge) => s.timestamp[judge & s.mask]!)
  const weights = Float64Array.from(judges, (judge) => roster.weights[s.member[judge & s.mask]!]!)
  return weightedMedian(times, weights, judges.length)
}

function prepareJudges(
  s: EventStore,
  v: Coverage,
  o: OrderScratch,
  roster: DenseRoster,
  live: Int32Array,
  liveCount: number,
  judges: readonly number[],
): void {
  const width = judges.length
  if (o.values.length < width || o.set.length !== v.words) {
    o.members = new Int32Array(roster.size)
    o.judges = new Int32Array(roster.size)
    o.weights = new Float64Array(roster.size)
    o.values = new Float64Array(roster.size)
    o.set = new Int32Array(v.words)
  }
  coverJudges(v, s, live, liveCount, judges)
  o.set.fill(0)
  for (let j = 0; j < width; j++) {
    const judge = judges[j]!
    const own = s.member[judge & s.mask]!
    o.members[j] = own
    o.judges[j] = judge
    o.weights[j] = roster.weights[own]!
    o.set[own >>> 5]! |= 1 << own
  }
}

/** Is the live event an ancestor of every judge? If so, leaves the times that they give it in `values`. */
function takeTimes(s: EventStore, v: Coverage, o: OrderScratch, slot: number, width: number): boolean {
  const { set, members, judges, values } = o
  const { timestamp, mask } = s
  const row = s.cover[slot]!
  const at = row * v.words
  for (let w = 0; w < v.words; w++) if ((v.covered[at + w]! & set[w]!) !== set[w]!) return false
  const from = row * v.size
  for (let j = 0; j < width; j++) {
    // The first event of the judge's creator that has the event as an ancestor may come after the judge.
    const first = v.first[from + members[j]!]!
    if (first > judges[j]!) return false
    values[j] = timestamp[first & mask]!
  }
  return true
}

/**
 * Fills `received` (marking the events) and `medians`. `live` are the indices of all events that may be received, in the
 * order in which they were added; others among them are passed over.
 */
export function collectReceived(
  s: EventStore,
  v: Coverage,
  o: OrderScratch,
  roster: DenseRoster,
  live: Int32Array,
  liveCount: number,
  judges: readonly number[],
): void {
  const width = judges.length
  o.received.length = 0
  o.medians.length = 0
  prepareJudges(s, v, o, roster, live, liveCount, judges)
  let newest = -1
  for (const judge of judges) if (judge > newest) newest = judge
  for (let i = 0; i < liveCount && live[i]! <= newest; i++) {
    const slot = live[i]! & s.mask
    if (s.state[slot] !== LIVE || !takeTimes(s, v, o, slot, width)) continue
    o.received.push(live[i]!)
    o.medians.push(
      roster.equal ? select(o.values, width, (width >>> 1) + 1) : weightedMedian(o.values, o.weights, width),
    )
  }
  for (const x of o.received) s.state[x & s.mask] = RECEIVED
}

/** The XOR of all judges' ids. */
function whitening(s: EventStore, judges: readonly number[]): Uint8Array {
  const xor = new Uint8Array(32)
  for (const judge of judges) {
    const id = s.ids[judge & s.mask]!
    for (let i = 0; i < 32; i++) xor[i]! ^= id[i]!
  }
  return xor
}

function compareWhitened(a: Uint8Array, b: Uint8Array, white: Uint8Array): number {
  for (let i = 0; i < 32; i++) {
    const difference = (a[i]! ^ white[i]!) - (b[i]! ^ white[i]!)
    if (difference !== 0) return difference
  }
  return 0
}

/** Sorts the received events by (median time, rank, whitened id). Returns places in `received`. */
export function sortReceived(s: EventStore, o: OrderScratch, judges: readonly number[]): number[] {
  const { received, medians } = o
  const { mark, mask } = s
  const places: number[] = []
  // Parents come before children here. `mark` holds the rank.
  for (let i = 0; i < received.length; i++) {
    const slot = received[i]! & mask
    const start = s.parentStart[slot]!
    const end = start + s.parentCount[slot]!
    let rank = 0
    for (let k = start; k < end; k++) {
      const p = s.parents[k & s.parentMask]!
      if (p >= s.tail && s.state[p & mask] === RECEIVED && mark[p & mask]! > rank) rank = mark[p & mask]!
    }
    mark[slot] = rank + 1
    places.push(i)
  }
  let white: Uint8Array | undefined
  places.sort((a, b) => {
    const byTime = medians[a]! - medians[b]!
    if (byTime !== 0) return byTime
    const x = received[a]! & mask
    const y = received[b]! & mask
    if (mark[x] !== mark[y]) return mark[x]! - mark[y]!
    white ??= whitening(s, judges)
    return compareWhitened(s.ids[x]!, s.ids[y]!, white)
  })
  for (const x of received) mark[x & mask] = 0
  return places
}
