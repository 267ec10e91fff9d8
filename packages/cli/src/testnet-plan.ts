/**
 * Decides what a local testnet is made of: the names of its members, their ports, their settings, and the file that says where
 * they are.
 */
import type { NodeConfig } from '@hearsay/node'
import type { Address } from './parse.ts'

export const MEMBER_NAMES: readonly string[] =
  'ada bob cat dan eve fay gus hal ivy jon kim lea max ned oto pia'.split(' ')

export const LOOPBACK = '127.0.0.1'
export const FIRST_API_PORT = 8740
/** The gossip port of a node is its API port and this. */
export const GOSSIP_OFFSET = 100

export interface PlannedNode {
  readonly name: string
  readonly api: Address
  readonly gossip: Address
}

export function planNodes(names: readonly string[], firstPort: number): readonly PlannedNode[] {
  return names.map((name, i) => ({
    name,
    api: { host: LOOPBACK, port: firstPort + i },
    gossip: { host: LOOPBACK, port: firstPort + GOSSIP_OFFSET + i },
  }))
}

/** The first ports of the blocks that are tried one after the other: API and gossip ports of no two of them meet. */
export function portBlocks(count: number): readonly number[] {
  const stride = count <= 10 ? 10 : 20
  const firsts: number[] = []
  for (let hundreds = FIRST_API_PORT; hundreds < 20_000; hundreds += 2 * GOSSIP_OFFSET)
    for (let first = hundreds; first + stride <= hundreds + GOSSIP_OFFSET; first += stride) firsts.push(first)
  return firsts
}

/** The highest first port that leaves room for all. */
export const maxFirstPort = (count: number): number => 65_535 - GOSSIP_OFFSET - count + 1

export function configOf(node: PlannedNode, all: readonly PlannedNode[]): NodeConfig {
  const others = all.filter((each) => each.name !== node.name)
  return {
    name: node.name,
    gossip: node.gossip,
    api: node.api,
    peers: Object.fromEntries(others.map((each) => [each.name, each.gossip])),
  }
}

/** `net.json`: marks a folder as a testnet's, and says where its nodes are. */
export interface NetFile {
  readonly hearsay: 'testnet'
  readonly version: 1
  readonly networkId: string
  /** Of the process that holds the nodes; null if it was stopped in order. */
  readonly pid: number | null
  readonly nodes: readonly NetNode[]
}

export interface NetNode extends PlannedNode {
  readonly pid: number | null
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function isAddress(value: unknown): value is Address {
  return isRecord(value) && typeof value['host'] === 'string' && Number.isInteger(value['port'])
}

function isNetNode(value: unknown): value is NetNode {
  if (!isRecord(value) || typeof value['name'] !== 'string') return false
  return /^[a-z0-9-]{1,32}$/.test(value['name']) && isAddress(value['api']) && isAddress(value['gossip'])
}

/** Undefined if it is anything else than what a testnet writes. */
export function netFileFromJson(json: unknown): NetFile | undefined {
  if (!isRecord(json) || json['hearsay'] !== 'testnet' || json['version'] !== 1) return undefined
  const nodes: unknown = json['nodes']
  if (typeof json['networkId'] !== 'string' || !Array.isArray(nodes) || !nodes.every(isNetNode))
    return undefined
  return json as unknown as NetFile
}
