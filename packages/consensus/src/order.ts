/**
 * Decides which events a decided round receives, when they happened, and in which order they stand: `findOrder` of the
 * paper. Source: spec section 5.
 *
 * coverage.ts has listed, for each event of a judge's self-chain, what its creator reached with it first. Here the chains of all
 * judges are merged by time, and each list is run through: the time at which the judges that have reached an event
 * come to hold more than half of the weight is its median time, and an event that all of them have reached is received. So
 * no times are kept for each judge, and nothing is sorted for an event.
 */
import { coverJudges } from './coverage.ts'
import type { Coverage, Lists } from './coverage.ts'
import type { DenseRoster } from './roster.ts'
import { LIVE, RECEIVED } from './store.ts'
import type { EventStore } from './store.ts'

export class OrderScratch {
  /** The live self-chains of the judges, one after the other, each from the judge downwards. */
  chains: number[] = []
  /** Of each judge: where its chain begins in `chains`, and which of it comes next. */
  begin: number[] = []
  cursor: number[] = []
  /** Binary heap of judges by the time of what comes next. */
  heap: number[] = []
  times: Float64Array = new Float64Array(0)
  /** By slot: the median time, and the weight so far if weights differ. */
  median: Float64Array = new Float64Array(0)
  sums: Float64Array = new Float64Array(0)
  /** Received events as they were added, and each one's median time. */
  received: number[] = []
  medians: number[] = []
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

function siftDown(o: OrderScratch): void {
  const { heap, times } = o
  const judge = heap[0]!
  const time = times[judge]!
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && times[heap[child + 1]!]! < times[heap[child]!]!) child += 1
    if (times[heap[child]!]! >= time) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = judge
}

/** Lists the chains, and puts the oldest event of each one on the heap. */
function startChains(s: EventStore, o: OrderScratch, judges: readonly number[]): void {
  const { chains, begin, cursor, heap } = o
  chains.length = 0
  heap.length = 0
  if (o.times.length < judges.length) o.times = new Float64Array(judges.length)
  for (let j = 0; j < judges.length; j++) {
    begin[j] = chains.length
    for (let x = judges[j]!; x >= s.tail && s.state[x & s.mask] === LIVE; x = s.selfParent[x & s.mask]!)
      chains.push(x)
    cursor[j] = chains.length - 1
    if (cursor[j]! < begin[j]!) continue
    o.times[j] = s.timestamp[chains[cursor[j]!]! & s.mask]!
    let at = heap.length
    while (at > 0 && o.times[heap[(at - 1) >>> 1]!]! > o.times[j]!) {
      heap[at] = heap[(at - 1) >>> 1]!
      at = (at - 1) >>> 1
    }
    heap[at] = j
  }
}

/** One more judge has reached each event of a list, at `time`. `half`: with so many judges it is more than half. */
function tally(
  s: EventStore,
  o: OrderScratch,
  lists: Lists,
  start: number,
  count: number,
  time: number,
  half: number,
): void {
  const { mark, mask, tail } = s
  const { data, mask: listMask } = lists
  const { median } = o
  const first = start & listMask
  for (let i = first; i < first + count; i++) {
    const e = data[i & listMask]!
    // What has been forgotten was ordered or became ancient.
    if (e < tail) continue
    const slot = e & mask
    const reached = mark[slot]! + 1
    mark[slot] = reached
    if (reached === half) median[slot] = time
  }
}

/** The same for weights that differ: the judge weighs `weight` of `total`. */
function tallyWeighted(
  s: EventStore,
  o: OrderScratch,
  lists: Lists,
  start: number,
  count: number,
  time: number,
  weight: number,
  total: number,
): void {
  const { mark, mask, tail } = s
  const { median, sums } = o
  for (let i = 0; i < count; i++) {
    const e = lists.data[(start + i) & lists.mask]!
    if (e < tail) continue
    const slot = e & mask
    if (mark[slot] === 0) sums[slot] = 0
    mark[slot]! += 1
    const before = sums[slot]!
    sums[slot] = before + weight
    // Doubling a safe integer is exact.
    if (2 * before <= total && 2 * (before + weight) > total) median[slot] = time
  }
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
  const { weights, equal } = roster
  if (o.median.length <= s.mask) o.median = new Float64Array(s.mask + 1)
  if (!equal && o.sums.length <= s.mask) o.sums = new Float64Array(s.mask + 1)
  let total = 0
  for (const judge of judges) total += weights[s.member[judge & s.mask]!]!
  coverJudges(v, s, live, liveCount, judges)
  startChains(s, o, judges)
  const half = (judges.length >>> 1) + 1
  const { heap, chains, cursor, begin, times } = o
  while (heap.length > 0) {
    const j = heap[0]!
    const slot = chains[cursor[j]!]! & s.mask
    const own = s.member[slot]!
    const lists = v.branched[own] === 1 ? v.passing : v.kept
    const start = v.listStart[slot]!
    if (equal) tally(s, o, lists, start, v.listCount[slot]!, times[j]!, half)
    else tallyWeighted(s, o, lists, start, v.listCount[slot]!, times[j]!, weights[own]!, total)
    cursor[j]! -= 1
    if (cursor[j]! >= begin[j]!) times[j] = s.timestamp[chains[cursor[j]!]! & s.mask]!
    else if (heap.length === 1) break
    else heap[0] = heap.pop()!
    siftDown(o)
  }
  o.received.length = 0
  o.medians.length = 0
  for (let i = 0; i < liveCount; i++) {
    const slot = live[i]! & s.mask
    const reached = s.mark[slot]!
    s.mark[slot] = 0
    if (reached !== judges.length || s.state[slot] !== LIVE) continue
    o.received.push(live[i]!)
    o.medians.push(o.median[slot]!)
    s.state[slot] = RECEIVED
  }
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
