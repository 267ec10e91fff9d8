/**
 * Whole members in virtual time for figures of the protocol: links with delays, bandwidth and loss (as TCP shows it: later,
 * never out of order), members that stall, freeze or die, pairs that have no link. Signatures are the simulator's, which cost nothing.
 * Everything comes from one seed.
 */
import { peekEvent, type CryptoSuite, type Genesis } from '@hearsay/dag'
import { createNativeSuite } from '@hearsay/dag/native'
import { type GossipTuning } from '@hearsay/gossip'
import {
  createMember,
  createRepairIndex,
  RECORD_EVENT,
  type Member,
  type MemberEffect,
  type MemberInput,
} from '@hearsay/node'
import { createRepairServer, type Clock, type RepairServer, type Timer } from '@hearsay/node/process'
import { createAgenda, createFastSuite } from '@hearsay/simulator'
import { genesisOf } from '../genesis.ts'
import { seeded } from '../seeded.ts'

export interface NetOptions {
  readonly seed: number
  readonly members: number
  /** One way, by pair. */
  readonly latencyMs: (a: number, b: number) => number
  readonly jitterMs?: number
  /** Chance that a segment is lost and sent again. */
  readonly loss?: number
  /** Chance that a push is dropped by the transport as if it had never been sent. */
  readonly dropPushes?: number
  readonly bytesPerSecond?: number
  /** Own events at most so often. */
  readonly eventEveryMs?: number
  readonly tuning?: Partial<GossipTuning>
  /** Members that the caller plays: they do nothing of themselves, and what they are sent goes to `heard`. */
  readonly liars?: readonly number[]
  readonly heard?: (liar: number, from: number, frame: Uint8Array) => void
}

interface Node {
  readonly id: number
  readonly member: Member
  alive: boolean
  stalledUntilMs: number
  readonly records: Uint8Array[]
  /** Serves repairs from `records`, as a node does from its journal. */
  readonly repair: RepairServer
  readonly note: (event: Uint8Array) => void
  readonly blocks: string[]
  tickAtMs: number
}

export interface Arrival {
  readonly creator: number
  readonly sequence: number
  readonly at: number
  readonly latencyMs: number
}

export interface Net {
  readonly nodes: readonly Node[]
  readonly arrivals: Arrival[]
  created(): number
  duplicates(): number
  now(): number
  run(forMs: number): void
  after(ms: number, act: () => void): void
  submit(id: number, bytes: number): void
  /** Submits at a member again and again. */
  load(everyMs: number, bytes: number, ids?: readonly number[]): void
  stopLoad(): void
  block(a: number, b: number): void
  unblock(a: number, b: number): void
  /** It does nothing until then; what it is sent waits. */
  stall(id: number, forMs: number): void
  kill(id: number): void
  linked(): number
  heldBy(id: number): ReadonlySet<string>
  opens(): number
  input(id: number, what: MemberInput): void
  readonly failures: string[]
  readonly genesis: Genesis
  readonly suite: CryptoSuite
  secretKey(id: number): Uint8Array
  /** From a member that the caller plays. */
  send(from: number, to: number, frame: Uint8Array): void
}

const REDIAL_MS = 250

const pair = (a: number, b: number): string => (a < b ? `${a}-${b}` : `${b}-${a}`)

export function createNet(options: NetOptions): Net {
  const random = seeded(options.seed)
  const suite = createFastSuite(createNativeSuite().sha256)
  const agenda = createAgenda()
  const bytes = (count: number): Uint8Array =>
    Uint8Array.from({ length: count }, () => Math.floor(random() * 256))
  const secretKeys = Array.from({ length: options.members }, () => bytes(32))
  const genesis = genesisOf(suite, secretKeys, bytes(16))
  const blocked = new Set<string>()
  const epochs = new Map<string, number>()
  const freeAt = new Map<string, number>()
  const arrivesAt = new Map<string, number>()
  const madeAt = new Map<string, number>()
  const arrivals: Arrival[] = []
  const failures: string[] = []
  const canonical: string[] = []
  let loading = false
  let opens = 0
  let ticket = 1

  const epochOf = (a: number, b: number): number => epochs.get(pair(a, b)) ?? 0
  const isUp = (a: number, b: number): boolean =>
    nodes[a - 1]!.alive && nodes[b - 1]!.alive && !blocked.has(pair(a, b))

  const clock: Clock = {
    monotonicMs: agenda.now,
    wallMicros: () => Math.round(1.7e15 + agenda.now() * 1_000),
    // As in the runtime: never at once.
    setTimer: (delayMs, run) => {
      agenda.after(Math.max(1, delayMs), run)
      return {} as Timer
    },
    clearTimer: () => undefined,
  }

  function serverOf(id: number): Pick<Node, 'records' | 'repair' | 'note'> {
    const records: Uint8Array[] = []
    const offsets: number[] = []
    let end = 0
    const index = createRepairIndex(genesis.members.map((member) => member.id))
    const repair = createRepairServer({
      clock,
      index,
      memberId: id,
      journal: { readFrom: (offset, most) => readRecords(records, offsets, end, offset, most) },
      durableSequence: () => nodes[id - 1]!.member.view().durableSequence,
      send: (link, frame) => transmit(id, link, frame),
      bufferedBytes: (link) => waitingBytes(id, link),
      onError: (error) => {
        throw error
      },
    })
    const note = (event: Uint8Array): void => {
      index.note(end, event)
      records.push(event)
      offsets.push(end)
      end += event.length
    }
    return { records, repair, note }
  }

  /** What has not left for the line yet. */
  function waitingBytes(from: number, to: number): number {
    const waitMs = (freeAt.get(`${from}>${to}`) ?? 0) - agenda.now()
    return waitMs <= 0 ? 0 : (waitMs * (options.bytesPerSecond ?? 0)) / 1_000
  }

  const nodes: Node[] = secretKeys.map((secretKey, i) => ({
    id: i + 1,
    member: createMember({
      genesis,
      memberId: i + 1,
      secretKey,
      suite,
      software: 'net',
      random,
      randomBytes: bytes,
      creator: { minGapMs: options.eventEveryMs ?? 2 },
      ...(options.tuning === undefined ? {} : { gossip: options.tuning }),
    }),
    alive: true,
    stalledUntilMs: 0,
    ...serverOf(i + 1),
    blocks: [],
    tickAtMs: Infinity,
  }))

  function input(node: Node, what: MemberInput): void {
    if (!node.alive) return
    if (options.liars?.includes(node.id) === true) {
      if (what.kind === 'frame') options.heard?.(node.id, what.link, what.bytes)
      return
    }
    const waitMs = node.stalledUntilMs - agenda.now()
    if (waitMs > 0) return agenda.after(waitMs, () => input(node, what))
    const nowMs = agenda.now()
    const moment = { monotonicMs: nowMs, wallMicros: Math.round(1.7e15 + nowMs * 1_000), loopLagMs: 0 }
    for (const effect of node.member.step(what, moment)) execute(node, effect)
    schedule(node)
  }

  function schedule(node: Node): void {
    const nowMs = agenda.now()
    const atMs = node.member.nextTickMs(nowMs) ?? Infinity
    if (atMs === node.tickAtMs || atMs === Infinity) return
    node.tickAtMs = atMs
    agenda.after(Math.max(0, atMs - nowMs), () => {
      if (node.tickAtMs !== atMs) return
      node.tickAtMs = Infinity
      input(node, { kind: 'tick' })
    })
  }

  function execute(node: Node, effect: MemberEffect): void {
    switch (effect.kind) {
      case 'append':
        if (effect.recordKind === RECORD_EVENT) noteEvent(node, effect.bytes)
        return
      case 'sync':
        return agenda.after(0.5, () => {
          madeAt.set(`${node.id}/${effect.sequence}`, agenda.now())
          input(node, { kind: 'durable', sequence: effect.sequence })
        })
      case 'send':
        return transmit(node.id, effect.link, effect.frame)
      case 'serve':
        return node.repair.serve(effect.link, effect.want)
      case 'credit':
        return node.repair.credit(effect.link, effect.request, effect.bytes)
      case 'close':
        failures.push(effect.fault)
        return cut(node.id, effect.link)
      case 'deliver': {
        const hash = Buffer.from(effect.block.hash).toString('hex')
        const known = canonical[effect.block.round - 1]
        if (known === undefined) canonical.push(hash)
        else if (known !== hash)
          throw new Error(`seed ${options.seed}: two different rounds ${effect.block.round}`)
        return void node.blocks.push(hash)
      }
      default:
    }
  }

  function noteEvent(node: Node, event: Uint8Array): void {
    node.note(event)
    const { creator, sequence } = peekEvent(event)
    if (creator === node.id) return
    const made = madeAt.get(`${creator}/${sequence}`) ?? agenda.now()
    arrivals.push({ creator, sequence, at: node.id, latencyMs: agenda.now() - made })
  }

  /** In order; what is lost is sent again after 200 ms, doubling, as TCP does. */
  function transmit(from: number, to: number, frame: Uint8Array): void {
    const isPush = frame[0] === 2
    if (isPush && options.dropPushes !== undefined && random() < options.dropPushes) return
    const way = `${from}>${to}`
    const epoch = epochOf(from, to)
    const startMs = Math.max(agenda.now(), freeAt.get(way) ?? 0)
    const leftMs = startMs + (frame.length * 1_000) / (options.bytesPerSecond ?? Infinity)
    freeAt.set(way, leftMs)
    let delayMs = options.latencyMs(from, to) + random() * (options.jitterMs ?? 0)
    for (let again = 200; random() < (options.loss ?? 0); again *= 2) delayMs += again
    const atMs = Math.max(leftMs + delayMs, arrivesAt.get(way) ?? 0)
    arrivesAt.set(way, atMs)
    agenda.after(atMs - agenda.now(), () => {
      if (!isUp(from, to) || epochOf(from, to) !== epoch) return
      input(nodes[to - 1]!, { kind: 'frame', link: from, bytes: frame })
    })
  }

  function connect(a: number, b: number): void {
    if (!isUp(a, b)) return
    opens += 1
    epochs.set(pair(a, b), epochOf(a, b) + 1)
    input(nodes[a - 1]!, { kind: 'opened', link: b, memberId: b })
    input(nodes[b - 1]!, { kind: 'opened', link: a, memberId: a })
  }

  function cut(a: number, b: number): void {
    epochs.set(pair(a, b), epochOf(a, b) + 1)
    freeAt.delete(`${a}>${b}`)
    freeAt.delete(`${b}>${a}`)
    nodes[a - 1]!.repair.closed(b)
    nodes[b - 1]!.repair.closed(a)
    input(nodes[a - 1]!, { kind: 'closed', link: b })
    input(nodes[b - 1]!, { kind: 'closed', link: a })
    const epoch = epochOf(a, b)
    agenda.after(REDIAL_MS, () => {
      if (epochOf(a, b) === epoch) connect(a, b)
    })
  }

  function load(everyMs: number, size: number, ids = nodes.map(({ id }) => id)): void {
    loading = true
    for (const id of ids) {
      const again = (): void => {
        if (!loading) return
        submit(id, size)
        agenda.after(everyMs * (0.9 + random() * 0.2), again)
      }
      agenda.after(random() * everyMs, again)
    }
  }

  function submit(id: number, size: number): void {
    input(nodes[id - 1]!, { kind: 'submit', ticket: ticket++, bytes: bytes(size) })
  }

  for (const node of nodes) input(node, { kind: 'start' })
  // All pairs at once; blocked ones are cut before anything has gone over them.
  agenda.after(0, () => {
    for (let a = 1; a <= options.members; a++) for (let b = a + 1; b <= options.members; b++) connect(a, b)
  })

  return {
    nodes,
    arrivals,
    failures,
    created: () => madeAt.size,
    duplicates: () =>
      nodes.reduce((sum, { member }) => sum + (member.view().counters.get('event-duplicate') ?? 0), 0),
    now: agenda.now,
    run: (forMs) => {
      const untilMs = agenda.now() + forMs
      for (let next = agenda.next(untilMs); next !== undefined; next = agenda.next(untilMs)) next()
    },
    after: agenda.after,
    submit,
    load,
    stopLoad: () => void (loading = false),
    block: (a, b) => {
      blocked.add(pair(a, b))
      cut(a, b)
    },
    unblock: (a, b) => {
      if (blocked.delete(pair(a, b))) connect(a, b)
    },
    stall: (id, forMs) => void (nodes[id - 1]!.stalledUntilMs = agenda.now() + forMs),
    kill: (id) => {
      nodes[id - 1]!.alive = false
      for (const { id: other } of nodes) if (other !== id) cut(id, other)
    },
    linked: () => nodes.reduce((sum, { records }) => sum + records.length, 0),
    heldBy: (id) =>
      new Set(
        nodes[id - 1]!.records.map((event) => {
          const { creator, sequence } = peekEvent(event)
          return `${creator}/${sequence}`
        }),
      ),
    opens: () => opens,
    genesis,
    suite,
    secretKey: (id) => secretKeys[id - 1]!,
    send: (from, to, frame) => {
      if (isUp(from, to)) transmit(from, to, frame)
    },
    input: (id, what) => input(nodes[id - 1]!, what),
  }
}

/** As a journal reads: records from an offset on, at least one, and where they end. */
function readRecords(
  records: readonly Uint8Array[],
  offsets: readonly number[],
  end: number,
  offset: number,
  most: number,
): ReturnType<Parameters<typeof createRepairServer>[0]['journal']['readFrom']> {
  let low = 0
  let high = offsets.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (offsets[middle]! < offset) low = middle + 1
    else high = middle
  }
  let last = low
  while (last < records.length && (offsets[last + 1] ?? end) - offset <= most) last += 1
  const found = records.slice(low, last).map((payload, i) => ({
    kind: RECORD_EVENT,
    payload,
    offset: offsets[low + i]!,
  }))
  return { records: found, next: offsets[last] ?? end }
}

/** The value below which a share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
