/** Whole numbers below 2^53 in as few bytes as they need, seven bits a byte, the lowest first; and a reader that never reads past its end. */

export interface ByteSink {
  byte(value: number): void
  varint(value: number): void
  bytes(value: Uint8Array): void
  finish(): Uint8Array
}

export function createByteSink(): ByteSink {
  const parts: Uint8Array[] = []
  let small: number[] = []
  let size = 0
  const flush = (): void => {
    if (small.length === 0) return
    parts.push(Uint8Array.from(small))
    small = []
  }
  const byte = (value: number): void => {
    small.push(value)
    size += 1
  }
  return {
    byte,
    varint: (value) => {
      if (!Number.isSafeInteger(value) || value < 0) throw new Error(`invariant: ${value} is no varint`)
      let rest = value
      while (rest >= 128) {
        byte((rest % 128) + 128)
        rest = Math.floor(rest / 128)
      }
      byte(rest)
    },
    bytes: (value) => {
      flush()
      parts.push(value)
      size += value.length
    },
    finish: () => {
      flush()
      const whole = new Uint8Array(size)
      let at = 0
      for (const part of parts) {
        whole.set(part, at)
        at += part.length
      }
      return whole
    },
  }
}

/** After the first thing that is not there, or not in its shortest form, `failed` is true and everything reads as nothing. */
export interface ByteSource {
  byte(): number
  varint(): number
  /** A view. */
  bytes(count: number): Uint8Array
  readonly rest: number
  readonly failed: boolean
}

export function createByteSource(bytes: Uint8Array, start: number): ByteSource {
  let at = start
  let failed = false
  const byte = (): number => {
    const value = bytes[at]
    if (value === undefined || failed) {
      failed = true
      return 0
    }
    at += 1
    return value
  }
  return {
    byte,
    varint: () => {
      let value = 0
      let scale = 1
      for (let i = 0; i < 8; i++) {
        const next = byte()
        value += (next & 127) * scale
        if (next < 128) {
          // One number has one encoding: no zeros on top.
          if ((next === 0 && i > 0) || !Number.isSafeInteger(value)) failed = true
          return failed ? 0 : value
        }
        scale *= 128
      }
      failed = true
      return 0
    },
    bytes: (count) => {
      if (failed || count > bytes.length - at) {
        failed = true
        return new Uint8Array(0)
      }
      at += count
      return bytes.subarray(at - count, at)
    },
    get rest() {
      return bytes.length - at
    },
    get failed() {
      return failed
    },
  }
}
