// Decides how the ledger is read: a page as JSON, or a stream of lines that may follow its growth. A stream reads from the node
// only as fast as its client takes it, so a slow client costs one page of memory and nothing else.
import { isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { openSealed } from '@hearsay/dag'
import { type LogPageJson, type TransactionJson, transactionToJson } from '../src/api-json.ts'
import type { OrderedTransaction, RunningNode } from '../src/api-types.ts'
import {
  createBell,
  type Exchange,
  oneOf,
  sendJson,
  wantsEvents,
  wantsLines,
  wholeNumber,
  writePiece,
} from './exchange.ts'
import { Problem } from './problem.ts'

/** GET /v1/log?from=&limit=[&follow=1]; `from` is a position, `round:N` or `end`. */
export async function getLog(exchange: Exchange): Promise<void> {
  const { node, query, request, limits } = exchange
  const from = startOf(exchange)
  const follow = oneOf(query, 'follow', ['0', '1']) === '1'
  if (wantsEvents(request)) return streamLog(exchange, from, true, EVENTS)
  if (wantsLines(request)) return streamLog(exchange, from, follow, LINES)
  if (follow) throw new Problem('E_BAD_REQUEST', 'follow=1 needs the header Accept: application/x-ndjson')
  const limit = Math.min(wholeNumber(query, 'limit', limits.defaultPage), limits.maxPage)
  const read = limit === 0 ? [] : await node.log(from, limit)
  const total = node.status().transactions
  const transactions = read.filter((each) => each.isVoid !== true).map(toJson)
  const page: LogPageJson = { from, transactions, next: from + read.length, total }
  sendJson(exchange, 200, page)
}

function startOf({ node, query, request }: Exchange): number {
  return positionOf(node, lastEventId(request) ?? query.get('from') ?? '0')
}

/** A position, `round:N` or `end`. */
export function positionOf(node: RunningNode, from: string): number {
  if (from === 'end') return node.status().transactions
  if (!from.startsWith('round:')) return wholeNumber(new URLSearchParams({ from }), 'from', 0)
  const round = wholeNumber(new URLSearchParams({ round: from.slice('round:'.length) }), 'round', 0)
  const position = node.positionOfRound(round)
  if (position === undefined)
    throw new Problem(
      'E_NOT_FOUND',
      `round ${round} is not decided yet; the last one is ${node.status().round}`,
    )
  return position
}

export function toJson(transaction: OrderedTransaction): TransactionJson {
  const sealed = openSealed(transaction.bytes)
  const bytes = sealed?.body ?? transaction.bytes
  const text = isUtf8(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
    : null
  const id = sealed === undefined ? null : hash('sha256', transaction.bytes, 'hex')
  return transactionToJson({ ...transaction, bytes }, text, id)
}

/** How a stream is written: its media type, one transaction, and what tells a silent reader that the node is there. */
interface Form {
  readonly type: string
  readonly write: (transaction: OrderedTransaction) => string
  readonly heartbeat: string | undefined
}

const LINES: Form = {
  type: 'application/x-ndjson',
  write: (transaction) => `${JSON.stringify(toJson(transaction))}\n`,
  heartbeat: undefined,
}

/** The id of an event is the position to go on from, so that a browser resumes by itself (`Last-Event-ID`). */
const EVENTS: Form = {
  type: 'text/event-stream',
  write: (transaction) => `id: ${transaction.position + 1}\ndata: ${JSON.stringify(toJson(transaction))}\n\n`,
  heartbeat: ': here\n\n',
}

function lastEventId(request: IncomingMessage): string | undefined {
  const id = wantsEvents(request) ? request.headers['last-event-id'] : undefined
  return typeof id === 'string' && id !== '' ? id : undefined
}

async function streamLog(exchange: Exchange, from: number, follow: boolean, form: Form): Promise<void> {
  const { node, query, response, limits, over } = exchange
  const last = from + wholeNumber(query, 'limit', Number.MAX_SAFE_INTEGER - from)
  const bell = createBell()
  // Before the first read, so that no growth is missed between a read and the wait after it.
  const unsubscribe = node.onGrowth(() => bell.ring())
  const onOver = (): void => bell.ring()
  over.addEventListener('abort', onOver)
  try {
    response.writeHead(200, { 'Content-Type': form.type })
    response.flushHeaders()
    let next = from
    while (next < last && !over.aborted) {
      const page = await node.log(next, Math.min(limits.streamPage, last - next))
      if (page.length === 0) {
        if (!follow) break
        const timer = form.heartbeat === undefined ? undefined : setTimeout(bell.ring, limits.heartbeatMs)
        await bell.wait()
        clearTimeout(timer)
        if (form.heartbeat !== undefined && !(await writePiece(exchange, form.heartbeat))) return
        continue
      }
      if (!(await writePage(exchange, page, form))) return
      next += page.length
    }
    // A follower knows that its stream never ends by itself; any other would take the part for the whole.
    if (over.aborted && !follow) throw new Problem('E_STOPPING', 'the log was broken off')
    response.end()
  } finally {
    unsubscribe()
    over.removeEventListener('abort', onOver)
  }
}

async function writePage(
  exchange: Exchange,
  page: readonly OrderedTransaction[],
  form: Form,
): Promise<boolean> {
  let piece = ''
  for (const transaction of page) {
    if (transaction.isVoid === true) continue
    piece += form.write(transaction)
    if (piece.length < exchange.limits.writeBytes) continue
    if (!(await writePiece(exchange, piece))) return false
    piece = ''
  }
  return piece === '' || writePiece(exchange, piece)
}
