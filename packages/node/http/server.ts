// Decides how the API is served: which address leads to which handler, who is let in, what bounds hold and how it ends. Handlers
// throw a `Problem` for everything that is the client's to know; any other error is the node's fault and is told as such.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { statusToJson } from '../src/api-json.ts'
import type { RunningNode } from '../src/api-types.ts'
import { postBatch } from './batch.ts'
import { type Exchange, sendJson, wantsLines } from './exchange.ts'
import { createGuard } from './guard.ts'
import { type ApiLimits, apiLimits } from './limits.ts'
import { getLog } from './log.ts'
import { listenFault, Problem, sendProblem } from './problem.ts'
import { postTransaction } from './transaction.ts'

export interface ApiOptions {
  readonly node: RunningNode
  /** What `GET /v1/genesis` answers: the content of `genesis.json`. */
  readonly genesis: object
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** Host names or addresses, beside those of the loopback interface, under which the API may be addressed. */
  readonly allowedHosts?: readonly string[]
  readonly limits?: Partial<ApiLimits>
  /** Called with errors that are not the client's. */
  readonly onFault?: (error: unknown) => void
}

export interface Api {
  readonly address: { readonly host: string; readonly port: number }
  /** Takes no more requests, ends the streams, gives the others a moment; resolves when all connections are closed. */
  stop(): Promise<void>
}

interface Route {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Counted among the streams, of which there is a bounded number. */
  readonly isStream?: (exchange: Exchange) => boolean
  readonly handle: (exchange: Exchange) => Promise<void> | void
}

const routes: readonly Route[] = [
  { method: 'POST', path: '/v1/tx', handle: postTransaction },
  { method: 'POST', path: '/v1/tx/batch', handle: postBatch, isStream: () => true },
  { method: 'GET', path: '/v1/log', handle: getLog, isStream: ({ request }) => wantsLines(request) },
  { method: 'GET', path: '/v1/status', handle: (it) => sendJson(it, 200, statusToJson(it.node.status())) },
  { method: 'GET', path: '/v1/genesis', handle: (it) => sendJson(it, 200, it.genesis) },
  { method: 'GET', path: '/healthz', handle: getHealth },
  { method: 'GET', path: '/readyz', handle: getReadiness },
]

function getHealth(exchange: Exchange): void {
  const { state, reason } = exchange.node.status()
  if (state === 'failed') throw new Problem('E_NOT_READY', reason ?? 'the node has failed')
  sendJson(exchange, 200, { state })
}

function getReadiness(exchange: Exchange): void {
  const { state, reason } = exchange.node.status()
  if (state !== 'active') throw new Problem('E_NOT_READY', `${state}: ${reason ?? 'not active yet'}`)
  sendJson(exchange, 200, { state })
}

function findRoute(method: string, path: string): Route {
  const here = routes.filter((route) => route.path === path)
  if (here.length === 0)
    throw new Problem('E_NOT_FOUND', `${path}: see ${routes.map((r) => r.path).join(', ')}`)
  const asked = method === 'HEAD' ? 'GET' : method
  const route = here.find((candidate) => candidate.method === asked)
  const allow = here.map((candidate) => candidate.method).join(', ')
  if (route === undefined) throw new Problem('E_METHOD', `${method} ${path}: only ${allow}`, { Allow: allow })
  return route
}

export async function startServer(options: ApiOptions): Promise<Api> {
  const limits = { ...apiLimits, ...options.limits }
  const guard = createGuard([options.host, ...(options.allowedHosts ?? [])])
  const networkId = statusToJson(options.node.status()).networkId
  const stopping = new AbortController()
  let streams = 0

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = request.method ?? ''
    guard(method, request.headers, request.headersDistinct['host'])
    const target = request.url ?? ''
    if (!target.startsWith('/')) throw new Problem('E_BAD_REQUEST', 'the target of a request begins with /')
    const at = target.indexOf('?')
    const route = findRoute(method, at === -1 ? target : target.slice(0, at))
    const query = new URLSearchParams(at === -1 ? '' : target.slice(at + 1))
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    const over = AbortSignal.any([gone.signal, stopping.signal])
    const { node, genesis } = options
    const exchange: Exchange = { node, genesis, limits, request, response, query, over }
    if (route.isStream?.(exchange) !== true) return route.handle(exchange)
    if (streams >= limits.streams)
      throw new Problem('E_TOO_MANY_STREAMS', `at most ${limits.streams} at a time`, { 'Retry-After': '1' })
    streams += 1
    try {
      await route.handle(exchange)
    } finally {
      streams -= 1
    }
  }

  const server = createServer(
    {
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
      // A batch may take as long as it takes; each handler that reads a body bounds the time for it.
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveMs,
      maxHeaderSize: limits.headerBytes,
    },
    (request, response) => {
      response.setHeader('X-Net-Id', networkId)
      response.setHeader('Cache-Control', 'no-store')
      response.setHeader('X-Content-Type-Options', 'nosniff')
      response.setHeader('Cross-Origin-Resource-Policy', 'same-origin')
      answer(request, response).catch((error: unknown) => {
        if (!(error instanceof Problem)) options.onFault?.(error)
        // Half an answer cannot become an error answer: breaking off is all that tells the client that it is not whole.
        if (response.headersSent) response.destroy()
        else if (error instanceof Problem) sendProblem(response, error)
        else sendProblem(response, new Problem('E_INTERNAL', 'see the log of the node'))
      })
    },
  )
  server.maxConnections = limits.connections
  const address = await listen(server, options.host, options.port)
  return { address, stop: () => stopServer(server, stopping, limits.stopMs) }
}

function listen(server: Server, host: string, port: number): Promise<{ host: string; port: number }> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenFault(error, { host, port })))
    server.listen({ host: host.replace(/^\[(.*)\]$/, '$1'), port, exclusive: true }, () => {
      resolve({ host, port: (server.address() as AddressInfo).port })
    })
  })
}

function stopServer(server: Server, stopping: AbortController, stopMs: number): Promise<void> {
  return new Promise((resolve) => {
    // Called with an error only if the server does not listen any more, which is what is wanted.
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    stopping.abort()
    server.closeIdleConnections()
    const timer = setTimeout(() => server.closeAllConnections(), stopMs)
  })
}
