// Decides what is said over a WebSocket at /v1/ws: the ledger as it grows, at the client's pace, and transactions the other way.
//
// Flow goes by credit: a client says how many transactions it will take, and is sent no more; the node reads them from disk only
// then, so a slow client costs nothing and loses nothing. A heartbeat tells it how far the ledger is meanwhile. All messages are JSON.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { receiptToJson, type SocketRequest, type SocketMessage } from '../src/api-json.ts'
import type { RunningNode } from '../src/api-types.ts'
import { createBell } from './exchange.ts'
import type { ApiLimits } from './limits.ts'
import { positionOf, toJson } from './log.ts'
import { Problem, problemJson, problemHead } from './problem.ts'
import { pendingJson, refusals } from './transaction.ts'

const PROTOCOL = 'hearsay.v1'
const BAD_MESSAGE = 1008
const GOING_AWAY = 1001

export interface SocketParts {
  readonly node: RunningNode
  readonly limits: ApiLimits
  readonly stopping: AbortSignal
  /** Throws a `Problem` if the client may not come in; gives what to call when it has left, and whether it may submit. */
  readonly admit: (request: IncomingMessage) => { readonly leave: () => void; readonly maySubmit: boolean }
}

export interface Sockets {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

export function createSockets(parts: SocketParts): Sockets {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: parts.limits.socketMessageBytes,
    handleProtocols: (protocols) => (protocols.has(PROTOCOL) ? PROTOCOL : false),
  })
  return {
    upgrade(request, socket, head) {
      socket.on('error', () => socket.destroy())
      try {
        if (request.url?.split('?')[0] !== '/v1/ws') throw new Problem('E_NOT_FOUND', 'sockets are at /v1/ws')
        const { leave, maySubmit } = parts.admit(request)
        socket.once('close', leave)
        server.handleUpgrade(request, socket, head, (webSocket) => serve(parts, webSocket, maySubmit))
      } catch (error) {
        const problem =
          error instanceof Problem ? error : new Problem('E_INTERNAL', 'see the log of the node')
        socket.end(problemHead(problem))
      }
    },
  }
}

/** One client. */
interface Session {
  readonly parts: SocketParts
  readonly socket: WebSocket
  readonly bell: ReturnType<typeof createBell>
  readonly maySubmit: boolean
  credit: number
  next: number | undefined
  isOver: boolean
}

function serve(parts: SocketParts, socket: WebSocket, maySubmit: boolean): void {
  const session: Session = {
    parts,
    socket,
    bell: createBell(),
    maySubmit,
    credit: 0,
    next: undefined,
    isOver: false,
  }
  const unsubscribe = parts.node.onGrowth(() => session.bell.ring())
  const onStop = (): void => socket.close(GOING_AWAY, 'the node is stopping')
  parts.stopping.addEventListener('abort', onStop)
  const heartbeat = setInterval(() => {
    send(session, { type: 'heartbeat', head: parts.node.status().transactions, next: session.next ?? null })
  }, parts.limits.heartbeatMs)
  socket.on('message', (data, isBinary) => {
    try {
      take(session, isBinary ? undefined : (data as Buffer).toString('utf8'))
    } catch (error) {
      const problem = error instanceof Problem ? error : new Problem('E_BAD_REQUEST', String(error))
      send(session, { type: 'problem', ...problemJson(problem) })
      socket.close(BAD_MESSAGE, problem.code)
    }
  })
  socket.once('close', () => {
    session.isOver = true
    session.bell.ring()
    clearInterval(heartbeat)
    unsubscribe()
    parts.stopping.removeEventListener('abort', onStop)
  })
  socket.on('error', () => socket.terminate())
  pump(session).catch((error: unknown) => socket.close(1011, String(error).slice(0, 100)))
}

function send(session: Session, message: SocketMessage): void {
  if (!session.isOver) session.socket.send(JSON.stringify(message))
}

function parse(text: string | undefined): SocketRequest {
  if (text === undefined) throw new Problem('E_BAD_REQUEST', 'messages are text')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new Problem('E_BAD_REQUEST', `not JSON: ${(error as Error).message}`)
  }
  if (typeof json !== 'object' || json === null || !('type' in json))
    throw new Problem('E_BAD_REQUEST', 'a message is an object with a type: subscribe, credit or submit')
  return json as SocketRequest
}

function take(session: Session, text: string | undefined): void {
  const message = parse(text)
  switch (message.type) {
    case 'subscribe':
      if (session.next !== undefined)
        throw new Problem('E_BAD_REQUEST', 'subscribed already: open another socket')
      session.next = positionOf(session.parts.node, message.from === undefined ? 'end' : String(message.from))
      return addCredit(session, message.credit ?? 0)
    case 'credit':
      return addCredit(session, message.credit)
    case 'submit':
      return submit(session, message)
    default:
      throw new Problem('E_BAD_REQUEST', 'a message is of type subscribe, credit or submit')
  }
}

function addCredit(session: Session, credit: unknown): void {
  if (!Number.isSafeInteger(credit) || (credit as number) < 0)
    throw new Problem('E_BAD_REQUEST', 'credit: how many more transactions, a whole number')
  session.credit = Math.min(session.parts.limits.maxCredit, session.credit + (credit as number))
  session.bell.ring()
}

function submit(session: Session, message: Extract<SocketRequest, { type: 'submit' }>): void {
  const { id, text, hex } = message
  if (!session.maySubmit) throw new Problem('E_ROLE', 'the token may only read')
  if (!Number.isSafeInteger(id))
    throw new Problem('E_BAD_REQUEST', 'id: a whole number, given back with the receipt')
  const isHex = typeof hex === 'string' && /^(?:[0-9a-fA-F]{2})*$/.test(hex)
  if (!isHex && (typeof text !== 'string' || !text.isWellFormed()))
    throw new Problem('E_BAD_REQUEST', 'text or hex: the transaction')
  const result = session.parts.node.submit(isHex ? Buffer.from(hex, 'hex') : Buffer.from(text!, 'utf8'))
  if (!result.ok) {
    const problem = new Problem(refusals[result.reason], result.message)
    return send(session, { type: 'refused', id, ...problemJson(problem) })
  }
  result.submission.final.then(
    (receipt) => send(session, { type: 'receipt', id, ...receiptToJson(receipt) }),
    () => send(session, { type: 'receipt', id, ...pendingJson(result.submission, session.parts.node) }),
  )
}

/** Sends what there is credit for, reading it only then. */
async function pump(session: Session): Promise<void> {
  const { node, limits } = session.parts
  while (!session.isOver) {
    const { next, credit, socket } = session
    const isFree = socket.bufferedAmount <= limits.writeBytes
    const page =
      next === undefined || credit === 0 || !isFree
        ? []
        : await node.log(next, Math.min(limits.streamPage, credit))
    if (page.length === 0) {
      const timer = isFree ? undefined : setTimeout(session.bell.ring, 20)
      await session.bell.wait()
      clearTimeout(timer)
      continue
    }
    for (const transaction of page) {
      session.next = transaction.position + 1
      if (transaction.isVoid === true) continue
      session.credit -= 1
      send(session, { type: 'transaction', ...toJson(transaction) })
    }
  }
}
