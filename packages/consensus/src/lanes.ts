/**
 * Who has heard of what: for every held event x (live, or a judge of the base) and every lane, the newest event of the
 * lane that is x or an ancestor of it. Source: the "greatest sequence number seen" of SWIRLDS-TR-2016-01, extended to
 * members that branch.
 *
 * A *lane* is a chain: each of its events is an ancestor of the next one. Lane m belongs to the member at place m of the ruling
 * roster, and is a self-chain. Further lanes are opened for further branches of a member, and for creators that are not in the
 * roster. They are given back when their events are all gone; until then a new branch whose oldest event descends from a lane's
 * newest one goes on in that lane (the lane whose newest event is the oldest: its branch has most likely ended), whoever made it.
 * So x has a live event e as an ancestor (or is it) iff heard(x, lane of e) >= e: indices count up along a
 * chain, an entry that is out of date is lower than every live event of its lane, and what is gone has no live
 * ancestors. None of this depends on the election base, so it is computed once for each event. Rows are kept up to date as far as
 * there are lanes in use; what they have beyond that is out of date in this sense.
 *
 * A branch costs nothing until somebody refers to it: an event that does not go on in its member's own lane is
 * *pending*, without a lane, until it is an other-parent of somebody's event; its self-ancestors that are pending get
 * theirs with it. Only events of the same creator have a pending event as an ancestor, so no other row lacks it.
 *
 * There are at most as many lanes as MAX_EXTRA_LANES says. A branch that finds none free is a stray, and strays.ts
 * walks the graph for it. That costs time, but no memory, and changes no result.
 */
import { takeRow } from './frame.ts'
import type { Frame } from './frame.ts'
import type { DenseRoster } from './roster.ts'
import { isHeld } from './store.ts'
import type { EventStore } from './store.ts'

/** Lanes beyond those of the roster's members. */
const MAX_EXTRA_LANES = 512
/** In place of a lane's number. */
const PENDING = -1
export const STRAY = -2
/** In place of a lane's owner. */
const FREE = -2

/** Fixed-shape record. */
export class Lanes {
  /** Lanes of roster members come first; below `count` some may be free. */
  size = 0
  count = 0
  maximum = 0
  /** How many there may be beyond those of the roster's members. */
  extra: number = MAX_EXTRA_LANES
  /** Newest event of each lane, −1 if none; and the member that it belongs to: −1 for creators outside, or FREE. */
  tip: Int32Array = new Int32Array(0)
  owner: Int32Array = new Int32Array(0)
  free: number[] = []
  /** Greater than 0 if the events with a round of some roster member may not all be in its own lane. */
  branches = 0
  /** Events that are or have been pending since the last sweep, in the order in which they were added. */
  pending: number[] = []
  /** How many held events are strays. */
  strays = 0
}

/**
 * A lane for events that begin with `oldest`, whose row is given: the first one that is free, else one that they can go on in.
 * Rows may still have what they have heard of a lane's former events, so that these must be older.
 */
function openLane(l: Lanes, f: Frame, own: number, oldest: number, row: number): number {
  let lane = STRAY
  let place = -1
  for (let i = 0; i < l.free.length; i++) {
    const other = l.free[i]!
    if (l.tip[other]! >= oldest || (lane !== STRAY && other > lane)) continue
    lane = other
    place = i
  }
  if (place >= 0) l.free.splice(place, 1)
  else lane = laneToContinue(l, f, row)
  while (lane === STRAY) {
    if (l.count === l.maximum) return STRAY
    if (l.count === f.width) setWidth(l, f, Math.min(l.maximum, f.width + Math.max(8, f.width >>> 1)))
    const other = l.count++
    if (l.tip[other]! < oldest) {
      lane = other
    } else {
      l.owner[other] = FREE
      l.free.push(other)
    }
  }
  l.owner[lane] = own
  return lane
}

/** Of the further lanes whose newest event has been heard of, by this row, the one whose newest event is the oldest; or STRAY. */
function laneToContinue(l: Lanes, f: Frame, row: number): number {
  const { tip, owner, count } = l
  const at = row * f.width
  let lane = STRAY
  for (let i = l.size; i < count; i++) {
    if (owner[i] === FREE || f.heard[at + i] !== tip[i]) continue
    if (lane === STRAY || tip[i]! < tip[lane]!) lane = i
  }
  return lane
}

/** Makes room for `width` lanes in every row; the lanes in use are among them. */
function setWidth(l: Lanes, f: Frame, width: number): void {
  const heard = new Int32Array(f.rowCapacity * width).fill(-1)
  const both = Math.min(width, f.width)
  for (let row = 0; row < f.rowNext; row++) {
    for (let lane = 0; lane < both; lane++) heard[row * width + lane] = f.heard[row * f.width + lane]!
  }
  f.heard = heard
  f.width = width
  if (!f.branching) {
    f.seen = heard
    f.stride = width
  }
  const tip = new Int32Array(width).fill(-1)
  tip.set(l.tip.subarray(0, both))
  l.tip = tip
  const owner = new Int32Array(width).fill(FREE)
  owner.set(l.owner.subarray(0, both))
  l.owner = owner
}

/** Does an event of this member whose self-parent is held (or is −1) go on in the member's own lane? */
function staysHome(l: Lanes, s: EventStore, own: number, self: number): boolean {
  if (own < 0) return false
  const lane = self < 0 ? STRAY : s.lane[self & s.mask]!
  if (lane === own && l.tip[own] === self) return true
  if (lane === PENDING || (lane >= 0 && l.tip[lane] === self)) return false
  return !isHeld(s, l.tip[own]!)
}

/** Gives an event that has just been added its row, and in it what it has heard of. */
export function hear(l: Lanes, s: EventStore, f: Frame, x: number): void {
  const slot = x & s.mask
  s.row[slot] = takeRow(f)
  if (l.pending.length > 0) referTo(l, s, f, slot)
  merge(l, s, f, slot, s.row[slot]!)
  enter(l, s, f, x, s.selfParent[slot]!)
}

/** Puts an event whose row is complete into its member's own lane, or among the pending ones. */
function enter(l: Lanes, s: EventStore, f: Frame, x: number, self: number): void {
  const slot = x & s.mask
  const own = s.member[slot]!
  if (staysHome(l, s, own, self)) {
    s.lane[slot] = own
    s.below[slot] = l.tip[own]!
    f.heard[s.row[slot]! * f.width + own] = x
    l.tip[own] = x
    return
  }
  s.lane[slot] = PENDING
  l.pending.push(x)
  if (own >= 0) l.branches += 1
}

/** Somebody has the pending ones among these other-parents as ancestors from now on. */
function referTo(l: Lanes, s: EventStore, f: Frame, slot: number): void {
  const start = s.parentStart[slot]!
  for (let k = start; k < start + s.parentCount[slot]!; k++) {
    const p = s.parents[k & s.parentMask]!
    if (p !== s.selfParent[slot] && isHeld(s, p)) giveLane(l, s, f, p)
  }
}

/** Gives a held event that is pending, and its self-ancestors that are pending, a lane; nothing happens to any other event. */
export function giveLane(l: Lanes, s: EventStore, f: Frame, x: number): void {
  if (s.lane[x & s.mask] !== PENDING) return
  const chain: number[] = []
  let e = x
  for (; isHeld(s, e) && s.lane[e & s.mask] === PENDING; e = s.selfParent[e & s.mask]!) chain.push(e)
  const own = s.member[x & s.mask]!
  const before = isHeld(s, e) ? s.lane[e & s.mask]! : STRAY
  let lane = before
  if (before < 0 || l.tip[before] !== e) {
    const oldest = chain.at(-1)!
    const home = own >= 0 && l.tip[own]! < oldest && !isHeld(s, l.tip[own]!)
    lane = home ? own : openLane(l, f, own, oldest, s.row[oldest & s.mask]!)
  }
  const { heard, width } = f
  const { count } = l
  for (let i = chain.length - 1; i >= 0; i--) {
    const into = s.row[chain[i]! & s.mask]! * width
    if (isHeld(s, e)) {
      const from = s.row[e & s.mask]! * width
      for (let k = 0; k < count; k++) heard[into + k] = Math.max(heard[into + k]!, heard[from + k]!)
    }
    e = chain[i]!
    s.lane[e & s.mask] = lane
    if (lane >= 0) {
      heard[into + lane] = e
      s.below[e & s.mask] = l.tip[lane]!
      l.tip[lane] = e
    } else {
      l.strays += 1
    }
  }
}

/** The element-wise maximum over the parents. */
function merge(l: Lanes, s: EventStore, f: Frame, slot: number, row: number): void {
  const { heard, width } = f
  const { count } = l
  const { parents, parentMask, mask, row: rows } = s
  const into = row * width
  const start = s.parentStart[slot]!
  const end = start + s.parentCount[slot]!
  if (start === end) {
    for (let i = 0; i < count; i++) heard[into + i] = -1
    return
  }
  const a = rows[parents[start & parentMask]! & mask]! * width
  if (start + 1 === end) {
    for (let i = 0; i < count; i++) heard[into + i] = heard[a + i]!
    return
  }
  const b = rows[parents[(start + 1) & parentMask]! & mask]! * width
  for (let i = 0; i < count; i++) {
    const x = heard[a + i]!
    const y = heard[b + i]!
    heard[into + i] = x > y ? x : y
  }
  for (let k = start + 2; k < end; k++) {
    const from = rows[parents[k & parentMask]! & mask]! * width
    for (let i = 0; i < count; i++) {
      const y = heard[from + i]!
      if (y > heard[into + i]!) heard[into + i] = y
    }
  }
}

/** The same where parents may have gone meanwhile. */
function mergeHeld(s: EventStore, f: Frame, slot: number, row: number): void {
  const { heard, width } = f
  const into = row * width
  heard.fill(-1, into, into + width)
  const start = s.parentStart[slot]!
  for (let k = start; k < start + s.parentCount[slot]!; k++) {
    const p = s.parents[k & s.parentMask]!
    if (!isHeld(s, p)) continue
    const from = s.row[p & s.mask]! * width
    for (let i = 0; i < width; i++) heard[into + i] = Math.max(heard[into + i]!, heard[from + i]!)
  }
}

/** A member's last branch becomes its first lane again. */
function moveLane(
  l: Lanes,
  s: EventStore,
  f: Frame,
  live: Int32Array,
  liveCount: number,
  lane: number,
): void {
  const own = l.owner[lane]!
  for (let i = 0; i < liveCount; i++) {
    const slot = live[i]! & s.mask
    if (s.lane[slot] === lane) s.lane[slot] = own
    const at = s.row[slot]! * f.width
    f.heard[at + own] = f.heard[at + lane]!
  }
  l.tip[own] = l.tip[lane]!
}

/** Does the lane with this tip hold events of more than one self-chain? */
function isMixed(s: EventStore, tip: number): boolean {
  let e = tip
  for (let p = s.below[e & s.mask]!; isHeld(s, p); p = s.below[e & s.mask]!) {
    if (s.selfParent[e & s.mask] !== p) return true
    e = p
  }
  return false
}

/** Notes which events are still pending, and which are strays. Returns how many pending ones of roster members count as branches. */
function sweepPending(l: Lanes, s: EventStore, f: Frame, undivided: number): number {
  const { pending } = l
  let kept = 0
  let branches = 0
  for (const x of pending) {
    if (!isHeld(s, x)) continue
    const slot = x & s.mask
    const own = s.member[slot]!
    if (s.lane[slot] === PENDING && own >= 0 && !isHeld(s, l.tip[own]!)) giveLane(l, s, f, x)
    if (s.lane[slot] !== PENDING) continue
    pending[kept++] = x
    if (own >= 0 && (x >= undivided || s.round[slot]! > 0)) branches += 1
  }
  pending.length = kept
  return branches
}

function countStrays(l: Lanes, s: EventStore, live: Int32Array, liveCount: number): void {
  l.strays = 0
  for (let i = 0; i < liveCount; i++) if (s.lane[live[i]! & s.mask] === STRAY) l.strays += 1
}

/**
 * Gives back the lanes whose events are all gone. From the event `undivided` on rounds have not been computed yet; each of these
 * events counts as one that has a round.
 */
export function sweepLanes(
  l: Lanes,
  s: EventStore,
  f: Frame,
  live: Int32Array,
  liveCount: number,
  undivided: number,
): void {
  if (l.count === l.size && l.strays === 0 && l.pending.length === 0) return
  if (l.strays > 0) countStrays(l, s, live, liveCount)
  l.branches = l.strays + sweepPending(l, s, f, undivided)
  for (let lane = l.size; lane < l.count; lane++) {
    const own = l.owner[lane]!
    if (own === FREE) continue
    const tip = l.tip[lane]!
    const gone = !isHeld(s, tip)
    const mixed = !gone && isMixed(s, tip)
    const moves = !gone && !mixed && own >= 0 && !isHeld(s, l.tip[own]!)
    if (moves) moveLane(l, s, f, live, liveCount, lane)
    else if (mixed || (!gone && own >= 0 && (tip >= undivided || s.round[tip & s.mask]! > 0))) l.branches += 1
    if (!gone && !moves) continue
    l.owner[lane] = FREE
    l.free.push(lane)
  }
  while (l.count > l.size && l.owner[l.count - 1] === FREE) l.count -= 1
  l.free = l.free.filter((lane) => lane < l.count)
  if (l.count === l.size) setWidth(l, f, l.size)
}

/** Makes everything anew, for another roster or after indices have moved. `live` are all held events. */
export function rebuildLanes(
  l: Lanes,
  s: EventStore,
  f: Frame,
  roster: DenseRoster,
  live: Int32Array,
  liveCount: number,
): void {
  l.size = roster.size
  l.count = roster.size
  l.maximum = roster.size + l.extra
  l.branches = 0
  l.strays = 0
  l.pending.length = 0
  l.free.length = 0
  f.width = roster.size
  f.heard = new Int32Array(f.rowCapacity * f.width)
  l.tip = new Int32Array(f.width).fill(-1)
  l.owner = Int32Array.from({ length: f.width }, (_, i) => i)
  for (let i = 0; i < liveCount; i++) {
    const x = live[i]!
    const slot = x & s.mask
    const self = s.selfParent[slot]!
    if (l.pending.length > 0) referTo(l, s, f, slot)
    mergeHeld(s, f, slot, s.row[slot]!)
    enter(l, s, f, x, isHeld(s, self) ? self : -1)
  }
}
