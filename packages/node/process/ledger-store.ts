/**
 * The ledger on disk and what of it is not yet there. A block is kept in memory until the journal is durable as far as the
 * block's events: so the ledger's file never speaks of events that a crash could take away, and the places of events in
 * the journal that it records stay true.
 */
import { blockBytesOf, decodeBlock, describeBlock, encodeBlock, type Block } from '@hearsay/consensus'
import { equalBytes, type Sha256 } from '@hearsay/dag'
import { openLedgerFile, type Files, type LedgerFile, type Range } from '../disk/index.ts'
import { OperatorError } from '../src/errors.ts'

const OFFSET_BYTES = 8
const VOID_BYTES = 4

/** What is known of a block beside its content. */
export interface Places {
  /** Where each of its events stands in the journal. */
  readonly offsets: readonly number[]
  /** Positions of the sealed transactions that have no effect there. */
  readonly voids: readonly number[]
}

export interface StoredBlock extends Places {
  readonly block: Block
}

interface Pending extends StoredBlock {
  readonly bytes: Uint8Array
  readonly journalEnd: number
}

export interface LedgerStore {
  /** Takes the next block in, or checks it against the file when the file has its round already. */
  add(block: Block, places: Places, journalEnd: number): void
  /** The journal is durable up to here: writes what may be written. */
  settle(durableEnd: number): void
  block(round: number): StoredBlock | undefined
  /** The last round that begins at or before this position. */
  roundOfPosition(position: number): number | undefined
  firstPositionOf(round: number): number | undefined
  /** The first and the last round that the file has. */
  firstRound(): number | undefined
  lastRound(): number | undefined
  /** Where the round's record stands in the file: a later opening may begin there. */
  offsetOf(round: number): number | undefined
  /** All that was settled is durable when the promise is fulfilled. */
  sync(): Promise<void>
  close(): Promise<void>
  /** Lets go of the file as it is. */
  abandon(): void
}

/** A block, its events' places and its void transactions (by their number in the block) as one record. */
function encodeStored(
  block: Block,
  { offsets, voids }: Places,
  networkId: Uint8Array,
  sha256: Sha256,
): Uint8Array {
  const encoded = encodeBlock(block, networkId, sha256)
  const whole = new Uint8Array(encoded.length + OFFSET_BYTES * offsets.length + VOID_BYTES * voids.length)
  whole.set(encoded)
  const places = new DataView(whole.buffer, encoded.length)
  for (const [i, offset] of offsets.entries()) places.setBigUint64(OFFSET_BYTES * i, BigInt(offset))
  const atVoids = OFFSET_BYTES * offsets.length
  for (const [i, position] of voids.entries())
    places.setUint32(atVoids + VOID_BYTES * i, position - block.firstPosition)
  return whole
}

export function decodeStored(
  bytes: Uint8Array,
  networkId: Uint8Array,
  sha256: Sha256,
): StoredBlock | undefined {
  const { eventCount } = describeBlock(bytes)
  const blockBytes = blockBytesOf(bytes)
  const atVoids = blockBytes + OFFSET_BYTES * eventCount
  if (atVoids > bytes.length || (bytes.length - atVoids) % VOID_BYTES !== 0) return undefined
  const block = decodeBlock(bytes.subarray(0, blockBytes), networkId, sha256)
  if (block === undefined) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const offsets = Array.from({ length: eventCount }, (_, i) =>
    Number(view.getBigUint64(blockBytes + OFFSET_BYTES * i)),
  )
  const voids: number[] = []
  for (let at = atVoids; at < bytes.length; at += VOID_BYTES)
    voids.push(block.firstPosition + view.getUint32(at))
  return { block, offsets, voids }
}

export function openLedgerStore(
  dir: string,
  networkId: Uint8Array,
  sha256: Sha256,
  files: Files,
  range: Range = {},
  segmentBytes?: number,
): LedgerStore {
  const file: LedgerFile = openLedgerFile({
    dir,
    networkId,
    describe: describeBlock,
    repairTail: true,
    files,
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
    range,
  })
  let pending: Pending[] = []

  function checkAgainstFile(round: number, bytes: Uint8Array): void {
    if (equalBytes(file.readBlock(round)!, bytes)) return
    throw new OperatorError(
      'E_LEDGER_DIFFERS',
      `${dir}/ledger: round ${round} is not what the events of the journal give`,
      65,
      `the ledger is derived: move ${dir}/ledger away, start again, and compare with: hearsay verify`,
    )
  }

  function fromPending(round: number): Pending | undefined {
    const first = pending[0]
    return first === undefined ? undefined : pending[round - first.block.round]
  }

  return {
    add: (block, places, journalEnd) => {
      const bytes = encodeStored(block, places, networkId, sha256)
      if (block.round <= (file.lastRound() ?? 0)) return checkAgainstFile(block.round, bytes)
      pending.push({ block, ...places, bytes, journalEnd })
    },
    settle: (durableEnd) => {
      let count = 0
      for (const each of pending) {
        if (each.journalEnd > durableEnd) break
        file.appendBlock(each.block.round, each.block.firstPosition, each.bytes)
        count += 1
      }
      if (count > 0) pending = pending.slice(count)
      // What a full disk did not take waits in the file's buffer for the next time.
      if (file.bufferedBytes() > 0) file.flush()
    },
    block: (round) => {
      const inMemory = fromPending(round)
      if (inMemory !== undefined) return inMemory
      const bytes = file.readBlock(round)
      if (bytes === undefined) return undefined
      const stored = decodeStored(bytes, networkId, sha256)
      if (stored === undefined)
        throw new Error(`invariant: ledger round ${round} has sound checksums and no block`)
      return stored
    },
    roundOfPosition: (position) => {
      const inMemory = pending.findLast((each) => each.block.firstPosition <= position)
      return inMemory?.block.round ?? file.roundOfPosition(position)
    },
    firstPositionOf: (round) => {
      const inMemory = fromPending(round)
      if (inMemory !== undefined) return inMemory.block.firstPosition
      const bytes = file.readBlock(round)
      return bytes === undefined ? undefined : describeBlock(bytes).firstPosition
    },
    firstRound: () => file.firstRound(),
    lastRound: () => file.lastRound(),
    offsetOf: (round) => file.offsetOf(round),
    sync: () => file.sync(),
    close: () => file.close(),
    abandon: () => file.abandon(),
  }
}
