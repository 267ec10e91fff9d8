import { describe, expect, test } from 'vitest'
import {
  CHUNK_BYTES,
  concatBytes,
  encodePayload,
  isPayloadSound,
  MAX_PAYLOAD_BYTES,
  MAX_TRANSACTION_BYTES,
  MAX_TRANSACTIONS,
  payloadRoot,
  proveTransaction,
  transactionsOf,
  verifyTransaction,
  type TransactionProof,
} from '@hearsay/dag'
import { suite } from './making.ts'
import { createRandom, type Random } from './random.ts'

const { sha256 } = suite

function draw(random: Random): Uint8Array[] {
  const largest = [0, 10, 200, 3_000][random.below(4)]!
  return Array.from({ length: random.below(120) }, () => random.bytes(random.below(largest + 1)))
}

const sizeOf = (proof: TransactionProof): number => proof.chunk.length + 32 * proof.path.length + 16

test('every transaction of random payloads is proved, and nothing else by its proof', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = createRandom(seed)
    const transactions = draw(random)
    const payload = encodePayload(transactions)
    const root = payloadRoot(sha256, payload)
    expect(isPayloadSound(payload, transactions.length)).toBe(true)
    expect(transactionsOf(payload)).toEqual(transactions)
    for (const [index, transaction] of transactions.entries()) {
      const proof = proveTransaction(sha256, payload, index)!
      expect(verifyTransaction(sha256, proof, root), `seed ${seed}, ${index}`).toEqual(transaction)
    }
    for (const index of [transactions.length, -1, 0.5, Number.NaN])
      expect(proveTransaction(sha256, payload, index)?.index, `seed ${seed}, ${index}`).toBeUndefined()
  }
})

test('a bent proof shows nothing, or the very transaction that stands at its index', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = createRandom(1_000 + seed)
    const transactions = [random.bytes(10), ...draw(random)]
    const payload = encodePayload(transactions)
    const root = payloadRoot(sha256, payload)
    const proof = proveTransaction(sha256, payload, random.below(transactions.length))!
    const bend = (bytes: Uint8Array): Uint8Array => {
      const bent = bytes.slice()
      bent[random.below(bent.length)]! ^= 1 << random.below(8)
      return bent
    }
    const label = `seed ${seed}`
    const refused: Partial<TransactionProof>[] = [
      { chunk: bend(proof.chunk) },
      { chunk: concatBytes(proof.chunk, Uint8Array.of(0, 0, 0, 0)) },
      { chunk: proof.chunk.subarray(0, proof.chunk.length - 1) },
      { chunk: new Uint8Array(0) },
      { chunkFirstIndex: proof.chunkFirstIndex + 1 },
      { path: [...proof.path, root] },
      { index: proof.chunkFirstIndex - 1 },
      { index: proof.chunkFirstIndex + transactionsOf(proof.chunk).length },
      { index: proof.index + 0.5 },
    ]
    if (proof.path.length > 0)
      refused.push({ path: proof.path.map(bend) }, { path: [] }, { chunkIndex: proof.chunkIndex ^ 1 })
    for (const [i, bent] of refused.entries())
      expect(verifyTransaction(sha256, { ...proof, ...bent }, root), `${label}, ${i}`).toBeUndefined()
    expect(verifyTransaction(sha256, proof, bend(root)), label).toBeUndefined()
    // An index says which transaction, whoever wrote the rest of the proof.
    for (let index = 0; index < transactions.length; index++) {
      const shown = verifyTransaction(sha256, { ...proof, index }, root)
      if (shown !== undefined) expect(shown, `${label}, ${index}`).toEqual(transactions[index])
    }
  }
})

describe('sizes', () => {
  test('a full payload of small transactions gives proofs of a few KiB', () => {
    const transactions = Array.from({ length: MAX_TRANSACTIONS }, (_, i) => new Uint8Array(28).fill(i))
    const payload = encodePayload(transactions)
    expect(payload.length).toBe(MAX_PAYLOAD_BYTES)
    for (const index of [0, 1, 4_000, MAX_TRANSACTIONS - 1]) {
      const proof = proveTransaction(sha256, payload, index)!
      expect(verifyTransaction(sha256, proof, payloadRoot(sha256, payload))).toEqual(transactions[index])
      expect(sizeOf(proof)).toBeLessThan(2_500)
    }
  })

  test('a chunk ends with the transaction that brings it to its size', () => {
    const exact = new Uint8Array(CHUNK_BYTES - 4)
    const payload = encodePayload([exact, exact, Uint8Array.of(1), exact, Uint8Array.of(2)])
    const firsts = [0, 1, 2, 3, 4].map((index) => proveTransaction(sha256, payload, index)!.chunkFirstIndex)
    expect(firsts).toEqual([0, 1, 2, 2, 4])
  })

  test('the largest transaction', () => {
    const payload = encodePayload([new Uint8Array(2_000), new Uint8Array(MAX_TRANSACTION_BYTES)])
    const proof = proveTransaction(sha256, payload, 1)!
    expect(sizeOf(proof)).toBeLessThan(MAX_TRANSACTION_BYTES + 2_100)
    expect(verifyTransaction(sha256, proof, payloadRoot(sha256, payload))).toHaveLength(MAX_TRANSACTION_BYTES)
  })
})

const head = (length: number): Uint8Array => Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length)

test('unsound payloads', () => {
  expect(isPayloadSound(new Uint8Array(0), 0)).toBe(true)
  expect(isPayloadSound(new Uint8Array(0), 1)).toBe(false)
  expect(isPayloadSound(head(0), 1)).toBe(true)
  expect(isPayloadSound(head(0), 0)).toBe(false)
  expect(isPayloadSound(head(0), 2)).toBe(false)
  expect(isPayloadSound(head(1), 1)).toBe(false)
  expect(isPayloadSound(Uint8Array.of(0, 0, 0), 1)).toBe(false)
  expect(isPayloadSound(head(0xffff_ffff), 1)).toBe(false)
  const tooLong = MAX_TRANSACTION_BYTES + 1
  expect(isPayloadSound(concatBytes(head(tooLong), new Uint8Array(tooLong)), 1)).toBe(false)
  expect(isPayloadSound(new Uint8Array(4 * (MAX_TRANSACTIONS + 1)), MAX_TRANSACTIONS + 1)).toBe(false)
  expect(isPayloadSound(new Uint8Array(MAX_PAYLOAD_BYTES + 4), 1)).toBe(false)
})

test('a length that lies takes no memory', () => {
  const before = process.memoryUsage().arrayBuffers
  // A receiver computes the commitment of what it puts together before it knows whether it is sound.
  for (let i = 0; i < 50; i++)
    payloadRoot(suite.sha256, Uint8Array.of(0xff, 0xff, 0xff, 0xf0 + (i & 15), 1, 2, 3))
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 1024 * 1024)
})
