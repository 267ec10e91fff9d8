/**
 * Makes portable proofs (dag: proof-json.ts) from what a node has: blocks, an event, a certificate at or behind the block.
 * The certificate of a later round proves an earlier one through the headers between, as each names the one before.
 */
import { headerOfBlock, proveEntry, type Block } from '@hearsay/consensus'
import {
  headerOf,
  payloadOf,
  proveTransaction,
  SIGNATURE_BYTES,
  toHex,
  type AbsenceProofJson,
  type CertificateJson,
  type DecodedEvent,
  type InclusionProofJson,
  type RosterLink,
  type RosterLinkJson,
  type RoundCertificate,
  type RoundSignature,
  type Sha256,
} from '@hearsay/dag'

/** Headers between a block and its certificate, at most; the verifier takes no more. */
export const MAX_PROOF_LINKS = 1_024

export interface ProofParts {
  readonly networkId: Uint8Array
  readonly sha256: Sha256
  readonly block: Block
  /** The blocks after it, up to the certified one. */
  readonly later: readonly Block[]
  readonly certificate: RoundCertificate
  /** The changes of the roster up to the certified round, from the genesis. */
  readonly rosters?: readonly RosterLink[]
}

const hexes = (list: readonly Uint8Array[]): string[] => list.map((each) => toHex(each))

export function certificateToJson({
  round,
  blockHash,
  stateHash,
  signatures,
}: RoundCertificate): CertificateJson {
  return {
    round,
    blockHash: toHex(blockHash),
    stateHash: toHex(stateHash),
    signatures: signaturesToJson(signatures),
  }
}

const signaturesToJson = (signatures: readonly RoundSignature[]): CertificateJson['signatures'] =>
  signatures.map(({ memberId, signature }) => ({ memberId, signature: toHex(signature) }))

const rosterLinkToJson = ({ fromRound, member, endorsements }: RosterLink): RosterLinkJson => ({
  fromRound,
  member: {
    id: member.id,
    name: member.name,
    publicKey: toHex(member.publicKey),
    weight: member.weight,
  },
  endorsements: signaturesToJson(endorsements),
})

function base(parts: ProofParts, position: number) {
  const { networkId, sha256, block, later, certificate, rosters = [] } = parts
  const headerHex = (each: Block): string => toHex(headerOfBlock(each, networkId, sha256))
  return {
    hearsay: 'proof',
    version: 1,
    networkId: toHex(networkId),
    position,
    header: headerHex(block),
    links: later.map(headerHex),
    certificate: certificateToJson(certificate),
    ...(rosters.length === 0 ? {} : { rosters: rosters.map(rosterLinkToJson) }),
  } as const
}

/** `event` is the one that carries the transaction at that position of the block. */
export function proveInclusion(parts: ProofParts, position: number, event: DecodedEvent): InclusionProofJson {
  const { sha256 } = parts
  const entry = proveEntry(parts.block, position, sha256)
  if (entry === undefined)
    throw new Error(`invariant: position ${position} is not in round ${parts.block.round}`)
  const index = position - entry.position
  const chunk = proveTransaction(sha256, payloadOf(event), index)
  if (chunk === undefined) throw new Error(`invariant: event ${toHex(event.id)} has no transaction ${index}`)
  const header = headerOf(event)
  return {
    ...base(parts, position),
    kind: 'transaction',
    index,
    chunk: {
      bytes: toHex(chunk.chunk),
      firstIndex: chunk.chunkFirstIndex,
      index: chunk.chunkIndex,
      count: chunk.chunkCount,
      path: hexes(chunk.path),
    },
    event: {
      body: toHex(header.subarray(0, header.length - SIGNATURE_BYTES)),
      signature: toHex(header.subarray(header.length - SIGNATURE_BYTES)),
    },
    entry: {
      timestamp: entry.entry.timestamp,
      position: entry.position,
      transactionCount: entry.entry.transactionCount,
      index: entry.index,
      path: hexes(entry.path),
    },
  }
}

/** The block is the certified one, and ends before the position. */
export function proveAbsence(parts: ProofParts, position: number): AbsenceProofJson {
  return { ...base(parts, position), kind: 'absence' }
}
