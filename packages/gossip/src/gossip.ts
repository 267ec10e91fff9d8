/**
 * Whom to tell what: greets on every link, pushes each own event once to every peer, tells one random peer at a time how
 * far everybody's events are known here, and repairs what is missing (repair.ts; gossip design, sections 0 and 2.2). A pure
 * state machine: frames and time in, effects out.
 */
import { PROTOCOL_VERSION, type DecodedEvent } from '@hearsay/dag'
import { createElidedWriter, ELIDED_FRAME, type ElidedWriter } from './elided.ts'
import { createElidedIntake } from './elided-intake.ts'
import { decodeFrame, encodeFrame, FEATURES, type Frame, type HelloFrame, type WantFrame } from './frames.ts'
import { DEFAULT_TUNING, type GossipOptions, type GossipView } from './options.ts'
import { createRecordExchange } from './record-exchange.ts'
import { createRecordBook, type NodeRecord, type RecordKind, type RecordRejection } from './records.ts'
import { createRepairs } from './repair.ts'
import { createTrees } from './trees.ts'

/** Why a link is closed from here. A closed list: it doubles as metric label. */
export const LINK_FAULTS = [
  'bad-frame',
  'wrong-network',
  'unknown-version',
  'wrong-member',
  'no-hello',
  'hello-timeout',
  'control-flood',
  'invalid-event',
  'invalid-record',
] as const
export type LinkFault = (typeof LINK_FAULTS)[number]

export type GossipEffect =
  | { readonly kind: 'send'; readonly link: number; readonly frame: Uint8Array }
  | { readonly kind: 'close'; readonly link: number; readonly fault: LinkFault }
  | {
      readonly kind: 'events'
      readonly link: number
      readonly memberId: number
      readonly events: readonly Uint8Array[]
      /** Of the repair that brings them; 0 if they come by themselves. */
      readonly request: number
      /** Put back together here: if they are not valid, that is not the sender's fault alone. */
      readonly restored: boolean
    }
  | { readonly kind: 'serve'; readonly link: number; readonly want: WantFrame }
  /** A record of another member is new here. */
  | { readonly kind: 'record'; readonly record: NodeRecord }
  | { readonly kind: 'record-refused'; readonly reason: RecordRejection }
  /** The link's member has greeted: notes may be sent there. */
  | { readonly kind: 'greeted'; readonly link: number; readonly memberId: number }
  | {
      readonly kind: 'note'
      readonly link: number
      readonly memberId: number
      readonly topic: number
      /** A view into the frame. */
      readonly bytes: Uint8Array
    }

export interface PeerView {
  readonly memberId: number
  readonly link: number
  readonly software: string
  /** What the peer last said of itself. */
  readonly decidedRound: number | undefined
}

export interface Gossip {
  /** Own records are of this life from now on: a number larger than at earlier starts, like the time in seconds. */
  begin(epoch: number): void
  opened(link: number, memberId: number, nowMs: number): void
  closed(link: number, nowMs: number): void
  frame(link: number, bytes: Uint8Array, nowMs: number): void
  /** The link's buffer is over its bound, or below it again. A congested link gets no pushes; it repairs afterwards. */
  congested(link: number, isCongested: boolean): void
  /** A new own event, durable by now. */
  push(event: DecodedEvent): void
  /** A verified event of somebody else was new here, or not; whoever gets this creator's events from here is sent it. */
  took(
    link: number,
    creator: number,
    event: Uint8Array,
    how: { request: number; isNew: boolean },
    nowMs: number,
  ): void
  /** A restored event is not valid: it is asked for in full. Says whether its sender has done this too often. */
  unrestorable(link: number, sequence: number, nowMs: number): void
  /** This link brought an event whose parents are missing. */
  orphan(link: number, nowMs: number): void
  /** A new own record: replaces the last of its kind everywhere. At most MAX_RECORD_BYTES with about 90 bytes around the content. */
  publish(recordKind: RecordKind, content: Uint8Array): NodeRecord
  record(memberId: number, recordKind: RecordKind): NodeRecord | undefined
  /** The newest of each member. */
  records(recordKind: RecordKind): readonly NodeRecord[]
  tick(nowMs: number): void
  /** When `tick` is wanted next; undefined if nothing is due. */
  nextTickMs(nowMs: number): number | undefined
  takeEffects(): readonly GossipEffect[]
  peers(): readonly PeerView[]
}

interface Link {
  readonly link: number
  readonly memberId: number
  readonly openedMs: number
  software: string
  greeted: boolean
  /** What the peer last said of itself. */
  decidedRound: number | undefined
  congested: boolean
  /** The view's version when the frontier was last told here. */
  toldVersion: number
  /** And what the records came to. */
  toldDigest: number
  controlTokens: number
  controlAtMs: number
  features: number
  readonly writer: ElidedWriter
  /** How many restored events may still be invalid. */
  unrestorable: number
}

/** Restored events of a link that may be invalid before it is closed: honest members rarely cause one. */
const MAX_UNRESTORABLE = 64

export function createGossip(options: GossipOptions, view: GossipView): Gossip {
  const tuning = { ...DEFAULT_TUNING, ...options.tuning }
  const links = new Map<number, Link>()
  let effects: GossipEffect[] = []
  let nextAdvertMs = 0

  const send = (link: number, frame: Uint8Array): void => void effects.push({ kind: 'send', link, frame })
  const say = (link: number, frame: Frame): void => send(link, encodeFrame(frame))
  const book = createRecordBook({ ...options, burst: tuning.recordBurst, perSecond: tuning.recordsPerSecond })
  const records = createRecordExchange({
    book,
    tuning,
    // A congested link finds out by the digest what it has missed.
    send: (link, out) => {
      if (links.get(link)?.congested === false) say(link, out)
    },
    onRecord: (record) => effects.push({ kind: 'record', record }),
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
  const repairs = createRepairs(tuning, view, options.random, say, elided.graceOf)
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
  }

  function tell(link: Link): void {
    link.toldVersion = view.version()
    link.toldDigest = book.digest()
    say(link.link, {
      kind: 'status',
      decidedRound: view.decidedRound(),
      ancientThreshold: view.ancientThreshold(),
      frontier: view.frontier(),
      recordsDigest: link.toldDigest,
    })
  }

  function opened(link: number, memberId: number, nowMs: number): void {
    const state: Link = {
      link,
      memberId,
      openedMs: nowMs,
      software: '',
      greeted: false,
      decidedRound: undefined,
      congested: false,
      toldVersion: -1,
      toldDigest: -1,
      controlTokens: tuning.controlBurst,
      controlAtMs: nowMs,
      features: 0,
      writer: createElidedWriter(memberIds),
      unrestorable: MAX_UNRESTORABLE,
    }
    links.set(link, state)
    const { networkId, software } = options
    const features = FEATURES.elided
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
    repairs.opened(link.link, link.memberId)
    elided.opened(link.link, link.memberId)
    trees.opened(link.link, link.memberId)
    records.opened(link.link)
    effects.push({ kind: 'greeted', link: link.link, memberId: link.memberId })
  }

  function spendControl(link: Link, nowMs: number): boolean {
    const refill = ((nowMs - link.controlAtMs) / 1_000) * tuning.controlPerSecond
    link.controlTokens = Math.min(tuning.controlBurst, link.controlTokens + refill) - 1
    link.controlAtMs = nowMs
    return link.controlTokens >= 0
  }

  function frame(id: number, bytes: Uint8Array, nowMs: number): void {
    const link = links.get(id)
    if (link === undefined) return
    lastMs = nowMs
    if (bytes[0] === ELIDED_FRAME) {
      if (!link.greeted) return fail(link, 'no-hello', nowMs)
      if (!elided.heard(id, bytes, nowMs)) fail(link, 'bad-frame', nowMs)
      return
    }
    const received = decodeFrame(bytes)
    if (received === undefined) return fail(link, 'bad-frame', nowMs)
    if (received.kind === 'hello')
      return link.greeted ? fail(link, 'bad-frame', nowMs) : greet(link, received, nowMs)
    if (!link.greeted) return fail(link, 'no-hello', nowMs)
    if (received.kind !== 'events' && !spendControl(link, nowMs)) return fail(link, 'control-flood', nowMs)
    switch (received.kind) {
      case 'status':
        link.decidedRound = received.decidedRound
        records.heardDigest(id, received.recordsDigest, nowMs)
        return repairs.heardStatus(id, received.frontier, nowMs)
      case 'events':
        repairs.heardEvents(id, received.request, nowMs)
        return takeIn(id, received.request, received.events, false)
      case 'want':
        return void effects.push({ kind: 'serve', link: id, want: received })
      case 'want-end':
        return repairs.heardEnd(id, received.request, received.complete, nowMs)
      case 'records':
        if (records.heardRecords(id, received.records, nowMs) === 'faulty')
          fail(link, 'invalid-record', nowMs)
        return
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
    if (nowMs >= nextAdvertMs) advertise(nowMs)
  }

  const isUntold = (link: Link, version: number, digest: number): boolean =>
    link.greeted && !link.congested && (link.toldVersion !== version || link.toldDigest !== digest)

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
    const recordsMs = records.nextTickMs()
    if (recordsMs !== undefined) want(recordsMs)
    const version = view.version()
    const digest = book.digest()
    for (const link of links.values()) {
      if (!link.greeted) want(link.openedMs + tuning.helloTimeoutMs)
      else if (isUntold(link, version, digest)) want(nextAdvertMs)
    }
    // A wish of the past that is still there must not make the caller spin.
    return next === undefined ? undefined : Math.max(next, nowMs + 1)
  }

  function push(event: DecodedEvent): void {
    let whole: Uint8Array | undefined
    // A parent that is not in the peers' memory any more could not be put back.
    const isRecent = (event.selfParent?.birthRound ?? Infinity) > view.ancientThreshold() + 1
    const open = [...links.values()].filter((link) => link.greeted)
    // A random first one: nobody is always the last to be served.
    const start = Math.floor(options.random() * open.length)
    for (let i = 0; i < open.length; i++) {
      const link = open[(start + i) % open.length]!
      if (link.congested) link.writer.interrupt()
      else if ((link.features & FEATURES.elided) !== 0 && isRecent)
        send(link.link, link.writer.write(event, view.numberOf))
      else {
        link.writer.interrupt()
        whole ??= encodeFrame({ kind: 'events', request: 0, events: [event.bytes] })
        send(link.link, whole)
      }
    }
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
    push,
    took: (link, creator, event, { request, isNew }, nowMs) => {
      trees.arrived(link, creator, request !== 0, isNew, nowMs)
      const from = links.get(link)?.memberId
      if (isNew && from !== undefined) trees.relay(creator, event, from)
    },
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
