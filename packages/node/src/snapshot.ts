/**
 * What a member writes down of itself now and then, so that a restart reads the end of the journal and not all of it: the
 * state of spec section 7, the ledger's head, and what of forgotten events still counts. The events themselves stay in
 * the journal; `journalFrom` is where those that are not ancient begin.
 *
 *   file   "hearsay.snapshot" ‖ network id ‖ SHA-256 of the rest ‖ CBOR
 *
 * A snapshot is only this member's own word to itself. What others may believe is a certificate (round-signatures.ts).
 */
import {
  ascii,
  concatBytes,
  decodeCbor,
  encodeCbor,
  encodePayload,
  equalBytes,
  headerOf,
  transactionsOf,
  isPayloadSound,
  type CborValue,
  type EventReference,
  type Member,
  type Sha256,
} from '@hearsay/dag'
import type { Orderer, OrdererSnapshot } from './orderer.ts'
import type { StaleGroup } from './pool.ts'

const MAGIC = ascii('hearsay.snapshot')
const HEAD_BYTES = MAGIC.length + 64
const VERSION = 1
/** The largest snapshot that is read or written, in bytes. */
export const MAX_SNAPSHOT_BYTES: number = 256 * 1024 * 1024

/** The newest own event, made or replayed. */
export interface OwnTip {
  readonly reference: EventReference
  readonly sequence: number
  readonly timestamp: number
}

/** The pure part: what a member is made from again. */
export interface MemberSnapshot {
  readonly orderer: OrdererSnapshot
  readonly ownTip: OwnTip | undefined
  /** Stale own events whose transactions are not in a later durable one yet. */
  readonly stale: readonly StaleGroup[]
  /** Header of the newest event of each member whose newest is forgotten otherwise, by member id. */
  readonly headers: ReadonlyMap<number, Uint8Array>
}

/** What a member knows of itself, put together. `headers` are those that an earlier life left. */
export function takeSnapshot(parts: {
  readonly orderer: Pick<Orderer, 'snapshot' | 'graph'>
  readonly members: readonly Member[]
  readonly ownTip: OwnTip | undefined
  readonly stale: readonly StaleGroup[]
  readonly headers: ReadonlyMap<number, Uint8Array>
}): MemberSnapshot {
  const { orderer, members, ownTip, stale } = parts
  const headers = members.flatMap(({ id }) => {
    const tip = orderer.graph.tip(id)
    const header = tip === undefined ? parts.headers.get(id) : headerOf(tip.event)
    return header === undefined ? [] : [[id, header] as const]
  })
  return { orderer: orderer.snapshot(), ownTip, stale, headers: new Map(headers) }
}

export interface NodeSnapshot {
  readonly member: MemberSnapshot
  /** Offset in the journal before which nothing is needed, and how far it was when the snapshot was taken. */
  readonly journalFrom: number
  readonly journalEnd: number
  /** Offset in the ledger of the block of the snapshot's round. */
  readonly ledgerFrom: number
  /** The repair index (repair-index.ts). */
  readonly marks: Uint8Array
  /** State of the application after the round, opaque here; empty as long as there is none. */
  readonly application: Uint8Array
}

export function encodeSnapshot(snapshot: NodeSnapshot, networkId: Uint8Array, sha256: Sha256): Uint8Array {
  const { orderer, ownTip, stale, headers } = snapshot.member
  const { consensus, head, known } = orderer
  const body = encodeCbor([
    VERSION,
    [
      consensus.round,
      consensus.judges,
      consensus.ancientThreshold,
      consensus.lastTimestamp,
      consensus.nextOrder,
    ],
    [head.hash, head.nextPosition],
    known.map(({ creator, sequence, proof }) => [
      creator,
      sequence,
      headers.get(creator) ?? null,
      proof === undefined ? null : [proof.first, proof.second],
    ]),
    ownTip === undefined
      ? null
      : [
          ownTip.sequence,
          ownTip.timestamp,
          ownTip.reference.birthRound,
          ownTip.reference.id,
          ownTip.reference.creator,
        ],
    stale.map(({ staleId, transactions }) => [
      staleId,
      transactions.length,
      encodePayload(transactions.map(({ bytes }) => bytes)),
    ]),
    [snapshot.journalFrom, snapshot.journalEnd, snapshot.ledgerFrom],
    snapshot.marks,
    snapshot.application,
  ])
  return concatBytes(MAGIC, networkId, sha256(body), body)
}

export type SnapshotResult =
  { readonly ok: true; readonly snapshot: NodeSnapshot } | { readonly ok: false; readonly reason: string }

const refuse = (reason: string): SnapshotResult => ({ ok: false, reason })

/** Reads what `encodeSnapshot` wrote. The checksum is over all of it, so behind it only the form is checked. */
export function decodeSnapshot(bytes: Uint8Array, networkId: Uint8Array, sha256: Sha256): SnapshotResult {
  if (bytes.length < HEAD_BYTES || bytes.length > MAX_SNAPSHOT_BYTES)
    return refuse(`it has ${bytes.length} bytes`)
  if (!equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) return refuse('it is not a snapshot')
  const at = MAGIC.length
  if (!equalBytes(bytes.subarray(at, at + 32), networkId)) return refuse('it belongs to another network')
  const body = bytes.subarray(HEAD_BYTES)
  if (!equalBytes(bytes.subarray(at + 32, HEAD_BYTES), sha256(body))) return refuse('its checksum is wrong')
  const decoded = decodeCbor(body, { maxBytes: MAX_SNAPSHOT_BYTES })
  if (!decoded.ok || !Array.isArray(decoded.value)) return refuse('it cannot be read')
  if (decoded.value[0] !== VERSION) return refuse(`its version ${String(decoded.value[0])} is not known here`)
  try {
    return { ok: true, snapshot: fromFields(decoded.value as CborValue[]) }
  } catch (error) {
    if (error instanceof TypeError) return refuse(error.message)
    throw error
  }
}

function count(value: CborValue | undefined): number {
  if (typeof value !== 'number' || value < 0) throw new TypeError('a number is not one')
  return value
}
function bytesOf(value: CborValue | undefined): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError('bytes are none')
  return value.slice()
}
function list(value: CborValue | undefined): readonly CborValue[] {
  if (!Array.isArray(value)) throw new TypeError('a list is none')
  return value as readonly CborValue[]
}

function fromFields(fields: readonly CborValue[]): NodeSnapshot {
  const [, consensus, head, known, tip, stale, places, marks, application] = fields
  const [round, judges, ancientThreshold, lastTimestamp, nextOrder] = list(consensus)
  const [journalFrom, journalEnd, ledgerFrom] = list(places)
  const chains = list(known).map(list)
  const headers = new Map<number, Uint8Array>()
  for (const [creator, , header] of chains) if (header !== null) headers.set(count(creator), bytesOf(header))
  return {
    member: {
      orderer: {
        consensus: {
          round: count(round),
          judges: list(judges).map(bytesOf),
          ancientThreshold: count(ancientThreshold),
          lastTimestamp: count(lastTimestamp),
          nextOrder: count(nextOrder),
        },
        head: {
          round: count(round),
          hash: bytesOf(list(head)[0]),
          nextOrder: count(nextOrder),
          nextPosition: count(list(head)[1]),
        },
        known: chains.map(([creator, sequence, , proof]) => ({
          creator: count(creator),
          sequence: count(sequence),
          proof:
            proof === null ? undefined : { first: bytesOf(list(proof)[0]), second: bytesOf(list(proof)[1]) },
        })),
      },
      ownTip: tip === null ? undefined : ownTipFrom(list(tip)),
      stale: list(stale).map((each) => staleFrom(list(each))),
      headers,
    },
    journalFrom: count(journalFrom),
    journalEnd: count(journalEnd),
    ledgerFrom: count(ledgerFrom),
    marks: bytesOf(marks),
    application: bytesOf(application),
  }
}

function ownTipFrom([sequence, timestamp, birthRound, id, creator]: readonly CborValue[]): OwnTip {
  return {
    reference: { creator: count(creator), birthRound: count(birthRound), id: bytesOf(id) },
    sequence: count(sequence),
    timestamp: count(timestamp),
  }
}

function staleFrom([staleId, transactions, payload]: readonly CborValue[]): StaleGroup {
  const bytes = bytesOf(payload)
  if (!isPayloadSound(bytes, count(transactions))) throw new TypeError('transactions are none')
  return {
    staleId: bytesOf(staleId),
    transactions: transactionsOf(bytes).map((each) => ({ ticket: undefined, bytes: each })),
  }
}
