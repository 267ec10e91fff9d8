/**
 * Serves one peer what it lacks: reads the journal from the mark that its frontier covers, sends what it wants in the order of
 * the journal (parents first), at the pace at which the link drains and as far as the peer has granted. One want a link at a time:
 * a newer one replaces it. What is kept for a link is a place in the journal, however slow it is.
 */
import { encodeFrame, MAX_EVENTS_PER_FRAME, SOFT_FRAME_BYTES, type WantFrame } from '@hearsay/gossip'
import { peekEvent } from '@hearsay/dag'
import type { Journal } from '../disk/index.ts'
import { RECORD_EVENT } from '../src/member-types.ts'
import { wantedAs, type RepairIndex } from '../src/repair-index.ts'
import type { Clock } from './clock.ts'

const READ_BYTES = 256 * 1024
/** Nothing is read for a link that has more than this buffered, in bytes: pushes and control go before repairs. */
const BUFFER_BYTES = 256 * 1024
/** No more than this is owed to a link, whatever its want and its credits say. */
const MOST_BYTES = 8 * 1024 * 1024
const PAUSE_MS = 5

export interface RepairServerOptions {
  readonly clock: Clock
  readonly journal: Pick<Journal, 'readFrom'>
  readonly index: RepairIndex
  readonly memberId: number
  /** Own events above this are not durable yet and are nobody's business. */
  readonly durableSequence: () => number
  readonly send: (link: number, frame: Uint8Array) => void
  readonly bufferedBytes: (link: number) => number
  /** The journal could not be read: the node must not go on as if nothing had been. */
  readonly onError: (error: unknown) => void
}

export interface RepairServer {
  serve(link: number, want: WantFrame): void
  /** The want that is being served may go on for so many bytes more. */
  credit(link: number, request: number, bytes: number): void
  closed(link: number): void
  stop(): void
}

/** A want that is being served. */
interface Serving {
  readonly link: number
  readonly want: WantFrame
  readonly outbox: Outbox
  offset: number
  /** What may still be sent, in bytes of events that the peer's frontier does not cover. */
  owed: number
}

type Outbox = ReturnType<typeof createOutbox>

function createOutbox(send: (frame: Uint8Array) => void, request: number) {
  let events: Uint8Array[] = []
  let size = 0
  const flush = (): void => {
    if (events.length === 0) return
    send(encodeFrame({ kind: 'events', request, events }))
    events = []
    size = 0
  }
  const add = (event: Uint8Array): void => {
    if (size + event.length > SOFT_FRAME_BYTES || events.length >= MAX_EVENTS_PER_FRAME) flush()
    events.push(event)
    size += event.length
  }
  return { add, flush }
}

export function createRepairServer(options: RepairServerOptions): RepairServer {
  /** By link; anything else that runs for the link ends. */
  const current = new Map<number, Serving>()

  function mayServe(event: Uint8Array): boolean {
    const { creator, sequence } = peekEvent(event)
    return creator !== options.memberId || sequence <= options.durableSequence()
  }

  function later(serving: Serving, ms: number): void {
    options.clock.setTimer(ms, () => {
      if (current.get(serving.link) === serving) goOn(serving)
    })
  }

  /** Nothing is read for a link that has enough to send; other work goes on between two reads. */
  function goOn(serving: Serving): void {
    try {
      if (options.bufferedBytes(serving.link) > BUFFER_BYTES) later(serving, PAUSE_MS)
      else readOn(serving)
    } catch (error) {
      current.delete(serving.link)
      options.onError(error)
    }
  }

  function readOn(serving: Serving): void {
    const { link, want, outbox } = serving
    const { records, next } = options.journal.readFrom(serving.offset, READ_BYTES)
    for (const { kind, payload } of records) {
      if (kind !== RECORD_EVENT || !mayServe(payload)) continue
      const wanted = wantedAs(want, payload)
      if (wanted === undefined) continue
      outbox.add(payload)
      // The peer may have much of what a name stands for: if that counted, the rest would never come.
      if (wanted === 'beyond') serving.owed -= payload.length
    }
    outbox.flush()
    const complete = records.length === 0 || next === serving.offset
    if (complete || serving.owed <= 0) {
      current.delete(link)
      return options.send(link, encodeFrame({ kind: 'want-end', request: want.request, complete }))
    }
    serving.offset = next
    later(serving, 0)
  }

  return {
    serve: (link, want) => {
      const outbox = createOutbox((frame) => options.send(link, frame), want.request)
      const owed = Math.min(want.maxBytes, MOST_BYTES)
      const serving: Serving = { link, want, outbox, offset: options.index.startFor(want), owed }
      current.set(link, serving)
      goOn(serving)
    },
    credit: (link, request, bytes) => {
      const serving = current.get(link)
      if (serving?.want.request === request) serving.owed = Math.min(serving.owed + bytes, MOST_BYTES)
    },
    closed: (link) => void current.delete(link),
    stop: () => current.clear(),
  }
}
