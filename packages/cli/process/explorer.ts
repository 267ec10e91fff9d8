// Decides what `hearsay explorer` shows: the page of a node that runs, or in a page of its own what lies on disk. A case of the
// simulator is run again, as it says only what was done and not what came of it.
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { genesisToJson } from '@hearsay/dag'
import { serveFile, writeEventFile } from '@hearsay/explorer'
import { RECORD_EVENT } from '@hearsay/node'
import { verifyJournal } from '@hearsay/node/disk'
import { readCase } from '@hearsay/simulator/process'
import { counted, type ExplorerOptions, formatAddress } from '../src/index.ts'
import { dataDirectories } from './data-directories.ts'
import { findNode } from './find-node.ts'
import { recordScenario } from './sim-recording.ts'
import { createTerminal, type Terminal } from './terminal.ts'

/** A case is small; what is larger is not looked into. */
const CASE_BYTES = 4 * 1024 * 1024

function isCase(path: string): boolean {
  if (statSync(path).size > CASE_BYTES) return false
  const text = readFileSync(path, 'utf8')
  if (!text.trimStart().startsWith('{')) return false
  try {
    return 'scenario' in (JSON.parse(text) as object)
  } catch {
    return false
  }
}

/** The signed events of a data directory, as the journal has them; the page checks them. */
function writeDirectory(dir: string, out: string): number {
  const events: Uint8Array[] = []
  verifyJournal(dir, (kind, payload) => {
    if (kind === RECORD_EVENT) events.push(payload.slice())
  })
  const genesis = JSON.parse(readFileSync(join(dir, 'genesis.json'), 'utf8')) as object
  return writeEventFile({ path: out, header: { genesis, title: basename(dir) }, events })
}

async function writeCase(path: string, out: string): Promise<number> {
  const { genesis, events, header } = await recordScenario(readCase(path).scenario)
  const title = basename(path)
  return writeEventFile({ path: out, header: { ...header, genesis: genesisToJson(genesis), title }, events })
}

/** The file to show: the path itself, or one that is made of it. */
async function fileOf(terminal: Terminal, path: string, made: string): Promise<string> {
  const isDirectory = statSync(path).isDirectory()
  if (!isDirectory && !isCase(path)) return path
  const [dir] = isDirectory ? dataDirectories(path) : []
  const count = dir === undefined ? await writeCase(path, made) : writeDirectory(dir, made)
  terminal.say(`${dir ?? path}: ${counted(count, 'event')}`)
  return made
}

const untilStopped = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => resolve())
  })

export async function explorer(path: string | undefined, options: ExplorerOptions): Promise<void> {
  const terminal = createTerminal(options)
  const tell = (url: string): Promise<void> => terminal.out(terminal.isJson ? JSON.stringify({ url }) : url)
  if (path === undefined) {
    const { address } = await findNode(options)
    return tell(`http://${formatAddress(address)}/explorer/`)
  }
  const folder = mkdtempSync(join(tmpdir(), 'hearsay-explorer-'))
  try {
    const file = await fileOf(terminal, path, options.out ?? join(folder, 'events.hsx'))
    if (options.out !== undefined) return
    const server = await serveFile(file, basename(path), options.port ?? 0)
    await tell(server.url)
    terminal.say('stop with Ctrl-C')
    await untilStopped()
    await server.stop()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
