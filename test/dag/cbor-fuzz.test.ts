// Seeded mutation of messages: whatever is accepted encodes back to the very bytes that were read.
import { type CborLimits, type CborValue, decodeCbor, encodeCbor } from '@hearsay/dag'
import { expect, test } from 'vitest'
import { createRandom, type Random } from './random.ts'

const LIMITS: CborLimits = { maxBytes: 4096 }
const MUTANTS = 200_000
const TEXTS = [
  '',
  'a',
  'event',
  '\u00fc\u6c34',
  '\u{1f600}',
  'x'.repeat(70),
  '\u00e9'.repeat(40),
  'toStringy',
]

const randomValue = (random: Random, depth: number): CborValue => {
  switch (random.below(depth > 0 ? 9 : 6)) {
    case 0:
      return random.below(3) === 0 ? null : random.below(2) === 0
    case 1:
      return random.below(2 ** (1 + random.below(31))) - 2 ** random.below(31)
    case 2:
      return (1 + random.below(2 ** 21 - 1)) * (2 ** 32 - 1) * (random.below(2) === 0 ? 1 : -1)
    case 3:
      return TEXTS[random.below(TEXTS.length)]!
    case 4:
    case 5:
      return random.bytes(random.below(40))
    case 6:
      return Array.from({ length: random.below(5) }, () => randomValue(random, depth - 1))
    case 7:
      return new Map(
        Array.from({ length: random.below(5) }, () => [
          random.below(400) - 50,
          randomValue(random, depth - 1),
        ]),
      )
    default:
      return new Map(
        Array.from({ length: random.below(4) }, () => [
          TEXTS[random.below(TEXTS.length)]!,
          randomValue(random, depth - 1),
        ]),
      )
  }
}

/** One to three small changes: a bit, a byte, a deletion, an insertion, or a piece of another message. */
const mutate = (random: Random, original: Uint8Array, other: Uint8Array): Uint8Array => {
  let bytes = [...original]
  for (let changes = 1 + random.below(3); changes > 0; changes -= 1) {
    const at = random.below(bytes.length + 1)
    switch (random.below(5)) {
      case 0:
        if (at < bytes.length) bytes[at] = bytes[at]! ^ (1 << random.below(8))
        break
      case 1:
        if (at < bytes.length) bytes[at] = random.below(256)
        break
      case 2:
        bytes.splice(at, 1 + random.below(3))
        break
      case 3:
        bytes.splice(at, 0, random.below(256))
        break
      default: {
        const from = random.below(other.length)
        bytes = [
          ...bytes.slice(0, at),
          ...other.subarray(from, from + 1 + random.below(12)),
          ...bytes.slice(at),
        ]
      }
    }
  }
  return Uint8Array.from(bytes)
}

/** Every value is of a kind that the profile names, with the plain prototype of that kind. */
const isPlain = (value: unknown): boolean => {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return true
  if (typeof value === 'number') return Number.isSafeInteger(value)
  if (Array.isArray(value)) return value.every(isPlain)
  if (value instanceof Map) return [...value].every(([key, item]) => isPlain(key) && isPlain(item))
  return value instanceof Uint8Array && value.constructor === Uint8Array
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

const run = (seed: number): { accepted: number; refused: number } => {
  const random = createRandom(seed)
  const corpus = Array.from({ length: 400 }, () => encodeCbor(randomValue(random, 4)))
  const canary = Object.getOwnPropertyNames(Object.prototype).length
  let accepted = 0
  for (let i = 0; i < MUTANTS; i += 1) {
    const original = corpus[random.below(corpus.length)]!
    const mutant = mutate(random, original, corpus[random.below(corpus.length)]!)
    const result = decodeCbor(mutant, LIMITS)
    if (!result.ok) {
      if (result.reason === 'decoder') throw new Error(`seed ${seed}: ${Buffer.from(mutant).toString('hex')}`)
      continue
    }
    accepted += 1
    if (!isPlain(result.value) || !equal(encodeCbor(result.value), mutant)) {
      throw new Error(`seed ${seed}: not the same again: ${Buffer.from(mutant).toString('hex')}`)
    }
    // Now and then an accepted mutant joins the corpus, so that mutations pile up.
    if (accepted % 50 === 0 && mutant.length < 400) corpus[random.below(corpus.length)] = mutant
  }
  expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(canary)
  return { accepted, refused: MUTANTS - accepted }
}

test('200,000 mutants: accepted ones encode back to the same bytes', () => {
  const seed = Number(process.env['HEARSAY_FUZZ_SEED'] ?? 1)
  const { accepted, refused } = run(seed)
  expect(accepted).toBeGreaterThan(5000)
  expect(refused).toBeGreaterThan(5000)
})

test('20,000 random values survive encoding and decoding', () => {
  const random = createRandom(7)
  for (let i = 0; i < 20_000; i += 1) {
    const value = randomValue(random, 5)
    const bytes = encodeCbor(value)
    const result = decodeCbor(bytes, LIMITS)
    if (!result.ok && result.reason === 'size') continue
    if (!result.ok) throw new Error(`${result.reason}: ${Buffer.from(bytes).toString('hex')}`)
    expect(equal(encodeCbor(result.value), bytes)).toBe(true)
    if (i % 20 === 0 && !(value instanceof Map)) expect(result.value).toEqual(value)
  }
})
