// Decides what opening means: everything is read and checked, an unfinished end is cut off and reported, anything else that is
// not sound stops it, and what was found is made durable before the caller builds on it.
import { networkIdBytes, segmentHeaderBytes } from '../src/record-format.ts'
import { DiskFull, isNoSpace, JournalDamaged, JournalFailed, JournalMissing } from './errors.ts'
import { type Files, nodeFiles } from './files.ts'
import { readFrom, type ReadResult, segmentAt } from './reader.ts'
import { type CheckRecord, type Range, type Scan, scanSegments } from './scan.ts'
import {
  type Layout,
  layoutOf,
  type OnRecord,
  planSegment,
  type Segment,
  segmentPath,
  endOf,
} from './segments.ts'
import {
  abandon,
  append,
  close,
  createSegmentFile,
  firstChunkBytes,
  flush,
  mark,
  prune,
  type Store,
  sync,
} from './writer.ts'

export const defaultSegmentBytes: number = 64 * 1024 * 1024
export const defaultMaxBufferedBytes: number = 128 * 1024 * 1024

/** What opening cut off: the end of `file` from `offset` on. None of it had been acknowledged as durable. */
export type Recovered = {
  readonly file: string
  readonly offset: number
  readonly droppedBytes: number
  readonly reason: string
}

export type JournalOptions = {
  /** The data directory; the segments are in `<dir>/journal`. Its lock is the caller's business. */
  readonly dir: string
  readonly networkId: Uint8Array
  /** Size at which a new segment begins. */
  readonly segmentBytes?: number
  /** Bound of what may wait for a flush. */
  readonly maxBufferedBytes?: number
  /**
   * Also cut off a tail that is not simply too short: after a power cut any part of what was not durable may be there, in any
   * order. Off: that is damage.
   */
  readonly repairTail?: boolean
  /** Which part is read and checked at opening; all of it if left out. */
  readonly range?: Range
  /** Gets each record during opening, in order. Payloads stay valid; a kept one keeps 256 KiB around it, so copy small parts. */
  readonly onRecord?: OnRecord
  readonly files?: Files
}

export type Journal = {
  readonly recovered: Recovered | null
  /** Takes a record into memory and gives its offset; no I/O. The payload is copied. */
  append(kind: number, payload: Uint8Array): number
  /** Hands all buffered records to the system. Throws DiskFull if there is no space: nothing is lost, call again later. */
  flush(): void
  /** Everything that was appended before the call is durable when the promise is fulfilled. */
  sync(): Promise<void>
  /** Records from `offset` (0: from the beginning), at most `maxBytes` with their headers, but at least one if there is one. */
  readFrom(offset: number, maxBytes: number): ReadResult
  /** Offset behind the last record. */
  end(): number
  /** Offset up to which everything is known to be durable. */
  durableEnd(): number
  /** Bytes that wait for a flush. */
  bufferedBytes(): number
  /** Offset at which the first segment begins; records before it were pruned. */
  begin(): number
  /** Number of the segment that holds this offset: the first one that has to stay for it to be read. */
  segmentOf(offset: number): number
  /** Removes the segments before this one, never the last. The caller has noted durably that they may be missing. Gives the bytes freed. */
  prune(firstSegment: number): number
  /** Makes everything durable and lets go of the files. If it is rejected, the journal is still open. */
  close(): Promise<void>
  /** Lets go of the files as they are; what was not flushed is lost. */
  abandon(): void
}

/** Where a file ends in what is no whole record, its place in that file, and how much of it there is. */
export interface TornTail {
  readonly file: string
  readonly offset: number
  readonly bytes: number
}

export type Verified = {
  readonly segments: number
  readonly records: number
  readonly bytes: number
  readonly networkId: Uint8Array | null
  readonly tornTail?: TornTail
}

export function openJournal(options: JournalOptions): Journal {
  const { store, recovered } = openStore(
    layoutOf(options.dir, 'journal'),
    options,
    acceptAll(options.onRecord),
    true,
  )
  return {
    recovered,
    append: (kind, payload) => append(store, kind, payload),
    flush: () => flush(store),
    sync: () => sync(store),
    readFrom: (offset, maxBytes) => readFrom(store, offset, maxBytes),
    end: () => store.end,
    durableEnd: () => store.durable,
    bufferedBytes: () => store.bufferedBytes,
    begin: () => store.segments[0]!.base,
    segmentOf: (offset) => segmentAt(store.segments, offset).number,
    prune: (firstSegment) => prune(store, firstSegment),
    close: () => close(store),
    abandon: () => abandon(store),
  }
}

/**
 * Reads and checks every byte of the journal in a data directory (from a segment on) and changes nothing. A tail is what an
 * opening would cut off.
 */
export function verifyJournal(
  dir: string,
  onRecord?: OnRecord,
  files: Files = nodeFiles,
  firstSegment = 1,
): Verified {
  return verifySegments(layoutOf(dir, 'journal'), onRecord, files, firstSegment)
}

export function verifySegments(
  layout: Layout,
  onRecord: OnRecord | undefined,
  files: Files,
  firstSegment: number,
): Verified {
  const scan = scanSegments(files, layout, null, acceptAll(onRecord), { firstSegment })
  const { records, bytes, networkId, tail } = scan
  const segments = scan.segments.length + (tail !== null && tail.offset === 0 ? 1 : 0)
  if (segments === 0) throw new JournalMissing(layout.directory)
  if (tail === null) return { segments, records, bytes, networkId }
  const tornTail = { file: tail.file, offset: tail.offset, bytes: tail.bytes }
  return { segments, records, bytes, networkId, tornTail }
}

export function openStore(
  layout: Layout,
  options: Omit<JournalOptions, 'onRecord'>,
  check: CheckRecord,
  marksDurable: boolean,
): { store: Store; recovered: Recovered | null } {
  const files = options.files ?? nodeFiles
  const { networkId } = options
  if (networkId.length !== networkIdBytes) throw new RangeError('a network id has 32 bytes')
  files.makeDirectory(layout.directory)
  const scan = scanSegments(files, layout, networkId, check, options.range)
  const recovered = cutTail(files, layout, scan, options.repairTail === true)
  const first = options.range?.firstSegment ?? 1
  if (scan.segments.length === 0 && first > 1)
    throw new JournalDamaged(segmentPath(layout, first), 0, 'the segment file is missing')
  const fresh = scan.segments.length === 0 ? planSegment(layout, networkId, 1, 0, scan.chain) : null
  if (fresh !== null) scan.segments.push(fresh)
  const active = scan.segments.at(-1)!
  const fd = fresh === null ? reopen(files, layout, active) : create(files, layout, fresh)
  const store: Store = {
    files,
    layout,
    networkId: networkId.slice(),
    segmentBytes: options.segmentBytes ?? defaultSegmentBytes,
    maxBufferedBytes: options.maxBufferedBytes ?? defaultMaxBufferedBytes,
    marksDurable,
    segments: scan.segments,
    chain: scan.chain,
    end: endOf(active),
    active,
    fd,
    pending: [],
    spare: null,
    chunkBytes: firstChunkBytes,
    bufferedBytes: 0,
    durable: endOf(active),
    running: null,
    next: null,
    begun: null,
    failure: null,
    closed: false,
    retired: [],
  }
  if (!scan.marked && active.size > segmentHeaderBytes) mark(store)
  return { store, recovered }
}

function acceptAll(onRecord: OnRecord | undefined): CheckRecord {
  return (kind, payload, offset) => {
    onRecord?.(kind, payload, offset)
    return null
  }
}

function cutTail(files: Files, layout: Layout, scan: Scan, repairTail: boolean): Recovered | null {
  const { tail } = scan
  if (tail === null) return null
  if (!tail.incomplete && !repairTail) throw new JournalDamaged(tail.file, tail.offset, tail.reason)
  try {
    if (tail.offset === 0) {
      files.remove(tail.file)
      files.syncDirectory(layout.directory)
    } else {
      withFile(files, tail.file, (fd) => files.truncate(fd, tail.offset))
    }
  } catch (error) {
    throw new JournalFailed(tail.file, 'cutting off the unfinished end', true, error)
  }
  return { file: tail.file, offset: tail.offset, droppedBytes: tail.bytes, reason: tail.reason }
}

/**
 * A process that was killed leaves records that are in the page cache only. The caller is about to treat what was read as durable
 * (and to send its own events again), so it has to be: a power cut after this must not take it back.
 */
function reopen(files: Files, layout: Layout, segment: Segment): number {
  const fd = files.open(segment.path, 'update')
  try {
    files.sync(fd)
    files.syncDirectory(layout.directory)
    return fd
  } catch (error) {
    files.close(fd)
    throw new JournalFailed(segment.path, 'fsync', true, error)
  }
}

function create(files: Files, layout: Layout, segment: Segment): number {
  try {
    return createSegmentFile(files, layout, segment, false)
  } catch (error) {
    if (isNoSpace(error)) throw new DiskFull(segment.path, segment.size, error)
    throw new JournalFailed(segment.path, 'creation', true, error)
  }
}

function withFile(files: Files, path: string, use: (fd: number) => void): void {
  const fd = files.open(path, 'update')
  try {
    use(fd)
    files.sync(fd)
  } finally {
    files.close(fd)
  }
}
