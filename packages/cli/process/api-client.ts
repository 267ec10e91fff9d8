// Decides how the command talks to a node's API, and what it says when the node does not answer or refuses.
import { readFileSync } from 'node:fs'
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import type { ProblemJson, StatusJson } from '@hearsay/node'
import { createLineSplitter } from '@hearsay/node/http'
import { type Address, CommandError, EXIT, formatAddress, usageError } from '../src/index.ts'

/** Longer than any line of the API: a transaction in hexadecimal and, with escapes, as text. */
const MAX_LINE_BYTES = 1024 * 1024
/** A node that does not answer a small question within this time is taken for unreachable. */
const ANSWER_MS = 5_000

export interface Ask {
  readonly method?: 'GET' | 'POST'
  readonly path: string
  readonly accept?: string
  readonly body?: Uint8Array
  /** Breaks off if nothing has come back for so long; default 5 s. */
  readonly silenceMs?: number
}

export const unreachable = (address: Address, cause: unknown): CommandError =>
  new CommandError(
    {
      code: 'E_API_UNREACHABLE',
      message: `no node answers at ${formatAddress(address)} (${reasonOf(cause)})`,
      hint: 'start a testnet with: hearsay testnet   or name the API of a node that runs: --api HOST:PORT',
      exitCode: EXIT.noQuorum,
    },
    { cause },
  )

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  return 'code' in cause ? String(cause.code) : cause.message
}

let token: string | undefined

/** The token that is sent from now on: the one that was given, else that of the environment, else the content of the file it names. */
export function useToken(given: string | undefined): void {
  const { HEARSAY_TOKEN: text = '', HEARSAY_TOKEN_FILE: file = '' } = process.env
  token = given ?? (text === '' ? undefined : text)
  if (token === undefined && file !== '') token = readFileSync(file, 'utf8').trim()
  if (token === undefined || /^[\x21-\x7e]+$/.test(token)) return
  throw usageError('the token has characters that no token has')
}

/** Opens a request; the caller sends the body and ends it. */
export function openRequest(address: Address, ask: Ask, headers: Record<string, string> = {}): ClientRequest {
  const { method = 'GET', path, accept = 'application/json' } = ask
  const { host, port } = address
  const authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` }
  return httpRequest({
    host,
    port,
    path,
    method,
    agent: false,
    headers: { Accept: accept, ...authorization, ...headers },
  })
}

/** The answer as it begins; rejects with a `CommandError` if nobody is there. */
export function answerTo(request: ClientRequest, address: Address): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve)
    // Kept for good: after the answer has begun, the reading of it fails too and tells.
    request.on('error', (error) => reject(unreachable(address, error)))
  })
}

export async function ask(address: Address, question: Ask): Promise<{ status: number; json: unknown }> {
  const request = openRequest(address, question)
  const { silenceMs = ANSWER_MS } = question
  request.setTimeout(silenceMs, () => request.destroy(new Error(`no answer for ${silenceMs / 1_000} s`)))
  const answered = answerTo(request, address)
  request.end(question.body)
  const response = await answered
  const json = await readJson(response, address)
  return { status: response.statusCode ?? 0, json }
}

/** A whole answer of a node. */
export async function readJson(response: IncomingMessage, address: Address): Promise<unknown> {
  try {
    const pieces: Uint8Array[] = []
    for await (const piece of response as AsyncIterable<Uint8Array>) pieces.push(piece)
    const json: unknown = JSON.parse(Buffer.concat(pieces).toString('utf8'))
    if (response.headers['x-net-id'] !== undefined) return json
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw unreachable(address, error)
  }
  throw new CommandError({
    code: 'E_NOT_A_NODE',
    message: `what answers at ${formatAddress(address)} is not a Hearsay node`,
    hint: 'name the API of a node: --api HOST:PORT',
    exitCode: EXIT.noQuorum,
  })
}

/** A refusal by the node as what the command says about it. */
export function problemError(json: unknown, address: Address): CommandError {
  const problem = json as Partial<ProblemJson>
  const code = problem.code ?? 'E_REFUSED'
  const [exitCode, hint] = refusals[code] ?? [EXIT.unexpected, 'see what the node says on its standard error']
  return new CommandError({
    code,
    message: `${formatAddress(address)}: ${problem.detail ?? 'refused'}`,
    hint,
    exitCode,
  })
}

const refusals: Readonly<Record<string, readonly [number, string]>> = {
  E_TOO_LARGE: [EXIT.rejected, 'split it: nothing was submitted'],
  E_POOL_FULL: [EXIT.notFinal, 'nothing was submitted; try again when the waiting ones are final'],
  E_STOPPING: [EXIT.noQuorum, 'nothing was submitted; use another node: --node NAME'],
  E_DISK_FULL: [EXIT.unavailable, 'nothing was submitted; free space on the disk of the node'],
  E_NOT_CERTIFIED: [EXIT.notFinal, 'try again shortly: members sign each round when it is decided'],
  E_REJECTED: [EXIT.rejected, 'nothing was submitted; the application says why'],
  E_TOKEN_NEEDED: [
    EXIT.permissions,
    'name a token: --token TEXT, HEARSAY_TOKEN or HEARSAY_TOKEN_FILE; hearsay token makes one',
  ],
  E_ROLE: [EXIT.permissions, 'use a token with another role: hearsay token --role'],
  E_NOT_FOUND: [EXIT.usage, 'see: hearsay status'],
  E_FOREIGN_HOST: [EXIT.badConfig, 'start the node with --allow-host NAME, or use the address 127.0.0.1'],
  E_TOO_MANY_STREAMS: [EXIT.unavailable, 'end another reader, or use another node: --node NAME'],
}

export async function askStatus(address: Address, silenceMs?: number): Promise<StatusJson> {
  const question: Ask = { path: '/v1/status', ...(silenceMs === undefined ? {} : { silenceMs }) }
  const { status, json } = await ask(address, question)
  if (status !== 200) throw problemError(json, address)
  return json as StatusJson
}

/** The JSON answer to a question that any node can answer. */
export async function askJson(address: Address, path: string): Promise<unknown> {
  const { status, json } = await ask(address, { path })
  if (status !== 200) throw problemError(json, address)
  return json
}

/** An answer of bytes. */
export async function askBytes(address: Address, path: string): Promise<Buffer> {
  const request = openRequest(address, { path, accept: 'application/octet-stream' })
  request.setTimeout(ANSWER_MS, () => request.destroy(new Error(`no answer for ${ANSWER_MS / 1_000} s`)))
  const answered = answerTo(request, address)
  request.end()
  const response = await answered
  if (response.statusCode !== 200) throw problemError(await readJson(response, address), address)
  const pieces: Uint8Array[] = []
  for await (const piece of response as AsyncIterable<Uint8Array>) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** The lines of a streamed answer. */
export async function* linesOf(response: IncomingMessage): AsyncGenerator<Buffer> {
  const splitter = createLineSplitter(MAX_LINE_BYTES)
  for await (const piece of response as AsyncIterable<Uint8Array>) {
    for (const { bytes } of splitter.push(piece)) {
      if (bytes === undefined) throw new Error(`a line of more than ${MAX_LINE_BYTES} bytes`)
      yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    }
  }
}

/** Begins to read a stream of lines; rejects if the node refuses. */
export async function openStream(address: Address, path: string): Promise<IncomingMessage> {
  const request = openRequest(address, { path, accept: 'application/x-ndjson' })
  const answered = answerTo(request, address)
  request.end()
  const response = await answered
  if (response.statusCode === 200) return response
  throw problemError(await readJson(response, address), address)
}
