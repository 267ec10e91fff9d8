// The bytes of a segment file are a promise to every later version: here they are written out.
import { crc32 } from 'node:zlib'
import {
  encodeSegmentHeader,
  parseRecordHeader,
  parseSegmentHeader,
  payloadIsSound,
  placeSeed,
  writeRecord,
} from '../../packages/node/src/record-format.ts'
import { expect, test } from 'vitest'
import { networkId } from './support.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** CRC-32 bit by bit, as IEEE 802.3 defines it: shares nothing with zlib. */
function bitwiseCrc32(bytes: Uint8Array, seed: number): number {
  let crc = ~seed
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return ~crc >>> 0
}

const header = { purpose: 'ledger', networkId, number: 3, base: 2 ** 33 + 5, chain: 0xdeadbeef } as const

test('a segment header has these bytes', () => {
  const bytes = encodeSegmentHeader(header, bitwiseCrc32)
  const fields = [
    '484541525341590a', // HEARSAY\n
    '6c65646765720000', // ledger
    '00000001', // format version
    '00000003', // segment number
    '0000000200000005', // base
    hex(networkId),
    'deadbeef', // chain value at the start
  ]
  const checksum = bitwiseCrc32(Buffer.from(fields.join(''), 'hex'), 0)
    .toString(16)
    .padStart(8, '0')
  expect(hex(bytes)).toBe(fields.join('') + checksum)
  const parsed = parseSegmentHeader(bytes, crc32)
  expect(parsed).toEqual({ ok: true, header, seed: Number.parseInt(checksum, 16) })
})

test('a record has these bytes, and is valid only at its place', () => {
  const seed = placeSeed(0xfffffff0, 72)
  expect(seed).toBe(56)
  const target = new Uint8Array(40)
  const payload = Uint8Array.of(1, 2, 3)
  const record = { kind: 9, payload, previous: 0x01020304, unsynced: 258 }
  const chain = writeRecord(target, 8, record, seed, bitwiseCrc32)
  const covered = '000000030000010209687372' // length, unsynced distance, kind, marker
  expect(chain).toBe(bitwiseCrc32(Buffer.from(covered + '010203', 'hex'), 0x01020304))
  const head = '01020304' + chain.toString(16).padStart(8, '0') + covered
  const checksum = bitwiseCrc32(Buffer.from(head, 'hex'), seed).toString(16).padStart(8, '0')
  expect(hex(target.subarray(8, 35))).toBe(checksum + head + '010203')
  expect(target.subarray(0, 8).every((byte) => byte === 0)).toBe(true)

  const parsed = parseRecordHeader(target, 8, seed)
  expect(parsed).toEqual({ previous: 0x01020304, chain, length: 3, unsynced: 258, kind: 9 })
  expect(payloadIsSound(target, 8, parsed!, crc32)).toBe(true)
  expect(parseRecordHeader(target, 8, seed + 1)).toBeNull()
  target[34] = 4
  expect(payloadIsSound(target, 8, parsed!, crc32)).toBe(false)
})

test('neither zeros nor a later format version pass for a header', () => {
  expect(parseSegmentHeader(new Uint8Array(72), crc32).ok).toBe(false)
  for (const seed of [0, 56, 0xffffffff]) expect(parseRecordHeader(new Uint8Array(24), 0, seed)).toBeNull()
  const later = encodeSegmentHeader(header, crc32)
  later[19] = 2
  new DataView(later.buffer).setUint32(68, crc32(later.subarray(0, 68), 0))
  expect(parseSegmentHeader(later, crc32)).toMatchObject({ ok: false, foreignVersion: true })
})
