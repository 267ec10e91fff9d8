// Decides which node a command talks to: the one that is named, else the first of the testnet that answers, else the usual port.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StatusJson } from '@hearsay/node'
import {
  type Address,
  CommandError,
  EXIT,
  FIRST_API_PORT,
  LOOPBACK,
  type NetFile,
  netFileFromJson,
  type NetNode,
  type NodeOptions,
  parseAddress,
  usageError,
} from '../src/index.ts'
import { askStatus, unreachable, useToken } from './api-client.ts'

/** A node that answers. */
export interface FoundNode {
  readonly address: Address
  readonly status: StatusJson
}

/** A node of a testnet need only say that it is there. */
const PROBE_MS = 2_000

/** `net.json` of a testnet's folder; undefined if there is none. */
export function readNetFile(dir: string): NetFile | undefined {
  const path = join(dir, 'net.json')
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const file = netFileFromJson(parseJson(text))
  if (file !== undefined) return file
  throw new CommandError({
    code: 'E_BAD_NET_FILE',
    message: `${path} is not what a testnet writes`,
    hint: 'name the API of a node: --api HOST:PORT, or the folder of a testnet: --dir FOLDER',
    exitCode: EXIT.badConfig,
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The nodes of the testnet in that folder; a fault if there is none. */
export function testnetNodes(dir: string): readonly NetNode[] {
  const file = readNetFile(dir)
  if (file !== undefined) return file.nodes
  throw new CommandError({
    code: 'E_NO_TESTNET',
    message: `there is no testnet in ${dir}`,
    hint: 'start one with: hearsay testnet   or name its folder: --dir FOLDER',
    exitCode: EXIT.usage,
  })
}

function namedAddress(options: NodeOptions): Address | undefined {
  if (options.api !== undefined) return options.api
  if (options.node !== undefined) {
    const nodes = testnetNodes(options.dir)
    const node = nodes.find(({ name }) => name === options.node)
    if (node !== undefined) return node.api
    throw usageError(`--node ${options.node}: the testnet has ${nodes.map(({ name }) => name).join(', ')}`)
  }
  const fromEnvironment = process.env['HEARSAY_API']
  if (fromEnvironment === undefined || fromEnvironment === '') return undefined
  try {
    return parseAddress(fromEnvironment)
  } catch (error) {
    throw usageError(`HEARSAY_API=${fromEnvironment}: ${(error as Error).message}`)
  }
}

export async function findNode(options: NodeOptions): Promise<FoundNode> {
  useToken(options.token)
  const named = namedAddress(options)
  if (named !== undefined) return { address: named, status: await askStatus(named) }
  const net = readNetFile(options.dir)
  const usual: Address = { host: LOOPBACK, port: FIRST_API_PORT }
  if (net === undefined) return { address: usual, status: await askStatus(usual) }
  let fault: unknown
  for (const { api } of net.nodes) {
    try {
      const status = await askStatus(api, PROBE_MS)
      // Another network may have taken the ports since.
      if (status.networkId === net.networkId) return { address: api, status }
      fault ??= new Error('another network runs there')
    } catch (error) {
      fault ??= error
    }
  }
  if (fault instanceof CommandError) throw fault
  throw unreachable(net.nodes[0]?.api ?? usual, fault)
}
