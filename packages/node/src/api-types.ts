/**
 * What a running node offers to whoever serves or embeds it. Positions count transactions from 0 over the whole ledger;
 * times are integer microseconds since the Unix epoch; ids and hashes are 32 bytes.
 */
import type { NetworkView } from './network-json.ts'
import type { CborValue, ProofJson } from '@hearsay/dag'
import type { Outcome } from './application.ts'

export interface OrderedTransaction {
  readonly position: number
  readonly round: number
  /** Consensus time of this transaction: strictly increasing over positions. */
  readonly timestamp: number
  readonly creator: number
  readonly creatorName: string
  readonly eventId: Uint8Array
  /** Place of the transaction in its event, from 0. */
  readonly index: number
  readonly bytes: Uint8Array
  /** It is a sealed one that has no effect here: a second copy, or too late. Only there when it is so. */
  readonly isVoid?: true
}

/** Where a submitted transaction has got to. */
export type TransactionState = 'pending' | 'gossiped' | 'ordered'

export interface Receipt {
  /** `certified`: members of more than two thirds of the weight have signed its round or a later one. */
  readonly state: 'ordered' | 'certified'
  readonly position: number
  readonly round: number
  readonly timestamp: number
  readonly eventId: Uint8Array
  readonly index: number
  /** From submission to final, by this node's monotonic clock, milliseconds. */
  readonly latencyMs: number
  /** What the application made of it; undefined if there is none, or if it is too long ago. */
  readonly outcome?: Outcome
}

/** What is known of a sealed transaction by its id. */
export type Lookup =
  | { readonly state: 'unknown' }
  | { readonly state: 'pending' | 'gossiped' }
  | { readonly state: 'final'; readonly position: number; readonly outcome: Outcome | undefined }

export interface Submission {
  /** Local number of this submission, until the process ends. */
  readonly ticket: number
  state(): TransactionState
  /** Resolves when the transaction is final here; rejects only when the node stops or fails. */
  readonly final: Promise<Receipt>
  /** Stop waiting: frees the receipt, the transaction stays submitted. */
  forget(): void
}

/** Why a transaction is not taken in. */
export type SubmitRefusal = 'too-large' | 'pool-full' | 'stopping' | 'disk-full' | 'rejected' | 'malformed'

export type SubmitResult =
  | { readonly ok: true; readonly submission: Submission }
  | { readonly ok: false; readonly reason: SubmitRefusal; readonly message: string }

export interface PeerStatus {
  readonly memberId: number
  readonly name: string
  readonly weight: number
  readonly connected: boolean
  /** What the peer last said of itself; undefined before it said anything. */
  readonly decidedRound: number | undefined
  readonly hasBranched: boolean
}

export interface NodeStatus {
  readonly name: string
  readonly memberId: number
  readonly networkId: Uint8Array
  /**
   * `no-quorum`: members whose weight is a third or more are out of reach, nothing can become final. `observing`: the members
   * are being asked for this one's newest event, and none is made before that.
   */
  readonly state:
    'starting' | 'replaying' | 'observing' | 'active' | 'behind' | 'no-quorum' | 'stopping' | 'failed'
  /** One sentence for people when the state is not `active`. */
  readonly reason: string | undefined
  readonly round: number
  /** The last round whose certificate this node holds; 0 before the first. It stands for all rounds before it. */
  readonly certifiedRound: number
  readonly ledgerHash: Uint8Array
  readonly transactions: number
  readonly orderedEvents: number
  readonly lastTimestamp: number
  readonly reachableWeight: number
  readonly totalWeight: number
  readonly members: number
  readonly reachableMembers: number
  readonly poolTransactions: number
  readonly poolBytes: number
  /** Linked events that carry transactions and are not ordered yet. */
  readonly undecidedEvents: number
  readonly ownEvents: number
  readonly knownEvents: number
  readonly waitingEvents: number
  readonly journalBytes: number
  readonly finalityP50Ms: number | undefined
  readonly finalityP99Ms: number | undefined
  readonly uptimeMs: number
  readonly peers: readonly PeerStatus[]
  /** Refusals and rejections by reason, counted since start. */
  readonly counters: Readonly<Record<string, number>>
  readonly versions: Readonly<Record<string, string>>
}

/** Signed events, parents first. Cursors are places in this node's journal: another node has others. */
export interface EventPage {
  /** `next` is the cursor behind the event. */
  readonly events: readonly { readonly bytes: Uint8Array; readonly next: number }[]
  /** Where the page begins: later than asked for if the journal was pruned. */
  readonly begin: number
  /** Where to go on. */
  readonly next: number
}

export interface RunningNode {
  /** Why an application in another process does not want a transaction; asked before `submit`, decides nothing about the order. */
  admit?(transaction: Uint8Array): Promise<string | undefined>
  submit(transaction: Uint8Array): SubmitResult
  /**
   * Many transactions as one: each behind its length (four bytes, big-endian), at most what one event carries. They are ordered
   * together, one after the other; the receipt is that of the first.
   */
  submitPacked(payload: Uint8Array): SubmitResult
  /** Transactions from a position on, at most `limit` of them and about 4 MiB; empty at the end. */
  log(from: number, limit: number): Promise<readonly OrderedTransaction[]>
  /** Durable signed events from a cursor on (0: the beginning), about so many bytes but at least one; undefined if no event can begin there. */
  events(from: number, maxBytes: number): EventPage | undefined
  /** The first position whose consensus time is not before `timestamp`, or of a round: for `log --from`. */
  positionOfRound(round: number): number | undefined
  /** What has become of a sealed transaction. */
  lookup(id: Uint8Array): Lookup
  /** The receipt of what is final at a position. */
  receiptAt(position: number): Receipt | undefined
  /** A portable proof of what stands at a position, or that nothing does; undefined as long as no certificate covers it. */
  proof(position: number): ProofJson | undefined
  /** The last round whose certificate this node holds. */
  certifiedRound(): number
  /** Called with the round of each new certificate; returns how to stop that. */
  onCertified(listener: (round: number) => void): () => void
  query(path: string, data: Uint8Array): Promise<CborValue>
  /** Called after the ledger has grown (with its new length in transactions); returns how to stop that. */
  onGrowth(listener: (transactions: number) => void): () => void
  status(): NodeStatus
  /** What is known of the other members and of the network. */
  network(): NetworkView
  /** Flushes, closes and resolves; safe to call twice. */
  stop(): Promise<void>
  /** Resolves with the reason when the node has stopped by itself because it must not go on. */
  readonly failed: Promise<{ readonly code: string; readonly message: string; readonly exitCode: number }>
}
