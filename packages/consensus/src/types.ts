/**
 * What the ordering engine is given and what it gives back. Ids are 32 bytes; members are unsigned 32-bit
 * integers; times are integer microseconds since the Unix epoch, below 2^53; weights are integers >= 1.
 */

import type { Explanation } from './explain-types.ts'

/** An event's place in one engine: the number that `insert` returned. Local to that engine, never consensus-visible. */
export type EventHandle = number

/** Stands for "no such parent": none, ancient, or not held. */
export const NO_EVENT = -1

export interface EngineEvent {
  /** 32 bytes. */
  readonly id: Uint8Array
  readonly creator: number
  /** Handle of the self-parent, or NO_EVENT. A handle whose event has become ancient counts as NO_EVENT. */
  readonly selfParent: EventHandle
  /** Handles of the other-parents in their order; NO_EVENT entries are passed over. Creators pairwise different. */
  readonly otherParents: readonly EventHandle[]
  readonly birthRound: number
  readonly timestamp: number
  /** One bit that nobody could predict before the event existed. */
  readonly coin: 0 | 1
  readonly transactionCount: number
}

export interface WeightedMember {
  readonly id: number
  readonly weight: number
}

/** The roster that rules the elections of every round >= fromRound, up to the next roster's fromRound. */
export interface ScheduledRoster {
  readonly fromRound: number
  readonly members: readonly WeightedMember[]
}

export interface ConsensusConfig {
  /** Every how many rounds of voting a round of coins comes (12). */
  readonly coinFrequency: number
  /** How many birth rounds behind the newest judges an event may be before it is ancient (26). */
  readonly roundsNonAncient: number
}

/** The state that an engine can be started from (spec section 7). */
export interface ConsensusSnapshot {
  readonly round: number
  /** Ids of the round's judges, by ascending member id. */
  readonly judges: readonly Uint8Array[]
  readonly ancientThreshold: number
  readonly lastTimestamp: number
  readonly nextOrder: number
}

export interface OrderedEvent {
  readonly handle: EventHandle
  readonly id: Uint8Array
  /** Consensus timestamp of the event's first transaction. */
  readonly timestamp: number
  /** Place in the order of all events, from 0. */
  readonly order: number
}

export interface DecidedRound {
  readonly round: number
  readonly judges: readonly Uint8Array[]
  readonly ancientThreshold: number
  readonly lastTimestamp: number
  readonly nextOrder: number
  readonly events: readonly OrderedEvent[]
}

export interface EngineOptions {
  readonly config: ConsensusConfig
  readonly rosters: readonly ScheduledRoster[]
  readonly snapshot?: ConsensusSnapshot
  /**
   * Decide a round as soon as all members' first votes are known and alike, about one message delay before the counting
   * of votes would (FAST-PATH.md of this package). The rounds are the same, and are decided no later; while less than a
   * third of the weight branches, nobody can tell the difference but by the clock. All members of a network do, or none does. Off unless it is said; without effect
   * if coinFrequency is 2.
   */
  readonly fastPath?: boolean
  /**
   * Decide one round at a time: after each, nothing more is decided before `takeDecidedRounds` is called, and it is to be called until it
   * gives none. So whoever finds a roster in a round can schedule it for any round from two on after it.
   */
  readonly stepwise?: boolean
  /**
   * Keep what `explain` needs for this many decided rounds (from 1). Costs a few objects an event, for as long as the event is not ancient or
   * one of these rounds is not: about (rounds + roundsNonAncient) rounds of events. Nothing is kept unless it is said.
   */
  readonly explain?: { readonly rounds: number }
}

export interface Engine {
  /**
   * Adds one event; its parents come before it. Returns its handle: handles count up from 0 by one for each
   * accepted event. An ancient event is not added: NO_EVENT. One insertion brings a bounded number of earlier
   * events up to date; what it leaves, the next ones do. Every question below does all of it first, so that nobody can tell but by the clock.
   */
  insert(event: EngineEvent): EventHandle
  /** The rounds decided since the last call, in order; one at a time if `stepwise`. */
  takeDecidedRounds(): readonly DecidedRound[]
  /** Started from a snapshot, and not all of its judges have come yet. */
  isWaiting(): boolean
  /** When the last judge of a snapshot has come: once, the events that count as ordered by then (spec section 7). */
  takeCounted(): readonly EventHandle[]
  /** Adds a roster for rounds >= fromRound; fromRound must be greater than decidedRound + 1 and than all scheduled ones. */
  scheduleRoster(roster: ScheduledRoster): void
  /** The last decided round, 0 at genesis. */
  decidedRound(): number
  ancientThreshold(): number
  /** The whole state of spec section 7 without the events. */
  snapshot(): ConsensusSnapshot
  /** The round of an event in the election that is held; null if it has none, or if it is forgotten. For showing it. */
  roundOf(handle: EventHandle): number | null
  /** Whether it is a witness there. */
  isWitness(handle: EventHandle): boolean
  /**
   * Why an event stands where it stands, or does not stand yet. Undefined for an event that was not given, was
   * refused as ancient, or lies back more than the rounds of the option `explain`; throws without that option. It reads the
   * rule anew, slowly, from the snapshot that many rounds back, and throws an invariant error if that gives anything else than the
   * engine has given.
   */
  explain(id: Uint8Array): Explanation | undefined
}
