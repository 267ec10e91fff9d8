// Decides how handlers read a request and write an answer: bounded bodies, streams that go at the client's pace, query values
// that are checked. An exchange is one request with its answer.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RunningNode } from '../src/api-types.ts'
import type { KeyTable } from './idempotency.ts'
import type { ApiLimits } from './limits.ts'
import { Problem } from './problem.ts'

export interface Exchange {
  readonly node: RunningNode
  readonly genesis: object
  readonly limits: ApiLimits
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly keys: KeyTable
  readonly query: URLSearchParams
  /** What stands in the path for the segments in braces. */
  readonly parameters: Readonly<Record<string, string>>
  /** Aborted when the client is gone or the server stops: nobody waits for the answer any more. */
  readonly over: AbortSignal
}

export function sendJson(exchange: Exchange, status: number, body: object): void {
  exchange.response.writeHead(status, { 'Content-Type': 'application/json' })
  exchange.response.end(`${JSON.stringify(body)}\n`)
}

/** Whether the client asks for a stream of JSON lines. */
export function wantsLines(request: IncomingMessage): boolean {
  return (request.headers.accept ?? '').toLowerCase().includes('application/x-ndjson')
}

/** Whether the client asks for server-sent events. */
export function wantsEvents(request: IncomingMessage): boolean {
  return (request.headers.accept ?? '').toLowerCase().includes('text/event-stream')
}

/** The whole body; a `Problem` if it is too large or too slow. */
export function readBody(
  exchange: Exchange,
  maxBytes: number = exchange.limits.transactionBytes,
): Promise<Uint8Array> {
  const { request, limits, over } = exchange
  const tooLarge = (): Problem => new Problem('E_TOO_LARGE', `the body has at most ${maxBytes} bytes here`)
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.reject(tooLarge())
  return new Promise((resolve, reject) => {
    const pieces: Uint8Array[] = []
    let size = 0
    const settle = (act: () => void): void => {
      clearTimeout(timer)
      request.off('data', onData).off('end', onEnd)
      over.removeEventListener('abort', onOver)
      act()
    }
    const onData = (piece: Uint8Array): void => {
      size += piece.length
      pieces.push(piece)
      if (size > maxBytes) settle(() => reject(tooLarge()))
    }
    const onEnd = (): void => settle(() => resolve(Buffer.concat(pieces)))
    const onOver = (): void => settle(() => reject(new Problem('E_STOPPING', 'the request was broken off')))
    const timer = setTimeout(() => {
      settle(() =>
        reject(
          new Problem('E_SLOW_BODY', `the body did not arrive within ${limits.bodyTimeoutMs / 1_000} s`),
        ),
      )
    }, limits.bodyTimeoutMs)
    request.on('data', onData).on('end', onEnd)
    over.addEventListener('abort', onOver)
    if (over.aborted) onOver()
  })
}

/** Writes a piece of a streamed answer and waits until the client can take more; false if nobody listens any more. */
export function writePiece(exchange: Exchange, piece: string | Uint8Array): Promise<boolean> {
  const { response, over } = exchange
  if (over.aborted) return Promise.resolve(false)
  if (response.write(piece)) return Promise.resolve(true)
  return new Promise((resolve) => {
    const onDrain = (): void => settle(true)
    const onOver = (): void => settle(false)
    const settle = (goOn: boolean): void => {
      response.off('drain', onDrain)
      over.removeEventListener('abort', onOver)
      resolve(goOn)
    }
    response.on('drain', onDrain)
    over.addEventListener('abort', onOver)
  })
}

/** A bell that can be rung before anybody waits: rings are not lost, and several are one. */
export interface Bell {
  ring(): void
  /** Resolves at the next ring, or at once if it has rung since the last wait. One waits at a time. */
  wait(): Promise<void>
}

export function createBell(): Bell {
  let hasRung = false
  let wake: (() => void) | undefined
  return {
    ring() {
      if (wake === undefined) hasRung = true
      else wake()
      wake = undefined
    },
    wait() {
      if (hasRung) {
        hasRung = false
        return Promise.resolve()
      }
      return new Promise((resolve) => {
        wake = resolve
      })
    },
  }
}

/** A query value that is a whole number from 0 on. */
export function wholeNumber(query: URLSearchParams, name: string, absent: number): number {
  const text = query.get(name)
  if (text === null) return absent
  const value = Number(text)
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value))
    throw new Problem('E_BAD_REQUEST', `${name}=${text}: a whole number from 0 on`)
  return value
}

/** A query value that is one of a few words; the first is the default. */
export function oneOf<T extends string>(
  query: URLSearchParams,
  name: string,
  words: readonly [T, ...T[]],
): T {
  const text = query.get(name) ?? words[0]
  const found = words.find((word) => word === text)
  if (found === undefined) throw new Problem('E_BAD_REQUEST', `${name}=${text}: one of ${words.join(', ')}`)
  return found
}

/** A query value that is a span of time, `10s`, `500ms` or `2m`, in milliseconds. */
export function span(query: URLSearchParams, name: string, absentMs: number, maxMs: number): number {
  const text = query.get(name)
  if (text === null) return absentMs
  const [, digits, unit] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m)$/.exec(text) ?? []
  const valueMs = Number(digits) * (unit === 'm' ? 60_000 : unit === 's' ? 1_000 : 1)
  if (digits === undefined || valueMs > maxMs)
    throw new Problem('E_BAD_REQUEST', `${name}=${text}: like 10s, 500ms or 2m, at most ${maxMs / 1_000}s`)
  return valueMs
}
