// Decides what becomes of one submitted transaction: taken in or refused, and how long the answer waits for it to be final.
import { countTransactions, MAX_PAYLOAD_BYTES } from '@hearsay/dag'
import { type PendingJson, receiptToJson } from '../src/api-json.ts'
import type { Receipt, RunningNode, Submission, SubmitRefusal, SubmitResult } from '../src/api-types.ts'
import { type Exchange, oneOf, readBody, sendJson, span } from './exchange.ts'
import { Problem, type ProblemCode } from './problem.ts'

export const refusals: Readonly<Record<SubmitRefusal, ProblemCode>> = {
  'too-large': 'E_TOO_LARGE',
  'pool-full': 'E_POOL_FULL',
  'disk-full': 'E_DISK_FULL',
  stopping: 'E_STOPPING',
  rejected: 'E_REJECTED',
  malformed: 'E_BAD_REQUEST',
}

/** When to answer. */
const MOMENTS = ['ordered', 'certified', 'accepted'] as const

/** POST /v1/tx: the body's bytes are the transaction. */
export async function postTransaction(exchange: Exchange): Promise<void> {
  const { node, query, limits } = exchange
  // Before the body: what is asked for must make sense, or nothing is submitted.
  oneOf(query, 'until', MOMENTS)
  span(query, 'timeout', limits.defaultWaitMs, limits.maxWaitMs)
  const body = await readBody(exchange)
  const key = exchange.request.headers['idempotency-key']
  const transaction = typeof key === 'string' ? exchange.keys.seal(key, body, Date.now()) : body
  const rejected = await node.admit?.(transaction)
  if (rejected !== undefined) throw new Problem('E_REJECTED', rejected)
  return answer(exchange, node.submit(transaction), {})
}

/** POST /v1/tx/batch with bytes: many transactions, each behind its length, ordered together. */
export async function postPacked(exchange: Exchange): Promise<void> {
  const payload = await readBody(exchange, MAX_PAYLOAD_BYTES)
  return answer(exchange, exchange.node.submitPacked(payload), { count: countTransactions(payload) })
}

async function answer(exchange: Exchange, result: SubmitResult, more: { count?: number }): Promise<void> {
  const { node, query, limits, over } = exchange
  const until = oneOf(query, 'until', MOMENTS)
  const waitMs = span(query, 'timeout', limits.defaultWaitMs, limits.maxWaitMs)
  if (!result.ok) {
    const headers = result.reason === 'pool-full' ? { 'Retry-After': '1' } : {}
    throw new Problem(refusals[result.reason], result.message, headers)
  }
  const { submission } = result
  try {
    const untilMs = performance.now() + waitMs
    const final = until === 'accepted' ? undefined : await finalWithin(submission, waitMs, over)
    const receipt =
      final === undefined || until === 'ordered'
        ? final
        : await certifiedWithin(node, final, untilMs - performance.now(), over)
    if (receipt !== undefined) sendJson(exchange, 200, { ...more, ...receiptToJson(receipt) })
    else sendJson(exchange, 202, { ...more, ...pendingJson(submission, node) })
  } finally {
    submission.forget()
  }
}

/** Where a transaction has got to that is not final. */
export function pendingJson(submission: Submission, node: RunningNode): PendingJson {
  const state = submission.state()
  const { reason } = node.status()
  // Ordered in the very moment of giving up: it is on its way to being final, and that is what is said.
  return { state: state === 'ordered' ? 'gossiped' : state, reason: reason ?? null }
}

/** The receipt, `certified` if that comes in time. */
function certifiedWithin(
  node: RunningNode,
  receipt: Receipt,
  waitMs: number,
  over: AbortSignal,
): Promise<Receipt> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (node.certifiedRound() >= receipt.round) settle()
    }
    const settle = (): void => {
      clearTimeout(timer)
      stop()
      over.removeEventListener('abort', settle)
      resolve(node.certifiedRound() < receipt.round ? receipt : { ...receipt, state: 'certified' })
    }
    const timer = setTimeout(settle, waitMs)
    const stop = node.onCertified(look)
    over.addEventListener('abort', settle)
    if (over.aborted) settle()
    else look()
  })
}

/** The receipt, or undefined when the time is up, nobody waits any more, or the node stops. */
function finalWithin(
  submission: Submission,
  waitMs: number,
  over: AbortSignal,
): Promise<Receipt | undefined> {
  return new Promise((resolve) => {
    const giveUp = (): void => settle(undefined)
    const timer = setTimeout(giveUp, waitMs)
    const settle = (receipt: Receipt | undefined): void => {
      clearTimeout(timer)
      over.removeEventListener('abort', giveUp)
      resolve(receipt)
    }
    over.addEventListener('abort', giveUp)
    // It rejects only when the node stops: the transaction has been taken in, so the answer is where it has got to.
    submission.final.then(settle, giveUp)
    if (over.aborted) giveUp()
  })
}
