/**
 * Rounds and seeing for explanations (spec sections 2 and 3): the slow, worded reading. What makes it different from the
 * engine is that it keeps its reasons: through whom a witness is strongly seen, and which event counted that.
 *
 * Every function looks only at parents, and they have been read before: nothing walks the graph.
 */
import type { ScheduledRoster } from './types.ts'

/** An event and all that is known of it. Parents are those that were held when it came. */
export interface Item {
  readonly id: Uint8Array
  readonly creator: number
  readonly selfParent: Item | undefined
  readonly otherParents: readonly Item[]
  readonly birthRound: number
  readonly timestamp: number
  readonly coin: 0 | 1
  readonly transactionCount: number
  ordered: boolean
  /** In the election that is held. */
  reading: Reading | undefined
}

/** "None" among rounds: lower than every round. */
export const NO_ROUND = 0

export interface Base {
  /** The last decided round. */
  readonly round: number
  readonly judges: readonly Item[]
  readonly ancientThreshold: number
  /** Of the round that is elected: one more than `round`. */
  readonly roster: RosterReading
}

export interface RosterReading {
  readonly members: readonly { readonly id: number; readonly weight: number }[]
  readonly slotOf: ReadonlyMap<number, number>
  readonly totalWeight: number
}

/** What an event strongly sees of one member, and how it came about. */
export interface Strong {
  readonly witness: Item
  readonly countedBy: Item
  /** Members, as slots of the roster. */
  readonly through: readonly number[]
}

/** What one election makes of one event. Slots are those of the roster. */
export interface Reading {
  readonly base: Base
  readonly round: number
  readonly parentRound: number
  readonly generation: number
  readonly baseJudge: boolean
  readonly witness: boolean
  readonly lastSeen: readonly (Item | undefined)[]
  readonly stronglySeen: readonly (Strong | undefined)[]
  readonly stronglySeenWeight: number
  readonly firstSelfWitness: Item | undefined
  readonly firstWitness: Item | undefined
}

/** The roster with the greatest `fromRound` that is not after `round`. */
export function rosterReading(rosters: readonly ScheduledRoster[], round: number): RosterReading {
  const ruling = rosters
    .filter((each) => each.fromRound <= round)
    .reduce<ScheduledRoster | undefined>(
      (last, each) => (last === undefined || each.fromRound >= last.fromRound ? each : last),
      undefined,
    )
  if (ruling === undefined) throw new Error(`there is no roster for round ${round}`)
  const members = [...ruling.members].sort((a, b) => a.id - b.id)
  const slotOf = new Map(members.map(({ id }, slot) => [id, slot]))
  const totalWeight = members.reduce((sum, { weight }) => sum + weight, 0)
  if (slotOf.size !== members.length)
    throw new Error(`roster from round ${ruling.fromRound}: a member stands in it twice`)
  if (!Number.isSafeInteger(totalWeight))
    throw new Error(`roster from round ${ruling.fromRound}: the sum of its weights is above 2^53 - 1`)
  return { members, slotOf, totalWeight }
}

/** 3·w > 2·W; the products may be beyond 2^53. */
export function isSupermajority(weight: number, roster: RosterReading): boolean {
  return 3n * BigInt(weight) > 2n * BigInt(roster.totalWeight)
}

/** Self-parent first, without those that are ancient by that threshold (spec sections 1 and 6). */
export function presentParents(item: Item, ancientThreshold: number): readonly Item[] {
  const { selfParent, otherParents } = item
  const all = selfParent === undefined ? otherParents : [selfParent, ...otherParents]
  return all.filter((parent) => parent.birthRound >= ancientThreshold)
}

export const roundOf = (item: Item | undefined): number => item?.reading?.round ?? NO_ROUND

export const firstSelfWitness = (item: Item | undefined): Item | undefined => item?.reading?.firstSelfWitness

/** The self-parent, if it is not ancient. */
export function presentSelfParent(item: Item, base: Base): Item | undefined {
  const parent = item.selfParent
  return parent === undefined || parent.birthRound < base.ancientThreshold ? undefined : parent
}

export const firstSeen = (item: Item | undefined, slot: number): Item | undefined =>
  firstSelfWitness(item?.reading?.lastSeen[slot])

/** Of one member. Where it has branched, one branch is kept. */
function findLastSeen(item: Item, slot: number, base: Base, parents: readonly Item[]): Item | undefined {
  if (base.roster.members[slot]!.id === item.creator) return item
  let best: Item | undefined
  let via: Item | undefined
  for (const parent of parents) {
    const candidate = parent.reading!.lastSeen[slot]
    if (candidate === undefined) continue
    const replaces =
      best === undefined ||
      roundOf(candidate) > roundOf(best) ||
      (candidate.reading!.generation > best.reading!.generation &&
        firstSeen(parent, slot) === firstSeen(via, slot))
    if (!replaces) continue
    best = candidate
    via = parent
  }
  return best
}

/** What an event is judged by while its round is being found. */
interface View {
  readonly item: Item
  readonly base: Base
  readonly parents: readonly Item[]
  readonly parentRound: number
  readonly lastSeen: readonly (Item | undefined)[]
}

/** The witness of the member at `slot` that the event sees by way of an event of the member at `way`. */
function seenThrough({ item, base, lastSeen }: View, slot: number, way: number): Item | undefined {
  if (slot === way && base.roster.slotOf.get(item.creator) === slot)
    return firstSelfWitness(presentSelfParent(item, base))
  const seen = lastSeen[way]
  // What its own last event sees is what it sees itself: its reading is not there yet.
  return seen === item ? firstSelfWitness(lastSeen[slot]) : firstSeen(seen, slot)
}

function findStronglySeen(view: View, slot: number): Strong | undefined {
  const { item, base, parents, parentRound } = view
  for (const parent of parents) {
    const strong = parent.reading!.stronglySeen[slot]
    if (strong !== undefined && parent.reading!.parentRound === parentRound) return strong
  }
  const witness = seenThrough(view, slot, slot)
  if (witness === undefined || roundOf(witness) !== parentRound) return undefined
  const { members } = base.roster
  const through = members.map((_, way) => way).filter((way) => seenThrough(view, slot, way) === witness)
  const weight = through.reduce((sum, way) => sum + members[way]!.weight, 0)
  return isSupermajority(weight, base.roster) ? { witness, countedBy: item, through } : undefined
}

/** An event without a round: it takes no part. */
function withoutRound(base: Base): Reading {
  return {
    base,
    round: NO_ROUND,
    parentRound: NO_ROUND,
    generation: 0,
    baseJudge: false,
    witness: false,
    lastSeen: [],
    stronglySeen: [],
    stronglySeenWeight: 0,
    firstSelfWitness: undefined,
    firstWitness: undefined,
  }
}

/** Reads one event; its parents have been read in the same election. Leaves the result in `item.reading`. */
export function readEvent(item: Item, base: Base): Reading {
  const present = presentParents(item, base.ancientThreshold)
  const parents = present.filter((parent) => roundOf(parent) !== NO_ROUND)
  const baseJudge = parents.length === 0 && base.judges.includes(item)
  const isFirst = base.round === 0 && present.length === 0
  const takesPart = baseJudge || (!item.ordered && (parents.length > 0 || isFirst))
  const reading = takesPart ? readParticipant(item, base, parents, baseJudge) : withoutRound(base)
  item.reading = reading
  return reading
}

function readParticipant(item: Item, base: Base, parents: readonly Item[], baseJudge: boolean): Reading {
  const { members } = base.roster
  const parentRound = Math.max(NO_ROUND, ...parents.map(roundOf))
  const lastSeen = members.map((_, slot) => findLastSeen(item, slot, base, parents))
  const view: View = { item, base, parents, parentRound, lastSeen }
  const stronglySeen = members.map((_, slot) => findStronglySeen(view, slot))
  const stronglySeenWeight = members.reduce(
    (sum, { weight }, slot) => (stronglySeen[slot] === undefined ? sum : sum + weight),
    0,
  )
  let round = parentRound
  if (baseJudge) round = base.round
  else if (parents.length === 0) round = 1
  else if (isSupermajority(stronglySeenWeight, base.roster)) round += 1
  const selfParent = presentSelfParent(item, base)
  const selfRound = roundOf(selfParent)
  return {
    base,
    round,
    parentRound,
    generation: parents.reduce((most, parent) => Math.max(most, 1 + parent.reading!.generation), 0),
    baseJudge,
    witness: selfParent === undefined || selfRound !== round,
    lastSeen,
    stronglySeen,
    stronglySeenWeight,
    firstSelfWitness: round > selfRound ? item : selfParent!.reading!.firstSelfWitness,
    firstWitness:
      round > parentRound ? item : parents.find((parent) => roundOf(parent) === round)!.reading!.firstWitness,
  }
}
