// Decides how the ordered output is kept: one record per decided round, in order, in segment files like the journal's, with an
// index beside them from rounds to offsets and from transaction positions to rounds (ledger-index.ts).
//
// The records carry no mark of what was durable when, so the files of two members with the same blocks are equal byte by byte.
// Two writes of one round are refused here, whatever the caller's restart logic does: the file is gap-free and duplicate-free.
import { recordHeaderBytes } from '../src/record-format.ts'
import { JournalDamaged } from './errors.ts'
import { type Files, nodeFiles } from './files.ts'
import { type JournalOptions, openStore, type Recovered, type Verified, verifySegments } from './journal.ts'
import { type LedgerIndex, openLedgerIndex } from './ledger-index.ts'
import { readFrom, segmentAt } from './reader.ts'
import type { CheckRecord } from './scan.ts'
import { layoutOf, type OnRecord } from './segments.ts'
import { abandon, append, close, flush, prune, type Store, sync } from './writer.ts'

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
  /** Where the round's record stands: a later opening may begin there. */
  offsetOf(round: number): number | undefined
  flush(): void
  /** Makes all blocks and their index durable. */
  sync(): Promise<void>
  end(): number
  durableEnd(): number
  bufferedBytes(): number
  /** Number of the segment that holds this round's block. */
  segmentOf(round: number): number | undefined
  /** Removes the segments before this one. The caller has noted durably that they may be missing. Gives the bytes freed. */
  prune(firstSegment: number): number
  close(): Promise<void>
  abandon(): void
}

const blockKind = 1

/** With `range.from` only the index is trusted for the rounds before. If it does not fit, all is read. */
export function openLedgerFile(options: LedgerFileOptions): LedgerFile {
  const files = options.files ?? nodeFiles
  const layout = layoutOf(options.dir, 'ledger')
  files.makeDirectory(layout.directory)
  const { from, ...whole } = options.range ?? {}
  const index = openLedgerIndex(files, layout)
  try {
    const { store, recovered } = openStore(layout, options, blockCheck(options.describe, index), false)
    if (from === undefined) return ledgerFile(store, index, recovered, options.describe)
    const begin = store.segments[0]!.base
    index.reach(options.describe(readFrom(store, begin, recordHeaderBytes).records[0]!.payload).round)
    if (isWhole(index, from)) return ledgerFile(store, index, recovered, options.describe)
    abandon(store)
  } catch (error) {
    index.close()
    throw error
  }
  index.close()
  return openLedgerFile({ ...options, range: whole })
}

function blockCheck(describe: LedgerFileOptions['describe'], index: LedgerIndex): CheckRecord {
  return (kind, payload, offset) => {
    if (kind !== blockKind) return `a ledger has no records of kind ${kind}`
    const { round, firstPosition } = describe(payload)
    const problem = index.problem(round, firstPosition)
    if (problem === null) index.push(round, firstPosition, offset)
    return problem
  }
}

/** Whether the index holds the rounds before those that were read; a look at both ends of it and at its middle. */
function isWhole(index: LedgerIndex, from: number): boolean {
  const [first, last] = [index.firstRound()!, index.lastRound()!]
  try {
    let before = -1
    for (const round of [first, Math.floor((first + last) / 2), last]) {
      const { offset } = index.entry(round)!
      if (offset < before) return false
      before = offset
    }
    return before >= from
  } catch (error) {
    if (error instanceof JournalDamaged) return false
    throw error
  }
}

function ledgerFile(
  store: Store,
  index: LedgerIndex,
  recovered: Recovered | null,
  describe: LedgerFileOptions['describe'],
): LedgerFile {
  let isClosed = false
  const closeIndex = (): void => {
    if (!isClosed) index.close()
    isClosed = true
  }
  const writeAll = (): void => {
    flush(store)
    index.write()
  }
  return {
    recovered,
    appendBlock(round, firstPosition, bytes) {
      const problem = index.problem(round, firstPosition)
      if (problem !== null) throw new Error(`invariant: ${problem}`)
      index.push(round, firstPosition, append(store, blockKind, bytes))
    },
    readBlock(round) {
      const offset = index.entry(round)?.offset
      if (offset === undefined) return undefined
      const upTo = index.entry(round + 1)?.offset ?? store.end
      const { payload } = readFrom(store, offset, Math.max(upTo - offset, recordHeaderBytes)).records[0]!
      if (describe(payload).round === round) return payload
      throw new JournalDamaged(segmentAt(store.segments, offset).path, offset, `round ${round} is not there`)
    },
    roundOfPosition: (position) => index.roundOfPosition(position),
    firstRound: () => index.firstRound(),
    lastRound: () => index.lastRound(),
    offsetOf: (round) => index.entry(round)?.offset,
    flush: writeAll,
    async sync() {
      await sync(store)
      index.write()
      index.sync()
    },
    end: () => store.end,
    durableEnd: () => store.durable,
    bufferedBytes: () => store.bufferedBytes,
    segmentOf(round) {
      const offset = index.entry(round)?.offset
      return offset === undefined ? undefined : segmentAt(store.segments, offset).number
    },
    prune(firstSegment) {
      const freed = prune(store, firstSegment)
      const begin = store.segments[0]!.base
      if (freed > 0)
        index.reach(describe(readFrom(store, begin, recordHeaderBytes).records[0]!.payload).round)
      return freed
    },
    async close() {
      if (!isClosed && !store.closed) {
        flush(store)
        index.write()
      }
      await close(store)
      closeIndex()
    },
    abandon() {
      abandon(store)
      closeIndex()
    },
  }
}

/** Reads and checks every byte of the ledger in a data directory (from a segment on) and changes nothing. */
export function verifyLedgerFile(
  dir: string,
  onRecord?: OnRecord,
  files: Files = nodeFiles,
  firstSegment = 1,
): Verified {
  return verifySegments(layoutOf(dir, 'ledger'), onRecord, files, firstSegment)
}
