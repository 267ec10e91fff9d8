// Decides what an Idempotency-Key means at one node: the same key with the same bytes is the same transaction, for as long as the
// key is remembered; with other bytes it is refused. The node seals the transaction, so a repetition takes effect once even if both
// copies are ordered. Across nodes and restarts a client seals by itself (`@hearsay/client` does).
import { createHash } from 'node:crypto'
import { sealTransaction } from '@hearsay/dag'
import { Problem } from './problem.ts'

/** A transaction with a key is valid for so long. */
const LIFETIME_MICROS = 300_000_000
const MAX_KEY = 256

export interface KeyTable {
  /** The transaction to submit. */
  seal(key: string, body: Uint8Array, nowMs: number): Uint8Array
}

export function createKeyTable(capacity: number): KeyTable {
  const sealed = new Map<string, Uint8Array>()
  return {
    seal(key, body, nowMs) {
      if (key.length > MAX_KEY)
        throw new Problem('E_BAD_REQUEST', `an Idempotency-Key has at most ${MAX_KEY} characters`)
      const known = sealed.get(key)
      if (known !== undefined) {
        if (Buffer.compare(known.subarray(32), body) === 0) return known
        throw new Problem(
          'E_OTHER_BYTES',
          `the Idempotency-Key ${JSON.stringify(key)} stands for other bytes`,
        )
      }
      const nonce = createHash('sha256').update(key).digest().subarray(0, 16)
      const transaction = sealTransaction({ nonce, expires: nowMs * 1_000 + LIFETIME_MICROS, body })
      sealed.set(key, transaction)
      if (sealed.size > capacity) {
        for (const oldest of sealed.keys()) {
          sealed.delete(oldest)
          break
        }
      }
      return transaction
    },
  }
}
