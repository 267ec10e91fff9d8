// Decides when bytes go to the file and when they are durable. Records collect in memory until `flush`; `sync` makes all that was
// appended before it durable, and calls that arrive while one runs share the next one (group commit).
//
// Order, which recovery relies on: a full segment is durable before the next file is made; that file's header and directory
// entry are durable before its first record is written. So only the last segment can be torn, and never in its header once
// there is something behind it.
//
// Behind a sync a mark is written (record-format.ts). It needs no sync of its own: it adds what a reader can
// know, and nobody waits for it.
import {
  markKind,
  maxPayloadBytes,
  recordHeaderBytes,
  segmentHeaderBytes,
  unknownDistance,
  writeRecord,
  placeSeed,
} from '../src/record-format.ts'
import { BufferFull, DiskFull, isNoSpace, JournalClosed, JournalFailed, systemCode } from './errors.ts'
import type { Files } from './files.ts'
import { crc32, endOf, type Layout, planSegment, type Segment } from './segments.ts'

/** The first chunk is small, each further one twice as large, up to the largest: a journal that is hardly used costs little. */
export const firstChunkBytes: number = 16 * 1024
const largestChunkBytes = 256 * 1024
const nothing = new Uint8Array(0)

/** Whole records that belong behind each other at `position` of a segment; the first `written` bytes are with the system. */
export type Chunk = {
  readonly segment: Segment
  readonly position: number
  readonly bytes: Uint8Array
  length: number
  written: number
}

export type Store = {
  readonly files: Files
  readonly layout: Layout
  readonly networkId: Uint8Array
  readonly segmentBytes: number
  readonly maxBufferedBytes: number
  /** Whether records say how far their predecessors were durable. Not in files that are to be equal at all members. */
  readonly marksDurable: boolean
  readonly segments: Segment[]
  chain: number
  /** Offset behind the last record that is not a mark. */
  end: number
  /** The segment that `fd` is; later ones exist in memory only. */
  active: Segment
  fd: number
  readonly pending: Chunk[]
  spare: Uint8Array | null
  chunkBytes: number
  bufferedBytes: number
  /** Global offset up to which everything is known to be durable. */
  durable: number
  running: Promise<void> | null
  next: Promise<void> | null
  /** Segment whose file was begun but not finished, so that its making may start over. */
  begun: Segment | null
  failure: JournalFailed | null
  closed: boolean
  /** Files to be closed when no sync uses them any more: a number in use by a sync must not be given to another file. */
  readonly retired: number[]
}

export function append(store: Store, kind: number, payload: Uint8Array): number {
  guard(store)
  if (!Number.isInteger(kind) || kind < 0 || kind >= markKind)
    throw new RangeError(`a record kind is 0…${markKind - 1}, not ${kind}`)
  if (payload.length > maxPayloadBytes) throw new RangeError(`a record has at most ${maxPayloadBytes} bytes`)
  const size = recordHeaderBytes + payload.length
  if (store.bufferedBytes > 0 && store.bufferedBytes + size > store.maxBufferedBytes) {
    throw new BufferFull(store.layout.directory, store.bufferedBytes, store.maxBufferedBytes)
  }
  const segment = segmentFor(store, size)
  const offset = put(store, segment, kind, payload)
  store.end = endOf(segment)
  return offset
}

function put(store: Store, segment: Segment, kind: number, payload: Uint8Array): number {
  const size = recordHeaderBytes + payload.length
  const chunk = chunkFor(store, segment, size)
  const offset = endOf(segment)
  const unsynced = store.marksDurable ? Math.min(offset - store.durable, unknownDistance) : unknownDistance
  const record = { kind, payload, previous: store.chain, unsynced }
  store.chain = writeRecord(chunk.bytes, chunk.length, record, placeSeed(segment.seed, segment.size), crc32)
  chunk.length += size
  segment.size += size
  store.bufferedBytes += size
  return offset
}

/** Hands all buffered bytes to the system. On an error what was not written stays, and a later call continues there. */
export function flush(store: Store): void {
  guard(store)
  for (let chunk = store.pending[0]; chunk !== undefined; chunk = store.pending[0]) {
    if (store.active !== chunk.segment) beginSegment(store, chunk.segment)
    const before = chunk.written
    try {
      writeFully(store.files, store.fd, chunk)
    } catch (error) {
      store.bufferedBytes -= chunk.written - before
      throw refused(store, chunk.segment.path, 'writing', error)
    }
    store.bufferedBytes -= chunk.written - before
    store.pending.shift()
    if (chunk.bytes.length === store.chunkBytes) store.spare = chunk.bytes
  }
}

/** Not an async function: which calls share a sync is decided at the call. */
export function sync(store: Store): Promise<void> {
  if (store.next !== null) return store.next
  if (store.running === null) return startSync(store)
  const settled = store.running.then(
    () => undefined,
    () => undefined,
  )
  store.next = settled.then(() => {
    store.next = null
    return startSync(store)
  })
  return store.next
}

export async function close(store: Store): Promise<void> {
  while (!store.closed && store.failure === null && (store.running !== null || store.durable < store.end)) {
    await sync(store)
  }
  // The mark behind the last sync too: after this, whatever is not sound is damage. A full disk may have taken half of it.
  if (store.marksDurable && !store.closed && store.failure === null && flushMark(store)) {
    syncNow(store, store.active.path, store.fd)
  }
  abandon(store)
}

/** Lets go of the files without writing anything: buffered records are gone. */
export function abandon(store: Store): void {
  if (store.closed) return
  store.closed = true
  store.pending.length = 0
  store.bufferedBytes = 0
  retire(store, store.fd)
}

/** Removes the files of the segments before the given one; the last one stays. */
export function prune(store: Store, firstSegment: number): number {
  guard(store)
  let freed = 0
  while (store.segments[0]!.number < firstSegment && store.segments[0] !== store.active) {
    const { path, size } = store.segments[0]!
    store.files.remove(path)
    store.segments.shift()
    freed += size
  }
  if (freed > 0) store.files.syncDirectory(store.layout.directory)
  return freed
}

/** Writes a new file's header and makes it durable, before there is anything to lose in it. */
export function createSegmentFile(
  files: Files,
  layout: Layout,
  segment: Segment,
  startOver: boolean,
): number {
  const fd = files.open(segment.path, startOver ? 'recreate' : 'create')
  try {
    const { header } = segment
    writeFully(files, fd, { segment, position: 0, bytes: header, length: header.length, written: 0 })
    files.sync(fd)
    files.syncDirectory(layout.directory)
    return fd
  } catch (error) {
    files.close(fd)
    throw error
  }
}

function guard(store: Store): void {
  if (store.failure !== null) throw store.failure
  if (store.closed) throw new JournalClosed(store.layout.directory)
}

function segmentFor(store: Store, size: number): Segment {
  const tip = store.segments.at(-1)!
  // A record that is larger than a segment gets one for itself.
  if (tip.size + size <= store.segmentBytes || tip.size === segmentHeaderBytes) return tip
  const fresh = planSegment(store.layout, store.networkId, tip.number + 1, endOf(tip), store.chain)
  store.segments.push(fresh)
  return fresh
}

function chunkFor(store: Store, segment: Segment, size: number): Chunk {
  const last = store.pending.at(-1)
  if (last !== undefined && last.segment === segment && last.length + size <= last.bytes.length) return last
  if (last !== undefined) store.chunkBytes = Math.min(2 * store.chunkBytes, largestChunkBytes)
  const reused = store.spare !== null && size <= store.spare.length ? store.spare : null
  if (reused !== null) store.spare = null
  const bytes = reused ?? new Uint8Array(Math.max(size, store.chunkBytes))
  const chunk: Chunk = { segment, position: segment.size, bytes, length: 0, written: 0 }
  store.pending.push(chunk)
  return chunk
}

/** A write may be short without an error, and the next one then fails: `written` says exactly how far the file is right. */
function writeFully(files: Files, fd: number, chunk: Chunk): void {
  while (chunk.written < chunk.length) {
    const n = files.write(fd, chunk.bytes, chunk.written, chunk.length, chunk.position + chunk.written)
    if (n === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' })
    chunk.written += n
  }
}

function beginSegment(store: Store, segment: Segment): void {
  syncNow(store, store.active.path, store.fd)
  // The system reports a failed write-back once. If a sync runs beside this one, it may be the one to hear of it.
  if (store.running === null) store.durable = Math.max(store.durable, endOf(store.active))
  let fd: number
  try {
    const startOver = store.begun === segment
    store.begun = segment
    fd = createSegmentFile(store.files, store.layout, segment, startOver)
  } catch (error) {
    throw refused(store, segment.path, 'creation', error)
  }
  retire(store, store.fd)
  store.active = segment
  store.fd = fd
  store.begun = null
}

function syncNow(store: Store, path: string, fd: number): void {
  try {
    store.files.sync(fd)
  } catch (error) {
    throw fail(store, path, 'fsync', error)
  }
}

function startSync(store: Store): Promise<void> {
  const run = commit(store).finally(() => {
    store.running = null
    closeRetired(store)
  })
  store.running = run
  return run
}

async function commit(store: Store): Promise<void> {
  guard(store)
  // A mark alone is nothing that anybody waits for.
  if (store.end <= store.durable) return
  flush(store)
  const target = store.end
  const { path } = store.active
  try {
    await store.files.syncData(store.fd)
  } catch (error) {
    throw fail(store, path, 'fdatasync', error)
  }
  store.durable = Math.max(store.durable, target)
  // Before anybody is told: whoever was acknowledged something has a witness in the file, though the process may die right now.
  mark(store)
}

/** Says in the file that all of it is durable. Where there is no space for that it waits with whatever comes next. */
export function mark(store: Store): void {
  if (!store.marksDurable || store.closed) return
  put(store, store.segments.at(-1)!, markKind, nothing)
  flushMark(store)
}

/** Whether everything is with the system; nobody waits for a mark, so a full disk is no error here. */
function flushMark(store: Store): boolean {
  try {
    flush(store)
    return true
  } catch (error) {
    if (!(error instanceof DiskFull)) throw error
    return false
  }
}

function refused(store: Store, path: string, operation: string, error: unknown): Error {
  if (isNoSpace(error)) return new DiskFull(path, store.bufferedBytes, error)
  // Too many open files passes; a file that cannot be written does not.
  const passing = ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'].includes(systemCode(error) ?? '')
  return passing ? new JournalFailed(path, operation, false, error) : fail(store, path, operation, error)
}

function fail(store: Store, path: string, operation: string, error: unknown): JournalFailed {
  store.failure ??= new JournalFailed(path, operation, true, error)
  return store.failure
}

function retire(store: Store, fd: number): void {
  store.retired.push(fd)
  if (store.running === null) closeRetired(store)
}

function closeRetired(store: Store): void {
  for (const fd of store.retired.splice(0)) store.files.close(fd)
}
