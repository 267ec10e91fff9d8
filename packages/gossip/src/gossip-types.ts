/** What gossip can be asked and what comes out of it. */
import type { DecodedEvent } from '@hearsay/dag'
import type { WantFrame } from './frames.ts'
import type { LivenessView } from './liveness.ts'
import type { NodeRecord, RecordKind, RecordRejection } from './records.ts'
import type { LinkTraffic } from './traffic.ts'

/** Why a link is closed from here. A closed list: it doubles as metric label. */
export const LINK_FAULTS = [
  'bad-frame',
  'wrong-network',
  'unknown-version',
  'wrong-member',
  'no-hello',
  'hello-timeout',
  'control-flood',
  'invalid-event',
  'invalid-record',
] as const
export type LinkFault = (typeof LINK_FAULTS)[number]

export type GossipEffect =
  | { readonly kind: 'send'; readonly link: number; readonly frame: Uint8Array }
  | { readonly kind: 'close'; readonly link: number; readonly fault: LinkFault }
  | {
      readonly kind: 'events'
      readonly link: number
      readonly memberId: number
      readonly events: readonly Uint8Array[]
      /** Of the repair that brings them; 0 if they come by themselves. */
      readonly request: number
      /** Put back together here: if they are not valid, that is not the sender's fault alone. */
      readonly restored: boolean
    }
  | { readonly kind: 'serve'; readonly link: number; readonly want: WantFrame }
  /** What is being served to this link may go on for so many bytes more. */
  | { readonly kind: 'credit'; readonly link: number; readonly request: number; readonly bytes: number }
  /** A record of another member is new here. */
  | { readonly kind: 'record'; readonly record: NodeRecord }
  /** Others suspect this member to be down: it should say something. */
  | { readonly kind: 'suspected' }
  | { readonly kind: 'record-refused'; readonly reason: RecordRejection }
  /** The link's member has greeted: notes may be sent there. */
  | { readonly kind: 'greeted'; readonly link: number; readonly memberId: number }
  | {
      readonly kind: 'note'
      readonly link: number
      readonly memberId: number
      readonly topic: number
      /** A view into the frame. */
      readonly bytes: Uint8Array
    }

export interface PeerView {
  readonly memberId: number
  readonly link: number
  readonly software: string
  /** What the peer last said of itself. */
  readonly decidedRound: number | undefined
}

export interface Gossip {
  /** Own records are of this life from now on: a number larger than at earlier starts, like the time in seconds. */
  begin(epoch: number): void
  opened(link: number, memberId: number, nowMs: number): void
  closed(link: number, nowMs: number): void
  frame(link: number, bytes: Uint8Array, nowMs: number): void
  /** The link's buffer is over its bound, or below it again. A congested link gets no pushes; it repairs afterwards. */
  congested(link: number, isCongested: boolean): void
  /** A new own event, durable by now. */
  push(event: DecodedEvent): void
  /** A verified event of somebody else was new here, or not; whoever gets this creator's events from here is sent it. */
  took(
    link: number,
    creator: number,
    event: Uint8Array,
    how: { request: number; isNew: boolean },
    nowMs: number,
  ): void
  /** A restored event is not valid: it is asked for in full. Says whether its sender has done this too often. */
  unrestorable(link: number, sequence: number, nowMs: number): void
  /** This link brought an event whose parents are missing. */
  orphan(link: number, nowMs: number): void
  /** A new own record: replaces the last of its kind everywhere. At most MAX_RECORD_BYTES with about 90 bytes around the content. */
  publish(recordKind: RecordKind, content: Uint8Array): NodeRecord
  record(memberId: number, recordKind: RecordKind): NodeRecord | undefined
  /** The newest of each member. */
  records(recordKind: RecordKind): readonly NodeRecord[]
  tick(nowMs: number): void
  /** When `tick` is wanted next; undefined if nothing is due. */
  nextTickMs(nowMs: number): number | undefined
  takeEffects(): readonly GossipEffect[]
  peers(): readonly PeerView[]
  /** How late timers fire here lately. */
  lag(loopLagMs: number): void
  /** How each other member is. */
  liveness(nowMs: number): readonly LivenessView[]
  /** By member. */
  traffic(): ReadonlyMap<number, LinkTraffic>
  /** Of each creator that is not heard directly: through which member. */
  upstreams(): ReadonlyMap<number, number>
}
