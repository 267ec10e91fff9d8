/** Members that approve and endorse, for tests of the roster. */
import { createMembership, type Membership, type MembershipOptions } from '@hearsay/consensus'
import {
  approvalStatement,
  changeHash,
  encodeRosterTransaction,
  handoverStatement,
  keyStatement,
  networkIdOf,
  type Genesis,
  type Member,
  type MemberChange,
} from '@hearsay/dag'
import { genesisOf, seedOf, suite } from '../dag/making.ts'

export interface Parties {
  readonly genesis: Genesis
  readonly networkId: Uint8Array
  readonly options: MembershipOptions
  readonly membership: Membership
  /** The change that would make this member of the newest roster. */
  change(member: Partial<Member> & { readonly id: number }, secretKey?: Uint8Array): MemberChange
  approval(change: MemberChange, memberId: number, secretKey?: Uint8Array): Uint8Array
  endorsement(memberId: number, secretKey?: Uint8Array): Uint8Array
  /** All of `by` approve in one round. */
  agree(change: MemberChange, by: readonly number[], round: number): void
  /** And all of `by` endorse. */
  handOver(by: readonly number[], round: number): void
}

export function createParties(weights: readonly number[], state?: Uint8Array): Parties {
  const plain = genesisOf(weights.length)
  const genesis: Genesis = {
    ...plain,
    members: plain.members.map((member, i) => ({ ...member, weight: weights[i]! })),
  }
  const networkId = networkIdOf(genesis, suite.sha256)
  const options: MembershipOptions = { genesis, networkId, sha256: suite.sha256, verifier: suite, state }
  const membership = createMembership(options)

  function change(wanted: Partial<Member> & { readonly id: number }, secretKey?: Uint8Array): MemberChange {
    const old = membership.latest().members.find(({ id }) => id === wanted.id)
    const publicKey = secretKey === undefined ? old?.publicKey : suite.publicKey(secretKey)
    const member: Member = {
      name: old?.name ?? `m${wanted.id}`,
      weight: old?.weight ?? 1,
      publicKey: publicKey ?? new Uint8Array(32),
      ...wanted,
    }
    const keyProof =
      secretKey === undefined ? new Uint8Array(0) : suite.sign(secretKey, keyStatement(networkId, member))
    return { base: membership.latest().hash, member, keyProof }
  }

  const approval = (of: MemberChange, memberId: number, secretKey = seedOf(memberId)): Uint8Array => {
    const statement = approvalStatement(networkId, changeHash(of, suite.sha256))
    const signature = suite.sign(secretKey, statement)
    return encodeRosterTransaction({ kind: 'approve', change: of, memberId, signature })
  }

  const endorsement = (memberId: number, secretKey = seedOf(memberId)): Uint8Array => {
    const { hash, number } = membership.latest()
    const signature = suite.sign(secretKey, handoverStatement(networkId, hash))
    return encodeRosterTransaction({ kind: 'endorse', number, memberId, signature })
  }

  return {
    genesis,
    networkId,
    options,
    membership,
    change,
    approval,
    endorsement,
    agree: (of, by, round) => by.forEach((id) => void membership.apply(round, id, approval(of, id))),
    handOver: (by, round) => by.forEach((id) => void membership.apply(round, id, endorsement(id))),
  }
}
