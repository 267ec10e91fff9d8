/**
 * The payload of an event: its transactions, one after the other, each behind its length (four bytes, big-endian). It is
 * committed to by a Merkle tree over chunks of whole transactions (about 2 KiB each), so that a block of thousands costs
 * few hashes and one transaction still has a short proof: its chunk and the path to the root.
 *
 * Chunk boundaries are part of the commitment: a chunk ends with the transaction that brings it to CHUNK_BYTES. A leaf
 * is SHA-256(0x00 ‖ index of the chunk's first transaction (uint32) ‖ chunk).
 */
import { createByteWriter, readUint32 } from './bytes.ts'
import type { Sha256 } from './crypto.ts'
import { MAX_PAYLOAD_BYTES, MAX_TRANSACTIONS, MAX_TRANSACTION_BYTES } from './limits.ts'
import { hashLeaf, merklePath, merkleRoot, verifyMerklePath } from './merkle.ts'

/** A chunk is closed by the transaction that brings it to this size, in bytes with length prefixes. */
export const CHUNK_BYTES = 2_048

const LENGTH_BYTES = 4

/** Transactions that are encoded already: taken over as they are. */
export interface PayloadPiece {
  readonly payload: Uint8Array
  readonly count: number
}

export function encodePayload(transactions: readonly (Uint8Array | PayloadPiece)[]): Uint8Array {
  let size = 0
  for (const each of transactions)
    size += each instanceof Uint8Array ? LENGTH_BYTES + each.length : each.payload.length
  const writer = createByteWriter(size)
  for (const each of transactions) {
    if (each instanceof Uint8Array) writer.uint32(each.length)
    writer.bytes(each instanceof Uint8Array ? each : each.payload)
  }
  return writer.finish()
}

/** Whether the payload is exactly `count` transactions, each within its bound. */
export function isPayloadSound(payload: Uint8Array, count: number): boolean {
  if (payload.length > MAX_PAYLOAD_BYTES || count > MAX_TRANSACTIONS) return false
  let at = 0
  let seen = 0
  while (at < payload.length) {
    if (at + LENGTH_BYTES > payload.length) return false
    const length = readUint32(payload, at)
    if (length > MAX_TRANSACTION_BYTES || at + LENGTH_BYTES + length > payload.length) return false
    at += LENGTH_BYTES + length
    seen += 1
    if (seen > count) return false
  }
  return seen === count
}

/** The transactions as views into a sound payload. */
export function transactionsOf(payload: Uint8Array): Uint8Array[] {
  const transactions: Uint8Array[] = []
  let at = 0
  while (at < payload.length) {
    const length = readUint32(payload, at)
    transactions.push(payload.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + length))
    at += LENGTH_BYTES + length
  }
  return transactions
}

interface Chunk {
  readonly firstIndex: number
  readonly bytes: Uint8Array
}

function eachChunk(
  payload: Uint8Array,
  visit: (start: number, end: number, firstIndex: number) => void,
): void {
  let start = 0
  let firstIndex = 0
  let index = 0
  let at = 0
  while (at < payload.length) {
    at += LENGTH_BYTES + readUint32(payload, at)
    index += 1
    if (at - start >= CHUNK_BYTES || at >= payload.length) {
      // A length in what is not sound may say anything; nothing is ever as large as it says.
      visit(start, Math.min(at, payload.length), firstIndex)
      start = at
      firstIndex = index
    }
  }
}

function chunksOf(payload: Uint8Array): Chunk[] {
  const chunks: Chunk[] = []
  eachChunk(payload, (start, end, firstIndex) => {
    chunks.push({ firstIndex, bytes: payload.subarray(start, end) })
  })
  return chunks
}

function hashChunk(sha256: Sha256, chunk: Chunk): Uint8Array {
  const prefix = createByteWriter(4)
  prefix.uint32(chunk.firstIndex)
  return hashLeaf(sha256, prefix.finish(), chunk.bytes)
}

/** The commitment to a sound payload that the event's signed body carries. */
export function payloadRoot(sha256: Sha256, payload: Uint8Array): Uint8Array {
  const leaves: Uint8Array[] = []
  // A node does this for every payload of everybody: one buffer for all leaves, where `hashChunk` takes two for each.
  let scratch = new Uint8Array(LEAF_PREFIX_BYTES + CHUNK_BYTES + 256)
  eachChunk(payload, (start, end, firstIndex) => {
    const size = LEAF_PREFIX_BYTES + end - start
    if (size > scratch.length) scratch = new Uint8Array(size)
    scratch[0] = 0
    scratch[1] = firstIndex >>> 24
    scratch[2] = firstIndex >>> 16
    scratch[3] = firstIndex >>> 8
    scratch[4] = firstIndex
    scratch.set(payload.subarray(start, end), LEAF_PREFIX_BYTES)
    leaves.push(sha256(scratch.subarray(0, size)))
  })
  return merkleRoot(sha256, leaves)
}

/** The byte that marks a leaf, and the index. */
const LEAF_PREFIX_BYTES = 5

/** Shows that a transaction is the one at its index of the event with a given payload root. */
export interface TransactionProof {
  readonly index: number
  readonly chunk: Uint8Array
  readonly chunkFirstIndex: number
  readonly chunkIndex: number
  readonly chunkCount: number
  readonly path: readonly Uint8Array[]
}

export function proveTransaction(
  sha256: Sha256,
  payload: Uint8Array,
  index: number,
): TransactionProof | undefined {
  if (!Number.isInteger(index)) return undefined
  const chunks = chunksOf(payload)
  const chunkIndex = chunks.findLastIndex((chunk) => chunk.firstIndex <= index)
  const chunk = chunks[chunkIndex]
  if (chunk === undefined || index - chunk.firstIndex >= transactionsOf(chunk.bytes).length) return undefined
  const leaves = chunks.map((each) => hashChunk(sha256, each))
  return {
    index,
    chunk: chunk.bytes,
    chunkFirstIndex: chunk.firstIndex,
    chunkIndex,
    chunkCount: chunks.length,
    path: merklePath(sha256, leaves, chunkIndex),
  }
}

/** The transaction that the proof shows under `root`, or `undefined` if it shows none. */
export function verifyTransaction(
  sha256: Sha256,
  proof: TransactionProof,
  root: Uint8Array,
): Uint8Array | undefined {
  const { chunk, chunkFirstIndex, index } = proof
  if (!isPayloadSound(chunk, countTransactions(chunk))) return undefined
  const leaf = hashChunk(sha256, { firstIndex: chunkFirstIndex, bytes: chunk })
  if (!verifyMerklePath(sha256, leaf, proof.chunkIndex, proof.chunkCount, proof.path, root)) return undefined
  return transactionsOf(chunk)[index - chunkFirstIndex]
}

/** Of a sound payload; of another one, some number. */
export function countTransactions(payload: Uint8Array): number {
  let at = 0
  let count = 0
  while (at + LENGTH_BYTES <= payload.length) {
    at += LENGTH_BYTES + readUint32(payload, at)
    count += 1
  }
  return count
}
