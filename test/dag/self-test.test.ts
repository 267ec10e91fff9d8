// A back end that decides by any other rule must not get past the boot self-test, nor past the referee.
import {
  bootSelfTest,
  createPortableSuite,
  createReferee,
  type CryptoSuite,
  selfTestVectors,
  VerdictDisagreement,
} from '@hearsay/dag'
import { createBestSuite, createNativeSuite } from '@hearsay/dag/native'
import { describe, expect, test } from 'vitest'
import { findFacts, strictRule, WRONG_RULES } from './verdict-rules.ts'
import { readSpeccheck } from './vectors.ts'

const native = createNativeSuite()
const portable = createPortableSuite()
const seed = new Uint8Array(32).fill(3)
const message = Uint8Array.of(1, 2, 3)
const key = native.publicKey(seed)
const good = native.sign(seed, message)
const bad = Uint8Array.from(good, (byte, at) => (at === 40 ? byte ^ 1 : byte))

const decidingBy = (rule: (facts: ReturnType<typeof findFacts>) => boolean): CryptoSuite => ({
  ...native,
  name: 'planted',
  verify: (publicKey, message, signature) => rule(findFacts(publicKey, message, signature)),
})

const fails = (planted: Partial<CryptoSuite>): void =>
  expect(bootSelfTest({ ...native, ...planted })).toMatchObject({ ok: false })

describe('boot self-test', () => {
  test('both suites pass, native in less than 100 ms', () => {
    expect(bootSelfTest(portable)).toMatchObject({ ok: true })
    const times = [1, 2, 3].map(() => {
      const start = performance.now()
      expect(bootSelfTest(createNativeSuite())).toMatchObject({ ok: true })
      return performance.now() - start
    })
    expect(Math.min(...times)).toBeLessThan(100)
  })

  test('holds all of speccheck and some 200 others, valid and invalid', () => {
    const vectors = selfTestVectors()
    const names = new Set(vectors.map((each) => Buffer.from(each.signature).toString('hex')))
    for (const each of readSpeccheck()) expect(names).toContain(Buffer.from(each.signature).toString('hex'))
    expect(vectors.length).toBeGreaterThan(160)
    expect(vectors.filter((each) => each.valid).length).toBeGreaterThan(20)
  })

  test('a correct foreign implementation passes', () => {
    expect(bootSelfTest(decidingBy(strictRule))).toMatchObject({ ok: true })
  })

  test.each(Object.keys(WRONG_RULES))('a suite by another rule is refused: %s', (name) => {
    const result = bootSelfTest(decidingBy(WRONG_RULES[name]!))
    expect(result).toMatchObject({ ok: false })
    expect(!result.ok && result.failed).toMatch(
      /^signature vector \d+: planted says .* publicKey=[0-9a-f]{64} message=/,
    )
  })

  test('one wrong verdict on any single vector is found', () => {
    const vectors = selfTestVectors()
    for (let wrong = 0; wrong < vectors.length; wrong += 1) {
      let asked = 0
      const suite: CryptoSuite = {
        ...native,
        verify: () => {
          const { valid } = vectors[asked]!
          asked += 1
          return asked - 1 === wrong ? !valid : valid
        },
      }
      const result = bootSelfTest(suite)
      expect(!result.ok && result.failed).toMatch(new RegExp(`^signature vector ${wrong}:`))
    }
  })

  test('a suite that throws, hashes or signs wrongly is refused', () => {
    fails({
      verify: () => {
        throw new Error('planted')
      },
    })
    fails({
      sha256: () => {
        throw new Error('planted')
      },
    })
    fails({ sha256: (bytes) => native.sha256(native.sha256(bytes)) })
    fails({ sign: (secretKey, message) => native.sign(secretKey, Uint8Array.of(...message, 0)) })
    fails({ publicKey: () => key })
  })
})

describe('best suite', () => {
  test('native on this runtime, with a reason', () => {
    const best = createBestSuite()
    expect(best.backEnd).toBe('native')
    expect(best.reason).toMatch(/passed \d+ checks/)
    expect(best.suite.verify(key, message, good)).toBe(true)
    expect(best.suite.verify(key, message, bad)).toBe(false)
  })

  test('portable if the candidate fails or cannot be made', () => {
    const wrong = createBestSuite({ createCandidate: () => decidingBy(WRONG_RULES.ref10!) })
    expect(wrong.backEnd).toBe('portable')
    expect(wrong.reason).toMatch(/failed its self-test: signature vector/)
    expect(wrong.suite.verify(key, message, good)).toBe(true)
    const broken = createBestSuite({
      createCandidate: () => {
        throw new Error('not compiled in')
      },
    })
    expect(broken.backEnd).toBe('portable')
    expect(broken.reason).toMatch(/not compiled in/)
  })

  test('a candidate that turns bad after boot stops the node at its first wrong rejection', () => {
    let turned = false
    const createCandidate = (): CryptoSuite => ({
      ...native,
      verify: (publicKey, message, signature) => !turned && native.verify(publicKey, message, signature),
    })
    const { suite } = createBestSuite({ createCandidate, nowMs: () => 0 })
    expect(suite.verify(key, message, good)).toBe(true)
    turned = true
    expect(() => suite.verify(key, message, good)).toThrow(VerdictDisagreement)
  })
})

describe('referee', () => {
  const rejecting = { name: 'rejecting', verify: () => false }

  test('prints the vector on a disagreement', () => {
    const referee = createReferee(rejecting, portable)
    const text = [key, message, good].map((bytes) => Buffer.from(bytes).toString('hex'))
    expect(() => referee.verify(key, message, good, 0)).toThrow(
      `publicKey=${text[0]} message=${text[1]} signature=${text[2]}`,
    )
  })

  test('recomputes rejections within its budget and refills with time', () => {
    const referee = createReferee(native, portable, { perSecond: 2, burst: 3 })
    for (let i = 0; i < 10; i += 1) expect(referee.verify(key, message, bad, 1000)).toBe(false)
    expect([referee.recomputed, referee.trusted]).toEqual([3, 7])
    expect(referee.verify(key, message, bad, 500)).toBe(false) // a clock that went back grants nothing
    expect([referee.recomputed, referee.trusted]).toEqual([3, 8])
    expect(referee.verify(key, message, bad, 1500)).toBe(false)
    expect([referee.recomputed, referee.trusted]).toEqual([4, 8])
    for (let i = 0; i < 10; i += 1) referee.verify(key, message, bad, 1e9)
    expect([referee.recomputed, referee.trusted]).toEqual([7, 15])
  })

  test('spends nothing on acceptances and on what the prechecks settle', () => {
    const referee = createReferee(native, portable)
    expect(referee.verify(key, message, good, 0)).toBe(true)
    expect(referee.verify(key, message, good.subarray(1), 0)).toBe(false)
    expect(referee.verify(new Uint8Array(32), message, good, 0)).toBe(false)
    expect([referee.recomputed, referee.trusted]).toEqual([0, 0])
  })

  test('can be turned off', () => {
    const referee = createReferee(rejecting, portable, { perSecond: 0 })
    expect(referee.verify(key, message, good, 0)).toBe(false)
    expect([referee.recomputed, referee.trusted]).toEqual([0, 1])
  })
})
