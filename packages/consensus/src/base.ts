/**
 * Moves the election base on when a round is decided, and computes again what has to be. Source: spec section 2 ("is
 * computed afresh when D grows").
 *
 * What has to be computed again is so one event after the other, in the order in which they were added, and each witness is
 * considered as soon as it is known: of the live events the first `current` ones have metadata relative to the base, those
 * before `known` have metadata relative to an earlier base, and the others have none. So the work can be spread over the insertions
 * that follow, and when the next round is decided before it is done, the rest is never done for this base.
 */
import { reserve } from './counting.ts'
import { decidedRound } from './core.ts'
import type { Core } from './core.ts'
import { startElection } from './election.ts'
import { changeRoster, clearFrame, giveRow } from './frame.ts'
import { rebuildLanes, sweepLanes } from './lanes.ts'
import { placeOf } from './roster.ts'
import { divide } from './rounds.ts'
import { forgetTags, listParents, parentGeneration } from './seeing.ts'
import { forgetBefore, LIVE, renumber } from './store.ts'

/** Begins to compute all metadata again from the base (spec section 2: "is computed afresh when D grows"). */
export function computeAfresh(k: Core): void {
  const { s, f, live } = k
  clearFrame(f, k.l.branches > 0)
  k.witnesses.length = 0
  k.changed.clear()
  k.current = 0
  k.known = 0
  for (let i = 0; i < k.liveCount; i++) s.round[live[i]! & s.mask] = 0
}

/**
 * Brings up to date the generation of an event x with parentRound > E, and tells whether nothing else that it has depends on
 * what the move has changed. It may if generations have decided which event of a branched member it sees. What it sees below
 * the round of its parents counts for nothing, in its descendants either.
 */
function keepEvent(k: Core, slot: number): boolean {
  const { s, f } = k
  const { round, generation, firstSelfWitness, mask, tail } = s
  const { seen, size, upRows } = f
  listParents(s, f, slot)
  generation[slot] = parentGeneration(s, f) + 1
  const own = s.member[slot]!
  const row = s.row[slot]! * size
  for (let i = 0; i < f.branchedCount; i++) {
    const m = f.branchedMembers[i]!
    const last = seen[row + m]!
    if (m === own || last < tail) continue
    for (let p = 0; p < f.upCount; p++) {
      const other = seen[upRows[p]! * size + m]!
      if (other === last || other < tail || round[last & mask]! <= f.base) continue
      // Events with one first self-witness are of one round.
      if (firstSelfWitness[other & mask] !== firstSelfWitness[last & mask]) continue
      if (generation[other & mask]! >= generation[last & mask]!) return false
    }
  }
  return true
}

/**
 * Brings an event up to date whose metadata are relative to an earlier base: computes it again if its round is that of the new
 * base E, or its parents' round is, and checks it otherwise.
 * When an event has changed from one round to another, the later events whose parents' round is one of the
 * two, or one more than one of the two, are computed again as well: nothing that was added before can depend on it.
 *
 * Why that is enough: let x have parentRound r > E, and let all events of rounds r and r − 1 before x (of round r, if r − 1 = E)
 * have the same rounds as before. Which witnesses of round r x sees and strongly sees, it has from its parents with
 * parentRound r and from first witnesses of round r, which have round and witness hood as before and see of their round
 * only themselves. What it sees of round r − 1 counts if x is a witness, for its votes in the election of that round,
 * which is over for E. What it sees of lower rounds counts for nothing, in its descendants either. What it sees of a
 * member that has not branched is the newest event of a chain; of a branched member it may depend on generations as well:
 * keepEvent.
 */
function refresh(k: Core, x: number, slot: number): void {
  const { s, f, changed } = k
  const { base } = f
  const before = s.round[slot]!
  if (before === 0) return
  const level = s.parentRound[slot]!
  const stays = level > base && !changed.has(level) && !(level - 1 > base && changed.has(level - 1))
  if (stays && keepEvent(k, slot)) return
  s.round[slot] = 0
  const after = divide(s, f, k.c, x, before) ? s.round[slot]! : 0
  if (after === before || (before <= base && after <= base)) return
  changed.add(before)
  changed.add(after)
}

/** Begins to bring all events up to date. What an earlier base has changed still concerns the events that were not reached then. */
function beginRefresh(k: Core, behind: boolean): void {
  if (!behind) k.changed.clear()
  forgetTags(k.f, k.f.base)
  k.witnesses.length = 0
  k.current = 0
}

/**
 * Computes the metadata of the next event that has none relative to this base. Returns it if it is a witness that the
 * election has to consider, else −1.
 */
export function divideNext(k: Core): number {
  const { s, f } = k
  const i = k.current++
  const x = k.live[i]!
  const slot = x & s.mask
  if (i >= k.known) {
    if (!divide(s, f, k.c, x, 0)) return -1
  } else {
    refresh(k, x, slot)
    if (s.round[slot]! <= f.base) return -1
  }
  if (s.firstSelfWitness[slot] !== x) return -1
  k.witnesses.push(x)
  return x
}

/** Drops from the witnesses those of the base; no round has changed. */
function keepWitnesses(k: Core): void {
  const { s, f, witnesses } = k
  let kept = 0
  for (const x of witnesses) if (s.round[x & s.mask]! > f.base) witnesses[kept++] = x
  witnesses.length = kept
}

/** Drops from the live events those that are ordered or ancient, except the judges of the base, and their rows with them. */
export function sweep(k: Core): void {
  const { s, f, live, current } = k
  const { state, judge, round, row, mask } = s
  const reached = Math.max(current, k.known)
  let kept = 0
  let known = 0
  for (let i = 0; i < k.liveCount; i++) {
    const x = live[i]!
    const slot = x & mask
    // The round that an event had by an earlier base may be too low, but it had one.
    if (i < current && round[slot]! < f.base) round[slot] = 0
    if (state[slot] === LIVE || judge[slot] === 1) {
      live[kept++] = x
      if (i < reached) known = kept
    } else {
      round[slot] = 0
      giveRow(f, row[slot]!)
    }
  }
  k.liveCount = kept
  k.known = known
  k.current = known
  forgetBefore(s, kept > 0 ? live[0]! : s.next)
  sweepLanes(k.l, s, f, live, kept, known < kept ? live[known]! : s.next)
}

function shiftIndices(k: Core): void {
  const shift = renumber(k.s)
  for (let i = 0; i < k.liveCount; i++) k.live[i]! -= shift
  for (let i = 0; i < k.judges.length; i++) k.judges[i]! -= shift
  k.f.roundOffset += k.f.base - 1
  k.f.base = 1
  rebuildLanes(k.l, k.s, k.f, k.f.roster, k.live, k.liveCount)
}

function adoptRoster(k: Core): boolean {
  const { s, f } = k
  const roster = k.rosters.ruling(decidedRound(k) + 1)
  if (roster === f.roster) return false
  changeRoster(f, roster)
  reserve(k.c, f.size)
  for (let i = 0; i < k.liveCount; i++) {
    const slot = k.live[i]! & s.mask
    s.member[slot] = placeOf(roster, s.creator[slot]!)
  }
  rebuildLanes(k.l, s, f, roster, k.live, k.liveCount)
  return true
}

/**
 * Moves the base to the round that has just been decided, with its judges.
 *
 * Often nothing has to be computed again. Let every witness of the decided round E be a judge, let no member have
 * branched, and let the roster stay. Then an event has a round after the move iff it had a round >= E before, and it
 * is the same one:
 * - Who has a round >= E has a first witness of round E below it or is one, so it is a judge or descends from one; it
 *   is not ordered unless it is a judge (an ordered event is an ancestor of every judge, so of its creator's, which
 *   is its own ancestor or itself), and not ancient, because birth rounds do not fall along ancestry. Conversely a
 *   descendant of a judge had a round >= E.
 * - By induction from parents to children: a parent with a round < E counted for nothing in the round of a child
 *   with parentRound >= E, since neither lastSeen nor seenThrough by way of such a parent is a witness of that
 *   round; now it has none. A child of parents with rounds < E that had round E itself is a witness, so a judge, and
 *   gets round D = E as such.
 * - Without branches lastSeen is the newest event of a member's chain, whatever the generations are, so generations, which
 *   do change, decide nothing. The sets of seen witnesses of rounds >= E are the same, and only these are used.
 * In every other case the events at the base are computed again, and others if that changes anything for them.
 */
export function moveBase(k: Core, judges: number[]): void {
  const { s, f, e } = k
  let witnesses = 0
  for (const w of k.witnesses) if (s.round[w & s.mask] === e.round) witnesses += 1
  let afresh = k.alwaysAfresh
  const behind = k.current < k.known
  const same = !f.branching && !behind && witnesses === judges.length
  for (const judge of judges) s.judge[judge & s.mask] = 1
  k.judges = judges
  f.base = e.round
  sweep(k)
  if (adoptRoster(k)) afresh = true
  if (s.next >= k.renumberAt || s.parentNext >= k.renumberAt) {
    shiftIndices(k)
    afresh = true
  }
  if (f.branching && k.l.branches === 0) afresh = true
  if (afresh) {
    computeAfresh(k)
  } else if (same) {
    keepWitnesses(k)
  } else {
    beginRefresh(k, behind)
  }
  startElection(e, f, f.base + 1)
}
