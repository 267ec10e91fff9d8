/**
 * Decides which CBOR Hearsay reads and writes: one deterministic profile, in which every value has exactly one
 * encoding and every accepted encoding is that one.
 *
 * A general decoder on bytes from the network can be stopped for a minute by a 400 KB number, made to build regular
 * expressions and cyclic graphs by tags, and fed the same map in a dozen spellings. So a scanner that neither recurses
 * nor allocates per item reads the whole message first (cbor-scan.ts), and the library sees only what it passed.
 *
 * Source: RFC 8949, section 4.2.1 (core deterministic encoding), narrowed: no tags, floats, `undefined` or other
 * simple values; integers within +-(2^53 - 1); bounded depth and number of items.
 */
import { Decoder, Encoder } from 'cbor-x/index-no-eval'
import { compareBytes } from './bytes.ts'
import { type CborLimits, type CborRejection, FORBIDDEN_KEYS, MAX_CBOR_DEPTH, scanCbor } from './cbor-scan.ts'

/** What the profile can say. A map has integer keys or text keys, not both; numbers are integers. */
export type CborValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<number, CborValue>
  | ReadonlyMap<string, CborValue>

/** The value of a message, or the first reason why it is none. */
export type CborResult =
  { readonly ok: true; readonly value: CborValue } | { readonly ok: false; readonly reason: CborRejection }

// Always a Decoder for decoding: an Encoder that decodes carries record definitions from one message into the next.
// The entry without eval cannot compile readers from what it reads. `int64AsNumber` is exact, because the scanner
// has refused every integer beyond 2^53 - 1; without it the type of a number would depend on its size.
const COMMON = { useRecords: false, mapsAsObjects: false, tagUint8Array: false }
const decoder = new Decoder({ ...COMMON, int64AsNumber: true } as ConstructorParameters<typeof Decoder>[0])
const encoder = new Encoder({ ...COMMON, variableMapSize: true })

/**
 * Decodes one message. Maps become `Map`s (never objects, so no key can reach a prototype), byte strings become plain
 * `Uint8Array`s that are **views of `bytes`**: copy what outlives the message, or 32 bytes keep a whole frame alive,
 * and do not write to `bytes` while the value is in use. Never throws.
 *
 * An accepted value encodes back to exactly `bytes`.
 */
export function decodeCbor(bytes: Uint8Array, limits: CborLimits): CborResult {
  const reason = scanCbor(bytes, limits)
  if (reason !== undefined) return { ok: false, reason }
  try {
    // The library plants a property on the array that it reads, and subarrays of a Buffer would be Buffers.
    const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    return { ok: true, value: decoder.decode(view) as CborValue }
  } catch {
    return { ok: false, reason: 'decoder' } // nothing is known that passes the scanner and fails here
  }
}

/**
 * Encodes a value in its one canonical form, in a fresh array. Maps may be in any order: entries are sorted by the
 * bytes of their keys. Throws a `TypeError` for a value outside the profile (a fraction, an integer beyond
 * 2^53 - 1, text that is not well-formed or starts with a byte order mark, a forbidden key, an object that is none of
 * the listed kinds, more than six containers inside one another): values to encode are our own, so that is a defect.
 * The number of items and the size are the reader's limits and are not checked here.
 */
export function encodeCbor(value: CborValue): Uint8Array {
  // The library writes into a buffer that it shares between messages; a copy cannot change afterwards.
  return new Uint8Array(encoder.encode(toEncodable(value, 0)))
}

/** The value in the library's terms: integers above 2^32 as BigInt (it would write floats), maps in order. */
function toEncodable(value: unknown, depth: number): unknown {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number') return encodableInteger(value)
  if (typeof value === 'string') return checkedText(value)
  if (value instanceof Uint8Array) return new Uint8Array(value.buffer, value.byteOffset, value.length)
  if (depth >= MAX_CBOR_DEPTH)
    throw new TypeError(`CBOR: more than ${MAX_CBOR_DEPTH} containers inside one another`)
  if (Array.isArray(value)) return Array.from(value, (item) => toEncodable(item, depth + 1))
  if (value instanceof Map) return encodableMap(value, depth + 1)
  throw new TypeError(`CBOR: a value of type ${typeof value} is outside the profile`)
}

function encodableInteger(value: number): number | bigint {
  if (!Number.isSafeInteger(value)) throw new TypeError(`CBOR: ${value} is not an integer within 2^53 - 1`)
  return value > 0xffffffff || value < -0x100000000 ? BigInt(value) : value
}

function checkedText(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('CBOR: text with an unpaired surrogate')
  if (text.startsWith('\uFEFF')) throw new TypeError('CBOR: text that starts with a byte order mark')
  return text
}

function encodableMap(map: ReadonlyMap<unknown, unknown>, depth: number): Map<unknown, unknown> {
  const keys = [...map.keys()]
  const kind = typeof keys[0]
  for (const key of keys) {
    if (typeof key !== 'number' && typeof key !== 'string')
      throw new TypeError('CBOR: a key is an integer or text')
    if (typeof key !== kind) throw new TypeError('CBOR: integer and text keys in one map')
    if (typeof key === 'string' && FORBIDDEN_KEYS.has(key))
      throw new TypeError(`CBOR: the key ${key} is forbidden`)
  }
  if (kind === 'number') (keys as number[]).sort(compareIntegerKeys)
  else keys.sort((a, b) => compareBytes(encoder.encode(a), encoder.encode(b)))
  return new Map(keys.map((key) => [toEncodable(key, depth), toEncodable(map.get(key), depth)]))
}

/** The order of the encodings: 0, 1, 2, ... and then -1, -2, ..., because negative heads are the larger bytes. */
function compareIntegerKeys(a: number, b: number): number {
  if (a < 0 !== b < 0) return a < 0 ? 1 : -1
  return a < 0 ? b - a : a - b
}
