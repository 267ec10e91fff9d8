/**
 * Decides the round of an event, and whom it strongly sees: `divideRounds` of the paper. Source: spec sections 2 and 3.
 * What it sees is put together by seeing.ts.
 */
import { columnsAtLeast, countColumn, countWord, popcount, weightOf } from './counting.ts'
import type { Counter } from './counting.ts'
import { ROW_SETS, SHARED_TAG, TAG_SETS } from './frame.ts'
import type { Frame } from './frame.ts'
import {
  listParents,
  mergeBits,
  mergeSeen,
  parentGeneration,
  putTag,
  rememberStrong,
  seeBranched,
  tagWitness,
} from './seeing.ts'
import type { EventStore } from './store.ts'

/** Is `index` held, with a round? */
function hasRound(s: EventStore, index: number): boolean {
  return index >= s.tail && s.round[index & s.mask]! > 0
}

/** A base judge none of whose parents has a round, or a parentless event at genesis. */
function divideRoot(s: EventStore, f: Frame, x: number, slot: number, round: number): void {
  const row = s.row[slot]!
  const { seen, bits, size, words, branching } = f
  const own = s.member[slot]!
  if (branching) {
    seen.fill(-1, row * size, (row + 1) * size)
    if (own >= 0) seen[row * size + own] = x
  }
  bits.fill(0, row * words * ROW_SETS, (row + 1) * words * ROW_SETS)
  if (own >= 0) bits[row * words * ROW_SETS + (own >>> 5)] = 1 << own
  s.round[slot] = round
  s.parentRound[slot] = 0
  s.generation[slot] = 1
  s.firstSelfWitness[slot] = x
  s.firstWitness[slot] = x
  s.seenCount[slot] = own >= 0 ? 1 : 0
  if (branching && own >= 0) {
    tagWitness(s, f, slot, own)
    putTag(f, row, own, s.tag[slot]!)
  }
}

/** Notes that `x`, which will have a round, comes next in its creator's chain, or branches off it. While branching. */
function noteBranch(s: EventStore, f: Frame, x: number, own: number, self: number): void {
  const newest = f.newest[own]!
  if (newest !== self && hasRound(s, newest) && f.branched[own] === 0) {
    f.branched[own] = 1
    f.branchedSince[own] = x
    f.branchedSet[own >>> 5]! |= 1 << own
    f.branchedMembers[f.branchedCount++] = own
  }
  f.newest[own] = x
}

/**
 * Lists the members m3 through which x may see a witness of the parents' round (those of whom it sees an event of that
 * round, and x itself) by what each one sees. Returns how many.
 */
function listViews(s: EventStore, f: Frame, c: Counter, row: number, own: number): number {
  const { bits, seen, words } = f
  const { row: rows, mask } = s
  const { weights, equal } = f.roster
  const { offsets } = c
  const at = row * words * ROW_SETS
  const from = row * f.stride
  const stride = words * ROW_SETS
  let count = 0
  for (let w = 0; w < words; w++) {
    const first = from + w * 32
    for (let set = bits[at + w]!; set !== 0; set &= set - 1) {
      const k = 31 - Math.clz32(set & -set)
      offsets[count] = rows[seen[first + k]! & mask]! * stride
      if (!equal) c.weights[count] = weights[w * 32 + k]!
      count += 1
    }
  }
  // What x sees of its own member it sees itself, whether its self-parent has that round (and is listed) or not.
  if (own < 0) return count
  const place = (bits[at + (own >>> 5)]! & (1 << own)) === 0 ? count++ : placeOf(bits, at, own)
  offsets[place] = at
  c.weights[place] = weights[own]!
  return count
}

/** How many members of the set stand before m. */
function placeOf(bits: Int32Array, at: number, m: number): number {
  let count = popcount(bits[at + (m >>> 5)]! & ((1 << m) - 1))
  for (let w = 0; w < m >>> 5; w++) count += popcount(bits[at + w]!)
  return count
}

/** Do the views hold enough bits at all: a supermajority of columns, each with a supermajority of views? */
function enoughBits(s: EventStore, f: Frame, slot: number, row: number, own: number): boolean {
  const { bits, seen, words, stride } = f
  const { seenCount, mask } = s
  const { supermajority } = f.roster
  const at = row * words * ROW_SETS
  // The event itself may stand in its row: it has been counted as one that sees itself.
  seenCount[slot] = 0
  let sum = 0
  for (let w = 0; w < words; w++) {
    const set = bits[at + w]!
    if (own >= 0) sum += popcount(set)
    const first = row * stride + w * 32
    for (let rest = set; rest !== 0; rest &= rest - 1) {
      sum += seenCount[seen[first + 31 - Math.clz32(rest & -rest)]! & mask]!
    }
  }
  return sum >= supermajority * supermajority
}

/**
 * Counts, for one word of members, the views of the same witness that x sees of the member, as the tags tell: of a member
 * that has not branched there is but one.
 */
function countTagged(f: Frame, c: Counter, row: number, count: number, w: number, equal: boolean): void {
  const { bits, words } = f
  const { column, offsets } = c
  const branched = f.branchedSet[w]!
  const at = row * words * ROW_SETS + TAG_SETS * words + w
  const tag0 = bits[at]!
  const tag1 = bits[at + words]!
  const tag2 = bits[at + 2 * words]!
  for (let i = 0; i < count; i++) {
    const from = offsets[i]! + w
    const tags = from + TAG_SETS * words
    const differ = (bits[tags]! ^ tag0) | (bits[tags + words]! ^ tag1) | (bits[tags + 2 * words]! ^ tag2)
    column[i] = bits[from]! & ~(differ & branched)
  }
  countColumn(c, count, equal)
}

/** Is the witness that x sees of the branched member m seen through members of a supermajority? */
function seenThroughMany(
  s: EventStore,
  f: Frame,
  row: number,
  own: number,
  m: number,
  witness: number,
): boolean {
  const { bits, seen, words, size } = f
  const { weights, supermajority } = f.roster
  const at = row * words * ROW_SETS
  let weight = own >= 0 ? weights[own]! : 0
  for (let w = 0; w < words; w++) {
    for (let set = bits[at + w]!; set !== 0; set &= set - 1) {
      const m3 = w * 32 + 31 - Math.clz32(set & -set)
      if (m3 === own) continue
      const view = seen[row * size + m3]!
      const seenOfM = seen[s.row[view & s.mask]! * size + m]!
      if (seenOfM >= s.tail && s.firstSelfWitness[seenOfM & s.mask] === witness) weight += weights[m3]!
    }
  }
  return weight >= supermajority
}

/** Of the members found to be seen through enough others, keeps the branched ones only where it is one and the same witness. */
function checkBranched(s: EventStore, f: Frame, slot: number, row: number, own: number): void {
  const { found, seen, size, words, branchedSet } = f
  for (let w = 0; w < words; w++) {
    for (let set = found[w]! & branchedSet[w]!; set !== 0; set &= set - 1) {
      const m = w * 32 + 31 - Math.clz32(set & -set)
      const last = m === own ? s.selfParent[slot]! : seen[row * size + m]!
      const witness = s.firstSelfWitness[last & s.mask]!
      const known = !f.tagsOff && s.tag[witness & s.mask] !== SHARED_TAG
      if (known || seenThroughMany(s, f, row, own, m, witness)) {
        f.strong[row * size + m] = witness
      } else {
        found[w]! &= ~(1 << m)
      }
    }
  }
}

/** Can anybody be strongly seen at all? Cheap, and no for most events. */
function worthCounting(s: EventStore, f: Frame, row: number, slot: number): boolean {
  const { bits, words } = f
  const { weights, equal, supermajority } = f.roster
  const at = row * words * ROW_SETS
  const own = s.member[slot]!
  let weight = weightOf(bits, at, words, weights, equal)
  if (!f.branching) return weight >= supermajority
  // With branches every member counts for himself, so it takes a supermajority of views, and a member to be found.
  if (own >= 0 && (bits[at + (own >>> 5)]! & (1 << own)) === 0) weight += weights[own]!
  if (weight < supermajority) return false
  for (let w = 0; w < words; w++) if ((bits[at + w]! & ~bits[at + 2 * words + w]!) !== 0) return true
  return false
}

/** Adds to the set `strong` of the row the members that x strongly sees without help of its parents' sets. */
function stronglySee(s: EventStore, f: Frame, c: Counter, slot: number, row: number): void {
  if (!worthCounting(s, f, row, slot)) return
  const { bits, words, found } = f
  const { equal, supermajority } = f.roster
  const own = s.member[slot]!
  const at = row * words * ROW_SETS
  if (equal && !f.branching && !enoughBits(s, f, slot, row, own)) return
  const count = listViews(s, f, c, row, own)
  for (let w = 0; w < words; w++) {
    const open = bits[at + w]! & ~bits[at + 2 * words + w]!
    found[w] = 0
    if (open === 0) continue
    if ((open & f.branchedSet[w]!) !== 0 && !f.tagsOff) countTagged(f, c, row, count, w, equal)
    else countWord(c, bits, count, w, equal)
    found[w] = columnsAtLeast(c, supermajority, equal) & open
  }
  if (f.branchedCount > 0) checkBranched(s, f, slot, row, own)
  for (let w = 0; w < words; w++) bits[at + 2 * words + w]! |= found[w]!
}

/** The parts of x's metadata that follow once it is known whom it strongly sees. */
function finish(
  s: EventStore,
  f: Frame,
  x: number,
  slot: number,
  row: number,
  parentRound: number,
  before: number,
): void {
  const { bits, words } = f
  const { weights, equal, supermajority } = f.roster
  const at = row * words * ROW_SETS
  const own = s.member[slot]!
  s.parentRound[slot] = parentRound
  let round = parentRound
  let firstWitness = x
  let firstSelfWitness = x
  const weight =
    equal && words === 1 ? popcount(bits[at + 2]!) : weightOf(bits, at + 2 * words, words, weights, equal)
  if (weight >= supermajority) {
    round += 1
    for (let w = 0; w < words; w++) {
      bits[at + words + w] = bits[at + w]!
      bits[at + w] = 0
    }
  } else {
    let i = 0
    while (s.round[f.upSlots[i]!] !== parentRound) i += 1
    firstWitness = s.firstWitness[f.upSlots[i]!]!
    const self = f.upSelf < 0 ? -1 : f.upSlots[f.upSelf]!
    if (self >= 0 && s.round[self] === parentRound) firstSelfWitness = s.firstSelfWitness[self]!
  }
  // A witness that is divided again and keeps its round is known to others by its tag.
  const tagged = before === round && round > f.base && s.firstSelfWitness[slot] === x
  s.round[slot] = round
  s.firstWitness[slot] = firstWitness
  s.firstSelfWitness[slot] = firstSelfWitness
  if (own >= 0) {
    bits[at + (own >>> 5)]! |= 1 << own
    if (f.branching) {
      f.seen[row * f.size + own] = x
      if (firstSelfWitness === x && !tagged) tagWitness(s, f, slot, own)
      putTag(f, row, own, s.tag[firstSelfWitness & s.mask]!)
    }
  }
  let count = popcount(bits[at]!)
  for (let w = 1; w < words; w++) count += popcount(bits[at + w]!)
  s.seenCount[slot] = count
}

/**
 * Computes the round of x and all that sections 2 and 3 say of it. Its parents were divided before it. `before` is
 * 0, or the round that x had before, if it is divided again (base.ts). Returns whether it has a round.
 */
export function divide(s: EventStore, f: Frame, c: Counter, x: number, before: number): boolean {
  const slot = x & s.mask
  const own = s.member[slot]!
  const parentRound = listParents(s, f, slot)
  let round = parentRound
  if (parentRound === 0) {
    if (s.judge[slot] === 1) round = f.base
    else if (f.base === 0 && s.parentCount[slot] === 0) round = 1
    else return false
  }
  if (own >= 0 && before === 0 && f.branching) noteBranch(s, f, x, own, s.selfParent[slot]!)
  if (parentRound === 0) {
    divideRoot(s, f, x, slot, round)
    return true
  }
  const row = s.row[slot]!
  mergeBits(s, f, row, parentRound)
  if (f.branching) {
    s.generation[slot] = parentGeneration(s, f) + 1
    if (before === 0) mergeSeen(f, row)
    if (f.branchedCount > 0) seeBranched(s, f, own, row, parentRound)
    rememberStrong(s, f, x, row, parentRound)
  }
  stronglySee(s, f, c, slot, row)
  finish(s, f, x, slot, row, parentRound, before)
  return true
}
