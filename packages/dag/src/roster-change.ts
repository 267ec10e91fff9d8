/**
 * What may change in a roster at once, and the transactions with which members ask for it (roster-chain.ts: what follows).
 *
 * A change is what a member shall be from then on: one that is not there is added (with the next id that was never used), a weight
 * of 0 removes, another weight or another key replaces. It is allowed if **what stays is by itself a quorum before and after**: the
 * weight of those whose key stays, each counted with the lesser of its two weights, is more than two thirds of the old total and
 * more than two thirds of the new. So less than a third changes at once, whoever leaves may be gone and whoever comes may never turn up
 * without holding the others up, and those who stay can always vouch for the change.
 *
 * What members sign about it (each 16 bytes of domain, network id, then): `key` ‖ name by the holder of a new key; the hash of base and change by
 * who approves; the hash of the new roster by members of the old one, which hands the authority over.
 */
import { ascii, bytesKey, concatBytes, equalBytes } from './bytes.ts'
import { decodeCbor, encodeCbor, type CborValue } from './cbor.ts'
import type { Sha256, SignatureVerifier } from './crypto.ts'
import { MAX_MEMBERS } from './limits.ts'
import { totalWeight, type NumberedRoster } from './roster-chain.ts'
import { isSupermajority, MAX_TOTAL_WEIGHT, type Member } from './roster.ts'
import { isAcceptableKey } from './strict.ts'

const APPROVAL_DOMAIN = ascii('hearsay.approval')
const KEY_DOMAIN = ascii('hearsay.newkey.1')

/** What a member shall be: a weight of 0 for one that leaves. */
export interface MemberChange {
  /** Hash of the roster that it changes. */
  readonly base: Uint8Array
  readonly member: Member
  /** By the new key, that its holder wants to be this member; empty if the key stays. */
  readonly keyProof: Uint8Array
}

/** Why a change is not allowed. A closed list. */
export type ChangeFault =
  | 'changes-nothing'
  | 'changes-two-things'
  | 'unknown-member'
  | 'bad-name'
  | 'bad-weight'
  | 'bad-key'
  | 'key-not-proved'
  | 'too-many-members'
  | 'changes-too-much'

/** The weight of those that stay as they are, as far as it stays. */
export function stayingWeight(before: readonly Member[], after: readonly Member[]): number {
  let weight = 0
  for (const old of before) {
    const now = after.find(({ id }) => id === old.id)
    if (now !== undefined && equalBytes(now.publicKey, old.publicKey))
      weight += Math.min(old.weight, now.weight)
  }
  return weight
}

export const keyStatement = (networkId: Uint8Array, { name, publicKey }: Member): Uint8Array =>
  concatBytes(KEY_DOMAIN, networkId, publicKey, ascii(name))

export const approvalStatement = (networkId: Uint8Array, changeHash: Uint8Array): Uint8Array =>
  concatBytes(APPROVAL_DOMAIN, networkId, changeHash)

const fieldsOf = ({ member, keyProof }: MemberChange): CborValue => [
  member.id,
  member.name,
  member.publicKey,
  member.weight,
  keyProof,
]

/** Stands for the change of this roster; who approves signs it. */
export const changeHash = (change: MemberChange, sha256: Sha256): Uint8Array =>
  sha256(concatBytes(change.base, encodeCbor(fieldsOf(change))))

/** Why the change is not allowed on this roster; the base is not looked at. */
export function changeFault(
  roster: NumberedRoster,
  change: MemberChange,
  networkId: Uint8Array,
  verifier: SignatureVerifier,
): ChangeFault | undefined {
  const { member, keyProof } = change
  const old = roster.members.find(({ id }) => id === member.id)
  const isRemoval = member.weight === 0
  if (old === undefined && (isRemoval || member.id !== roster.nextId || member.id > 0xffff_ffff))
    return 'unknown-member'
  const others = roster.members.filter(({ id }) => id !== member.id)
  if (old === undefined ? others.some(({ name }) => name === member.name) : old.name !== member.name)
    return 'bad-name'
  const isRekeyed = old === undefined || !equalBytes(old.publicKey, member.publicKey)
  if (old !== undefined) {
    if (!isRekeyed && member.weight === old.weight) return 'changes-nothing'
    if (isRekeyed && member.weight !== old.weight) return 'changes-two-things'
  }
  if (totalWeight(others) + member.weight > MAX_TOTAL_WEIGHT) return 'bad-weight'
  if (others.length + 1 > MAX_MEMBERS || (old === undefined && roster.identities >= MAX_MEMBERS))
    return 'too-many-members'
  const after = isRemoval ? others : [...others, member]
  const stays = stayingWeight(roster.members, after)
  if (!isSupermajority(stays, totalWeight(roster.members)) || !isSupermajority(stays, totalWeight(after)))
    return 'changes-too-much'
  if (!isRekeyed) return keyProof.length === 0 ? undefined : 'key-not-proved'
  const key = bytesKey(member.publicKey)
  if (others.some(({ publicKey }) => bytesKey(publicKey) === key) || !isAcceptableKey(member.publicKey))
    return 'bad-key'
  return verifier.verify(member.publicKey, keyStatement(networkId, member), keyProof)
    ? undefined
    : 'key-not-proved'
}

const TAG = concatBytes(Uint8Array.of(0), ascii('hsmembr'))
const MAX_BYTES = 512

/** What members say of the roster in the ordered log. */
export type RosterTransaction =
  | {
      readonly kind: 'approve'
      readonly change: MemberChange
      readonly memberId: number
      readonly signature: Uint8Array
    }
  /** Of a member of the roster before: that this is the next one. */
  | {
      readonly kind: 'endorse'
      readonly number: number
      readonly memberId: number
      readonly signature: Uint8Array
    }

export function encodeRosterTransaction(transaction: RosterTransaction): Uint8Array {
  const { memberId, signature } = transaction
  const body: CborValue =
    transaction.kind === 'approve'
      ? [1, transaction.change.base, fieldsOf(transaction.change), memberId, signature]
      : [2, transaction.number, memberId, signature]
  return concatBytes(TAG, encodeCbor(body))
}

/** Whether the transaction is about the roster, well-formed or not: it is not the application's. */
export const isRosterTransaction = (bytes: Uint8Array): boolean =>
  bytes.length >= TAG.length && bytes[0] === 0 && equalBytes(bytes.subarray(0, TAG.length), TAG)

const isId = (value: CborValue | undefined): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff
const isBytes = (value: CborValue | undefined, length: number): value is Uint8Array =>
  value instanceof Uint8Array && value.length === length

function changeFrom(base: CborValue | undefined, fields: CborValue | undefined): MemberChange | undefined {
  if (!isBytes(base, 32) || !Array.isArray(fields) || fields.length !== 5) return undefined
  const [id, name, publicKey, weight, keyProof] = fields as CborValue[]
  if (!isId(id) || typeof name !== 'string' || !/^[a-z0-9-]{1,32}$/.test(name)) return undefined
  if (!isBytes(publicKey, 32) || typeof weight !== 'number') return undefined
  if (!Number.isSafeInteger(weight) || weight < 0 || weight > MAX_TOTAL_WEIGHT) return undefined
  if (!isBytes(keyProof, 64) && !isBytes(keyProof, 0)) return undefined
  return {
    base: base.slice(),
    member: { id, name, publicKey: publicKey.slice(), weight },
    keyProof: keyProof.slice(),
  }
}

/** Undefined if the bytes are not in this form; nothing is said of signatures. */
export function decodeRosterTransaction(bytes: Uint8Array): RosterTransaction | undefined {
  if (!isRosterTransaction(bytes) || bytes.length > MAX_BYTES) return undefined
  const decoded = decodeCbor(bytes.slice(TAG.length), { maxBytes: MAX_BYTES })
  if (!decoded.ok || !Array.isArray(decoded.value)) return undefined
  const fields = decoded.value as CborValue[]
  if (fields[0] === 1 && fields.length === 5) {
    const change = changeFrom(fields[1], fields[2])
    const [, , , memberId, signature] = fields
    if (change === undefined || !isId(memberId) || !isBytes(signature, 64)) return undefined
    return { kind: 'approve', change, memberId, signature }
  }
  if (fields[0] !== 2 || fields.length !== 4) return undefined
  const [, number, memberId, signature] = fields
  if (!isId(number) || !isId(memberId) || !isBytes(signature, 64)) return undefined
  return { kind: 'endorse', number, memberId, signature }
}
