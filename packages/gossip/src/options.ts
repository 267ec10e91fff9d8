/** What gossip is told when it is made: its tuning, and what it may look up of the graph. */
import type { CryptoSuite, EventReference, Member } from '@hearsay/dag'
import type { Frontier } from './frames.ts'

/** Tuning; times in milliseconds. */
export interface GossipTuning {
  /** How often one random peer is told the frontier, while it changes. */
  readonly advertEveryMs: number
  /** How long a missing event may be on its way by itself before it is asked for. */
  readonly graceMs: number
  /** The grace follows what is seen of each creator, within these. */
  readonly graceMinMs: number
  readonly graceMaxMs: number
  /** A repair that sends nothing for this long is given up, and in any case after the longer time. */
  readonly repairTimeoutMs: number
  readonly repairMaxMs: number
  /** Bytes a second that a repair must bring on average after `repairTimeoutMs`, or it is given up. */
  readonly repairLeastPerSecond: number
  /** Who is silent for this long is not waited for any more before somebody else is asked as well; at most so many at once. */
  readonly hedgeMs: number
  readonly repairsMost: number
  /**
   * A peer that was asked in vain is not asked for a while: at first twice `graceMs`, doubling up to this, and at least for as
   * long as it let us wait.
   */
  readonly pauseMaxMs: number
  /** What a peer says that it has and does not send when asked for all, is not asked for again for this long. */
  readonly excuseMs: number
  /** How much one repair may bring, in bytes; then the next is asked for. */
  readonly repairBytes: number
  /** Who has decided more for this long, while nothing is decided here, is asked for all of those who have branched. */
  readonly aheadMs: number
  /** No greeting within this time: the link is closed. */
  readonly helloTimeoutMs: number
  /** Control frames that a link may send at once, and per second after that. */
  readonly controlBurst: number
  readonly controlPerSecond: number
  /** The peer through which a creator's events come is kept at least this long, unless its link closes. */
  readonly graftKeepMs: number
  /** Who has been silent this long is pinged; after twice as long others are asked to challenge it. */
  readonly pingAfterMs: number
  /** Challenged by others, it has this long before it is suspected, times one more than the local health counter. */
  readonly probeWaitMs: number
  /** A member whose link closed is suspected when it is not back after this. */
  readonly reopenMs: number
  /** A suspicion has to stand for this long before it counts for DOWN. */
  readonly confirmMs: number
  /** A difference in records is left to what is on its way by itself for this long. */
  readonly recordGraceMs: number
  /** Versions of records are told at most so often on one's own account. */
  readonly versionsEveryMs: number
  /** Records of one kind of one member that are taken at once, and per second after that. */
  readonly recordBurst: number
  readonly recordsPerSecond: number
}

export const DEFAULT_TUNING: GossipTuning = {
  advertEveryMs: 250,
  graceMs: 40,
  graceMinMs: 10,
  graceMaxMs: 100,
  repairTimeoutMs: 1_000,
  repairMaxMs: 10_000,
  repairLeastPerSecond: 8_192,
  hedgeMs: 150,
  repairsMost: 3,
  pauseMaxMs: 10_000,
  excuseMs: 30_000,
  repairBytes: 4 * 1024 * 1024,
  aheadMs: 500,
  helloTimeoutMs: 5_000,
  controlBurst: 400,
  controlPerSecond: 100,
  graftKeepMs: 2_000,
  pingAfterMs: 400,
  probeWaitMs: 200,
  reopenMs: 200,
  confirmMs: 1_000,
  recordGraceMs: 200,
  versionsEveryMs: 1_000,
  recordBurst: 40,
  recordsPerSecond: 10,
}

export type Profile = 'local' | 'lan' | 'wan'

/** What differs from the defaults where members are on one machine, in one network, or far from each other. */
export const PROFILES: Readonly<Record<Profile, Partial<GossipTuning>>> = {
  local: {
    advertEveryMs: 100,
    graceMs: 20,
    graceMinMs: 5,
    graceMaxMs: 50,
    hedgeMs: 75,
    pingAfterMs: 200,
    probeWaitMs: 100,
    reopenMs: 100,
    confirmMs: 500,
  },
  lan: {},
  wan: {
    advertEveryMs: 500,
    graceMs: 100,
    graceMinMs: 25,
    graceMaxMs: 250,
    hedgeMs: 500,
    repairTimeoutMs: 3_000,
    repairBytes: 8 * 1024 * 1024,
    aheadMs: 1_500,
    pingAfterMs: 1_000,
    probeWaitMs: 600,
    reopenMs: 600,
    confirmMs: 2_000,
    recordGraceMs: 500,
  },
}

export const tuningOf = (profile: Profile): GossipTuning => ({ ...DEFAULT_TUNING, ...PROFILES[profile] })

export interface GossipOptions {
  readonly networkId: Uint8Array
  readonly memberId: number
  /** All members, this one included. */
  readonly members: readonly Member[]
  /** Signs own records. */
  readonly secretKey: Uint8Array
  readonly suite: CryptoSuite
  readonly software: string
  /** From 0 to below 1; decides only whom to talk to. */
  readonly random: () => number
  readonly tuning?: Partial<GossipTuning>
}

/** What gossip needs to know of the graph. */
export interface GossipView {
  /** Highest sequence number held of every member, own events only as far as they are durable. */
  frontier(): Frontier
  sequenceOf(creator: number): number
  /** The event of a member with this number, unless it is not in memory or the member is known to have branched. */
  find(creator: number, sequence: number): EventReference | undefined
  /** Its number, unless it is not in memory or its creator is known to have branched. */
  numberOf(parent: EventReference): number | undefined
  /** Events of a member from a number on, as many as are in memory, at most `limit`. */
  eventsFrom(creator: number, sequence: number, limit: number): readonly Uint8Array[]
  /** Changes whenever the frontier changes. */
  version(): number
  /** Parents that events of this member wait for and that it has not brought, at most `limit`. */
  missing(memberId: number, limit: number): readonly EventReference[]
  /** Members that are known to have branched. */
  branchedMembers(): readonly number[]
  decidedRound(): number
  ancientThreshold(): number
}
