// A third of the members less one at once: each makes 100,000 branches, floods orphans, lies in frontiers, answers no request or
// drips. What the others order meanwhile, beside the same network in which those members are only silent, what that costs in
// memory and processor time, and whether everybody holds evidence that the genesis alone confirms. Virtual time, from one seed.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  createEvent,
  decodeEvent,
  networkIdOf,
  PROTOCOL_VERSION,
  verifyBranchProof,
  type EventFields,
  type EventReference,
  type VerifiedEvent,
} from '../packages/dag/src/index.ts'
import { decodeFrame, encodeFrame, type Frame } from '../packages/gossip/src/index.ts'
import { createNet, type Net } from '../test/gossip/net.ts'
import { seeded } from '../test/seeded.ts'

const SECONDS = 10
const BRANCHES_PER_TICK = 100
const TICK_MS = 10

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

interface Liar {
  heard(from: number, bytes: Uint8Array): void
  tick(now: number): void
  readonly made: { branches: number; orphans: number; lies: number; drips: number }
}

const referenceOf = ({ creator, birthRound, id }: VerifiedEvent): EventReference => ({
  creator,
  birthRound,
  id,
})

/** An event that is nowhere. */
const strangerOf = (creator: number, birthRound: number, random: () => number): EventReference => ({
  creator,
  birthRound,
  id: Uint8Array.from({ length: 32 }, () => Math.floor(random() * 256)),
})

function createLiar(net: Net, self: number, honest: readonly number[], random: () => number): Liar {
  const networkId = networkIdOf(net.genesis, net.suite.sha256)
  const made = { branches: 0, orphans: 0, lies: 0, drips: 0 }
  const newest = new Map<number, VerifiedEvent>()
  const dripping = new Map<number, number>()
  let round = 1
  let line: VerifiedEvent | undefined
  let stem: VerifiedEvent | undefined
  let salt = 0

  const say = (to: number, frame: Frame): void => net.send(self, to, encodeFrame(frame))
  const one = (): number => honest[Math.floor(random() * honest.length)]!
  function event(parent: VerifiedEvent | undefined, wishes: Partial<EventFields> = {}): VerifiedEvent {
    const salted = new Uint8Array(16)
    new DataView(salted.buffer).setUint32(0, ++salt)
    return createEvent(
      {
        creator: self,
        sequence: (parent?.sequence ?? 0) + 1,
        birthRound: Math.max(round, parent?.birthRound ?? 1),
        timestamp: (parent?.timestamp ?? 1.7e15) + salt,
        salt: salted,
        selfParent: parent && referenceOf(parent),
        otherParents: [],
        transactions: [],
        ...wishes,
      },
      networkId,
      net.secretKey(self),
      net.suite,
    )
  }

  const push = (to: number, events: readonly VerifiedEvent[]): void =>
    say(to, { kind: 'events', request: 0, events: events.map(({ bytes }) => bytes) })

  /** One more event of its one good line, told to one member: so there is always something to branch from. */
  function grow(): void {
    const others = [...newest.values()].toSorted((a, b) => a.creator - b.creator)
    const birthRound = Math.max(round, line?.birthRound ?? 1, ...others.map((each) => each.birthRound))
    stem = line
    line = event(line, { birthRound, otherParents: others.map(referenceOf) })
    push(one(), [line])
  }

  function branch(): void {
    // Every member is shown others; some go on for a second event.
    const events: VerifiedEvent[] = []
    while (events.length < BRANCHES_PER_TICK) {
      const first = event(random() < 0.5 ? stem : undefined)
      events.push(first)
      if (events.length < BRANCHES_PER_TICK && random() < 0.3) events.push(event(first))
    }
    made.branches += events.length
    push(one(), events)
  }

  function orphans(): void {
    const events = [1, 2, 3].map(() =>
      event(line, { otherParents: honest.slice(0, 3).map((creator) => strangerOf(creator, round, random)) }),
    )
    made.orphans += events.length
    push(one(), events)
  }

  function lie(): void {
    made.lies += 1
    const frontier = new Map(net.genesis.members.map(({ id }) => [id, Math.floor(random() * 2 ** 40)]))
    const recordsDigest = Math.floor(random() * 2 ** 32)
    say(one(), { kind: 'status', decidedRound: round + 1_000, ancientThreshold: 1, frontier, recordsDigest })
  }

  function drip(): void {
    for (const [to, request] of dripping) {
      if (newest.size === 0) return
      made.drips += 1
      say(to, { kind: 'events', request, events: [[...newest.values()][0]!.bytes] })
    }
  }

  return {
    made,
    heard: (from, bytes) => {
      const frame = decodeFrame(bytes)
      if (frame?.kind === 'hello') {
        say(from, {
          kind: 'hello',
          networkId,
          version: PROTOCOL_VERSION,
          memberId: self,
          software: 'liar',
          features: 0,
        })
      }
      if (frame?.kind === 'ping') say(from, { kind: 'pong', nonce: frame.nonce })
      if (frame?.kind === 'status') round = Math.max(round, frame.decidedRound + 1)
      // Half of them wait for an answer that never comes, the others get one event again and again.
      if (frame?.kind === 'want' && from % 2 === 0) dripping.set(from, frame.request)
      if (frame?.kind !== 'events') return
      for (const each of frame.events) {
        const decoded = decodeEvent(each.slice(), networkId, net.suite.sha256)
        if (!decoded.ok) continue
        const known = newest.get(decoded.event.creator)
        if ((known?.sequence ?? 0) < decoded.event.sequence)
          newest.set(decoded.event.creator, decoded.event as VerifiedEvent)
      }
    },
    tick: (now) => {
      if (now % 500 === 0) grow()
      branch()
      if (now % 20 === 0) orphans()
      if (now % 100 === 0) lie()
      if (now % 100 === 0) drip()
    },
  }
}

interface Measured {
  readonly transactions: number
  readonly cpuMs: number
  readonly heapBytes: number
  readonly net: Net
  readonly liars: readonly Liar[]
}

function measure(seed: number, members: number, liarIds: readonly number[], lying: boolean): Measured {
  gc()
  const heapBefore = process.memoryUsage().heapUsed
  const liars = new Map<number, Liar>()
  const net = createNet({
    seed,
    members,
    latencyMs: () => 5,
    jitterMs: 2,
    bytesPerSecond: 12_500_000,
    liars: liarIds,
    heard: (liar, from, frame) => liars.get(liar)?.heard(from, frame),
  })
  const honest = net.nodes.map(({ id }) => id).filter((id) => !liarIds.includes(id))
  const random = seeded(seed * 31 + members)
  for (const id of liarIds) liars.set(id, createLiar(net, id, honest, random))
  net.load(50, 100, honest)
  net.run(1_000)
  const ordered = (): number => net.nodes[honest[0]! - 1]!.member.view().transactions
  const before = ordered()
  const cpuBefore = process.cpuUsage()
  let liarsCpu = 0
  for (let now = 0; now < SECONDS * 1_000; now += TICK_MS) {
    const own = process.cpuUsage()
    if (lying) for (const liar of liars.values()) liar.tick(now)
    const spent = process.cpuUsage(own)
    liarsCpu += spent.user + spent.system
    net.run(TICK_MS)
  }
  const cpu = process.cpuUsage(cpuBefore)
  const transactions = ordered() - before
  net.stopLoad()
  net.run(2_000)
  gc()
  const heapBytes = process.memoryUsage().heapUsed - heapBefore
  return {
    transactions,
    cpuMs: (cpu.user + cpu.system - liarsCpu) / 1_000,
    heapBytes,
    net,
    liars: [...liars.values()],
  }
}

/** Prints a line for each of 4, 7 and 10 members. */
export function floods(seed: number, print: (line: object) => void): void {
  for (const members of [4, 7, 10]) {
    const f = Math.floor((members - 1) / 3)
    const liarIds = Array.from({ length: f }, (_, i) => members - i)
    const silent = measure(seed, members, liarIds, false)
    const lying = measure(seed, members, liarIds, true)
    const { net, liars } = lying
    const networkId = networkIdOf(net.genesis, net.suite.sha256)
    const keyOf = (id: number): Uint8Array | undefined =>
      net.genesis.members.find((member) => member.id === id)?.publicKey
    const convicted = net.nodes
      .filter(({ id }) => !liarIds.includes(id))
      .map(
        ({ member }) =>
          new Set(member.branchProofs().map((proof) => verifyBranchProof(proof, networkId, keyOf, net.suite)))
            .size,
      )
    const made = (what: keyof Liar['made']): number => liars.reduce((sum, liar) => sum + liar.made[what], 0)
    print({
      show: 'floods',
      members,
      liars: f,
      branches: made('branches'),
      orphans: made('orphans'),
      lies: made('lies'),
      drips: made('drips'),
      transactionsPerSecond: { silent: silent.transactions / SECONDS, lying: lying.transactions / SECONDS },
      rateOfBaseline: Number((lying.transactions / silent.transactions).toFixed(3)),
      heapMiB: {
        silent: Math.round(silent.heapBytes / 2 ** 20),
        lying: Math.round(lying.heapBytes / 2 ** 20),
      },
      waitingEventsMost: Math.max(...net.nodes.map(({ member }) => member.view().waitingEvents)),
      honestCpuSeconds: {
        silent: Math.round(silent.cpuMs / 100) / 10,
        lying: Math.round(lying.cpuMs / 100) / 10,
      },
      convictedByEach: [Math.min(...convicted), Math.max(...convicted)],
      faults: [...new Set(net.failures)],
    })
  }
}
