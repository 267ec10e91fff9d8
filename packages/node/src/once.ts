/**
 * Decides which sealed transactions of the ordered log take effect: the first of equal ones, and only up to the time that
 * it names. A function of the log alone, so every member decides alike, however often and through whomever it was sent.
 *
 * A transaction may name a time at most MAX_LIFETIME ahead of its consensus time, and its id is remembered until that time
 * has passed; a copy that is ordered later is void for its age. So what is remembered is bounded by time, and by a fixed
 * number: when that many are remembered, further sealed ones are refused, by every member alike.
 */
import { createByteWriter, readUint32, readUint64, type Sha256 } from '@hearsay/dag'

/** How far ahead of its consensus time a transaction may expire, microseconds: ten minutes. */
export const MAX_LIFETIME_MICROS = 600_000_000
/** Ids remembered at a time. */
export const MAX_REMEMBERED = 1_048_576
const KEY_BYTES = 16
const SECOND = 1_000_000

/** Why an ordered transaction has no effect. A closed list. */
export type VoidReason = 'duplicate' | 'expired' | 'too-far-ahead' | 'window-full'

export interface OnceWindow {
  /** Judges the next sealed transaction of the log and remembers it. */
  judge(id: Uint8Array, expires: number, timestamp: number): VoidReason | undefined
  /** What is remembered, in one form for equal contents. */
  encode(): Uint8Array
  /** Hash of what is remembered, equal for equal contents. Costs as much as has changed since the last time, and 40 bytes a second held. */
  digest(sha256: Sha256): Uint8Array
  size(): number
}

export function createOnceWindow(encoded?: Uint8Array, limit: number = MAX_REMEMBERED): OnceWindow {
  const remembered = new Set<string>()
  /** Second of expiry → ids that may be forgotten after it. */
  const bySecond = new Map<number, string[]>()
  /** Second of expiry → hash of its ids, where none has come since it was made. */
  const digests = new Map<number, Uint8Array>()
  let oldestSecond = Infinity

  function remember(key: string, second: number): void {
    remembered.add(key)
    const list = bySecond.get(second)
    if (list === undefined) bySecond.set(second, [key])
    else list.push(key)
    digests.delete(second)
    oldestSecond = Math.min(oldestSecond, second)
  }

  function forget(timestamp: number): void {
    const now = Math.floor(timestamp / SECOND)
    if (oldestSecond >= now) return
    oldestSecond = Infinity
    for (const [second, keys] of bySecond) {
      if (second >= now) oldestSecond = Math.min(oldestSecond, second)
      else {
        for (const key of keys) remembered.delete(key)
        bySecond.delete(second)
        digests.delete(second)
      }
    }
  }

  const seconds = (): number[] => [...bySecond.keys()].sort((a, b) => a - b)

  function digestOf(second: number, sha256: Sha256): Uint8Array {
    const known = digests.get(second)
    if (known !== undefined) return known
    const writer = createByteWriter(KEY_BYTES * bySecond.get(second)!.length)
    for (const key of bySecond.get(second)!) writer.bytes(bytesOf(key))
    const digest = sha256(writer.finish())
    digests.set(second, digest)
    return digest
  }

  if (encoded !== undefined) {
    for (let at = 4; at < encoded.length; at += 8 + KEY_BYTES) {
      remember(keyOf(encoded.subarray(at + 8, at + 8 + KEY_BYTES)), readUint64(encoded, at))
    }
    if (readUint32(encoded, 0) !== remembered.size) throw new Error('invariant: a window that is not whole')
  }

  return {
    judge(id, expires, timestamp) {
      forget(timestamp)
      if (expires < timestamp) return 'expired'
      if (expires - timestamp > MAX_LIFETIME_MICROS) return 'too-far-ahead'
      const key = keyOf(id)
      if (remembered.has(key)) return 'duplicate'
      if (remembered.size >= limit) return 'window-full'
      remember(key, Math.floor(expires / SECOND))
      return undefined
    },
    encode() {
      const writer = createByteWriter(4 + (8 + KEY_BYTES) * remembered.size)
      writer.uint32(remembered.size)
      for (const second of seconds()) {
        for (const key of bySecond.get(second)!) {
          writer.uint64(second)
          writer.bytes(bytesOf(key))
        }
      }
      return writer.finish()
    },
    digest(sha256) {
      const held = seconds()
      const writer = createByteWriter(40 * held.length)
      for (const second of held) {
        writer.uint64(second)
        writer.bytes(digestOf(second, sha256))
      }
      return sha256(writer.finish())
    },
    size: () => remembered.size,
  }
}

const keyOf = (id: Uint8Array): string => String.fromCharCode(...id.subarray(0, KEY_BYTES))
const bytesOf = (key: string): Uint8Array => Uint8Array.from(key, (character) => character.charCodeAt(0))
