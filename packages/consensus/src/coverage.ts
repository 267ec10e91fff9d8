/**
 * Keeps, for every live event e and every member m, the first event of m that has e as an ancestor (or is e): what spec
 * section 5 needs for "received" and for the times. A live event is one that is neither ordered nor ancient.
 *
 * Each pair (e, m) is written once, when m's event that first reaches e is added: a walk from it down to what m had
 * reached before. The reached events of m are closed downwards, so the walk stops at the first one, and at the first event
 * that is not live (whose ancestors are not live either). That makes O(n · parents) per event in all, spread evenly.
 *
 * It is meant for members whose live events are one self-chain. If one has branched, which branch counts is known only
 * when a judge is elected: then the column of that member is made from that judge's chain (`coverJudges`).
 */
import type { DenseRoster } from './roster.ts'
import { LIVE } from './store.ts'
import type { EventStore } from './store.ts'

/** Fixed-shape record. */
export class Coverage {
  size = 0
  words = 0
  /** Set of members that have the event as an ancestor, and which event of theirs was first; a row for each live event. */
  covered: Int32Array = new Int32Array(0)
  first: Int32Array = new Int32Array(0)
  capacity: number
  rowNext = 0
  freeRows: Int32Array
  freeCount = 0
  /** The newest event of each member, −1 if none; and 1 if the member's live events are not one chain. */
  newest: Int32Array = new Int32Array(0)
  branched: Uint8Array = new Uint8Array(0)
  stillBranched: Uint8Array = new Uint8Array(0)
  set: Int32Array = new Int32Array(0)
  branchedCount = 0
  stack: Int32Array = new Int32Array(256)

  constructor(capacity: number) {
    this.capacity = capacity
    this.freeRows = new Int32Array(capacity)
  }
}

function larger(old: Int32Array, length: number): Int32Array {
  const grown = new Int32Array(length)
  grown.set(old)
  return grown
}

/** Gives a live event its row. */
function takeCover(v: Coverage, s: EventStore, slot: number): void {
  let row: number
  if (v.freeCount > 0) {
    row = v.freeRows[--v.freeCount]!
  } else {
    row = v.rowNext++
    if (row === v.capacity) {
      v.capacity *= 2
      v.covered = larger(v.covered, v.capacity * v.words)
      v.first = larger(v.first, v.capacity * v.size)
      v.freeRows = larger(v.freeRows, v.capacity)
    }
  }
  s.cover[slot] = row
  for (let w = 0; w < v.words; w++) v.covered[row * v.words + w] = 0
}

/** Takes back the row of an event that is not live any more. */
export function giveCover(v: Coverage, s: EventStore, slot: number): void {
  v.freeRows[v.freeCount++] = s.cover[slot]!
}

/** Member `own` reaches, with its event x, all live ancestors of x that it had not reached before. */
function reach(v: Coverage, s: EventStore, x: number, own: number): void {
  const { covered, first, words, size } = v
  const { mask, tail, parents, parentMask, state, cover, parentStart, parentCount } = s
  let stack = v.stack
  const word = own >>> 5
  const bit = 1 << own
  let top = 1
  stack[0] = x
  covered[cover[x & mask]! * words + word]! |= bit
  while (top > 0) {
    const slot = stack[--top]! & mask
    first[cover[slot]! * size + own] = x
    const start = parentStart[slot]!
    const end = start + parentCount[slot]!
    if (top + end - start > stack.length) stack = v.stack = larger(stack, 2 * (top + end - start))
    for (let k = start; k < end; k++) {
      const p = parents[k & parentMask]!
      if (p < tail || state[p & mask] !== LIVE) continue
      const at = cover[p & mask]! * words + word
      if ((covered[at]! & bit) !== 0) continue
      covered[at]! |= bit
      stack[top++] = p
    }
  }
}

/** Takes in an event that has just been added. */
export function coverEvent(v: Coverage, s: EventStore, x: number): void {
  const slot = x & s.mask
  takeCover(v, s, slot)
  const own = s.member[slot]!
  if (own < 0) return
  const newest = v.newest[own]!
  // If the newest event is not live, no older one is, and the chain begins anew.
  if (
    newest >= s.tail &&
    s.state[newest & s.mask] === LIVE &&
    s.selfParent[slot] !== newest &&
    v.branched[own] === 0
  ) {
    v.branched[own] = 1
    v.branchedCount += 1
  }
  v.newest[own] = x
  if (v.branched[own] === 0) reach(v, s, x, own)
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
    const at = s.cover[slot]! * words
    for (let w = 0; w < words; w++) covered[at + w]! &= ~set[w]!
  }
}

/** The live part of an event's self-chain, the event first. */
function liveChain(s: EventStore, x: number): number[] {
  const chain: number[] = []
  for (let y = x; y >= s.tail && s.state[y & s.mask] === LIVE; y = s.selfParent[y & s.mask]!) chain.push(y)
  return chain
}

/** Makes the columns of those judges whose creators have branched: from their live self-ancestors alone. */
export function coverJudges(
  v: Coverage,
  s: EventStore,
  live: Int32Array,
  liveCount: number,
  judges: readonly number[],
): void {
  if (v.branchedCount === 0) return
  v.set.fill(0)
  for (let own = 0; own < v.size; own++) if (v.branched[own] === 1) v.set[own >>> 5]! |= 1 << own
  clearColumns(v, s, live, liveCount, v.set)
  for (const judge of judges) {
    const own = s.member[judge & s.mask]!
    if (v.branched[own] === 0) continue
    const chain = liveChain(s, judge)
    for (let i = chain.length - 1; i >= 0; i--) reach(v, s, chain[i]!, own)
  }
}

/** Gives members that had branched and whose live events are one chain again their columns back. */
export function forgetBranches(v: Coverage, s: EventStore, live: Int32Array, liveCount: number): void {
  if (v.branchedCount === 0) return
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
    const chain = liveChain(s, v.newest[own]!)
    for (let i = chain.length - 1; i >= 0; i--) reach(v, s, chain[i]!, own)
  }
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
  v.covered = new Int32Array(v.capacity * v.words)
  v.first = new Int32Array(v.capacity * v.size)
  v.newest = new Int32Array(v.size).fill(-1)
  v.branched = new Uint8Array(v.size)
  v.stillBranched = new Uint8Array(v.size)
  v.set = new Int32Array(v.words)
  v.branchedCount = 0
  v.rowNext = 0
  v.freeCount = 0
  for (let i = 0; i < liveCount; i++) if (s.state[live[i]! & s.mask] === LIVE) coverEvent(v, s, live[i]!)
}
