// Members in a full mesh over real sockets (mutual TLS on the loopback interface), all in this process, journals in memory: copies a
// delivery, header bytes an event, how long until all know an event, and what an idle link costs. Prints one line of JSON.
//
//   node scripts/gossip-mesh.ts [members, 16] [events a second a member, 10] [seconds, 10]
import { randomBytes } from 'node:crypto'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { peekEvent, type Genesis } from '../packages/dag/src/index.ts'
import { createBestSuite } from '../packages/dag/native/index.ts'
import { decodeFrame, encodeFrame } from '../packages/gossip/src/index.ts'
import { startTransport, type PeerAddress, type Transport } from '../packages/gossip/ws/index.ts'
import {
  createMember,
  isWanted,
  RECORD_EVENT,
  type Member,
  type MemberInput,
} from '../packages/node/src/index.ts'

const members = Number(process.argv[2] ?? 16)
const rate = Number(process.argv[3] ?? 10)
const seconds = Number(process.argv[4] ?? 10)
const PAYLOAD_BYTES = 100

const { suite } = createBestSuite()
const secretKeys = Array.from({ length: members }, () => new Uint8Array(randomBytes(32)))
const genesis: Genesis = {
  coinFrequency: 12,
  roundsNonAncient: 26,
  salt: new Uint8Array(randomBytes(16)),
  members: secretKeys.map((key, i) => ({
    id: i + 1,
    name: `m${i + 1}`,
    publicKey: suite.publicKey(key),
    weight: 1,
  })),
}
const madeMs = new Map<string, number>()
const latencies: number[] = []
const knownBy = new Map<string, number>()
const known: number[] = []
let measuring = false

interface Running {
  readonly id: number
  readonly member: Member
  readonly records: Uint8Array[]
  transport: Transport | undefined
  dispatch(input: MemberInput): void
}

function start(id: number): Running {
  const records: Uint8Array[] = []
  const queue: MemberInput[] = []
  let isRunning = false
  let timer: NodeJS.Timeout | undefined
  let loopLagMs = 0
  const member = createMember({
    genesis,
    memberId: id,
    secretKey: secretKeys[id - 1]!,
    suite,
    software: 'mesh',
    random: Math.random,
    randomBytes: (count) => new Uint8Array(randomBytes(count)),
    creator: { minGapMs: 1_000 / rate },
  })

  function execute(effect: ReturnType<Member['step']>[number]): void {
    const { transport } = running
    switch (effect.kind) {
      case 'append':
        if (effect.recordKind === RECORD_EVENT) noteEvent(id, records, effect.bytes)
        return
      case 'sync':
        return void setImmediate(() => {
          madeMs.set(`${id}/${effect.sequence}`, performance.now())
          dispatch({ kind: 'durable', sequence: effect.sequence })
        })
      case 'send':
        noteFrame(effect.frame)
        return transport?.send(effect.link, effect.frame)
      case 'close':
        return transport?.close(effect.link, effect.fault)
      case 'serve': {
        const events = records.filter((event) => isWanted(effect.want, event)).slice(0, 100)
        transport?.send(effect.link, encodeFrame({ kind: 'events', request: effect.want.request, events }))
        const end = { kind: 'want-end' as const, request: effect.want.request, complete: true }
        return transport?.send(effect.link, encodeFrame(end))
      }
      default:
    }
  }

  function dispatch(input: MemberInput): void {
    queue.push(input)
    if (isRunning) return
    isRunning = true
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const now = performance.now()
      const moment = { monotonicMs: now, wallMicros: Date.now() * 1_000, loopLagMs }
      for (const effect of member.step(next, moment)) execute(effect)
    }
    isRunning = false
    clearTimeout(timer)
    const atMs = member.nextTickMs(performance.now())
    if (atMs === undefined) return
    timer = setTimeout(
      () => {
        // As the node's driver does.
        loopLagMs = 0.8 * loopLagMs + 0.2 * Math.max(0, performance.now() - atMs - 1)
        dispatch({ kind: 'tick' })
      },
      Math.max(0, atMs - performance.now()),
    )
  }

  const running: Running = { id, member, records, transport: undefined, dispatch }
  return running
}

/** Bytes by kind of frame, to see what control is made of. */
const kinds = new Map<string, number>()
function noteFrame(frame: Uint8Array): void {
  const kind = frame[0] === 2 ? 'elided' : (decodeFrame(frame)?.kind ?? 'unknown')
  kinds.set(kind, (kinds.get(kind) ?? 0) + frame.length)
}

function noteEvent(at: number, records: Uint8Array[], event: Uint8Array): void {
  records.push(event)
  const { creator, sequence } = peekEvent(event)
  if (creator === at) return
  const key = `${creator}/${sequence}`
  const tookMs = performance.now() - (madeMs.get(key) ?? performance.now())
  const count = (knownBy.get(key) ?? 0) + 1
  knownBy.set(key, count)
  if (!measuring) return
  latencies.push(tookMs)
  if (count === members - 1) known.push(tookMs)
}

const all = genesis.members.map(({ id }) => start(id))
const base = 20_000 + Math.floor(Math.random() * 20_000)
const addresses: PeerAddress[] = genesis.members.map(({ id, publicKey }) => ({
  memberId: id,
  publicKey,
  host: '127.0.0.1',
  port: base + id,
}))
for (const running of all) {
  running.transport = await startTransport({
    memberId: running.id,
    secretKey: secretKeys[running.id - 1]!,
    publicKey: genesis.members[running.id - 1]!.publicKey,
    listen: { host: '127.0.0.1', port: base + running.id },
    peers: addresses,
    onEvent: (event) => {
      if (event.kind === 'opened')
        running.dispatch({ kind: 'opened', link: event.link, memberId: event.memberId })
      if (event.kind === 'closed') running.dispatch({ kind: 'closed', link: event.link })
      if (event.kind === 'frame') running.dispatch({ kind: 'frame', link: event.link, bytes: event.bytes })
    },
  })
  running.dispatch({ kind: 'start' })
}
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
while (all.some(({ member }) => member.view().peers.length < members - 1)) await pause(100)

type Sums = Record<'control' | 'header' | 'payload' | 'events' | 'duplicateEvents' | 'receivedEvents', number>
function sums(): Sums {
  const sum: Sums = { control: 0, header: 0, payload: 0, events: 0, duplicateEvents: 0, receivedEvents: 0 }
  for (const { member } of all) {
    for (const { sent, received } of member.view().gossip(performance.now()).traffic.values()) {
      sum.control += sent.control
      sum.header += sent.header
      sum.payload += sent.payload
      sum.events += sent.events
      sum.duplicateEvents += received.duplicateEvents
      sum.receivedEvents += received.events
    }
  }
  return sum
}
const minus = (a: Sums, b: Sums): Sums =>
  Object.fromEntries(Object.entries(a).map(([name, value]) => [name, value - b[name as keyof Sums]])) as Sums

let ticket = 1
const timers = all.map(({ dispatch }) =>
  setInterval(
    () => dispatch({ kind: 'submit', ticket: ticket++, bytes: new Uint8Array(randomBytes(PAYLOAD_BYTES)) }),
    1_000 / rate,
  ),
)
await pause(3_000)
measuring = true
const before = sums()
const cpuBefore = process.cpuUsage()
await pause(seconds * 1_000)
const active = minus(sums(), before)
const cpu = process.cpuUsage(cpuBefore)
measuring = false
for (const timer of timers) clearInterval(timer)
await pause(5_000)
const idleBefore = sums()
kinds.clear()
await pause(20_000)
const idle = minus(sums(), idleBefore)
const at = (values: number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return Math.round(sorted[Math.floor(sorted.length * share)]! * 10) / 10
}
const links = (members * (members - 1)) / 2
console.log(
  JSON.stringify({
    bench: 'gossip-mesh',
    members,
    eventsPerSecondPerMember: Math.round((known.length / seconds / members) * 10) / 10,
    copiesPerDelivery:
      Math.round((active.receivedEvents / (active.receivedEvents - active.duplicateEvents)) * 1e4) / 1e4,
    headerBytesPerEvent: Math.round((active.header / active.events) * 10) / 10,
    payloadBytesPerEvent: Math.round(active.payload / active.events),
    oneKnowsMs: { p50: at(latencies, 0.5), p99: at(latencies, 0.99) },
    allKnowMs: { p50: at(known, 0.5), p99: at(known, 0.99) },
    controlBytesPerSecondPerLink: Math.round((active.control / seconds / links) * 10) / 10,
    idleBytesPerSecondPerLink: Math.round(((idle.control + idle.header) / 20 / links) * 10) / 10,
    idleByKind: Object.fromEntries(
      [...kinds].map(([kind, bytes]) => [kind, Math.round((bytes / 20 / links) * 10) / 10]),
    ),
    cpuShare: Math.round((cpu.user + cpu.system) / 1e4 / seconds) / 100,
    machine: {
      cpu: cpus()[0]?.model.trim(),
      cores: availableParallelism(),
      load: loadavg().map((load) => Math.round(load)),
    },
    versions: { node: process.version, suite: suite.name },
  }),
)
process.exit(0)
