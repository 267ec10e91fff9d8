/**
 * The certificate of a round: signatures of members of more than two thirds of the weight over what they all computed for
 * it, so that whoever holds the roster can believe a block without following the network.
 *
 * What a member signs, big-endian:
 *
 *   offset size  field
 *        0   16  domain tag "hearsay.round.1\n"
 *       16   32  network id
 *       48    6  round
 *       54   32  hash of the round's block, which names the block before it
 *       86   32  hash of the state after the round: what is remembered of sealed transactions, and the application's (node: state-machine.ts)
 *
 * The block hash chains the rounds, so the certificate of one round stands for the whole ledger up to it.
 */
import { ascii, createByteWriter } from './bytes.ts'
import { decodeCbor, encodeCbor, type CborValue } from './cbor.ts'
import type { SignatureVerifier } from './crypto.ts'
import { isSupermajority, type Member } from './roster.ts'

const DOMAIN = ascii('hearsay.round.1\n')

/** A certificate of 128 signatures takes about 9 KiB. */
export const MAX_CERTIFICATE_BYTES: number = 16 * 1024

/** What is said of a round. */
export interface RoundStatement {
  readonly round: number
  readonly blockHash: Uint8Array
  readonly stateHash: Uint8Array
}

export interface RoundSignature {
  readonly memberId: number
  readonly signature: Uint8Array
}

export interface RoundCertificate extends RoundStatement {
  /** By ascending member id, each once. */
  readonly signatures: readonly RoundSignature[]
}

/** The bytes that a member signs. */
export function roundStatement(statement: RoundStatement, networkId: Uint8Array): Uint8Array {
  const writer = createByteWriter(118)
  writer.bytes(DOMAIN)
  writer.bytes(networkId)
  writer.uint48(statement.round)
  writer.bytes(statement.blockHash)
  writer.bytes(statement.stateHash)
  return writer.finish()
}

/** CBOR [round, block hash, state hash, [[member id, signature], …]]. */
export const encodeCertificate = ({
  round,
  blockHash,
  stateHash,
  signatures,
}: RoundCertificate): Uint8Array =>
  encodeCbor([
    round,
    blockHash,
    stateHash,
    signatures.map(({ memberId, signature }): CborValue => [memberId, signature]),
  ])

/** Undefined if the bytes are not in this form; `certificateFault` says what it is worth. */
export function decodeCertificate(bytes: Uint8Array): RoundCertificate | undefined {
  const decoded = decodeCbor(bytes, { maxBytes: MAX_CERTIFICATE_BYTES })
  if (!decoded.ok || !Array.isArray(decoded.value) || decoded.value.length !== 4) return undefined
  const [round, blockHash, stateHash, list] = decoded.value as CborValue[]
  if (typeof round !== 'number' || !(blockHash instanceof Uint8Array) || !(stateHash instanceof Uint8Array))
    return undefined
  if (!Array.isArray(list)) return undefined
  const signatures: RoundSignature[] = []
  for (const pair of list as CborValue[]) {
    if (!Array.isArray(pair) || pair.length !== 2) return undefined
    const [memberId, signature] = pair as CborValue[]
    if (typeof memberId !== 'number' || !(signature instanceof Uint8Array)) return undefined
    signatures.push({ memberId, signature })
  }
  return { round, blockHash, stateHash, signatures }
}

/** Why a certificate is none. */
export type CertificateFault =
  'certificate-malformed' | 'certificate-stranger' | 'certificate-signature' | 'certificate-weight'

/** Checks every signature; undefined if members of more than two thirds of the roster's weight have signed. */
export function certificateFault(
  certificate: RoundCertificate,
  networkId: Uint8Array,
  members: readonly Member[],
  verifier: SignatureVerifier,
): CertificateFault | undefined {
  const { round, blockHash, stateHash, signatures } = certificate
  if (!Number.isSafeInteger(round) || round < 1 || blockHash.length !== 32 || stateHash.length !== 32)
    return 'certificate-malformed'
  return signaturesFault(signatures, roundStatement(certificate, networkId), members, verifier)
}

/** The same for whatever members of a roster sign. */
export function signaturesFault(
  signatures: readonly RoundSignature[],
  message: Uint8Array,
  members: readonly Member[],
  verifier: SignatureVerifier,
): CertificateFault | undefined {
  const total = members.reduce((sum, member) => sum + member.weight, 0)
  let weight = 0
  let last = -1
  for (const { memberId, signature } of signatures) {
    // Ascending, so nobody counts twice.
    if (memberId <= last) return 'certificate-malformed'
    last = memberId
    const member = members.find((each) => each.id === memberId)
    if (member === undefined) return 'certificate-stranger'
    if (!verifier.verify(member.publicKey, message, signature)) return 'certificate-signature'
    weight += member.weight
  }
  return isSupermajority(weight, total) ? undefined : 'certificate-weight'
}
