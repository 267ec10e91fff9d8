/**
 * The rows of the held events, and what is relative to the election base (spec section 2): the ruling roster, the last
 * decided round, who has branched.
 *
 * A row of an event x has these parts:
 * - `heard`: see lanes.ts. It does not depend on the base.
 * - `seen`: the index of lastSeen(x, m) for every member m of the ruling roster, −1 if none. As long as no member's live
 *   events branch this is `heard` (the same array): an entry may then be the index of an event without a round; such
 *   an index is lower than that of every event of the member with a round, so it never wins a comparison, and no bit of
 *   `current` points to it, so it is never followed. While `branching`, it is an array of its own, and entries whose
 *   event has lost its round, or is forgotten, count as none.
 * - `bits`: sets of members, each `words` long:
 *   `current`: firstSeen(x, m) has the round of x; `previous`: x has m's witness of the round before as an ancestor
 *   (only meant for members that have not branched); `strong`: stronglySeen(x, m) is not none; and three
 *   sets that make up a three-bit tag of the witness firstSeen(x, m), to tell a branched member's witnesses apart
 *   (only the greatest tag may be shared by several). The tags are kept only while `branching`.
 * - `strong`: the index of stronglySeen(x, m), written only for members that had branched when x was added. For every
 *   other member it can be found from `seen` (see stronglySeenWitness in seeing.ts).
 *
 * A class because it is one hot record of fixed shape.
 */
import type { DenseRoster } from './roster.ts'

/** Sets of members in a row; tags begin with set number 3, and the greatest one may be shared by several witnesses. */
export const ROW_SETS = 6
export const TAG_SETS = 3
export const SHARED_TAG = 7
/** For how many rounds witnesses are counted; a power of two. */
export const TAG_ROUNDS = 16

export class Frame {
  roster: DenseRoster
  /** Size of the roster, and words of a set of members. */
  size: number
  words: number
  /** Round numbers in the store are round − roundOffset. */
  roundOffset: number
  /** The last decided round, as the store counts rounds; 0 at genesis only. */
  base = 0

  heard: Int32Array
  /** Entries of `heard` a row, at least the size of the roster. */
  width: number
  seen: Int32Array
  /** Entries of `seen` a row. */
  stride: number
  bits: Int32Array
  strong: Int32Array
  rowCapacity: number
  rowNext = 1
  freeRows: Int32Array
  freeCount = 0

  /** The live events of some member branch: remember `strong` for every event, compute generations. */
  branching = false
  /** Members whose events with a round are not one self-chain. */
  branchedMembers: Int32Array
  branchedCount = 0
  /** The same as a set; 1 for such a member; and the index of the event that made it one. */
  branchedSet: Int32Array
  branched: Uint8Array
  branchedSince: Int32Array
  /** While branching: how many witnesses each member has in each of some rounds, and in which ones. */
  tagCounts: Uint8Array
  tagRounds: Int32Array = new Int32Array(TAG_ROUNDS)
  /** A witness could not be counted: tags tell nothing until all is computed afresh. */
  tagsOff = false
  /** The newest event with a round of each member, −1 if none. */
  newest: Int32Array
  /** Scratch: a set of members. */
  found: Int32Array
  /**
   * The parents of the event that is being divided that have a round, in their order: slots and rows; which of them
   * is the self-parent (−1: none); and for each one the set of branched members whose lastSeen it gives.
   */
  upCount = 0
  upSlots: Int32Array = new Int32Array(8)
  upRows: Int32Array = new Int32Array(8)
  upSelf = -1
  via: Int32Array

  constructor(roster: DenseRoster, roundOffset: number, rowCapacity: number) {
    this.roster = roster
    this.size = roster.size
    this.words = roster.words
    this.roundOffset = roundOffset
    this.rowCapacity = rowCapacity
    this.width = this.size
    this.heard = new Int32Array(rowCapacity * this.width)
    this.stride = this.width
    this.seen = this.heard
    this.bits = new Int32Array(rowCapacity * this.words * ROW_SETS)
    this.strong = new Int32Array(0)
    this.freeRows = new Int32Array(rowCapacity)
    this.branchedMembers = new Int32Array(this.size)
    this.branchedSet = new Int32Array(this.words)
    this.branched = new Uint8Array(this.size)
    this.tagCounts = new Uint8Array(this.size * TAG_ROUNDS)
    this.branchedSince = new Int32Array(this.size)
    this.newest = new Int32Array(this.size).fill(-1)
    this.found = new Int32Array(this.words)
    this.via = new Int32Array(this.words * 8)
  }
}

function larger(old: Int32Array, length: number): Int32Array {
  const grown = new Int32Array(length)
  grown.set(old)
  return grown
}

export function reserveParents(f: Frame, count: number): void {
  if (count <= f.upRows.length) return
  f.upSlots = new Int32Array(2 * count)
  f.upRows = new Int32Array(2 * count)
  f.via = new Int32Array(f.words * 2 * count)
}

/** Row 0 is never given out: it stays empty and stands for "no row". */
export function takeRow(f: Frame): number {
  if (f.freeCount > 0) return f.freeRows[--f.freeCount]!
  if (f.rowNext === f.rowCapacity) {
    f.rowCapacity *= 2
    const heard = new Int32Array(f.rowCapacity * f.width).fill(-1)
    heard.set(f.heard)
    f.heard = heard
    f.bits = larger(f.bits, f.rowCapacity * f.words * ROW_SETS)
    f.freeRows = larger(f.freeRows, f.rowCapacity)
    if (f.branching) {
      f.seen = larger(f.seen, f.rowCapacity * f.size)
      f.strong = larger(f.strong, f.rowCapacity * f.size)
    } else {
      f.seen = f.heard
    }
  }
  return f.rowNext++
}

export function giveRow(f: Frame, row: number): void {
  f.freeRows[f.freeCount++] = row
}

/** Forgets all that is relative to the base. `branching`: the live events of some member are not one chain. */
export function clearFrame(f: Frame, branching: boolean): void {
  f.branchedCount = 0
  f.branchedSet.fill(0)
  f.branched.fill(0)
  f.tagRounds.fill(0)
  f.tagsOff = false
  f.newest.fill(-1)
  f.branching = branching
  if (!branching) {
    f.seen = f.heard
    f.stride = f.width
    f.strong = new Int32Array(0)
  } else if (f.strong.length < f.rowCapacity * f.size) {
    f.seen = new Int32Array(f.rowCapacity * f.size)
    f.stride = f.size
    f.strong = new Int32Array(f.rowCapacity * f.size)
  }
}

/** Puts another roster in place; lanes must be made anew, and everything that is relative to the base afresh. */
export function changeRoster(f: Frame, roster: DenseRoster): void {
  f.roster = roster
  f.size = roster.size
  f.words = roster.words
  f.bits = new Int32Array(f.rowCapacity * f.words * ROW_SETS)
  f.strong = new Int32Array(0)
  f.branchedMembers = new Int32Array(f.size)
  f.branchedSet = new Int32Array(f.words)
  f.branched = new Uint8Array(f.size)
  f.tagCounts = new Uint8Array(f.size * TAG_ROUNDS)
  f.branchedSince = new Int32Array(f.size)
  f.newest = new Int32Array(f.size)
  f.found = new Int32Array(f.words)
  f.via = new Int32Array(f.words * f.upRows.length)
}
