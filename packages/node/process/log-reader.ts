/** Reads the ordered transactions back: from the ledger which event is where, from the journal the event itself. */
import { payloadOf, decodeEvent, transactionsOf, type Genesis, type Sha256 } from '@hearsay/dag'
import type { Journal } from '../disk/index.ts'
import type { OrderedTransaction } from '../src/api-types.ts'
import type { LedgerStore, StoredBlock } from './ledger-store.ts'

/** One page is ended when it holds this many bytes of transactions. */
const PAGE_BYTES = 4 * 1024 * 1024

export interface LogReaderOptions {
  readonly journal: Journal
  readonly ledger: LedgerStore
  readonly genesis: Genesis
  readonly networkId: Uint8Array
  readonly sha256: Sha256
  /** Number of ordered transactions. */
  readonly length: () => number
}

export type LogReader = (from: number, limit: number) => readonly OrderedTransaction[]

export function createLogReader(options: LogReaderOptions): LogReader {
  const names = new Map(options.genesis.members.map((member) => [member.id, member.name]))

  function readEvent(offset: number) {
    const record = options.journal.readFrom(offset, 1).records[0]
    if (record === undefined) throw new Error(`invariant: the journal has no record at ${offset}`)
    const decoded = decodeEvent(record.payload, options.networkId, options.sha256)
    if (!decoded.ok)
      throw new Error(`invariant: the journal record at ${offset} is no event: ${decoded.reason}`)
    return decoded.event
  }

  function readBlock(
    { block, offsets, voids }: StoredBlock,
    from: number,
    until: number,
  ): OrderedTransaction[] {
    const found: OrderedTransaction[] = []
    const isVoid = new Set(voids)
    let position = block.firstPosition
    for (const [i, entry] of block.entries.entries()) {
      const first = position
      position += entry.transactionCount
      if (position <= from || first >= until || entry.transactionCount === 0) continue
      const event = readEvent(offsets[i]!)
      for (const [index, bytes] of transactionsOf(payloadOf(event)).entries()) {
        if (first + index < from || first + index >= until) continue
        found.push({
          position: first + index,
          round: block.round,
          timestamp: entry.timestamp + index,
          creator: event.creator,
          creatorName: names.get(event.creator) ?? String(event.creator),
          eventId: event.id,
          index,
          bytes,
          ...(isVoid.has(first + index) ? { isVoid: true } : {}),
        })
      }
    }
    return found
  }

  return (from, limit) => {
    const until = Math.min(options.length(), from + limit)
    const page: OrderedTransaction[] = []
    let bytes = 0
    let round = from < until ? options.ledger.roundOfPosition(from) : undefined
    while (round !== undefined && from + page.length < until && bytes < PAGE_BYTES) {
      const stored = options.ledger.block(round)
      if (stored === undefined) break
      for (const each of readBlock(stored, from + page.length, until)) {
        page.push(each)
        bytes += each.bytes.length
      }
      round += 1
    }
    return page
  }
}
