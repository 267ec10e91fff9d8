/**
 * How records travel. A new own record goes to every link at once (one hop, one copy, like own events); what was missed is
 * found by a digest of all records held, which every STATUS carries, and closed by exchanging versions: one message each
 * way, then exactly what the other lacks (gossip design 1.1 "piggybacking", 1.2 "anti-entropy").
 */
import { MAX_RECORDS_PER_FRAME, MAX_VERSIONS, type Frame } from './frames.ts'
import type { NodeRecord, RecordBook, RecordKind, RecordRejection, RecordVersions } from './records.ts'

export interface RecordExchangeTuning {
  /** A difference in records is left to what is on its way by itself for this long. */
  readonly recordGraceMs: number
  /** Versions are told at most so often on one's own account, over all links; and answered at most so often a link. */
  readonly versionsEveryMs: number
}

export interface RecordExchange {
  opened(link: number): void
  closed(link: number): void
  publish(kind: RecordKind, content: Uint8Array): NodeRecord
  /** Says whether the sender is at fault: an honest one verifies before it passes on. */
  heardRecords(link: number, records: readonly Uint8Array[], nowMs: number): 'sound' | 'faulty'
  heardVersions(link: number, versions: RecordVersions, answer: boolean, nowMs: number): void
  heardDigest(link: number, digest: number, nowMs: number): void
  tick(nowMs: number): void
  nextTickMs(): number | undefined
}

interface Link {
  readonly link: number
  /** What the peer's records come to, as it last said, if they are others than those held here; and since when. */
  theirDigest: number | undefined
  sinceMs: number
  answeredMs: number
}

export interface RecordExchangeParts {
  readonly book: RecordBook
  readonly tuning: RecordExchangeTuning
  readonly send: (link: number, frame: Frame) => void
  /** A record of somebody else is new. */
  readonly onRecord: (record: NodeRecord) => void
  readonly onRejection: (reason: RecordRejection) => void
}

export function createRecordExchange(parts: RecordExchangeParts): RecordExchange {
  const { book, tuning, send } = parts
  const links = new Map<number, Link>()
  let nextVersionsMs = -Infinity

  function sendRecords(link: number, records: readonly NodeRecord[]): void {
    for (let i = 0; i < records.length; i += MAX_RECORDS_PER_FRAME) {
      const some = records.slice(i, i + MAX_RECORDS_PER_FRAME)
      send(link, { kind: 'records', records: some.map(({ bytes }) => bytes) })
    }
  }

  const tellVersions = (link: number, answer: boolean): void =>
    send(link, { kind: 'versions', answer, versions: book.versions().slice(0, MAX_VERSIONS) })

  function heardRecords(_link: number, records: readonly Uint8Array[], nowMs: number): 'sound' | 'faulty' {
    for (const bytes of records) {
      const result = book.offer(bytes, nowMs)
      if (result.ok) parts.onRecord(result.record)
      else {
        parts.onRejection(result.reason)
        if (result.reason === 'record-unsound' || result.reason === 'record-forged') return 'faulty'
      }
    }
    return 'sound'
  }

  function heardVersions(link: number, versions: RecordVersions, answer: boolean, nowMs: number): void {
    const state = links.get(link)
    if (state === undefined) return
    // Asking costs less than answering does.
    if (nowMs - state.answeredMs < tuning.versionsEveryMs / 2) return
    state.answeredMs = nowMs
    sendRecords(link, book.newerThan(versions))
    if (!answer && book.isBehind(versions)) tellVersions(link, true)
  }

  function heardDigest(link: number, digest: number, nowMs: number): void {
    const state = links.get(link)
    if (state === undefined) return
    if (digest === book.digest()) state.theirDigest = undefined
    else {
      if (state.theirDigest === undefined) state.sinceMs = nowMs
      state.theirDigest = digest
    }
  }

  const dueMs = (state: Link): number =>
    state.theirDigest === undefined
      ? Infinity
      : Math.max(state.sinceMs + tuning.recordGraceMs, nextVersionsMs)

  function tick(nowMs: number): void {
    for (const state of links.values()) {
      if (dueMs(state) > nowMs) continue
      const differs = state.theirDigest !== book.digest()
      state.theirDigest = undefined
      if (!differs) continue
      nextVersionsMs = nowMs + tuning.versionsEveryMs
      tellVersions(state.link, false)
    }
  }

  return {
    opened: (link) => {
      links.set(link, { link, theirDigest: undefined, sinceMs: 0, answeredMs: -Infinity })
      tellVersions(link, false)
    },
    closed: (link) => void links.delete(link),
    publish: (kind, content) => {
      const record = book.publish(kind, content)
      for (const link of links.keys()) sendRecords(link, [record])
      return record
    },
    heardRecords,
    heardVersions,
    heardDigest,
    tick,
    nextTickMs: () => {
      let next = Infinity
      for (const state of links.values()) next = Math.min(next, dueMs(state))
      return next === Infinity ? undefined : next
    },
  }
}
