/**
 * Who has heard of what: for every held event x (live, or a judge of the base) and every lane, the newest event of the
 * lane that is x or an ancestor of it. Source: the "greatest sequence number seen" of SWIRLDS-TR-2016-01, extended to
 * members that branch.
 *
 * A *lane* is a self-chain. Lane m belongs to the member at place m of the ruling roster. Further lanes are opened for
 * further branches of a member, and for creators that are not in the roster; they are given back when their events are
 * all gone. So x has a live event e as an ancestor (or is it) iff heard(x, lane of e) >= e: indices count up along a
 * chain, an entry that is out of date is lower than every live event of its lane, and what is gone has no live
 * ancestors. None of this depends on the election base, so it is computed once for each event.
 *
 * There are at most as many lanes as MAX_LANES says. A branch that finds none free is a stray: its events have no lane,
 * and order.ts walks the graph for them. That costs time, but no memory, and changes no result.
 */
import { takeRow } from './frame.ts'
import type { Frame } from './frame.ts'
import type { DenseRoster } from './roster.ts'
import { isHeld } from './store.ts'
import type { EventStore } from './store.ts'

/** Lanes beyond those of the roster's members. */
const MAX_EXTRA_LANES = 512
const NO_LANE = -1
const FREE = -2

/** Fixed-shape record. */
export class Lanes {
  /** Lanes of roster members come first; below `count` some may be free. */
  size = 0
  count = 0
  maximum = 0
  /** Newest event of each lane, −1 if none; and the member that it belongs to: −1 for creators outside, or FREE. */
  tip: Int32Array = new Int32Array(0)
  owner: Int32Array = new Int32Array(0)
  free: number[] = []
  /** How many lanes beyond their first one the roster's members have, strays counted. */
  branches = 0
  /** Held events without a lane. */
  strays = 0
}

function openLane(l: Lanes, f: Frame, own: number): number {
  if (own >= 0) l.branches += 1
  let lane = l.free.pop()
  if (lane === undefined) {
    if (l.count === l.maximum) {
      l.strays += 1
      return NO_LANE
    }
    if (l.count === f.width) setWidth(l, f, Math.min(l.maximum, f.width + Math.max(8, f.width >>> 1)))
    lane = l.count++
  }
  l.owner[lane] = own
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

function chooseLane(l: Lanes, s: EventStore, f: Frame, own: number, self: number): number {
  if (self >= 0) {
    const lane = s.lane[self & s.mask]!
    if (lane >= 0 && l.tip[lane] === self) return lane
  }
  if (own >= 0 && !isHeld(s, l.tip[own]!)) return own
  return openLane(l, f, own)
}

/** Gives an event that has just been added its row, and in it what it has heard of. */
export function hear(l: Lanes, s: EventStore, f: Frame, x: number): void {
  const slot = x & s.mask
  const lane = chooseLane(l, s, f, s.member[slot]!, s.selfParent[slot]!)
  const row = takeRow(f)
  s.row[slot] = row
  s.lane[slot] = lane
  merge(s, f, slot, row)
  if (lane < 0) return
  f.heard[row * f.width + lane] = x
  l.tip[lane] = x
}

/** The element-wise maximum over the parents. */
function merge(s: EventStore, f: Frame, slot: number, row: number): void {
  const { heard, width } = f
  const { parents, parentMask, mask, row: rows } = s
  const into = row * width
  const start = s.parentStart[slot]!
  const end = start + s.parentCount[slot]!
  if (start === end) {
    for (let i = 0; i < width; i++) heard[into + i] = -1
    return
  }
  const a = rows[parents[start & parentMask]! & mask]! * width
  if (start + 1 === end) {
    for (let i = 0; i < width; i++) heard[into + i] = heard[a + i]!
    return
  }
  const b = rows[parents[(start + 1) & parentMask]! & mask]! * width
  for (let i = 0; i < width; i++) {
    const x = heard[a + i]!
    const y = heard[b + i]!
    heard[into + i] = x > y ? x : y
  }
  for (let k = start + 2; k < end; k++) {
    const from = rows[parents[k & parentMask]! & mask]! * width
    for (let i = 0; i < width; i++) {
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
function moveLane(l: Lanes, s: EventStore, f: Frame, live: Int32Array, liveCount: number, lane: number): void {
  const own = l.owner[lane]!
  for (let i = 0; i < liveCount; i++) {
    const slot = live[i]! & s.mask
    if (s.lane[slot] === lane) s.lane[slot] = own
    const at = s.row[slot]! * f.width
    f.heard[at + own] = f.heard[at + lane]!
  }
  l.tip[own] = l.tip[lane]!
}

/** Gives back the lanes whose events are all gone. */
export function sweepLanes(l: Lanes, s: EventStore, f: Frame, live: Int32Array, liveCount: number): void {
  if (l.count === l.size && l.strays === 0) return
  const strays = l.strays
  l.strays = 0
  l.branches = 0
  if (strays > 0) {
    for (let i = 0; i < liveCount; i++) {
      const slot = live[i]! & s.mask
      if (s.lane[slot] !== NO_LANE) continue
      l.strays += 1
      if (s.member[slot]! >= 0) l.branches += 1
    }
  }
  for (let lane = l.size; lane < l.count; lane++) {
    const own = l.owner[lane]!
    if (own === FREE) continue
    const gone = !isHeld(s, l.tip[lane]!)
    const moves = !gone && own >= 0 && !isHeld(s, l.tip[own]!)
    if (moves) moveLane(l, s, f, live, liveCount, lane)
    else if (!gone && own >= 0) l.branches += 1
    if (!gone && !moves) continue
    l.owner[lane] = FREE
    l.tip[lane] = -1
    l.free.push(lane)
  }
  if (l.free.length < l.count - l.size) return
  l.count = l.size
  l.free.length = 0
  setWidth(l, f, l.size)
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
  l.maximum = roster.size + MAX_EXTRA_LANES
  l.branches = 0
  l.strays = 0
  l.free.length = 0
  f.width = roster.size
  f.heard = new Int32Array(f.rowCapacity * f.width)
  l.tip = new Int32Array(f.width).fill(-1)
  l.owner = Int32Array.from({ length: f.width }, (_, i) => i)
  for (let i = 0; i < liveCount; i++) {
    const x = live[i]!
    const slot = x & s.mask
    const lane = chooseLane(l, s, f, s.member[slot]!, s.selfParent[slot]!)
    s.lane[slot] = lane
    mergeHeld(s, f, slot, s.row[slot]!)
    if (lane < 0) continue
    f.heard[s.row[slot]! * f.width + lane] = x
    l.tip[lane] = x
  }
}
