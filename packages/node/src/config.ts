/**
 * The files of a data directory, in words: `genesis.json` (shared by all), `config.json` (this node's), `key` (its secret
 * key). Reading and writing them is the disk room's business; here is what they say and when they are sound.
 */
import type { Parsed } from '@hearsay/dag'
import { PROFILES, type Profile } from '@hearsay/gossip'

export { genesisFromJson, genesisToJson, type Parsed } from '@hearsay/dag'

export interface NodeConfig {
  /** Name of this member in the genesis. */
  readonly name: string
  /** Where the gossip server listens. */
  readonly gossip: { readonly host: string; readonly port: number }
  /** Where the API listens. */
  readonly api: { readonly host: string; readonly port: number }
  /** Gossip addresses of the other members by name. */
  readonly peers: Readonly<Record<string, { readonly host: string; readonly port: number }>>
  /** How far the members are from each other; `lan` if it is left out. */
  readonly profile?: Profile
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function addressFrom(value: unknown): { host: string; port: number } | undefined {
  if (!isRecord(value) || typeof value['host'] !== 'string' || value['host'] === '') return undefined
  const port = value['port']
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65_535) return undefined
  return { host: value['host'], port }
}

const isProfile = (value: unknown): value is Profile =>
  typeof value === 'string' && Object.hasOwn(PROFILES, value)

/** Reads `config.json`; says everything that is wrong with it. */
export function configFromJson(json: unknown): Parsed<NodeConfig> {
  if (!isRecord(json)) return { ok: false, faults: ['not an object'] }
  const faults: string[] = []
  const name = json['name']
  if (typeof name !== 'string') faults.push('name: the name of this member in the genesis')
  const gossip = addressFrom(json['gossip'])
  if (gossip === undefined) faults.push('gossip: { "host": …, "port": 0 to 65535 }')
  const api = addressFrom(json['api'])
  if (api === undefined) faults.push('api: { "host": …, "port": 0 to 65535 }')
  const listed = json['peers'] ?? {}
  if (!isRecord(listed)) faults.push('peers: addresses of the other members by name')
  const addresses: [string, { host: string; port: number }][] = []
  for (const [peer, value] of isRecord(listed) ? Object.entries(listed) : []) {
    const address = addressFrom(value)
    if (address === undefined) faults.push(`peers.${peer}: { "host": …, "port": 0 to 65535 }`)
    else addresses.push([peer, address])
  }
  const profile = json['profile']
  if (profile !== undefined && !isProfile(profile))
    faults.push(`profile: one of ${Object.keys(PROFILES).join(', ')}`)
  // Without a prototype: `constructor` is the name of a member, if it is there.
  const peers = Object.setPrototypeOf(Object.fromEntries(addresses), null) as NodeConfig['peers']
  if (faults.length > 0 || gossip === undefined || api === undefined) return { ok: false, faults }
  return {
    ok: true,
    value: { name: String(name), gossip, api, peers, ...(isProfile(profile) ? { profile } : {}) },
  }
}
