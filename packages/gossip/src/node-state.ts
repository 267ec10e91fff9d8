/**
 * The content of the `state` and `address` records: what a member says of itself for people and for the choice of partners.
 * Numbers are integers; what a member does not know is -1.
 */
import { decodeCbor, encodeCbor, type CborValue } from '@hearsay/dag'
import { MAX_RECORD_BYTES } from './records.ts'

export interface NodeState {
  readonly software: string
  readonly decidedRound: number
  /** 32 bytes: of the block of that round. */
  readonly ledgerHash: Uint8Array
  readonly transactions: number
  readonly transactionsPerSecond: number
  readonly finalityP50Ms: number
  readonly finalityP99Ms: number
  /** How late its timers fire. */
  readonly loopLagMs: number
  readonly poolTransactions: number
  readonly peers: number
}

export const UNKNOWN = -1

const isNumber = (value: CborValue | undefined): value is number =>
  typeof value === 'number' && value >= UNKNOWN

export function encodeNodeState(state: NodeState): Uint8Array {
  return encodeCbor([
    state.software,
    state.decidedRound,
    state.ledgerHash,
    state.transactions,
    state.transactionsPerSecond,
    state.finalityP50Ms,
    state.finalityP99Ms,
    state.loopLagMs,
    state.poolTransactions,
    state.peers,
  ])
}

/** Undefined if the content is not sound. Later versions may add fields at the end. */
export function decodeNodeState(content: Uint8Array): NodeState | undefined {
  const decoded = decodeCbor(content, { maxBytes: MAX_RECORD_BYTES })
  if (!decoded.ok || !Array.isArray(decoded.value)) return undefined
  const [software, decidedRound, ledgerHash, ...numbers] = decoded.value as CborValue[]
  if (typeof software !== 'string' || software.length > 64) return undefined
  if (!(ledgerHash instanceof Uint8Array) || ledgerHash.length !== 32) return undefined
  if (!isNumber(decidedRound) || numbers.length < 7 || !numbers.slice(0, 7).every(isNumber)) return undefined
  const [transactions, tps, p50, p99, loopLagMs, poolTransactions, peers] = numbers as number[]
  return {
    software,
    decidedRound,
    ledgerHash: ledgerHash.slice(),
    transactions: transactions!,
    transactionsPerSecond: tps!,
    finalityP50Ms: p50!,
    finalityP99Ms: p99!,
    loopLagMs: loopLagMs!,
    poolTransactions: poolTransactions!,
    peers: peers!,
  }
}

export interface NodeAddress {
  readonly host: string
  readonly port: number
}

export function encodeNodeAddress({ host, port }: NodeAddress): Uint8Array {
  return encodeCbor([host, port])
}

export function decodeNodeAddress(content: Uint8Array): NodeAddress | undefined {
  const decoded = decodeCbor(content, { maxBytes: MAX_RECORD_BYTES })
  if (!decoded.ok || !Array.isArray(decoded.value)) return undefined
  const [host, port] = decoded.value as CborValue[]
  // What a name or an address is made of, and nothing that a resolver or a log could be surprised by.
  if (typeof host !== 'string' || !/^[A-Za-z0-9.:-]{1,253}$/.test(host)) return undefined
  if (typeof port !== 'number' || port < 1 || port > 65_535) return undefined
  return { host, port }
}
