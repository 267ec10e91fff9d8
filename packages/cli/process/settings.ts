// Decides what `config show`, `completion` and `export` print.
import { once } from 'node:events'
import { createWriteStream, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { configFromJson, genesisFromJson, type TransactionJson } from '@hearsay/node'
import {
  CommandError,
  type ConfigOptions,
  EXIT,
  type ExportOptions,
  formatAddress,
  table,
} from '../src/index.ts'
import { linesOf, openStream } from './api-client.ts'
import { findNode } from './find-node.ts'
import { createTerminal } from './terminal.ts'

interface Setting {
  readonly name: string
  readonly value: string | number | null
  /** Where it comes from: a file, a variable of the environment, or the default. */
  readonly origin: string
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new CommandError(
      {
        code: 'E_BAD_CONFIG',
        message: `${path} cannot be read as JSON (${(error as Error).message})`,
        hint: 'name the data directory of a node: --dir FOLDER',
        exitCode: EXIT.badConfig,
      },
      { cause: error },
    )
  }
}

function parsed<T>(
  path: string,
  result: { ok: true; value: T } | { ok: false; faults: readonly string[] },
): T {
  if (result.ok) return result.value
  throw new CommandError({
    code: 'E_BAD_CONFIG',
    message: `${path}: ${result.faults.join('; ')}`,
    hint: 'mend it; the README of packages/node describes the fields',
    exitCode: EXIT.badConfig,
  })
}

function fromEnvironment(name: string, isSecret = false): Setting {
  const value = process.env[name]
  if (value === undefined || value === '') return { name, value: null, origin: 'default' }
  return { name, value: isSecret ? '(set)' : value, origin: 'environment' }
}

export async function configShow({ dir, ...options }: ConfigOptions): Promise<void> {
  const terminal = createTerminal(options)
  const configPath = join(dir, 'config.json')
  const genesisPath = join(dir, 'genesis.json')
  const config = parsed(configPath, configFromJson(readJson(configPath)))
  const genesis = parsed(genesisPath, genesisFromJson(readJson(genesisPath)))
  const hasTokens = existsSync(join(dir, 'tokens.json'))
  const settings: Setting[] = [
    { name: 'name', value: config.name, origin: configPath },
    { name: 'api', value: formatAddress(config.api), origin: configPath },
    { name: 'gossip', value: formatAddress(config.gossip), origin: configPath },
    {
      name: 'profile',
      value: config.profile ?? 'lan',
      origin: config.profile === undefined ? 'default' : configPath,
    },
    ...Object.entries(config.peers).map(([peer, address]) => ({
      name: `peers.${peer}`,
      value: formatAddress(address),
      origin: configPath,
    })),
    { name: 'members', value: genesis.members.length, origin: genesisPath },
    { name: 'coinFrequency', value: genesis.coinFrequency, origin: genesisPath },
    { name: 'roundsNonAncient', value: genesis.roundsNonAncient, origin: genesisPath },
    {
      name: 'tokens',
      value: hasTokens ? 'asked for' : 'none',
      origin: hasTokens ? join(dir, 'tokens.json') : 'default',
    },
    fromEnvironment('HEARSAY_API'),
    fromEnvironment('HEARSAY_TOKEN', true),
    fromEnvironment('HEARSAY_TOKEN_FILE'),
    fromEnvironment('NO_COLOR'),
  ]
  if (terminal.isJson) return terminal.out(JSON.stringify({ settings }))
  const rows = settings.map(({ name, value, origin }) => [name, value === null ? '-' : String(value), origin])
  return terminal.out(table([['setting', 'value', 'from'], ...rows]))
}

export function completion(script: string): Promise<void> {
  return createTerminal({}).out(script.trimEnd())
}

const COLUMNS = [
  'position',
  'round',
  'time',
  'timestamp',
  'creator',
  'event',
  'index',
  'id',
  'text',
  'hex',
] as const

/** RFC 4180: what has a comma, a quote or a line break stands in quotes, quotes doubled. */
function cell(value: string | number | null): string {
  const text = value === null ? '' : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export async function exportLog(options: ExportOptions): Promise<void> {
  const terminal = createTerminal(options)
  const { address } = await findNode(options)
  const query = new URLSearchParams({ from: options.from ?? '0' })
  if (options.limit !== undefined) query.set('limit', String(options.limit))
  const response = await openStream(address, `/v1/log?${query}`)
  const file = options.out === undefined ? undefined : createWriteStream(options.out, { flags: 'wx' })
  if (file !== undefined) await once(file, 'open')
  const write = async (line: string): Promise<void> => {
    if (file === undefined) return terminal.out(line)
    if (!file.write(`${line}\n`)) await once(file, 'drain')
    return undefined
  }
  const isCsv = options.format === 'csv'
  let count = 0
  if (isCsv) await write(COLUMNS.join(','))
  for await (const line of linesOf(response)) {
    const text = line.toString('utf8')
    const transaction = JSON.parse(text) as TransactionJson
    await write(isCsv ? COLUMNS.map((name) => cell(transaction[name])).join(',') : text)
    count += 1
    if (count % 10_000 === 0) terminal.progress(`${count} transactions`)
  }
  if (file === undefined) return
  file.end()
  await once(file, 'close')
  terminal.say(`${count} transactions written to ${options.out}`)
}
