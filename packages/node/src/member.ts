/**
 * One member of a network as a state machine: inputs and time in, effects out, nothing else (architecture: "the node is
 * a state machine"). The order of effects is the safety contract: an own event is appended and made durable before it is
 * linked or sent, so a crash can never make this member forget what others have seen of it.
 */
import { concatBytes, decodeEvent, networkIdOf, trustVerified, type LinkedEvent } from '@hearsay/dag'
import { createGossip, RECORD_KINDS, type GossipEffect } from '@hearsay/gossip'
import { createCertifier, type Certifier } from './certifier.ts'
import { createCreator } from './creator.ts'
import { createEvidence, type Evidence } from './evidence.ts'
import { createIntake } from './intake.ts'
import { gossipViewOf } from './look-ups.ts'
import {
  RECORD_ADOPTED,
  RECORD_RESUBMITTED,
  type Member,
  type MemberEffect,
  type MemberInput,
  type MemberOptions,
  type MemberView,
  type Moment,
} from './member-types.ts'
import { createObserver, NONCE_BYTES, type Observer, type Observing } from './observer.ts'
import { createOrderer } from './orderer.ts'
import { appendOf, createOwnChain, type Unsynced } from './own-chain.ts'
import { nextOwnEvent } from './own-event.ts'
import { createOwnTransactions } from './own-transactions.ts'
import { createPool } from './pool.ts'
import { carriedEvents } from './round-state.ts'
import { takeSnapshot } from './snapshot.ts'
import { areAhead, viewOf } from './member-view.ts'
import { createSelfReport } from './self-report.ts'

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
  let unsynced: Unsynced | undefined
  /** What is waited for before own events are made. */
  let observing: Observing | undefined = { answeredWeight: 0, missing: undefined }
  let started = false
  let mayCreate = true
  let mayTakeIn = true
  let failed = false
  let createAtMs: number | undefined
  let loopLagMs = 0
  let effects: MemberEffect[] = []
  const emit = (effect: MemberEffect): void => void effects.push(effect)

  const own = createOwnTransactions(pool, (effect) => effects.push(effect))
  own.restore(options.snapshot?.stale ?? [])
  const chain = createOwnChain({
    memberId,
    tip: options.snapshot?.ownTip,
    own,
    isObserving: () => observing !== undefined,
    unsynced: () => unsynced,
    onFound: ({ seen }) => creator.created(seen, -Infinity),
    emit,
    fail,
  })
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

  const observer = createObserver({
    members,
    memberId,
    networkId,
    suite,
    secretKey: options.secretKey,
    nonce: options.randomBytes(NONCE_BYTES),
    graph,
    headers,
    ancientThreshold: () => orderer.ancientThreshold(),
    count,
    send: (link, frame) => emit({ kind: 'send', link, frame }),
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
    adopts: chain.adopts,
  })

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
    if (linked.event.creator === memberId) chain.linked(linked)
    else if (started) effects.push(appendOf(linked.event))
    if (started && graph.hasBranched(linked.event.creator)) evidence.found(linked.event.creator)
  }

  function replay(recordKind: number, bytes: Uint8Array): void {
    if (recordKind === RECORD_RESUBMITTED) {
      own.resubmitted(bytes.subarray(0, 32), bytes.subarray(32))
      return
    }
    if (recordKind === RECORD_ADOPTED) return chain.replayedAdopted(bytes)
    const decoded = decodeEvent(bytes, networkId, suite.sha256)
    if (!decoded.ok)
      throw new Error(`invariant: the journal holds an event that is refused: ${decoded.reason}`)
    effects.push({ kind: 'replayed', key: decoded.event.key, birthRound: decoded.event.birthRound })
    orderer.offer(trustVerified(decoded.event), memberId)
    own.replayed(decoded.event.key)
  }

  const isBehind = (): boolean =>
    areAhead(gossip.peers(), orderer.head().round + Math.ceil(genesis.roundsNonAncient / 2), members)

  function considerObserving(now: Moment): void {
    if (!started || observing === undefined) return
    observing = observer.consider(chain.tip()?.sequence ?? 0, now.monotonicMs)
    const newest = observer.newest()
    // Ancient, so nobody brings it any more: its header is enough to go on after it.
    if (observing === undefined && newest !== undefined) chain.note(newest)
  }

  function considerCreating(now: Moment): void {
    createAtMs = undefined
    if (!started || failed || !mayCreate || unsynced !== undefined || observing !== undefined) return
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
    const event = nextOwnEvent(options, networkId, orderer, chain.tip(), batch, now.wallMicros)
    unsynced = { event, batch }
    for (const id of batch.staleIds) {
      const bytes = concatBytes(id, event.id)
      effects.push({ kind: 'append', recordKind: RECORD_RESUBMITTED, bytes, key: undefined, birthRound: 0 })
    }
    effects.push(appendOf(event), { kind: 'sync', sequence: event.sequence })
    creator.created(frontier, now.monotonicMs)
  }

  function durable(sequence: number): void {
    if (unsynced === undefined || unsynced.event.sequence !== sequence)
      throw new Error('invariant: not the event that was to be durable')
    const { event, batch } = unsynced
    chain.note(event)
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
    chain.start()
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
    if (effect.kind === 'suspected') return report.hurry()
    if (effect.kind === 'record-refused') return count(effect.reason)
    if (effect.kind === 'greeted' || effect.kind === 'note' || effect.kind === 'record')
      return heardAboveGossip(effect, { certifier, evidence, observer }, now)
    if (effect.kind === 'close') count(`link-${effect.fault}`)
    effects.push(effect)
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
        observer.closed(input.link)
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
    considerObserving(now)
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
      ...(isLive() ? [report.nextMs(), certifier.nextMs(), observer.nextMs()] : []),
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
      observing,
      ownTip: chain.tip(),
      unsynced: unsynced?.event,
    })

  return {
    step,
    nextTickMs,
    view: currentView,
    branchProofs: evidence.all,
    isRestored: () => !orderer.isWaiting(),
    snapshot: () => takeSnapshot({ orderer, members, ownTip: chain.tip(), stale: own.pending(), headers }),
  }
}

/** What goes over gossip from member to member. Each looks at its own topics of notes; others are those of a later version. */
function heardAboveGossip(
  effect: Extract<GossipEffect, { kind: 'greeted' | 'note' | 'record' }>,
  { certifier, evidence, observer }: { certifier: Certifier; evidence: Evidence; observer: Observer },
  now: Moment,
): void {
  if (effect.kind === 'record') {
    const { kind, member, content } = effect.record
    if (kind === RECORD_KINDS.roundSignature) certifier.heard(member, content)
  } else if (effect.kind === 'greeted') {
    evidence.greeted(effect.link)
    observer.greeted(effect.link, effect.memberId)
  } else {
    evidence.heard(effect, now.monotonicMs)
    observer.note(effect.link, effect.memberId, effect.topic, effect.bytes)
  }
}
