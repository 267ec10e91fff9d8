import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  decodeBlock,
  describeBlock,
  EMPTY_LEDGER,
  encodeBlock,
  entryLeaf,
  extendLedger,
  type Block,
  type BlockEntry,
  type LedgerHead,
  type RoundForLedger,
} from '@hearsay/consensus'
import {
  concatBytes,
  equalBytes,
  merklePath,
  payloadOf,
  payloadRootOf,
  proveTransaction,
  toHex,
  verifyMerklePath,
  verifyTransaction,
} from '@hearsay/dag'
import { createMaker, seedOf, suite } from '../dag/making.ts'
import { createRandom, type Random } from '../dag/random.ts'

const { sha256 } = suite
const networkId = seedOf(0xaa)

function drawRound(random: Random, round: number, time: number): RoundForLedger {
  const entries: BlockEntry[] = []
  let timestamp = time
  for (let i = random.below(12); i > 0; i--) {
    const transactionCount = random.below(5)
    entries.push({ id: random.bytes(32), timestamp, transactionCount })
    timestamp += Math.max(1, transactionCount)
  }
  return {
    round,
    judges: Array.from({ length: random.below(5) }, () => random.bytes(32)),
    ancientThreshold: 1 + random.below(round),
    lastTimestamp: timestamp,
    entries,
  }
}

function drawBlocks(seed: number, count: number): { blocks: Block[]; head: LedgerHead } {
  const random = createRandom(seed)
  const blocks: Block[] = []
  let head: LedgerHead = EMPTY_LEDGER
  for (let round = 1; round <= count; round++) {
    const extended = extendLedger(head, drawRound(random, round, round * 1_000), networkId, sha256)
    blocks.push(extended.block)
    head = extended.head
  }
  return { blocks, head }
}

const encode = (block: Block): Uint8Array => encodeBlock(block, networkId, sha256)

const read = (bent: Uint8Array): Block | undefined => decodeBlock(bent, networkId, sha256)

/** The layout of the header, written down a second time. */
function headerOf(block: Block, root: Uint8Array): Buffer {
  const fixed = Buffer.alloc(124)
  fixed.write('hearsay.block.1\n', 0, 'latin1')
  fixed.set(networkId, 16)
  fixed.writeUIntBE(block.round, 48, 6)
  fixed.set(block.previous, 54)
  fixed.writeUIntBE(block.ancientThreshold, 86, 6)
  fixed.writeBigUInt64BE(BigInt(block.lastTimestamp), 92)
  fixed.writeUIntBE(block.firstOrder, 100, 6)
  fixed.writeUInt32BE(block.entries.length, 106)
  fixed.writeUIntBE(block.firstPosition, 110, 6)
  fixed.writeUIntBE(block.transactionCount, 116, 6)
  fixed.writeUInt16BE(block.judges.length, 122)
  return Buffer.concat([fixed, ...block.judges, root])
}

describe('a chain of blocks', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    test(`continues place, position and hash, and is read back as it was written (seed ${seed})`, () => {
      const { blocks, head } = drawBlocks(seed, 30)
      let previous: Uint8Array = new Uint8Array(32)
      let order = 0
      let position = 0
      for (const [i, block] of blocks.entries()) {
        const transactions = block.entries.reduce((sum, entry) => sum + entry.transactionCount, 0)
        expect(block).toMatchObject({ round: i + 1, previous, firstOrder: order, firstPosition: position })
        expect(block.transactionCount).toBe(transactions)
        const bytes = encode(block)
        expect(describeBlock(bytes)).toEqual({
          round: i + 1,
          firstPosition: position,
          transactionCount: transactions,
          eventCount: block.entries.length,
        })
        expect(decodeBlock(bytes, networkId, sha256)).toEqual(block)
        const headerBytes = 124 + 32 * block.judges.length + 32
        const header = headerOf(block, bytes.subarray(headerBytes - 32, headerBytes))
        expect(toHex(bytes.subarray(0, headerBytes))).toBe(header.toString('hex'))
        expect(toHex(block.hash)).toBe(createHash('sha256').update(header).digest('hex'))
        previous = block.hash
        order += block.entries.length
        position += transactions
      }
      expect(head).toEqual({ round: 30, hash: previous, nextOrder: order, nextPosition: position })
    })
  }

  test('a round is followed by the next one only', () => {
    const round = drawRound(createRandom(1), 2, 0)
    expect(() => extendLedger(EMPTY_LEDGER, round, networkId, sha256)).toThrow('invariant')
  })

  test('the hash covers every field', () => {
    const round: RoundForLedger = {
      round: 1,
      judges: [seedOf(1), seedOf(2)],
      ancientThreshold: 3,
      lastTimestamp: 100,
      entries: [
        { id: seedOf(4), timestamp: 50, transactionCount: 2 },
        { id: seedOf(5), timestamp: 52, transactionCount: 0 },
      ],
    }
    const [first, second] = round.entries as [BlockEntry, BlockEntry]
    const heads: [LedgerHead, RoundForLedger, Uint8Array?][] = [
      [EMPTY_LEDGER, round],
      [EMPTY_LEDGER, round, seedOf(9)],
      [{ ...EMPTY_LEDGER, hash: seedOf(1) }, round],
      [{ ...EMPTY_LEDGER, nextOrder: 1 }, round],
      [{ ...EMPTY_LEDGER, nextPosition: 1 }, round],
      [
        { ...EMPTY_LEDGER, round: 1 },
        { ...round, round: 2 },
      ],
      [EMPTY_LEDGER, { ...round, judges: [seedOf(2), seedOf(1)] }],
      [EMPTY_LEDGER, { ...round, judges: [seedOf(1)] }],
      [EMPTY_LEDGER, { ...round, ancientThreshold: 4 }],
      [EMPTY_LEDGER, { ...round, lastTimestamp: 101 }],
      [EMPTY_LEDGER, { ...round, entries: [second, first] }],
      [EMPTY_LEDGER, { ...round, entries: [first] }],
      [EMPTY_LEDGER, { ...round, entries: [{ ...first, id: seedOf(6) }, second] }],
      [EMPTY_LEDGER, { ...round, entries: [{ ...first, timestamp: 51 }, second] }],
      [EMPTY_LEDGER, { ...round, entries: [{ ...first, transactionCount: 1 }, second] }],
    ]
    const hashes = heads.map(([head, each, network]) =>
      toHex(extendLedger(head, each, network ?? networkId, sha256).block.hash),
    )
    expect(new Set(hashes).size).toBe(heads.length)
  })
})

describe('bytes that are not the block', () => {
  const block = drawBlocks(7, 3).blocks.find((each) => each.entries.length > 2)!
  const bytes = encode(block)

  test('every flipped bit is refused or gives another hash', () => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const bent = bytes.slice()
      bent[bit >> 3]! ^= 1 << (bit & 7)
      const found = read(bent)
      if (found !== undefined) expect(equalBytes(found.hash, block.hash), `bit ${bit}`).toBe(false)
      // What is read can be written: nothing is lost in numbers that are not exact.
      if (found !== undefined) expect(encode(found), `bit ${bit}`).toEqual(bent)
    }
  })

  test('truncations, extensions and noise are refused, and nothing throws', () => {
    for (let length = 0; length < bytes.length; length++) expect(read(bytes.slice(0, length))).toBeUndefined()
    expect(read(concatBytes(bytes, Uint8Array.of(0)))).toBeUndefined()
    expect(read(concatBytes(bytes, new Uint8Array(44)))).toBeUndefined()
    expect(decodeBlock(bytes, seedOf(1), sha256)).toBeUndefined()
    for (let seed = 1; seed <= 2_000; seed++) {
      const random = createRandom(seed)
      const bent = bytes.slice()
      for (let i = 0; i < 8; i++) bent[random.below(bent.length)] = [0, 255, random.below(256)][i % 3]!
      const found = read(bent)
      if (found !== undefined) expect(encode(found), `seed ${seed}`).toEqual(bent)
    }
  })

  test('numbers beyond what is exact are refused: times, and positions that run over', () => {
    const alone: Block = { ...block, judges: [], firstPosition: 0 }
    const fields = (bend: (view: DataView) => void): Uint8Array => {
      const bent = encode(alone)
      bend(new DataView(bent.buffer))
      return bent
    }
    const firstEntry = 124 + 32
    const huge = 2n ** 64n - 1n
    expect(read(fields((view) => view.setBigUint64(firstEntry + 32, huge)))).toBeUndefined()
    expect(read(fields((view) => view.setBigUint64(92, huge)))).toBeUndefined()
    expect(read(fields((view) => view.setBigUint64(92, 2n ** 53n - 1n)))).toBeUndefined()
    const runsOver = fields((view) => {
      view.setUint16(110, 0xffff)
      view.setUint32(112, 0xffff_ffff)
    })
    expect(read(runsOver)).toBeUndefined()
  })
})

test('a transaction is proved from its block down', () => {
  const maker = createMaker(2)
  const events = [1, 2].map((creator) =>
    maker.event({
      creator,
      transactions: Array.from({ length: 50 }, (_, i) => seedOf(i).subarray(0, i % 32)),
    }),
  )
  const entries = events.map(({ id, transactionCount }, i) => ({
    id,
    timestamp: 1_000 * (i + 1),
    transactionCount,
  }))
  const round = { round: 1, judges: [], ancientThreshold: 1, lastTimestamp: 2_049, entries }
  const { block } = extendLedger(EMPTY_LEDGER, round, networkId, sha256)
  const bytes = encode(block)
  const root = bytes.subarray(124, 156)
  const leaves = [entryLeaf(sha256, entries[0]!, 0), entryLeaf(sha256, entries[1]!, 50)]
  const event = events[1]!
  const proof = proveTransaction(sha256, payloadOf(event), 33)!
  // The transaction is in the event's payload, the event's body has the id, the id stands in the block.
  expect(verifyTransaction(sha256, proof, payloadRootOf(event))).toEqual(seedOf(33).subarray(0, 1))
  expect(sha256(event.bytes.subarray(0, event.bodyBytes))).toEqual(event.id)
  expect(verifyMerklePath(sha256, leaves[1]!, 1, 2, merklePath(sha256, leaves, 1), root)).toBe(true)
  // Its position is part of the leaf.
  const elsewhere = entryLeaf(sha256, entries[1]!, 51)
  expect(verifyMerklePath(sha256, elsewhere, 1, 2, merklePath(sha256, leaves, 1), root)).toBe(false)
})
