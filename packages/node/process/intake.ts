/**
 * Takes submitted transactions in: checks what can be checked now, and makes a sealed one, however often it is submitted, one
 * transaction: who submits it again gets the receipt of the first.
 */
import {
  bytesKey,
  countTransactions,
  isPayloadSound,
  MAX_TRANSACTION_BYTES,
  openSealed,
  transactionsOf,
  type Sha256,
} from '@hearsay/dag'
import type { Lookup, OrderedTransaction, Receipt, Submission, SubmitResult } from '../src/api-types.ts'
import type { MemberInput } from '../src/member-types.ts'
import type { ApplicationHost } from './application-host.ts'
import type { Clock } from './clock.ts'
import type { Submissions } from './submissions.ts'

export interface IntakeParts {
  readonly dir: string
  readonly sha256: Sha256
  readonly clock: Clock
  readonly host: ApplicationHost
  readonly submissions: Submissions
  readonly dispatch: (input: MemberInput) => void
  readonly isDiskFull: () => boolean
  readonly isStopping: () => boolean
  readonly read: (position: number) => OrderedTransaction | undefined
}

export interface Intake {
  submit(transaction: Uint8Array): SubmitResult
  submitPacked(payload: Uint8Array): SubmitResult
  lookup(id: Uint8Array): Lookup
  /** The receipt of what is final at a position. */
  receiptAt(position: number): Receipt | undefined
}

export function createIntake(parts: IntakeParts): Intake {
  const { host, submissions } = parts
  /** Sealed transactions that were submitted here and are not final. */
  const pending = new Map<string, Submission>()

  function receiptAt(position: number): Receipt | undefined {
    const found = parts.read(position)
    if (found === undefined) return undefined
    const outcome = host.outcome(position)
    const { round, timestamp, eventId, index } = found
    const where = { position, round, timestamp, eventId, index, latencyMs: 0 }
    return { state: 'ordered', ...where, ...(outcome === undefined ? {} : { outcome }) }
  }

  function refusal(transaction: Uint8Array): Extract<SubmitResult, { ok: false }> | undefined {
    if (parts.isStopping()) return { ok: false, reason: 'stopping', message: 'the node is stopping' }
    if (transaction.length > MAX_TRANSACTION_BYTES) {
      const message = `${transaction.length} bytes; a transaction has at most ${MAX_TRANSACTION_BYTES}`
      return { ok: false, reason: 'too-large', message }
    }
    if (parts.isDiskFull())
      return { ok: false, reason: 'disk-full', message: `no space left for ${parts.dir}` }
    const rejected = host.check(transaction)
    return rejected === undefined ? undefined : { ok: false, reason: 'rejected', message: rejected }
  }

  function submitNew(transaction: Uint8Array, count?: number): SubmitResult {
    const { submission, ticket } = submissions.open(parts.clock.monotonicMs())
    parts.dispatch({ kind: 'submit', ticket, bytes: transaction, ...(count === undefined ? {} : { count }) })
    if (submissions.wasRefused(ticket)) {
      return { ok: false, reason: 'pool-full', message: 'too many transactions wait here; try again shortly' }
    }
    return { ok: true, submission }
  }

  /** Nothing is made of a single transaction here: what the ordering does with it is done for all of them at once. */
  function submitPacked(payload: Uint8Array): SubmitResult {
    const count = countTransactions(payload)
    if (!isPayloadSound(payload, count))
      return { ok: false, reason: 'malformed', message: 'not a list of transactions, each behind its length' }
    const refused = refusal(payload.subarray(0, 0))
    if (refused?.reason === 'stopping' || refused?.reason === 'disk-full') return refused
    if (host.checks) {
      for (const [i, transaction] of transactionsOf(payload).entries()) {
        const message = host.check(transaction)
        if (message !== undefined)
          return { ok: false, reason: 'rejected', message: `transaction ${i}: ${message}` }
      }
    }
    return submitNew(payload, count)
  }

  /** The receipt of a copy is that of the transaction that took effect. */
  function sealedFinal(id: Uint8Array, receipt: Receipt): Receipt {
    if (receipt.outcome?.kind !== 'void' || receipt.outcome.reason !== 'duplicate') return receipt
    const first = host.position(id)
    const found = first === undefined || first === receipt.position ? undefined : receiptAt(first)
    return found === undefined ? receipt : { ...found, latencyMs: receipt.latencyMs }
  }

  function submitSealed(transaction: Uint8Array): SubmitResult {
    const id = parts.sha256(transaction)
    const key = bytesKey(id)
    const here = pending.get(key)
    if (here !== undefined) return { ok: true, submission: here }
    const position = host.position(id)
    const receipt = position === undefined ? undefined : receiptAt(position)
    if (receipt !== undefined) return { ok: true, submission: settled(receipt) }
    const result = submitNew(transaction)
    if (!result.ok) return result
    const final = result.submission.final.then((found) => sealedFinal(id, found))
    const done = (): void => void pending.delete(key)
    final.then(done, done)
    // Others may wait for it as well, so one of them does not make it forgotten.
    const shared: Submission = { ...result.submission, final, forget: () => undefined }
    pending.set(key, shared)
    return { ok: true, submission: shared }
  }

  return {
    receiptAt,
    submitPacked,
    submit: (transaction) =>
      refusal(transaction) ??
      (openSealed(transaction) === undefined ? submitNew(transaction) : submitSealed(transaction)),
    lookup: (id) => {
      const position = host.position(id)
      if (position !== undefined) return { state: 'final', position, outcome: host.outcome(position) }
      const state = pending.get(bytesKey(id))?.state()
      if (state === undefined) return { state: 'unknown' }
      return { state: state === 'pending' ? 'pending' : 'gossiped' }
    },
  }
}

const settled = (receipt: Receipt): Submission => ({
  ticket: 0,
  state: () => 'ordered',
  final: Promise.resolve(receipt),
  forget: () => undefined,
})
