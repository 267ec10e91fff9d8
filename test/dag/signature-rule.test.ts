// The STRICT rule on published and own vectors, for every suite: which suite a member runs must never matter.
import { createPortableSuite, type CryptoSuite, isAcceptableKey, passesPrechecks } from '@hearsay/dag'
import { createNativeSuite } from '@hearsay/dag/native'
import { Point } from '@noble/ed25519'
import { describe, expect, test } from 'vitest'
import { createRandom } from './random.ts'
import { findFacts, strictRule } from './verdict-rules.ts'
import { readCctv, readOwn, readSpeccheck, readWycheproof, SPECCHECK_STRICT, type Vector } from './vectors.ts'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))
const suites: readonly CryptoSuite[] = [createPortableSuite(), createNativeSuite()]
const verdict = (suite: CryptoSuite, each: Vector): boolean =>
  suite.verify(each.publicKey, each.message, each.signature)

describe.each(suites)('$name suite', (suite) => {
  test('gives the STRICT string on speccheck', () => {
    const letters = readSpeccheck().map((each) => (verdict(suite, each) ? 'V' : 'X'))
    expect(letters.join('')).toBe(SPECCHECK_STRICT)
  })

  test('accepts 43 of 914 CCTV cases, none of them with a low-order or non-canonical point', () => {
    const accepted = readCctv().filter((each) => verdict(suite, each))
    expect(accepted).toHaveLength(43)
    for (const each of accepted)
      expect(each.label).not.toMatch(/low_order_[RA]|non_canonical|low_order_residue/)
  })

  test('is never wrong on Wycheproof', () => {
    const cases = readWycheproof()
    expect(cases).toHaveLength(151)
    expect(cases.filter((each) => verdict(suite, each) !== each.strict).map((each) => each.id)).toEqual([])
  })

  test('gives the expected verdict on 1,500 adversarial cases', () => {
    const cases = readOwn()
    expect(cases).toHaveLength(1500)
    expect(cases.filter((each) => verdict(suite, each) !== each.strict).map((each) => each.id)).toEqual([])
  })

  test('answers false, and never throws, on wrong lengths and on noise', () => {
    const random = createRandom(1)
    for (let i = 0; i < 2000; i += 1) {
      const key = random.bytes(i % 3 === 0 ? random.below(70) : 32)
      const signature = random.bytes(i % 5 === 0 ? random.below(130) : 64)
      if (signature.length === 64) signature[63]! &= 0x0f
      expect(suite.verify(key, random.bytes(random.below(40)), signature)).toBe(false)
    }
  })

  test('accepts what it signed, and nothing with one bit changed', () => {
    const random = createRandom(2)
    const seed = random.bytes(32)
    const key = suite.publicKey(seed)
    for (let i = 0; i < 40; i += 1) {
      const message = random.bytes(1 + random.below(300))
      const signature = suite.sign(seed, message)
      expect(suite.verify(key, message, signature)).toBe(true)
      for (const target of [message, signature]) {
        const at = random.below(target.length)
        const bit = 1 << random.below(8)
        target[at]! ^= bit
        expect(suite.verify(key, message, signature)).toBe(false)
        target[at]! ^= bit
      }
    }
  })

  test('hands out plain arrays that share no memory with their neighbours', () => {
    const seed = new Uint8Array(32).fill(7)
    for (const bytes of [suite.sha256(seed), suite.publicKey(seed), suite.sign(seed, seed)]) {
      expect(bytes.constructor).toBe(Uint8Array)
      expect(bytes.buffer.byteLength).toBe(bytes.length)
    }
    suite.publicKey(seed).fill(0) // must not reach what the suite keeps
    expect(suite.verify(suite.publicKey(seed), seed, suite.sign(seed, seed))).toBe(true)
  })

  test('refuses a secret key that is not a seed', () => {
    for (const length of [0, 31, 33, 64]) {
      expect(() => suite.sign(new Uint8Array(length), new Uint8Array())).toThrow(TypeError)
      expect(() => suite.publicKey(new Uint8Array(length))).toThrow(TypeError)
    }
  })
})

test('a second implementation of the rule agrees on vectors that state a verdict', () => {
  const stated = [...readSpeccheck(), ...readWycheproof(), ...readOwn().slice(0, 500)]
  for (const each of stated) {
    expect(strictRule(findFacts(each.publicKey, each.message, each.signature))).toBe(each.strict)
  }
})

test('portable and native hash, derive and sign to the same bytes', () => {
  const random = createRandom(3)
  const [portable, native] = suites as [CryptoSuite, CryptoSuite]
  for (let i = 0; i < 60; i += 1) {
    const seed = random.bytes(32)
    const message = random.bytes(random.below(2000))
    expect(native.publicKey(seed)).toEqual(portable.publicKey(seed))
    expect(native.sign(seed, message)).toEqual(portable.sign(seed, message))
    expect(native.sha256(message)).toEqual(portable.sha256(message))
  }
})

test('verdicts of the portable suite depend neither on its table nor on its bound on keys', () => {
  const cases = readOwn().slice(0, 120)
  const cramped = createPortableSuite({ maxKeys: 1 })
  const eager = createPortableSuite({ maxKeys: 8, tableAfter: 0 })
  for (const each of cases) {
    expect(verdict(cramped, each)).toBe(each.strict)
    expect(verdict(eager, each)).toBe(each.strict)
  }
})

describe('prechecks', () => {
  // An honest triple; halves are replaced below.
  const suite = createNativeSuite()
  const seed = new Uint8Array(32).fill(1)
  const key = suite.publicKey(seed)
  const signature = suite.sign(seed, new Uint8Array())
  const withScalar = (text: string): Uint8Array => Uint8Array.of(...signature.subarray(0, 32), ...hex(text))

  test('a scalar is below L', () => {
    const order = 'edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010'
    expect(passesPrechecks(key, withScalar(order))).toBe(false)
    expect(passesPrechecks(key, withScalar(order.replace(/^ed/, 'ec')))).toBe(true)
    expect(passesPrechecks(key, withScalar(order.replace(/^ed/, 'ee')))).toBe(false)
    expect(passesPrechecks(key, withScalar('00'.repeat(32)))).toBe(true)
    expect(passesPrechecks(key, withScalar('ff'.repeat(32)))).toBe(false)
  })

  test('all encodings of points of small order and all y >= p are refused, their neighbours not', () => {
    const field = (1n << 255n) - 19n
    const y8 = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a').y
    const refused = new Set([0n, 1n, field - 1n, y8, field - y8])
    for (let i = 0n; i < 19n; i += 1n) refused.add(field + i)
    const candidates = new Set(refused)
    for (const y of refused) for (const other of [y - 1n, y + 1n, y ^ (1n << 100n)]) candidates.add(other)
    for (const y of candidates) {
      if (y < 0n || y >= 1n << 255n) continue
      for (const sign of [0n, 1n]) {
        const number = y + (sign << 255n)
        const point = hex(number.toString(16).padStart(64, '0')).toReversed()
        const expected = !refused.has(y)
        expect(passesPrechecks(point, signature)).toBe(expected)
        expect(passesPrechecks(key, Uint8Array.of(...point, ...signature.subarray(32)))).toBe(expected)
      }
    }
  })
})

describe('admission of a key', () => {
  const torsion8 = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')
  const honest = createNativeSuite().publicKey(new Uint8Array(32).fill(9))

  test('an honest key is accepted', () => expect(isAcceptableKey(honest)).toBe(true))

  test('a key plus any point of the torsion group is refused', () => {
    let torsion = torsion8
    for (let i = 1; i < 8; i += 1) {
      expect(isAcceptableKey(Point.fromBytes(honest).add(torsion).toBytes())).toBe(false)
      expect(isAcceptableKey(torsion.toBytes())).toBe(false)
      torsion = torsion.add(torsion8)
    }
    expect(isAcceptableKey(Point.ZERO.toBytes())).toBe(false)
  })

  test('wrong lengths, numbers beyond the field and bytes off the curve are refused', () => {
    expect(isAcceptableKey(honest.subarray(1))).toBe(false)
    expect(isAcceptableKey(new Uint8Array(33))).toBe(false)
    expect(isAcceptableKey(new Uint8Array(32).fill(0xff))).toBe(false)
    expect(isAcceptableKey(Uint8Array.of(2, ...new Uint8Array(31)))).toBe(false) // y = 2 has no x
  })
})
