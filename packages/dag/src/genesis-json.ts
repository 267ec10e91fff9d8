/** The genesis as JSON (`genesis.json`): how it is written, and when what was read is sound. */
import { fromHex, toHex } from './bytes.ts'
import { genesisFaults, type Genesis, type Member } from './roster.ts'

export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly faults: readonly string[] }

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What is no number is refused later, by its bounds. */
const numberFrom = (value: unknown): number => (typeof value === 'number' ? value : Number.NaN)

/** `genesis.json` as an object to write out. */
export function genesisToJson(genesis: Genesis): object {
  return {
    hearsay: 'genesis',
    version: 1,
    coinFrequency: genesis.coinFrequency,
    roundsNonAncient: genesis.roundsNonAncient,
    salt: toHex(genesis.salt),
    members: genesis.members.map((member) => ({
      id: member.id,
      name: member.name,
      weight: member.weight,
      publicKey: toHex(member.publicKey),
    })),
  }
}

/** Reads what `genesisToJson` wrote; says everything that is wrong with it. */
export function genesisFromJson(json: unknown): Parsed<Genesis> {
  if (!isRecord(json) || json['hearsay'] !== 'genesis')
    return { ok: false, faults: ['not a Hearsay genesis'] }
  if (json['version'] !== 1)
    return { ok: false, faults: [`version ${String(json['version'])} is not known; this is 1`] }
  const faults: string[] = []
  const listed = Array.isArray(json['members']) ? (json['members'] as unknown[]) : []
  const members: Member[] = []
  for (const [i, each] of listed.entries()) {
    const key =
      isRecord(each) && typeof each['publicKey'] === 'string' ? fromHex(each['publicKey']) : undefined
    if (!isRecord(each) || key === undefined || typeof each['name'] !== 'string') {
      faults.push(`members[${i}]: needs id, name, weight and publicKey (64 hex digits)`)
      continue
    }
    members.push({
      id: numberFrom(each['id']),
      name: each['name'],
      weight: numberFrom(each['weight']),
      publicKey: key,
    })
  }
  const salt = typeof json['salt'] === 'string' ? fromHex(json['salt']) : undefined
  if (salt === undefined) faults.push('salt: 32 hex digits')
  const genesis: Genesis = {
    coinFrequency: numberFrom(json['coinFrequency']),
    roundsNonAncient: numberFrom(json['roundsNonAncient']),
    salt: salt ?? new Uint8Array(16),
    members,
  }
  faults.push(...genesisFaults(genesis))
  return faults.length === 0 ? { ok: true, value: genesis } : { ok: false, faults }
}
