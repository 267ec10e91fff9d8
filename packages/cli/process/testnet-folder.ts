// Decides what lies in the folder of a testnet and when it may be touched. A testnet is founded aside and moved into place in one
// step, so it is there whole or not at all; only a folder that is recognisably a testnet's, and nothing else, is ever wiped.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, rmdirSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { type DirectoryLock, lockDirectory, writeFileDurable } from '@hearsay/node/disk'
import {
  CommandError,
  configOf,
  counted,
  EXIT,
  MEMBER_NAMES,
  type NetFile,
  planNodes,
  type PlannedNode,
} from '../src/index.ts'
import { readNetFile } from './find-node.ts'
import { CONTROL_FILE } from './testnet-control.ts'
import { createKey, foundGenesis, genesisText } from './founding.ts'

export interface TestnetFolder {
  readonly dir: string
  readonly names: readonly string[]
  readonly networkId: string
  /** It was made just now. */
  readonly isNew: boolean
  readonly lock: DirectoryLock
}

const DEFAULT_COUNT = 4
/** What the lock leaves in a folder. */
const LOCK_FILES = ['lock.db', 'lock.pid', 'lock.db-journal', 'lock.db-wal', 'lock.db-shm']

const textBytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const jsonBytes = (value: object): Uint8Array => textBytes(`${JSON.stringify(value, null, 2)}\n`)

export interface Wanted {
  readonly dir: string
  /** How many nodes, if the user said. */
  readonly count: number | undefined
  readonly isFresh: boolean
  /** For founding: they may be others when the nodes start. */
  readonly firstPort: number
}

/** Opens the testnet in a folder, or makes it. The folder is this process's until the lock is released. */
export function openFolder(wanted: Wanted): TestnetFolder {
  const { dir, count, isFresh, firstPort } = wanted
  if (existsSync(dir) && isFresh) wipe(dir)
  const isNew = !existsSync(dir) || readdirSync(dir).length === 0
  if (isNew) found(dir, count ?? DEFAULT_COUNT, firstPort)
  const net = requireTestnet(dir)
  const lock = lockDirectory(dir)
  try {
    const names = net.nodes.map(({ name }) => name)
    if (count !== undefined && count !== names.length) throw otherCount(dir, names.length, count)
    const missing = names.flatMap((name) =>
      ['genesis.json', 'config.json', 'key']
        .map((file) => join(name, file))
        .filter((file) => !existsSync(join(dir, file))),
    )
    if (missing.length > 0) throw incomplete(dir, missing)
    return { dir, names, networkId: net.networkId, isNew, lock }
  } catch (error) {
    lock.release()
    throw error
  }
}

function requireTestnet(dir: string): NetFile {
  const net = readNetFile(dir)
  if (net !== undefined) return net
  throw new CommandError({
    code: 'E_NOT_A_TESTNET',
    message: `${dir} is not empty and has no net.json: it is not the folder of a testnet`,
    hint: 'name another folder: --dir FOLDER',
    exitCode: EXIT.badConfig,
  })
}

const otherCount = (dir: string, there: number, wanted: number): CommandError =>
  new CommandError({
    code: 'E_OTHER_TESTNET',
    message: `the testnet in ${dir} has ${counted(there, 'node')}, not ${wanted}`,
    hint: `continue it with: hearsay testnet ${there}   or wipe it and start anew: hearsay testnet ${wanted} --fresh`,
    exitCode: EXIT.badConfig,
  })

const incomplete = (dir: string, missing: readonly string[]): CommandError =>
  new CommandError({
    code: 'E_TESTNET_INCOMPLETE',
    message: `the testnet in ${dir} lacks ${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ' and more' : ''}`,
    hint: 'put it back, or wipe the testnet and start anew: hearsay testnet --fresh',
    exitCode: EXIT.badConfig,
  })

/** Makes keys, genesis and settings for all, aside, and moves them into place. */
function found(dir: string, count: number, firstPort: number): void {
  const parent = dirname(resolve(dir))
  mkdirSync(parent, { recursive: true })
  const prefix = `${basename(resolve(dir))}.unfinished-`
  for (const name of readdirSync(parent)) removeUnfinished(parent, name, prefix)
  const aside = join(parent, `${prefix}${process.pid}`)
  const nodes = planNodes(MEMBER_NAMES.slice(0, count), firstPort)
  mkdirSync(aside, { mode: 0o700 })
  const members = nodes.map(({ name }) => {
    mkdirSync(join(aside, name), { mode: 0o700 })
    return { name, publicKey: createKey(join(aside, name, 'key')), weight: 1 }
  })
  const { genesis, networkId } = foundGenesis(members)
  for (const { name } of nodes)
    writeFileDurable(join(aside, name, 'genesis.json'), textBytes(genesisText(genesis)), 0o644)
  writeConfigs(aside, nodes)
  writeNetFile(aside, { networkId, pid: null, nodes: nodes.map((node) => ({ ...node, pid: null })) })
  try {
    renameSync(aside, dir)
  } catch (error) {
    rmSync(aside, { recursive: true })
    throw error
  }
}

/** What a founding that was killed has left; one that still runs in another process is left alone. */
function removeUnfinished(parent: string, name: string, prefix: string): void {
  const [, pid] = name.startsWith(prefix) ? (/-(\d+)$/.exec(name) ?? []) : []
  if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(parent, name), { recursive: true })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

export function writeConfigs(dir: string, nodes: readonly PlannedNode[]): void {
  for (const node of nodes) {
    const path = join(dir, node.name, 'config.json')
    const bytes = jsonBytes(configOf(node, nodes))
    if (!existsSync(path) || !readFileSync(path).equals(bytes)) writeFileDurable(path, bytes, 0o644)
  }
}

export function writeNetFile(dir: string, net: Omit<NetFile, 'hearsay' | 'version'>): void {
  writeFileDurable(join(dir, 'net.json'), jsonBytes({ hearsay: 'testnet', version: 1, ...net }), 0o644)
}

/** Removes a testnet, and refuses if there is anything in the folder that a testnet does not put there. */
function wipe(dir: string): void {
  if (readdirSync(dir).length === 0) return
  const net = requireTestnet(dir)
  const lock = lockDirectory(dir)
  try {
    const names = net.nodes.map(({ name }) => name)
    const known = new Set([...names, ...LOCK_FILES, 'net.json', CONTROL_FILE])
    const foreign = readdirSync(dir).filter((name) => !known.has(name))
    if (foreign.length > 0)
      throw new CommandError({
        code: 'E_NOT_ONLY_A_TESTNET',
        message: `${dir} also holds ${foreign.slice(0, 3).join(', ')}: nothing was wiped`,
        hint: 'move that away, or name another folder: --dir FOLDER',
        exitCode: EXIT.badConfig,
      })
    for (const name of names) wipeNode(dir, name)
    rmSync(join(dir, CONTROL_FILE), { force: true })
    // Last: as long as it is there, a wiping that was broken off can be done again.
    rmSync(join(dir, 'net.json'))
  } finally {
    lock.release()
  }
  for (const name of LOCK_FILES) rmSync(join(dir, name), { force: true })
  rmdirSync(dir)
}

/** A node may still run although its testnet does not: its directory is wiped only when nobody holds it. */
function wipeNode(dir: string, name: string): void {
  const path = join(dir, name)
  if (!existsSync(path)) return
  lockDirectory(path).release()
  rmSync(path, { recursive: true })
}
