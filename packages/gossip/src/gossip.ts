/**
 * Whom to tell what: greets on every link, pushes each own event once to every peer, tells one random peer at a time how
 * far everybody's events are known here, and repairs what is missing (repair.ts; gossip design, sections 0 and 2.2). A pure
 * state machine: frames and time in, effects out.
 */
import { PROTOCOL_VERSION } from '@hearsay/dag'
import { ELIDED_FRAME } from './elided.ts'
import { createElidedIntake } from './elided-intake.ts'
import { decodeFrame, encodeFrame, FEATURES, type Frame, type HelloFrame } from './frames.ts'
import type { Gossip, GossipEffect, LinkFault } from './gossip-types.ts'
import { createLink, spendControl, type Link } from './links.ts'
import { createLiveness } from './liveness.ts'
import { DEFAULT_TUNING, type GossipOptions, type GossipView } from './options.ts'
import { pushTo } from './push.ts'
import { createRecordExchange } from './record-exchange.ts'
import { createRecordBook, RECORD_KINDS } from './records.ts'
import { createRepairs } from './repair.ts'
import { countEvent, countSaid, createTraffic } from './traffic.ts'
import { createTrees } from './trees.ts'

const isUntold = (link: Link, version: number, digest: number): boolean =>
  link.greeted && !link.congested && (link.toldVersion !== version || link.toldDigest !== digest)

export function createGossip(options: GossipOptions, view: GossipView): Gossip {
  const tuning = { ...DEFAULT_TUNING, ...options.tuning }
  const links = new Map<number, Link>()
  let effects: GossipEffect[] = []
  let nextAdvertMs = 0

  const send = (link: number, frame: Uint8Array): void => void effects.push({ kind: 'send', link, frame })
  const traffic = createTraffic()
  function say(link: number, frame: Frame): void {
    const bytes = encodeFrame(frame)
    const memberId = links.get(link)?.memberId
    if (memberId !== undefined) countSaid(traffic.of(memberId).sent, frame, bytes.length)
    send(link, bytes)
  }
  const book = createRecordBook({ ...options, burst: tuning.recordBurst, perSecond: tuning.recordsPerSecond })
  const records = createRecordExchange({
    book,
    tuning,
    // A congested link finds out by the digest what it has missed.
    send: (link, out) => {
      if (links.get(link)?.congested === false) say(link, out)
    },
    onRecord: (record) => {
      effects.push({ kind: 'record', record })
      liveness.record(record, lastMs)
    },
    onRejection: (reason) => effects.push({ kind: 'record-refused', reason }),
  })
  const memberIds = options.members.map(({ id }) => id)
  const elided = createElidedIntake({
    members: memberIds,
    networkId: options.networkId,
    sha256: options.suite.sha256,
    tuning,
    find: view.find,
    sequenceOf: view.sequenceOf,
    version: view.version,
    emit: (link, events) => takeIn(link, 0, events, true),
    lacking: (link, creator, sequence, nowMs) => {
      repairs.lacking(link, creator, sequence, nowMs)
      trees.lacking(link, creator, nowMs)
    },
  })
  // One more than may be liars that let us wait.
  const repairsMost = Math.max(tuning.repairsMost, Math.floor((memberIds.length - 1) / 3) + 1)
  const repairs = createRepairs({ ...tuning, repairsMost }, view, options.random, say, elided.graceOf)
  const trees = createTrees({
    self: options.memberId,
    tuning,
    isMember: (creator) => memberIds.includes(creator),
    sequenceOf: view.sequenceOf,
    eventsFrom: view.eventsFrom,
    send: (link, out) => {
      if (links.get(link)?.congested === false) say(link, out)
    },
  })
  const liveness = createLiveness({
    ...options,
    self: options.memberId,
    tuning,
    book,
    sequenceOf: view.sequenceOf,
    send: say,
    publish: (content) => void records.publish(RECORD_KINDS.suspicions, content),
    onSuspected: () => effects.push({ kind: 'suspected' }),
  })
  let lastMs = 0

  function takeIn(id: number, request: number, events: readonly Uint8Array[], restored: boolean): void {
    const memberId = links.get(id)?.memberId
    if (memberId !== undefined)
      effects.push({ kind: 'events', link: id, memberId, events, request, restored })
  }

  function fail(link: Link, fault: LinkFault, nowMs: number): void {
    effects.push({ kind: 'close', link: link.link, fault })
    closed(link.link, nowMs)
  }

  function closed(link: number, nowMs: number): void {
    links.delete(link)
    repairs.closed(link, nowMs)
    records.closed(link)
    elided.closed(link)
    trees.closed(link)
    liveness.closed(link, nowMs)
  }

  function tell(link: Link): void {
    const isOnlyRecords = link.toldVersion === view.version() && (link.features & FEATURES.digest) !== 0
    link.toldVersion = view.version()
    link.toldDigest = book.digest()
    if (isOnlyRecords) return say(link.link, { kind: 'digest', recordsDigest: link.toldDigest })
    say(link.link, {
      kind: 'status',
      decidedRound: view.decidedRound(),
      ancientThreshold: view.ancientThreshold(),
      frontier: view.frontier(),
      recordsDigest: link.toldDigest,
    })
  }

  function opened(link: number, memberId: number, nowMs: number): void {
    const state = createLink(link, memberId, memberIds, tuning.controlBurst, nowMs)
    links.set(link, state)
    const { networkId, software } = options
    const features = FEATURES.elided + FEATURES.packed + FEATURES.digest + FEATURES.credit
    say(link, {
      kind: 'hello',
      networkId,
      version: PROTOCOL_VERSION,
      memberId: options.memberId,
      software,
      features,
    })
    tell(state)
  }

  /** The networks and versions must be the same, and the member the one that the certificate named. */
  function greet(link: Link, hello: HelloFrame, nowMs: number): void {
    if (hello.networkId.some((byte, i) => byte !== options.networkId[i]))
      return fail(link, 'wrong-network', nowMs)
    if (hello.version !== PROTOCOL_VERSION) return fail(link, 'unknown-version', nowMs)
    if (hello.memberId !== link.memberId) return fail(link, 'wrong-member', nowMs)
    link.greeted = true
    link.software = hello.software
    link.features = hello.features
    repairs.opened(link.link, link.memberId, (link.features & FEATURES.credit) !== 0)
    elided.opened(link.link, link.memberId)
    trees.opened(link.link, link.memberId)
    liveness.opened(link.link, link.memberId, nowMs)
    records.opened(link.link)
    effects.push({ kind: 'greeted', link: link.link, memberId: link.memberId })
  }

  function frame(id: number, bytes: Uint8Array, nowMs: number): void {
    const link = links.get(id)
    if (link === undefined) return
    lastMs = nowMs
    liveness.heard(id, nowMs)
    if (bytes[0] === ELIDED_FRAME) {
      if (!link.greeted) return fail(link, 'no-hello', nowMs)
      traffic.of(link.memberId).received.header += bytes.length
      if (!elided.heard(id, bytes, nowMs)) fail(link, 'bad-frame', nowMs)
      return
    }
    const received = decodeFrame(bytes)
    if (received !== undefined && received.kind !== 'events')
      traffic.of(link.memberId).received.control += bytes.length
    if (received === undefined) return fail(link, 'bad-frame', nowMs)
    if (received.kind === 'hello')
      return link.greeted ? fail(link, 'bad-frame', nowMs) : greet(link, received, nowMs)
    if (!link.greeted) return fail(link, 'no-hello', nowMs)
    if (
      received.kind !== 'events' &&
      !spendControl(link, tuning.controlBurst, tuning.controlPerSecond, nowMs)
    )
      return fail(link, 'control-flood', nowMs)
    switch (received.kind) {
      case 'status':
        link.decidedRound = received.decidedRound
        records.heardDigest(id, received.recordsDigest, nowMs)
        return repairs.heardStatus(id, received.decidedRound, received.frontier, nowMs)
      case 'digest':
        return records.heardDigest(id, received.recordsDigest, nowMs)
      case 'events':
        repairs.heardEvents(id, received.request, bytes.length, nowMs)
        return takeIn(id, received.request, received.events, false)
      case 'want':
        return void effects.push({ kind: 'serve', link: id, want: received })
      case 'credit':
        return void effects.push({
          kind: 'credit',
          link: id,
          request: received.request,
          bytes: received.bytes,
        })
      case 'want-end':
        return repairs.heardEnd(id, received.request, received.complete, nowMs)
      case 'records':
        if (records.heardRecords(id, received.records, nowMs) === 'faulty')
          fail(link, 'invalid-record', nowMs)
        return
      case 'ping':
      case 'pong':
      case 'probe-ask':
      case 'probe':
      case 'alive':
        return liveness.frame(id, received, nowMs)
      case 'graft':
        return trees.graft(id, received.creator, received.sequence)
      case 'prune':
        return trees.prune(id, received.creator)
      case 'versions':
        return records.heardVersions(id, received.versions, received.answer, nowMs)
      case 'note':
        return void effects.push({
          kind: 'note',
          link: id,
          memberId: link.memberId,
          topic: received.topic,
          bytes: received.bytes,
        })
    }
  }

  function tick(nowMs: number): void {
    for (const link of links.values()) {
      if (!link.greeted && nowMs - link.openedMs >= tuning.helloTimeoutMs) fail(link, 'hello-timeout', nowMs)
    }
    lastMs = nowMs
    repairs.tick(nowMs)
    records.tick(nowMs)
    liveness.tick(nowMs)
    if (nowMs >= nextAdvertMs) advertise(nowMs)
  }

  function advertise(nowMs: number): void {
    const version = view.version()
    const digest = book.digest()
    const untold = [...links.values()].filter((link) => isUntold(link, version, digest))
    const link = untold[Math.floor(options.random() * untold.length)]
    if (link === undefined) return
    nextAdvertMs = nowMs + tuning.advertEveryMs
    tell(link)
  }

  function nextTickMs(nowMs: number): number | undefined {
    let next = repairs.nextTickMs(nowMs)
    const want = (at: number): void => void (next = next === undefined ? at : Math.min(next, at))
    want(records.nextTickMs() ?? Infinity)
    want(liveness.nextTickMs() ?? Infinity)
    const version = view.version()
    const digest = book.digest()
    for (const link of links.values()) {
      if (!link.greeted) want(link.openedMs + tuning.helloTimeoutMs)
      else if (isUntold(link, version, digest)) want(nextAdvertMs)
    }
    // A wish of the past that is still there must not make the caller spin.
    return next === undefined || next === Infinity ? undefined : Math.max(next, nowMs + 1)
  }

  function unrestorable(id: number, sequence: number, nowMs: number): void {
    const link = links.get(id)
    if (link === undefined) return
    link.unrestorable -= 1
    if (link.unrestorable < 0) fail(link, 'invalid-event', nowMs)
    else repairs.lacking(id, link.memberId, sequence, nowMs)
  }

  function orphan(id: number, nowMs: number): void {
    repairs.orphan(id, nowMs)
    const memberId = links.get(id)?.memberId
    if (memberId === undefined || links.size >= memberIds.length - 1) return
    for (const { creator } of view.missing(memberId, 8)) trees.lacking(id, creator, nowMs)
  }

  return {
    begin: book.begin,
    publish: records.publish,
    record: book.get,
    records: book.ofKind,
    opened,
    closed,
    frame,
    congested: (id, isCongested) => {
      const link = links.get(id)
      if (link === undefined || link.congested === isCongested) return
      link.congested = isCongested
      // What was not pushed meanwhile is asked for by the peer as soon as it knows of it.
      if (!isCongested && link.greeted) tell(link)
    },
    push: (event) => pushTo([...links.values()], event, { view, traffic, send, random: options.random }),
    took: (link, creator, event, { request, isNew }, nowMs) => {
      trees.arrived(link, creator, request, isNew, nowMs)
      const from = links.get(link)?.memberId
      if (from !== undefined) countEvent(traffic.of(from).received, event, request, isNew)
      if (isNew && from !== undefined) trees.relay(creator, event, from)
    },
    lag: (loopLagMs) => liveness.lag(loopLagMs),
    liveness: liveness.view,
    traffic: traffic.all,
    upstreams: trees.upstreams,
    unrestorable,
    orphan,
    tick,
    nextTickMs,
    takeEffects: () => {
      // What was taken in since may be what others waited for.
      elided.retry(lastMs)
      const taken = effects
      effects = []
      return taken
    },
    peers: () =>
      [...links.values()]
        .filter((link) => link.greeted)
        .map(({ memberId, link, software, decidedRound }) => ({ memberId, link, software, decidedRound })),
  }
}
