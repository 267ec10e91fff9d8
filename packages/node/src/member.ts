/**
 * One member of a network as a state machine: inputs and time in, effects out, nothing else (architecture: "the node is
 * a state machine"). The order of effects is the safety contract: an own event is appended and made durable before it is
 * linked or sent, so a crash can never make this member forget what others have seen of it.
 */
import {
  concatBytes,
  decodeEvent,
  networkIdOf,
  trustVerified,
  type LinkedEvent,
  type VerifiedEvent,
} from '@hearsay/dag'
import { createGossip, RECORD_KINDS, type GossipEffect, type NodeRecord } from '@hearsay/gossip'
import { createCertifier } from './certifier.ts'
import { createCreator } from './creator.ts'
import { createEvidence } from './evidence.ts'
import { createIntake } from './intake.ts'
import { gossipViewOf } from './look-ups.ts'
import {
  RECORD_EVENT,
  RECORD_RESUBMITTED,
  type Member,
  type MemberEffect,
  type MemberInput,
  type MemberOptions,
  type MemberView,
  type Moment,
} from './member-types.ts'
import { createOrderer } from './orderer.ts'
import { nextOwnEvent } from './own-event.ts'
import { createOwnTransactions } from './own-transactions.ts'
import { createPool, type Batch } from './pool.ts'
import { carriedEvents } from './round-state.ts'
import { takeSnapshot, type OwnTip } from './snapshot.ts'
import { areAhead, viewOf } from './member-view.ts'
import { createSelfReport } from './self-report.ts'

/** A made event that is not durable yet. */
interface Unsynced {
  readonly event: VerifiedEvent
  readonly batch: Batch
}

export function createMember(options: MemberOptions): Member {
  const { genesis, memberId, suite } = options
  const networkId = networkIdOf(genesis, suite.sha256)
  const members = genesis.members
  const selfSlot = members.findIndex((member) => member.id === memberId)
  if (selfSlot < 0) throw new Error(`invariant: member ${memberId} is not in the genesis`)
  const weights = members.map((member) => member.weight)
  const creator = createCreator(weights, selfSlot, options.creator)
  const pool = createPool(options.pool)
  const counters = new Map<string, number>()
  /** What forgotten events had to say: of members none of whose events is in the graph. */
  const headers = new Map(options.snapshot?.headers)
  let ownTip: OwnTip | undefined = options.snapshot?.ownTip
  let unsynced: Unsynced | undefined
  let started = false
  let mayCreate = true
  let mayTakeIn = true
  let failed = false
  let createAtMs: number | undefined
  let loopLagMs = 0
  let effects: MemberEffect[] = []

  const own = createOwnTransactions(pool, (effect) => effects.push(effect))
  own.restore(options.snapshot?.stale ?? [])
  const orderer = createOrderer({
    snapshot: options.snapshot?.orderer,
    genesis,
    networkId,
    sha256: suite.sha256,
    onLinked: linkedEvent,
    onBlock: (block, events) => {
      effects.push({ kind: 'deliver', block, events })
      own.ordered(block)
      certifier.decided(block)
    },
    onCounted: (keys) => own.counted(keys),
    onAdvance: (threshold) => own.advanced(threshold),
  })
  const { graph } = orderer

  const view = gossipViewOf(orderer, members)
  const gossip = createGossip(
    {
      networkId,
      memberId,
      members,
      secretKey: options.secretKey,
      suite,
      software: options.software,
      random: options.random,
      ...(options.gossip === undefined ? {} : { tuning: options.gossip }),
    },
    view,
  )

  const count = (reason: string): void => void counters.set(reason, (counters.get(reason) ?? 0) + 1)

  const certifier = createCertifier({
    members,
    memberId,
    networkId,
    secretKey: options.secretKey,
    suite,
    publish: (content) => void gossip.publish(RECORD_KINDS.roundSignature, content),
    count,
    emit: (effect) => {
      failed ||= effect.kind === 'diverged'
      effects.push(effect)
    },
    carry: (block) => effects.push({ kind: 'carry', block, events: carriedEvents(graph, block) }),
    carrySeconds: options.carrySeconds,
  })

  const intake = createIntake({
    memberId,
    roundsNonAncient: genesis.roundsNonAncient,
    members,
    networkId,
    suite,
    gossip,
    orderer,
    count,
    close: (link) => effects.push({ kind: 'close', link, fault: 'invalid-event' }),
    onForeignOwn: (event, from) =>
      fail(
        'E_DOUBLE_RUN',
        `an event of this member's key that this data directory does not know came from member ${from} ` +
          `(sequence ${event.sequence}, own newest ${ownTip?.sequence ?? 0}): the key is in use elsewhere, or the directory is an old copy`,
      ),
  })

  const emit = (effect: MemberEffect): void => void effects.push(effect)
  const evidence = createEvidence({ members, networkId, suite, graph, gossip, count, emit })

  const report = createSelfReport(gossip, options.software, () => ({
    decidedRound: orderer.head().round,
    ledgerHash: orderer.head().hash,
    transactions: orderer.head().nextPosition,
    poolTransactions: pool.size(),
    peers: gossip.peers().length,
    loopLagMs,
  }))

  function fail(code: string, message: string): void {
    failed = true
    effects.push({ kind: 'fail', code, message })
  }

  function linkedEvent(linked: LinkedEvent): void {
    if (linked.event.creator === memberId) admitOwn(linked)
    else if (started) appendEvent(linked.event)
    if (started && graph.hasBranched(linked.event.creator)) evidence.found(linked.event.creator)
  }

  function admitOwn(linked: LinkedEvent): void {
    const { event } = linked
    noteOwn(event)
    if (!started) creator.created(linked.seen, -Infinity)
    own.linked(event, unsynced?.event === event ? unsynced.batch.transactions : undefined)
  }

  /** Durable, so others may have it: the next own event comes after this one, linked or not. */
  function noteOwn(event: VerifiedEvent): void {
    const { creator: self, birthRound, id, sequence, timestamp } = event
    if (ownTip !== undefined && sequence < ownTip.sequence) return
    ownTip = { reference: { creator: self, birthRound, id }, sequence, timestamp }
  }

  function appendEvent(event: VerifiedEvent): void {
    const { bytes, key, birthRound } = event
    effects.push({ kind: 'append', recordKind: RECORD_EVENT, bytes, key, birthRound })
  }

  function replay(recordKind: number, bytes: Uint8Array): void {
    if (recordKind === RECORD_RESUBMITTED) {
      own.resubmitted(bytes.subarray(0, 32), bytes.subarray(32))
      return
    }
    const decoded = decodeEvent(bytes, networkId, suite.sha256)
    if (!decoded.ok)
      throw new Error(`invariant: the journal holds an event that is refused: ${decoded.reason}`)
    effects.push({ kind: 'replayed', key: decoded.event.key, birthRound: decoded.event.birthRound })
    orderer.offer(trustVerified(decoded.event), memberId)
    own.replayed(decoded.event.key)
  }

  const isBehind = (): boolean =>
    areAhead(gossip.peers(), orderer.head().round + Math.ceil(genesis.roundsNonAncient / 2), members)

  function considerCreating(now: Moment): void {
    createAtMs = undefined
    if (!started || failed || !mayCreate || unsynced !== undefined) return
    if (pool.size() === 0 && orderer.undecidedEvents() === 0) return
    if (isBehind()) return
    const frontier = Float64Array.from(graph.frontier(), ({ sequence }) => sequence)
    const verdict = creator.decide({
      nowMs: now.monotonicMs,
      frontier,
      poolHasTransactions: pool.size() > 0,
      undecidedEvents: orderer.undecidedEvents(),
      ownUndecidedEvents: own.undecidedEvents(),
      ownOpenEvents: orderer.openEvents(memberId),
      loopLagMs: now.loopLagMs,
    })
    if (verdict.kind === 'wait') createAtMs = verdict.untilMs
    if (verdict.kind === 'create') create(frontier, now)
  }

  function create(frontier: Float64Array, now: Moment): void {
    const batch = pool.takeBatch()
    const event = nextOwnEvent(options, networkId, orderer, ownTip, batch, now.wallMicros)
    unsynced = { event, batch }
    for (const id of batch.staleIds) {
      const bytes = concatBytes(id, event.id)
      effects.push({ kind: 'append', recordKind: RECORD_RESUBMITTED, bytes, key: undefined, birthRound: 0 })
    }
    appendEvent(event)
    effects.push({ kind: 'sync', sequence: event.sequence })
    creator.created(frontier, now.monotonicMs)
  }

  function durable(sequence: number): void {
    if (unsynced === undefined || unsynced.event.sequence !== sequence)
      throw new Error('invariant: not the event that was to be durable')
    const { event, batch } = unsynced
    noteOwn(event)
    gossip.push(event)
    const tickets = batch.transactions.flatMap(({ ticket }) => (ticket === undefined ? [] : [ticket]))
    if (tickets.length > 0) effects.push({ kind: 'gossiped', tickets })
    orderer.offer(event, memberId)
    own.carried(batch.staleIds)
    unsynced = undefined
    // Ancient before it was linked: nobody will order it.
    if (
      !graph.has(event.key) &&
      event.birthRound < orderer.ancientThreshold() &&
      event.transactionCount > 0
    ) {
      own.stale({ staleId: event.id, transactions: batch.transactions })
    }
  }

  function start(now: Moment): void {
    started = true
    gossip.begin(Math.floor(now.wallMicros / 1_000_000))
    certifier.begin(orderer.head(), orderer.lastTimestamp())
    own.start()
    for (const creator of view.branchedMembers()) evidence.found(creator)
  }

  function takeGossip(now: Moment): void {
    // Taking events in may make gossip want more; each turn consumes what there was.
    for (let batch = gossip.takeEffects(); batch.length > 0; batch = gossip.takeEffects()) {
      for (const effect of batch) applyGossip(effect, now)
    }
  }

  function applyGossip(effect: GossipEffect, now: Moment): void {
    if (effect.kind === 'events') return mayTakeIn ? intake(effect, now) : count('intake-paused')
    if (effect.kind === 'record') return heardRecord(effect.record)
    if (effect.kind === 'suspected') return report.hurry()
    if (effect.kind === 'record-refused') return count(effect.reason)
    if (effect.kind === 'greeted') return evidence.greeted(effect.link)
    if (effect.kind === 'note') return evidence.heard(effect, now.monotonicMs)
    if (effect.kind === 'close') count(`link-${effect.fault}`)
    effects.push(effect)
  }

  function heardRecord({ kind, member, content }: NodeRecord): void {
    if (kind === RECORD_KINDS.roundSignature) certifier.heard(member, content)
  }

  const isQuiet = (): boolean =>
    pool.size() === 0 && orderer.undecidedEvents() === 0 && unsynced === undefined && !isBehind()

  function apply(input: MemberInput, now: Moment): void {
    switch (input.kind) {
      case 'replay':
        return replay(input.recordKind, input.bytes)
      case 'start':
        return start(now)
      case 'opened':
        return gossip.opened(input.link, input.memberId, now.monotonicMs)
      case 'closed':
        return gossip.closed(input.link, now.monotonicMs)
      case 'frame':
        return gossip.frame(input.link, input.bytes, now.monotonicMs)
      case 'congested':
        return gossip.congested(input.link, input.congested)
      case 'submit':
        if (!pool.add(input)) {
          effects.push({ kind: 'refused', ticket: input.ticket, reason: 'pool-full' })
        }
        return
      case 'durable':
        return durable(input.sequence)
      case 'creating':
        mayCreate = input.allowed
        return
      case 'intake':
        mayTakeIn = input.allowed
        return
      case 'state-hash':
        return certifier.stateHash(input.round, input.hash)
      case 'vitals':
        return report.vitals(input)
      case 'tick':
        return gossip.tick(now.monotonicMs)
    }
  }

  function step(input: MemberInput, now: Moment): readonly MemberEffect[] {
    loopLagMs = now.loopLagMs
    gossip.lag(loopLagMs)
    apply(input, now)
    takeGossip(now)
    considerCreating(now)
    if (isLive()) {
      report.consider(now.monotonicMs)
      certifier.consider(isQuiet(), now.monotonicMs)
    }
    takeGossip(now)
    const taken = effects
    effects = []
    return taken
  }

  const isLive = (): boolean => started && !failed

  function nextTickMs(nowMs: number): number | undefined {
    const wishes = [
      gossip.nextTickMs(nowMs),
      createAtMs,
      isLive() ? report.nextMs() : undefined,
      isLive() ? certifier.nextMs() : undefined,
    ]
    const next = Math.min(...wishes.map((wish) => wish ?? Infinity))
    if (next === Infinity) return undefined
    // A wish of the past that is still there must not make the caller spin.
    return next > nowMs ? next : nowMs + 1
  }

  const currentView = (): MemberView =>
    viewOf({
      genesis,
      orderer,
      pool,
      own,
      gossip,
      counters,
      isBehind: isBehind(),
      branched: view.branchedMembers(),
      ownTip,
      unsynced: unsynced?.event,
    })

  return {
    step,
    nextTickMs,
    view: currentView,
    branchProofs: evidence.all,
    isRestored: () => !orderer.isWaiting(),
    snapshot: () => takeSnapshot({ orderer, members, ownTip, stale: own.pending(), headers }),
  }
}
