// Decides who gets a WebSocket: a connection goes TCP → TLS 1.3 → key in the roster → HTTP upgrade of our path → link, and whoever
// fails a step gets nothing of the next. The key is looked up as soon as TLS has proved it, so a stranger reaches neither the HTTP
// parser nor ws: it reads "403" and is gone.
import { createServer as createHttpServer, type IncomingMessage, type Server as HttpServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls'
import { WebSocketServer, type WebSocket } from 'ws'
import { type Identity, peerKeyOf } from './certificate.ts'
import { listenError } from './errors.ts'
import { createHalfOpenTable, type HalfOpen, type HalfOpenTable } from './half-open.ts'
import type { TransportLimits } from './limits.ts'
import { type Counters, type Refusal, refusalOfTls } from './refusals.ts'
import type { PeerAddress, Roster } from './roster.ts'
import { nowMs } from './sweep.ts'
import { frameOptions, PATH } from './web-socket.ts'

export interface Server {
  address(): { host: string; port: number }
  expire(nowMs: number): void
  /** No more connections; half-open ones end at once. Resolves when the last accepted connection is gone. */
  close(): Promise<void>
}

export interface ServerRules {
  readonly limits: TransportLimits
  readonly counters: Counters
  readonly identity: Identity
  readonly roster: () => Roster
  readonly expected: (host: string | undefined) => number
  readonly open: (memberId: number, ws: WebSocket, socket: Socket) => void
}

interface Admission {
  readonly rules: ServerRules
  readonly halfOpen: HalfOpenTable
  /** Connections whose key is a member's: the only ones that the HTTP server ever sees. */
  readonly members: WeakMap<Duplex, { readonly entry: HalfOpen; readonly peer: PeerAddress }>
}

const STATUS: Partial<Record<Refusal, string>> = { 'bad-upgrade': '400 Bad Request' }

function refuse(admission: Admission, socket: Duplex, entry: HalfOpen, reason: Refusal): void {
  admission.halfOpen.refuse(entry, reason, nowMs())
  // Read on for a moment: destroying a socket with unread bytes resets it, and the answer would be lost on the way.
  let bytes = 0
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > admission.rules.limits.maxHeaderBytes) socket.destroy()
  })
  socket.end(
    `HTTP/1.1 ${STATUS[reason] ?? '403 Forbidden'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
  )
}

function identify(admission: Admission, socket: TLSSocket): { peer: PeerAddress } | { reason: Refusal } {
  const roster = admission.rules.roster()
  const key = peerKeyOf(socket)
  if (key === undefined) return { reason: 'no-certificate' }
  if (roster.isOwnKey(key)) return { reason: 'own-key' }
  const peer = roster.byKey(key)
  return peer === undefined ? { reason: 'not-in-roster' } : { peer }
}

function onSecure(admission: Admission, http: HttpServer, socket: TLSSocket): void {
  socket.on('error', () => socket.destroy())
  const entry = admission.halfOpen.find(socket)
  // It has been dropped, or has hung up, in the meantime.
  if (entry === undefined || entry.refused) return void socket.destroy()
  const found = identify(admission, socket)
  if ('reason' in found) return refuse(admission, socket, entry, found.reason)
  admission.members.set(socket, { entry, peer: found.peer })
  http.emit('connection', socket)
}

function onUpgrade(
  admission: Admission,
  sockets: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const member = admission.members.get(socket)
  if (member === undefined) return void socket.destroy()
  const { entry, peer } = member
  if (entry.refused) return void socket.destroy()
  if (request.url !== PATH) return refuse(admission, socket, entry, 'bad-upgrade')
  // The roster may have changed since the key was looked up.
  if (admission.rules.roster().byKey(peer.publicKey)?.memberId !== peer.memberId) {
    return refuse(admission, socket, entry, 'not-in-roster')
  }
  sockets.handleUpgrade(request, socket, head, (ws) => {
    admission.halfOpen.settle(entry)
    admission.rules.open(peer.memberId, ws, socket as TLSSocket)
  })
}

/** HTTP for members only, on connections handed over one by one. It never listens, so it has no timers: ours cover it. */
function createUpgrader(admission: Admission): HttpServer {
  const { limits } = admission.rules
  const sockets = new WebSocketServer({ noServer: true, clientTracking: false, ...frameOptions(limits) })
  const http = createHttpServer({ maxHeaderSize: limits.maxHeaderBytes, insecureHTTPParser: false })
  const bad = (socket: Duplex): void => {
    const member = admission.members.get(socket)
    if (member === undefined) socket.destroy()
    else refuse(admission, socket, member.entry, 'bad-upgrade')
  }
  http.on('upgrade', (request, socket, head) => onUpgrade(admission, sockets, request, socket, head))
  http.on('request', (request) => bad(request.socket))
  http.on('connect', (_request, socket) => bad(socket))
  http.on('clientError', (_error, socket) => bad(socket))
  sockets.on('wsClientError', (_error, socket) => bad(socket))
  return http
}

function listen(server: TlsServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(listenError(error, host, port))
    server.once('error', failed)
    server.listen({ host, port }, () => {
      server.off('error', failed)
      resolve()
    })
  })
}

export async function startServer(rules: ServerRules, host: string, port: number): Promise<Server> {
  const { limits, counters, identity } = rules
  const halfOpen = createHalfOpenTable(rules)
  const admission: Admission = { rules, halfOpen, members: new WeakMap() }
  const http = createUpgrader(admission)
  const server = createTlsServer({
    key: identity.privateKey,
    cert: identity.certificate,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    sigalgs: 'ed25519',
    requestCert: true,
    // There is no authority that could sign; the key itself is looked up, and TLS has it proved in any case.
    rejectUnauthorized: false,
    noDelay: true,
  })
  server.maxConnections = limits.maxConnections
  server.on('connection', (socket) => {
    counters.count('accepted')
    socket.on('error', () => socket.destroy())
    halfOpen.admit(socket, nowMs())
  })
  server.on('drop', () => counters.count('too-many-connections'))
  server.on('tlsClientError', (error, socket) => {
    const entry = halfOpen.find(socket)
    if (entry !== undefined) halfOpen.refuse(entry, refusalOfTls(error), nowMs())
    socket.destroy()
  })
  server.on('secureConnection', (socket) => onSecure(admission, http, socket))
  await listen(server, host, port)
  // After listening an error is one of `accept` (no more file descriptors): the next connection may do better.
  server.on('error', () => counters.count('too-many-connections'))
  const bound = server.address() as AddressInfo
  return {
    address: () => ({ host: bound.address, port: bound.port }),
    expire: halfOpen.expire,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        halfOpen.destroyAll()
      }),
  }
}
