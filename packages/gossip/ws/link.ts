// Decides what a single link remembers, and when it counts as silent or as a slow reader.
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { TransportLimits } from './limits.ts'
import type { Refusal } from './refusals.ts'

export interface Link {
  readonly link: number
  readonly memberId: number
  readonly ws: WebSocket
  readonly socket: Socket
  readonly openedMs: number
  bytesIn: number
  bytesOut: number
  framesIn: number
  framesOut: number
  closed: boolean
  corked: boolean
  /** More than drainedBelowBytes have been waiting: `drained` is owed. */
  congested: boolean
  /** Called by ws after each write; one function a link, not one a frame. */
  onWritten: (error?: Error | null) => void
  slowSinceMs: number | undefined
  /** What the last sweep saw: more bytes read, or fewer waiting, are the signs of life. */
  seenRead: number
  seenWaiting: number
  quietSinceMs: number
  pingedMs: number | undefined
}

export function createLink(
  link: number,
  memberId: number,
  ws: WebSocket,
  socket: Socket,
  nowMs: number,
): Link {
  return {
    link,
    memberId,
    ws,
    socket,
    openedMs: nowMs,
    bytesIn: 0,
    bytesOut: 0,
    framesIn: 0,
    framesOut: 0,
    closed: false,
    corked: false,
    congested: false,
    onWritten: () => undefined,
    slowSinceMs: undefined,
    seenRead: 0,
    seenWaiting: 0,
    quietSinceMs: nowMs,
    pingedMs: undefined,
  }
}

/** Once a sweep. Costs two reads of counters for a link that is alive, so nothing has to be noted for each frame. */
export function faultOf(link: Link, limits: TransportLimits, nowMs: number): Refusal | undefined {
  const waiting = link.ws.bufferedAmount
  if (waiting <= limits.slowReaderAboveBytes) link.slowSinceMs = undefined
  else if (link.slowSinceMs === undefined) link.slowSinceMs = nowMs
  else if (nowMs - link.slowSinceMs >= limits.slowReaderAfterMs) return 'slow-reader'

  // Bytes of a long frame on a thin line count as life although no frame is complete, and so do bytes that the other side
  // makes room for while our ping waits behind them.
  const read = link.socket.bytesRead
  const alive = read !== link.seenRead || waiting < link.seenWaiting
  link.seenRead = read
  link.seenWaiting = waiting
  if (alive) {
    link.quietSinceMs = nowMs
    link.pingedMs = undefined
  } else if (link.pingedMs !== undefined) {
    if (nowMs - link.pingedMs >= limits.pongWithinMs) return 'silent'
  } else if (nowMs - link.quietSinceMs >= limits.pingAfterMs) {
    link.pingedMs = nowMs
    link.ws.ping()
    // The ping itself must not look like bytes that the peer made room for.
    link.seenWaiting = 0
  }
  return undefined
}
