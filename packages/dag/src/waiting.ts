/**
 * The room for verified events that cannot be linked yet: parents are missing, or their birth round is not due. Bounded
 * per source and in total, the oldest of the fullest source goes first; what is dropped here is asked for again when
 * somebody needs it, so a flood costs the flooder its own place and nobody else an event (reliability: M8, M10).
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

interface Waiter {
  readonly event: VerifiedEvent
  readonly source: number
  readonly missing: readonly EventKey[]
  ready: boolean
}

interface Source {
  /** In order of arrival. */
  readonly keys: Set<EventKey>
  bytes: number
}

export interface WaitingRoom {
  has(key: EventKey): boolean
  add(event: VerifiedEvent, source: number, missing: readonly EventReference[], ready: boolean): void
  /** Takes one event out whose turn may have come. */
  takeReady(): { readonly event: VerifiedEvent; readonly source: number } | undefined
  /** Says that this event is linked or ancient now: whoever waited for it may be ready. */
  release(key: EventKey): void
  reconsider(judge: (event: VerifiedEvent) => 'keep' | 'ready' | 'drop'): void
  missing(limit: number): EventReference[]
  count(): number
  bytes(): number
  evicted(): number
}

export function createWaitingRoom(overrides: Partial<WaitingLimits> = {}): WaitingRoom {
  const limits = { ...DEFAULT_WAITING_LIMITS, ...overrides }
  const waiters = new Map<EventKey, Waiter>()
  /** Missing parent → who waits for it. */
  const awaited = new Map<EventKey, { reference: EventReference; children: Set<EventKey> }>()
  const sources = new Map<number, Source>()
  let ready: EventKey[] = []
  let readyHead = 0
  let totalBytes = 0
  let evictedCount = 0

  function remove(key: EventKey): Waiter | undefined {
    const waiter = waiters.get(key)
    if (waiter === undefined) return undefined
    waiters.delete(key)
    const source = sources.get(waiter.source)!
    source.keys.delete(key)
    source.bytes -= waiter.event.bytes.length
    totalBytes -= waiter.event.bytes.length
    if (source.keys.size === 0) sources.delete(waiter.source)
    for (const parent of waiter.missing) {
      const entry = awaited.get(parent)
      if (entry === undefined) continue
      entry.children.delete(key)
      if (entry.children.size === 0) awaited.delete(parent)
    }
    return waiter
  }

  function markReady(key: EventKey): void {
    const waiter = waiters.get(key)
    if (waiter === undefined || waiter.ready) return
    waiter.ready = true
    ready.push(key)
  }

  function evictOldest(source: Source): void {
    const oldest = source.keys.values().next().value
    if (oldest === undefined) throw new Error('invariant: a source without events')
    remove(oldest)
    evictedCount += 1
  }

  function makeRoom(sourceId: number): void {
    for (;;) {
      const source = sources.get(sourceId)
      if (source === undefined) return
      if (source.keys.size <= limits.eventsPerSource && source.bytes <= limits.bytesPerSource) break
      evictOldest(source)
    }
    while (totalBytes > limits.bytesTotal) {
      let fullest: Source | undefined
      for (const source of sources.values())
        if (fullest === undefined || source.bytes > fullest.bytes) fullest = source
      evictOldest(fullest!)
    }
  }

  function add(
    event: VerifiedEvent,
    sourceId: number,
    missing: readonly EventReference[],
    isReady: boolean,
  ): void {
    const keys = missing.map((reference) => bytesKey(reference.id))
    const source = sources.get(sourceId) ?? { keys: new Set<EventKey>(), bytes: 0 }
    sources.set(sourceId, source)
    source.keys.add(event.key)
    source.bytes += event.bytes.length
    totalBytes += event.bytes.length
    waiters.set(event.key, { event, source: sourceId, missing: keys, ready: false })
    for (const [i, key] of keys.entries()) {
      const entry = awaited.get(key)
      if (entry === undefined) awaited.set(key, { reference: missing[i]!, children: new Set([event.key]) })
      else entry.children.add(event.key)
    }
    if (isReady) markReady(event.key)
    makeRoom(sourceId)
  }

  function takeReady(): Waiter | undefined {
    for (;;) {
      const key = ready[readyHead++]
      if (key === undefined) {
        ready = []
        readyHead = 0
        return undefined
      }
      const waiter = remove(key)
      if (waiter !== undefined) return waiter
    }
  }

  function missing(limit: number): EventReference[] {
    const found: EventReference[] = []
    for (const [key, entry] of awaited) {
      if (found.length >= limit) break
      if (!waiters.has(key)) found.push(entry.reference)
    }
    return found
  }

  return {
    has: (key) => waiters.has(key),
    add,
    takeReady,
    release: (key) => {
      const entry = awaited.get(key)
      if (entry === undefined) return
      for (const child of entry.children) markReady(child)
    },
    reconsider: (judge) => {
      for (const [key, waiter] of waiters) {
        if (waiter.ready) continue
        const verdict = judge(waiter.event)
        if (verdict === 'drop') remove(key)
        else if (verdict === 'ready') markReady(key)
      }
    },
    missing,
    count: () => waiters.size,
    bytes: () => totalBytes,
    evicted: () => evictedCount,
  }
}
