/**
 * Decides which Ed25519 signatures and keys Hearsay can accept at all: the rule STRICT.
 *
 * A signature (R, S) by key A over message M is valid if and only if
 *   1. A is 32 bytes and (R, S) is 64 bytes;
 *   2. S < L, the order of the base point;
 *   3. A and R are canonical encodings: y < p, and never the encoding of x = 0 with the sign bit set;
 *   4. neither A nor R is one of the eight points of small order;
 *   5. the bytes of R equal encode([S]B - [k]A), k = SHA-512(R || A || M) mod L over the raw bytes (cofactorless).
 * This file decides 1 to 4; a back end decides 5, which is one equation over exact integers and leaves no room for
 * taste. Libraries differ exactly on the inputs that 1 to 4 remove, and each of them accepts what STRICT accepts,
 * so a receipt verifies anywhere and no single event can split members who run different libraries.
 *
 * A key is admitted to a roster only if it is also free of torsion ([L]A = 0), checked once per key.
 *
 * Source: RFC 8032 section 5.1; Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs" (eprint 2020/1244).
 */
import { Point } from '@noble/ed25519'

/** Length in bytes of an Ed25519 public key, and of a secret seed. */
export const KEY_BYTES = 32
/** Length in bytes of an Ed25519 signature: R (32) then S (32, little-endian). */
export const SIGNATURE_BYTES = 64

// L = 2^252 + 27742317777372353535851937790883648493, little-endian.
const GROUP_ORDER: Uint8Array = Uint8Array.from([
  0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
])

// y of the four points of order 8 (two values of y, each with both signs of x), little-endian, sign bit clear.
const ORDER_8_A: Uint8Array = Uint8Array.from([
  0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
  0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
])
const ORDER_8_B: Uint8Array = Uint8Array.from([
  0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
  0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
])

/** True if the 32 little-endian bytes at `offset` are a number below L. */
const isReducedScalar = (bytes: Uint8Array, offset: number): boolean => {
  for (let i = 31; i >= 0; i -= 1) {
    const byte = bytes[offset + i]!
    const bound = GROUP_ORDER[i]!
    if (byte !== bound) return byte < bound
  }
  return false
}

/** True if bytes 1..31 at `offset`, sign bit aside, are `middle` thirty times and then `top`. */
const hasUniformTail = (bytes: Uint8Array, offset: number, middle: number, top: number): boolean => {
  if ((bytes[offset + 31]! & 0x7f) !== top) return false
  for (let i = 1; i < 31; i += 1) if (bytes[offset + i] !== middle) return false
  return true
}

const hasY = (bytes: Uint8Array, offset: number, y: Uint8Array): boolean => {
  if ((bytes[offset + 31]! & 0x7f) !== y[31]) return false
  for (let i = 0; i < 31; i += 1) if (bytes[offset + i] !== y[i]) return false
  return true
}

/**
 * Conditions 3 and 4 for the 32 bytes at `offset`. With the sign bit set aside the encodings to refuse are
 * y = 0 (order 4), 1 (identity), p - 1 (order 2), the two y of order 8, and y >= p; the first byte tells almost
 * every honest point apart. Refusing y = 1 and y = p - 1 with either sign covers "x = 0 with the sign bit set".
 */
const isCanonicalLargeOrder = (bytes: Uint8Array, offset: number): boolean => {
  const first = bytes[offset]!
  if (first <= 1) return !hasUniformTail(bytes, offset, 0, 0)
  if (first >= 0xec) return !hasUniformTail(bytes, offset, 0xff, 0x7f)
  if (first === 0xc7) return !hasY(bytes, offset, ORDER_8_A)
  if (first === 0x26) return !hasY(bytes, offset, ORDER_8_B)
  return true
}

/**
 * Conditions 1 to 4 of STRICT, in constant small time and without allocation. `true` means only that the equation
 * decides; it says nothing about whether A or R lie on the curve. Never throws.
 */
export const passesPrechecks = (publicKey: Uint8Array, signature: Uint8Array): boolean =>
  publicKey.length === KEY_BYTES &&
  signature.length === SIGNATURE_BYTES &&
  isReducedScalar(signature, 32) &&
  isCanonicalLargeOrder(publicKey, 0) &&
  isCanonicalLargeOrder(signature, 0)

/**
 * Whether a public key (32 bytes) may enter a roster: canonical, on the curve, not of small order and free of
 * torsion. A key with a torsion component would verify under some libraries by chance of the challenge.
 * About a millisecond of pure arithmetic: call it once per key, never per event. Never throws.
 */
export const isAcceptableKey = (publicKey: Uint8Array): boolean => {
  if (publicKey.length !== KEY_BYTES || !isCanonicalLargeOrder(publicKey, 0)) return false
  const point = decodePoint(publicKey)
  return point !== undefined && point.isTorsionFree()
}

/** The curve point of a canonical encoding (32 bytes), or `undefined` if there is none. Never throws. */
export const decodePoint = (bytes: Uint8Array): Point | undefined => {
  try {
    return Point.fromBytes(bytes)
  } catch {
    return undefined // the library says "not a point" by throwing
  }
}
