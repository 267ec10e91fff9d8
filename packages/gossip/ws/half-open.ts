// Decides how much a stranger gets: a place in a small table for a short time. A connection is half-open from `accept` until its
// link opens. When there are too many, the OLDEST one goes and the newest comes in: an honest handshake takes milliseconds, so it
// is over before it is the oldest, while idle sockets always are. (Refusing the newest would let 16 idle sockets lock everybody
// out for a whole deadline.) What a stranger can make us hold is one TLS handshake: OpenSSL takes a certificate message of at most
// 100 KiB, and neither an HTTP parser nor a WebSocket exists before the key was found in the roster.
import type { Socket } from 'node:net'
import type { TransportLimits } from './limits.ts'
import type { Counters, Refusal } from './refusals.ts'
import { plainHost } from './roster.ts'

export interface HalfOpen {
  readonly place: string
  readonly host: string
  deadlineMs: number
  readonly socket: Socket
  /** A connection is counted once, for the first reason that it gave. */
  refused: boolean
}

export interface HalfOpenTable {
  admit(socket: Socket, nowMs: number): void
  /** The entry of a connection, found by the address of its other end: TLS wraps the socket in another object. */
  find(socket: Socket): HalfOpen | undefined
  /** Counts the reason. The connection stays in its place until it is gone. */
  refuse(entry: HalfOpen, reason: Refusal, nowMs: number): void
  /** Its link has opened. */
  settle(entry: HalfOpen): void
  expire(nowMs: number): void
  destroyAll(): void
  size(): number
}

export interface HalfOpenRules {
  readonly limits: TransportLimits
  readonly counters: Counters
  /** How many members without a link are said to live at this host, and how many there are altogether. */
  readonly expected: (host: string | undefined) => number
}

const placeOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`

export function createHalfOpenTable(rules: HalfOpenRules): HalfOpenTable {
  const { limits, counters, expected } = rules
  /** In order of arrival. */
  const entries = new Map<string, HalfOpen>()

  const refuse = (entry: HalfOpen, reason: Refusal, nowMs: number): void => {
    if (entry.refused) return
    entry.refused = true
    // Time to read the refusal, not more.
    entry.deadlineMs = Math.min(entry.deadlineMs, nowMs + limits.closeWithinMs)
    counters.count(reason)
  }

  const dropOldest = (host: string | undefined, allowed: number, nowMs: number): void => {
    let oldest: HalfOpen | undefined
    let count = 0
    for (const entry of entries.values()) {
      if (host !== undefined && entry.host !== host) continue
      oldest ??= entry
      count += 1
    }
    if (oldest === undefined || count <= allowed) return
    refuse(oldest, 'too-many-connections', nowMs)
    entries.delete(oldest.place)
    oldest.socket.destroy()
  }

  return {
    admit: (socket, nowMs) => {
      const host = plainHost(socket.remoteAddress)
      const place = placeOf(socket)
      const deadlineMs = nowMs + limits.handshakeWithinMs
      const entry: HalfOpen = { place, host, deadlineMs, socket, refused: false }
      entries.set(place, entry)
      socket.once('close', () => {
        if (entries.get(place) !== entry) return
        entries.delete(place)
        if (!entry.refused) counters.count('handshake-aborted')
      })
      dropOldest(host, limits.maxUnauthenticatedPerHost + expected(host), nowMs)
      dropOldest(undefined, limits.maxUnauthenticated + expected(undefined), nowMs)
    },
    find: (socket) => entries.get(placeOf(socket)),
    refuse,
    settle: (entry) => {
      if (entries.get(entry.place) === entry) entries.delete(entry.place)
    },
    expire: (nowMs) => {
      for (const entry of entries.values()) {
        if (nowMs < entry.deadlineMs) continue
        refuse(entry, 'handshake-timeout', nowMs)
        entry.socket.destroy()
      }
    },
    destroyAll: () => {
      for (const entry of entries.values()) {
        entry.refused = true
        entry.socket.destroy()
      }
    },
    size: () => entries.size,
  }
}
