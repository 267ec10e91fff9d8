/**
 * Decides which events a decided round receives, when they happened, and in which order they stand: `findOrder` of the
 * paper. Source: spec section 5.
 *
 * An event is received if every judge has heard of it (lanes.ts), so of each lane a round receives the oldest live events up to
 * the least that a judge has heard of. For the times, the chains of all judges are merged by time, and every event on
 * them is asked what its creator heard of first with it. The time at which the judges that have heard of an event come to hold more
 * than half of the weight is its median time. So no times are kept for each judge, and nothing is sorted for an event.
 */
import type { Frame } from './frame.ts'
import { giveLane } from './lanes.ts'
import type { Lanes } from './lanes.ts'
import type { DenseRoster } from './roster.ts'
import { weightedMedian } from './median.ts'
import { GONE, LIVE, RECEIVED } from './store.ts'
import type { EventStore } from './store.ts'
import { receiveStrays } from './strays.ts'

const NOTHING = 0x7fffffff
/** Runs of so many events are sorted by insertion before they are merged. */
const RUN = 16

/** Fixed-shape record. Arrays keep their size from round to round; how much of them counts is told beside them. */
export class OrderScratch {
  /** The live self-chains of the judges, one after the other, each from the judge downwards. */
  chains: Int32Array = new Int32Array(64)
  /** Of each judge: where its chain begins in `chains`, which of it comes next, and the time of that. */
  begin: Int32Array = new Int32Array(0)
  cursor: Int32Array = new Int32Array(0)
  times: Float64Array = new Float64Array(0)
  /** Binary heap of judges by the time of what comes next. */
  heap: Int32Array = new Int32Array(0)
  heapCount = 0
  /**
   * The lanes that hold received events; these events lane by lane, each lane followed by NOTHING, and at the end those without a lane;
   * where each lane begins there.
   */
  lanes: Int32Array = new Int32Array(16)
  starts: Int32Array = new Int32Array(16)
  laneCount = 0
  listed: Int32Array = new Int32Array(64)
  listedCount = 0
  /** Of each listed event: its median time, and the weight of the judges counted so far; 0 between rounds. */
  medians: Float64Array = new Float64Array(64)
  sums: Float64Array = new Float64Array(64)
  /** Places in `listed` of the received events as these were added, later sorted; and room to sort them. */
  received: Int32Array = new Int32Array(64)
  spare: Int32Array = new Int32Array(64)
  receivedCount = 0
  /** For each judge and lane: how far the judge has heard, and the first event that it has not heard of. */
  next: Int32Array = new Int32Array(64)
  unheard: Int32Array = new Int32Array(64)
}

/** The array, or one twice as large with the same content, if it is full. */
function roomFor(array: Int32Array, count: number): Int32Array {
  if (count < array.length) return array
  const larger = new Int32Array(2 * count + 16)
  larger.set(array)
  return larger
}

/** The weighted median of the judges' own times. */
export function judgesMedian(s: EventStore, roster: DenseRoster, judges: readonly number[]): number {
  const times = Float64Array.from(judges, (judge) => s.timestamp[judge & s.mask]!)
  const weights = Float64Array.from(judges, (judge) => roster.weights[s.member[judge & s.mask]!]!)
  return weightedMedian(times, weights, judges.length)
}

/** Puts the judge at the top of the heap where it belongs. */
function siftDown(o: OrderScratch): void {
  const { heap, heapCount, times } = o
  const judge = heap[0]!
  const time = times[judge]!
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heapCount) break
    if (child + 1 < heapCount && times[heap[child + 1]!]! < times[heap[child]!]!) child += 1
    if (times[heap[child]!]! >= time) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = judge
}

/** Lists the chains, and puts the oldest event of each one on the heap. */
function startChains(s: EventStore, o: OrderScratch, judges: readonly number[]): void {
  if (o.times.length < judges.length) {
    o.times = new Float64Array(judges.length)
    o.begin = new Int32Array(judges.length)
    o.cursor = new Int32Array(judges.length)
    o.heap = new Int32Array(judges.length)
  }
  const { begin, cursor, heap, times } = o
  const { mask, tail, state, selfParent } = s
  let { chains } = o
  let end = 0
  let count = 0
  for (let j = 0; j < judges.length; j++) {
    const start = end
    for (let x = judges[j]!; x >= tail && state[x & mask] !== GONE; x = selfParent[x & mask]!) {
      if (end === chains.length) chains = roomFor(chains, end)
      chains[end++] = x
    }
    begin[j] = start
    cursor[j] = end - 1
    if (end === start) continue
    const time = s.timestamp[chains[end - 1]! & mask]!
    times[j] = time
    let at = count++
    while (at > 0 && times[heap[(at - 1) >>> 1]!]! > time) {
      heap[at] = heap[(at - 1) >>> 1]!
      at = (at - 1) >>> 1
    }
    heap[at] = j
  }
  o.chains = chains
  o.heapCount = count
}

/** Lists what is received, lane by lane, and marks it; `mark` holds its place. Returns how many events these are. */
function listReceived(s: EventStore, f: Frame, l: Lanes, o: OrderScratch, judges: readonly number[]): number {
  const { heard, width } = f
  const { lane: lanes, mask, tail, state, below, row: rows, mark } = s
  let { listed } = o
  let end = 0
  let laneCount = 0
  o.lanes = roomFor(o.lanes, l.count)
  o.starts = roomFor(o.starts, l.count)
  for (let lane = 0; lane < l.count; lane++) {
    let least = NOTHING
    for (let j = 0; j < judges.length; j++) {
      const h = heard[rows[judges[j]! & mask]! * width + lane]!
      if (h < least) least = h
    }
    const start = end
    for (let e = least; e >= tail; e = below[e & mask]!) {
      const slot = e & mask
      if (state[slot] !== LIVE || lanes[slot] !== lane) break
      state[slot] = RECEIVED
      if (end + 1 >= listed.length) listed = roomFor(listed, end + 1)
      listed[end++] = e
    }
    if (end === start) continue
    for (let a = start, b = end - 1; a < b; a++, b--) {
      const e = listed[a]!
      listed[a] = listed[b]!
      listed[b] = e
    }
    for (let i = start; i < end; i++) mark[listed[i]! & mask] = i
    o.lanes[laneCount] = lane
    o.starts[laneCount++] = start
    listed[end++] = NOTHING
  }
  o.listed = listed
  o.laneCount = laneCount
  o.listedCount = end
  return end - laneCount
}

/** Lists the received events that have no lane as well, with their median times. */
function listStrays(s: EventStore, o: OrderScratch, strays: ReadonlyMap<number, number>): void {
  o.listed = roomFor(o.listed, o.listedCount + strays.size)
  reserveMedians(o)
  for (const [e, time] of strays) {
    s.mark[e & s.mask] = o.listedCount
    o.medians[o.listedCount] = time
    o.listed[o.listedCount++] = e
  }
}

function reserveMedians(o: OrderScratch): void {
  if (o.sums.length >= o.listed.length) return
  o.medians = new Float64Array(o.listed.length)
  o.sums = new Float64Array(o.listed.length)
}

/** Puts what is received in the order in which it was added, and makes room for what is counted. */
function placeReceived(
  s: EventStore,
  o: OrderScratch,
  live: Int32Array,
  liveCount: number,
  judgeCount: number,
): void {
  const { starts, listed, laneCount } = o
  const { state, mask, mark } = s
  let { received } = o
  let count = 0
  for (let i = 0; i < liveCount; i++) {
    const x = live[i]!
    if (state[x & mask] !== RECEIVED) continue
    if (count === received.length) received = roomFor(received, count)
    received[count++] = mark[x & mask]!
  }
  o.received = received
  o.receivedCount = count
  const needed = judgeCount * laneCount
  if (o.next.length < needed) {
    o.next = new Int32Array(2 * needed)
    o.unheard = new Int32Array(2 * needed)
  }
  const { next, unheard } = o
  for (let j = 0, at = 0; j < judgeCount; j++) {
    for (let a = 0; a < laneCount; a++, at++) {
      next[at] = starts[a]!
      unheard[at] = listed[starts[a]!]!
    }
  }
}

/**
 * Judge j, with `weight` of `total`, hears of some events first with the event of its chain that has this row. Returns of how many
 * the median is known by that.
 */
function tallyHeard(
  f: Frame,
  o: OrderScratch,
  j: number,
  row: number,
  time: number,
  weight: number,
  total: number,
): number {
  const { heard, width } = f
  const { lanes, laneCount, listed, next, unheard, sums, medians } = o
  const from = row * width
  let at = j * laneCount
  let settled = 0
  for (let a = 0; a < laneCount; a++, at++) {
    const h = heard[from + lanes[a]!]!
    let e = unheard[at]!
    if (h < e) continue
    let i = next[at]!
    do {
      const before = sums[i]!
      sums[i] = before + weight
      // Doubling a safe integer is exact.
      if (2 * before <= total && 2 * (before + weight) > total) {
        medians[i] = time
        settled += 1
      }
      e = listed[++i]!
    } while (e <= h)
    next[at] = i
    unheard[at] = e
  }
  return settled
}

/**
 * Fills `received` (marking the events) and `medians`. `live` are the indices of all events that may be received, in the
 * order in which they were added; others among them are passed over.
 */
export function collectReceived(
  s: EventStore,
  f: Frame,
  l: Lanes,
  o: OrderScratch,
  live: Int32Array,
  liveCount: number,
  judges: readonly number[],
): void {
  const { weights } = f.roster
  let total = 0
  for (const judge of judges) total += weights[s.member[judge & s.mask]!]!
  for (const judge of judges) giveLane(l, s, f, judge)
  let open = listReceived(s, f, l, o, judges)
  reserveMedians(o)
  if (l.strays > 0) listStrays(s, o, receiveStrays(s, f.roster, judges))
  placeReceived(s, o, live, liveCount, judges.length)
  startChains(s, o, judges)
  const { heap, chains, cursor, begin, times } = o
  // Times come in ascending order, so what comes after the last median tells nothing.
  while (open > 0 && o.heapCount > 0) {
    const j = heap[0]!
    const slot = chains[cursor[j]!]! & s.mask
    open -= tallyHeard(f, o, j, s.row[slot]!, times[j]!, weights[s.member[slot]!]!, total)
    cursor[j]! -= 1
    if (cursor[j]! >= begin[j]!) times[j] = s.timestamp[chains[cursor[j]!]! & s.mask]!
    else heap[0] = heap[--o.heapCount]!
    if (o.heapCount > 1) siftDown(o)
  }
  if (open > 0) throw new Error('invariant: a judge has not heard of an event that its round receives')
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

/** Fills the ranks of the received events, in `mark`; parents come before children here.. */
function rankReceived(s: EventStore, o: OrderScratch): void {
  const { received, receivedCount, listed, sums } = o
  const { mark, mask, tail, state, parents, parentMask, parentStart, parentCount } = s
  for (let i = 0; i < receivedCount; i++) {
    const slot = listed[received[i]!]! & mask
    const start = parentStart[slot]!
    const end = start + parentCount[slot]!
    let rank = 0
    for (let k = start; k < end; k++) {
      const p = parents[k & parentMask]!
      if (p >= tail && state[p & mask] === RECEIVED && mark[p & mask]! > rank) rank = mark[p & mask]!
    }
    mark[slot] = rank + 1
    sums[received[i]!] = 0
  }
}

/** Sorts the received events by (median time, rank, whitened id), in `received`. */
export function sortReceived(s: EventStore, o: OrderScratch, judges: readonly number[]): void {
  const { medians, listed, receivedCount: count } = o
  const { mark, mask } = s
  rankReceived(s, o)
  let white: Uint8Array | undefined
  /** Of two events with one median: does the first one come later? */
  const isLater = (a: number, b: number): boolean => {
    const x = listed[a]! & mask
    const y = listed[b]! & mask
    if (mark[x] !== mark[y]) return mark[x]! > mark[y]!
    white ??= whitening(s, judges)
    return compareWhitened(s.ids[x]!, s.ids[y]!, white) > 0
  }
  let from = o.received
  for (let start = 0; start < count; start += RUN) {
    const end = Math.min(count, start + RUN)
    for (let i = start + 1; i < end; i++) {
      const x = from[i]!
      const time = medians[x]!
      let at = i
      for (; at > start; at--) {
        const before = from[at - 1]!
        const other = medians[before]!
        if (other < time || (other === time && !isLater(before, x))) break
        from[at] = before
      }
      from[at] = x
    }
  }
  let to = (o.spare = roomFor(o.spare, count))
  for (let run = RUN; run < count; run *= 2) {
    for (let start = 0; start < count; start += 2 * run) {
      const middle = Math.min(count, start + run)
      const end = Math.min(count, start + 2 * run)
      let a = start
      let b = middle
      for (let at = start; at < end; at++) {
        let first = b === end
        if (!first && a < middle) {
          const x = medians[from[a]!]!
          const y = medians[from[b]!]!
          first = x < y || (x === y && !isLater(from[a]!, from[b]!))
        }
        to[at] = first ? from[a++]! : from[b++]!
      }
    }
    const sorted = to
    to = from
    from = sorted
  }
  o.received = from
  o.spare = to
  for (let i = 0; i < count; i++) mark[listed[from[i]!]! & mask] = 0
}
