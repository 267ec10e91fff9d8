/**
 * What an application is: a state, and how an ordered transaction changes it. Everything is synchronous and a function of
 * its arguments, for every member computes it alone and all must come to the same.
 */
import type { CborValue, Genesis } from '@hearsay/dag'
import type { VoidReason } from './once.ts'

/** A transaction as an application sees it. */
export interface TransactionView {
  /** Without the seal, if it has one. */
  readonly bytes: Uint8Array
  /** The bytes as UTF-8; what is not UTF-8 becomes U+FFFD. */
  readonly text: string
}

/** An ordered transaction as an application sees it. */
export interface AppliedTransaction extends TransactionView {
  readonly position: number
  readonly round: number
  /** Consensus time, microseconds since the Unix epoch; the only clock there is. */
  readonly timestamp: number
  readonly creator: number
}

export interface Step<S> {
  readonly state: S
  /** Goes into the receipt. */
  readonly result?: CborValue
  /** The transaction had no effect, for this reason; the state must be as before. */
  readonly rejected?: string
}

export interface Application<S> {
  init(genesis: Genesis): S
  /** A reason not to take a transaction in, by the state of now. Spares the network nonsense; decides nothing. */
  check?(state: S, transaction: TransactionView): string | undefined
  /** May change the state that it is given and return it. */
  apply(state: S, transaction: AppliedTransaction): Step<S>
  query?(state: S, path: string, data: Uint8Array): CborValue
  /** One form for equal states. Without it the state must itself be a CBOR value. */
  snapshot?(state: S): Uint8Array
  restore?(bytes: Uint8Array): S
  /** 32 bytes that stand for the state; without it the hash of the snapshot, which is dear when the state is large. */
  hash?(state: S): Uint8Array
}

/** What became of one ordered transaction. */
export type Outcome =
  | { readonly kind: 'applied'; readonly result: CborValue | undefined }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'void'; readonly reason: VoidReason }
