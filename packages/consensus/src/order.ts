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
/** So many events are sorted by insertion. */
const INSERTION_SORT = 48

/** Fixed-shape record. */
export class OrderScratch {
  /** The live self-chains of the judges, one after the other, each from the judge downwards. */
  chains: number[] = []
  /** Of each judge: where its chain begins in `chains`, and which of it comes next. */
  begin: number[] = []
  cursor: number[] = []
  /** Binary heap of judges by the time of what comes next. */
  heap: number[] = []
  times: Float64Array = new Float64Array(0)
  /** Received events as they were added; of each: its median time, and the weight of the judges counted so far. */
  received: number[] = []
  medians: Float64Array = new Float64Array(64)
  sums: Float64Array = new Float64Array(64)
  /**
   * The lanes that hold received events; these events lane by lane, each lane followed by NOTHING, and their places in
   * `received`; where each of the lanes begins there.
   */
  lanes: number[] = []
  listed: number[] = []
  places: number[] = []
  starts: number[] = []
  /** For each judge and lane: how far the judge has heard, and the first event that it has not heard of. */
  next: Int32Array = new Int32Array(64)
  unheard: Int32Array = new Int32Array(64)
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
    for (let x = judges[j]!; x >= s.tail && s.state[x & s.mask] !== GONE; x = s.selfParent[x & s.mask]!)
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

/** Lists what is received, lane by lane, and marks it. */
function listReceived(s: EventStore, f: Frame, l: Lanes, o: OrderScratch, judges: readonly number[]): void {
  const { heard, width } = f
  const { lane: lanes, mask, tail, state, selfParent } = s
  const { listed } = o
  o.lanes.length = 0
  o.starts.length = 0
  listed.length = 0
  for (let lane = 0; lane < l.count; lane++) {
    let least = NOTHING
    for (let j = 0; j < judges.length; j++) {
      const h = heard[s.row[judges[j]! & mask]! * width + lane]!
      if (h < least) least = h
    }
    const start = listed.length
    for (let e = least; e >= tail; e = selfParent[e & mask]!) {
      const slot = e & mask
      if (state[slot] !== LIVE || lanes[slot] !== lane) break
      state[slot] = RECEIVED
      listed.push(e)
    }
    if (listed.length === start) continue
    for (let a = start, b = listed.length - 1; a < b; a++, b--) {
      const e = listed[a]!
      listed[a] = listed[b]!
      listed[b] = e
    }
    o.lanes.push(lane)
    o.starts.push(start)
    listed.push(NOTHING)
  }
}

/** Puts what is received in the order in which it was added, and makes room for what is counted. */
function placeReceived(
  s: EventStore,
  o: OrderScratch,
  live: Int32Array,
  liveCount: number,
  judgeCount: number,
): void {
  const { received, listed, places } = o
  const { mark, state, mask } = s
  received.length = 0
  for (let i = 0; i < liveCount; i++) {
    const slot = live[i]! & mask
    if (state[slot] !== RECEIVED) continue
    mark[slot] = received.length
    received.push(live[i]!)
  }
  places.length = 0
  for (let i = 0; i < listed.length; i++) places.push(listed[i] === NOTHING ? -1 : mark[listed[i]! & mask]!)
  if (o.sums.length < received.length) {
    o.medians = new Float64Array(2 * received.length)
    o.sums = new Float64Array(2 * received.length)
  }
  o.sums.fill(0, 0, received.length)
  const needed = judgeCount * o.lanes.length
  if (o.next.length < needed) {
    o.next = new Int32Array(2 * needed)
    o.unheard = new Int32Array(2 * needed)
  }
  for (let j = 0, at = 0; j < judgeCount; j++) {
    for (let a = 0; a < o.lanes.length; a++, at++) {
      o.next[at] = o.starts[a]!
      o.unheard[at] = listed[o.starts[a]!]!
    }
  }
}

/**
 * Judge j, with `weight` of `total`, hears of some events first with the event of its chain that has this row. Returns how many
 * these are.
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
  const { lanes, listed, places, next, unheard, sums, medians } = o
  const from = row * width
  let at = j * lanes.length
  let tallied = 0
  for (let a = 0; a < lanes.length; a++, at++) {
    const h = heard[from + lanes[a]!]!
    if (h < unheard[at]!) continue
    let i = next[at]!
    let e: number
    do {
      const place = places[i]!
      const before = sums[place]!
      sums[place] = before + weight
      // Doubling a safe integer is exact.
      if (2 * before <= total && 2 * (before + weight) > total) medians[place] = time
      tallied += 1
      e = listed[++i]!
    } while (e <= h)
    next[at] = i
    unheard[at] = e
  }
  return tallied
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
  listReceived(s, f, l, o, judges)
  const strays = l.strays > 0 ? receiveStrays(s, f.roster, judges) : undefined
  placeReceived(s, o, live, liveCount, judges.length)
  startChains(s, o, judges)
  if (strays !== undefined) for (const [e, time] of strays) o.medians[s.mark[e & s.mask]!] = time
  const { heap, chains, cursor, begin, times } = o
  let open = judges.length * (o.listed.length - o.lanes.length)
  while (open > 0) {
    const j = heap[0]!
    const slot = chains[cursor[j]!]! & s.mask
    open -= tallyHeard(f, o, j, s.row[slot]!, times[j]!, weights[s.member[slot]!]!, total)
    cursor[j]! -= 1
    if (cursor[j]! >= begin[j]!) times[j] = s.timestamp[chains[cursor[j]!]! & s.mask]!
    else if (heap.length === 1) break
    else heap[0] = heap.pop()!
    siftDown(o)
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

/** Sorts a few places by time, and where times are equal as `compare` says. Events come nearly sorted by time. */
function insertionSort(
  places: number[],
  medians: Float64Array,
  compare: (a: number, b: number) => number,
): void {
  for (let i = 1; i < places.length; i++) {
    const place = places[i]!
    const time = medians[place]!
    let at = i
    for (; at > 0; at--) {
      const before = places[at - 1]!
      const difference = medians[before]! - time
      if (difference < 0 || (difference === 0 && compare(before, place) < 0)) break
      places[at] = before
    }
    places[at] = place
  }
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
  const compare = (a: number, b: number): number => {
    const byTime = medians[a]! - medians[b]!
    if (byTime !== 0) return byTime
    const x = received[a]! & mask
    const y = received[b]! & mask
    if (mark[x] !== mark[y]) return mark[x]! - mark[y]!
    white ??= whitening(s, judges)
    return compareWhitened(s.ids[x]!, s.ids[y]!, white)
  }
  if (places.length > INSERTION_SORT) places.sort(compare)
  else insertionSort(places, medians, compare)
  for (const x of received) mark[x & mask] = 0
  return places
}
