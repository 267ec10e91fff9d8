/**
 * Decides what an event sees, and its round: `divideRounds` of the paper. Source: spec sections 2 and 3
 * (SWIRLDS-TR-2020-01, canonical branches).
 *
 * Why a maximum is enough for members that have not branched: their events with a round form one self-chain. (Below
 * a base judge nothing has a round, above it everything has: an ordered event is an ancestor of every judge, so it
 * descends from none.) Along a self-chain the indices, rounds and generations grow, and two events of one round have
 * the same first self-witness, so the walk of section 3 keeps the candidate that is later on the chain, in
 * whatever order the parents come. For such members the sets of seen witnesses are unions over the parents as well:
 * a member has at most one witness a round, and a descendant loses sight of none.
 *
 * For a member that has branched, `lastSeen` is walked as the spec has it. As a view of a branch may change from parent
 * to child, stronglySeen(p, m) of a parent can then be lost to its child unless it is remembered: this is why the
 * engine remembers it (for all members) as soon as one has branched, and not before.
 */
import { columnsAtLeast, countColumns, popcount, weightOf } from './counting.ts'
import type { Counter } from './counting.ts'
import { ROW_SETS, TAG_SETS, takeRow } from './frame.ts'
import type { Frame } from './frame.ts'
import type { EventStore } from './store.ts'

/** What became of the event: it has a round, it has none, or it is the first branch that was noticed. */
export const ROUNDLESS = 0
export const DIVIDED = 1
/** Nothing was computed: the base must be computed afresh with `branching` on. */
export const BRANCHED = 2

/** Is `index` held, with a round? */
function hasRound(s: EventStore, index: number): boolean {
  return index >= s.tail && s.round[index & s.mask]! > 0
}

/** A base judge none of whose parents has a round, or a parentless event at genesis. */
function divideRoot(s: EventStore, f: Frame, x: number, slot: number, round: number): void {
  const row = takeRow(f)
  const { seen, bits, size, words } = f
  seen.fill(-1, row * size, (row + 1) * size)
  bits.fill(0, row * words * ROW_SETS, (row + 1) * words * ROW_SETS)
  const own = s.member[slot]!
  if (own >= 0) {
    seen[row * size + own] = x
    bits[row * words * ROW_SETS + (own >>> 5)] = 1 << own
  }
  s.row[slot] = row
  s.round[slot] = round
  s.parentRound[slot] = 0
  s.generation[slot] = 1
  s.firstSelfWitness[slot] = x
  s.firstWitness[slot] = x
  s.seenCount[slot] = own >= 0 ? 1 : 0
  if (f.branching && own >= 0) {
    tagWitness(s, f, slot, own)
    putTag(f, row * words * ROW_SETS, own, s.tag[slot]!)
  }
}

/** Notes that `x`, which will have a round, comes next in its creator's chain, or branches off it. */
function noteBranch(s: EventStore, f: Frame, x: number, own: number, self: number): boolean {
  const newest = f.newest[own]!
  if (newest !== self && hasRound(s, newest) && f.branched[own] === 0) {
    if (!f.branching) return false
    f.branched[own] = 1
    f.branchedSince[own] = x
    f.branchedSet[own >>> 5]! |= 1 << own
    f.branchedMembers[f.branchedCount++] = own
  }
  f.newest[own] = x
  return true
}

/** Element-wise maximum of what the parents see, into the row at `into`. */
function mergeSeen(s: EventStore, f: Frame, slot: number, into: number): void {
  const { seen, size } = f
  const { parents, parentMask, mask, tail } = s
  const start = s.parentStart[slot]!
  const end = start + s.parentCount[slot]!
  let first = -1
  let merged = false
  for (let k = start; k < end; k++) {
    const p = parents[k & parentMask]!
    if (p < tail || s.round[p & mask] === 0) continue
    const from = s.row[p & mask]! * size
    if (first < 0) {
      first = from
      continue
    }
    if (merged) {
      for (let m = 0; m < size; m++) {
        const b = seen[from + m]!
        if (b > seen[into + m]!) seen[into + m] = b
      }
    } else {
      for (let m = 0; m < size; m++) {
        const a = seen[first + m]!
        const b = seen[from + m]!
        seen[into + m] = a > b ? a : b
      }
      merged = true
    }
  }
  if (!merged) for (let m = 0; m < size; m++) seen[into + m] = seen[first + m]!
}

/** lastSeen(x, m) of a member that has branched: the walk over the parents of section 3. */
function walkLastSeen(s: EventStore, f: Frame, slot: number, m: number): number {
  const { seen, size } = f
  const { parents, parentMask, mask, tail, round, generation, firstSelfWitness } = s
  const start = s.parentStart[slot]!
  const end = start + s.parentCount[slot]!
  let best = -1
  for (let k = start; k < end; k++) {
    const p = parents[k & parentMask]!
    if (p < tail || round[p & mask] === 0) continue
    const c = seen[s.row[p & mask]! * size + m]!
    if (c < 0 || c === best) continue
    if (best < 0) {
      best = c
      continue
    }
    const cs = c & mask
    const bs = best & mask
    if (
      round[cs]! > round[bs]! ||
      (generation[cs]! > generation[bs]! && firstSelfWitness[cs] === firstSelfWitness[bs])
    ) {
      best = c
    }
  }
  return best
}

/** The sets `current` (at the level of the parents' round) and `previous` of x, as unions over the parents. */
function mergeBits(s: EventStore, f: Frame, slot: number, at: number, parentRound: number): void {
  const { bits, words } = f
  const { parents, parentMask, mask, tail } = s
  const sets = f.branching ? ROW_SETS : 3
  for (let w = 0; w < words * sets; w++) bits[at + w] = 0
  const start = s.parentStart[slot]!
  const end = start + s.parentCount[slot]!
  for (let k = start; k < end; k++) {
    const p = parents[k & parentMask]!
    if (p < tail) continue
    const ps = p & mask
    const round = s.round[ps]!
    if (round < parentRound - 1 || round === 0) continue
    const from = s.row[ps]! * words * ROW_SETS
    if (round === parentRound) {
      for (let w = 0; w < words * 2; w++) bits[at + w]! |= bits[from + w]!
    } else {
      for (let w = 0; w < words; w++) bits[at + words + w]! |= bits[from + w]!
    }
  }
}

/** Sets or clears the bit of one member. */
function putBit(bits: Int32Array, at: number, m: number, on: boolean): void {
  if (on) bits[at + (m >>> 5)]! |= 1 << m
  else bits[at + (m >>> 5)]! &= ~(1 << m)
}

/** Sets the tag of the witness of m that an event sees. */
function putTag(f: Frame, at: number, m: number, tag: number): void {
  for (let i = 0; i < 3; i++) putBit(f.bits, at + (TAG_SETS + i) * f.words, m, ((tag >>> i) & 1) === 1)
}

/** Gives a new witness its tag: 0 until its creator has branched, and the next one after that. */
function tagWitness(s: EventStore, f: Frame, slot: number, own: number): void {
  if (f.branched[own] === 1) f.tag[own] = (f.tag[own]! + 1) & 7
  s.tag[slot] = f.tag[own]!
}

/** The witness stronglySeen(x, m), for an x in whose set `strong` m is. */
export function stronglySeenWitness(s: EventStore, f: Frame, x: number, m: number): number {
  const slot = x & s.mask
  const row = s.row[slot]! * f.size
  if (f.branched[m] === 1 && x >= f.branchedSince[m]!) return f.strong[row + m]!
  const last = m === s.member[slot] ? s.selfParent[slot]! : f.seen[row + m]!
  return s.firstSelfWitness[last & s.mask]!
}

/** stronglySeen as far as the parents of the same parent round have it already: the first one wins. */
function rememberStrong(
  s: EventStore,
  f: Frame,
  slot: number,
  at: number,
  row: number,
  parentRound: number,
): void {
  const { bits, words, size } = f
  const { parents, parentMask, mask, tail } = s
  const start = s.parentStart[slot]!
  const end = start + s.parentCount[slot]!
  for (let k = start; k < end; k++) {
    const p = parents[k & parentMask]!
    if (p < tail || s.round[p & mask] === 0 || s.parentRound[p & mask] !== parentRound) continue
    const from = s.row[p & mask]! * words * ROW_SETS + words * 2
    for (let w = 0; w < words; w++) {
      const fresh = bits[from + w]! & ~bits[at + w]!
      bits[at + w]! |= fresh
      for (let set = fresh & f.branchedSet[w]!; set !== 0; set &= set - 1) {
        const m = w * 32 + 31 - Math.clz32(set & -set)
        f.strong[row * size + m] = stronglySeenWitness(s, f, p, m)
      }
    }
  }
}

/**
 * Lists the members m3 through which x may see a witness of the parents' round (those of whom it sees an event of that
 * round, and x itself) with what each one sees. Returns how many, or 0 if a sum shows that too few are seen.
 */
function listViews(s: EventStore, f: Frame, c: Counter, row: number, own: number): number {
  const { bits, seen, words, size } = f
  const { row: rows, seenCount, mask } = s
  const { weights, equal, supermajority } = f.roster
  const { offsets } = c
  const at = row * words * ROW_SETS
  let count = 0
  let sum = 0
  for (let w = 0; w < words; w++) {
    for (let set = bits[at + w]!; set !== 0; set &= set - 1) {
      const m = w * 32 + 31 - Math.clz32(set & -set)
      if (m === own) continue
      const view = seen[row * size + m]! & mask
      sum += seenCount[view]!
      offsets[count] = rows[view]! * words * ROW_SETS
      if (!equal) c.weights[count] = weights[m]!
      count += 1
    }
  }
  if (own >= 0) {
    for (let w = 0; w < words; w++) sum += popcount(bits[at + w]!)
    offsets[count] = at
    c.weights[count++] = weights[own]!
  }
  // A supermajority of columns, each with a supermajority of views, takes that many bits in all.
  return equal && !f.branching && sum < supermajority * supermajority ? 0 : count
}

/** Puts in place of each listed view the set of those members of whom it sees a witness with the tag of the one that x sees. */
function matchTags(f: Frame, c: Counter, row: number, count: number): void {
  const { bits, words } = f
  const { made, offsets } = c
  const at = row * words * ROW_SETS
  for (let i = 0; i < count; i++) {
    const from = offsets[i]!
    const to = (i + 1) * words
    for (let w = 0; w < words; w++) {
      let differ = 0
      for (let k = TAG_SETS * words + w; k < ROW_SETS * words; k += words)
        differ |= bits[from + k]! ^ bits[at + k]!
      made[to + w] = bits[from + w]! & ~(differ & f.branchedSet[w]!)
    }
    offsets[i] = to
  }
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
      if (seenOfM >= 0 && s.firstSelfWitness[seenOfM & s.mask] === witness) weight += weights[m3]!
    }
  }
  return weight >= supermajority
}

/** Of the members found to be seen through enough others, keeps the branched ones only where it is one and the same witness. */
function checkBranched(s: EventStore, f: Frame, slot: number, row: number, own: number): void {
  const { found, seen, size } = f
  for (let i = 0; i < f.branchedCount; i++) {
    const m = f.branchedMembers[i]!
    if ((found[m >>> 5]! & (1 << m)) === 0) continue
    const last = m === own ? s.selfParent[slot]! : seen[row * size + m]!
    const witness = s.firstSelfWitness[last & s.mask]!
    if (seenThroughMany(s, f, row, own, m, witness)) f.strong[row * size + m] = witness
    else putBit(found, 0, m, false)
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
  const count = listViews(s, f, c, row, own)
  if (count === 0) return
  if (f.branchedCount > 0) {
    matchTags(f, c, row, count)
    countColumns(c, c.made, count, words, equal)
  } else {
    countColumns(c, bits, count, words, equal)
  }
  for (let w = 0; w < words; w++) {
    found[w] = columnsAtLeast(c, w, supermajority, equal) & bits[at + w]! & ~bits[at + 2 * words + w]!
  }
  if (f.branchedCount > 0) checkBranched(s, f, slot, row, own)
  for (let w = 0; w < words; w++) bits[at + 2 * words + w]! |= found[w]!
}

/** The parts of x's metadata that follow once its round is known. */
function finish(s: EventStore, f: Frame, x: number, slot: number, row: number, parentRound: number): void {
  const { bits, words } = f
  const at = row * words * ROW_SETS
  const own = s.member[slot]!
  const self = s.selfParent[slot]!
  const advances =
    weightOf(bits, at + 2 * words, words, f.roster.weights, f.roster.equal) >= f.roster.supermajority
  s.parentRound[slot] = parentRound
  if (advances) {
    s.round[slot] = parentRound + 1
    s.firstWitness[slot] = x
    s.firstSelfWitness[slot] = x
    for (let w = 0; w < words; w++) {
      bits[at + words + w] = bits[at + w]!
      bits[at + w] = 0
    }
  } else {
    s.round[slot] = parentRound
    const start = s.parentStart[slot]!
    let k = start
    let p = s.parents[k & s.parentMask]!
    while (p < s.tail || s.round[p & s.mask] !== parentRound) p = s.parents[++k & s.parentMask]!
    s.firstWitness[slot] = s.firstWitness[p & s.mask]!
    const follows = self >= s.tail && s.round[self & s.mask] === parentRound
    s.firstSelfWitness[slot] = follows ? s.firstSelfWitness[self & s.mask]! : x
  }
  if (own >= 0) {
    bits[at + (own >>> 5)]! |= 1 << own
    f.seen[row * f.size + own] = x
    if (f.branching) {
      if (s.firstSelfWitness[slot] === x) tagWitness(s, f, slot, own)
      if (f.branched[own] === 1) putTag(f, at, own, s.tag[s.firstSelfWitness[slot]! & s.mask]!)
    }
  }
  let count = 0
  for (let w = 0; w < words; w++) count += popcount(bits[at + w]!)
  s.seenCount[slot] = count
}

/** What x sees of a branched member, into its row. */
function seeBranched(
  s: EventStore,
  f: Frame,
  slot: number,
  row: number,
  m: number,
  parentRound: number,
): void {
  const at = row * f.words * ROW_SETS
  const last = walkLastSeen(s, f, slot, m)
  f.seen[row * f.size + m] = last
  // Of itself x sees, for this purpose, what its self-parent is.
  const through = m === s.member[slot] ? s.selfParent[slot]! : last
  const on = through >= s.tail && s.round[through & s.mask] === parentRound
  putBit(f.bits, at, m, on)
  if (on) putTag(f, at, m, s.tag[s.firstSelfWitness[through & s.mask]! & s.mask]!)
}

/** Computes the round of x and all that sections 2 and 3 say of it. Its parents were divided before it. */
export function divide(s: EventStore, f: Frame, c: Counter, x: number): number {
  const slot = x & s.mask
  const start = s.parentStart[slot]!
  const count = s.parentCount[slot]!
  let parentRound = 0
  let generation = 0
  for (let k = start; k < start + count; k++) {
    const p = s.parents[k & s.parentMask]!
    if (p < s.tail) continue
    const round = s.round[p & s.mask]!
    if (round > parentRound) parentRound = round
    if (round > 0 && s.generation[p & s.mask]! > generation) generation = s.generation[p & s.mask]!
  }
  const own = s.member[slot]!
  const self = s.selfParent[slot]!
  if (parentRound === 0) {
    const round = s.judge[slot] === 1 ? f.base : f.base === 0 && count === 0 ? 1 : 0
    if (round === 0) return ROUNDLESS
    if (own >= 0 && !noteBranch(s, f, x, own, self)) return BRANCHED
    divideRoot(s, f, x, slot, round)
    return DIVIDED
  }
  if (own >= 0 && !noteBranch(s, f, x, own, self)) return BRANCHED
  const row = takeRow(f)
  s.row[slot] = row
  s.generation[slot] = generation + 1
  mergeSeen(s, f, slot, row * f.size)
  const at = row * f.words * ROW_SETS
  mergeBits(s, f, slot, at, parentRound)
  if (f.branching) {
    for (let i = 0; i < f.branchedCount; i++) seeBranched(s, f, slot, row, f.branchedMembers[i]!, parentRound)
    rememberStrong(s, f, slot, at + 2 * f.words, row, parentRound)
  }
  stronglySee(s, f, c, slot, row)
  finish(s, f, x, slot, row, parentRound)
  return DIVIDED
}
