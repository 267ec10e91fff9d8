/**
 * How one roster follows from another, and how the authority goes over: the chain from the genesis that anybody can check.
 *
 *   hash of roster n   SHA-256("hearsay.roster.1" ‖ hash of roster n−1 ‖ number 6 ‖ first round 6 ‖ member id 4 ‖ weight 8 ‖ key 32 ‖ name)
 *   hash of roster 0   the network id
 *
 * One member changes at a time, and each hash names the one before, so the last one stands for the whole chain. Members of more than two
 * thirds of a roster's weight sign the hash of the next one, its first round included: with that they hand over. Whoever holds the genesis so
 * comes to the roster that rules any round. How long a chain there is, it does not say: an old roster can only be believed for the rounds that it
 * rules, and as far as more than a third of its weight was honest when it signed.
 */
import { ascii, concatBytes, createByteWriter } from './bytes.ts'
import { signaturesFault, type RoundSignature } from './certificate.ts'
import type { Sha256, SignatureVerifier } from './crypto.ts'
import type { Genesis, Member } from './roster.ts'

const ROSTER_DOMAIN = ascii('hearsay.roster.1')
const HANDOVER_DOMAIN = ascii('hearsay.handover')

/** The roster that rules from a round on. */
export interface NumberedRoster {
  /** 0 is the genesis. */
  readonly number: number
  readonly fromRound: number
  readonly hash: Uint8Array
  /** The lowest id that no member ever had. */
  readonly nextId: number
  /** How many members there ever were. */
  readonly identities: number
  /** By ascending id. */
  readonly members: readonly Member[]
}

export const totalWeight = (members: readonly Member[]): number =>
  members.reduce((sum, { weight }) => sum + weight, 0)

export function genesisRoster({ members }: Genesis, networkId: Uint8Array): NumberedRoster {
  const nextId = members.at(-1)!.id + 1
  return { number: 0, fromRound: 1, hash: networkId, nextId, identities: members.length, members }
}

/** The roster after a change, which is not checked here. */
export function nextRoster(
  roster: NumberedRoster,
  member: Member,
  fromRound: number,
  sha256: Sha256,
): NumberedRoster {
  const number = roster.number + 1
  const writer = createByteWriter(16 + 32 + 6 + 6 + 4 + 8 + 32 + member.name.length)
  writer.bytes(ROSTER_DOMAIN)
  writer.bytes(roster.hash)
  writer.uint48(number)
  writer.uint48(fromRound)
  writer.uint32(member.id)
  writer.uint64(member.weight)
  writer.bytes(member.publicKey)
  writer.bytes(ascii(member.name))
  const others = roster.members.filter(({ id }) => id !== member.id)
  const members = member.weight === 0 ? others : [...others, member].sort((a, b) => a.id - b.id)
  const isNew = member.id >= roster.nextId
  return {
    number,
    fromRound,
    hash: sha256(writer.finish()),
    nextId: isNew ? member.id + 1 : roster.nextId,
    identities: roster.identities + (isNew ? 1 : 0),
    members,
  }
}

export const handoverStatement = (networkId: Uint8Array, rosterHash: Uint8Array): Uint8Array =>
  concatBytes(HANDOVER_DOMAIN, networkId, rosterHash)

/** One link of the chain. */
export interface RosterLink {
  readonly fromRound: number
  /** As it is from then on; weight 0: it left. */
  readonly member: Member
  /** Of members of the roster before, by ascending id. */
  readonly endorsements: readonly RoundSignature[]
}

/** All rosters from the genesis on, or undefined if one of them was not handed over to. */
export function followRosters(
  genesis: Genesis,
  networkId: Uint8Array,
  links: readonly RosterLink[],
  suite: SignatureVerifier & { readonly sha256: Sha256 },
): readonly NumberedRoster[] | undefined {
  const rosters = [genesisRoster(genesis, networkId)]
  for (const { fromRound, member, endorsements } of links) {
    const before = rosters.at(-1)!
    if (fromRound <= before.fromRound) return undefined
    const next = nextRoster(before, member, fromRound, suite.sha256)
    const message = handoverStatement(networkId, next.hash)
    if (signaturesFault(endorsements, message, before.members, suite) !== undefined) return undefined
    rosters.push(next)
  }
  return rosters
}

/** The roster that rules a round, of those that follow from the genesis. */
export const rulingRoster = (rosters: readonly NumberedRoster[], round: number): NumberedRoster =>
  rosters.findLast(({ fromRound }) => fromRound <= round) ?? rosters[0]!
