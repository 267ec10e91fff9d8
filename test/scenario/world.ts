/**
 * A small world for members: the real state machines, signatures and journal records, in virtual time from one seed. Links
 * have random delays and can be cut; a member can be killed, losing what was not durable, and be started again from its
 * records. After every step each member's ledger is checked against the longest known.
 */
import type { Block } from '@hearsay/consensus'
import { networkIdOf, peekEvent, toHex, type Genesis } from '@hearsay/dag'
import type { CryptoSuite } from '@hearsay/dag'
import { createNativeSuite } from '@hearsay/dag/native'
import { encodeFrame } from '@hearsay/gossip'
import {
  createJournalFloor,
  createMember,
  decodeSnapshot,
  encodeSnapshot,
  isWanted,
  RECORD_EVENT,
  type MemberEffect,
  type MemberInput,
} from '@hearsay/node'

import { seeded } from '../seeded.ts'
import type { Node, Stored, World, WorldOptions } from './world-types.ts'

export const suite: CryptoSuite = createNativeSuite()

interface Job {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

const linkName = (a: number, b: number): string => (a < b ? `${a}-${b}` : `${b}-${a}`)
export type { Puppet, World, WorldOptions } from './world-types.ts'
export { orderedTexts, selfBranches } from './reading.ts'

/** The link number that a member uses for another. */
const linkOf = (to: number): number => to

export function createWorld(options: WorldOptions): World {
  const random = seeded(options.seed)
  const between = ([low, high]: readonly [number, number]): number => low + random() * (high - low)
  const bytes = (count: number): Uint8Array =>
    Uint8Array.from({ length: count }, () => Math.floor(random() * 256))
  const secretKeys = Array.from({ length: options.members }, () => bytes(32))
  const genesis: Genesis = {
    coinFrequency: options.coinFrequency ?? 12,
    roundsNonAncient: options.roundsNonAncient ?? 26,
    salt: bytes(16),
    members: secretKeys.map((key, i) => ({
      id: i + 1,
      name: `m${i + 1}`,
      publicKey: suite.publicKey(key),
      weight: options.weights?.[i] ?? 1,
    })),
  }
  const delayMs = options.delayMs ?? [1, 20]
  const syncMs = options.syncMs ?? [0.1, 3]
  const jobs: Job[] = []
  const cut = new Set<string>()
  const lastArrival = new Map<string, number>()
  /** What was on its way over a link before it was closed is gone. */
  const epochs = new Map<string, number>()
  const canonical: string[] = []
  const closedLinks: string[] = []
  const slowDisks = new Map<number, number>()
  const puppets = new Map<number, (from: number, frame: Uint8Array) => void>()
  let nowMs = 0
  let order = 0
  let nextTicket = 1
  let createdEvents = 0
  /** Place of the record that is being replayed. */
  let replayedAt = 0

  const nodes: Node[] = secretKeys.map((_, i) => fresh(i + 1, []))

  function fresh(id: number, records: Stored[], old?: Node): Node {
    const taken =
      old?.snapshot && decodeSnapshot(old.snapshot.bytes, networkIdOf(genesis, suite.sha256), suite.sha256)
    if (taken?.ok === false) throw new Error(`seed ${options.seed}: snapshot: ${taken.reason}`)
    const member = createMember({
      snapshot: taken?.snapshot.member,
      genesis,
      memberId: id,
      secretKey: secretKeys[id - 1]!,
      suite,
      software: 'world',
      random,
      randomBytes: bytes,
      ...options.member,
    })
    const durable = records.length
    const base = { id, member, alive: false, life: 0, records, durable, durableSequence: 0 }
    const rest = {
      finals: [],
      failure: undefined,
      tickAtMs: undefined,
      ticks: 0,
      floor: createJournalFloor(),
    }
    const blocks = old?.snapshot === undefined ? [] : old.blocks.slice(0, old.snapshot.blocks)
    return { ...base, ...rest, blocks, snapshot: old?.snapshot }
  }

  function at(delay: number, run: () => void): void {
    const job = { atMs: nowMs + delay, order: order++, run }
    // Binary insertion: latest first, so that the next one is popped.
    let low = 0
    let high = jobs.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = jobs[middle]!
      if (other.atMs > job.atMs || (other.atMs === job.atMs && other.order > job.order)) low = middle + 1
      else high = middle
    }
    jobs.splice(low, 0, job)
  }

  const isThere = (id: number): boolean => nodes[id - 1]!.alive || puppets.has(id)
  const isOpen = (a: number, b: number): boolean => isThere(a) && isThere(b) && !cut.has(linkName(a, b))

  function input(node: Node, what: MemberInput): void {
    if (!node.alive) return
    const effects = node.member.step(what, {
      monotonicMs: nowMs,
      wallMicros: Math.round(1_700_000_000_000_000 + nowMs * 1_000),
      loopLagMs: 0,
    })
    for (const effect of effects) execute(node, effect)
    const tickAt = node.member.nextTickMs(nowMs)
    if (tickAt !== undefined && tickAt !== node.tickAtMs) {
      node.tickAtMs = tickAt
      const { life } = node
      at(Math.max(0, tickAt - nowMs), () => {
        if (node.life === life && node.tickAtMs === tickAt) {
          node.tickAtMs = undefined
          node.ticks += 1
          input(node, { kind: 'tick' })
        }
      })
    }
  }

  function execute(node: Node, effect: MemberEffect): void {
    const { life } = node
    options.observe?.(node.id, effect)
    switch (effect.kind) {
      case 'append':
        if (effect.recordKind === RECORD_EVENT) node.floor.note(effect.birthRound, node.records.length)
        node.records.push({ kind: effect.recordKind, bytes: effect.bytes })
        if (effect.recordKind === RECORD_EVENT && peekEvent(effect.bytes).creator === node.id)
          createdEvents += 1
        return
      case 'sync': {
        const upTo = node.records.length
        return at(slowDisks.get(node.id) ?? between(syncMs), () => {
          if (node.life !== life || !node.alive) return
          node.durable = Math.max(node.durable, upTo)
          node.durableSequence = effect.sequence
          input(node, { kind: 'durable', sequence: effect.sequence })
        })
      }
      case 'send':
        return transmit(node, effect.link, effect.frame)
      case 'serve':
        return serve(node, effect)
      case 'close':
        closedLinks.push(effect.fault)
        disconnect(node.id, effect.link)
        return at(500, () => connect(node.id, effect.link))
      case 'deliver':
        return deliver(node, effect.block)
      case 'replayed':
        return node.floor.note(effect.birthRound, replayedAt)
      case 'final':
        return void node.finals.push(effect)
      case 'fail':
        node.failure = effect.code
        return
      default:
    }
  }

  /** In order, as on a real link. */
  function transmit(node: Node, to: number, frame: Uint8Array): void {
    const target = nodes[to - 1]!
    const lives = [node.life, target.life]
    const direction = `${node.id}>${to}`
    const epoch = epochs.get(linkName(node.id, to)) ?? 0
    const arrivesMs = Math.max(nowMs + between(delayMs), lastArrival.get(direction) ?? 0)
    lastArrival.set(direction, arrivesMs)
    at(arrivesMs - nowMs, () => {
      if (!isOpen(node.id, to) || node.life !== lives[0] || target.life !== lives[1]) return
      if (epoch !== (epochs.get(linkName(node.id, to)) ?? 0)) return
      const puppet = puppets.get(to)
      if (puppet !== undefined) puppet(node.id, frame)
      else input(target, { kind: 'frame', link: linkOf(node.id), bytes: frame })
    })
  }

  function serve(node: Node, { link, want }: Extract<MemberEffect, { kind: 'serve' }>): void {
    const wanted = node.records
      .filter((record) => record.kind === RECORD_EVENT && isWanted(want, record.bytes))
      .map((record) => record.bytes)
      .filter(
        (event) => peekEvent(event).creator !== node.id || peekEvent(event).sequence <= node.durableSequence,
      )
    for (let i = 0; i < wanted.length; i += 100) {
      transmit(
        node,
        link,
        encodeFrame({ kind: 'events', request: want.request, events: wanted.slice(i, i + 100) }),
      )
    }
    transmit(node, link, encodeFrame({ kind: 'want-end', request: want.request, complete: true }))
  }

  /** Agreement: every member's blocks are a prefix of the longest known chain. */
  function deliver(node: Node, block: Block): void {
    const hash = toHex(block.hash)
    const known = canonical[block.round - 1]
    if (known === undefined) canonical.push(hash)
    else if (known !== hash) {
      throw new Error(`seed ${options.seed}: member ${node.id} has another round ${block.round}`)
    }
    if (canonical.length < block.round)
      throw new Error(`seed ${options.seed}: a gap before round ${block.round}`)
    node.blocks.push(block)
    node.floor.advance(block.ancientThreshold)
  }

  function snapshot(id: number): void {
    const node = nodes[id - 1]!
    const { life } = node
    const end = node.records.length
    const bytes = encodeSnapshot(
      {
        member: node.member.snapshot(),
        journalFrom: 0,
        journalEnd: end,
        ledgerFrom: 0,
        marks: new Uint8Array(0),
        application: new Uint8Array(0),
      },
      networkIdOf(genesis, suite.sha256),
      suite.sha256,
    )
    const blocks = node.blocks.length
    const from = node.floor.from(end)
    const keep = (): void => {
      if (node.life !== life || !node.alive) return
      if (node.durable >= end) node.snapshot = { bytes, blocks, from }
      else at(1, keep)
    }
    keep()
  }

  function connect(a: number, b: number): void {
    if (!isOpen(a, b)) return
    input(nodes[a - 1]!, { kind: 'opened', link: linkOf(b), memberId: b })
    input(nodes[b - 1]!, { kind: 'opened', link: linkOf(a), memberId: a })
  }

  function disconnect(a: number, b: number): void {
    epochs.set(linkName(a, b), (epochs.get(linkName(a, b)) ?? 0) + 1)
    input(nodes[a - 1]!, { kind: 'closed', link: linkOf(b) })
    input(nodes[b - 1]!, { kind: 'closed', link: linkOf(a) })
  }

  function start(id: number): void {
    const old = nodes[id - 1]!
    if (old.alive) return
    const node = fresh(id, old.records.slice(0, old.durable), old)
    node.life = old.life + 1
    nodes[id - 1] = node
    node.alive = true
    for (replayedAt = node.snapshot?.from ?? 0; replayedAt < node.records.length; replayedAt++) {
      const { kind, bytes: recorded } = node.records[replayedAt]!
      input(node, { kind: 'replay', recordKind: kind, bytes: recorded })
    }
    if (!node.member.isRestored()) throw new Error(`seed ${options.seed}: member ${id} is not restored`)
    node.durableSequence = node.member.view().ownSequence
    input(node, { kind: 'start' })
    for (const other of nodes) if (other.id !== id) connect(id, other.id)
  }

  function kill(id: number): void {
    const node = nodes[id - 1]!
    node.alive = false
    node.life += 1
    for (const other of nodes) if (other.id !== id) input(other, { kind: 'closed', link: linkOf(id) })
  }

  function runUntil(untilMs: number): void {
    for (let job = jobs.at(-1); job !== undefined && job.atMs <= untilMs; job = jobs.at(-1)) {
      jobs.pop()
      nowMs = job.atMs
      job.run()
    }
    nowMs = untilMs
  }

  function submit(id: number, text: string): number {
    const ticket = nextTicket++
    input(nodes[id - 1]!, { kind: 'submit', ticket, bytes: new TextEncoder().encode(text) })
    return ticket
  }

  return {
    genesis,
    node: (id: number) => nodes[id - 1]!,
    nodes: () => nodes,
    start,
    startAll: () => {
      for (const { id } of nodes) start(id)
    },
    kill,
    cut: (a: number, b: number) => {
      cut.add(linkName(a, b))
      disconnect(a, b)
    },
    heal: (a: number, b: number) => {
      if (cut.delete(linkName(a, b))) connect(a, b)
    },
    submit,
    run: (forMs: number) => runUntil(nowMs + forMs),
    random,
    now: () => nowMs,
    closedLinks,
    createdEvents: () => createdEvents,
    input: (id: number, what: MemberInput) => input(nodes[id - 1]!, what),
    secretKey: (id: number) => secretKeys[id - 1]!,
    snapshot,
    slowDisk: (id, ms) => void slowDisks.set(id, ms),
    puppet: (id, receive) => {
      puppets.set(id, receive)
      return {
        connect: () => {
          for (const other of nodes) if (other.alive) connect(id, other.id)
        },
        send: (to, frame) => transmit(nodes[id - 1]!, to, frame),
      }
    },
    after: at,
  }
}
