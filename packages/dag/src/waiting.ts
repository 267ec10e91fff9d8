/**
 * The room for verified events that cannot be linked yet: parents are missing, or their birth round is not due. Bounded
 * per source and in total, the oldest of the fullest source goes first; what is dropped here is asked for again when
 * somebody needs it, so a flood costs the flooder its own place and nobody else an event (reliability: M8, M10).
 *
 * An event belongs to everyone who brought it and stays as long as one of them has room for it: nobody can bring an honest
 * member's event first and then push it out. What an event costs is counted with the references that it waits for.
 */
import { bytesKey } from './bytes.ts'
import type { EventKey, EventReference, VerifiedEvent } from './event.ts'

export interface WaitingLimits {
  readonly eventsPerSource: number
  readonly bytesPerSource: number
  readonly bytesTotal: number
}

export const DEFAULT_WAITING_LIMITS: WaitingLimits = {
  eventsPerSource: 4_096,
  bytesPerSource: 16 * 1024 * 1024,
  bytesTotal: 64 * 1024 * 1024,
}

/** What a waiting event and each parent that it waits for take up beside the event's own bytes, about. */
const WAITER_BYTES = 1_024
const REFERENCE_BYTES = 400

interface Waiter {
  readonly event: VerifiedEvent
  /** Who brought it. */
  readonly sources: Set<number>
  /** The parents that it waits for. */
  readonly missing: Map<EventKey, EventReference>
  /** No missing parent is born before this round, as the event claims it. */
  oldestMissing: number
  readonly bytes: number
  ready: boolean
}

interface Source {
  /** In order of arrival. */
  readonly keys: Set<EventKey>
  bytes: number
}

/** An event that is taken out because its turn may have come. */
export interface TakenEvent {
  readonly event: VerifiedEvent
  readonly sources: readonly number[]
}

export interface WaitingRoom {
  has(key: EventKey): boolean
  add(
    event: VerifiedEvent,
    sources: readonly number[],
    missing: readonly EventReference[],
    ready: boolean,
  ): void
  /** Another source has brought a waiting event as well. */
  share(key: EventKey, source: number): void
  takeReady(): TakenEvent | undefined
  /** Says that this event is linked or ancient now: whoever waited for nothing else may be ready. */
  release(key: EventKey): void
  /** Drops what is ancient; who waited for ancient parents only, or for its own round, may be ready. */
  advance(ancientThreshold: number, electionRound: number): void
  /** Parents that events of this source wait for and that it has not brought, at most `limit`. */
  missing(source: number, limit: number): EventReference[]
  isAwaited(parent: EventKey): boolean
  count(): number
  bytes(): number
  evicted(): number
}

export function createWaitingRoom(overrides: Partial<WaitingLimits> = {}): WaitingRoom {
  const limits = { ...DEFAULT_WAITING_LIMITS, ...overrides }
  const waiters = new Map<EventKey, Waiter>()
  /** Missing parent → who waits for it. */
  const awaited = new Map<EventKey, Set<EventKey>>()
  const sources = new Map<number, Source>()
  let ready: EventKey[] = []
  let readyHead = 0
  let totalBytes = 0
  let evictedCount = 0

  function leave(key: EventKey, waiter: Waiter, sourceId: number): void {
    const source = sources.get(sourceId)!
    source.keys.delete(key)
    source.bytes -= waiter.bytes
    if (source.keys.size === 0) sources.delete(sourceId)
    waiter.sources.delete(sourceId)
  }

  function waitNoMore(key: EventKey, waiter: Waiter, parent: EventKey): void {
    waiter.missing.delete(parent)
    const children = awaited.get(parent)
    children?.delete(key)
    if (children?.size === 0) awaited.delete(parent)
  }

  function forget(key: EventKey, waiter: Waiter): void {
    waiters.delete(key)
    totalBytes -= waiter.bytes
    for (const parent of waiter.missing.keys()) waitNoMore(key, waiter, parent)
  }

  function remove(key: EventKey): TakenEvent | undefined {
    const waiter = waiters.get(key)
    if (waiter === undefined) return undefined
    const taken = { event: waiter.event, sources: [...waiter.sources] }
    for (const source of taken.sources) leave(key, waiter, source)
    forget(key, waiter)
    return taken
  }

  function markReady(key: EventKey, waiter: Waiter): void {
    if (waiter.ready) return
    waiter.ready = true
    ready.push(key)
  }

  function evictOldest(sourceId: number): void {
    const oldest = sources.get(sourceId)?.keys.values().next().value
    if (oldest === undefined) throw new Error('invariant: a source without events')
    const waiter = waiters.get(oldest)!
    leave(oldest, waiter, sourceId)
    if (waiter.sources.size > 0) return
    forget(oldest, waiter)
    evictedCount += 1
  }

  function makeRoom(sourceId: number): void {
    for (let source = sources.get(sourceId); source !== undefined; source = sources.get(sourceId)) {
      if (source.keys.size <= limits.eventsPerSource && source.bytes <= limits.bytesPerSource) break
      evictOldest(sourceId)
    }
    while (totalBytes > limits.bytesTotal) {
      let fullest = -1
      let most = -1
      for (const [id, source] of sources) {
        if (source.bytes <= most) continue
        fullest = id
        most = source.bytes
      }
      evictOldest(fullest)
    }
  }

  function enter(key: EventKey, waiter: Waiter, sourceId: number): void {
    const source = sources.get(sourceId) ?? { keys: new Set<EventKey>(), bytes: 0 }
    sources.set(sourceId, source)
    source.keys.add(key)
    source.bytes += waiter.bytes
    waiter.sources.add(sourceId)
  }

  function add(
    event: VerifiedEvent,
    from: readonly number[],
    references: readonly EventReference[],
    isReady: boolean,
  ): void {
    const { key } = event
    const missing = new Map<EventKey, EventReference>()
    let oldestMissing = Infinity
    for (const reference of references) {
      const parent = bytesKey(reference.id)
      missing.set(parent, reference)
      oldestMissing = Math.min(oldestMissing, reference.birthRound)
      const children = awaited.get(parent)
      if (children === undefined) awaited.set(parent, new Set([key]))
      else children.add(key)
    }
    const bytes = event.bytes.length + WAITER_BYTES + REFERENCE_BYTES * missing.size
    const waiter = { event, sources: new Set<number>(), missing, oldestMissing, bytes, ready: false }
    waiters.set(key, waiter)
    totalBytes += bytes
    for (const source of from) enter(key, waiter, source)
    // Whoever is ready is taken out before the next one comes, and pushes nobody out.
    if (isReady) markReady(key, waiter)
    else for (const source of from) makeRoom(source)
  }

  function takeReady(): TakenEvent | undefined {
    for (;;) {
      const key = ready[readyHead++]
      if (key === undefined) {
        ready = []
        readyHead = 0
        return undefined
      }
      const taken = remove(key)
      if (taken !== undefined) return taken
    }
  }

  function release(parent: EventKey): void {
    const children = awaited.get(parent)
    if (children === undefined) return
    awaited.delete(parent)
    for (const key of children) {
      const waiter = waiters.get(key)!
      waiter.missing.delete(parent)
      if (waiter.missing.size === 0) markReady(key, waiter)
    }
  }

  function advance(ancientThreshold: number, electionRound: number): void {
    for (const [key, waiter] of waiters) {
      const { event, missing } = waiter
      if (event.birthRound < ancientThreshold) {
        remove(key)
        continue
      }
      if (waiter.oldestMissing < ancientThreshold) {
        waiter.oldestMissing = Infinity
        for (const [parent, { birthRound }] of missing) {
          if (birthRound < ancientThreshold) waitNoMore(key, waiter, parent)
          else waiter.oldestMissing = Math.min(waiter.oldestMissing, birthRound)
        }
      }
      if (missing.size === 0 && event.birthRound <= electionRound) markReady(key, waiter)
    }
  }

  function missing(sourceId: number, limit: number): EventReference[] {
    const source = sources.get(sourceId)
    const found = new Map<EventKey, EventReference>()
    for (const key of source?.keys ?? []) {
      for (const [parent, reference] of waiters.get(key)!.missing) {
        if (found.size >= limit) return [...found.values()]
        if (!source!.keys.has(parent)) found.set(parent, reference)
      }
    }
    return [...found.values()]
  }

  return {
    has: (key) => waiters.has(key),
    add,
    share: (key, sourceId) => {
      const waiter = waiters.get(key)
      if (waiter === undefined || waiter.sources.has(sourceId)) return
      enter(key, waiter, sourceId)
      makeRoom(sourceId)
    },
    takeReady,
    release,
    advance,
    missing,
    isAwaited: (parent) => awaited.has(parent),
    count: () => waiters.size,
    bytes: () => totalBytes,
    evicted: () => evictedCount,
  }
}
