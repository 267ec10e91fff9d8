/**
 * What an explanation says of one event: plain data without cycles, ids in lowercase hexadecimal and `null` for what is
 * not there, so that `JSON.stringify` of it is its JSON. The words are those of the spec.
 */

/** A member that an event strongly sees (spec section 3). */
export interface StronglySeen {
  readonly member: number
  readonly weight: number
  readonly witness: string
  /** The event whose own counting found it: the explained one, or the ancestor that it takes it from. */
  readonly countedBy: string
  /** The members through whose events it is seen there, the whole count. */
  readonly through: readonly number[]
}

/** An event's round, as an election gave it (spec section 2). */
export interface RoundReason {
  /** The round that was being elected. */
  readonly election: number
  /** The judges of the last decided round, on which the election stands; none at genesis. */
  readonly base: { readonly round: number; readonly judges: readonly string[] }
  readonly round: number | null
  /** It has its round as a judge of the base. */
  readonly baseJudge: boolean
  /** The greatest round among its parents; null if none of them has one. */
  readonly parentRound: number | null
  readonly witness: boolean
  readonly stronglySees: readonly StronglySeen[]
  readonly stronglySeenWeight: number
  readonly totalWeight: number
}

/** One vote on the explained event (spec section 4). */
export interface VoteReason {
  readonly voter: string
  readonly member: number
  readonly round: number
  readonly vote: boolean
  /** In the first round of voting: the witness of the candidate's creator that the voter holds for that round. */
  readonly sees: string | null
  /** After the first round of voting: the weights of the votes that it counted. */
  readonly yesWeight: number | null
  readonly noWeight: number | null
  readonly strong: boolean
  readonly coinRound: boolean
  /** It was not strong in a coin round, so the voter's coin is its vote. */
  readonly coinUsed: boolean
  /** Decides the election of the explained event. */
  readonly decides: boolean
}

export interface FameReason {
  readonly round: number
  readonly status: 'famous' | 'not famous' | 'undecided'
  /** Considered after a witness of two rounds later: not famous without a vote. */
  readonly late: boolean
  /** Decided by the fast path (FAST-PATH.md): the first votes of all members are known and alike; no vote decides. */
  readonly unanimous: boolean
  readonly votes: readonly VoteReason[]
  /** One of the judges of its round. */
  readonly judge: boolean
  /** The judge that stands in its place: famous as well, of the same creator, with a lesser id. */
  readonly judgeInstead: string | null
}

export interface JudgeTime {
  readonly judge: string
  readonly member: number
  readonly weight: number
  /** The earliest self-ancestor of the judge that has the event as ancestor or is it. */
  readonly knownBy: string
  readonly timestamp: number
}

/** Where an event stands in the order, or why nowhere (spec sections 5 to 7). */
export type Placement =
  | {
      readonly kind: 'ordered'
      readonly receivedRound: number
      readonly judges: readonly JudgeTime[]
      readonly medianTime: number
      readonly rank: number
      readonly whitenedId: string
      readonly order: number
      /** Consensus timestamp of its first transaction. */
      readonly timestamp: number
      /** The median time was not later than the last time given, so the timestamp is one more than that. */
      readonly movedOn: boolean
    }
  | {
      readonly kind: 'undecided'
      /** The election that is held, and how far it is. */
      readonly election: number
      readonly candidates: number
      readonly undecidedCandidates: number
      /** How far the votes go: the greatest round of a witness; null if there is none. */
      readonly highestWitnessRound: number | null
    }
  /** Ancient since `decidedRound` was decided, and it had not been ordered: it never will be. */
  | { readonly kind: 'stale'; readonly decidedRound: number; readonly ancientThreshold: number }
  /** Ancient when it was inserted, so not added. */
  | { readonly kind: 'ancient'; readonly ancientThreshold: number }
  /** Below all judges of the snapshot, so ordered before it. */
  | { readonly kind: 'before-snapshot'; readonly snapshotRound: number }
  /** The judges of the snapshot are not all there yet. */
  | { readonly kind: 'waiting'; readonly snapshotRound: number }

export interface Explanation {
  readonly id: string
  readonly creator: number
  readonly selfParent: string | null
  /** Those that were not ancient when the event was inserted. */
  readonly otherParents: readonly string[]
  readonly birthRound: number
  readonly timestamp: number
  readonly coin: 0 | 1
  readonly transactionCount: number
  /** In the last election that gave it a round, or else in the last that considered it; null if none has. */
  readonly round: RoundReason | null
  /** Of a judge of the base: its round in the election that made it a judge. */
  readonly roundBefore: RoundReason | null
  /** In the election that is held, if the event is held: null for none. */
  readonly roundNow: number | null
  /** If it was ever a witness of the round being elected, by a member of its roster. */
  readonly fame: FameReason | null
  readonly place: Placement
}
