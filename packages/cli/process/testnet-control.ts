// Decides who may do something to a running testnet, and how: HTTP on the loopback interface, one address, with a token that lies
// beside the keys (`control.json`, mode 0600). Pages of the testnet's own nodes may use it too, with that token.
//
//   GET  /v1/net   the state (NetState)
//   POST /v1/net   an order (NetOrder); answers with the state afterwards
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileDurable } from '@hearsay/node/disk'
import { type ControlFile, LOOPBACK, type NetMember, orderFromJson } from '../src/index.ts'
import type { TestnetFaults } from './testnet-faults.ts'

export const CONTROL_FILE = 'control.json'
const MAX_BODY_BYTES = 16_384

export interface Control {
  readonly control: ControlFile
  stop(): Promise<void>
}

interface Answer {
  readonly status: number
  readonly json: object
}

const problem = (status: number, code: string, detail: string): Answer => ({
  status,
  json: {
    type: `urn:hearsay:problem:${code.slice(2).toLowerCase().replaceAll('_', '-')}`,
    status,
    detail,
    code,
  },
})

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of request as AsyncIterable<Uint8Array>) {
    size += piece.length
    if (size > MAX_BODY_BYTES) return undefined
    pieces.push(piece)
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** The pages that the nodes of this testnet serve. */
function isOwnPage(origin: string, nodes: readonly NetMember[]): boolean {
  return nodes.some(({ api }) =>
    [LOOPBACK, 'localhost'].some((host) => origin === `http://${host}:${api.port}`),
  )
}

export async function startControl(dir: string, faults: TestnetFaults): Promise<Control> {
  const token = randomBytes(32).toString('base64url')
  const expected = Buffer.from(`Bearer ${token}`)

  function isKnown(request: IncomingMessage): boolean {
    const given = Buffer.from(request.headers.authorization ?? '')
    return given.length === expected.length && timingSafeEqual(given, expected)
  }

  async function answer(request: IncomingMessage): Promise<Answer> {
    if (!isKnown(request)) return problem(401, 'E_TOKEN_NEEDED', `the token is in ${CONTROL_FILE}`)
    if (request.url !== '/v1/net') return problem(404, 'E_NOT_FOUND', 'there is only /v1/net')
    if (request.method === 'POST') {
      const { nodes } = faults.state()
      const order = orderFromJson(
        await bodyOf(request),
        nodes.map(({ name }) => name),
      )
      if (typeof order === 'string') return problem(400, 'E_BAD_REQUEST', order)
      try {
        await faults.carryOut(order)
      } catch (error) {
        return problem(409, 'E_NOT_DONE', error instanceof Error ? error.message : String(error))
      }
    } else if (request.method !== 'GET') return problem(405, 'E_METHOD', 'GET and POST')
    return { status: 200, json: faults.state() }
  }

  /** Whether the request may be looked at; says to a browser what its page may do. */
  function admit(request: IncomingMessage, response: ServerResponse): boolean {
    const { port } = server.address() as AddressInfo
    const { host, origin } = request.headers
    if (host !== `${LOOPBACK}:${port}` && host !== `localhost:${port}`) return false
    if (origin === undefined) return true
    if (!isOwnPage(origin, faults.state().nodes)) return false
    response.setHeader('Access-Control-Allow-Origin', origin)
    response.setHeader('Vary', 'Origin')
    response.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type')
    response.setHeader('Access-Control-Allow-Methods', 'GET, POST')
    return true
  }

  const server = createServer((request, response) => {
    const send = ({ status, json }: Answer): void => {
      response.writeHead(status, {
        'Content-Type': status === 200 ? 'application/json' : 'application/problem+json',
        'Cache-Control': 'no-store',
      })
      response.end(`${JSON.stringify(json)}\n`)
    }
    if (!admit(request, response)) {
      send(problem(403, 'E_FOREIGN_ORIGIN', 'only pages of this testnet, under its own address'))
    } else if (request.method === 'OPTIONS') {
      response.writeHead(204).end()
    } else {
      answer(request).then(send, (error: unknown) => send(problem(500, 'E_INTERNAL', String(error))))
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: LOOPBACK, port: 0 }, resolve)
  })
  const { port } = server.address() as AddressInfo
  const control: ControlFile = { hearsay: 'control', url: `http://${LOOPBACK}:${port}/v1/net`, token }
  const path = join(dir, CONTROL_FILE)
  writeFileDurable(path, new TextEncoder().encode(`${JSON.stringify(control)}\n`), 0o600)
  return {
    control,
    stop: async () => {
      rmSync(path, { force: true })
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}
