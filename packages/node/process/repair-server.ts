/**
 * Serves one peer what it lacks: reads the journal from the mark that its frontier covers, sends what it wants in the order of
 * the journal (parents first), at the pace at which the link drains. One want a link at a time: a newer one replaces it.
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
/** One want brings no more than this, whatever it says; then the peer asks again. */
const MOST_BYTES = 8 * 1024 * 1024
const PAUSE_MS = 5

export interface RepairServerOptions {
  readonly clock: Clock
  readonly journal: Journal
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
  closed(link: number): void
  stop(): void
}

export function createRepairServer(options: RepairServerOptions): RepairServer {
  /** Link → the want that is being served; anything else that runs for the link ends. */
  const current = new Map<number, WantFrame>()
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => void options.clock.setTimer(ms, resolve))

  function createOutbox(link: number, request: number) {
    let events: Uint8Array[] = []
    let size = 0
    let sent = 0
    const flush = (): void => {
      if (events.length === 0) return
      options.send(link, encodeFrame({ kind: 'events', request, events }))
      events = []
      size = 0
    }
    const add = (event: Uint8Array, counts: boolean): void => {
      if (size + event.length > SOFT_FRAME_BYTES || events.length >= MAX_EVENTS_PER_FRAME) flush()
      events.push(event)
      size += event.length
      if (counts) sent += event.length
    }
    return { add, flush, sentBytes: () => sent }
  }

  function mayServe(event: Uint8Array): boolean {
    const { creator, sequence } = peekEvent(event)
    return creator !== options.memberId || sequence <= options.durableSequence()
  }

  async function run(link: number, want: WantFrame): Promise<void> {
    const outbox = createOutbox(link, want.request)
    let offset = options.index.startFor(want)
    for (;;) {
      // Nothing is read for a link that has enough to send; other work goes on between two reads.
      while (options.bufferedBytes(link) > BUFFER_BYTES && current.get(link) === want) await pause(PAUSE_MS)
      if (current.get(link) !== want) return
      const { records, next } = options.journal.readFrom(offset, READ_BYTES)
      for (const { kind, payload } of records) {
        if (kind !== RECORD_EVENT || !mayServe(payload)) continue
        const wanted = wantedAs(want, payload)
        // The peer may have much of what a name stands for: if that counted, the rest would never come.
        if (wanted !== undefined) outbox.add(payload, wanted === 'beyond')
      }
      outbox.flush()
      const complete = records.length === 0 || next === offset
      if (complete || outbox.sentBytes() >= Math.min(want.maxBytes, MOST_BYTES)) {
        return options.send(link, encodeFrame({ kind: 'want-end', request: want.request, complete }))
      }
      offset = next
      await pause(0)
    }
  }

  return {
    serve: (link, want) => {
      current.set(link, want)
      run(link, want)
        .catch(options.onError)
        .finally(() => {
          if (current.get(link) === want) current.delete(link)
        })
    },
    closed: (link) => void current.delete(link),
    stop: () => current.clear(),
  }
}
