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
 *       86   32  hash of the application's state after the round; zeros without an application
 *
 * The block hash chains the rounds, so the certificate of one round stands for the whole ledger up to it.
 */
import { ascii, createByteWriter } from './bytes.ts'
import type { SignatureVerifier } from './crypto.ts'
import { isSupermajority, type Member } from './roster.ts'

const DOMAIN = ascii('hearsay.round.1\n')

/** What is said of a round. */
export interface RoundStatement {
  readonly round: number
  readonly blockHash: Uint8Array
  /** 32 zeros without an application. */
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
  const message = roundStatement(certificate, networkId)
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
