/**
 * Who the members are, as the ordered log decides it: a function of the genesis and of what was ordered, so all members come to the
 * same rosters, each ruling from the same round on (spec section 1; what may change at once and why: dag, roster-change.ts).
 *
 * 1. A member approves a change of the newest roster; the first approval proposes it. Members of more than two thirds of that roster's
 *    weight make it **agreed**: in the round r in which the last of these approvals is ordered. It rules from round
 *    r + roundsNonAncient on, so whoever is not so far behind that all its events are ancient has heard of it before.
 * 2. Members of the roster before **endorse** the new one, its first round included: more than two thirds of the old weight hand over. That is
 *    what somebody who holds only the genesis can check, and it comes from the log as well, so all keep the same.
 * 3. Until the new roster rules and is handed over, no further change is looked at; and each names the roster that it changes by its hash.
 *    So there is one change at a time, of two proposals one is agreed and the other void, and no approval counts twice, later, elsewhere, or
 *    for a member that is no longer in the roster.
 */
import {
  approvalStatement,
  bytesKey,
  changeFault,
  changeHash,
  createByteWriter,
  decodeCbor,
  decodeRosterTransaction,
  encodeCbor,
  equalBytes,
  genesisRoster,
  handoverStatement,
  isSupermajority,
  nextRoster,
  readUint32,
  totalWeight,
  type CborValue,
  type ChangeFault,
  type Genesis,
  type Member,
  type MemberChange,
  type NumberedRoster,
  type RosterTransaction,
  type RoundSignature,
  type Sha256,
  type SignatureVerifier,
} from '@hearsay/dag'

/** Changes of one network, ever. */
export const MAX_ROSTER_CHANGES = 4_096
/** Proposals that one member approves of at a time: with one more it takes its word back from the oldest. */
export const MAX_PROPOSALS_OF_MEMBER = 4
/** Signatures of roster transactions looked at, in one round, of the events of one member. */
export const MAX_CHECKED_OF_CREATOR = 8

/** Why a roster transaction had no effect. A closed list. */
export type RosterRefusal =
  | ChangeFault
  | 'malformed'
  | 'too-many'
  | 'change-under-way'
  | 'other-base'
  | 'no-member'
  | 'bad-signature'
  | 'known-already'

export interface Proposal {
  /** Hash of change and base. */
  readonly id: Uint8Array
  readonly change: MemberChange
  readonly proposedRound: number
  /** Ascending. */
  readonly approvedBy: readonly number[]
}

/** One link of the chain from the genesis. */
export interface RosterStep {
  readonly roster: NumberedRoster
  /** What changed; weight 0: it left. */
  readonly member: Member
  readonly agreedRound: number
  /** Of members of the roster before, over this one, by ascending id. */
  readonly endorsements: readonly RoundSignature[]
  /** Members of more than two thirds of the weight before have endorsed. */
  readonly isHandedOver: boolean
}

export interface Membership {
  /** Takes the next roster transaction of the log, of a round and in an event of a creator. */
  apply(round: number, creator: number, bytes: Uint8Array): RosterRefusal | undefined
  /** The roster that rules a round; of rounds further ahead than is decided, the newest one known. */
  rosterOf(round: number): NumberedRoster
  /** The newest one that is agreed. */
  latest(): NumberedRoster
  proposals(): readonly Proposal[]
  steps(): readonly RosterStep[]
  /** All that is to be known of the log so far; equal for all. */
  encode(): Uint8Array
}

export interface MembershipOptions {
  readonly genesis: Genesis
  readonly networkId: Uint8Array
  readonly sha256: Sha256
  readonly verifier: SignatureVerifier
  /** What `encode` gave. */
  readonly state?: Uint8Array | undefined
}

interface OpenProposal {
  readonly id: Uint8Array
  readonly change: MemberChange
  readonly proposedRound: number
  readonly approvedBy: Set<number>
}

interface Step {
  readonly roster: NumberedRoster
  readonly member: Member
  readonly agreedRound: number
  readonly endorsements: RoundSignature[]
}

const ascending = (ids: Iterable<number>): number[] => [...ids].sort((a, b) => a - b)

const weightOf = ({ members }: NumberedRoster, isIn: (id: number) => boolean): number =>
  totalWeight(members.filter(({ id }) => isIn(id)))

export function createMembership(options: MembershipOptions): Membership {
  const { genesis, networkId, sha256, verifier } = options
  const first = genesisRoster(genesis, networkId)
  const steps: Step[] = []
  let proposals = new Map<string, OpenProposal>()
  /** Creator → signatures looked at in `checkedRound`. */
  const checked = new Map<number, number>()
  let checkedRound = 0
  if (options.state !== undefined) restore(options.state)

  function latest(): NumberedRoster {
    return steps.at(-1)?.roster ?? first
  }

  function rosterOf(round: number): NumberedRoster {
    for (let i = steps.length - 1; i >= 0; i--)
      if (steps[i]!.roster.fromRound <= round) return steps[i]!.roster
    return first
  }

  const before = (number: number): NumberedRoster => (number === 1 ? first : steps[number - 2]!.roster)

  function isHandedOver({ roster, endorsements }: Step): boolean {
    const old = before(roster.number)
    const weight = weightOf(old, (id) => endorsements.some(({ memberId }) => memberId === id))
    return isSupermajority(weight, totalWeight(old.members))
  }

  /** Signatures cost time, and who may have them checked is whoever gets a transaction ordered. */
  function mayCheck(round: number, creator: number): boolean {
    if (round !== checkedRound) checked.clear()
    checkedRound = round
    const count = (checked.get(creator) ?? 0) + 1
    checked.set(creator, count)
    return count <= MAX_CHECKED_OF_CREATOR
  }

  function apply(round: number, creator: number, bytes: Uint8Array): RosterRefusal | undefined {
    const transaction = decodeRosterTransaction(bytes)
    if (transaction === undefined) return 'malformed'
    return transaction.kind === 'approve'
      ? approve(round, creator, transaction)
      : endorse(round, creator, transaction)
  }

  type Approval = Extract<RosterTransaction, { kind: 'approve' }>
  type Endorsement = Extract<RosterTransaction, { kind: 'endorse' }>

  function approve(
    round: number,
    creator: number,
    { change, memberId, signature }: Approval,
  ): RosterRefusal | undefined {
    const roster = latest()
    const last = steps.at(-1)
    if (!equalBytes(change.base, roster.hash)) return 'other-base'
    if (roster.fromRound > round || (last !== undefined && !isHandedOver(last))) return 'change-under-way'
    const member = roster.members.find(({ id }) => id === memberId)
    if (member === undefined) return 'no-member'
    const id = changeHash(change, sha256)
    const known = proposals.get(bytesKey(id))
    if (known?.approvedBy.has(memberId) === true) return 'known-already'
    if (steps.length >= MAX_ROSTER_CHANGES || !mayCheck(round, creator)) return 'too-many'
    if (!verifier.verify(member.publicKey, approvalStatement(networkId, id), signature))
      return 'bad-signature'
    const fault = known === undefined ? changeFault(roster, change, networkId, verifier) : undefined
    if (fault !== undefined) return fault
    makeRoom(memberId)
    const proposal = known ?? { id, change, proposedRound: round, approvedBy: new Set<number>() }
    proposal.approvedBy.add(memberId)
    proposals.set(bytesKey(id), proposal)
    const weight = weightOf(roster, (each) => proposal.approvedBy.has(each))
    if (!isSupermajority(weight, totalWeight(roster.members))) return undefined
    const next = nextRoster(roster, change.member, round + genesis.roundsNonAncient, sha256)
    steps.push({ roster: next, member: change.member, agreedRound: round, endorsements: [] })
    proposals = new Map()
    return undefined
  }

  /** Whoever proposes without end holds nobody up, and keeps no place for ever. */
  function makeRoom(memberId: number): void {
    const own = [...proposals].filter(([, { approvedBy }]) => approvedBy.has(memberId))
    const [oldest] = own
    if (own.length < MAX_PROPOSALS_OF_MEMBER || oldest === undefined) return
    const [key, { approvedBy }] = oldest
    approvedBy.delete(memberId)
    if (approvedBy.size === 0) proposals.delete(key)
  }

  function endorse(
    round: number,
    creator: number,
    { number, memberId, signature }: Endorsement,
  ): RosterRefusal | undefined {
    const step = steps.at(-1)
    if (step === undefined || number !== step.roster.number) return 'other-base'
    const member = before(number).members.find(({ id }) => id === memberId)
    if (member === undefined) return 'no-member'
    const { endorsements } = step
    // What is handed over needs no more, so the chain is as short as it can be.
    if (isHandedOver(step) || endorsements.some((each) => each.memberId === memberId)) return 'known-already'
    if (!mayCheck(round, creator)) return 'too-many'
    if (!verifier.verify(member.publicKey, handoverStatement(networkId, step.roster.hash), signature))
      return 'bad-signature'
    endorsements.push({ memberId, signature: signature.slice() })
    endorsements.sort((a, b) => a.memberId - b.memberId)
    return undefined
  }

  /** Without the counts of the round: a state is taken when a round is over. */
  function encode(): Uint8Array {
    return encodeCbor([
      steps.map(({ roster, member, agreedRound, endorsements }): CborValue => [
        roster.fromRound,
        agreedRound,
        memberFields(member),
        encodeEndorsements(endorsements),
      ]),
      [...proposals.values()].map(({ change, proposedRound, approvedBy }): CborValue => [
        proposedRound,
        memberFields(change.member),
        change.keyProof,
        ascending(approvedBy),
      ]),
    ])
  }

  function restore(bytes: Uint8Array): void {
    const decoded = decodeCbor(bytes, { maxBytes: MAX_STATE_BYTES })
    if (!decoded.ok) throw new TypeError('the state of the roster cannot be read')
    const [stepFields, proposalFields] = listOf(decoded.value)
    for (const each of listOf(stepFields)) {
      const [fromRound, agreedRound, fields, signatures] = listOf(each)
      const member = memberFrom(fields)
      steps.push({
        roster: nextRoster(latest(), member, numberOf(fromRound), sha256),
        member,
        agreedRound: numberOf(agreedRound),
        endorsements: decodeEndorsements(bytesOf(signatures)),
      })
    }
    for (const each of listOf(proposalFields)) {
      const [proposedRound, fields, keyProof, approvedBy] = listOf(each)
      const change = { base: latest().hash, member: memberFrom(fields), keyProof: bytesOf(keyProof) }
      const id = changeHash(change, sha256)
      const approvers = new Set(listOf(approvedBy).map(numberOf))
      proposals.set(bytesKey(id), {
        id,
        change,
        proposedRound: numberOf(proposedRound),
        approvedBy: approvers,
      })
    }
  }

  return {
    apply,
    rosterOf,
    latest,
    proposals: () =>
      [...proposals.values()].map((each) => ({ ...each, approvedBy: ascending(each.approvedBy) })),
    steps: () =>
      steps.map((step) => ({
        ...step,
        endorsements: [...step.endorsements],
        isHandedOver: isHandedOver(step),
      })),
    encode,
  }
}

const memberFields = ({ id, name, publicKey, weight }: Member): CborValue => [id, name, publicKey, weight]

/** 4,096 steps with the signatures of 128 members. */
const MAX_STATE_BYTES = 64 * 1024 * 1024
const ENDORSEMENT_BYTES = 4 + 64

/** In one string: as a list they would be too many items. */
function encodeEndorsements(endorsements: readonly RoundSignature[]): Uint8Array {
  const writer = createByteWriter(ENDORSEMENT_BYTES * endorsements.length)
  for (const { memberId, signature } of endorsements) {
    writer.uint32(memberId)
    writer.bytes(signature)
  }
  return writer.finish()
}

function decodeEndorsements(bytes: Uint8Array): RoundSignature[] {
  const endorsements: RoundSignature[] = []
  for (let at = 0; at < bytes.length; at += ENDORSEMENT_BYTES)
    endorsements.push({
      memberId: readUint32(bytes, at),
      signature: bytes.slice(at + 4, at + ENDORSEMENT_BYTES),
    })
  return endorsements
}

function listOf(value: CborValue | undefined): readonly CborValue[] {
  if (!Array.isArray(value)) throw new TypeError('a list is none')
  return value as readonly CborValue[]
}
function numberOf(value: CborValue | undefined): number {
  if (typeof value !== 'number') throw new TypeError('a number is not one')
  return value
}
function bytesOf(value: CborValue | undefined): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError('bytes are none')
  return value.slice()
}
function memberFrom(value: CborValue | undefined): Member {
  const [id, name, publicKey, weight] = listOf(value)
  if (typeof name !== 'string') throw new TypeError('a name is none')
  return { id: numberOf(id), name, publicKey: bytesOf(publicKey), weight: numberOf(weight) }
}
