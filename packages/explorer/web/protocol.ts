// What the page and its checker say to each other: the checker runs in a thread of its own, so that the picture keeps moving.
import type { Batch, LinkedBatch, ShownMember } from '../src/model/messages.ts'
import type { Mark } from '../src/model/frames.ts'
import type { Opened, Selected } from '../src/view/state.ts'

export interface Source {
  readonly name: string
  readonly url: string
}

export type ToChecker =
  | {
      readonly kind: 'live'
      readonly genesis: unknown
      readonly sources: readonly Source[]
      readonly token: string
    }
  | {
      readonly kind: 'file'
      readonly name: string
      readonly blob?: Blob
      readonly url?: string
      /** Whether a large one is looked at before it is checked. */
      readonly draft: boolean
    }
  /** `reasons`: with what the engine says of it, which costs. */
  | { readonly kind: 'detail'; readonly request: number; readonly index: number; readonly reasons: boolean }
  | { readonly kind: 'prove'; readonly request: number; readonly proof: unknown }

export type Detail = Selected
export type TransactionView = Selected['transactions'][number]

export interface Proved {
  readonly ok: boolean
  readonly reason: string
  readonly signers: readonly string[]
  /** Empty if it proves that nothing stands there. */
  readonly event: string
  readonly index: number
  /** The last round that the members had signed. */
  readonly certifiedRound: number
}

export interface OpenedView extends Opened {
  readonly members: readonly ShownMember[]
  readonly marks: readonly Mark[]
  readonly claims: readonly { readonly node: string; readonly round: number; readonly hash: string }[]
}

export interface SourceState {
  readonly name: string
  readonly cursor: number
  /** How often the stream was broken. */
  readonly breaks: number
  readonly isOpen: boolean
  /** Its journal begins later than the network: nothing can be derived from it alone. */
  readonly isPruned: boolean
}

export type FromChecker =
  | { readonly kind: 'opened'; readonly opened: OpenedView }
  | {
      readonly kind: 'batch'
      readonly batch: Batch
      readonly sources: readonly SourceState[]
      readonly waiting: number
      /** How much of a file is checked, from 0 to 1. */
      readonly share: number
    }
  | { readonly kind: 'draft'; readonly linked: LinkedBatch }
  | { readonly kind: 'drafted'; readonly events: number; readonly tookMs: number }
  | { readonly kind: 'loaded'; readonly events: number; readonly tookMs: number }
  | { readonly kind: 'answer'; readonly request: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly message: string }
