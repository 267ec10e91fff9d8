/**
 * A member that lies. It holds a graph and an engine of its own, the same as everybody's, so that it always knows what would
 * hurt, and speaks the protocol as far as its plan says; its events are signed and well-formed unless the plan says otherwise.
 * What it does is the sum of independent habits (`LiarPlan`): branches shown to different members, events kept back and let go
 * at a chosen moment, false times and frontiers, floods, censorship, grinding, silence.
 */
import {
  createEvent,
  decodeEvent,
  PROTOCOL_VERSION,
  SALT_BYTES,
  trustVerified,
  type CryptoSuite,
  type EventReference,
  type Genesis,
  type VerifiedEvent,
} from '@hearsay/dag'
import { decodeFrame, encodeFrame, type Frame, type WantFrame } from '@hearsay/gossip'
import { createOrderer, isWanted } from '@hearsay/node'
import type { Random } from './random.ts'
import type { LiarPlan } from './scenario.ts'

export interface LiarWorld {
  readonly genesis: Genesis
  readonly networkId: Uint8Array
  readonly memberId: number
  readonly secretKey: Uint8Array
  readonly suite: CryptoSuite
  readonly random: Random
  readonly plan: LiarPlan
  readonly wallMicros: () => number
  readonly after: (delayMs: number, run: () => void) => void
  /** Members with a link. */
  readonly peers: () => readonly number[]
  readonly send: (to: number, frame: Uint8Array) => void
}

export interface Liar {
  start(): void
  opened(member: number): void
  frame(from: number, bytes: Uint8Array): void
}

const CENTURY_MICROS = 100 * 365 * 86_400 * 1e6
const ADVERT_MS = 250
const WANT_MS = 300
const SERVE_EVENTS = 100

export function createLiar(world: LiarWorld): Liar {
  const { genesis, networkId, memberId, plan, random, suite } = world
  const orderer = createOrderer({
    genesis,
    networkId,
    sha256: suite.sha256,
    onLinked: ({ event }) => void held.push(event),
    onBlock: () => letGo(),
  })
  const { graph } = orderer
  /** Linked events, parents first. */
  const held: VerifiedEvent[] = []
  const heads: VerifiedEvent[] = []
  const own: VerifiedEvent[] = []
  let keptBack: { readonly event: VerifiedEvent; readonly round: number }[] = []
  const lastWantMs = new Map<number, number>()
  let clockMs = 0
  let request = 1
  let made = 0

  const say = (to: number, frame: Frame): void => world.send(to, encodeFrame(frame))
  const show = (to: number, events: readonly VerifiedEvent[]): void =>
    say(to, { kind: 'events', request: 0, events: events.map((event) => event.bytes) })
  const hears = (peer: number): boolean => plan.audience === undefined || plan.audience.includes(peer)

  function opened(member: number): void {
    say(member, {
      kind: 'hello',
      networkId,
      version: PROTOCOL_VERSION,
      memberId,
      software: 'liar',
      features: 0,
    })
    advertise(member)
  }

  function frontierFor(): Map<number, number> {
    const frontier = new Map<number, number>()
    for (const { creator, sequence } of graph.frontier()) {
      if (plan.frontier === 'true') frontier.set(creator, sequence)
      else if (plan.frontier === 'low') frontier.set(creator, 0)
      else if (plan.frontier === 'high') frontier.set(creator, sequence + random.pick([1, 7, 2 ** 40]))
      else frontier.set(creator, random.integer(0, 2 * sequence + 3))
    }
    return frontier
  }

  function advertise(to: number): void {
    const round = orderer.decidedRound()
    const decidedRound = plan.frontier === 'high' ? round + 2 ** 30 : plan.frontier === 'low' ? 0 : round
    say(to, {
      kind: 'status',
      decidedRound,
      ancientThreshold: orderer.ancientThreshold(),
      frontier: frontierFor(),
      recordsDigest: 0,
    })
  }

  function frame(from: number, bytes: Uint8Array): void {
    const received = decodeFrame(bytes)
    if (received?.kind === 'want') return serve(from, received)
    if (received?.kind !== 'events') return
    let waits = false
    for (const view of received.events) {
      const decoded = decodeEvent(view.slice(), networkId, suite.sha256)
      if (!decoded.ok || decoded.event.creator === memberId) continue
      if (orderer.offer(trustVerified(decoded.event), from) === 'waiting') waits = true
    }
    if (waits) ask(from)
  }

  function ask(from: number): void {
    if (clockMs - (lastWantMs.get(from) ?? -WANT_MS) < WANT_MS) return
    lastWantMs.set(from, clockMs)
    const frontier = new Map(graph.frontier().map(({ creator, sequence }) => [creator, sequence]))
    const missing = graph.missing(from, 16)
    const ancientThreshold = orderer.ancientThreshold()
    say(from, { kind: 'want', request: request++, frontier, missing, maxBytes: 1 << 20, ancientThreshold })
  }

  function serve(to: number, want: WantFrame): void {
    if (plan.serves === 'nothing' || !hears(to)) return
    const hidden = new Set(keptBack.map(({ event }) => event.key))
    const wanted = held.filter(
      (event) =>
        !hidden.has(event.key) && !plan.censored.includes(event.creator) && isWanted(want, event.bytes),
    )
    if (plan.serves === 'drip') {
      const first = wanted[0]
      if (first !== undefined)
        world.after(400, () => say(to, { kind: 'events', request: want.request, events: [first.bytes] }))
      return
    }
    for (let i = 0; i < wanted.length; i += SERVE_EVENTS) {
      const events = wanted.slice(i, i + SERVE_EVENTS).map((event) => event.bytes)
      say(to, { kind: 'events', request: want.request, events })
    }
    say(to, { kind: 'want-end', request: want.request, complete: true })
  }

  function chooseSelfParent(): { readonly parent: VerifiedEvent | undefined; readonly branches: boolean } {
    const threshold = orderer.ancientThreshold()
    const alive = own.filter((event) => event.birthRound >= threshold)
    if (plan.branch > 0 && alive.length > 1 && random.chance(plan.branch)) {
      return { parent: random.pick(alive.slice(-8)), branches: true }
    }
    return { parent: heads.length === 0 ? undefined : random.pick(heads), branches: false }
  }

  function otherParents(): EventReference[] {
    const parents: EventReference[] = []
    for (const { id } of genesis.members) {
      const tip = graph.tip(id)
      if (id === memberId || tip === undefined || plan.censored.includes(id) || random.chance(0.15)) continue
      if (graph.get(tip.event.key) !== tip) continue
      parents.push({ creator: id, birthRound: tip.event.birthRound, id: tip.event.id })
    }
    return parents
  }

  function timeAfter(parent: VerifiedEvent | undefined): number {
    const least = (parent?.timestamp ?? 0) + 1
    const now = world.wallMicros()
    switch (plan.timestamps) {
      case 'true':
        return Math.max(least, now)
      case 'past':
        return Math.max(least, now - CENTURY_MICROS / 4)
      case 'future':
        return Math.max(least, now + CENTURY_MICROS)
      case 'random':
        return Math.max(least, Math.round(now + random.between(-1, 1) * 60e6))
      case 'still':
        return least
    }
  }

  function make(): VerifiedEvent {
    const { parent, branches } = chooseSelfParent()
    const parents = otherParents()
    const birthRound = Math.max(orderer.decidedRound() + 1, parent?.birthRound ?? 0)
    const transactions = random.chance(0.15) ? [lieBytes()] : []
    const fields = {
      creator: memberId,
      sequence: (parent?.sequence ?? 0) + 1,
      birthRound,
      timestamp: timeAfter(parent),
      selfParent: parent && { creator: memberId, birthRound: parent.birthRound, id: parent.id },
      otherParents: parents,
      transactions,
    }
    let best = sign({ ...fields, salt: random.bytes(SALT_BYTES) })
    for (let attempt = 0; attempt < plan.grind; attempt++) {
      const other = sign({ ...fields, salt: random.bytes(SALT_BYTES) })
      if (other.key < best.key) best = other
    }
    orderer.offer(best, memberId)
    own.push(best)
    if (own.length > 64) own.shift()
    const at = parent === undefined ? -1 : heads.findIndex((head) => head.key === parent.key)
    if (at >= 0) heads[at] = best
    else if (heads.length < 1 + (branches ? plan.branches : 0)) heads.push(best)
    else heads[random.integer(0, heads.length - 1)] = best
    return best
  }

  const sign = (fields: Parameters<typeof createEvent>[0]): VerifiedEvent =>
    createEvent(fields, networkId, world.secretKey, suite)

  function lieBytes(): Uint8Array {
    const text = `x${memberId}-${made++}`.padEnd(16, ' ')
    return Uint8Array.from(text, (letter) => letter.charCodeAt(0))
  }

  function publish(event: VerifiedEvent): void {
    if (random.chance(plan.withhold)) {
      if (plan.untilRound) keptBack.push({ event, round: event.birthRound + random.integer(1, 3) })
      else world.after(random.between(0, plan.withholdMs), () => spread(event))
      return
    }
    spread(event)
  }

  /** Each branch has its own hearers, mostly. */
  function spread(event: VerifiedEvent): void {
    const head = Math.max(0, heads.indexOf(event))
    const everybody = heads.length < 2 || random.chance(0.3)
    for (const peer of world.peers()) {
      if (hears(peer) && (everybody || peer % heads.length === head)) show(peer, [event])
    }
  }

  function letGo(): void {
    const due = keptBack.filter(({ round }) => round <= orderer.decidedRound())
    if (due.length === 0) return
    keptBack = keptBack.filter(({ round }) => round > orderer.decidedRound())
    for (const { event } of due) spread(event)
  }

  /** An event whose parents nobody has, or that is born far ahead. */
  function flood(): void {
    const nowhere = (creator: number): EventReference => ({
      creator,
      birthRound: orderer.decidedRound() + 1,
      id: random.bytes(32),
    })
    const others = genesis.members.filter(({ id }) => id !== memberId).map(({ id }) => id)
    const ahead = random.chance(0.5)
    const event = sign({
      creator: memberId,
      sequence: ahead ? 1 : 2,
      birthRound: orderer.decidedRound() + (ahead ? random.integer(2, 2_000) : 1),
      timestamp: world.wallMicros(),
      salt: random.bytes(SALT_BYTES),
      selfParent: ahead ? undefined : nowhere(memberId),
      otherParents: ahead ? [] : others.map(nowhere),
      transactions: [],
    })
    for (const peer of world.peers()) show(peer, [event])
  }

  function every(periodMs: number, run: () => void): void {
    world.after(periodMs, () => {
      clockMs += periodMs
      run()
      every(periodMs, run)
    })
  }

  function start(): void {
    every(plan.everyMs, () => publish(make()))
    every(ADVERT_MS, () => {
      const peers = world.peers()
      if (peers.length > 0) advertise(random.pick(peers))
    })
    if (plan.floods > 0) every(1_000 / plan.floods, flood)
    if (plan.garbage > 0) {
      every(500, () => {
        const peers = world.peers()
        if (peers.length > 0 && random.chance(plan.garbage * 5))
          world.send(random.pick(peers), random.bytes(40))
      })
    }
  }

  return { start, opened, frame }
}
