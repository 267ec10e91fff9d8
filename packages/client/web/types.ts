// What a node answers, as far as the client relies on it (the OpenAPI document of a node says the rest).

export type Result = null | boolean | number | string | readonly Result[] | { readonly [key: string]: Result }

/** A transaction that is final. */
export interface Receipt {
  /** `ordered`: it took effect; else it never will. */
  readonly state: 'ordered' | 'certified' | 'rejected' | 'expired' | 'duplicate'
  readonly reason: string | null
  readonly result: Result
  readonly position: number
  readonly round: number
  readonly time: string
  readonly timestamp: number
  readonly event: string
  readonly index: number
}

export interface Pending {
  readonly state: 'pending' | 'gossiped'
  readonly reason: string | null
}

export interface Unknown {
  readonly state: 'unknown'
  readonly reason: null
}

export interface LogTransaction {
  readonly position: number
  readonly round: number
  readonly time: string
  readonly timestamp: number
  readonly creator: string
  readonly event: string
  readonly index: number
  readonly id: string | null
  readonly text: string | null
  readonly hex: string
}

export interface LogPage {
  readonly from: number
  readonly transactions: readonly LogTransaction[]
  readonly next: number
  readonly total: number
}

export interface NodeStatus {
  readonly name: string
  readonly state: string
  readonly reason: string | null
  readonly networkId: string
  readonly round: number
  readonly transactions: number
  readonly [key: string]: unknown
}

/** The node refuses, or nothing could be reached in time: `code` is stable, and says which. */
export class ClientError extends Error {
  readonly code: string
  /** HTTP status, 0 if there was no answer. */
  readonly status: number

  constructor(code: string, message: string, status: number, cause?: unknown) {
    super(message, { cause })
    this.name = 'ClientError'
    this.code = code
    this.status = status
  }
}

/** The time is up and the transaction is not known to be final. It may become so until it expires; submitting it again is safe. */
export class NotFinalError extends ClientError {
  readonly id: string
  /** Submit exactly these bytes again with `resubmit`. */
  readonly sealed: Uint8Array

  constructor(id: string, sealed: Uint8Array, cause: unknown) {
    super('E_NOT_FINAL', `transaction ${id} is not final yet`, 0, cause)
    this.name = 'NotFinalError'
    this.id = id
    this.sealed = sealed
  }
}
