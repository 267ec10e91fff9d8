/**
 * Counts what goes over each link, by what it is good for: payload (transactions), header (the rest of events), control
 * (everything else), and of what comes in also repairs and duplicates. Bytes are those of frames, without WebSocket and TLS.
 */

import { payloadBytesOf } from '@hearsay/dag'
import type { Frame } from './frames.ts'

export interface TrafficCounts {
  payload: number
  header: number
  control: number
  /** Whole events that were asked for. */
  repair: number
  /** Whole events that were here already; they are in `payload` and `header`, or in `repair`, as well. */
  duplicate: number
  events: number
  duplicateEvents: number
}

export interface LinkTraffic {
  readonly sent: Readonly<TrafficCounts>
  readonly received: Readonly<TrafficCounts>
}

interface Open {
  readonly sent: TrafficCounts
  readonly received: TrafficCounts
}

export interface Traffic {
  /** By member, over all its links so far: at most one entry a member. */
  of(memberId: number): Open
  all(): ReadonlyMap<number, LinkTraffic>
}

const nothing = (): TrafficCounts => ({
  payload: 0,
  header: 0,
  control: 0,
  repair: 0,
  duplicate: 0,
  events: 0,
  duplicateEvents: 0,
})

export function countSaid(counts: TrafficCounts, frame: Frame, bytes: number): void {
  if (frame.kind !== 'events') {
    counts.control += bytes
    return
  }
  const payload = frame.events.reduce((sum, event) => sum + payloadBytesOf(event), 0)
  counts.events += frame.events.length
  counts.payload += payload
  counts.header += bytes - payload
}

/** An event has come in; of one that came elided the whole length of its frame is in `header` already. */
export function countEvent(counts: TrafficCounts, event: Uint8Array, request: number, isNew: boolean): void {
  const payload = payloadBytesOf(event)
  counts.events += 1
  counts.payload += payload
  if (request !== 0) counts.repair += event.length
  if (isNew) return
  counts.duplicateEvents += 1
  counts.duplicate += event.length
}

export function createTraffic(): Traffic {
  const members = new Map<number, Open>()
  return {
    of: (memberId) => {
      let open = members.get(memberId)
      if (open === undefined) members.set(memberId, (open = { sent: nothing(), received: nothing() }))
      return open
    },
    all: () => members,
  }
}
