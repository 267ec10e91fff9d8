// Decides how a stream of transactions is taken in: line by line in order, never more in flight than the bound, each answered by
// one line, in the order of the input. When the pool is full the stream waits, which the client feels as back-pressure. A line
// that did not arrive whole is never submitted, and none is submitted twice.
import { isUtf8 } from 'node:buffer'
import { type BatchLineJson, receiptToJson, type RefusedJson, type SubmittedJson } from '../src/api-json.ts'
import type { Submission } from '../src/api-types.ts'
import { type Bell, createBell, type Exchange, oneOf, writePiece } from './exchange.ts'
import { createLineSplitter, type Line } from './lines.ts'
import { Problem } from './problem.ts'
import { pendingJson } from './transaction.ts'

/** A line that was read and is not answered yet. */
interface Entry {
  readonly line: number
  readonly submission: Submission | undefined
  answer: SubmittedJson | undefined
}

interface Batch {
  readonly exchange: Exchange
  readonly awaitsFinality: boolean
  /** In the order of the input. */
  readonly entries: Entry[]
  /** Rings when there may be something to write. */
  readonly answered: Bell
  /** Rings when there may be room for more lines. */
  readonly roomy: Bell
  lines: number
  /** Nothing more is read: the input has ended, or there is a fault. */
  isRead: boolean
  fault: Problem | undefined
}

/** POST /v1/tx/batch: NDJSON in, NDJSON out. */
export async function postBatch(exchange: Exchange): Promise<void> {
  const { node, query, response, over } = exchange
  const batch: Batch = {
    exchange,
    awaitsFinality: oneOf(query, 'until', ['ordered', 'accepted']) === 'ordered',
    entries: [],
    answered: createBell(),
    roomy: createBell(),
    lines: 0,
    isRead: false,
    fault: undefined,
  }
  const wake = (): void => {
    batch.answered.ring()
    batch.roomy.ring()
  }
  const unsubscribe = node.onGrowth(() => batch.roomy.ring())
  over.addEventListener('abort', wake)
  try {
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson' })
    response.flushHeaders()
    await Promise.all([readLines(batch), writeAnswers(batch)])
    if (batch.fault !== undefined) throw batch.fault
    if (over.aborted) throw new Problem('E_STOPPING', 'the batch was broken off')
    response.end()
  } finally {
    unsubscribe()
    over.removeEventListener('abort', wake)
    for (const entry of batch.entries) entry.submission?.forget()
  }
}

async function readLines(batch: Batch): Promise<void> {
  const { request, limits, over } = batch.exchange
  const splitter = createLineSplitter(limits.batchLineBytes)
  const onIdle = (): void => {
    batch.fault = new Problem('E_SLOW_BODY', `no line for ${limits.batchIdleMs / 1_000} s`)
    request.destroy(batch.fault)
  }
  let idle = setTimeout(onIdle, limits.batchIdleMs)
  try {
    for await (const piece of request as AsyncIterable<Uint8Array>) {
      clearTimeout(idle)
      for (const line of splitter.push(piece)) {
        await takeIn(batch, line)
        if (over.aborted) return
      }
      idle = setTimeout(onIdle, limits.batchIdleMs)
    }
    const last = splitter.end()
    if (last !== undefined) await takeIn(batch, last)
  } catch (error) {
    // The client broke off within a line, which therefore is not submitted; what came before is.
    batch.fault ??= new Problem('E_BAD_REQUEST', `the batch was broken off: ${String(error)}`)
  } finally {
    clearTimeout(idle)
    batch.isRead = true
    batch.answered.ring()
  }
}

/** Submits a line as soon as there is room for it. */
async function takeIn(batch: Batch, { bytes }: Line): Promise<void> {
  const { node, limits, over } = batch.exchange
  while (batch.entries.length >= limits.batchInFlight) {
    await batch.roomy.wait()
    if (over.aborted) return
  }
  batch.lines += 1
  const parsed = parseLine(bytes)
  if (!(parsed instanceof Uint8Array)) {
    enter(batch, undefined, parsed)
    return
  }
  let result = node.submit(parsed)
  while (!result.ok && result.reason === 'pool-full') {
    const retry = setTimeout(() => batch.roomy.ring(), limits.poolRetryMs)
    await batch.roomy.wait()
    clearTimeout(retry)
    if (over.aborted) return
    result = node.submit(parsed)
  }
  if (!result.ok) {
    const { reason, message } = result
    enter(batch, undefined, { state: 'refused', reason, message })
    return
  }
  const { submission } = result
  if (!batch.awaitsFinality) {
    enter(batch, undefined, pendingJson(submission, node))
    submission.forget()
    return
  }
  const entry = enter(batch, submission, undefined)
  const settle = (answer: SubmittedJson): void => {
    entry.answer = answer
    // The others are looked at when it is their turn.
    if (batch.entries[0] === entry) batch.answered.ring()
  }
  submission.final.then(
    (receipt) => settle(receiptToJson(receipt)),
    // Taken in, but the node stops: it is answered with where it has got to.
    () => settle(pendingJson(submission, node)),
  )
}

function enter(batch: Batch, submission: Submission | undefined, answer: SubmittedJson | undefined): Entry {
  const entry: Entry = { line: batch.lines, submission, answer }
  batch.entries.push(entry)
  if (answer !== undefined) batch.answered.ring()
  return entry
}

async function writeAnswers(batch: Batch): Promise<void> {
  const { limits, over } = batch.exchange
  while (!over.aborted && batch.fault === undefined) {
    let piece = ''
    let count = 0
    for (const { line, answer } of batch.entries) {
      if (answer === undefined || piece.length >= limits.writeBytes) break
      const whole: BatchLineJson = { line, ...answer }
      piece += `${JSON.stringify(whole)}\n`
      count += 1
    }
    if (count > 0) {
      batch.entries.splice(0, count)
      batch.roomy.ring()
      if (!(await writePiece(batch.exchange, piece))) return
    } else if (batch.isRead && batch.entries.length === 0) {
      return
    } else {
      await batch.answered.wait()
    }
  }
}

const malformed = (message: string): RefusedJson => ({ state: 'refused', reason: 'malformed', message })

/** A line is a JSON string (the transaction is its UTF-8), or `{"hex": …}`, or `{"base64": …}`. */
function parseLine(bytes: Uint8Array | undefined): Uint8Array | RefusedJson {
  if (bytes === undefined) return { state: 'refused', reason: 'too-large', message: 'the line is too long' }
  if (!isUtf8(bytes)) return malformed('not UTF-8')
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    return malformed(`not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (typeof json === 'string')
    return json.isWellFormed() ? Buffer.from(json, 'utf8') : malformed('the text has half a surrogate pair')
  if (typeof json === 'object' && json !== null) {
    if ('hex' in json && typeof json.hex === 'string' && /^(?:[0-9a-fA-F]{2})*$/.test(json.hex))
      return Buffer.from(json.hex, 'hex')
    if ('base64' in json && typeof json.base64 === 'string') {
      const decoded = Buffer.from(json.base64, 'base64')
      if (decoded.toString('base64') === json.base64) return decoded
    }
  }
  return malformed('a line is a JSON string, {"hex": "…"} or {"base64": "…"}')
}
