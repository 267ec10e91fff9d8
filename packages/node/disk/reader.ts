// Decides how single records are found again by their offset, while others are appended: from memory as long as they are not with
// the system, from the file afterwards. What comes from a file is checked each time: the disk may have changed its mind.
import {
  markKind,
  parseRecordHeader,
  payloadIsSound,
  placeSeed,
  readRecordHeader,
  recordHeaderBytes,
  segmentHeaderBytes,
} from '../src/record-format.ts'
import { JournalClosed, JournalDamaged } from './errors.ts'
import { readFully } from './files.ts'
import { crc32, endOf, type Segment } from './segments.ts'
import { type Chunk, type Store } from './writer.ts'

export type StoredRecord = { readonly offset: number; readonly kind: number; readonly payload: Uint8Array }

/** `next` is the offset to go on from. */
export type ReadResult = { readonly records: StoredRecord[]; readonly next: number }

/** One step of a read: `budget` counts down over all of them. */
type Step = { readonly records: StoredRecord[]; next: number; budget: number }

const smallestReadBytes = 4096
const largestReadBytes = 8 * 1024 * 1024

/**
 * Whole records from `offset` on, at most `maxBytes` of them with their headers, but always one if there is one. `offset` is 0 (the
 * beginning) or any offset that an append, a `next` or an end has given.
 */
export function readFrom(store: Store, offset: number, maxBytes: number): ReadResult {
  if (store.closed) throw new JournalClosed(store.layout.directory)
  const last = endOf(store.segments.at(-1)!)
  const begin = store.segments[0]!.base
  if (!Number.isSafeInteger(offset) || offset < begin || offset > last) {
    throw new RangeError(`no record can begin at offset ${offset}: the records are in ${begin}…${last}`)
  }
  const step: Step = { records: [], next: offset, budget: maxBytes }
  while (step.next < last) {
    const before = step.next
    readSome(store, step)
    if (step.next === before) break
  }
  return { records: step.records, next: step.next }
}

/** Reads on in one segment, either in memory or in its file. Leaves `next` unchanged if the budget is spent. */
function readSome(store: Store, step: Step): void {
  const segment = segmentAt(store.segments, step.next)
  // The end of a segment is the base of the next one, whose first record is behind its header.
  const position = step.next === segment.base ? segmentHeaderBytes : step.next - segment.base
  const chunks = store.pending.filter((chunk) => chunk.segment === segment)
  const first = chunks[0]
  if (first === undefined || position < first.position) {
    readFile(store, step, segment, position, first?.position ?? segment.size)
    return
  }
  const chunk = chunks.findLast((candidate) => candidate.position <= position)!
  readChunk(step, chunk, position)
}

function readChunk(step: Step, chunk: Chunk, from: number): void {
  const { segment } = chunk
  let at = from - chunk.position
  while (at < chunk.length) {
    const header = readRecordHeader(chunk.bytes, at)
    const size = recordHeaderBytes + header.length
    const offset = segment.base + chunk.position + at
    // A copy: the buffer is used again once it is written.
    if (!take(step, offset, header.kind, size, () => chunk.bytes.slice(at + recordHeaderBytes, at + size)))
      return
    at += size
  }
}

function readFile(store: Store, step: Step, segment: Segment, from: number, limit: number): void {
  const fd = segment === store.active ? store.fd : store.files.open(segment.path, 'read')
  const fetch = (position: number, length: number): Uint8Array => {
    const bytes = new Uint8Array(length)
    if (readFully(store.files, fd, segment.path, bytes, length, position)) return bytes
    throw new JournalDamaged(segment.path, position, 'the file is shorter than what was written')
  }
  try {
    const wanted = Math.min(Math.max(step.budget, smallestReadBytes), largestReadBytes)
    let bytes = fetch(from, Math.min(wanted, limit - from))
    let start = from
    for (let position = from; position < limit;) {
      if (position + recordHeaderBytes > start + bytes.length) return
      const header = parseRecordHeader(bytes, position - start, placeSeed(segment.seed, position))
      if (header === null) {
        const reason = 'no record begins here, or the checksum of its header is wrong'
        throw new JournalDamaged(segment.path, position, reason)
      }
      const size = recordHeaderBytes + header.length
      if (position + size > start + bytes.length) {
        // Not all of it was read: the next step begins here, unless this is the first one, which is larger than a read.
        if (position > from) return
        bytes = fetch(position, size)
        start = position
      }
      const at = position - start
      if (!payloadIsSound(bytes, at, header, crc32)) {
        throw new JournalDamaged(segment.path, position, 'the checksum of the record is wrong')
      }
      const payload = bytes.subarray(at + recordHeaderBytes, at + size)
      if (!take(step, segment.base + position, header.kind, size, () => payload)) return
      position += size
    }
  } finally {
    if (segment !== store.active) store.files.close(fd)
  }
}

/** Adds a record if the budget allows it. */
function take(step: Step, offset: number, kind: number, size: number, payload: () => Uint8Array): boolean {
  if (kind === markKind) {
    step.next = offset + size
    return true
  }
  if (step.records.length > 0 && size > step.budget) {
    // Spent: `next` stays at this record, and so does the following step.
    step.budget = 0
    return false
  }
  step.records.push({ offset, kind, payload: payload() })
  step.budget -= size
  step.next = offset + size
  return true
}

/** The segment that holds this offset. */
export function segmentAt(segments: readonly Segment[], offset: number): Segment {
  let low = 0
  let high = segments.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (segments[middle]!.base <= offset) low = middle
    else high = middle - 1
  }
  const segment = segments[low]!
  if (offset < segment.base || offset > endOf(segment))
    throw new Error(`invariant: offset ${offset} is in no segment`)
  return segment
}
