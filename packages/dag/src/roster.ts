/**
 * Members, rosters and the genesis. The network id is a hash over the genesis, in one fixed layout, and stands in every
 * event and every greeting, so nothing of one network is ever valid in another.
 */
import { ascii, bytesKey, createByteWriter } from './bytes.ts'
import type { Sha256 } from './crypto.ts'
import { MAX_MEMBERS } from './limits.ts'

/** An identity with key and weight. Addresses are not part of it: they may change. */
export interface Member {
  /** Unsigned 32-bit, unique for ever within the network. */
  readonly id: number
  /** 1 to 32 of a-z, 0-9 and hyphen; unique. */
  readonly name: string
  /** Raw Ed25519 key, 32 bytes. */
  readonly publicKey: Uint8Array
  /** Integer >= 1. */
  readonly weight: number
}

/** All that the founders agree on. */
export interface Genesis {
  readonly coinFrequency: number
  readonly roundsNonAncient: number
  /** 16 random bytes: two networks with the same members still differ. */
  readonly salt: Uint8Array
  /** By ascending id. */
  readonly members: readonly Member[]
}

/** Total weight of a roster: small enough that three times it is an exact integer. */
export const MAX_TOTAL_WEIGHT: number = 2 ** 50

const DOMAIN = ascii('hearsay.genesis\n')

/** What is wrong with a genesis, in words for its author; nothing if it is sound. */
export function genesisFaults(genesis: Genesis): string[] {
  const faults: string[] = []
  const { members } = genesis
  if (members.length < 1 || members.length > MAX_MEMBERS)
    faults.push(`${members.length} members: 1 to ${MAX_MEMBERS}`)
  if (!Number.isInteger(genesis.coinFrequency) || genesis.coinFrequency < 2 || genesis.coinFrequency > 1000)
    faults.push(`coinFrequency ${genesis.coinFrequency}: an integer from 2 to 1000`)
  if (
    !Number.isInteger(genesis.roundsNonAncient) ||
    genesis.roundsNonAncient < 4 ||
    genesis.roundsNonAncient > 10000
  )
    faults.push(`roundsNonAncient ${genesis.roundsNonAncient}: an integer from 4 to 10000`)
  if (genesis.salt.length !== 16) faults.push(`salt of ${genesis.salt.length} bytes: 16`)
  const names = new Set<string>()
  const keys = new Set<string>()
  let total = 0
  let lastId = -1
  for (const member of members) {
    const label = `member ${member.name}`
    if (!/^[a-z0-9-]{1,32}$/.test(member.name)) faults.push(`${label}: names are 1 to 32 of a-z, 0-9 and -`)
    if (!Number.isInteger(member.id) || member.id <= lastId || member.id > 0xffff_ffff)
      faults.push(`${label}: id ${member.id} is not an ascending unsigned 32-bit integer`)
    if (!Number.isSafeInteger(member.weight) || member.weight < 1)
      faults.push(`${label}: weight ${member.weight}: an integer >= 1`)
    if (member.publicKey.length !== 32)
      faults.push(`${label}: public key of ${member.publicKey.length} bytes: 32`)
    if (names.has(member.name)) faults.push(`${label}: the name stands twice`)
    if (keys.has(bytesKey(member.publicKey))) faults.push(`${label}: the public key stands twice`)
    names.add(member.name)
    keys.add(bytesKey(member.publicKey))
    lastId = member.id
    total += member.weight
  }
  if (total > MAX_TOTAL_WEIGHT) faults.push(`total weight ${total}: at most ${MAX_TOTAL_WEIGHT}`)
  return faults
}

/** SHA-256 over the genesis in fixed layout; the genesis must be sound. */
export function networkIdOf(genesis: Genesis, sha256: Sha256): Uint8Array {
  const faults = genesisFaults(genesis)
  if (faults.length > 0) throw new Error(`invariant: unsound genesis: ${faults.join('; ')}`)
  let size = DOMAIN.length + 2 + 2 + 16 + 2
  for (const member of genesis.members) size += 4 + 8 + 32 + 1 + member.name.length
  const writer = createByteWriter(size)
  writer.bytes(DOMAIN)
  writer.uint16(genesis.coinFrequency)
  writer.uint16(genesis.roundsNonAncient)
  writer.bytes(genesis.salt)
  writer.uint16(genesis.members.length)
  for (const member of genesis.members) {
    writer.uint32(member.id)
    writer.uint64(member.weight)
    writer.bytes(member.publicKey)
    writer.uint8(member.name.length)
    writer.bytes(ascii(member.name))
  }
  return sha256(writer.finish())
}

/** Whether `weight` is more than two thirds of `total`, in exact integers. */
export function isSupermajority(weight: number, total: number): boolean {
  return 3 * weight > 2 * total
}
