// Decides how the API is served: which address leads to which handler, who is let in, what bounds hold and how it ends. Handlers
// throw a `Problem` for everything that is the client's to know; any other error is the node's fault and is told as such.
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { statusToJson } from '../src/api-json.ts'
import type { RunningNode } from '../src/api-types.ts'
import { type ApiToken, createAccess } from './access.ts'
import type { Exchange } from './exchange.ts'
import { createGuard, isLoopback } from './guard.ts'
import { createKeyTable } from './idempotency.ts'
import { type ApiLimits, apiLimits } from './limits.ts'
import { type ApiPage, isPagePath, sendPage } from './page.ts'
import { listenFault, Problem, sendProblem, tokensMissing } from './problem.ts'
import { findRoute, type Role } from './routes.ts'
import { createSockets } from './socket.ts'

export interface ApiOptions {
  readonly node: RunningNode
  /** What `GET /v1/genesis` answers: the content of `genesis.json`. */
  readonly genesis: object
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** Host names or addresses, beside those of the loopback interface, under which the API may be addressed. */
  readonly allowedHosts?: readonly string[]
  /** Other origins whose pages may use the API, like `https://app.example`. */
  readonly allowedOrigins?: readonly string[]
  /** Asked of everybody; needed where the API does not listen on the loopback interface only. */
  readonly tokens?: readonly ApiToken[]
  /** What people see at `/`; without it there is only the API. */
  readonly page?: ApiPage
  readonly limits?: Partial<ApiLimits>
  /** Called with errors that are not the client's. */
  readonly onFault?: (error: unknown) => void
}

export interface Api {
  readonly address: { readonly host: string; readonly port: number }
  /** Takes no more requests, ends the streams, gives the others a moment; resolves when all connections are closed. */
  stop(): Promise<void>
}

export async function startServer(options: ApiOptions): Promise<Api> {
  const limits = { ...apiLimits, ...options.limits }
  if (options.tokens === undefined && !isLoopback(options.host)) throw tokensMissing(options)
  const guard = createGuard([options.host, ...(options.allowedHosts ?? [])], options.allowedOrigins ?? [])
  const access = createAccess(options.tokens)
  const mayDo = (headers: IncomingHttpHeaders, role: Role): boolean => {
    try {
      access(headers, role)
      return true
    } catch (error) {
      if (error instanceof Problem) return false
      throw error
    }
  }
  const keys = createKeyTable(limits.idempotencyKeys)
  const networkId = statusToJson(options.node.status()).networkId
  const stopping = new AbortController()
  let streams = 0

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = request.method ?? ''
    const origin = guard(method, request.headers, request.headersDistinct['host'])
    if (origin !== undefined) {
      response.setHeader('Access-Control-Allow-Origin', origin)
      response.setHeader('Access-Control-Expose-Headers', 'X-Net-Id, Retry-After')
      response.setHeader('Vary', 'Origin')
      response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin')
      if (method === 'OPTIONS') return allowCrossing(response)
    }
    const target = request.url ?? ''
    if (!target.startsWith('/')) throw new Problem('E_BAD_REQUEST', 'the target of a request begins with /')
    const at = target.indexOf('?')
    const path = at === -1 ? target : target.slice(0, at)
    if (options.page !== undefined && isPagePath(path)) return sendPage(options.page, method, path, response)
    const { route, parameters } = findRoute(method, path)
    access(request.headers, route.role)
    const query = new URLSearchParams(at === -1 ? '' : target.slice(at + 1))
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    const over = AbortSignal.any([gone.signal, stopping.signal])
    const { node, genesis } = options
    const exchange: Exchange = { node, genesis, limits, keys, request, response, query, parameters, over }
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
  const sockets = createSockets({
    node: options.node,
    limits,
    stopping: stopping.signal,
    admit: (request) => {
      guard('GET', request.headers, request.headersDistinct['host'])
      const headers = withProtocolToken(request.headers)
      access(headers, 'read')
      if (streams >= limits.streams)
        throw new Problem('E_TOO_MANY_STREAMS', `at most ${limits.streams} at a time`, { 'Retry-After': '1' })
      streams += 1
      return { leave: () => void (streams -= 1), maySubmit: mayDo(headers, 'submit') }
    },
  })
  server.on('upgrade', sockets.upgrade)
  const address = await listen(server, options.host, options.port)
  return { address, stop: () => stopServer(server, stopping, limits.stopMs) }
}

/** A browser can give a socket no headers but its protocols: `hearsay.v1, bearer.TOKEN`. */
function withProtocolToken(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const [, token] = /(?:^|[\s,])bearer\.([^\s,]+)/.exec(headers['sec-websocket-protocol'] ?? '') ?? []
  return token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` }
}

/** The answer to a browser that asks whether a page of an allowed origin may send what it is about to send. */
function allowCrossing(response: ServerResponse): void {
  response.writeHead(204, {
    'Access-Control-Allow-Methods': 'GET, POST',
    'Access-Control-Allow-Headers': 'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Accept',
    'Access-Control-Max-Age': '600',
  })
  response.end()
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
