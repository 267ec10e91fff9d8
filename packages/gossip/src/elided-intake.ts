/**
 * Elided events as they come in: restored at once when their parents are here, which is the rule; kept for a moment when a
 * parent is still on its way by itself; asked for in full when it does not come. What is kept is bounded for each link, the
 * oldest goes first, and nothing is lost by that: the event is asked for like any that is missing.
 *
 * How long a parent was waited for that came by itself is what the grace of its creator is made of: the mean and four mean
 * deviations (the estimator of RFC 6298, section 2).
 */
import type { EventReference, Sha256 } from '@hearsay/dag'
import { createElidedReader, restoreEvent, type ElidedEvent, type ElidedReader } from './elided.ts'

/** Elided events that wait for a parent, of one link. */
const MAX_PENNED_EVENTS = 256
const MAX_PENNED_BYTES: number = 4 * 1024 * 1024

export interface GraceTuning {
  readonly graceMs: number
  readonly graceMinMs: number
  readonly graceMaxMs: number
}

export interface ElidedIntakeParts {
  /** Member ids, ascending. */
  readonly members: readonly number[]
  readonly networkId: Uint8Array
  readonly sha256: Sha256
  readonly tuning: GraceTuning
  readonly find: (creator: number, sequence: number) => EventReference | undefined
  readonly sequenceOf: (creator: number) => number
  readonly version: () => number
  readonly emit: (link: number, events: readonly Uint8Array[]) => void
  /** The link's member holds an event that is not here. */
  readonly lacking: (link: number, creator: number, sequence: number, nowMs: number) => void
}

export interface ElidedIntake {
  opened(link: number, memberId: number): void
  closed(link: number): void
  /** Whether the frame was one. */
  heard(link: number, frame: Uint8Array, nowMs: number): boolean
  /** Restores what can be restored now. */
  retry(nowMs: number): void
  graceOf(creator: number): number
  penned(): number
}

interface Penned {
  readonly event: ElidedEvent
  readonly bytes: number
  readonly sinceMs: number
  /** The parent that was not here when last looked. */
  creator: number
  sequence: number
}

interface Link {
  readonly link: number
  readonly memberId: number
  readonly reader: ElidedReader
  readonly pen: Penned[]
  bytes: number
}

interface Estimate {
  meanMs: number
  deviationMs: number
}

export function createElidedIntake(parts: ElidedIntakeParts): ElidedIntake {
  const { tuning, networkId, sha256, find } = parts
  const links = new Map<number, Link>()
  const estimates = new Map<number, Estimate>()
  let triedVersion = -1

  function graceOf(creator: number): number {
    const estimate = estimates.get(creator)
    if (estimate === undefined) return tuning.graceMs
    const wishedMs = estimate.meanMs + 4 * estimate.deviationMs
    return Math.min(tuning.graceMaxMs, Math.max(tuning.graceMinMs, wishedMs))
  }

  function waited(creator: number, ms: number): void {
    const estimate = estimates.get(creator)
    // What took longer than any grace was repaired, and says nothing of what comes by itself.
    if (ms > tuning.graceMaxMs) return
    if (estimate === undefined) return void estimates.set(creator, { meanMs: ms, deviationMs: ms / 2 })
    estimate.deviationMs += (Math.abs(ms - estimate.meanMs) - estimate.deviationMs) / 4
    estimate.meanMs += (ms - estimate.meanMs) / 8
  }

  function pen(link: Link, event: ElidedEvent, creator: number, sequence: number, nowMs: number): void {
    const bytes = 200 + event.payload.length + 48 * event.otherParents.length
    // A copy: the event is a view of its frame.
    const kept = {
      ...event,
      salt: event.salt.slice(),
      signature: event.signature.slice(),
      payload: event.payload.slice(),
    }
    link.pen.push({ event: kept, bytes, sinceMs: nowMs, creator, sequence })
    link.bytes += bytes
    while (link.pen.length > MAX_PENNED_EVENTS || link.bytes > MAX_PENNED_BYTES)
      link.bytes -= link.pen.shift()!.bytes
    parts.lacking(link.link, creator, sequence, nowMs)
    parts.lacking(link.link, event.creator, event.sequence, nowMs)
  }

  function heard(id: number, frame: Uint8Array, nowMs: number): boolean {
    const link = links.get(id)
    const events = link?.reader.read(frame)
    if (link === undefined || events === undefined) return false
    const restored: Uint8Array[] = []
    for (const event of events) {
      // It has come another way, by a repair.
      if (
        event.sequence <= parts.sequenceOf(event.creator) &&
        find(event.creator, event.sequence) === undefined
      )
        continue
      const result = restoreEvent(event, find, networkId, sha256)
      if (result.ok) restored.push(result.bytes)
      else pen(link, event, result.creator, result.sequence, nowMs)
    }
    if (restored.length > 0) parts.emit(id, restored)
    return true
  }

  function retryLink(link: Link, nowMs: number): void {
    const waiting = link.pen.splice(0)
    const restored: Uint8Array[] = []
    link.bytes = 0
    const keep = (penned: Penned): void => {
      link.pen.push(penned)
      link.bytes += penned.bytes
    }
    for (const penned of waiting) {
      const { event } = penned
      if (event.sequence <= parts.sequenceOf(event.creator)) continue
      if (penned.sequence > parts.sequenceOf(penned.creator)) {
        keep(penned)
        continue
      }
      waited(penned.creator, nowMs - penned.sinceMs)
      const result = restoreEvent(event, find, networkId, sha256)
      if (result.ok) restored.push(result.bytes)
      else if (result.sequence > parts.sequenceOf(result.creator)) {
        keep(Object.assign(penned, { creator: result.creator, sequence: result.sequence }))
        parts.lacking(link.link, result.creator, result.sequence, nowMs)
      }
      // Otherwise its creator has branched, or it is not in memory: this event comes in full, by a repair.
    }
    if (restored.length > 0) parts.emit(link.link, restored)
  }

  return {
    opened: (link, memberId) =>
      void links.set(link, {
        link,
        memberId,
        reader: createElidedReader(parts.members, memberId),
        pen: [],
        bytes: 0,
      }),
    closed: (link) => void links.delete(link),
    heard,
    retry: (nowMs) => {
      const version = parts.version()
      if (version === triedVersion) return
      triedVersion = version
      for (const link of links.values()) if (link.pen.length > 0) retryLink(link, nowMs)
    },
    graceOf,
    penned: () => {
      let count = 0
      for (const { pen: waiting } of links.values()) count += waiting.length
      return count
    },
  }
}
