// Decides the life of links: one for each member, the newest authenticated connection wins, and every end has a reason.
// A link is a WebSocket over an authenticated TLS connection. Numbers of links are never used again.
//
// Bounds: what a peer can make us hold is one frame being received (limits.maxFrame…) and what it leaves unread
// (limits.maxBufferedBytes). The caller should stop at its own, lower mark and go on at `drained`.
import type { Socket } from 'node:net'
import type { RawData, WebSocket } from 'ws'
import { TransportError } from './errors.ts'
import type { LinkFigures, TransportEvent } from './events.ts'
import type { TransportLimits } from './limits.ts'
import { createLink, faultOf, type Link } from './link.ts'
import { type Counters, isRefusal, type Refusal } from './refusals.ts'
import { nowMs } from './sweep.ts'

export interface LinkTable {
  open(memberId: number, ws: WebSocket, socket: Socket): void
  send(link: number, frame: Uint8Array): void
  bufferedBytes(link: number): number
  close(link: number, reason: string): void
  closeMember(memberId: number, reason: Refusal | 'moved'): void
  hasMember(memberId: number): boolean
  sweep(nowMs: number): void
  figures(): readonly LinkFigures[]
  /** Ends every link politely … */
  closeAll(reason: string): void
  /** … and what has not ended by itself at once. */
  destroyAll(): void
  /** Resolves when no socket of a link is left. */
  gone(): Promise<void>
}

export interface LinkOwner {
  readonly limits: TransportLimits
  readonly counters: Counters
  readonly emit: (event: TransportEvent) => void
  readonly onClosed: (memberId: number, livedMs: number) => void
}

interface Table extends LinkOwner {
  readonly byNumber: Map<number, Link>
  readonly byMember: Map<number, Link>
  /** Of links, and of those whose closing handshake is still under way. */
  readonly sockets: Set<WebSocket>
  readonly corked: Link[]
  lastNumber: number
  onGone: (() => void) | undefined
}

const BINARY = { binary: true, compress: false, fin: true }

/** RFC 6455 §7.4.1; whatever breaks no rule is 1001, "going away". */
const CLOSE_CODES: Partial<Record<string, number>> = { 'text-frame': 1003, 'not-in-roster': 1008 }

/** A peer that does not read, or does not answer, would not read a farewell either. */
const ABRUPT: ReadonlySet<string> = new Set(['slow-reader', 'silent', 'replaced'])

function faultOfError(error: Error): Refusal {
  switch ((error as { code?: unknown }).code) {
    case 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH':
    case 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH':
      return 'oversized-frame'
    case 'WS_ERR_TOO_MANY_BUFFERED_PARTS':
      return 'fragmented-frame'
    default:
      return 'protocol-error'
  }
}

/** A peer's words are repeated only when they look like a reason of ours, and are never a metric label. */
function reasonByPeer(words: string): string {
  return /^[a-z0-9-]{1,60}$/.test(words) ? `by-peer:${words}` : 'by-peer'
}

function retire(table: Table, link: Link, reason: string): void {
  if (link.closed) return
  link.closed = true
  table.byNumber.delete(link.link)
  if (table.byMember.get(link.memberId) === link) table.byMember.delete(link.memberId)
  if (isRefusal(reason)) table.counters.count(reason)
  table.counters.count('closed')
  if (ABRUPT.has(reason)) link.ws.terminate()
  else link.ws.close(CLOSE_CODES[reason] ?? 1001, reason.slice(0, 60))
  table.onClosed(link.memberId, nowMs() - link.openedMs)
  table.emit({ kind: 'closed', link: link.link, memberId: link.memberId, reason })
}

/** Ends are told by ws in two ways: an error (a broken rule) comes first and names it, `close` comes always and last. */
function watch(table: Table, link: Link): void {
  const { ws } = link
  table.sockets.add(ws)
  ws.on('message', (data: RawData, isBinary: boolean) => {
    if (link.closed) return
    if (!isBinary) return retire(table, link, 'text-frame')
    const { buffer, byteOffset, byteLength } = data as Buffer
    link.framesIn += 1
    link.bytesIn += byteLength
    // Not a Buffer: its slice() shares memory where that of a Uint8Array copies, and a reader would be caught by that.
    table.emit({ kind: 'frame', link: link.link, bytes: new Uint8Array(buffer, byteOffset, byteLength) })
  })
  ws.on('error', (error) => retire(table, link, faultOfError(error)))
  ws.on('close', (code, words) => {
    table.sockets.delete(ws)
    if (table.sockets.size === 0) table.onGone?.()
    if (link.closed) return
    // 1006: the connection ended without a farewell.
    const lost = code === 1006
    table.counters.count(lost ? 'connection-lost' : 'closed-by-peer')
    retire(table, link, lost ? 'connection-lost' : reasonByPeer(words.toString('latin1')))
  })
}

function openLink(table: Table, memberId: number, ws: WebSocket, socket: Socket): void {
  const older = table.byMember.get(memberId)
  table.lastNumber += 1
  const link = createLink(table.lastNumber, memberId, ws, socket, nowMs())
  link.onWritten = () => {
    if (!link.congested || link.closed || ws.bufferedAmount >= table.limits.drainedBelowBytes) return
    link.congested = false
    table.emit({ kind: 'drained', link: link.link })
  }
  table.byNumber.set(link.link, link)
  table.byMember.set(memberId, link)
  watch(table, link)
  // Only now: at no moment does the member seem to be without a link, and to be dialled for it.
  if (older !== undefined) retire(table, older, 'replaced')
  table.counters.count('opened')
  table.emit({ kind: 'opened', link: link.link, memberId })
}

/** Frames sent in one turn leave in one write, hence in few TLS records; the turn's end is never waited for longer than it lasts. */
function uncorkAll(table: Table): void {
  for (const link of table.corked.splice(0)) {
    link.corked = false
    link.socket.uncork()
  }
}

function sendFrame(table: Table, number: number, frame: Uint8Array): void {
  const { limits } = table
  if (frame.byteLength > limits.maxFrameBytes) {
    throw new TransportError(
      'E_FRAME_TOO_LARGE',
      `a frame of ${frame.byteLength} bytes was to be sent`,
      `link ${number}`,
      `Send at most ${limits.maxFrameBytes} bytes: the other side would close the link.`,
    )
  }
  const link = table.byNumber.get(number)
  if (link === undefined) return
  if (!link.corked) {
    link.corked = true
    link.socket.cork()
    if (table.corked.push(link) === 1) process.nextTick(uncorkAll, table)
  }
  link.ws.send(frame, BINARY, link.onWritten)
  link.framesOut += 1
  link.bytesOut += frame.byteLength
  const waiting = link.ws.bufferedAmount
  if (waiting > limits.drainedBelowBytes) link.congested = true
  if (waiting > limits.maxBufferedBytes) retire(table, link, 'slow-reader')
}

function figuresOf(link: Link): LinkFigures {
  const { memberId, bytesIn, bytesOut, framesIn, framesOut } = link
  return { link: link.link, memberId, bytesIn, bytesOut, framesIn, framesOut }
}

export function createLinkTable(owner: LinkOwner): LinkTable {
  const table: Table = {
    ...owner,
    byNumber: new Map(),
    byMember: new Map(),
    sockets: new Set(),
    corked: [],
    lastNumber: 0,
    onGone: undefined,
  }
  const { byNumber, byMember, sockets } = table
  return {
    open: (memberId, ws, socket) => openLink(table, memberId, ws, socket),
    send: (number, frame) => sendFrame(table, number, frame),
    bufferedBytes: (number) => byNumber.get(number)?.ws.bufferedAmount ?? 0,
    close: (number, reason) => {
      const link = byNumber.get(number)
      if (link !== undefined) retire(table, link, reason)
    },
    closeMember: (memberId, reason) => {
      const link = byMember.get(memberId)
      if (link !== undefined) retire(table, link, reason)
    },
    hasMember: (memberId) => byMember.has(memberId),
    sweep: (nowMs) => {
      for (const link of byNumber.values()) {
        const fault = faultOf(link, table.limits, nowMs)
        if (fault !== undefined) retire(table, link, fault)
      }
    },
    figures: () => [...byNumber.values()].map(figuresOf),
    closeAll: (reason) => {
      for (const link of byNumber.values()) retire(table, link, reason)
    },
    destroyAll: () => {
      for (const ws of sockets) ws.terminate()
    },
    gone: () =>
      new Promise((resolve) => {
        if (sockets.size === 0) resolve()
        else table.onGone = resolve
      }),
  }
}
