/**
 * Keeps, for every member m, which live events m has reached and with which of its events first: what spec section 5 needs
 * for "received" and for the times. A live event is one that is neither ordered nor ancient; m reaches it with the
 * first event of its own that has it as an ancestor (or is it).
 *
 * When an event x of m is added, a walk from it finds what m has not reached before, and lists it. What m has reached is
 * closed downwards, so the walk stops wherever it meets something that was reached, or that is not live (whose
 * ancestors are not live either). Each pair of an event and a member is listed once: O(n · parents) per event in all,
 * spread evenly.
 *
 * This is meant for members whose live events are one self-chain. If a member has branched, which branch counts is known only
 * when a judge is elected: then the lists along that judge's chain are made (`coverJudges`).
 */
import type { DenseRoster } from './roster.ts'
import { LIVE } from './store.ts'
import type { EventStore } from './store.ts'

/** A ring of indices, in which lists stand one after the other. Fixed-shape record. */
export class Lists {
  data: Int32Array = new Int32Array(1024)
  mask = 1023
  /** Where the oldest list that is still needed begins, and where the next one will: these only grow. */
  head = 0
  next = 0
}

/** Fixed-shape record. */
export class Coverage {
  size = 0
  words = 0
  /** By slot: the set of members that have reached the event; all ones if it is not live, so that walks stop there. */
  covered: Int32Array = new Int32Array(0)
  /** By slot: the list of what the event's creator reached with it. */
  listStart: Float64Array = new Float64Array(0)
  listCount: Int32Array = new Int32Array(0)
  /** Of members that have not branched; and of judges that have, during one decision. */
  kept: Lists = new Lists()
  passing: Lists = new Lists()
  /** The newest event of each member, −1 if none; and 1 if the member's live events are not one chain. */
  newest: Int32Array = new Int32Array(0)
  branched: Uint8Array = new Uint8Array(0)
  branchedCount = 0
  stillBranched: Uint8Array = new Uint8Array(0)
  /** Scratch: a set of members. */
  set: Int32Array = new Int32Array(0)
}

function makeRoom(lists: Lists, count: number): void {
  const used = lists.next - lists.head
  if (used + count <= lists.data.length) return
  let size = lists.data.length
  while (used + count > size) size *= 2
  const data = new Int32Array(size)
  for (let at = lists.head; at < lists.next; at++) data[at & (size - 1)] = lists.data[at & lists.mask]!
  lists.data = data
  lists.mask = size - 1
}

/** Follows the ring of events when it has grown. */
function follow(v: Coverage, s: EventStore): void {
  const { words, covered, listStart, listCount } = v
  const capacity = s.mask + 1
  const mask = listStart.length - 1
  v.covered = new Int32Array(capacity * words).fill(-1)
  v.listStart = new Float64Array(capacity)
  v.listCount = new Int32Array(capacity)
  if (mask < 0) return
  for (let i = s.tail; i < s.next - 1; i++) {
    const slot = i & s.mask
    for (let w = 0; w < words; w++) v.covered[slot * words + w] = covered[(i & mask) * words + w]!
    v.listStart[slot] = listStart[i & mask]!
    v.listCount[slot] = listCount[i & mask]!
  }
}

/** Takes note that an event is not live any more. */
export function uncover(v: Coverage, slot: number): void {
  for (let w = 0; w < v.words; w++) v.covered[slot * v.words + w] = -1
}

/** Lists all live events that member `own` reaches with its event x. The list is the queue of the walk as well. */
function reach(v: Coverage, s: EventStore, lists: Lists, x: number, own: number): void {
  makeRoom(lists, s.next - s.tail)
  const { covered, words } = v
  const { data, mask: listMask } = lists
  const { mask, tail, parents, parentMask, parentStart, parentCount } = s
  const word = own >>> 5
  const bit = 1 << own
  const first = lists.next & listMask
  let at = first
  let end = first + 1
  data[first] = x
  covered[(x & mask) * words + word]! |= bit
  for (; at < end; at++) {
    const slot = data[at & listMask]! & mask
    const start = parentStart[slot]!
    const stop = start + parentCount[slot]!
    for (let k = start; k < stop; k++) {
      const p = parents[k & parentMask]!
      if (p < tail) continue
      const place = (p & mask) * words + word
      const set = covered[place]!
      if ((set & bit) !== 0) continue
      covered[place] = set | bit
      data[end++ & listMask] = p
    }
  }
  v.listStart[x & mask] = lists.next
  v.listCount[x & mask] = end - first
  lists.next += end - first
}

/** Takes in an event that has just been added. */
export function coverEvent(v: Coverage, s: EventStore, x: number): void {
  const slot = x & s.mask
  if (v.listStart.length !== s.mask + 1) follow(v, s)
  for (let w = 0; w < v.words; w++) v.covered[slot * v.words + w] = 0
  v.listCount[slot] = 0
  const own = s.member[slot]!
  if (own < 0) return
  const newest = v.newest[own]!
  v.newest[own] = x
  if (v.branched[own] === 1) return
  // If the newest event is not live, no older one is, and the chain begins anew.
  if (newest >= s.tail && s.state[newest & s.mask] === LIVE && s.selfParent[slot] !== newest) {
    v.branched[own] = 1
    v.branchedCount += 1
    return
  }
  reach(v, s, v.kept, x, own)
}

/** Empties the columns of a set of members. */
function clearColumns(
  v: Coverage,
  s: EventStore,
  live: Int32Array,
  liveCount: number,
  set: Int32Array,
): void {
  const { words, covered } = v
  for (let i = 0; i < liveCount; i++) {
    const slot = live[i]! & s.mask
    if (s.state[slot] !== LIVE) continue
    for (let w = 0; w < words; w++) covered[slot * words + w]! &= ~set[w]!
  }
}

/** Makes the lists along the live part of a self-chain that ends with `newest`. */
function reachAlong(v: Coverage, s: EventStore, lists: Lists, newest: number, own: number): void {
  const chain: number[] = []
  for (let x = newest; x >= s.tail && s.state[x & s.mask] === LIVE; x = s.selfParent[x & s.mask]!)
    chain.push(x)
  for (let i = chain.length - 1; i >= 0; i--) reach(v, s, lists, chain[i]!, own)
}

/** Makes the lists of those judges whose creators have branched, along their own chains alone. */
export function coverJudges(
  v: Coverage,
  s: EventStore,
  live: Int32Array,
  liveCount: number,
  judges: readonly number[],
): void {
  if (v.branchedCount === 0) return
  v.passing.head = 0
  v.passing.next = 0
  v.set.fill(0)
  for (let own = 0; own < v.size; own++) if (v.branched[own] === 1) v.set[own >>> 5]! |= 1 << own
  clearColumns(v, s, live, liveCount, v.set)
  for (const judge of judges) {
    const own = s.member[judge & s.mask]!
    if (v.branched[own] === 1) reachAlong(v, s, v.passing, judge, own)
  }
}

/** Gives members that had branched and whose live events are one chain again their lists back. */
function forgetBranches(v: Coverage, s: EventStore, live: Int32Array, liveCount: number): void {
  v.newest.fill(-1)
  v.stillBranched.fill(0)
  for (let i = 0; i < liveCount; i++) {
    const x = live[i]!
    const own = s.member[x & s.mask]!
    if (own < 0 || s.state[x & s.mask] !== LIVE) continue
    if (v.newest[own] !== -1 && s.selfParent[x & s.mask] !== v.newest[own]) v.stillBranched[own] = 1
    v.newest[own] = x
  }
  v.set.fill(0)
  for (let own = 0; own < v.size; own++) {
    if (v.branched[own] === 1 && v.stillBranched[own] === 0) v.set[own >>> 5]! |= 1 << own
  }
  clearColumns(v, s, live, liveCount, v.set)
  for (let own = 0; own < v.size; own++) {
    if ((v.set[own >>> 5]! & (1 << own)) === 0) continue
    v.branched[own] = 0
    v.branchedCount -= 1
    reachAlong(v, s, v.kept, v.newest[own]!, own)
  }
}

/** Lets go of what is not needed any more after a round has been ordered. */
export function trimCoverage(v: Coverage, s: EventStore, live: Int32Array, liveCount: number): void {
  if (v.branchedCount > 0) forgetBranches(v, s, live, liveCount)
  let head = v.kept.next
  for (let i = 0; i < liveCount; i++) {
    const slot = live[i]! & s.mask
    const own = s.member[slot]!
    if (own < 0 || v.branched[own] === 1 || s.state[slot] !== LIVE) continue
    if (v.listStart[slot]! < head) head = v.listStart[slot]!
  }
  v.kept.head = head
}

/** Makes everything anew, for another roster or after indices have moved. */
export function rebuildCoverage(
  v: Coverage,
  s: EventStore,
  roster: DenseRoster,
  live: Int32Array,
  liveCount: number,
): void {
  v.size = roster.size
  v.words = roster.words
  v.covered = new Int32Array((s.mask + 1) * v.words).fill(-1)
  v.listStart = new Float64Array(s.mask + 1)
  v.listCount = new Int32Array(s.mask + 1)
  v.kept.head = 0
  v.kept.next = 0
  v.newest = new Int32Array(v.size).fill(-1)
  v.branched = new Uint8Array(v.size)
  v.stillBranched = new Uint8Array(v.size)
  v.set = new Int32Array(v.words)
  v.branchedCount = 0
  for (let i = 0; i < liveCount; i++) if (s.state[live[i]! & s.mask] === LIVE) coverEvent(v, s, live[i]!)
}
