/**
 * Whom to tell what: greets on every link, pushes each own event once to every peer, tells one random peer at a time how
 * far everybody's events are known here, and repairs what is missing by one request that brings all of it, in an order in
 * which parents come first (gossip design, sections 0 and 2.2). A pure state machine: frames and time in, effects out.
 *
 * What a peer says of its frontier is believed only as far as it harms nobody else: a lie makes it get too little, or
 * makes us ask it for what it cannot send, which is bounded by one outstanding request and a deadline.
 */
import { PROTOCOL_VERSION, type EventReference } from '@hearsay/dag'
import {
  decodeFrame,
  encodeFrame,
  type Frontier,
  type HelloFrame,
  type StatusFrame,
  type WantFrame,
} from './frames.ts'

/** Tuning; times in milliseconds. */
export interface GossipTuning {
  /** How often one random peer is told the frontier, while it changes. */
  readonly advertEveryMs: number
  /** How long a missing event may be on its way by itself before it is asked for. */
  readonly graceMs: number
  /** A repair that brings nothing for this long is given up. */
  readonly repairTimeoutMs: number
  /** How much one repair may bring, in bytes; then the next is asked for. */
  readonly repairBytes: number
  /** No greeting within this time: the link is closed. */
  readonly helloTimeoutMs: number
  /** Control frames that a link may send at once, and per second after that. */
  readonly controlBurst: number
  readonly controlPerSecond: number
}

export const DEFAULT_TUNING: GossipTuning = {
  advertEveryMs: 250,
  graceMs: 40,
  repairTimeoutMs: 3_000,
  repairBytes: 4 * 1024 * 1024,
  helloTimeoutMs: 5_000,
  controlBurst: 400,
  controlPerSecond: 100,
}

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
] as const
export type LinkFault = (typeof LINK_FAULTS)[number]

export interface GossipOptions {
  readonly networkId: Uint8Array
  readonly memberId: number
  readonly software: string
  /** From 0 to below 1; decides only whom to talk to. */
  readonly random: () => number
  readonly tuning?: Partial<GossipTuning>
}

/** What gossip needs to know of the graph. */
export interface GossipView {
  /** Highest sequence number held of every member, own events only as far as they are durable. */
  frontier(): Frontier
  sequenceOf(creator: number): number
  /** Changes whenever the frontier changes. */
  version(): number
  missing(limit: number): readonly EventReference[]
  decidedRound(): number
  ancientThreshold(): number
}

export type GossipEffect =
  | { readonly kind: 'send'; readonly link: number; readonly frame: Uint8Array }
  | { readonly kind: 'close'; readonly link: number; readonly fault: LinkFault }
  | {
      readonly kind: 'events'
      readonly link: number
      readonly memberId: number
      readonly events: readonly Uint8Array[]
    }
  | { readonly kind: 'serve'; readonly link: number; readonly want: WantFrame }

export interface PeerView {
  readonly memberId: number
  readonly link: number
  readonly software: string
  /** What the peer last said of itself. */
  readonly decidedRound: number | undefined
}

export interface Gossip {
  opened(link: number, memberId: number, nowMs: number): void
  closed(link: number, nowMs: number): void
  frame(link: number, bytes: Uint8Array, nowMs: number): void
  /** The link's buffer is over its bound, or below it again. A congested link gets no pushes; it repairs afterwards. */
  congested(link: number, isCongested: boolean): void
  /** A new own event, durable by now. */
  push(event: Uint8Array): void
  /** This link brought an event whose parents are missing. */
  orphan(link: number, nowMs: number): void
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
  status: StatusFrame | undefined
  congested: boolean
  /** The view's version when the frontier was last told here. */
  toldVersion: number
  /** Since when the peer has events that we lack, or undefined. */
  lackingSinceMs: number | undefined
  controlTokens: number
  controlAtMs: number
}

interface Repair {
  readonly link: number
  readonly request: number
  versionBefore: number
  heardMs: number
}

export function createGossip(options: GossipOptions, view: GossipView): Gossip {
  const tuning = { ...DEFAULT_TUNING, ...options.tuning }
  const links = new Map<number, Link>()
  let effects: GossipEffect[] = []
  let repair: Repair | undefined
  let nextRequest = 1
  let nextAdvertMs = 0
  /** Since when parents are missing, who last brought a child of theirs, and how often asking was in vain. */
  let orphanSinceMs: number | undefined
  let orphanLink: number | undefined
  let vainRepairs = 0
  let notBeforeMs = 0

  const send = (link: number, frame: Uint8Array): void => void effects.push({ kind: 'send', link, frame })

  function fail(link: Link, fault: LinkFault): void {
    effects.push({ kind: 'close', link: link.link, fault })
    drop(link.link)
  }

  function drop(link: number): void {
    links.delete(link)
    if (repair?.link === link) repair = undefined
  }

  function tell(link: Link): void {
    link.toldVersion = view.version()
    send(
      link.link,
      encodeFrame({
        kind: 'status',
        decidedRound: view.decidedRound(),
        ancientThreshold: view.ancientThreshold(),
        frontier: view.frontier(),
      }),
    )
  }

  function opened(link: number, memberId: number, nowMs: number): void {
    const state: Link = {
      link,
      memberId,
      openedMs: nowMs,
      software: '',
      greeted: false,
      status: undefined,
      congested: false,
      toldVersion: -1,
      lackingSinceMs: undefined,
      controlTokens: tuning.controlBurst,
      controlAtMs: nowMs,
    }
    links.set(link, state)
    const { networkId, software } = options
    send(
      link,
      encodeFrame({
        kind: 'hello',
        networkId,
        version: PROTOCOL_VERSION,
        memberId: options.memberId,
        software,
      }),
    )
    tell(state)
  }

  /** The networks and versions must be the same, and the member the one that the certificate named. */
  function greet(link: Link, hello: HelloFrame): void {
    if (hello.networkId.some((byte, i) => byte !== options.networkId[i])) return fail(link, 'wrong-network')
    if (hello.version !== PROTOCOL_VERSION) return fail(link, 'unknown-version')
    if (hello.memberId !== link.memberId) return fail(link, 'wrong-member')
    link.greeted = true
    link.software = hello.software
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
    const received = decodeFrame(bytes)
    if (received === undefined) return fail(link, 'bad-frame')
    if (received.kind === 'hello') return link.greeted ? fail(link, 'bad-frame') : greet(link, received)
    if (!link.greeted) return fail(link, 'no-hello')
    if (received.kind !== 'events' && !spendControl(link, nowMs)) return fail(link, 'control-flood')
    switch (received.kind) {
      case 'status':
        return heardStatus(link, received, nowMs)
      case 'events':
        if (repair?.link === id && repair.request === received.request) repair.heardMs = nowMs
        return void effects.push({
          kind: 'events',
          link: id,
          memberId: link.memberId,
          events: received.events,
        })
      case 'want':
        return void effects.push({ kind: 'serve', link: id, want: received })
      case 'want-end':
        if (repair?.link === id && repair.request === received.request)
          endRepair(link, received.complete, nowMs)
    }
  }

  function heardStatus(link: Link, status: StatusFrame, nowMs: number): void {
    const first = link.status === undefined
    if (!lacks(link)) link.lackingSinceMs = undefined
    link.status = status
    // After a reconnection nothing is on its way by itself: ask at once.
    if (lacks(link)) link.lackingSinceMs ??= first ? nowMs - tuning.graceMs : nowMs
    tick(nowMs)
  }

  function lacks(link: Link): boolean {
    if (link.status === undefined) return false
    for (const [creator, sequence] of link.status.frontier)
      if (sequence > view.sequenceOf(creator)) return true
    return false
  }

  function endRepair(link: Link, complete: boolean, nowMs: number): void {
    const brought = view.version() !== repair!.versionBefore
    repair = undefined
    if (!complete && brought) return ask(link, nowMs)
    link.lackingSinceMs = undefined
    if (!brought) giveUp(nowMs)
    else vainRepairs = 0
  }

  /** Nothing came of a repair: wait longer before the next, and let another peer try. */
  function giveUp(nowMs: number): void {
    vainRepairs += 1
    orphanLink = undefined
    notBeforeMs = nowMs + Math.min(2_000, tuning.graceMs * 2 ** Math.min(vainRepairs, 10))
  }

  function ask(link: Link, nowMs: number): void {
    const request = nextRequest++
    repair = { link: link.link, request, versionBefore: view.version(), heardMs: nowMs }
    // A frontier says all unless a member has branched; when it has not helped, the missing parents are named as well.
    const missing = vainRepairs > 0 ? view.missing(64) : []
    const maxBytes = tuning.repairBytes
    send(link.link, encodeFrame({ kind: 'want', request, frontier: view.frontier(), missing, maxBytes }))
  }

  function chooseForRepair(nowMs: number): Link | undefined {
    const due = (since: number | undefined): boolean => since !== undefined && nowMs - since >= tuning.graceMs
    const candidates: Link[] = []
    for (const link of links.values()) {
      if (!link.greeted) continue
      if (link.lackingSinceMs !== undefined && !lacks(link)) link.lackingSinceMs = undefined
      if (due(link.lackingSinceMs)) candidates.push(link)
    }
    if (orphanSinceMs !== undefined && view.missing(1).length === 0) orphanSinceMs = undefined
    if (due(orphanSinceMs)) {
      const bringer = links.get(orphanLink ?? -1)
      if (bringer?.greeted === true) return bringer
      if (candidates.length === 0) for (const link of links.values()) if (link.greeted) candidates.push(link)
    }
    return candidates[Math.floor(options.random() * candidates.length)]
  }

  function tick(nowMs: number): void {
    for (const link of links.values()) {
      if (!link.greeted && nowMs - link.openedMs >= tuning.helloTimeoutMs) fail(link, 'hello-timeout')
    }
    if (repair !== undefined && nowMs - repair.heardMs >= tuning.repairTimeoutMs) {
      repair = undefined
      giveUp(nowMs)
    }
    if (repair === undefined && nowMs >= notBeforeMs) {
      const link = chooseForRepair(nowMs)
      if (link !== undefined) ask(link, nowMs)
    }
    if (nowMs >= nextAdvertMs) advertise(nowMs)
  }

  function advertise(nowMs: number): void {
    const version = view.version()
    const untold = [...links.values()].filter(
      (link) => link.greeted && link.toldVersion !== version && !link.congested,
    )
    const link = untold[Math.floor(options.random() * untold.length)]
    if (link === undefined) return
    nextAdvertMs = nowMs + tuning.advertEveryMs
    tell(link)
  }

  function nextTickMs(nowMs: number): number | undefined {
    let next: number | undefined
    const want = (at: number): void => void (next = next === undefined ? at : Math.min(next, at))
    const version = view.version()
    let hasPeer = false
    for (const link of links.values()) {
      if (!link.greeted) {
        want(link.openedMs + tuning.helloTimeoutMs)
        continue
      }
      hasPeer = true
      if (link.toldVersion !== version && !link.congested) want(nextAdvertMs)
      if (repair !== undefined || link.lackingSinceMs === undefined) continue
      want(Math.max(link.lackingSinceMs + tuning.graceMs, notBeforeMs))
    }
    if (repair !== undefined) want(repair.heardMs + tuning.repairTimeoutMs)
    else if (orphanSinceMs !== undefined && hasPeer) want(Math.max(orphanSinceMs + tuning.graceMs, notBeforeMs))
    // A wish of the past that is still there must not make the caller spin.
    return next === undefined ? undefined : Math.max(next, nowMs + 1)
  }

  function push(event: Uint8Array): void {
    const encoded = encodeFrame({ kind: 'events', request: 0, events: [event] })
    const greeted = [...links.values()].filter((link) => link.greeted && !link.congested)
    // A random first one: nobody is always the last to be served.
    const start = Math.floor(options.random() * greeted.length)
    for (let i = 0; i < greeted.length; i++) send(greeted[(start + i) % greeted.length]!.link, encoded)
  }

  return {
    opened,
    closed: drop,
    frame,
    congested: (id, isCongested) => {
      const link = links.get(id)
      if (link === undefined || link.congested === isCongested) return
      link.congested = isCongested
      // What was not pushed meanwhile is asked for by the peer as soon as it knows of it.
      if (!isCongested && link.greeted) tell(link)
    },
    push,
    orphan: (link, nowMs) => {
      orphanSinceMs ??= nowMs
      orphanLink = link
    },
    tick,
    nextTickMs,
    takeEffects: () => {
      const taken = effects
      effects = []
      return taken
    },
    peers: () =>
      [...links.values()]
        .filter((link) => link.greeted)
        .map(({ memberId, link, software, status }) => ({
          memberId,
          link,
          software,
          decidedRound: status?.decidedRound,
        })),
  }
}
