/**
 * A sealed transaction: one that can be submitted any number of times, to any number of members, and takes effect once. It
 * carries a nonce that no other has and the time after which it must not take effect any more:
 *
 *   offset size  field
 *        0    8  tag 0x00 "hsseal1"
 *        8   16  nonce
 *       24    8  expires: microseconds since the Unix epoch, below 2^53
 *       32    …  body
 *
 * Its id is the SHA-256 of all that, so nobody can spoil a transaction by sending another one under its id. To the ordering
 * these are bytes like any others; what "once" means is decided over the ordered log, by every member alike (once.ts of
 * the node). A transaction that does not begin with the tag is taken as it is, as often as it is ordered.
 */
import { ascii, concatBytes, createByteWriter, equalBytes, readUint64 } from './bytes.ts'
import type { Sha256 } from './crypto.ts'

const TAG = concatBytes(Uint8Array.of(0), ascii('hsseal1'))
const AT_EXPIRES = 24
export const SEAL_BYTES = 32
export const NONCE_BYTES = 16

export interface SealedTransaction {
  readonly nonce: Uint8Array
  /** Consensus time, microseconds, after which it has no effect. */
  readonly expires: number
  readonly body: Uint8Array
}

export function sealTransaction(transaction: SealedTransaction): Uint8Array {
  if (transaction.nonce.length !== NONCE_BYTES) throw new TypeError(`a nonce has ${NONCE_BYTES} bytes`)
  const writer = createByteWriter(SEAL_BYTES + transaction.body.length)
  writer.bytes(TAG)
  writer.bytes(transaction.nonce)
  writer.uint64(transaction.expires)
  writer.bytes(transaction.body)
  return writer.finish()
}

/** What is in a sealed transaction, as views; `undefined` if the bytes are not one. */
export function openSealed(bytes: Uint8Array): SealedTransaction | undefined {
  // Most transactions are not sealed, and this is asked of each.
  if (bytes.length < SEAL_BYTES || bytes[0] !== 0 || !equalBytes(bytes.subarray(0, 8), TAG)) return undefined
  const expires = readUint64(bytes, AT_EXPIRES)
  if (!Number.isSafeInteger(expires)) return undefined
  return { nonce: bytes.subarray(8, AT_EXPIRES), expires, body: bytes.subarray(SEAL_BYTES) }
}

export function transactionId(bytes: Uint8Array, sha256: Sha256): Uint8Array {
  return sha256(bytes)
}
