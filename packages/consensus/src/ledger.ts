/**
 * The ledger: every decided round becomes one block, every block names the hash of the one before, so the hash of the
 * last block stands for the whole order with all its times.
 *
 * Block header, big-endian, hashed as it is (SHA-256):
 *
 *   offset size  field
 *        0   16  domain tag "hearsay.block.1\n"
 *       16   32  network id
 *       48    6  round
 *       54   32  hash of the block before (zeros for the first)
 *       86    6  ancient threshold that holds after the round
 *       92    8  last consensus timestamp given
 *      100    6  place of the round's first event in the order of all events
 *      106    4  number of events
 *      110    6  position of the round's first transaction in the order of all transactions
 *      116    6  number of transactions
 *      122    2  number of judges
 *      124 32·j  ids of the judges
 *        …   32  Merkle root over the events (RFC 6962 tree)
 *
 * An event's leaf covers its id, its consensus timestamp, the position of its first transaction and their number; the id
 * covers the payload commitment. So a transaction is proved by: its chunk and path to the payload commitment, the
 * event's signed body, the path from the event's leaf to the block's root, the block's hash.
 */
import {
  ascii,
  createByteWriter,
  equalBytes,
  hashLeaf,
  MAX_UINT48,
  merklePath,
  merkleRoot,
  readUint16,
  readUint32,
  readUint48,
  readUint64,
  type Sha256,
} from '@hearsay/dag'

const DOMAIN = ascii('hearsay.block.1\n')
const AT_ROUND = 48
const AT_PREVIOUS = 54
const AT_ANCIENT = 86
const AT_LAST_TIMESTAMP = 92
const AT_FIRST_ORDER = 100
const AT_EVENT_COUNT = 106
const AT_FIRST_POSITION = 110
const AT_TRANSACTION_COUNT = 116
const AT_JUDGE_COUNT = 122
const AT_JUDGES = 124
const ENTRY_BYTES = 44

/** One event of a block, in consensus order. */
export interface BlockEntry {
  readonly id: Uint8Array
  /** Consensus timestamp of the first transaction, microseconds; the i-th has i more. */
  readonly timestamp: number
  readonly transactionCount: number
}

export interface Block {
  readonly round: number
  readonly previous: Uint8Array
  readonly ancientThreshold: number
  readonly lastTimestamp: number
  readonly firstOrder: number
  readonly firstPosition: number
  readonly transactionCount: number
  readonly judges: readonly Uint8Array[]
  readonly entries: readonly BlockEntry[]
  readonly hash: Uint8Array
}

/** Where a ledger stands: what the next block continues from. */
export interface LedgerHead {
  readonly round: number
  /** Hash of the last block; zeros before the first. */
  readonly hash: Uint8Array
  readonly nextOrder: number
  readonly nextPosition: number
}

export const EMPTY_LEDGER: LedgerHead = { round: 0, hash: new Uint8Array(32), nextOrder: 0, nextPosition: 0 }

/** What the ledger needs to know of a decided round. */
export interface RoundForLedger {
  readonly round: number
  readonly judges: readonly Uint8Array[]
  readonly ancientThreshold: number
  readonly lastTimestamp: number
  readonly entries: readonly BlockEntry[]
}

/** Hash of one event's leaf in its block. */
export function entryLeaf(sha256: Sha256, entry: BlockEntry, position: number): Uint8Array {
  const writer = createByteWriter(18)
  writer.uint64(entry.timestamp)
  writer.uint48(position)
  writer.uint32(entry.transactionCount)
  return hashLeaf(sha256, entry.id, writer.finish())
}

function encodeHeader(networkId: Uint8Array, block: Omit<Block, 'hash'>, root: Uint8Array): Uint8Array {
  const writer = createByteWriter(AT_JUDGES + 32 * block.judges.length + 32)
  writer.bytes(DOMAIN)
  writer.bytes(networkId)
  writer.uint48(block.round)
  writer.bytes(block.previous)
  writer.uint48(block.ancientThreshold)
  writer.uint64(block.lastTimestamp)
  writer.uint48(block.firstOrder)
  writer.uint32(block.entries.length)
  writer.uint48(block.firstPosition)
  writer.uint48(block.transactionCount)
  writer.uint16(block.judges.length)
  for (const judge of block.judges) writer.bytes(judge)
  writer.bytes(root)
  return writer.finish()
}

function entryLeaves(sha256: Sha256, entries: readonly BlockEntry[], firstPosition: number): Uint8Array[] {
  let position = firstPosition
  return entries.map((entry) => {
    const leaf = entryLeaf(sha256, entry, position)
    position += entry.transactionCount
    return leaf
  })
}

function entriesRoot(sha256: Sha256, entries: readonly BlockEntry[], firstPosition: number): Uint8Array {
  return merkleRoot(sha256, entryLeaves(sha256, entries, firstPosition))
}

/** The header as it is hashed. */
export function headerOfBlock(block: Block, networkId: Uint8Array, sha256: Sha256): Uint8Array {
  return encodeHeader(networkId, block, entriesRoot(sha256, block.entries, block.firstPosition))
}

/** Where an event stands in its block: what its leaf covers, and the path from it to the root. */
export interface EntryProof {
  readonly entry: BlockEntry
  readonly index: number
  readonly position: number
  readonly path: readonly Uint8Array[]
}

/** Proves the event that carries the transaction at a position of the block. */
export function proveEntry(block: Block, position: number, sha256: Sha256): EntryProof | undefined {
  const leaves = entryLeaves(sha256, block.entries, block.firstPosition)
  let first = block.firstPosition
  for (const [index, entry] of block.entries.entries()) {
    if (position >= first && position < first + entry.transactionCount)
      return { entry, index, position: first, path: merklePath(sha256, leaves, index) }
    first += entry.transactionCount
  }
  return undefined
}

/** The block that a decided round becomes. The round must be the one after the head's. */
export function extendLedger(
  head: LedgerHead,
  round: RoundForLedger,
  networkId: Uint8Array,
  sha256: Sha256,
): { block: Block; head: LedgerHead } {
  if (round.round !== head.round + 1)
    throw new Error(`invariant: round ${round.round} after round ${head.round}`)
  let transactionCount = 0
  for (const entry of round.entries) transactionCount += entry.transactionCount
  const body: Omit<Block, 'hash'> = {
    round: round.round,
    previous: head.hash,
    ancientThreshold: round.ancientThreshold,
    lastTimestamp: round.lastTimestamp,
    firstOrder: head.nextOrder,
    firstPosition: head.nextPosition,
    transactionCount,
    judges: round.judges,
    entries: round.entries,
  }
  const root = entriesRoot(sha256, round.entries, head.nextPosition)
  const hash = sha256(encodeHeader(networkId, body, root))
  return {
    block: { ...body, hash },
    head: {
      round: round.round,
      hash,
      nextOrder: head.nextOrder + round.entries.length,
      nextPosition: head.nextPosition + transactionCount,
    },
  }
}

/** The block for a file: its header, then its entries (id 32, timestamp 8, number of transactions 4). */
export function encodeBlock(block: Block, networkId: Uint8Array, sha256: Sha256): Uint8Array {
  const header = encodeHeader(networkId, block, entriesRoot(sha256, block.entries, block.firstPosition))
  const writer = createByteWriter(header.length + ENTRY_BYTES * block.entries.length)
  writer.bytes(header)
  for (const entry of block.entries) {
    writer.bytes(entry.id)
    writer.uint64(entry.timestamp)
    writer.uint32(entry.transactionCount)
  }
  return writer.finish()
}

/** What a file's index needs of an encoded block, without reading the rest. */
export interface BlockPlace {
  readonly round: number
  readonly firstPosition: number
  readonly transactionCount: number
  readonly eventCount: number
}

export function describeBlock(bytes: Uint8Array): BlockPlace {
  return {
    round: readUint48(bytes, AT_ROUND),
    firstPosition: readUint48(bytes, AT_FIRST_POSITION),
    transactionCount: readUint48(bytes, AT_TRANSACTION_COUNT),
    eventCount: readUint32(bytes, AT_EVENT_COUNT),
  }
}

/** How many of these bytes are the encoded block that they begin with. */
export function blockBytesOf(bytes: Uint8Array): number {
  if (bytes.length < AT_JUDGES) return bytes.length
  return (
    AT_JUDGES + 32 * readUint16(bytes, AT_JUDGE_COUNT) + 32 + ENTRY_BYTES * readUint32(bytes, AT_EVENT_COUNT)
  )
}

const isTime = (value: number): boolean => value < Number.MAX_SAFE_INTEGER

/** Reads a block and checks its root; `undefined` if the bytes are not a sound block of this network. */
export function decodeBlock(bytes: Uint8Array, networkId: Uint8Array, sha256: Sha256): Block | undefined {
  if (bytes.length < AT_JUDGES + 32 || !equalBytes(bytes.subarray(0, 16), DOMAIN)) return undefined
  if (!equalBytes(bytes.subarray(16, AT_ROUND), networkId)) return undefined
  const judgeCount = readUint16(bytes, AT_JUDGE_COUNT)
  const headerBytes = AT_JUDGES + 32 * judgeCount + 32
  const eventCount = readUint32(bytes, AT_EVENT_COUNT)
  if (bytes.length !== headerBytes + ENTRY_BYTES * eventCount) return undefined
  const judges: Uint8Array[] = []
  for (let i = 0; i < judgeCount; i++) judges.push(bytes.slice(AT_JUDGES + 32 * i, AT_JUDGES + 32 * (i + 1)))
  const entries: BlockEntry[] = []
  let transactionCount = 0
  for (let at = headerBytes; at < bytes.length; at += ENTRY_BYTES) {
    const entry = {
      id: bytes.slice(at, at + 32),
      timestamp: readUint64(bytes, at + 32),
      transactionCount: readUint32(bytes, at + 40),
    }
    transactionCount += entry.transactionCount
    entries.push(entry)
  }
  const firstPosition = readUint48(bytes, AT_FIRST_POSITION)
  const lastTimestamp = readUint64(bytes, AT_LAST_TIMESTAMP)
  // Numbers that are not exact could not be written again.
  if (!isTime(lastTimestamp) || !entries.every((entry) => isTime(entry.timestamp))) return undefined
  if (firstPosition + transactionCount > MAX_UINT48) return undefined
  const root = bytes.subarray(headerBytes - 32, headerBytes)
  if (transactionCount !== readUint48(bytes, AT_TRANSACTION_COUNT)) return undefined
  if (!equalBytes(root, entriesRoot(sha256, entries, firstPosition))) return undefined
  return {
    round: readUint48(bytes, AT_ROUND),
    previous: bytes.slice(AT_PREVIOUS, AT_ANCIENT),
    ancientThreshold: readUint48(bytes, AT_ANCIENT),
    lastTimestamp,
    firstOrder: readUint48(bytes, AT_FIRST_ORDER),
    firstPosition,
    transactionCount,
    judges,
    entries,
    hash: sha256(bytes.subarray(0, headerBytes)),
  }
}
