/**
 * What an event sees, put together from what its parents see. Source: spec section 3 (SWIRLDS-TR-2020-01, canonical
 * branches).
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
 *
 * All functions work on the parents that rounds.ts has listed in the frame (`up…`).
 */
import { reserveParents, ROW_SETS, SHARED_TAG, TAG_ROUNDS, TAG_SETS } from './frame.ts'
import type { Frame } from './frame.ts'
import type { EventStore } from './store.ts'

/** Lists the parents of the event at `slot` that have a round. Returns the greatest round among them, 0 if there are none. */
export function listParents(s: EventStore, f: Frame, slot: number): number {
  const { parents, parentMask, mask, tail, round, row } = s
  const start = s.parentStart[slot]!
  const end = start + s.parentCount[slot]!
  const self = s.selfParent[slot]!
  reserveParents(f, end - start)
  const { upSlots, upRows } = f
  let count = 0
  let greatest = 0
  f.upSelf = -1
  for (let k = start; k < end; k++) {
    const p = parents[k & parentMask]!
    if (p < tail) continue
    const ps = p & mask
    const r = round[ps]!
    if (r === 0) continue
    if (r > greatest) greatest = r
    if (p === self) f.upSelf = count
    upSlots[count] = ps
    upRows[count++] = row[ps]!
  }
  f.upCount = count
  return greatest
}

/** The greatest generation among the listed parents. */
export function parentGeneration(s: EventStore, f: Frame): number {
  let greatest = 0
  for (let i = 0; i < f.upCount; i++) {
    const generation = s.generation[f.upSlots[i]!]!
    if (generation > greatest) greatest = generation
  }
  return greatest
}

/** Element-wise maximum of what the parents see, into a row; while branching. */
export function mergeSeen(f: Frame, row: number): void {
  const { seen, size, upRows, upCount } = f
  const into = row * size
  const a = upRows[0]! * size
  if (upCount === 1) {
    for (let m = 0; m < size; m++) seen[into + m] = seen[a + m]!
    return
  }
  const b = upRows[1]! * size
  for (let m = 0; m < size; m++) {
    const x = seen[a + m]!
    const y = seen[b + m]!
    seen[into + m] = x > y ? x : y
  }
  for (let i = 2; i < upCount; i++) {
    const from = upRows[i]! * size
    for (let m = 0; m < size; m++) {
      const y = seen[from + m]!
      if (y > seen[into + m]!) seen[into + m] = y
    }
  }
}

/** The sets `current` (at the level of the parents' round) and `previous`, as unions over the parents. */
export function mergeBits(s: EventStore, f: Frame, row: number, parentRound: number): void {
  const { bits, words, upRows, upSlots, upCount } = f
  const { round: rounds } = s
  const at = row * words * ROW_SETS
  for (let w = 0; w < words; w++) {
    let current = 0
    let previous = 0
    for (let i = 0; i < upCount; i++) {
      const round = rounds[upSlots[i]!]!
      const from = upRows[i]! * words * ROW_SETS + w
      if (round === parentRound) {
        current |= bits[from]!
        previous |= bits[from + words]!
      } else if (round === parentRound - 1) {
        previous |= bits[from]!
      }
    }
    bits[at + w] = current
    bits[at + words + w] = previous
  }
  const end = at + words * (f.branching ? ROW_SETS : 3)
  for (let w = at + 2 * words; w < end; w++) bits[w] = 0
}

/**
 * What x sees of branched members, into its row, in place of what the unions have put there. Whether the witness of m that
 * x sees is of the parents' round, and its tag, are the same as for the parent that lastSeen comes from, if
 * that parent has the round; otherwise it is of a lower round. Of its own member x sees, for this purpose, what its
 * self-parent is.
 */
export function seeBranched(s: EventStore, f: Frame, own: number, row: number, parentRound: number): void {
  const { bits, seen, words, size, via, upRows, upSlots, upCount, branchedSet, branchedMembers } = f
  const { round, generation, firstSelfWitness, mask, tail } = s
  const { branchedCount } = f
  for (let i = 0; i < upCount * words; i++) via[i] = 0
  for (let k = 0; k < branchedCount; k++) {
    const m = branchedMembers[k]!
    // lastSeen(x, m): the walk of section 3, and which listed parent gives it.
    let from = -1
    let best = -1
    let bestRound = 0
    for (let i = 0; i < upCount; i++) {
      const c = seen[upRows[i]! * size + m]!
      // What is forgotten, or has lost its round, counts as none.
      if (c === best || c < tail) continue
      const slot = c & mask
      const r = round[slot]!
      if (r <= bestRound) {
        // Events with one first self-witness are of one round.
        if (r < bestRound || r === 0) continue
        if (firstSelfWitness[slot] !== firstSelfWitness[best & mask]) continue
        if (generation[slot]! <= generation[best & mask]!) continue
      }
      best = c
      bestRound = r
      from = i
    }
    if (m === own) {
      from = f.upSelf
      best = from < 0 ? -1 : seen[upRows[from]! * size + m]!
    }
    seen[row * size + m] = best
    if (from >= 0) via[from * words + (m >>> 5)]! |= 1 << m
  }
  const at = row * words * ROW_SETS
  for (let w = 0; w < words; w++) bits[at + w]! &= ~branchedSet[w]!
  for (let i = 0; i < upCount; i++) {
    if (s.round[upSlots[i]!] !== parentRound) continue
    const from = upRows[i]! * words * ROW_SETS
    for (let w = 0; w < words; w++) {
      const set = via[i * words + w]!
      if (set === 0) continue
      bits[at + w]! |= bits[from + w]! & set
      for (let t = TAG_SETS * words + w; t < ROW_SETS * words; t += words)
        bits[at + t]! |= bits[from + t]! & set
    }
  }
}

/** Sets the tag of the witness of m that an event sees. */
export function putTag(f: Frame, row: number, m: number, tag: number): void {
  const at = row * f.words * ROW_SETS + (m >>> 5)
  for (let i = 0; i < ROW_SETS - TAG_SETS; i++) {
    const place = at + (TAG_SETS + i) * f.words
    if (((tag >>> i) & 1) === 1) f.bits[place]! |= 1 << m
    else f.bits[place]! &= ~(1 << m)
  }
}

/** Gives a new witness its tag: how many witnesses its creator has had in its round before it, up to SHARED_TAG. */
export function tagWitness(s: EventStore, f: Frame, slot: number, own: number): void {
  const round = s.round[slot]!
  const place = round & (TAG_ROUNDS - 1)
  if (f.tagRounds[place]! < round) {
    f.tagRounds[place] = round
    f.tagCounts.fill(0, place * f.size, (place + 1) * f.size)
  } else if (f.tagRounds[place] !== round) {
    f.tagsOff = true
  }
  const at = place * f.size + own
  s.tag[slot] = f.tagCounts[at]!
  if (f.tagCounts[at]! < SHARED_TAG) f.tagCounts[at]! += 1
}

/** Forgets the tags of one round, whose witnesses are about to get new ones. */
export function forgetTags(f: Frame, round: number): void {
  const place = round & (TAG_ROUNDS - 1)
  if (f.tagRounds[place] === round) f.tagCounts.fill(0, place * f.size, (place + 1) * f.size)
}

/** The witness stronglySeen(x, m), for an x in whose set `strong` m is. */
export function stronglySeenWitness(s: EventStore, f: Frame, slot: number, x: number, m: number): number {
  const row = s.row[slot]!
  if (f.branched[m] === 1 && x >= f.branchedSince[m]!) return f.strong[row * f.size + m]!
  const last = m === s.member[slot] ? s.selfParent[slot]! : f.seen[row * f.stride + m]!
  return s.firstSelfWitness[last & s.mask]!
}

/** stronglySeen as far as the parents of the same parent round have it already: the first one wins. */
export function rememberStrong(s: EventStore, f: Frame, x: number, row: number, parentRound: number): void {
  const { bits, words, size } = f
  const at = row * words * ROW_SETS + words * 2
  for (let i = 0; i < f.upCount; i++) {
    const slot = f.upSlots[i]!
    if (s.parentRound[slot] !== parentRound) continue
    const from = f.upRows[i]! * words * ROW_SETS + words * 2
    for (let w = 0; w < words; w++) {
      const fresh = bits[from + w]! & ~bits[at + w]!
      bits[at + w]! |= fresh
      for (let set = fresh & f.branchedSet[w]!; set !== 0; set &= set - 1) {
        const m = w * 32 + 31 - Math.clz32(set & -set)
        f.strong[row * size + m] = stronglySeenWitness(s, f, slot, indexAt(s, slot, x), m)
      }
    }
  }
}

/** The index of the held event at `slot`, which is lower than `above`. */
function indexAt(s: EventStore, slot: number, above: number): number {
  return above - 1 - ((above - 1 - slot) & s.mask)
}
