/**
 * Decides whether bytes are one CBOR item in Hearsay's deterministic profile, without building anything: every head is
 * looked at once, nesting is a counter and not recursion, and declared lengths are compared with what is left before
 * they are believed. The cost is linear in the bytes read, which are at most `maxBytes`.
 *
 * Source: RFC 8949, sections 3 (heads) and 4.2.1 (shortest heads, definite lengths, bytewise ascending keys);
 * RFC 3629 for UTF-8.
 */

/** What a reader is willing to look at. */
export interface CborLimits {
  /** Longest message, in bytes. Anything longer is refused unread. */
  readonly maxBytes: number
  /** Items in all: every scalar, key and container counts one. Default and maximum 65,536. */
  readonly maxItems?: number
  /** Arrays and maps inside one another. Default and maximum 6. */
  readonly maxDepth?: number
}

/** Most items of a message, whatever the caller allows. */
export const MAX_CBOR_ITEMS: number = 65_536
/** Most containers inside one another, whatever the caller allows. */
export const MAX_CBOR_DEPTH: number = 6

/** Every reason why a message is refused; a reason is also the label of a metric. */
export const CBOR_REJECTIONS = [
  'size', // empty, or longer than allowed
  'truncated', // ends inside an item, or declares more than is left
  'trailing', // bytes after the item
  'depth', // too many containers inside one another
  'items', // too many items
  'indefinite', // indefinite length, a break, or a reserved head
  'nonshortest', // a number or length in more bytes than it needs
  'length', // a length in 64 bits
  'int53', // an integer outside +-(2^53 - 1)
  'tag', // any tag
  'simple', // a float, `undefined`, or a simple value other than true, false and null
  'mapkey', // not an integer or text, both in one map, not strictly ascending, or a forbidden name
  'utf8', // malformed UTF-8, or a leading byte order mark
  'decoder', // the library failed on what the scanner passed: not known to happen
] as const
export type CborRejection = (typeof CBOR_REJECTIONS)[number]

/**
 * Text keys that mean something on every object. Maps decode to `Map`s, where they are harmless; they are refused
 * all the same, so that code that copies a map into an object later has nothing to get wrong.
 */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set([
  '__proto__',
  '__defineGetter__',
  '__defineSetter__',
  '__lookupGetter__',
  '__lookupSetter__',
  'constructor',
  'hasOwnProperty',
  'isPrototypeOf',
  'propertyIsEnumerable',
  'prototype',
  'toLocaleString',
  'toString',
  'valueOf',
])
const LONGEST_FORBIDDEN_KEY = 20

const UNSIGNED = 0
const NEGATIVE = 1
const BYTE_STRING = 2
const TEXT = 3
const ARRAY = 4
const MAP = 5
const TAG = 6
const SIMPLE = 7

/** Where the scan stands: `at` is the next byte, the rest describes the head read last. */
interface Cursor {
  readonly bytes: Uint8Array
  at: number
  major: number
  argument: number
}

/** A container not yet complete. `missing` counts items, so in a map an even number means that a key is next. */
interface Frame {
  readonly isMap: boolean
  missing: number
  /** Major type of the keys: UNSIGNED stands for both kinds of integer, -1 before the first key. */
  keyKind: number
  keyStart: number
  keyEnd: number
}

/** Refuses `bytes` with a reason, or returns `undefined` if they are exactly one item of the profile. Never throws. */
export function scanCbor(bytes: Uint8Array, limits: CborLimits): CborRejection | undefined {
  if (bytes.length === 0 || !(bytes.length <= limits.maxBytes)) return 'size'
  const maxDepth = Math.min(limits.maxDepth ?? MAX_CBOR_DEPTH, MAX_CBOR_DEPTH)
  let itemsLeft = Math.min(limits.maxItems ?? MAX_CBOR_ITEMS, MAX_CBOR_ITEMS) - 1
  if (itemsLeft < 0) return 'items'
  const cursor: Cursor = { bytes, at: 0, major: 0, argument: 0 }
  const outer: Frame[] = []
  let frame: Frame | undefined
  for (;;) {
    const start = cursor.at
    let reason = readHead(cursor)
    const { major } = cursor
    if (reason === undefined && (major === BYTE_STRING || major === TEXT)) reason = skipString(cursor)
    if (reason !== undefined) return reason
    if (frame !== undefined) {
      if (frame.isMap && (frame.missing & 1) === 0 && !acceptKey(frame, cursor, start)) return 'mapkey'
      frame.missing -= 1
    }
    if (major === ARRAY || major === MAP) {
      const isMap = major === MAP
      const missing = isMap ? 2 * cursor.argument : cursor.argument
      const depth = frame === undefined ? 0 : outer.length + 1
      if (depth >= maxDepth) return 'depth'
      // Every item takes a byte at least, so this bounds the loop before a declared length is believed.
      if (missing > bytes.length - cursor.at) return 'truncated'
      if (missing > itemsLeft) return 'items'
      itemsLeft -= missing
      if (frame !== undefined) outer.push(frame)
      frame = { isMap, missing, keyKind: -1, keyStart: 0, keyEnd: 0 }
    }
    while (frame !== undefined && frame.missing === 0) frame = outer.pop()
    if (frame === undefined) return cursor.at === bytes.length ? undefined : 'trailing'
  }
}

/** Reads a head into the cursor: major type and argument, in the shortest form or not at all. */
function readHead(cursor: Cursor): CborRejection | undefined {
  const { bytes } = cursor
  if (cursor.at >= bytes.length) return 'truncated'
  const head = bytes[cursor.at]!
  const major = head >> 5
  const info = head & 31
  cursor.at += 1
  cursor.major = major
  if (major === TAG) return 'tag'
  if (info > 27) return 'indefinite'
  if (major === SIMPLE) return info >= 20 && info <= 22 ? undefined : 'simple'
  if (info < 24) {
    cursor.argument = info
    return undefined
  }
  return readArgument(cursor, info)
}

/** Reads the 1, 2, 4 or 8 bytes of argument that follow a head. */
function readArgument(cursor: Cursor, info: number): CborRejection | undefined {
  const { bytes, at, major } = cursor
  const width = 1 << (info - 24)
  if (at + width > bytes.length) return 'truncated'
  cursor.at += width
  if (width === 1) {
    cursor.argument = bytes[at]!
    return cursor.argument < 24 ? 'nonshortest' : undefined
  }
  if (width === 2) {
    cursor.argument = (bytes[at]! << 8) | bytes[at + 1]!
    return cursor.argument < 0x100 ? 'nonshortest' : undefined
  }
  const high = readUint32(bytes, at)
  if (width === 4) {
    cursor.argument = high
    return high < 0x10000 ? 'nonshortest' : undefined
  }
  if (major !== UNSIGNED && major !== NEGATIVE) return 'length'
  if (high === 0) return 'nonshortest'
  if (high > 0x1fffff) return 'int53'
  cursor.argument = high * 0x100000000 + readUint32(bytes, at + 4)
  // The value of a negative integer is -1 - argument, so its argument must stay one lower.
  return major === NEGATIVE && cursor.argument === Number.MAX_SAFE_INTEGER ? 'int53' : undefined
}

function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

/** Steps over the content of the byte or text string whose head was read. */
function skipString(cursor: Cursor): CborRejection | undefined {
  if (cursor.argument > cursor.bytes.length - cursor.at) return 'truncated'
  const start = cursor.at
  cursor.at += cursor.argument
  return cursor.major === TEXT && !isText(cursor.bytes, start, cursor.at) ? 'utf8' : undefined
}

/** Whether the item from `start` to the cursor may be the next key of a map; remembers it if so. */
function acceptKey(frame: Frame, cursor: Cursor, start: number): boolean {
  const kind = cursor.major === NEGATIVE ? UNSIGNED : cursor.major
  if (kind !== UNSIGNED && kind !== TEXT) return false
  if (frame.keyKind === -1) frame.keyKind = kind
  else if (frame.keyKind !== kind || !isAscending(cursor.bytes, frame, start, cursor.at)) return false
  frame.keyStart = start
  frame.keyEnd = cursor.at
  return kind !== TEXT || !isForbidden(cursor.bytes, cursor.at - cursor.argument, cursor.at)
}

/** Whether the encoded key from `start` to `end` sorts strictly after the one before it, byte by byte. */
function isAscending(bytes: Uint8Array, frame: Frame, start: number, end: number): boolean {
  const before = frame.keyEnd - frame.keyStart
  const length = Math.min(before, end - start)
  for (let i = 0; i < length; i++) {
    const difference = bytes[start + i]! - bytes[frame.keyStart + i]!
    if (difference !== 0) return difference > 0
  }
  return end - start > before
}

function isForbidden(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > LONGEST_FORBIDDEN_KEY) return false
  let name = ''
  for (let i = start; i < end; i++) name += String.fromCharCode(bytes[i]!)
  return FORBIDDEN_KEYS.has(name)
}

/**
 * Whether the bytes are well-formed UTF-8 (RFC 3629: shortest form, no surrogates, at most U+10FFFF) that does not
 * start with U+FEFF. Text decoders drop that mark from the front of long strings, so two messages would mean the same.
 */
function isText(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start >= 3 && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf)
    return false
  let at = start
  while (at < end) {
    const first = bytes[at]!
    at += 1
    if (first < 0x80) continue
    if (first < 0xc2 || first > 0xf4) return false
    const more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3
    if (more > end - at) return false
    const second = bytes[at]!
    // The second byte tells overlong forms, surrogates and numbers beyond U+10FFFF apart.
    const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
    const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
    if (second < low || second > high) return false
    for (let i = 1; i < more; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return false
    at += more
  }
  return true
}
