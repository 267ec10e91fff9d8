/**
 * Verifies a portable proof with nothing but the genesis: no network, no trust in who sent it.
 *
 *   transaction → its chunk → payload commitment in the event's signed body → event's leaf → root in the block's header →
 *   block hash, named by the next block … → the block that members of more than two thirds of the weight signed, by the roster of its
 *   round → the rosters before it, each of which handed over to the next → the genesis
 *
 * Every field that is believed is covered by one of these hashes; a proof is read strictly, so two different texts never
 * prove the same thing by accident. Errors are reasons from a closed list, never exceptions.
 */
import {
  certificateFault,
  createByteWriter,
  createPortableSuite,
  equalBytes,
  followRosters,
  fromHex,
  genesisFromJson,
  hashLeaf,
  networkIdOf,
  openSealed,
  readUint16,
  readUint32,
  readUint48,
  rulingRoster,
  toHex,
  transactionId,
  verifyMerklePath,
  verifyTransaction,
  type CertificateFault,
  type CertificateJson,
  type Genesis,
  type InclusionProofJson,
  type Member,
  type NumberedRoster,
  type ProofJson,
  type RosterLink,
  type RoundCertificate,
  type RoundSignature,
  type Sha256,
  type SignatureVerifier,
} from '@hearsay/dag'
import { readBlockHeader, type BlockHeader } from './block-header.ts'

export type { CertificateJson, Genesis, InclusionProofJson, ProofJson }
export { genesisFromJson }

/** Why a proof proves nothing. */
export type ProofFault =
  | 'malformed'
  | 'other-network'
  | 'header'
  | 'links'
  | 'certificate-other-block'
  | 'rosters'
  | CertificateFault
  | 'position'
  | 'entry'
  | 'event'
  | 'event-stranger'
  | 'event-signature'
  | 'chunk'

/** What has been proved. */
export interface Proved {
  readonly kind: 'transaction' | 'absence'
  readonly networkId: string
  readonly position: number
  /** Round of the block that holds it; of an absence, the certified round. */
  readonly round: number
  readonly certifiedRound: number
  /** Names of the members that signed. */
  readonly signers: readonly string[]
  /** Of the application after the certified round; zeros without one. */
  readonly stateHash: string
}

export interface ProvedTransaction extends Proved {
  readonly kind: 'transaction'
  /** Consensus time, microseconds since the Unix epoch. */
  readonly timestamp: number
  /** Name of the member whose event carries it. */
  readonly creator: string
  readonly event: string
  readonly index: number
  /** Without the seal, if it has one. */
  readonly bytes: Uint8Array
  /** Id of a sealed transaction, else undefined. That it took effect there is a matter of all that was before. */
  readonly id: string | undefined
}

export interface ProvedAbsence extends Proved {
  readonly kind: 'absence'
}

export type Verdict =
  | { readonly ok: true; readonly proved: ProvedTransaction | ProvedAbsence }
  | { readonly ok: false; readonly reason: ProofFault }

export interface VerifySuite extends SignatureVerifier {
  readonly sha256: Sha256
}

/** Headers between a block and the certified one, at most. */
export const MAX_LINKS = 1_024
/** As many as a roster has members. */
const MAX_SIGNATURES = 128
const MAX_PATH = 48
/** Changes of a roster, ever. */
const MAX_ROSTER_LINKS = 4_096
const AT_NETWORK = 16
const AT_CREATOR = 50
const AT_BIRTH_ROUND = 60
const AT_TRANSACTION_COUNT = 94
const AT_PAYLOAD_ROOT = 98
const AT_PARENTS = 130
const BODY_BYTES = 132
const REFERENCE_BYTES = 42
const EVENT_DOMAIN = 'hearsay.event.1\n'

const refused = (reason: ProofFault): { ok: false; reason: ProofFault } => ({ ok: false, reason })

type Json = Readonly<Record<string, unknown>>
const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** Lower-case digits only: one text for the same bytes. */
const bytesFrom = (value: unknown): Uint8Array | undefined =>
  typeof value === 'string' && /^[0-9a-f]*$/.test(value) ? fromHex(value) : undefined

function listFrom(value: unknown, limit: number): Uint8Array[] | undefined {
  if (!Array.isArray(value) || value.length > limit) return undefined
  const list = value.map(bytesFrom)
  return list.every((each) => each !== undefined) ? (list as Uint8Array[]) : undefined
}

function signaturesFrom(value: unknown): RoundSignature[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_SIGNATURES) return undefined
  const signatures: RoundSignature[] = []
  for (const each of value as unknown[]) {
    const signature = isRecord(each) ? bytesFrom(each['signature']) : undefined
    if (!isRecord(each) || signature === undefined || !isCount(each['memberId'])) return undefined
    signatures.push({ memberId: each['memberId'], signature })
  }
  return signatures
}

function certificateFrom(value: unknown): RoundCertificate | undefined {
  if (!isRecord(value) || !isCount(value['round'])) return undefined
  const blockHash = bytesFrom(value['blockHash'])
  const stateHash = bytesFrom(value['stateHash'])
  const signatures = signaturesFrom(value['signatures'])
  if (blockHash === undefined || stateHash === undefined || signatures === undefined) return undefined
  return { round: value['round'], blockHash, stateHash, signatures }
}

function rosterLinkFrom(value: unknown): RosterLink | undefined {
  if (!isRecord(value) || !isRecord(value['member'])) return undefined
  const { fromRound } = value
  const { id, name, weight } = value['member']
  const publicKey = bytesFrom(value['member']['publicKey'])
  const endorsements = signaturesFrom(value['endorsements'])
  if (!isRound(fromRound) || !isCount(id) || id > 0xffff_ffff || !isCount(weight)) return undefined
  if (typeof name !== 'string' || !/^[a-z0-9-]{1,32}$/.test(name)) return undefined
  if (publicKey?.length !== 32 || endorsements === undefined) return undefined
  return { fromRound, member: { id, name, publicKey, weight }, endorsements }
}

const isRound = (value: unknown): value is number => isCount(value) && value <= 0xffff_ffff_ffff

/** The rosters from the genesis to the one that rules the certified round, each handed over to by the one before. */
function rostersFrom(
  value: unknown,
  genesis: Genesis,
  networkId: Uint8Array,
  certifiedRound: number,
  suite: VerifySuite,
): readonly NumberedRoster[] | ProofFault {
  const list = value === undefined ? [] : value
  if (!Array.isArray(list) || list.length > MAX_ROSTER_LINKS) return 'malformed'
  // Left out if there are none: one text for the same proof.
  if (value !== undefined && list.length === 0) return 'malformed'
  const links = list.map(rosterLinkFrom)
  if (!links.every((link) => link !== undefined)) return 'malformed'
  const rosters = followRosters(genesis, networkId, links, suite)
  return rosters === undefined || rosters.at(-1)!.fromRound > certifiedRound ? 'rosters' : rosters
}

interface Chain {
  readonly header: BlockHeader
  /** The header whose hash was signed: the first one if there are no links. */
  readonly last: BlockHeader
}

/** The block that the proof is about, and the certified one at the end of the links. */
function readChain(proof: Json, networkId: Uint8Array, sha256: Sha256): Chain | ProofFault {
  const bytes = bytesFrom(proof['header'])
  const links = listFrom(proof['links'], MAX_LINKS)
  if (bytes === undefined || links === undefined) return 'malformed'
  const header = readBlockHeader(bytes, networkId, sha256)
  if (header === undefined) return 'header'
  let last = header
  for (const link of links) {
    const next = readBlockHeader(link, networkId, sha256)
    if (next === undefined || next.round !== last.round + 1 || !equalBytes(next.previous, last.hash))
      return 'links'
    last = next
  }
  return { header, last }
}

/** Verifies a proof (parsed JSON) against the genesis of the network that one trusts. */
export function verifyProof(
  proof: unknown,
  genesis: Genesis,
  suite: VerifySuite = createPortableSuite(),
): Verdict {
  const { sha256 } = suite
  if (
    !isRecord(proof) ||
    proof['hearsay'] !== 'proof' ||
    proof['version'] !== 1 ||
    !isCount(proof['position'])
  )
    return refused('malformed')
  const networkId = networkIdOf(genesis, sha256)
  if (proof['networkId'] !== toHex(networkId)) return refused('other-network')
  const chain = readChain(proof, networkId, sha256)
  if (typeof chain === 'string') return refused(chain)
  const certificate = certificateFrom(proof['certificate'])
  if (certificate === undefined) return refused('malformed')
  const { header, last } = chain
  if (certificate.round !== last.round || !equalBytes(certificate.blockHash, last.hash))
    return refused('certificate-other-block')
  const rosters = rostersFrom(proof['rosters'], genesis, networkId, last.round, suite)
  if (typeof rosters === 'string') return refused(rosters)
  const { members } = rosters.at(-1)!
  const fault = certificateFault(certificate, networkId, members, suite)
  if (fault !== undefined) return refused(fault)
  const proved = {
    networkId: toHex(networkId),
    position: proof['position'],
    round: header.round,
    certifiedRound: last.round,
    signers: certificate.signatures.map(({ memberId }) => nameOf(members, memberId)),
    stateHash: toHex(certificate.stateHash),
  }
  if (proof['kind'] === 'absence') {
    if (chain.header !== chain.last) return refused('links')
    const end = header.firstPosition + header.transactionCount
    return proved.position >= end ? { ok: true, proved: { kind: 'absence', ...proved } } : refused('position')
  }
  if (proof['kind'] !== 'transaction') return refused('malformed')
  const found = verifyInclusion(proof, header, rosters, networkId, suite)
  return typeof found === 'string'
    ? refused(found)
    : { ok: true, proved: { kind: 'transaction', ...proved, ...found } }
}

const nameOf = (members: readonly Member[], memberId: number): string =>
  members.find(({ id }) => id === memberId)?.name ?? String(memberId)

type Found = Omit<ProvedTransaction, keyof Proved>

function verifyInclusion(
  proof: Json,
  header: BlockHeader,
  rosters: readonly NumberedRoster[],
  networkId: Uint8Array,
  suite: VerifySuite,
): Found | ProofFault {
  const { sha256 } = suite
  const { index, event, entry } = proof
  if (!isCount(index) || !isRecord(event) || !isRecord(entry)) return 'malformed'
  const body = bytesFrom(event['body'])
  const signature = bytesFrom(event['signature'])
  if (body === undefined || signature === undefined) return 'malformed'
  if (!isBody(body, networkId)) return 'event'
  const { members } = rulingRoster(rosters, readUint48(body, AT_BIRTH_ROUND))
  const member = members.find(({ id }) => id === readUint32(body, AT_CREATOR))
  if (member === undefined) return 'event-stranger'
  if (!suite.verify(member.publicKey, body, signature)) return 'event-signature'
  const id = sha256(body)
  const place = verifyEntry(entry, id, body, header, sha256)
  if (typeof place === 'string') return place
  const position = proof['position'] as number
  if (index >= place.transactionCount || position !== place.position + index) return 'position'
  const whole = verifyChunk(proof['chunk'], index, body, sha256)
  if (typeof whole === 'string') return whole
  const sealed = openSealed(whole)
  return {
    timestamp: place.timestamp + index,
    creator: member.name,
    event: toHex(id),
    index,
    bytes: sealed?.body ?? whole,
    id: sealed === undefined ? undefined : toHex(transactionId(whole, sha256)),
  }
}

/** The body of an event of that network, whole. */
function isBody(body: Uint8Array, networkId: Uint8Array): boolean {
  if (body.length < BODY_BYTES) return false
  for (let i = 0; i < AT_NETWORK; i++) if (body[i] !== EVENT_DOMAIN.charCodeAt(i)) return false
  if (!equalBytes(body.subarray(AT_NETWORK, 48), networkId) || readUint16(body, 48) !== 1) return false
  return body.length === BODY_BYTES + REFERENCE_BYTES * (body[AT_PARENTS]! + body[AT_PARENTS + 1]!)
}

interface Place {
  readonly timestamp: number
  readonly position: number
  readonly transactionCount: number
}

/** That the event stands in the block, with that time and place. */
function verifyEntry(
  entry: Json,
  id: Uint8Array,
  body: Uint8Array,
  header: BlockHeader,
  sha256: Sha256,
): Place | ProofFault {
  const { timestamp, position, transactionCount, index } = entry
  const path = listFrom(entry['path'], MAX_PATH)
  if (!isCount(timestamp) || !isCount(position) || !isCount(transactionCount) || !isCount(index))
    return 'malformed'
  if (path === undefined || transactionCount > 0xffff_ffff || position > 0xffff_ffff_ffff) return 'malformed'
  if (transactionCount !== readUint32(body, AT_TRANSACTION_COUNT)) return 'entry'
  if (
    position < header.firstPosition ||
    position + transactionCount > header.firstPosition + header.transactionCount
  )
    return 'entry'
  const writer = createByteWriter(18)
  writer.uint64(timestamp)
  writer.uint48(position)
  writer.uint32(transactionCount)
  const leaf = hashLeaf(sha256, id, writer.finish())
  if (!verifyMerklePath(sha256, leaf, index, header.eventCount, path, header.root)) return 'entry'
  return { timestamp, position, transactionCount }
}

/** The transaction that the chunk shows under the event's payload commitment. */
function verifyChunk(
  value: unknown,
  index: number,
  body: Uint8Array,
  sha256: Sha256,
): Uint8Array | ProofFault {
  if (!isRecord(value)) return 'malformed'
  const { firstIndex, index: chunkIndex, count } = value
  const chunk = bytesFrom(value['bytes'])
  const path = listFrom(value['path'], MAX_PATH)
  if (chunk === undefined || path === undefined) return 'malformed'
  if (!isCount(firstIndex) || !isCount(chunkIndex) || !isCount(count) || firstIndex > 0xffff_ffff)
    return 'malformed'
  const root = body.subarray(AT_PAYLOAD_ROOT, AT_PARENTS)
  const shown = { index, chunk, chunkFirstIndex: firstIndex, chunkIndex, chunkCount: count, path }
  return verifyTransaction(sha256, shown, root) ?? 'chunk'
}
