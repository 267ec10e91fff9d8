/**
 * Reads the header of a block (layout: ledger.ts of consensus), without the package that makes them: a verifier that shares
 * no code with what it verifies cannot share its mistakes.
 */
import { ascii, equalBytes, readUint16, readUint32, readUint48, readUint64, type Sha256 } from '@hearsay/dag'

const DOMAIN = ascii('hearsay.block.1\n')
const AT_JUDGES = 124
const HASH_BYTES = 32

export interface BlockHeader {
  readonly round: number
  readonly previous: Uint8Array
  readonly lastTimestamp: number
  readonly eventCount: number
  readonly firstPosition: number
  readonly transactionCount: number
  /** Merkle root over the events. */
  readonly root: Uint8Array
  readonly hash: Uint8Array
}

/** `undefined` if the bytes are not a header of a block of that network. */
export function readBlockHeader(
  bytes: Uint8Array,
  networkId: Uint8Array,
  sha256: Sha256,
): BlockHeader | undefined {
  if (bytes.length < AT_JUDGES + HASH_BYTES || !equalBytes(bytes.subarray(0, 16), DOMAIN)) return undefined
  if (!equalBytes(bytes.subarray(16, 48), networkId)) return undefined
  const rootAt = AT_JUDGES + HASH_BYTES * readUint16(bytes, 122)
  if (bytes.length !== rootAt + HASH_BYTES) return undefined
  return {
    round: readUint48(bytes, 48),
    previous: bytes.subarray(54, 86),
    lastTimestamp: readUint64(bytes, 92),
    eventCount: readUint32(bytes, 106),
    firstPosition: readUint48(bytes, 110),
    transactionCount: readUint48(bytes, 116),
    root: bytes.subarray(rootAt),
    hash: sha256(bytes),
  }
}
