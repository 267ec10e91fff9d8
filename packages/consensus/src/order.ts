/**
 * Decides which events a decided round receives, when they happened, and in which order they stand: `findOrder` of the
 * paper. Source: spec section 5.
 *
 * The live events are passed once, from children to parents. Each one that is an ancestor of a judge has a row of times,
 * one for each judge: the judge's earliest self-ancestor that has the event as an ancestor, found as the minimum
 * over the event's children (along the judge's own self-chain times fall, so there an event's own time is the least).
 * An event with all times filled in is received. Rows are handed on from child to parent, so there are never more of
 * them than events on the frontier.
 */
import type { DenseRoster } from './roster.ts'
import { LIVE, RECEIVED } from './store.ts'
import type { EventStore } from './store.ts'

export class OrderScratch {
  times: Float64Array = new Float64Array(0)
  rows = 0
  rowNext = 0
  freeRows: number[] = []
  values: Float64Array = new Float64Array(0)
  weights: Float64Array = new Float64Array(0)
  /** Received events, children before parents, and each one's median time. */
  received: number[] = []
  medians: number[] = []
}

function takeTimes(o: OrderScratch, width: number): number {
  const row = o.freeRows.pop() ?? o.rowNext++
  if ((row + 1) * width > o.times.length) {
    const times = new Float64Array(Math.max(64, 2 * row + 2) * width)
    times.set(o.times)
    o.times = times
  }
  return row
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

function medianOf(o: OrderScratch, from: number, width: number, roster: DenseRoster): number {
  const { times, values } = o
  for (let j = 0; j < width; j++) values[j] = times[from + j]!
  return roster.equal ? select(values, width, (width >>> 1) + 1) : weightedMedian(values, o.weights, width)
}

/** The weighted median of the judges' own times. */
export function judgesMedian(s: EventStore, roster: DenseRoster, judges: readonly number[]): number {
  const times = Float64Array.from(judges, (judge) => s.timestamp[judge & s.mask]!)
  const weights = Float64Array.from(judges, (judge) => roster.weights[s.member[judge & s.mask]!]!)
  return weightedMedian(times, weights, judges.length)
}

function handDown(s: EventStore, o: OrderScratch, slot: number, width: number): void {
  const row = s.mark[slot]!
  const from = row * width
  const start = s.parentStart[slot]!
  const end = start + s.parentCount[slot]!
  let heir = -1
  for (let k = start; k < end; k++) {
    const p = s.parents[k & s.parentMask]!
    if (p < s.tail || s.state[p & s.mask] !== LIVE) continue
    const mark = s.mark[p & s.mask]!
    if (mark >= 0) {
      const { times } = o
      const to = mark * width
      for (let j = 0; j < width; j++) if (times[from + j]! < times[to + j]!) times[to + j] = times[from + j]!
    } else if (heir < 0) {
      heir = p & s.mask
    } else {
      const copy = takeTimes(o, width)
      o.times.copyWithin(copy * width, from, from + width)
      s.mark[p & s.mask] = copy
    }
  }
  if (heir >= 0) s.mark[heir] = row
  else o.freeRows.push(row)
  s.mark[slot] = -1
}

/**
 * Fills `received` and `medians` from the judges downwards over `live`, the indices of all events that may be received,
 * in the order in which they were added. Marks the received events.
 */
export function collectReceived(
  s: EventStore,
  o: OrderScratch,
  roster: DenseRoster,
  live: Int32Array,
  liveCount: number,
  judges: readonly number[],
): void {
  const width = judges.length
  o.received.length = 0
  o.medians.length = 0
  o.freeRows.length = 0
  o.rowNext = 0
  if (o.values.length < width) {
    o.values = new Float64Array(width)
    o.weights = new Float64Array(width)
  }
  let newest = -1
  for (let j = 0; j < width; j++) {
    const judge = judges[j]!
    if (judge > newest) newest = judge
    s.chain[judge & s.mask] = j
    const own = s.member[judge & s.mask]!
    o.weights[j] = own >= 0 ? roster.weights[own]! : 1
  }
  for (let i = liveCount - 1; i >= 0; i--) {
    const x = live[i]!
    const slot = x & s.mask
    if (x > newest || s.state[slot] !== LIVE) continue
    const chain = s.chain[slot]!
    if (chain >= 0) {
      if (s.mark[slot]! < 0) {
        const row = takeTimes(o, width)
        o.times.fill(Infinity, row * width, (row + 1) * width)
        s.mark[slot] = row
      }
      o.times[s.mark[slot]! * width + chain] = s.timestamp[slot]!
      const self = s.selfParent[slot]!
      if (self >= s.tail && s.state[self & s.mask] === LIVE) s.chain[self & s.mask] = chain
      s.chain[slot] = -1
    }
    const mark = s.mark[slot]!
    if (mark < 0) continue
    let j = 0
    while (j < width && o.times[mark * width + j]! < Infinity) j++
    if (j === width) {
      o.received.push(x)
      o.medians.push(medianOf(o, mark * width, width, roster))
      handDown(s, o, slot, width)
      s.state[slot] = RECEIVED
    } else {
      handDown(s, o, slot, width)
    }
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
  // Parents before children: `mark` holds the rank.
  for (let i = received.length - 1; i >= 0; i--) {
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
  for (const x of received) mark[x & mask] = -1
  return places
}
