/**
 * Derives the order anew from signed events, as a member does: whether an event is what it claims to be, how it hangs together
 * with the others, its round, the order, the hash of the ledger. Believes nobody: what it is given are bytes. Whether a
 * signature holds is asked of the caller, who may have faster means than this room, by the same rule (dag, strict.ts).
 */
import {
  createEngine,
  EMPTY_LEDGER,
  extendLedger,
  type DecidedRound,
  type Explanation,
  type LedgerHead,
} from '@hearsay/consensus'
import {
  bytesKey,
  coinOf,
  createGraph,
  decodeEvent,
  networkIdOf,
  peekEvent,
  toHex,
  verifyBranchProof,
  verifyEvent,
  type CryptoSuite,
  type DecodedEvent,
  type Genesis,
  type LinkedEvent,
} from '@hearsay/dag'
import type { Batch, Branching, Refusal, ShownRound } from '../model/messages.ts'
import { createBatchMaker } from './batch.ts'

/** Refusals that are told in all: one is enough to distrust a source. */
const MOST_REFUSALS = 200

export type Decoded =
  { readonly ok: true; readonly event: DecodedEvent } | { readonly ok: false; readonly reason: string }

export interface Checker {
  readonly networkId: Uint8Array
  decode(bytes: Uint8Array): Decoded
  /** Takes an event in; `signed` is the verdict on its signature. Returns why it is refused. */
  take(event: DecodedEvent, signed: boolean, source: string): string | undefined
  /** Notes bytes that are no event at all. */
  refuse(bytes: Uint8Array, reason: string, source: string): void
  /** What has come of it since the last call. */
  drain(): Batch
  head(): LedgerHead
  linkedCount(): number
  waitingCount(): number
  /** Index of an event that is not forgotten. */
  indexOf(id: Uint8Array): number | undefined
  explain(id: Uint8Array): Explanation | undefined
}

export interface CheckerOptions {
  readonly genesis: Genesis
  readonly suite: CryptoSuite
  /** Decided rounds whose reasons stay in memory; 0 if `explain` is not asked. */
  readonly explainedRounds: number
  /** An event has been linked: its bytes are the caller's to keep. */
  readonly onLinked: (event: DecodedEvent, index: number) => void
  /** A round has been decided when there were so many events. */
  readonly onDecided?: (round: DecidedRound, linkedEvents: number) => void
}

export function createChecker({
  genesis,
  suite,
  explainedRounds,
  onLinked,
  onDecided,
}: CheckerOptions): Checker {
  const networkId = networkIdOf(genesis, suite.sha256)
  const { coinFrequency, roundsNonAncient, members } = genesis
  const slots = new Map(members.map(({ id }, slot) => [id, slot]))
  const names = new Map(members.map(({ id, name }) => [id, name]))
  const keys = new Map(members.map(({ id, publicKey }) => [id, publicKey]))
  const graph = createGraph({ members: members.map(({ id }) => id) })
  const engine = createEngine({
    config: { coinFrequency, roundsNonAncient },
    rosters: [{ fromRound: 1, members: members.map(({ id, weight }) => ({ id, weight })) }],
    fastPath: true,
    ...(explainedRounds === 0 ? {} : { explain: { rounds: explainedRounds } }),
  })
  const maker = createBatchMaker(engine)
  let head = EMPTY_LEDGER
  let linkedEvents = 0
  let told = 0
  let refusals: Refusal[] = []
  let branchings: Branching[] = []
  const convicted = new Set<number>()
  /** Index of a linked event that is not ordered yet → what of it is asked for then. */
  const undecided = new Map<number, DecodedEvent>()

  function refuse(bytes: Uint8Array, reason: string, source: string, event?: DecodedEvent): void {
    if (told >= MOST_REFUSALS) return
    told += 1
    const claims = event ?? (bytes.length >= 132 ? peekEvent(bytes) : undefined)
    refusals.push({
      source,
      reason,
      creator: claims === undefined ? '' : (names.get(claims.creator) ?? String(claims.creator)),
      id: event === undefined ? '' : toHex(event.id),
      sequence: claims?.sequence ?? 0,
      hex: toHex(bytes.subarray(0, 196)),
      at: linkedEvents,
    })
  }

  function admit({ event, index, selfParent, otherParents }: LinkedEvent): void {
    const handle = engine.insert({
      id: event.id,
      creator: event.creator,
      selfParent,
      otherParents,
      birthRound: event.birthRound,
      timestamp: event.timestamp,
      coin: coinOf(event),
      transactionCount: event.transactionCount,
    })
    if (handle !== index) throw new Error(`invariant: event ${index} of the graph is ${handle} of the engine`)
    linkedEvents += 1
    undecided.set(index, event)
    onLinked(event, index)
    maker.linked({
      id: event.id,
      member: slots.get(event.creator) ?? 0,
      selfParent,
      otherParents,
      timestamp: event.timestamp,
      transactionCount: event.transactionCount,
      sizeBytes: event.bytes.length,
    })
    if (graph.hasBranched(event.creator)) convict(event.creator)
    const decided = engine.takeDecidedRounds()
    if (decided.length === 0) return
    for (const round of decided) settle(round, event.timestamp)
    graph.advance(engine.ancientThreshold(), engine.decidedRound() + 1)
  }

  function convict(creator: number): void {
    if (convicted.has(creator)) return
    convicted.add(creator)
    const proof = graph.branchProofOf(creator)!
    const read = [proof.first, proof.second].map((header) => suite.sha256(header.subarray(0, -64)))
    branchings.push({
      member: slots.get(creator) ?? 0,
      sequence: peekEvent(proof.first).sequence,
      first: toHex(proof.first),
      second: toHex(proof.second),
      firstId: toHex(read[0]!),
      secondId: toHex(read[1]!),
      verified: verifyBranchProof(proof, networkId, (id) => keys.get(id), suite) === creator,
      at: linkedEvents - 1,
    })
  }

  function settle(decided: DecidedRound, decidedTime: number): void {
    const entries = decided.events.map(({ id, handle, timestamp }) => {
      const event = undecided.get(handle)
      if (event === undefined) throw new Error('invariant: an ordered event is not in the graph')
      return { id, timestamp, transactionCount: event.transactionCount }
    })
    const { round, judges, ancientThreshold, lastTimestamp } = decided
    const extended = extendLedger(
      head,
      { round, judges, ancientThreshold, lastTimestamp, entries },
      networkId,
      suite.sha256,
    )
    const firstPosition = head.nextPosition
    head = extended.head
    for (const { handle } of decided.events) undecided.delete(handle)
    const stale: number[] = []
    for (const [index, event] of undecided) if (event.birthRound < ancientThreshold) stale.push(index)
    for (const index of stale) undecided.delete(index)
    const shown: ShownRound = {
      round,
      hash: toHex(head.hash),
      decidedAt: linkedEvents,
      decidedTime,
      judges: Uint32Array.from(judges.flatMap((id) => graph.get(bytesKey(id))?.index ?? [])),
      events: Uint32Array.from(decided.events, ({ handle }) => handle),
      timestamps: Float64Array.from(decided.events, ({ timestamp }) => timestamp),
      firstPosition,
      stale: Uint32Array.from(stale),
    }
    maker.decided(shown)
    onDecided?.(decided, linkedEvents)
  }

  return {
    networkId,
    decode: (bytes) => decodeEvent(bytes, networkId, suite.sha256),
    take: (event, signed, source) => {
      const checked = verifyEvent(event, (id) => keys.get(id), { ...suite, verify: () => signed })
      if (!checked.ok) {
        refuse(event.bytes, checked.reason, source, event)
        return checked.reason
      }
      const result = graph.offer(checked.event, 0)
      for (let linked = graph.next(); linked !== undefined; linked = graph.next()) admit(linked)
      if (result === 'ready' || result === 'waiting' || result === 'duplicate' || result === 'ancient')
        return undefined
      refuse(event.bytes, result, source, event)
      return result
    },
    refuse: (bytes, reason, source) => refuse(bytes, reason, source),
    drain: () => {
      const batch = { ...maker.drain(undecided), refusals, branchings }
      refusals = []
      branchings = []
      return batch
    },
    head: () => head,
    linkedCount: () => linkedEvents,
    waitingCount: () => graph.waitingCount(),
    indexOf: (id) => graph.get(bytesKey(id))?.index,
    explain: (id) => (explainedRounds === 0 ? undefined : engine.explain(id)),
  }
}
