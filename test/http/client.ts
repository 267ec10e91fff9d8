// Plain requests to a server on the loopback interface, with any header and as slow as a test wants.
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { connect } from 'node:net'

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  readonly json: () => Record<string, unknown>
  readonly lines: () => Record<string, unknown>[]
}

export interface Request {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string | Uint8Array
}

export function open(
  port: number,
  path: string,
  { method = 'GET', headers = {} }: Request = {},
): ClientRequest {
  return httpRequest({ host: '127.0.0.1', port, path, method, headers, agent: false })
}

export function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve).once('error', reject)
  })
}

export async function readAll(response: IncomingMessage): Promise<Answer> {
  const pieces: Buffer[] = []
  for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece)
  const text = Buffer.concat(pieces).toString('utf8')
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    json: () => JSON.parse(text) as Record<string, unknown>,
    lines: () =>
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

export async function ask(port: number, path: string, options: Request = {}): Promise<Answer> {
  const request = open(port, path, options)
  const answered = answerOf(request)
  request.end(options.body)
  return readAll(await answered)
}

/** Sends text over a bare socket and gives all that comes back until the server closes. */
export function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    let back = ''
    socket.setEncoding('utf8')
    socket.on('data', (piece) => (back += piece))
    socket.on('close', () => resolve(back))
    socket.on('error', reject)
  })
}

/** Waits for a condition that will hold; the test's own timeout is the only limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}
