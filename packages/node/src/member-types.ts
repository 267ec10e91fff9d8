/** What goes into a member and what comes out: the whole contract between the pure state machine and its driver. */
import type { Block } from '@hearsay/consensus'
import type { BranchProof, CryptoSuite, Genesis, VerifiedEvent } from '@hearsay/dag'
import type { GossipTuning, LinkFault, PeerView, WantFrame, LinkTraffic, LivenessView } from '@hearsay/gossip'
import type { CertifierEffect } from './certifier.ts'
import type { CreatorTuning } from './creator.ts'
import type { Observing } from './observer.ts'
import type { PoolLimits } from './pool.ts'
import type { MemberSnapshot } from './snapshot.ts'
import type { MemberReport, NetworkReport, Vitals } from './self-report.ts'

/** Kinds of journal records. */
export const RECORD_EVENT = 1
/**
 * The ids of a stale own event and of the later one that carries its transactions now, recorded just before that one. It
 * counts only if the later event is in the journal too: what is lost in the middle of the two is lost as a whole.
 */
export const RECORD_RESUBMITTED = 2

/**
 * The id of an own event that came from others: this directory did not have it. Its transactions are another life's matter and
 * are never submitted again from here. Recorded just before and just after the event.
 */
export const RECORD_ADOPTED = 3

export interface MemberOptions {
  readonly genesis: Genesis
  readonly memberId: number
  readonly secretKey: Uint8Array
  readonly suite: CryptoSuite
  readonly software: string
  /** From 0 to below 1; decides only whom to talk to. */
  readonly random: () => number
  /** Unpredictable bytes: the salt of own events. */
  readonly randomBytes: (count: number) => Uint8Array
  /** Where to go on from; the journal is replayed from where the snapshot says. */
  readonly snapshot?: MemberSnapshot | undefined
  readonly gossip?: Partial<GossipTuning>
  readonly creator?: Partial<CreatorTuning>
  readonly pool?: Partial<PoolLimits>
  /** Consensus time between two states that are kept (certifier.ts). */
  readonly carrySeconds?: number | undefined
}

export interface Moment {
  /** Monotonic clock, milliseconds. */
  readonly monotonicMs: number
  /** Wall clock, microseconds since the Unix epoch. */
  readonly wallMicros: number
  /** How late timers fire lately, milliseconds. */
  readonly loopLagMs: number
}

export type MemberInput =
  /** A record of one's own journal, in order, before `start`. */
  | { readonly kind: 'replay'; readonly recordKind: number; readonly bytes: Uint8Array }
  | { readonly kind: 'start' }
  | { readonly kind: 'opened'; readonly link: number; readonly memberId: number }
  | { readonly kind: 'closed'; readonly link: number }
  | { readonly kind: 'frame'; readonly link: number; readonly bytes: Uint8Array }
  | { readonly kind: 'congested'; readonly link: number; readonly congested: boolean }
  /** With a count the bytes are an encoded payload of so many transactions. */
  | { readonly kind: 'submit'; readonly ticket: number; readonly bytes: Uint8Array; readonly count?: number }
  /** The own event that was to be made durable is. */
  | { readonly kind: 'durable'; readonly sequence: number }
  /** Own events may be made, or not for now (disk full, stopping). */
  | { readonly kind: 'creating'; readonly allowed: boolean }
  /** Others' events may be taken in, or not for now (they could not be written): what comes meanwhile is asked for again later. */
  | { readonly kind: 'intake'; readonly allowed: boolean }
  /** The answer to the effect of that name. */
  | { readonly kind: 'state-hash'; readonly round: number; readonly hash: Uint8Array }
  /** How long finality takes here lately, as the driver measures it. */
  | ({ readonly kind: 'vitals' } & Vitals)
  | { readonly kind: 'tick' }

export type MemberEffect =
  | CertifierEffect
  /** The record being replayed is this event. */
  | { readonly kind: 'replayed'; readonly key: string; readonly birthRound: number }
  | {
      readonly kind: 'append'
      readonly recordKind: number
      readonly bytes: Uint8Array
      readonly key: string | undefined
      readonly birthRound: number
    }
  /** Make all that was appended durable, then answer with `durable`. */
  | { readonly kind: 'sync'; readonly sequence: number }
  | { readonly kind: 'send'; readonly link: number; readonly frame: Uint8Array }
  | { readonly kind: 'close'; readonly link: number; readonly fault: LinkFault }
  /** Read journal records for a peer from here on and send what it lacks. */
  | { readonly kind: 'serve'; readonly link: number; readonly want: WantFrame }
  /** What is being served to this link may go on for so many bytes more. */
  | { readonly kind: 'credit'; readonly link: number; readonly request: number; readonly bytes: number }
  /** The next round is decided; `events` are those of the block's entries. */
  | { readonly kind: 'deliver'; readonly block: Block; readonly events: readonly VerifiedEvent[] }
  /** The state after this block, the last one delivered, is worth keeping if it gets certified; `events` are those that it needs. */
  | { readonly kind: 'carry'; readonly block: Block; readonly events: readonly VerifiedEvent[] }
  | { readonly kind: 'gossiped'; readonly tickets: readonly number[] }
  | {
      readonly kind: 'final'
      readonly ticket: number
      readonly position: number
      readonly round: number
      readonly timestamp: number
      readonly eventId: Uint8Array
      readonly index: number
    }
  | { readonly kind: 'refused'; readonly ticket: number; readonly reason: 'pool-full' }
  /** This member must not go on: another process acts under its key. */
  | { readonly kind: 'fail'; readonly code: string; readonly message: string }

export interface GossipReport {
  readonly liveness: readonly LivenessView[]
  readonly traffic: ReadonlyMap<number, LinkTraffic>
  readonly upstreams: ReadonlyMap<number, number>
}

export interface MemberView {
  readonly round: number
  readonly ledgerHash: Uint8Array
  readonly transactions: number
  readonly orderedEvents: number
  readonly lastTimestamp: number
  readonly poolTransactions: number
  readonly poolBytes: number
  readonly undecidedEvents: number
  /** Own events that nobody will ever order; their transactions were submitted again. */
  readonly staleOwnEvents: number
  readonly ownSequence: number
  readonly durableSequence: number
  readonly linkedEvents: number
  readonly waitingEvents: number
  readonly ancientThreshold: number
  readonly isBehind: boolean
  readonly peers: readonly PeerView[]
  readonly branched: readonly number[]
  /** What is waited for before own events are made; undefined when they may be. */
  readonly observing: Observing | undefined
  readonly counters: ReadonlyMap<string, number>
  /** What members say of themselves, and what the network is like by that. */
  readonly reports: () => readonly MemberReport[]
  readonly network: () => NetworkReport
  /** How each other member is, what has gone over its link, and through whom creators without a link are heard. */
  readonly gossip: (nowMs: number) => GossipReport
}

export interface Member {
  step(input: MemberInput, now: Moment): readonly MemberEffect[]
  /** When a `tick` is wanted next (monotonic milliseconds); undefined: not before another input. */
  nextTickMs(nowMs: number): number | undefined
  view(): MemberView
  branchProofs(): readonly BranchProof[]
  /** False if the journal did not hold the events that the snapshot counts on. To be asked after the replay. */
  isRestored(): boolean
  /** What another life of this member can go on from, together with the journal. */
  snapshot(): MemberSnapshot
}
