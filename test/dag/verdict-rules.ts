// Other people's acceptance rules, and STRICT with one condition left out: what a self-test has to catch.
// Written apart from packages/dag: BigInt and the library's Point throughout, so that it is also a second opinion.
import { createHash } from 'node:crypto'
import { Point } from '@noble/ed25519'

/** Everything that a rule may look at. */
export interface Facts {
  readonly lengthsFit: boolean
  readonly scalarReduced: boolean
  readonly keyCanonical: boolean
  readonly nonceCanonical: boolean
  readonly keySmall: boolean
  readonly nonceSmall: boolean
  /** encode([S]B - [k]A) = R as bytes, S reduced mod L first. */
  readonly exact: boolean
  /** The same as points, R decoded as generously as possible. */
  readonly exactPoint: boolean
  /** The same times the cofactor. */
  readonly cofactored: boolean
  /** `cofactored`, with the challenge over re-encoded A and R instead of the raw bytes. */
  readonly cofactoredReencoded: boolean
}

const L = Point.CURVE().n
const P = Point.CURVE().p
const number = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`)
const generous = (bytes: Uint8Array): Point | undefined => {
  try {
    return Point.fromBytes(bytes, true)
  } catch {
    return undefined
  }
}

const isCanonical = (bytes: Uint8Array): boolean => {
  const y = number(bytes) & ((1n << 255n) - 1n)
  const sign = bytes[31]! >> 7
  return y < P && !(sign === 1 && (y === 1n || y === P - 1n))
}

const challenge = (R: Uint8Array, A: Uint8Array, M: Uint8Array): bigint =>
  number(createHash('sha512').update(R).update(A).update(M).digest()) % L

const NOTHING: Facts = {
  lengthsFit: false,
  scalarReduced: false,
  keyCanonical: false,
  nonceCanonical: false,
  keySmall: false,
  nonceSmall: false,
  exact: false,
  exactPoint: false,
  cofactored: false,
  cofactoredReencoded: false,
}

export const findFacts = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Facts => {
  if (publicKey.length < 32 || signature.length < 64) return NOTHING
  const keyBytes = publicKey.subarray(0, 32)
  const nonceBytes = signature.subarray(0, 32)
  const key = generous(keyBytes)
  const nonce = generous(nonceBytes)
  if (key === undefined) return NOTHING
  const scalar = number(signature.subarray(32, 64))
  const base = Point.BASE.multiply(scalar % L, false)
  const difference = base.subtract(key.multiply(challenge(nonceBytes, keyBytes, message), false))
  const isNonceTimes8 = (point: Point): boolean =>
    nonce !== undefined && point.subtract(nonce).clearCofactor().is0()
  const isReencodedSame = isCanonical(keyBytes) && isCanonical(nonceBytes)
  const reencoded = (): boolean => {
    if (nonce === undefined) return false
    const k = challenge(nonce.toBytes(), key.toBytes(), message)
    return isNonceTimes8(base.subtract(key.multiply(k, false)))
  }
  const cofactored = isNonceTimes8(difference)
  return {
    lengthsFit: publicKey.length === 32 && signature.length === 64,
    scalarReduced: scalar < L,
    keyCanonical: isCanonical(keyBytes),
    nonceCanonical: isCanonical(nonceBytes),
    keySmall: key.isSmallOrder(),
    nonceSmall: nonce !== undefined && nonce.isSmallOrder(),
    exact: Buffer.compare(difference.toBytes(), nonceBytes) === 0,
    exactPoint: nonce !== undefined && difference.equals(nonce),
    cofactored,
    cofactoredReencoded: isReencodedSame ? cofactored : reencoded(),
  }
}

const prechecksBut = (...left: (keyof Facts)[]) => {
  const wanted = { lengthsFit: true, scalarReduced: true, keyCanonical: true, nonceCanonical: true } as const
  const unwanted = ['keySmall', 'nonceSmall'] as const
  return (facts: Facts): boolean =>
    (Object.keys(wanted) as (keyof typeof wanted)[]).every((name) => left.includes(name) || facts[name]) &&
    unwanted.every((name) => left.includes(name) || !facts[name])
}

export const strictRule = (facts: Facts): boolean => prechecksBut()(facts) && facts.exact

/** Each differs from STRICT; the comment names libraries that decide so. */
export const WRONG_RULES: Readonly<Record<string, (facts: Facts) => boolean>> = {
  // cofactored, everything else as STRICT: accepts R + T by an honest key
  'accepts a nonce with torsion': (facts) => prechecksBut()(facts) && facts.cofactored,
  // @noble/ed25519 zip215: true, ZIP-215
  zip215: (facts) => facts.lengthsFit && facts.scalarReduced && facts.cofactored,
  // @noble/ed25519 zip215: false
  'cofactored, small keys refused': (facts) => prechecksBut('nonceSmall')(facts) && facts.cofactored,
  // node:crypto before 24.19, dalek verify, Go: bytes compared, small orders accepted
  ref10: (facts) => prechecksBut('keySmall', 'nonceSmall', 'keyCanonical')(facts) && facts.exact,
  'small keys accepted': (facts) => prechecksBut('keySmall')(facts) && facts.exact,
  'small nonces accepted': (facts) => prechecksBut('nonceSmall')(facts) && facts.exact,
  'keys not canonical accepted': (facts) => prechecksBut('keyCanonical', 'keySmall')(facts) && facts.exact,
  'nonces not canonical accepted': (facts) =>
    prechecksBut('nonceCanonical', 'nonceSmall')(facts) && facts.exactPoint,
  // tweetnacl
  'S + L accepted': (facts) => prechecksBut('scalarReduced')(facts) && facts.exact,
  // sodium-native
  'bytes after the signature ignored': (facts) => prechecksBut('lengthsFit')(facts) && facts.exact,
  'challenge over re-encoded points': (facts) =>
    facts.lengthsFit && facts.scalarReduced && facts.cofactoredReencoded,
  'everything accepted': () => true,
  'everything refused': () => false,
}
