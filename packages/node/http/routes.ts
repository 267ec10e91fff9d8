// Decides which address leads to which handler, what role it asks for, and which of them hold a connection for long.
import { statusToJson } from '../src/api-json.ts'
import { postBatch } from './batch.ts'
import { getEvents } from './events.ts'
import { type Exchange, sendJson, wantsEvents, wantsLines } from './exchange.ts'
import { getLog } from './log.ts'
import { getProof, getQuery, getTransaction } from './lookup.ts'
import { getMetrics } from './metrics.ts'
import { openApi } from './open-api.ts'
import { Problem } from './problem.ts'
import { postPacked, postTransaction } from './transaction.ts'

/** What a token lets its bearer do; each includes the ones before. `none` needs no token even where tokens are asked for. */
export type Role = 'none' | 'read' | 'submit' | 'admin'

export interface Route {
  readonly method: 'GET' | 'POST'
  /** A segment in braces stands for anything but a slash. */
  readonly path: string
  readonly role: Role
  /** Counted among the streams, of which there is a bounded number. */
  readonly isStream?: (exchange: Exchange) => boolean
  readonly handle: (exchange: Exchange) => Promise<void> | void
}

const isPacked = ({ request }: Exchange): boolean =>
  request.headers['content-type'] === 'application/octet-stream'

const isStreamed = ({ request }: Exchange): boolean => wantsLines(request) || wantsEvents(request)

const routes: readonly Route[] = [
  { method: 'POST', path: '/v1/tx', role: 'submit', handle: postTransaction },
  {
    method: 'POST',
    path: '/v1/tx/batch',
    role: 'submit',
    handle: (it) => (isPacked(it) ? postPacked(it) : postBatch(it)),
    isStream: (it) => !isPacked(it),
  },
  { method: 'GET', path: '/v1/tx/{id}', role: 'read', handle: getTransaction },
  { method: 'GET', path: '/v1/tx/{id}/proof', role: 'read', handle: getProof },
  { method: 'GET', path: '/v1/log', role: 'read', handle: getLog, isStream: isStreamed },
  { method: 'GET', path: '/v1/events', role: 'read', handle: getEvents, isStream: () => true },
  { method: 'GET', path: '/v1/query', role: 'read', handle: getQuery },
  {
    method: 'GET',
    path: '/v1/status',
    role: 'read',
    handle: (it) => sendJson(it, 200, statusToJson(it.node.status())),
  },
  {
    method: 'GET',
    path: '/v1/peers',
    role: 'read',
    handle: (it) => sendJson(it, 200, it.node.network().peers),
  },
  { method: 'GET', path: '/v1/net', role: 'read', handle: (it) => sendJson(it, 200, it.node.network().net) },
  {
    method: 'GET',
    path: '/v1/evidence',
    role: 'read',
    handle: (it) => sendJson(it, 200, it.node.network().evidence),
  },
  { method: 'GET', path: '/v1/genesis', role: 'read', handle: (it) => sendJson(it, 200, it.genesis) },
  { method: 'GET', path: '/healthz', role: 'none', handle: getHealth },
  { method: 'GET', path: '/readyz', role: 'none', handle: getReadiness },
  { method: 'GET', path: '/metrics', role: 'read', handle: getMetrics },
  { method: 'GET', path: '/openapi.json', role: 'none', handle: (it) => sendJson(it, 200, openApi) },
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

/** What stands for the segments in braces; undefined if the path is another one. */
function match(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const wanted = pattern.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return undefined
  const found: Record<string, string> = {}
  for (const [i, segment] of wanted.entries()) {
    if (segment.startsWith('{')) found[segment.slice(1, -1)] = given[i]!
    else if (segment !== given[i]) return undefined
  }
  return found
}

export interface FoundRoute {
  readonly route: Route
  readonly parameters: Readonly<Record<string, string>>
}

export function findRoute(method: string, path: string): FoundRoute {
  const exact = routes.filter((route) => route.path === path)
  const here = exact.length > 0 ? exact : routes.filter((route) => match(route.path, path) !== undefined)
  if (here.length === 0)
    throw new Problem('E_NOT_FOUND', `${path}: see ${routes.map((r) => r.path).join(', ')}`)
  const asked = method === 'HEAD' ? 'GET' : method
  const route = here.find((candidate) => candidate.method === asked)
  const allow = here.map((candidate) => candidate.method).join(', ')
  if (route === undefined) throw new Problem('E_METHOD', `${method} ${path}: only ${allow}`, { Allow: allow })
  return { route, parameters: match(route.path, path) ?? {} }
}
