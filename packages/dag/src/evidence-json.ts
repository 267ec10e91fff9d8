/**
 * Evidence against members that have branched, as a file that anybody who holds the genesis can check: for each member two
 * headers that it has signed, of different events with the same number (event.ts, `BranchProof`). One entry that proves nothing, or
 * something else than it says, and nothing of the file is believed.
 */
import { fromHex, toHex } from './bytes.ts'
import type { CryptoSuite } from './crypto.ts'
import { verifyBranchProof, type BranchProof } from './event.ts'
import { peekEvent } from './event-layout.ts'
import { networkIdOf, type Genesis } from './roster.ts'

export interface ProvedBranch {
  readonly memberId: number
  readonly name: string
  readonly sequence: number
}

export type EvidenceVerdict =
  | { readonly ok: true; readonly branches: readonly ProvedBranch[] }
  | { readonly ok: false; readonly reason: string }

/** Of the proofs of one network, as an object to write out. */
export function evidenceToJson(
  proofs: readonly BranchProof[],
  genesis: Genesis,
  networkId: Uint8Array,
): object {
  return {
    hearsay: 'evidence',
    version: 1,
    networkId: toHex(networkId),
    evidence: proofs.map(({ first, second }) => {
      const { creator, sequence } = peekEvent(first)
      const name = genesis.members.find(({ id }) => id === creator)?.name ?? ''
      return { memberId: creator, name, sequence, first: toHex(first), second: toHex(second) }
    }),
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const bytesFrom = (value: unknown): Uint8Array | undefined =>
  typeof value === 'string' ? fromHex(value) : undefined

/** The branch that an entry proves, or why it proves none. */
function provedBy(
  entry: unknown,
  genesis: Genesis,
  networkId: Uint8Array,
  suite: CryptoSuite,
): ProvedBranch | string {
  if (!isRecord(entry)) return 'not an entry'
  const first = bytesFrom(entry['first'])
  const second = bytesFrom(entry['second'])
  if (first === undefined || second === undefined) return 'needs first and second, in hexadecimal'
  const keyOf = (id: number): Uint8Array | undefined =>
    genesis.members.find((each) => each.id === id)?.publicKey
  const creator = verifyBranchProof({ first, second }, networkId, keyOf, suite)
  const member = genesis.members.find(({ id }) => id === creator)
  if (member === undefined)
    return 'not two different events with one number, both signed by the same member of this network'
  const { sequence } = peekEvent(first)
  if (entry['memberId'] !== member.id || entry['name'] !== member.name || entry['sequence'] !== sequence)
    return `it is about event ${sequence} of ${member.name} (${member.id}), which is not what it says`
  return { memberId: member.id, name: member.name, sequence }
}

/** Needs nothing but the genesis. */
export function verifyEvidence(json: unknown, genesis: Genesis, suite: CryptoSuite): EvidenceVerdict {
  const networkId = networkIdOf(genesis, suite.sha256)
  if (!isRecord(json) || json['hearsay'] !== 'evidence') return { ok: false, reason: 'not Hearsay evidence' }
  if (json['version'] !== 1)
    return { ok: false, reason: `version ${String(json['version'])} is not known; this is 1` }
  if (json['networkId'] !== toHex(networkId)) return { ok: false, reason: 'it is about another network' }
  const entries: unknown = json['evidence']
  if (!Array.isArray(entries) || entries.length === 0) return { ok: false, reason: 'it has no entries' }
  if (entries.length > genesis.members.length)
    return { ok: false, reason: 'it has more entries than the network has members' }
  const branches: ProvedBranch[] = []
  for (const [i, entry] of (entries as unknown[]).entries()) {
    const proved = provedBy(entry, genesis, networkId, suite)
    if (typeof proved === 'string') return { ok: false, reason: `entry ${i}: ${proved}` }
    if (branches.some(({ memberId }) => memberId === proved.memberId))
      return { ok: false, reason: `entry ${i}: ${proved.name} is there twice` }
    branches.push(proved)
  }
  return { ok: true, branches }
}
