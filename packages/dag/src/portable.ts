/**
 * Decides equation 5 of STRICT in plain TypeScript, for browsers and as the referee of native back ends.
 *
 * The library's own `verify` is cofactored in both of its modes and accepts signatures that STRICT and every native
 * library refuse, so it is never called: the equation encode([S]B - [k]A) = R is computed here from the public
 * `Point`. Speed comes from a table of multiples of -A per key, with signed windows of six bits: 43 additions and no
 * doubling instead of about 380 operations. Verification handles public values only, so it need not be constant-time.
 *
 * Source: RFC 8032 section 5.1.7, with strict.ts in front; windows as in Brickell, Gordon, McCurley, Wilson,
 * "Fast exponentiation with precomputation" (Eurocrypt '92), with signed digits.
 */
import { getPublicKey, hashes, Point, sign } from '@noble/ed25519'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { equalBytes, toHex } from './bytes.ts'
import type { CryptoSuite } from './crypto.ts'
import { createKeyCache } from './key-cache.ts'
import { decodePoint, KEY_BYTES, passesPrechecks } from './strict.ts'

const WINDOW_BITS = 6
const WINDOW_HALF = 1 << (WINDOW_BITS - 1)
// Scalars are below L < 2^253, so 43 windows of six bits leave five bits for the last carry.
const WINDOWS = 43
const GROUP_ORDER = Point.CURVE().n

/** Bounds of a portable suite. */
export interface PortableOptions {
  /** Keys with work kept for them, at most; a table takes about 0.35 MiB. Default 256, so 90 MiB if all are used. */
  readonly maxKeys?: number
  /** Verifications by one key before its table is built (about 10 ms). Default 3: a key seen once never pays for one. */
  readonly tableAfter?: number
}

// multiples[w * 32 + d - 1] = [d * 64^w]P, 1 <= d <= 32
const buildTable = (point: Point): readonly Point[] => {
  const multiples: Point[] = []
  let base = point
  for (let window = 0; window < WINDOWS; window += 1) {
    let multiple = base
    for (let digit = 1; digit <= WINDOW_HALF; digit += 1) {
      multiples.push(multiple)
      if (digit < WINDOW_HALF) multiple = multiple.add(base)
    }
    base = multiple.double() // [32 * 64^w]P doubled is [64^(w + 1)]P
  }
  return multiples
}

/** `start` + [scalar]P from the table of P; `scalar` is the little-endian number below L. */
const addMultiple = (start: Point, table: readonly Point[], scalar: bigint): Point => {
  let sum = start
  let rest = scalar
  const mask = BigInt((1 << WINDOW_BITS) - 1)
  for (let window = 0; window < WINDOWS; window += 1) {
    let digit = Number(rest & mask)
    rest >>= BigInt(WINDOW_BITS)
    if (digit > WINDOW_HALF) {
      digit -= 2 * WINDOW_HALF
      rest += 1n
    }
    if (digit === 0) continue
    const multiple = table[window * WINDOW_HALF + Math.abs(digit) - 1]!
    sum = sum.add(digit < 0 ? multiple.negate() : multiple)
  }
  if (rest !== 0n) throw new Error('scalar out of the range of its table')
  return sum
}

const littleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes.toReversed())}`)

/** What is kept per public key: the point -A (`undefined`: not on the curve) and, once it pays, its table. */
interface PreparedKey {
  readonly negated: Point | undefined
  uses: number
  table: readonly Point[] | undefined
}

const prepareKey = (publicKey: Uint8Array): PreparedKey => ({
  negated: decodePoint(publicKey)?.negate(),
  uses: 0,
  table: undefined,
})

const satisfiesEquation = (
  key: PreparedKey,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
  tableAfter: number,
): boolean => {
  if (key.negated === undefined) return false
  const nonce = signature.subarray(0, 32)
  const digest = sha512.create().update(nonce).update(publicKey).update(message).digest()
  const challenge = littleEndian(digest) % GROUP_ORDER
  const base = Point.BASE.multiply(littleEndian(signature.subarray(32)), false)
  key.uses += 1
  if (key.table === undefined && key.uses > tableAfter) key.table = buildTable(key.negated)
  const sum =
    key.table === undefined
      ? base.add(key.negated.multiply(challenge, false))
      : addMultiple(base, key.table, challenge)
  return equalBytes(sum.toBytes(), nonce)
}

const checkSeed = (secretKey: Uint8Array): void => {
  if (secretKey.length !== KEY_BYTES) throw new TypeError(`a secret key is a seed of ${KEY_BYTES} bytes`)
}

/** A suite in plain TypeScript that runs wherever BigInt does: some 2,000 to 3,500 verifications a second by known keys. */
export const createPortableSuite = (options: PortableOptions = {}): CryptoSuite => {
  const { maxKeys = 256, tableAfter = 3 } = options
  const keys = createKeyCache(maxKeys, prepareKey)
  // The library signs with whatever SHA-512 is planted in this slot; the function is always the same.
  hashes.sha512 = sha512
  return {
    name: 'portable',
    sha256: (bytes) => sha256(bytes),
    verify: (publicKey, message, signature) =>
      passesPrechecks(publicKey, signature) &&
      satisfiesEquation(keys.get(publicKey), publicKey, message, signature, tableAfter),
    sign(secretKey, message) {
      checkSeed(secretKey)
      return sign(message, secretKey)
    },
    publicKey(secretKey) {
      checkSeed(secretKey)
      return getPublicKey(secretKey)
    },
  }
}
