/**
 * Signatures that cost nothing: a keyed checksum in the place of Ed25519, for worlds in which nobody forges because all members,
 * liars too, are ours. Whoever changes a byte of what was signed is noticed; hashes are the real ones, so ids are too.
 */
import type { CryptoSuite, Sha256 } from '@hearsay/dag'

const SIGNATURE_BYTES = 64

function wordsOf(key: Uint8Array): readonly [number, number, number, number] {
  const view = new DataView(key.buffer, key.byteOffset, key.length)
  return [view.getInt32(0, true), view.getInt32(4, true), view.getInt32(8, true), view.getInt32(12, true)]
}

/** Four lanes over the message, each byte into one of them; keyed at the start, mixed at the end. */
function checksum(key: Uint8Array, message: Uint8Array, into: Int32Array): void {
  let [a, b, c, d] = wordsOf(key)
  const end = message.length & ~3
  let at = 0
  for (; at < end; at += 4) {
    a = Math.imul(a ^ message[at]!, 0x01000193)
    b = Math.imul(b ^ message[at + 1]!, 0x01000193)
    c = Math.imul(c ^ message[at + 2]!, 0x01000193)
    d = Math.imul(d ^ message[at + 3]!, 0x01000193)
    a = (a + (d >>> 11)) | 0
    b = (b + (a >>> 7)) | 0
  }
  for (; at < message.length; at++) a = Math.imul(a ^ message[at]!, 0x01000193)
  a ^= message.length
  for (let turn = 0; turn < 2; turn++) {
    a = Math.imul(a ^ (b >>> 15) ^ c, 0x85ebca6b)
    b = Math.imul(b ^ (c >>> 13) ^ d, 0xc2b2ae35)
    c = Math.imul(c ^ (d >>> 16) ^ a, 0x27d4eb2f)
    d = Math.imul(d ^ (a >>> 14) ^ b, 0x165667b1)
  }
  into[0] = a
  into[1] = b
  into[2] = c
  into[3] = d
}

export function createFastSuite(sha256: Sha256): CryptoSuite {
  const lanes = new Int32Array(4)
  const publicKey = (secretKey: Uint8Array): Uint8Array => sha256(secretKey)
  const known = new Map<Uint8Array, Uint8Array>()
  const publicOf = (secretKey: Uint8Array): Uint8Array => {
    const before = known.get(secretKey)
    if (before !== undefined) return before
    const made = publicKey(secretKey)
    known.set(secretKey, made)
    return made
  }
  return {
    name: 'checksum',
    sha256,
    publicKey,
    sign: (secretKey, message) => {
      const signature = new Uint8Array(SIGNATURE_BYTES)
      checksum(publicOf(secretKey), message, lanes)
      new Uint8Array(lanes.buffer).forEach((byte, i) => (signature[i] = byte))
      return signature
    },
    verify: (key, message, signature) => {
      if (key.length !== 32 || signature.length !== SIGNATURE_BYTES) return false
      checksum(key, message, lanes)
      const bytes = new Uint8Array(lanes.buffer)
      for (let i = 0; i < SIGNATURE_BYTES; i++) if (signature[i] !== (bytes[i] ?? 0)) return false
      return true
    },
  }
}
