/** What the checker tells the page: plain data that can be handed from one thread to another. Indices count linked events from 0. */

export interface ShownMember {
  readonly id: number
  readonly name: string
  readonly weight: number
}

/** Newly linked events as columns, parents before children. */
export interface LinkedBatch {
  readonly first: number
  readonly count: number
  /** Place of the creator in the list of members. */
  readonly member: Uint16Array
  readonly selfParent: Int32Array
  /** `otherStart[i]` to `otherStart[i + 1]` are the other-parents of event i in `others`. */
  readonly otherStart: Uint32Array
  readonly others: Int32Array
  readonly timestamp: Float64Array
  readonly transactionCount: Uint32Array
  readonly sizeBytes: Uint32Array
  /** The first eight bytes of each id. */
  readonly idHigh: Uint32Array
  readonly idLow: Uint32Array
}

/** Rounds of events as the election that is held gives them. */
export interface RoundChanges {
  readonly index: Uint32Array
  readonly round: Uint32Array
  readonly witness: Uint8Array
}

export interface ShownRound {
  readonly round: number
  /** Hash of the ledger after it, hexadecimal. */
  readonly hash: string
  /** Linked events when it was decided: what is later was not needed. */
  readonly decidedAt: number
  /** Own time of the event that decided it. */
  readonly decidedTime: number
  readonly judges: Uint32Array
  readonly events: Uint32Array
  readonly timestamps: Float64Array
  readonly firstPosition: number
  /** Became ancient without having been ordered. */
  readonly stale: Uint32Array
}

/** Something that does not hold, and who served it. */
export interface Refusal {
  readonly source: string
  readonly reason: string
  /** Whom it claims to be by; empty if it claims nothing. */
  readonly creator: string
  readonly id: string
  readonly sequence: number
  /** The first bytes, hexadecimal. */
  readonly hex: string
  readonly at: number
}

export interface Branching {
  readonly member: number
  readonly sequence: number
  readonly first: string
  readonly second: string
  readonly firstId: string
  readonly secondId: string
  /** Both signatures were checked here. */
  readonly verified: boolean
  readonly at: number
}

export interface Batch {
  readonly linked: LinkedBatch
  readonly changes: RoundChanges
  readonly rounds: readonly ShownRound[]
  readonly refusals: readonly Refusal[]
  readonly branchings: readonly Branching[]
}
