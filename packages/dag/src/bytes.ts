/**
 * Bytes: comparison, hexadecimal, and a big-endian writer and reader for the fixed layouts that are hashed.
 * Comparison is always byte-wise; nothing here depends on locale or platform.
 */

const HEX: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i++) text += HEX[bytes[i]!]
  return text
}

/** Parses lower- or upper-case hexadecimal; `undefined` when the text is anything else. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Negative, zero or positive as `a` is before, equal to or after `b`, byte by byte, the shorter first on a tie. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let size = 0
  for (const part of parts) size += part.length
  const whole = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** ASCII text as bytes; anything outside 0x20…0x7e and newline is an invariant violation, for domain tags and names only. */
export function ascii(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code !== 10 && (code < 32 || code > 126))
      throw new Error(`invariant: not ASCII: ${JSON.stringify(text)}`)
    bytes[i] = code
  }
  return bytes
}

/** A map key for 32 bytes: one character a byte. Not for people; `toHex` is. */
export function bytesKey(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[])
}

const TWO_32 = 0x1_0000_0000

export function readUint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

export function readUint48(bytes: Uint8Array, at: number): number {
  return readUint16(bytes, at) * TWO_32 + readUint32(bytes, at + 2)
}

/** Eight bytes; the value may be beyond 2^53 and then is not exact: check with `Number.isSafeInteger`. */
export function readUint64(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at) * TWO_32 + readUint32(bytes, at + 4)
}

/** Writes big-endian integers and bytes into one buffer of known size. A value out of range is an invariant violation. */
export interface ByteWriter {
  uint8(value: number): void
  uint16(value: number): void
  uint32(value: number): void
  uint48(value: number): void
  uint64(value: number): void
  bytes(value: Uint8Array): void
  /** The buffer; every byte must have been written. */
  finish(): Uint8Array
}

export function createByteWriter(size: number): ByteWriter {
  const out = new Uint8Array(size)
  let at = 0
  const put = (value: number, width: number, limit: number): void => {
    if (!Number.isSafeInteger(value) || value < 0 || value >= limit)
      throw new Error(`invariant: ${value} does not fit`)
    if (at + width > size) throw new Error(`invariant: writing past ${size} bytes`)
    let rest = value
    for (let i = width - 1; i >= 0; i--) {
      out[at + i] = rest % 256
      rest = Math.floor(rest / 256)
    }
    at += width
  }
  return {
    uint8: (value) => put(value, 1, 0x100),
    uint16: (value) => put(value, 2, 0x1_0000),
    uint32: (value) => put(value, 4, TWO_32),
    uint48: (value) => put(value, 6, 0x1_0000_0000_0000),
    uint64: (value) => put(value, 8, Number.MAX_SAFE_INTEGER),
    bytes: (value) => {
      if (at + value.length > size) throw new Error(`invariant: writing past ${size} bytes`)
      out.set(value, at)
      at += value.length
    },
    finish: () => {
      if (at !== size) throw new Error(`invariant: ${at} of ${size} bytes written`)
      return out
    },
  }
}
