// Decides whether segment files are sound: reads every byte of them once, in order, with bounded memory, and changes nothing.
// Three verdicts: sound; a tail (from some place of the last segment on, and nothing behind it says that this place had been
// durable); or JournalDamaged, for everything else. Records are handed over as they are read, so a caller has seen the sound ones
// before the damage when it is thrown.
//
// Why sound records may be part of a tail: until a sync has ended well the system may write a file's pages in any order, so a
// power cut can leave the later ones without the earlier ones. What tells a hole from damage is how far everything had been
// durable when the records behind it were appended, which each of them carries.
import {
  encodeSegmentHeader,
  firstChain,
  fixedHeaderBytes,
  markerOffset,
  markKind,
  networkIdBytes,
  parseRecordHeader,
  parseSegmentHeader,
  payloadIsSound,
  placeSeed,
  type RecordHeader,
  recordHeaderBytes,
  recordMarker,
  segmentHeaderBytes,
  unknownDistance,
} from '../src/record-format.ts'
import { JournalDamaged, JournalForeign } from './errors.ts'
import { type Files, readFully } from './files.ts'
import { crc32, endOf, type Layout, listSegments, type Segment, segmentPath } from './segments.ts'

/** Each chunk is a fresh buffer, so that payloads which a callback keeps stay what they are. */
const chunkBytes = 256 * 1024

export type Tail = {
  readonly file: string
  /** Byte position in the file from which on it is of no use. */
  readonly offset: number
  readonly bytes: number
  /** The file ends within its last record (or header). If not: bytes are there, but they are not sound. */
  readonly incomplete: boolean
  readonly reason: string
}

export type Scan = {
  /** Without a last segment whose header is not whole. */
  readonly segments: Segment[]
  readonly chain: number
  readonly records: number
  readonly bytes: number
  /** The last record is a mark: it says of all others that they were durable. */
  readonly marked: boolean
  readonly networkId: Uint8Array | null
  readonly tail: Tail | null
}

/** Gets each sound record; may say why it cannot be here. */
export type CheckRecord = (kind: number, payload: Uint8Array, offset: number) => string | null

type Trouble = { readonly position: number; readonly incomplete: boolean; readonly reason: string }

/** Which part of the files is read. What comes before it is somebody else's to know sound: a snapshot's. */
export type Range = {
  /** Number of the first segment that has to be there; those before it were pruned. 1 if left out. */
  readonly firstSegment?: number
  /** Offset of the record to begin with; of segments that end before it only the headers are read. */
  readonly from?: number
}

type Progress = {
  readonly files: Files
  readonly layout: Layout
  readonly check: CheckRecord | undefined
  readonly segments: Segment[]
  readonly from: number
  networkId: Uint8Array | null
  /** Undefined before the first record, where the reading begins in the middle: each record says what came before it. */
  chain: number | undefined
  records: number
  bytes: number
  marked: boolean
}

export function scanSegments(
  files: Files,
  layout: Layout,
  networkId: Uint8Array | null,
  check?: CheckRecord,
  range: Range = {},
): Scan {
  const firstSegment = range.firstSegment ?? 1
  // A crash may have left some of those that were to be pruned.
  const numbers = listSegments(files, layout).filter((number) => number >= firstSegment)
  const progress: Progress = {
    files,
    layout,
    networkId,
    check,
    segments: [],
    from: range.from ?? 0,
    chain: firstSegment === 1 ? firstChain : undefined,
    records: 0,
    bytes: 0,
    marked: false,
  }
  let tail: Tail | null = null
  for (const [i, number] of numbers.entries()) {
    // Nothing may be missing in the middle: what follows would be out of order.
    if (number !== firstSegment + i)
      throw new JournalDamaged(segmentPath(layout, firstSegment + i), 0, 'the segment file is missing')
    tail = scanFile(progress, number, i === numbers.length - 1)
  }
  const { segments, records, bytes, marked } = progress
  if (progress.from > 0 && records === 0) {
    const last = segments.at(-1)
    const reason = `no record begins at offset ${progress.from}, where one was durable`
    throw new JournalDamaged(segmentPath(layout, last?.number ?? firstSegment), last?.size ?? 0, reason)
  }
  const chain = progress.chain ?? firstChain
  return { segments, chain, records, bytes, marked, networkId: progress.networkId, tail }
}

function scanFile(progress: Progress, number: number, isLast: boolean): Tail | null {
  const { files, layout } = progress
  const path = segmentPath(layout, number)
  const fd = files.open(path, 'read')
  try {
    const size = files.size(fd)
    progress.bytes += size
    const window = createWindow(files, fd, path, size)
    const trouble = scanHeader(progress, window, path, number) ?? scanRange(progress, window, isLast)
    if (trouble === null) return null
    const { position, incomplete, reason } = trouble
    // A segment is made durable before the next one begins, so only the last one can be torn; and its header is durable before
    // its first record is written, so a bad header with something behind it is damage.
    const mayBeTorn = position > 0 || size <= segmentHeaderBytes
    if (!isLast || !mayBeTorn) throw new JournalDamaged(path, position, reason)
    const witness = !incomplete && position > 0 ? findWitness(progress, window, position) : null
    if (witness !== null) {
      const proof = `it was durable when the sound record at byte ${witness} was written`
      throw new JournalDamaged(path, position, `${reason}, though ${proof}`)
    }
    return { file: path, offset: position, bytes: size - position, incomplete, reason }
  } finally {
    files.close(fd)
  }
}

function scanHeader(progress: Progress, window: Window, path: string, number: number): Trouble | null {
  const { layout, networkId, chain, segments } = progress
  const last = segments.at(-1)
  const base = last === undefined ? 0 : endOf(last)
  const length = Math.min(window.size, segmentHeaderBytes)
  const at = window.need(0, length)
  const bytes = window.bytes.slice(at, at + length)
  if (length < segmentHeaderBytes) {
    const id = networkId ?? new Uint8Array(networkIdBytes)
    const expected = encodeSegmentHeader(
      { purpose: layout.purpose, networkId: id, number, base, chain: chain ?? firstChain },
      crc32,
    )
    const isKnown = networkId !== null && chain !== undefined
    const known = bytes.subarray(0, isKnown ? segmentHeaderBytes : fixedHeaderBytes)
    if (!known.every((byte, i) => byte === expected[i]))
      return badHeader('the segment header is wrong and incomplete')
    return { position: 0, incomplete: true, reason: 'the segment header is incomplete' }
  }
  const parsed = parseSegmentHeader(bytes, crc32)
  if (!parsed.ok) {
    if (parsed.foreignVersion) throw new JournalForeign(path, parsed.reason)
    return badHeader(parsed.reason)
  }
  const { header, seed } = parsed
  if (networkId !== null && !sameBytes(header.networkId, networkId)) {
    const reason = 'it belongs to another network'
    if (last === undefined) throw new JournalForeign(path, reason)
    throw new JournalDamaged(path, 0, `${reason} than the segment before`)
  }
  const isFirst = last === undefined && number > 1
  const fits =
    header.purpose === layout.purpose && header.number === number && (isFirst || header.base === base)
  if (!fits || (chain !== undefined && header.chain !== chain)) {
    throw new JournalDamaged(path, 0, 'the segment does not continue the one before it')
  }
  progress.networkId = header.networkId
  progress.chain = header.chain
  segments.push({ number, base: header.base, path, header: bytes, seed, size: segmentHeaderBytes })
  return null
}

/** Reads the records of a segment, as far as they are in the range. */
function scanRange(progress: Progress, window: Window, isLast: boolean): Trouble | null {
  const segment = progress.segments.at(-1)!
  const position = progress.from - segment.base
  if (position <= segmentHeaderBytes) return scanRecords(progress, window)
  if (position > window.size || (position === window.size && !isLast)) {
    segment.size = window.size
    progress.chain = undefined
    return null
  }
  segment.size = position
  progress.chain = undefined
  return scanRecords(progress, window)
}

function badHeader(reason: string): Trouble {
  return { position: 0, incomplete: false, reason }
}

function scanRecords(progress: Progress, window: Window): Trouble | null {
  const segment = progress.segments.at(-1)!
  const torn = (reason: string): Trouble => ({ position: segment.size, incomplete: true, reason })
  const bad = (reason: string): Trouble => ({ position: segment.size, incomplete: false, reason })
  while (segment.size < window.size) {
    const position = segment.size
    const left = window.size - position
    if (left < recordHeaderBytes) return torn('the file ends within a record header')
    let at = window.need(position, recordHeaderBytes)
    const header = parseRecordHeader(window.bytes, at, placeSeed(segment.seed, position))
    if (header === null) return bad('the checksum of the record header is wrong')
    // A header that is sound at this place was written here, after the record before it: no torn write explains this.
    if (progress.chain !== undefined && header.previous !== progress.chain) {
      throw new JournalDamaged(segment.path, position, 'the record does not continue the one before it')
    }
    const length = recordHeaderBytes + header.length
    if (left < length) return torn('the file ends within a record')
    at = window.need(position, length)
    if (!payloadIsSound(window.bytes, at, header, crc32)) return bad('the checksum of the record is wrong')
    if (header.kind !== markKind) {
      const payload = window.bytes.subarray(at + recordHeaderBytes, at + length)
      const objection = progress.check?.(header.kind, payload, segment.base + position) ?? null
      if (objection !== null) throw new JournalDamaged(segment.path, position, objection)
      progress.records += 1
    }
    progress.chain = header.chain
    progress.marked = header.kind === markKind
    segment.size += length
  }
  return null
}

/** Up to where everything had been durable when this record was appended; 0 if it does not say. */
function provenBy(header: RecordHeader, offset: number): number {
  return header.unsynced === unknownDistance ? 0 : offset - header.unsynced
}

/** Position of a record behind a bad one that was appended when the bad one was durable already; null if there is none. */
function findWitness(progress: Progress, window: Window, bad: number): number | null {
  const { base, seed } = progress.segments.at(-1)!
  const headerAt = (position: number): RecordHeader | null => {
    if (position + recordHeaderBytes > window.size) return null
    const at = window.need(position, recordHeaderBytes)
    return parseRecordHeader(window.bytes, at, placeSeed(seed, position))
  }
  // If a record's own length can be trusted, the search goes on behind its payload, which may hold anything.
  let position = bad + recordHeaderBytes + (headerAt(bad)?.length ?? 1 - recordHeaderBytes)
  while (position + recordHeaderBytes <= window.size) {
    const length = Math.min(window.size - position, chunkBytes)
    const at = window.need(position, length)
    const bytes = Buffer.from(window.bytes.buffer, window.bytes.byteOffset + at, length)
    let next = length < chunkBytes ? window.size : position + length - recordHeaderBytes
    let found = bytes.indexOf(recordMarker, markerOffset)
    for (; found >= 0; found = bytes.indexOf(recordMarker, found + 1)) {
      const candidate = position + found - markerOffset
      const header = headerAt(candidate)
      if (header === null) continue
      if (provenBy(header, base + candidate) > base + bad) return candidate
      const size = recordHeaderBytes + header.length
      if (candidate + size > window.size) continue
      const start = window.need(candidate, size)
      if (!payloadIsSound(window.bytes, start, header, crc32)) continue
      next = candidate + size
      break
    }
    position = next
  }
  return null
}

/** A view of a file that moves forward; `need` gives where in `bytes` the wanted part begins. */
type Window = {
  readonly size: number
  readonly bytes: Uint8Array
  need(position: number, length: number): number
}

function createWindow(files: Files, fd: number, path: string, size: number): Window {
  let bytes = new Uint8Array(0)
  let start = 0
  return {
    size,
    get bytes() {
      return bytes
    },
    need(position, length) {
      if (position < start || position + length > start + bytes.length) {
        const wanted = Math.min(Math.max(length, chunkBytes), size - position)
        const fresh = new Uint8Array(wanted)
        if (!readFully(files, fd, path, fresh, wanted, position)) {
          throw new JournalDamaged(path, position, 'the file became shorter while it was read')
        }
        bytes = fresh
        start = position
      }
      return position - start
    },
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
