/**
 * Graph, engine and ledger held together: events in, blocks out. What a member does with its peers' events and what an
 * audit does with a journal is the same, so it is here once.
 */
import {
  createEngine,
  EMPTY_LEDGER,
  extendLedger,
  type Block,
  type ConsensusSnapshot,
  type DecidedRound,
  type EngineOptions,
  type LedgerHead,
  type Membership,
} from '@hearsay/consensus'
import {
  bytesKey,
  coinOf,
  createGraph,
  type EventKey,
  type CryptoSuite,
  type Genesis,
  type Graph,
  type KnownChain,
  type LinkedEvent,
  type NumberedRoster,
  type OfferResult,
  type Sha256,
  type VerifiedEvent,
} from '@hearsay/dag'
import { createRosterFollower } from './roster-follower.ts'

/** Where an orderer goes on from: spec section 7, the ledger as far as that, and what is known of forgotten events. */
export interface OrdererSnapshot {
  readonly consensus: ConsensusSnapshot
  readonly head: LedgerHead
  readonly known: readonly KnownChain[]
}

/** Whoever follows the roster that the log decides (consensus: membership.ts). */
export interface FollowedRoster {
  readonly suite: CryptoSuite
  /** What `membership.encode` gave, after the round of the snapshot. */
  readonly state?: Uint8Array
  /** A change was agreed in the round whose block comes next. */
  readonly onAgreed: (roster: NumberedRoster) => void
}

export interface OrdererOptions {
  /** Without it the roster of the genesis rules for ever, and nothing is looked for in transactions. */
  readonly roster?: FollowedRoster
  readonly snapshot?: OrdererSnapshot | undefined
  readonly genesis: Genesis
  readonly networkId: Uint8Array
  readonly sha256: Sha256
  /** An event has been linked; the engine has it, and no block has been made of it yet. */
  readonly onLinked: (linked: LinkedEvent) => void
  /** `events` are those of the block's entries. */
  readonly onBlock: (block: Block, events: readonly VerifiedEvent[]) => void
  /** After a start from a snapshot: these were ordered before it, in blocks of which nothing is said here. */
  readonly onCounted?: (keys: readonly EventKey[]) => void
  /** The ancient threshold may have risen; events below it are forgotten. */
  readonly onAdvance?: (ancientThreshold: number) => void
}

export interface Orderer {
  readonly graph: Graph
  /** If the roster is followed. */
  readonly membership: Membership | undefined
  /** Takes a verified event in, links what can be linked, makes blocks of what gets decided. */
  offer(event: VerifiedEvent, source: number): OfferResult
  head(): LedgerHead
  lastTimestamp(): number
  decidedRound(): number
  ancientThreshold(): number
  linkedEvents(): number
  /** Started from a snapshot whose judges have not all been offered yet: nothing is ordered before that. */
  isWaiting(): boolean
  snapshot(): OrdererSnapshot
  /** Linked, non-ancient events with transactions that are not ordered yet. */
  undecidedEvents(): number
  /** Linked, non-ancient events of a member that are not ordered yet. */
  openEvents(creator: number): number
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
  const { genesis, networkId, sha256, snapshot } = options
  const followed =
    options.roster &&
    createRosterFollower({ genesis, networkId, ...options.roster }, snapshot?.consensus.round)
  const memberIds = genesis.members.map((member) => member.id)
  const graph = createGraph({
    members: [...memberIds, ...(followed?.added ?? [])],
    known: snapshot?.known ?? [],
    ...(followed === undefined ? {} : { admits: followed.admits }),
  })
  const engine = createEngine({
    ...engineOptionsOf(genesis),
    ...(followed === undefined ? {} : { rosters: followed.rosters, stepwise: true }),
    ...(snapshot === undefined ? {} : { snapshot: snapshot.consensus }),
  })
  /** Event with transactions → birth round, until it is ordered or ancient. */
  const undecided = new Map<EventKey, number>()
  /** The same of all events, with or without transactions, by creator. */
  const open = new Map<number, Map<EventKey, number>>()
  for (const id of [...memberIds, ...(followed?.added ?? [])]) open.set(id, new Map())
  /** While the judges of the snapshot are awaited: the keys of what was linked, by handle. */
  let awaiting: EventKey[] | undefined = snapshot === undefined ? undefined : []
  let head: LedgerHead = snapshot?.head ?? EMPTY_LEDGER
  let lastTimestamp = snapshot?.consensus.lastTimestamp ?? 0
  let linkedEvents = 0
  if (snapshot !== undefined) graph.advance(snapshot.consensus.ancientThreshold, head.round + 1)

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
    open.get(event.creator)!.set(event.key, event.birthRound)
    options.onLinked(linked)
    if (awaiting !== undefined) countOrdered(awaiting, event.key)
    // Step by step where the roster is followed: a round may bring the roster of a later one.
    let rounds = engine.takeDecidedRounds()
    if (rounds.length === 0) return
    for (; rounds.length > 0; rounds = engine.takeDecidedRounds())
      for (const round of rounds) makeBlock(round)
    advance()
  }

  function follow(round: number, events: readonly VerifiedEvent[]): void {
    const roster = followed?.decided(round, events)
    if (roster === undefined) return
    engine.scheduleRoster(roster)
    for (const { id } of roster.members) {
      if (graph.slotOf(id) !== undefined) continue
      graph.addMember(id)
      open.set(id, new Map())
    }
    options.roster?.onAgreed(roster)
  }

  function countOrdered(linkedKeys: EventKey[], key: EventKey): void {
    linkedKeys.push(key)
    if (engine.isWaiting()) return
    awaiting = undefined
    const keys = engine.takeCounted().map((handle) => linkedKeys[handle]!)
    for (const each of keys) {
      undecided.delete(each)
      for (const events of open.values()) events.delete(each)
    }
    options.onCounted?.(keys)
  }

  function makeBlock(round: DecidedRound): void {
    const events: VerifiedEvent[] = []
    const entries = round.events.map((ordered) => {
      const key = bytesKey(ordered.id)
      const linked = graph.get(key)
      if (linked === undefined) throw new Error('invariant: an ordered event is not in the graph')
      undecided.delete(key)
      open.get(linked.event.creator)!.delete(key)
      events.push(linked.event)
      return { id: ordered.id, timestamp: ordered.timestamp, transactionCount: linked.event.transactionCount }
    })
    follow(round.round, events)
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
    for (const events of [undecided, ...open.values()])
      for (const [key, birthRound] of events) if (birthRound < threshold) events.delete(key)
    options.onAdvance?.(threshold)
  }

  return {
    graph,
    membership: followed?.membership,
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
    isWaiting: () => engine.isWaiting(),
    snapshot: () => ({
      consensus: engine.snapshot(),
      head,
      known: graph
        .frontier()
        .map(({ creator, sequence }) => ({ creator, sequence, proof: graph.branchProofOf(creator) })),
    }),
    undecidedEvents: () => undecided.size,
    openEvents: (creator) => open.get(creator)?.size ?? 0,
  }
}
