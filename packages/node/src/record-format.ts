// Decides the bytes of a segment file, which the journal and the ledger file share. Pure: the checksum is handed in.
//
//   segment = header (72 bytes), then records up to the end of the file. All integers are big-endian.
//
//   segment header    0  magic "HEARSAY\n"              record header   0  CRC-32 of bytes 4…23, seeded with the place
//                     8  purpose, zero padded                           4  chain value before this record
//                    16  format version                                 8  chain value after it
//                    20  segment number                                12  payload length
//                    24  base offset, 64 bits                          16  unsynced distance
//                    32  network id                                    20  kind
//                    64  chain value at the start                      21  marker "hsr"
//                    68  CRC-32 of bytes 0…67                          24  payload
//
// Chain value: CRC-32 over bytes 12… of the record, seeded with the chain value of the record before.
//
// Why a record header has a checksum of its own: a length can be trusted before the payload is there, so that a record which
// runs past the end of the file is a torn tail, and a damaged length is damage. Why it is seeded with the place (checksum of the
// segment header + position): a record that was written to the wrong place, or is left over from another file, is not valid there.
// Why both chain values: each record can be checked by itself (random access), and a missing or foreign one shows at the seam.
// Unsynced distance: how many bytes before this record were not yet known to be durable when it was appended. A record that is
// sound proves with it how far its predecessors had been acknowledged: what is not sound before that point is damage; what is not
// sound behind it was never acknowledged, and a power cut may leave any part of it. `unknownDistance` where files of several
// members are to be equal byte by byte.
// Mark: a record of kind `markKind` without payload, whose one purpose is its distance of 0: it is written behind each
// sync, so that what this sync made durable can be told from what was on its way.

/** A running CRC-32 (IEEE 802.3): the checksum of `a ‖ b` is `crc32(b, crc32(a, 0))`. */
export type Crc32 = (bytes: Uint8Array, seed: number) => number

export type SegmentPurpose = 'journal' | 'ledger'

export type SegmentHeader = {
  readonly purpose: SegmentPurpose
  readonly networkId: Uint8Array
  /** 1 for the first segment. */
  readonly number: number
  /** Bytes in all segments before this one; global offset = base + position in the segment. */
  readonly base: number
  readonly chain: number
}

/** `seed` is what the places of this segment's records are bound to. */
export type ParsedSegmentHeader =
  | { readonly ok: true; readonly header: SegmentHeader; readonly seed: number }
  | { readonly ok: false; readonly reason: string; readonly foreignVersion: boolean }

export type RecordHeader = {
  readonly previous: number
  readonly chain: number
  readonly length: number
  readonly unsynced: number
  readonly kind: number
}

export type NewRecord = {
  readonly kind: number
  readonly payload: Uint8Array
  readonly previous: number
  readonly unsynced: number
}

const formatVersion = 1
export const networkIdBytes = 32
export const segmentHeaderBytes = 72
export const recordHeaderBytes = 24
export const unknownDistance = 0xffffffff
/** Of the journal itself; nobody else's records have it. */
export const markKind = 0xff
/** Bound of one record; a reader never allocates more for one. */
export const maxPayloadBytes: number = 64 * 1024 * 1024
/** Chain value before the first record of the first segment. */
export const firstChain = 0
/** Bytes of the segment header that do not depend on the network: what can be checked without knowing it. */
export const fixedHeaderBytes = 32

/** Marks a record header, at `markerOffset` in it: what a search for survivors looks for. */
export const recordMarker: Uint8Array = ascii('hsr')
export const markerOffset = 21

/** Of CRC-32, polynomial 0xedb88320. */
const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (0xedb88320 & -(value & 1))
  return value
})

const magic = ascii('HEARSAY\n')
const purposes: readonly SegmentPurpose[] = ['journal', 'ledger']

export function encodeSegmentHeader(header: SegmentHeader, crc32: Crc32): Uint8Array {
  if (header.networkId.length !== networkIdBytes) throw new RangeError('a network id has 32 bytes')
  const bytes = new Uint8Array(segmentHeaderBytes)
  bytes.set(magic, 0)
  bytes.set(ascii(header.purpose), 8)
  writeU32(bytes, 16, formatVersion)
  writeU32(bytes, 20, header.number)
  writeU32(bytes, 24, Math.floor(header.base / 2 ** 32))
  writeU32(bytes, 28, header.base % 2 ** 32)
  bytes.set(header.networkId, 32)
  writeU32(bytes, 64, header.chain)
  writeU32(bytes, 68, crc32(bytes.subarray(0, 68), 0))
  return bytes
}

/** Takes the first `segmentHeaderBytes` of a file. */
export function parseSegmentHeader(bytes: Uint8Array, crc32: Crc32): ParsedSegmentHeader {
  if (bytes.length < segmentHeaderBytes) return refuse('the segment header is incomplete')
  if (!startsWith(bytes, magic)) return refuse('the segment header does not begin with the magic bytes')
  const seed = readU32(bytes, 68)
  if (crc32(bytes.subarray(0, 68), 0) !== seed) return refuse('the checksum of the segment header is wrong')
  // Layout and size of the header are the same in all versions; only after its checksum can the version be believed.
  if (readU32(bytes, 16) !== formatVersion) {
    const reason = `format version ${readU32(bytes, 16)} is unknown (this program reads ${formatVersion})`
    return { ok: false, reason, foreignVersion: true }
  }
  const purpose = purposes.find((name) => startsWith(bytes.subarray(8, 16), padded(name)))
  if (purpose === undefined) return refuse('the segment header names an unknown purpose')
  const header: SegmentHeader = {
    purpose,
    number: readU32(bytes, 20),
    base: readU32(bytes, 24) * 2 ** 32 + readU32(bytes, 28),
    networkId: bytes.slice(32, 64),
    chain: readU32(bytes, 64),
  }
  return { ok: true, header, seed }
}

/** Writes header and payload of a record at `at`; returns the new chain value. */
export function writeRecord(
  target: Uint8Array,
  at: number,
  record: NewRecord,
  seed: number,
  crc32: Crc32,
): number {
  const { kind, payload, previous, unsynced } = record
  const end = at + recordHeaderBytes + payload.length
  target.set(payload, at + recordHeaderBytes)
  writeU32(target, at + 12, payload.length)
  writeU32(target, at + 16, unsynced)
  target[at + 20] = kind
  target.set(recordMarker, at + markerOffset)
  const chain = crc32(target.subarray(at + 12, end), previous)
  writeU32(target, at + 4, previous)
  writeU32(target, at + 8, chain)
  writeU32(target, at, headerChecksum(target, at, seed))
  return chain
}

/** The record header at `at`, whose bytes must all be there; null if it is not valid at this place. */
export function parseRecordHeader(bytes: Uint8Array, at: number, seed: number): RecordHeader | null {
  if (headerChecksum(bytes, at, seed) !== readU32(bytes, at)) return null
  const header = readRecordHeader(bytes, at)
  return header.length <= maxPayloadBytes ? header : null
}

/** The same without a check: for bytes that never left memory. */
export function readRecordHeader(bytes: Uint8Array, at: number): RecordHeader {
  return {
    previous: readU32(bytes, at + 4),
    chain: readU32(bytes, at + 8),
    length: readU32(bytes, at + 12),
    unsynced: readU32(bytes, at + 16),
    kind: bytes[at + 20]!,
  }
}

/** Whether the complete record at `at` is what its header says. */
export function payloadIsSound(bytes: Uint8Array, at: number, header: RecordHeader, crc32: Crc32): boolean {
  const body = bytes.subarray(at + 12, at + recordHeaderBytes + header.length)
  return crc32(body, header.previous) === header.chain
}

/** What a record header at this position of a segment is seeded with. */
export function placeSeed(segmentSeed: number, position: number): number {
  return (segmentSeed + position) >>> 0
}

/** The same CRC-32 over the 20 bytes behind it: for so few, handing them to a library costs more than counting. */
function headerChecksum(bytes: Uint8Array, at: number, seed: number): number {
  let crc = ~seed
  const end = at + recordHeaderBytes
  for (let i = at + 4; i < end; i++) crc = table[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}

function refuse(reason: string): ParsedSegmentHeader {
  return { ok: false, reason, foreignVersion: false }
}

function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((byte, i) => bytes[i] === byte)
}

function padded(name: string): Uint8Array {
  const bytes = new Uint8Array(8)
  bytes.set(ascii(name))
  return bytes
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0))
}
