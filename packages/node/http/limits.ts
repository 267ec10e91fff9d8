// Every bound of the API in one table. A client can make the server hold no more than what stands here.
import { MAX_TRANSACTION_BYTES } from '@hearsay/dag'

export interface ApiLimits {
  /** Connections at a time; further ones are closed at once. */
  readonly connections: number
  /** From the first byte of a request to the end of its headers. */
  readonly headersTimeoutMs: number
  readonly headerBytes: number
  /** Between the end of the headers and the end of the body of one transaction. */
  readonly bodyTimeoutMs: number
  /** A batch that sends nothing for so long, although the server waits for it, is ended. */
  readonly batchIdleMs: number
  /** How long an idle connection is kept for the next request. */
  readonly keepAliveMs: number
  readonly transactionBytes: number
  /** A line of a batch: JSON may need six characters for one byte of text. */
  readonly batchLineBytes: number
  /** Lines of one batch that are submitted and not yet answered. */
  readonly batchInFlight: number
  /** Batches and followers at a time. */
  readonly streams: number
  /** How soon a batch tries again when the pool is full and nothing tells that it has room. */
  readonly poolRetryMs: number
  /** Idempotency keys remembered. */
  readonly idempotencyKeys: number
  /** Transactions that a socket may be sent without having given more credit. */
  readonly maxCredit: number
  /** One message from a socket, bytes. */
  readonly socketMessageBytes: number
  /** How often a silent socket or event stream is told that the node is there. */
  readonly heartbeatMs: number
  readonly defaultWaitMs: number
  readonly maxWaitMs: number
  readonly defaultPage: number
  readonly maxPage: number
  /** Transactions read from the ledger at a time when it is streamed. */
  readonly streamPage: number
  /** Bytes of events read from the journal at a time when they are streamed. */
  readonly eventPageBytes: number
  /** How often a follower of the events looks for new ones. */
  readonly eventPollMs: number
  /** Answers are handed to the socket in pieces of about this size. */
  readonly writeBytes: number
  /** After `stop`, requests have so long to end by themselves. */
  readonly stopMs: number
}

export const apiLimits: ApiLimits = {
  connections: 256,
  headersTimeoutMs: 5_000,
  headerBytes: 16_384,
  bodyTimeoutMs: 10_000,
  batchIdleMs: 60_000,
  keepAliveMs: 5_000,
  transactionBytes: MAX_TRANSACTION_BYTES,
  batchLineBytes: 6 * MAX_TRANSACTION_BYTES + 16,
  batchInFlight: 4_096,
  streams: 64,
  poolRetryMs: 50,
  idempotencyKeys: 65_536,
  maxCredit: 1_000_000,
  socketMessageBytes: 131_072,
  heartbeatMs: 5_000,
  defaultWaitMs: 10_000,
  maxWaitMs: 600_000,
  defaultPage: 100,
  maxPage: 1_000,
  streamPage: 256,
  eventPageBytes: 262_144,
  eventPollMs: 100,
  writeBytes: 65_536,
  stopMs: 300,
}
