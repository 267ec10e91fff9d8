// Decides how the signed events are streamed: each behind its length and the cursor behind it, so that whoever reads them can
// check and order them himself and go on later where he stopped. It reads from the journal only as fast as its client takes it.
import type { EventPage } from '../src/api-types.ts'
import { type Exchange, oneOf, wholeNumber, writePiece } from './exchange.ts'
import { Problem } from './problem.ts'

/** Length (4) and cursor (6), big-endian. */
const HEAD_BYTES = 10

function frame(bytes: Uint8Array, cursor: number): Buffer {
  const framed = Buffer.allocUnsafe(HEAD_BYTES + bytes.length)
  framed.writeUInt32BE(bytes.length, 0)
  framed.writeUIntBE(cursor, 4, 6)
  framed.set(bytes, HEAD_BYTES)
  return framed
}

/** GET /v1/events?from=&limit=[&follow=1] */
export async function getEvents(exchange: Exchange): Promise<void> {
  const { node, query, response, limits, over } = exchange
  const from = wholeNumber(query, 'from', 0)
  const limit = wholeNumber(query, 'limit', Number.MAX_SAFE_INTEGER)
  const follow = oneOf(query, 'follow', ['0', '1']) === '1'
  const read = (cursor: number): EventPage => {
    const page = node.events(cursor, limits.eventPageBytes)
    if (page !== undefined) return page
    throw new Problem('E_BAD_REQUEST', `from=${cursor}: no event of this node begins there; begin with 0`)
  }
  let page = read(from)
  response.writeHead(200, { 'Content-Type': 'application/octet-stream' })
  const here = (): Promise<boolean> => writePiece(exchange, frame(new Uint8Array(0), page.begin))
  if (!(await here())) return
  let left = limit
  let toldMs = performance.now()
  while (left > 0 && !over.aborted) {
    const events = page.events.slice(0, left)
    left -= events.length
    const piece = Buffer.concat(events.map(({ bytes, next }) => frame(bytes, next)))
    if (piece.length > 0 && !(await writePiece(exchange, piece))) return
    const { next } = page
    if (next === page.begin && !follow) break
    if (events.length > 0) toldMs = performance.now()
    else await pause(limits.eventPollMs, over)
    page = read(next)
    if (performance.now() - toldMs < limits.heartbeatMs) continue
    toldMs = performance.now()
    if (!(await here())) return
  }
  // A follower knows that its stream never ends by itself; any other would take the part for the whole.
  if (over.aborted && !follow) throw new Problem('E_STOPPING', 'the events were broken off')
  response.end()
}

function pause(ms: number, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      over.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    over.addEventListener('abort', done)
    if (over.aborted) done()
  })
}
