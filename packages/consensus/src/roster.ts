/**
 * Who may vote, and how much a vote weighs. A roster is kept dense: its members stand in ascending order of
 * their ids, and everywhere inside the engine a member of the ruling roster is its place in that order.
 *
 * Source: spec sections 1 and 2. A weight w is a supermajority iff 3·w > 2·W.
 *
 * Arithmetic: weights are plain numbers. Their sum must be a safe integer (at most 2^53 − 1), so every partial sum
 * is exact. The test 3·w > 2·W would leave the safe range, so it is turned once, with BigInt, into the equal
 * test w >= floor(2·W / 3) + 1.
 */
import type { ScheduledRoster, WeightedMember } from './types.ts'

export interface DenseRoster {
  readonly fromRound: number
  /** Ascending. */
  readonly ids: readonly number[]
  readonly size: number
  /** 32-bit words of a set of members. */
  readonly words: number
  /** All weights are equal: they are then taken as 1 each, which changes no comparison of weights. */
  readonly equal: boolean
  readonly weights: Float64Array
  readonly total: number
  /** The least weight that is a supermajority. */
  readonly supermajority: number
  readonly indexOf: ReadonlyMap<number, number>
  /** The same for the ids below its length (all of them, if they are small numbers): −1 for strangers. */
  readonly places: Int32Array
}

const MAX_MEMBER = 0xffff_ffff
const MAX_PLACES = 0xffff

/** The place of a member in the roster, −1 for strangers. */
export function placeOf(roster: DenseRoster, id: number): number {
  return id < roster.places.length ? roster.places[id]! : (roster.indexOf.get(id) ?? -1)
}

function placesOf(members: readonly WeightedMember[]): Int32Array {
  const places = new Int32Array(Math.min(MAX_PLACES, members.at(-1)!.id + 1)).fill(-1)
  for (const [i, member] of members.entries()) if (member.id < places.length) places[member.id] = i
  return places
}

function checkMember(member: WeightedMember, where: string): void {
  if (!Number.isInteger(member.id) || member.id < 0 || member.id > MAX_MEMBER) {
    throw new Error(`${where}: member id ${member.id} is not an unsigned 32-bit integer`)
  }
  if (!Number.isSafeInteger(member.weight) || member.weight < 1) {
    throw new Error(`${where}: the weight ${member.weight} of member ${member.id} is not an integer from 1`)
  }
}

/** Checks a roster and makes it dense; throws an Error that names the roster and the member. */
function denseRoster(roster: ScheduledRoster): DenseRoster {
  const where = `roster from round ${roster.fromRound}`
  if (!Number.isSafeInteger(roster.fromRound)) throw new Error(`${where}: fromRound is not an integer`)
  if (roster.members.length === 0) throw new Error(`${where}: it has no members`)
  const members = [...roster.members].sort((a, b) => a.id - b.id)
  const size = members.length
  const weights = new Float64Array(size)
  const indexOf = new Map<number, number>()
  let total = 0
  let equal = true
  for (let i = 0; i < size; i++) {
    const member = members[i]!
    checkMember(member, where)
    if (indexOf.has(member.id)) throw new Error(`${where}: member ${member.id} stands in it twice`)
    indexOf.set(member.id, i)
    weights[i] = member.weight
    total += member.weight
    if (!Number.isSafeInteger(total)) throw new Error(`${where}: the sum of its weights is above 2^53 - 1`)
    if (member.weight !== members[0]!.weight) equal = false
  }
  if (equal) {
    weights.fill(1)
    total = size
  }
  return {
    fromRound: roster.fromRound,
    ids: members.map((member) => member.id),
    size,
    words: (size + 31) >>> 5,
    equal,
    weights,
    total,
    supermajority: Number((2n * BigInt(total)) / 3n) + 1,
    indexOf,
    places: placesOf(members),
  }
}

/** The rosters that can still rule an election, in the order of their rounds. */
export interface RosterSchedule {
  /** The roster that rules the election of `round`; rounds never go back, so older rosters are forgotten. */
  ruling(round: number): DenseRoster
  add(roster: ScheduledRoster, decidedRound: number): void
}

export function createRosterSchedule(
  rosters: readonly ScheduledRoster[],
  firstRound: number,
): RosterSchedule {
  const dense = rosters.map(denseRoster)
  for (let i = 1; i < dense.length; i++) {
    if (dense[i]!.fromRound <= dense[i - 1]!.fromRound) {
      throw new Error(
        `rosters: fromRound ${dense[i]!.fromRound} does not come after ${dense[i - 1]!.fromRound}`,
      )
    }
  }
  if (dense.length === 0) throw new Error('rosters: there is none')
  if (dense[0]!.fromRound > firstRound) {
    throw new Error(
      `rosters: the first one begins with round ${dense[0]!.fromRound}, none rules round ${firstRound}`,
    )
  }
  return {
    ruling(round) {
      while (dense.length > 1 && dense[1]!.fromRound <= round) dense.shift()
      return dense[0]!
    },
    add(roster, decidedRound) {
      const next = denseRoster(roster)
      const last = dense.at(-1)!
      if (next.fromRound <= decidedRound + 1 || next.fromRound <= last.fromRound) {
        throw new Error(
          `roster from round ${next.fromRound}: it comes too late, round ${decidedRound + 1} is being elected ` +
            `and the last roster begins with round ${last.fromRound}`,
        )
      }
      dense.push(next)
    },
  }
}
