/**
 * Decides the shapes in which the HTTP API speaks JSON: what a server sends and a client may rely on. Bytes are lower-case
 * hexadecimal; `time` is for people, `timestamp` (integer microseconds since the Unix epoch) for programs; what is not known
 * is null, so that every key is always there.
 */
import { toHex, type CborValue } from '@hearsay/dag'
import type { NodeStatus, OrderedTransaction, Receipt, SubmitRefusal, TransactionState } from './api-types.ts'

/** What the application says, in JSON: bytes are `{"hex": …}`, maps with text keys are objects, others lists of pairs. */
export type ResultJson =
  null | boolean | number | string | readonly ResultJson[] | { readonly [key: string]: ResultJson }

/** A transaction that is final. */
export interface ReceiptJson {
  /**
   * `certified`: ordered, and signed by members of more than two thirds of the weight, so a proof can be had;
   * `rejected`: it has its place and no effect, by the application's word or because of its seal; `expired`: it came too
   * late for its seal; `duplicate`: it took effect before, and where is forgotten.
   */
  readonly state: 'ordered' | 'certified' | 'rejected' | 'expired' | 'duplicate'
  /** Why it has no effect; null if it has. */
  readonly reason: string | null
  readonly result: ResultJson
  readonly position: number
  readonly round: number
  readonly time: string
  readonly timestamp: number
  /** Id of the event that carries it. */
  readonly event: string
  /** Its place in that event. */
  readonly index: number
  readonly latencyMs: number
}

/** A transaction that is taken in and not final yet. */
export interface PendingJson {
  readonly state: Exclude<TransactionState, 'ordered'>
  /** Why it takes so long, when the node knows. */
  readonly reason: string | null
}

/** The receipt of the first of `count` transactions that were submitted together and stand one after the other. */
export type PackedJson = { readonly count: number } & (ReceiptJson | PendingJson)

/** What is known of a transaction by its id. `unknown`: never seen here, or forgotten. */
export type KnownJson = ReceiptJson | PendingJson | { readonly state: 'unknown'; readonly reason: null }

/** A transaction that was not taken in: it is not submitted. */
export interface RefusedJson {
  readonly state: 'refused'
  readonly reason: SubmitRefusal
  readonly message: string
}

export type SubmittedJson = ReceiptJson | PendingJson | RefusedJson

/** One line of the answer to a batch; lines count from 1. */
export type BatchLineJson = { readonly line: number } & SubmittedJson

export interface TransactionJson {
  readonly position: number
  readonly round: number
  readonly time: string
  readonly timestamp: number
  /** Name of the member whose event carries it. */
  readonly creator: string
  readonly event: string
  readonly index: number
  /** Id of a sealed transaction, whose bytes are given without the seal; else null. */
  readonly id: string | null
  /** The bytes as text if they are valid UTF-8, else null; `hex` always holds all of them. */
  readonly text: string | null
  readonly hex: string
}

export interface LogPageJson {
  readonly from: number
  readonly transactions: readonly TransactionJson[]
  /** Where the next page begins. */
  readonly next: number
  /** Transactions in the whole ledger when the page was made. */
  readonly total: number
}

/** `NodeStatus` with bytes as text. */
export type StatusJson = {
  readonly [
    K in Exclude<
      keyof NodeStatus,
      'networkId' | 'ledgerHash' | 'reason' | 'finalityP50Ms' | 'finalityP99Ms' | 'peers'
    >
  ]: NodeStatus[K]
} & {
  readonly networkId: string
  readonly ledgerHash: string
  readonly reason: string | null
  /** `lastTimestamp` for people; null as long as nothing is ordered. */
  readonly lastTime: string | null
  readonly finalityP50Ms: number | null
  readonly finalityP99Ms: number | null
  readonly peers: readonly {
    readonly memberId: number
    readonly name: string
    readonly weight: number
    readonly connected: boolean
    readonly decidedRound: number | null
    readonly hasBranched: boolean
  }[]
}

/** An error answer (RFC 9457, application/problem+json). */
export interface ProblemJson {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  /** Stable; programs branch on it. */
  readonly code: string
}

/** What a client says over a socket. */
export type SocketRequest =
  /** `from` is a position, `round:N` or `end`; `credit` how many transactions the client will take. */
  | { readonly type: 'subscribe'; readonly from?: number | string; readonly credit?: number }
  | { readonly type: 'credit'; readonly credit: number }
  | { readonly type: 'submit'; readonly id: number; readonly text?: string; readonly hex?: string }

/** What a node says over a socket. */
export type SocketMessage =
  | ({ readonly type: 'transaction' } & TransactionJson)
  | ({ readonly type: 'receipt'; readonly id: number } & (ReceiptJson | PendingJson))
  | ({ readonly type: 'refused'; readonly id: number } & Omit<ProblemJson, 'type'>)
  | ({ readonly type: 'problem' } & Omit<ProblemJson, 'type'>)
  /** How far the ledger is, and the position that is sent next; null before `subscribe`. */
  | { readonly type: 'heartbeat'; readonly head: number; readonly next: number | null }

const MICROS_A_DAY = 86_400_000_000

const padded = (value: number, width: number): string => value.toString().padStart(width, '0')

/** Microseconds since the Unix epoch as ISO 8601 in UTC with all six digits. Not negative. */
export function formatTime(timestamp: number): string {
  const days = Math.floor(timestamp / MICROS_A_DAY)
  const micros = timestamp - days * MICROS_A_DAY
  const seconds = Math.floor(micros / 1_000_000)
  // Days to a date of the Gregorian calendar, counted in eras of 400 years that begin on 1 March, so that the leap day is the
  // last day of a year (H. Hinnant, "chrono-compatible low-level date algorithms", civil_from_days).
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
  const year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
  const clock = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
  const hms = clock.map((part) => padded(part, 2)).join(':')
  return `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}T${hms}.${padded(micros % 1_000_000, 6)}Z`
}

export function resultToJson(value: CborValue | undefined): ResultJson {
  if (value === undefined) return null
  if (value instanceof Uint8Array) return { hex: toHex(value) }
  if (Array.isArray(value)) return value.map((each: CborValue) => resultToJson(each))
  if (!(value instanceof Map)) return value as ResultJson
  const pairs = [...(value as ReadonlyMap<number | string, CborValue>)].map(
    ([key, each]): [number | string, ResultJson] => [key, resultToJson(each)],
  )
  if (pairs.some(([key]) => typeof key === 'number')) return pairs
  return Object.fromEntries(pairs) as { [key: string]: ResultJson }
}

function stateOf({ state, outcome }: Receipt): Pick<ReceiptJson, 'state' | 'reason' | 'result'> {
  if (outcome === undefined) return { state, reason: null, result: null }
  if (outcome.kind === 'applied') return { state, reason: null, result: resultToJson(outcome.result) }
  const { reason } = outcome
  if (reason === 'expired' || reason === 'duplicate') return { state: reason, reason, result: null }
  return { state: 'rejected', reason, result: null }
}

export function receiptToJson(receipt: Receipt): ReceiptJson {
  return {
    ...stateOf(receipt),
    position: receipt.position,
    round: receipt.round,
    time: formatTime(receipt.timestamp),
    timestamp: receipt.timestamp,
    event: toHex(receipt.eventId),
    index: receipt.index,
    latencyMs: Math.round(receipt.latencyMs * 1_000) / 1_000,
  }
}

/** `text` is the transaction's bytes as UTF-8, or null: whoever reads from the outside has a decoder, this room has none. */
export function transactionToJson(
  transaction: OrderedTransaction,
  text: string | null,
  id: string | null,
): TransactionJson {
  return {
    position: transaction.position,
    round: transaction.round,
    time: formatTime(transaction.timestamp),
    timestamp: transaction.timestamp,
    creator: transaction.creatorName,
    event: toHex(transaction.eventId),
    index: transaction.index,
    id,
    text,
    hex: toHex(transaction.bytes),
  }
}

export function statusToJson(status: NodeStatus): StatusJson {
  return {
    ...status,
    networkId: toHex(status.networkId),
    ledgerHash: toHex(status.ledgerHash),
    reason: status.reason ?? null,
    lastTime: status.transactions === 0 ? null : formatTime(status.lastTimestamp),
    finalityP50Ms: status.finalityP50Ms ?? null,
    finalityP99Ms: status.finalityP99Ms ?? null,
    peers: status.peers.map((peer) => ({ ...peer, decidedRound: peer.decidedRound ?? null })),
  }
}
