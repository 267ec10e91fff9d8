// Decides what a client is told when it does not get what it asked for: one code for each cause, RFC 9457 in form.
import type { ServerResponse } from 'node:http'
import type { ProblemJson } from '../src/api-json.ts'

export type ProblemCode =
  | 'E_BAD_REQUEST'
  | 'E_TOKEN_NEEDED'
  | 'E_ROLE'
  | 'E_FOREIGN_HOST'
  | 'E_FOREIGN_ORIGIN'
  | 'E_NOT_FOUND'
  | 'E_METHOD'
  | 'E_OTHER_BYTES'
  | 'E_NOT_CERTIFIED'
  | 'E_QUERY'
  | 'E_SLOW_BODY'
  | 'E_TOO_LARGE'
  | 'E_REJECTED'
  | 'E_POOL_FULL'
  | 'E_INTERNAL'
  | 'E_NOT_READY'
  | 'E_STOPPING'
  | 'E_DISK_FULL'
  | 'E_TOO_MANY_STREAMS'

/** Every problem that there is; the OpenAPI document lists them. */
export const problems: Readonly<Record<ProblemCode, readonly [status: number, title: string]>> = {
  E_BAD_REQUEST: [400, 'The request cannot be understood'],
  E_TOKEN_NEEDED: [401, 'This API asks for a token'],
  E_ROLE: [403, 'The token does not allow that'],
  E_FOREIGN_HOST: [403, 'This server does not answer to that host name'],
  E_FOREIGN_ORIGIN: [403, 'Pages of other origins may not use this API'],
  E_NOT_FOUND: [404, 'There is nothing at this address'],
  E_METHOD: [405, 'This address does not know that method'],
  E_OTHER_BYTES: [409, 'The same key was used for another transaction'],
  E_NOT_CERTIFIED: [425, 'No certificate covers it yet'],
  E_QUERY: [422, 'The application cannot answer that'],
  E_SLOW_BODY: [408, 'The body did not arrive in time'],
  E_TOO_LARGE: [413, 'The transaction is too large'],
  E_REJECTED: [422, 'The application refuses the transaction'],
  E_POOL_FULL: [429, 'The pool of transactions that wait is full'],
  E_INTERNAL: [500, 'The node failed to answer'],
  E_NOT_READY: [503, 'The node is not ready'],
  E_STOPPING: [503, 'The node is stopping'],
  E_DISK_FULL: [503, 'The disk of the node is full'],
  E_TOO_MANY_STREAMS: [503, 'Too many streams at a time'],
}

/** Thrown by handlers and by what they call; the server turns it into the answer. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ProblemCode, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail)
    this.name = 'Problem'
    this.code = code
    this.headers = headers
  }
}

export function problemJson(problem: Problem): Omit<ProblemJson, 'type'> {
  const [status, title] = problems[problem.code]
  return { title, status, detail: problem.message, code: problem.code }
}

const bodyOf = (problem: Problem): string => {
  const type = `urn:hearsay:problem:${problem.code.slice(2).toLowerCase().replaceAll('_', '-')}`
  const body: ProblemJson = { type, ...problemJson(problem) }
  return `${JSON.stringify(body)}\n`
}

/** Answers with the problem. The connection is closed if the request's body was not read to its end. */
export function sendProblem(response: ServerResponse, problem: Problem): void {
  if (!response.req.complete) response.setHeader('Connection', 'close')
  const headers = { 'Content-Type': 'application/problem+json', ...problem.headers }
  response.writeHead(problems[problem.code][0], headers)
  response.end(bodyOf(problem))
}

/** The whole answer, where there is only a bare connection to send it on. */
export function problemHead(problem: Problem): string {
  const [status, title] = problems[problem.code]
  const body = bodyOf(problem)
  const headers = Object.entries(problem.headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return (
    `HTTP/1.1 ${status} ${title}\r\nContent-Type: application/problem+json\r\n${headers.join('')}` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
  )
}

/** The API could not be started. */
export class ApiError extends Error {
  readonly code: string
  readonly hint: string
  readonly exitCode: number
  readonly host: string
  readonly port: number

  constructor(
    code: string,
    message: string,
    hint: string,
    at: { host: string; port: number },
    cause: unknown,
  ) {
    super(message, { cause })
    this.name = 'ApiError'
    this.code = code
    this.hint = hint
    this.exitCode = 69
    this.host = at.host
    this.port = at.port
  }
}

/** The API would be open to whoever can reach it. */
export function tokensMissing(at: { host: string; port: number }): ApiError {
  return new ApiError(
    'E_TOKENS_MISSING',
    `the API would listen on ${at.host} without asking for tokens`,
    'make tokens.json in the data directory (hearsay token), or listen on 127.0.0.1',
    at,
    undefined,
  )
}

/** What went wrong when listening, in the operator's words. */
export function listenFault(cause: unknown, at: { host: string; port: number }): ApiError {
  const place = `${at.host}:${at.port}`
  const system = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  switch (system) {
    case 'EADDRINUSE':
      return new ApiError(
        'E_PORT_IN_USE',
        `${place} is already in use`,
        'choose another port for the API, or stop the other program',
        at,
        cause,
      )
    case 'EACCES':
      return new ApiError(
        'E_LISTEN_DENIED',
        `may not listen on ${place}`,
        'choose a port from 1024 on',
        at,
        cause,
      )
    default:
      return new ApiError(
        'E_LISTEN_FAILED',
        `cannot listen on ${place} (${system})`,
        'use an address of this machine, 127.0.0.1 for instance',
        at,
        cause,
      )
  }
}
