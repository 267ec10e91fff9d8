/** The content of a `roundSignature` record: what a member signed of a round (dag: certificate.ts), and its signature. */
import { decodeCbor, encodeCbor, SIGNATURE_BYTES, type CborValue, type RoundStatement } from '@hearsay/dag'
import { MAX_RECORD_BYTES } from '@hearsay/gossip'

export interface SignedRound extends RoundStatement {
  readonly signature: Uint8Array
}

const isBytes = (value: CborValue | undefined, length: number): value is Uint8Array =>
  value instanceof Uint8Array && value.length === length

export const encodeSignedRound = ({ round, blockHash, stateHash, signature }: SignedRound): Uint8Array =>
  encodeCbor([round, blockHash, stateHash, signature])

/** Undefined if it is not sound. Whether the signature is valid is another question. */
export function decodeSignedRound(content: Uint8Array): SignedRound | undefined {
  const decoded = decodeCbor(content, { maxBytes: MAX_RECORD_BYTES })
  if (!decoded.ok || !Array.isArray(decoded.value) || decoded.value.length !== 4) return undefined
  const [round, blockHash, stateHash, signature] = decoded.value as CborValue[]
  if (typeof round !== 'number' || !Number.isSafeInteger(round) || round < 1) return undefined
  if (!isBytes(blockHash, 32) || !isBytes(stateHash, 32) || !isBytes(signature, SIGNATURE_BYTES))
    return undefined
  return { round, blockHash: blockHash.slice(), stateHash: stateHash.slice(), signature: signature.slice() }
}
