// Decides where the ledger's blocks are found: one entry a round in the file `<dir>/ledger.index`, at the place that the round
// gives, so that neither memory nor the time of a start grow with the ledger. The file is derived from the segments: what
// is missing in it is written again from them. Each entry has a checksum bound to its round.
//
//   entry of round r, at 16·r    0  offset of the block's record, 48 bits
//                                6  position of its first transaction (or of the next one to come), 48 bits
//                               12  CRC-32 of bytes 0…11, seeded with the round
import { basename, dirname } from 'node:path'
import { DiskFull, isNoSpace, JournalDamaged, JournalFailed } from './errors.ts'
import { type Files, type OpenMode, readFully } from './files.ts'
import { crc32, type Layout } from './segments.ts'

const entryBytes = 16
/** While a ledger is read as a whole, entries go to the file in portions of this many. */
const portion = 4096

export type LedgerEntry = { readonly offset: number; readonly position: number }

export type LedgerIndex = {
  /** What is wrong with this as the next block; null if nothing. */
  problem(round: number, firstPosition: number): string | null
  /** The next block; in memory until `write`. */
  push(round: number, firstPosition: number, offset: number): void
  /** Says that rounds from this one on are in the file: it was begun in the middle. */
  reach(firstRound: number): void
  entry(round: number): LedgerEntry | undefined
  roundOfPosition(position: number): number | undefined
  firstRound(): number | undefined
  lastRound(): number | undefined
  /** Hands all entries to the system. */
  write(): void
  sync(): void
  close(): void
}

export function openLedgerIndex(files: Files, layout: Layout): LedgerIndex {
  const path = `${layout.directory}.index`
  const exists = files.list(dirname(path)).includes(basename(path))
  const fd = openFile(files, path, exists ? 'update' : 'create')
  let first = 0
  let last = -1
  let lastPosition = 0
  /** Entries of the rounds up to `last` that are not in the file yet. */
  let pending: LedgerEntry[] = []

  const firstPending = (): number => last + 1 - pending.length

  function write(): void {
    if (pending.length === 0) return
    const bytes = new Uint8Array(entryBytes * pending.length)
    for (const [i, entry] of pending.entries()) encodeEntry(bytes, entryBytes * i, firstPending() + i, entry)
    const at = entryBytes * firstPending()
    try {
      for (let written = 0; written < bytes.length;) {
        const n = files.write(fd, bytes, written, bytes.length, at + written)
        if (n === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' })
        written += n
      }
    } catch (error) {
      throw isNoSpace(error)
        ? new DiskFull(path, bytes.length, error)
        : new JournalFailed(path, 'writing', true, error)
    }
    pending = []
  }

  function entry(round: number): LedgerEntry | undefined {
    if (!Number.isInteger(round) || round < first || round > last) return undefined
    const inMemory = round - firstPending()
    if (inMemory >= 0) return pending[inMemory]
    const bytes = new Uint8Array(entryBytes)
    const found = readFully(files, fd, path, bytes, entryBytes, entryBytes * round)
    const decoded = found ? decodeEntry(bytes, round) : undefined
    if (decoded === undefined)
      throw new JournalDamaged(
        path,
        entryBytes * round,
        'the entry is not sound; the file may be removed, it is then made again',
      )
    return decoded
  }

  return {
    problem(round, firstPosition) {
      if (!isCount(round) || !isCount(firstPosition))
        return `round ${round} at position ${firstPosition} is not possible`
      if (last < first) return null
      if (round !== last + 1) return `round ${round} follows round ${last}`
      return firstPosition < lastPosition
        ? `round ${round} begins at position ${firstPosition}, before ${lastPosition}`
        : null
    },
    push(round, firstPosition, offset) {
      if (last < first) first = round
      last = round
      lastPosition = firstPosition
      pending.push({ offset, position: firstPosition })
      if (pending.length >= portion) write()
    },
    reach(firstRound) {
      first = firstRound
    },
    entry,
    roundOfPosition(position) {
      // First round that begins behind the position; the one before it is the answer, and of empty rounds the last.
      let low = first
      let high = last + 1
      while (low < high) {
        const middle = Math.floor((low + high) / 2)
        if (entry(middle)!.position <= position) low = middle + 1
        else high = middle
      }
      return low === first ? undefined : low - 1
    },
    firstRound: () => (last < first ? undefined : first),
    lastRound: () => (last < first ? undefined : last),
    write,
    sync() {
      try {
        files.sync(fd)
      } catch (error) {
        throw new JournalFailed(path, 'fsync', true, error)
      }
    },
    close: () => files.close(fd),
  }
}

function openFile(files: Files, path: string, mode: OpenMode): number {
  try {
    return files.open(path, mode)
  } catch (error) {
    throw isNoSpace(error) ? new DiskFull(path, 0, error) : new JournalFailed(path, 'opening', true, error)
  }
}

function encodeEntry(bytes: Uint8Array, at: number, round: number, { offset, position }: LedgerEntry): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, entryBytes)
  view.setUint16(0, Math.floor(offset / 2 ** 32))
  view.setUint32(2, offset % 2 ** 32)
  view.setUint16(6, Math.floor(position / 2 ** 32))
  view.setUint32(8, position % 2 ** 32)
  view.setUint32(12, crc32(bytes.subarray(at, at + 12), round % 2 ** 32))
}

function decodeEntry(bytes: Uint8Array, round: number): LedgerEntry | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, entryBytes)
  if (crc32(bytes.subarray(0, 12), round % 2 ** 32) !== view.getUint32(12)) return undefined
  return {
    offset: view.getUint16(0) * 2 ** 32 + view.getUint32(2),
    position: view.getUint16(6) * 2 ** 32 + view.getUint32(8),
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value < 2 ** 48
}
