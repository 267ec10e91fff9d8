// Decides how keys and genesis files come into being: written once, never over something that is there, keys for their owner only.
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fromHex, type Genesis, genesisFaults, networkIdOf, toHex } from '@hearsay/dag'
import { createBestSuite } from '@hearsay/dag/native'
import { genesisFromJson, genesisToJson } from '@hearsay/node'
import {
  CommandError,
  type CommonOptions,
  EXIT,
  type GenesisNewOptions,
  type KeygenOptions,
  type MemberArgument,
  table,
} from '../src/index.ts'
import { createTerminal } from './terminal.ts'

const COIN_FREQUENCY = 12
const ROUNDS_NON_ANCIENT = 26

/** Creates a file that must not exist, durably. */
export function createFile(path: string, text: string, mode: number): void {
  let fd: number
  try {
    fd = openSync(path, 'wx', mode)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new CommandError({
      code: 'E_FILE_EXISTS',
      message: `${path} exists already; it is left as it is`,
      hint: 'name another file',
      exitCode: EXIT.usage,
    })
  }
  try {
    writeSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Writes a new secret key and returns its public key in hexadecimal. The folder is made, for its owner only. */
export function createKey(path: string, seed: Uint8Array = randomBytes(32)): string {
  mkdirSync(dirname(resolve(path)), { recursive: true, mode: 0o700 })
  createFile(path, `${toHex(seed)}\n`, 0o600)
  return toHex(createBestSuite().suite.publicKey(seed))
}

export function foundGenesis(members: readonly MemberArgument[]): { genesis: Genesis; networkId: string } {
  const genesis: Genesis = {
    coinFrequency: COIN_FREQUENCY,
    roundsNonAncient: ROUNDS_NON_ANCIENT,
    salt: new Uint8Array(randomBytes(16)),
    members: members.map(({ name, publicKey, weight }, id) => ({
      id,
      name,
      weight,
      publicKey: fromHex(publicKey)!,
    })),
  }
  const faults = genesisFaults(genesis)
  if (faults.length > 0)
    throw new CommandError({ code: 'E_BAD_GENESIS', message: faults.join('; '), exitCode: EXIT.usage })
  return { genesis, networkId: idOf(genesis) }
}

export const genesisText = (genesis: Genesis): string =>
  `${JSON.stringify(genesisToJson(genesis), null, 2)}\n`

const idOf = (genesis: Genesis): string => toHex(networkIdOf(genesis, createBestSuite().suite.sha256))

export async function keygen(options: KeygenOptions): Promise<void> {
  const terminal = createTerminal(options)
  const seed = options.fromSeed === undefined ? undefined : fromHex(options.fromSeed)
  const publicKey = createKey(options.out, seed)
  await terminal.out(terminal.isJson ? JSON.stringify({ publicKey, file: options.out }) : publicKey)
  terminal.say(`the secret key is in ${options.out}: keep it, and keep it to yourself`)
}

export async function genesisNew(options: GenesisNewOptions): Promise<void> {
  const terminal = createTerminal(options)
  const { genesis, networkId } = foundGenesis(options.member)
  createFile(options.out, genesisText(genesis), 0o644)
  const { length } = genesis.members
  await terminal.out(
    terminal.isJson ? JSON.stringify({ networkId, members: length, file: options.out }) : networkId,
  )
  terminal.say(`the genesis is in ${options.out}: give it to all ${length} members`)
}

function readGenesis(file: string): Genesis {
  let json: unknown
  try {
    json = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    json = undefined
  }
  const parsed = genesisFromJson(json)
  if (parsed.ok) return parsed.value
  throw new CommandError({
    code: 'E_BAD_GENESIS',
    message: `${file}: ${parsed.faults.join('; ')}`,
    hint: 'make one with: hearsay genesis new',
    exitCode: EXIT.badConfig,
  })
}

export async function genesisShow(file: string, options: CommonOptions): Promise<void> {
  const terminal = createTerminal(options)
  const genesis = readGenesis(file)
  const networkId = idOf(genesis)
  if (terminal.isJson) {
    await terminal.out(JSON.stringify({ networkId, ...genesisToJson(genesis) }))
    return
  }
  const head = ['id', 'name', 'weight', 'public key']
  const rows = genesis.members.map((each) => [
    String(each.id),
    each.name,
    String(each.weight),
    toHex(each.publicKey),
  ])
  await terminal.out(`network ${networkId}\n\n${table([head, ...rows], [0, 2])}`)
}

export async function genesisHash(file: string, options: CommonOptions): Promise<void> {
  const terminal = createTerminal(options)
  const networkId = idOf(readGenesis(file))
  await terminal.out(terminal.isJson ? JSON.stringify({ networkId }) : networkId)
}
