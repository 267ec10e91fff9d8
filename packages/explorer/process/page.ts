// Decides where the page's files come from, and with which headers they are served: nothing from anywhere else, no inline script, and
// connections to nobody but the nodes that it was told of.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface PageFile {
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: Uint8Array
}

/** What the page is told of where it is. */
export interface ExplorerConfig {
  /** Nodes that it may ask, beside the one that it comes from. */
  readonly nodes: readonly { readonly name: string; readonly url: string }[]
  /** Where a testnet takes faults. */
  readonly control: { readonly url: string; readonly token: string } | null
  /** A file in place of nodes. */
  readonly file: { readonly name: string; readonly url: string } | null
}

export interface ExplorerPage {
  /** `path` begins with `/explorer/`. */
  find(path: string): Promise<PageFile | undefined>
  /** From now on the page is told this. */
  configure(config: ExplorerConfig): void
  /** Builds what must be built, so that nobody waits for it later. */
  warm(): Promise<void>
}

const TYPES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'style.css': 'text/css; charset=utf-8',
  'main.js': 'text/javascript; charset=utf-8',
  'engine.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
  'third-party.txt': 'text/plain; charset=utf-8',
}
const BUILD_WITHIN_MS = 60_000

const built = join(import.meta.dirname, '../page')
const builder = join(import.meta.dirname, '../build/main.ts')
const packages = join(import.meta.dirname, '../..')

/** All that goes into the page, as one number. */
function fingerprint(): string {
  const hash = createHash('sha256')
  const rooms = ['explorer/src', 'explorer/web', 'explorer/build', 'client/src', 'consensus/src', 'dag/src']
  for (const room of rooms) {
    const files = readdirSync(join(packages, room), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
    for (const file of files.toSorted()) hash.update(file.slice(packages.length)).update(readFileSync(file))
  }
  hash.update(readFileSync(join(packages, 'explorer/package.json')))
  return hash.digest('hex').slice(0, 16)
}

function runBuilder(folder: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [builder, folder], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: BUILD_WITHIN_MS,
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`the page cannot be built (${code}): ${said.slice(-2_000)}`))
    })
  })
}

/** The folder with the files, built if it has to be. Several processes may do this at a time: the first one's result stays. */
async function pageFolder(): Promise<string> {
  if (existsSync(join(built, 'main.js'))) return built
  const cache = join(packages, 'explorer/node_modules/.cache')
  const folder = join(cache, `page-${fingerprint()}`)
  if (existsSync(join(folder, 'main.js'))) return folder
  mkdirSync(cache, { recursive: true })
  const fresh = mkdtempSync(join(cache, 'building-'))
  await runBuilder(fresh)
  try {
    renameSync(fresh, folder)
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    if (!existsSync(join(folder, 'main.js'))) throw error
  }
  return folder
}

function policy({ nodes, control }: ExplorerConfig): string {
  const origins = new Set(
    [...nodes.map(({ url }) => url), ...(control === null ? [] : [control.url])].map(
      (url) => new URL(url).origin,
    ),
  )
  return [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self'${[...origins].map((origin) => ` ${origin}`).join('')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

export function openPage(first: ExplorerConfig = { nodes: [], control: null, file: null }): ExplorerPage {
  let config = first
  let folder: Promise<string> | undefined
  const open = async (): Promise<string> => {
    folder ??= pageFolder()
    try {
      return await folder
    } catch (error) {
      folder = undefined
      throw error
    }
  }
  return {
    find: async (path) => {
      const name = path.slice('/explorer/'.length) || 'index.html'
      const headers = { 'Content-Security-Policy': policy(config), 'Referrer-Policy': 'no-referrer' }
      if (name === 'config.json')
        return {
          headers: { ...headers, 'Content-Type': 'application/json' },
          bytes: Buffer.from(JSON.stringify(config)),
        }
      const type = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined
      if (type === undefined) return undefined
      return {
        headers: { ...headers, 'Content-Type': type },
        bytes: await readFile(join(await open(), name)),
      }
    },
    configure: (next) => {
      config = next
    },
    warm: async () => {
      await open()
    },
  }
}
