// Decides how tokens of an API are made and kept: the text is shown once, the data directory holds its hash only.
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readPrivateFile, writeFileDurable } from '@hearsay/node/disk'
import type { ApiToken } from '@hearsay/node/http'
import { CommandError, EXIT, type TokenOptions } from '../src/index.ts'
import { createTerminal } from './terminal.ts'

const FILE = 'tokens.json'

function isToken(value: unknown): value is ApiToken {
  if (typeof value !== 'object' || value === null) return false
  const { name, role, sha256 } = value as Record<string, unknown>
  const isKnown = role === 'read' || role === 'submit' || role === 'admin'
  return typeof name === 'string' && isKnown && typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256)
}

/** Nothing if the directory has no tokens. */
export function readTokens(dir: string): { readonly tokens?: readonly ApiToken[] } {
  const path = join(dir, FILE)
  if (!existsSync(path)) return {}
  let json: unknown
  try {
    json = JSON.parse(Buffer.from(readPrivateFile(path)).toString('utf8'))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  if (Array.isArray(json) && json.every(isToken)) return { tokens: json }
  throw new CommandError({
    code: 'E_BAD_CONFIG',
    message: `${path} is not a list of tokens`,
    hint: 'move it away and make them again with: hearsay token',
    exitCode: EXIT.badConfig,
  })
}

export async function token({ dir, name, role, ...options }: TokenOptions): Promise<void> {
  const terminal = createTerminal(options)
  if (!existsSync(dir))
    throw new CommandError({
      code: 'E_BAD_CONFIG',
      message: `${dir} is not there`,
      hint: 'name the data directory of a node',
      exitCode: EXIT.badConfig,
    })
  const others = (readTokens(dir).tokens ?? []).filter((each) => each.name !== name)
  const text = randomBytes(32).toString('base64url')
  const made: ApiToken = { name, role, sha256: createHash('sha256').update(text).digest('hex') }
  const bytes = new TextEncoder().encode(`${JSON.stringify([...others, made], null, 2)}\n`)
  writeFileDurable(join(dir, FILE), bytes, 0o600)
  await terminal.out(terminal.isJson ? JSON.stringify({ name, role, token: text }) : text)
  terminal.say(`for ${name}, to ${role}; it is not shown again. The node asks for it from its next start on.`)
}
