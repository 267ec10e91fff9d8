/**
 * Graph, engine and ledger held together: events in, blocks out. What a member does with its peers' events and what an
 * audit does with a journal is the same, so it is here once.
 */
import {
  createEngine,
  EMPTY_LEDGER,
  extendLedger,
  type Block,
  type DecidedRound,
  type EngineOptions,
  type LedgerHead,
} from '@hearsay/consensus'
import {
  bytesKey,
  coinOf,
  createGraph,
  type EventKey,
  type Genesis,
  type Graph,
  type LinkedEvent,
  type OfferResult,
  type Sha256,
  type VerifiedEvent,
} from '@hearsay/dag'

export interface OrdererOptions {
  readonly genesis: Genesis
  readonly networkId: Uint8Array
  readonly sha256: Sha256
  /** An event has been linked; the engine has it, and no block has been made of it yet. */
  readonly onLinked: (linked: LinkedEvent) => void
  /** `events` are those of the block's entries. */
  readonly onBlock: (block: Block, events: readonly VerifiedEvent[]) => void
  /** The ancient threshold may have risen; events below it are forgotten. */
  readonly onAdvance?: (ancientThreshold: number) => void
}

export interface Orderer {
  readonly graph: Graph
  /** Takes a verified event in, links what can be linked, makes blocks of what gets decided. */
  offer(event: VerifiedEvent, source: number): OfferResult
  head(): LedgerHead
  lastTimestamp(): number
  decidedRound(): number
  ancientThreshold(): number
  linkedEvents(): number
  /** Linked, non-ancient events with transactions that are not ordered yet. */
  undecidedEvents(): number
}

/**
 * How this network's events are ordered. The unanimous fast path is on (packages/consensus/FAST-PATH.md): a round is decided one message
 * delay earlier when all members are there, and the ledger is the same.
 */
export function engineOptionsOf({ coinFrequency, roundsNonAncient, members }: Genesis): EngineOptions {
  return {
    config: { coinFrequency, roundsNonAncient },
    rosters: [{ fromRound: 1, members: members.map(({ id, weight }) => ({ id, weight })) }],
    fastPath: true,
  }
}

export function createOrderer(options: OrdererOptions): Orderer {
  const { genesis, networkId, sha256 } = options
  const graph = createGraph({ members: genesis.members.map((member) => member.id) })
  const engine = createEngine(engineOptionsOf(genesis))
  /** Event with transactions → birth round, until it is ordered or ancient. */
  const undecided = new Map<EventKey, number>()
  let head: LedgerHead = EMPTY_LEDGER
  let lastTimestamp = 0
  let linkedEvents = 0

  function admit(linked: LinkedEvent): void {
    const { event } = linked
    linkedEvents += 1
    const handle = engine.insert({
      id: event.id,
      creator: event.creator,
      selfParent: linked.selfParent,
      otherParents: linked.otherParents,
      birthRound: event.birthRound,
      timestamp: event.timestamp,
      coin: coinOf(event),
      transactionCount: event.transactionCount,
    })
    if (handle !== linked.index)
      throw new Error(`invariant: event ${linked.index} of the graph is ${handle} of the engine`)
    if (event.transactionCount > 0) undecided.set(event.key, event.birthRound)
    options.onLinked(linked)
    const rounds = engine.takeDecidedRounds()
    if (rounds.length === 0) return
    for (const round of rounds) makeBlock(round)
    advance()
  }

  function makeBlock(round: DecidedRound): void {
    const events: VerifiedEvent[] = []
    const entries = round.events.map((ordered) => {
      const key = bytesKey(ordered.id)
      const linked = graph.get(key)
      if (linked === undefined) throw new Error('invariant: an ordered event is not in the graph')
      undecided.delete(key)
      events.push(linked.event)
      return { id: ordered.id, timestamp: ordered.timestamp, transactionCount: linked.event.transactionCount }
    })
    const { judges, ancientThreshold } = round
    lastTimestamp = round.lastTimestamp
    const extended = extendLedger(
      head,
      { round: round.round, judges, ancientThreshold, lastTimestamp, entries },
      networkId,
      sha256,
    )
    if (extended.head.nextOrder !== round.nextOrder)
      throw new Error('invariant: ledger and engine count alike')
    head = extended.head
    options.onBlock(extended.block, events)
  }

  function advance(): void {
    const threshold = engine.ancientThreshold()
    graph.advance(threshold, engine.decidedRound() + 1)
    for (const [key, birthRound] of undecided) if (birthRound < threshold) undecided.delete(key)
    options.onAdvance?.(threshold)
  }

  return {
    graph,
    offer: (event, source) => {
      const result = graph.offer(event, source)
      for (let linked = graph.next(); linked !== undefined; linked = graph.next()) admit(linked)
      return result
    },
    head: () => head,
    lastTimestamp: () => lastTimestamp,
    decidedRound: () => engine.decidedRound(),
    ancientThreshold: () => engine.ancientThreshold(),
    linkedEvents: () => linkedEvents,
    undecidedEvents: () => undecided.size,
  }
}
