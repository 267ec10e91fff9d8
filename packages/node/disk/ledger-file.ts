// Decides how the ordered output is kept: one record per decided round, in order, in segment files like the journal's, with an
// index in memory from rounds to offsets and from transaction positions to rounds (16 bytes a round).
//
// The records carry no mark of what was durable when, so the files of two members with the same blocks are equal byte by byte.
// Two writes of one round are refused here, whatever the caller's restart logic does: the file is gap-free and duplicate-free.
import { recordHeaderBytes } from '../src/record-format.ts'
import { type Files, nodeFiles } from './files.ts'
import { type JournalOptions, openStore, type Recovered, type Verified, verifySegments } from './journal.ts'
import { readFrom } from './reader.ts'
import type { CheckRecord } from './scan.ts'
import { layoutOf, type OnRecord } from './segments.ts'
import { abandon, append, close, flush, sync } from './writer.ts'

/** What the index needs to know of a block. `firstPosition` is the position of its first transaction, or of the next one to come. */
export type BlockPlace = { readonly round: number; readonly firstPosition: number }

export type LedgerFileOptions = Omit<JournalOptions, 'onRecord'> & {
  /** Reads back from a block what was said of it when it was appended. */
  readonly describe: (bytes: Uint8Array) => BlockPlace
}

export type LedgerFile = {
  readonly recovered: Recovered | null
  /** Takes the next round's block into memory; the first one may be of any round, then they are consecutive. */
  appendBlock(round: number, firstPosition: number, bytes: Uint8Array): void
  /** undefined if the file has no such round. */
  readBlock(round: number): Uint8Array | undefined
  /** The last round that begins at or before this position; undefined before the first. The position may be behind its end. */
  roundOfPosition(position: number): number | undefined
  firstRound(): number | undefined
  lastRound(): number | undefined
  flush(): void
  sync(): Promise<void>
  end(): number
  durableEnd(): number
  bufferedBytes(): number
  close(): Promise<void>
  abandon(): void
}

const blockKind = 1

export function openLedgerFile(options: LedgerFileOptions): LedgerFile {
  const layout = layoutOf(options.dir, 'ledger')
  const index = createIndex()
  const check: CheckRecord = (kind, payload, offset) => {
    if (kind !== blockKind) return `a ledger has no records of kind ${kind}`
    const { round, firstPosition } = options.describe(payload)
    const problem = index.problem(round, firstPosition)
    if (problem === null) index.push(round, firstPosition, offset)
    return problem
  }
  const { store, recovered } = openStore(layout, options, check, false)
  return {
    recovered,
    appendBlock(round, firstPosition, bytes) {
      const problem = index.problem(round, firstPosition)
      if (problem !== null) throw new Error(`invariant: ${problem}`)
      index.push(round, firstPosition, append(store, blockKind, bytes))
    },
    readBlock(round) {
      const offset = index.offsetOf(round)
      if (offset === undefined) return undefined
      const upTo = index.offsetOf(round + 1) ?? store.end
      return readFrom(store, offset, Math.max(upTo - offset, recordHeaderBytes)).records[0]!.payload
    },
    roundOfPosition: (position) => index.roundOfPosition(position),
    firstRound: () => index.firstRound(),
    lastRound: () => index.lastRound(),
    flush: () => flush(store),
    sync: () => sync(store),
    end: () => store.end,
    durableEnd: () => store.durable,
    bufferedBytes: () => store.bufferedBytes,
    close: () => close(store),
    abandon: () => abandon(store),
  }
}

/** Reads and checks every byte of the ledger in a data directory and changes nothing. */
export function verifyLedgerFile(dir: string, onRecord?: OnRecord, files: Files = nodeFiles): Verified {
  return verifySegments(layoutOf(dir, 'ledger'), onRecord, files)
}

type Index = {
  /** What is wrong with this as the next block; null if nothing. */
  problem(round: number, firstPosition: number): string | null
  push(round: number, firstPosition: number, offset: number): void
  offsetOf(round: number): number | undefined
  roundOfPosition(position: number): number | undefined
  firstRound(): number | undefined
  lastRound(): number | undefined
}

function createIndex(): Index {
  let first = 0
  let length = 0
  let offsets = new Float64Array(1024)
  let positions = new Float64Array(1024)
  return {
    problem(round, firstPosition) {
      if (!isCount(round) || !isCount(firstPosition))
        return `round ${round} at position ${firstPosition} is not possible`
      if (length === 0) return null
      if (round !== first + length) return `round ${round} follows round ${first + length - 1}`
      const before = positions[length - 1]!
      return firstPosition < before
        ? `round ${round} begins at position ${firstPosition}, before ${before}`
        : null
    },
    push(round, firstPosition, offset) {
      if (length === 0) first = round
      if (length === offsets.length) {
        offsets = grown(offsets)
        positions = grown(positions)
      }
      offsets[length] = offset
      positions[length] = firstPosition
      length += 1
    },
    offsetOf: (round) => (round >= first && round < first + length ? offsets[round - first] : undefined),
    roundOfPosition(position) {
      // First entry that begins behind the position; the one before it is the answer, and of empty rounds the last.
      let low = 0
      let high = length
      while (low < high) {
        const middle = (low + high) >>> 1
        if (positions[middle]! <= position) low = middle + 1
        else high = middle
      }
      return low === 0 ? undefined : first + low - 1
    },
    firstRound: () => (length === 0 ? undefined : first),
    lastRound: () => (length === 0 ? undefined : first + length - 1),
  }
}

function grown(old: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(old.length * 2)
  larger.set(old)
  return larger
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
