// Prints figures of the gossip protocol in virtual time, one line of JSON a measurement, from a seed.
//
//   node scripts/gossip-shows.ts mesh|sparse|gap|lost|detect|stalls|split|flap|floods [seed]
import { peekEvent } from '../packages/dag/src/index.ts'
import type { LivenessView } from '../packages/gossip/src/index.ts'
import { createNet, percentile, type Net } from '../test/gossip/net.ts'
import { seeded } from '../test/seeded.ts'
import { floods } from './gossip-floods.ts'

const seed = Number(process.argv[3] ?? 1)
const round = (value: number, digits = 2): number => Number(value.toFixed(digits))
const print = (line: object): void => console.log(JSON.stringify({ seed, ...line }))

/** Everybody with the same links, of 20 to 80 ms. */
function latencies(members: number): (a: number, b: number) => number {
  const random = seeded(seed * 7 + 1)
  const table = Array.from({ length: members + 1 }, () =>
    Array.from({ length: members + 1 }, () => 20 + random() * 60),
  )
  return (a, b) => table[Math.min(a, b)]![Math.max(a, b)]!
}

function isEverywhere(net: Net): boolean {
  const sets = net.nodes.filter(({ alive }) => alive).map(({ id }) => net.heldBy(id))
  return sets.every((set) => set.size === sets[0]!.size && [...set].every((key) => sets[0]!.has(key)))
}

function spread(net: Net, fromCount: number): object {
  const arrivals = net.arrivals.slice(fromCount)
  const latency = arrivals.map(({ latencyMs }) => latencyMs)
  return {
    deliveries: arrivals.length,
    p50Ms: round(percentile(latency, 0.5), 1),
    p99Ms: round(percentile(latency, 0.99), 1),
    maxMs: round(Math.max(...latency), 1),
  }
}

interface Sums {
  control: number
  header: number
  events: number
}

function sums(net: Net): Sums {
  const sum: Sums = { control: 0, header: 0, events: 0 }
  for (const { member } of net.nodes) {
    for (const { sent } of member.view().gossip(net.now()).traffic.values()) {
      sum.control += sent.control
      sum.header += sent.header
      sum.events += sent.events
    }
  }
  return sum
}

/** A full mesh, at 10 events a second a member and then idle: what the protocol costs when no processor is short. */
function mesh(): void {
  const members = 16
  const links = (members * (members - 1)) / 2
  const net = createNet({ seed, members, latencyMs: () => 0.5, jitterMs: 1, eventEveryMs: 100 })
  net.load(100, 100)
  net.run(3_000)
  const before = { ...sums(net), arrivals: net.arrivals.length, duplicates: net.duplicates() }
  net.run(10_000)
  const active = sums(net)
  const result = spread(net, before.arrivals) as { deliveries: number }
  const duplicates = net.duplicates() - before.duplicates
  net.stopLoad()
  net.run(5_000)
  const idle = sums(net)
  net.run(60_000)
  print({
    show: 'mesh',
    members,
    eventsPerSecondPerMember: round((active.events - before.events) / 15 / members / 10, 1),
    copies: round(1 + duplicates / result.deliveries, 3),
    headerBytesPerEvent: round((active.header - before.header) / (active.events - before.events), 1),
    controlBytesPerSecondPerLink: round((active.control - before.control) / 10 / links, 1),
    idleBytesPerSecondPerLink: round((sums(net).control - idle.control) / 60 / links, 1),
    ...result,
  })
}

/** 60 % of the pairs have no link (and the rest is connected). */
function sparse(share: number): void {
  const members = 16
  const latencyMs = latencies(members)
  const net = createNet({ seed, members, latencyMs, eventEveryMs: 100 })
  const random = seeded(seed)
  const pairs: [number, number][] = []
  for (let a = 1; a <= members; a++) for (let b = a + 1; b <= members; b++) pairs.push([a, b])
  pairs.sort(() => random() - 0.5)
  const links = pairs.slice(Math.round(pairs.length * share))
  const reached = new Set([1])
  for (let grew = true; grew;) {
    grew = false
    for (const [a, b] of links)
      if (reached.has(a) !== reached.has(b)) {
        reached.add(a).add(b)
        grew = true
      }
  }
  if (reached.size < members) throw new Error(`seed ${seed}: not connected; take another`)
  for (const [a, b] of pairs.slice(0, Math.round(pairs.length * share))) net.block(a, b)
  net.load(100, 100)
  net.run(3_000)
  const before = { arrivals: net.arrivals.length, duplicates: net.duplicates() }
  net.run(10_000)
  const duplicates = net.duplicates() - before.duplicates
  const result = spread(net, before.arrivals) as { deliveries: number; p99Ms: number }
  net.stopLoad()
  net.run(5_000)
  print({
    show: 'sparse',
    missingPairs: share,
    everywhere: isEverywhere(net),
    copies: round(1 + duplicates / result.deliveries, 3),
    ...result,
    meanLatencyMs: 50,
    p99InLatencies: round(result.p99Ms / 50),
  })
}

/** One of four was cut off while the others made events; 50 ms there and back, 100 Mbit/s. */
function gap(): void {
  const net = createNet({
    seed,
    members: 4,
    latencyMs: () => 25,
    bytesPerSecond: 12_500_000,
    eventEveryMs: 2,
  })
  net.load(5, 300)
  net.run(1_000)
  for (const other of [1, 2, 3]) net.block(other, 4)
  while (net.nodes[0]!.records.length - net.nodes[3]!.records.length < 10_000 && net.now() < 200_000)
    net.run(100)
  net.stopLoad()
  net.run(3_000)
  const [first, last] = [net.nodes[0]!, net.nodes[3]!]
  const held = net.heldBy(4)
  const isLacked = (event: Uint8Array): boolean => {
    const { creator, sequence } = peekEvent(event)
    return !held.has(`${creator}/${sequence}`)
  }
  const gapEvents = first.records.filter(isLacked)
  const bytes = gapEvents.reduce((sum, event) => sum + event.length, 0)
  const before = last.records.length
  const duplicatesBefore = net.duplicates()
  const healedMs = net.now()
  for (const other of [1, 2, 3]) net.unblock(other, 4)
  const brought = (): number =>
    last.records.slice(before).filter((event) => peekEvent(event).creator !== 4).length
  while (brought() < gapEvents.length && net.now() < healedMs + 10_000) net.run(1)
  const tookMs = net.now() - healedMs
  const boundMs = (1.5 * 50 + (bytes / 12_500_000) * 1_000) * 1.1
  print({
    show: 'gap',
    gapEvents: gapEvents.length,
    bytes,
    duplicates: net.duplicates() - duplicatesBefore,
    tookMs: round(tookMs, 1),
    boundMs: round(boundMs, 1),
    within: tookMs <= boundMs,
  })
}

function lost(): void {
  const net = createNet({ seed, members: 16, latencyMs: latencies(16), eventEveryMs: 100, dropPushes: 0.3 })
  net.load(100, 100)
  net.run(20_000)
  net.stopLoad()
  net.run(5_000)
  const { deliveries, ...result } = spread(net, 0) as { deliveries: number }
  const expected = net.created() * 15
  print({ show: 'lost-pushes', dropped: 0.3, deliveries, expected, everywhere: isEverywhere(net), ...result })
}

const viewsOf = (net: Net, id: number): readonly LivenessView[] =>
  net.nodes[id - 1]!.member.view().gossip(net.now()).liveness

function noticed(
  net: Net,
  target: number,
  withinMs: number,
  isNoticed: (view: LivenessView) => boolean,
): number[] {
  const startMs = net.now()
  const times = new Map<number, number>()
  while (times.size < net.nodes.length - 1 && net.now() < startMs + withinMs) {
    net.run(5)
    for (const { id } of net.nodes) {
      if (id === target || times.has(id)) continue
      const view = viewsOf(net, id).find(({ memberId }) => memberId === target)!
      if (isNoticed(view)) times.set(id, net.now() - startMs)
    }
  }
  return net.nodes.filter(({ id }) => id !== target).map(({ id }) => times.get(id) ?? Infinity)
}

const figures = (values: number[]): object => ({
  p50Ms: percentile(values, 0.5),
  p99Ms: percentile(values, 0.99),
})

/** A member freezes, or dies: when do all others suspect it, and when do they hold it for down? */
function detect(): void {
  for (const how of ['frozen', 'killed'] as const) {
    const suspected: number[] = []
    const down: number[] = []
    for (let trial = 0; trial < 20; trial++) {
      for (const want of ['suspected', 'down'] as const) {
        const net = createNet({ seed: seed * 1_000 + trial, members: 7, latencyMs: () => 0.3, jitterMs: 1 })
        net.submit(1, 10)
        net.run(5_000 + trial * 37)
        if (how === 'frozen') net.stall(3, 1e6)
        else net.kill(3)
        const into = want === 'suspected' ? suspected : down
        into.push(...noticed(net, 3, 10_000, ({ state }) => state === 'down' || state === want))
      }
    }
    print({
      show: 'detect',
      how,
      members: 7,
      profile: 'lan',
      suspected: figures(suspected),
      down: figures(down),
    })
  }
}

/** 10 % of segments are lost and every member stalls for a second now and then: nobody may be held for down. */
function stalls(): void {
  const members = 7
  const net = createNet({ seed, members, latencyMs: () => 0.5, jitterMs: 2, loss: 0.1 })
  const random = seeded(seed + 5)
  for (const { id } of net.nodes) {
    const again = (): void => {
      net.stall(id, 1_000)
      net.after(5_000 + random() * 10_000, again)
    }
    net.after(random() * 10_000, again)
  }
  net.load(2_000, 50)
  let down = 0
  let suspected = 0
  for (let i = 0; i < 600_000 / 50; i++) {
    net.run(50)
    for (const { id, stalledUntilMs } of net.nodes) {
      if (stalledUntilMs > net.now()) continue
      for (const { state } of viewsOf(net, id)) {
        if (state === 'down') down += 1
        if (state === 'suspected') suspected += 1
      }
    }
  }
  print({
    show: 'stalls',
    minutes: 10,
    loss: 0.1,
    falseDown: down,
    samplesSuspected: suspected,
    samples: 12_000 * 42,
  })
}

function cutAll(act: (a: number, b: number) => void): void {
  for (let a = 1; a <= 8; a++) for (let b = 9; b <= 16; b++) act(a, b)
}

/** Half of the members do not see the other half for a while. */
function split(flaps: number): void {
  const members = 16
  const net = createNet({ seed, members, latencyMs: latencies(members), eventEveryMs: 100 })
  net.load(100, 100)
  net.run(3_000)
  const opensBefore = net.opens()
  if (flaps === 0) {
    cutAll(net.block)
    net.run(4_000)
  }
  for (let i = 0; i < flaps; i++) {
    cutAll(net.block)
    net.run(1_000)
    cutAll(net.unblock)
    net.run(1_000)
  }
  const opens = net.opens() - opensBefore
  const before = net.nodes.map(({ id }) => net.heldBy(id))
  const union = new Set(before.flatMap((set) => [...set]))
  const healedMs = net.now()
  if (flaps === 0) cutAll(net.unblock)
  const lacks = (id: number): boolean => {
    const held = net.heldBy(id)
    return [...union].some((key) => !held.has(key))
  }
  while (net.nodes.some(({ id }) => lacks(id)) && net.now() < healedMs + 20_000) net.run(5)
  const tookMs = net.now() - healedMs
  net.run(3_000)
  net.stopLoad()
  net.run(6_000)
  // The world itself throws when two members order differently.
  const blocks = net.nodes.map(({ blocks: list }) => list.length)
  print({
    show: flaps === 0 ? 'split' : 'flap',
    ...(flaps === 0 ? { splitMs: 4_000 } : { flaps, opensPerPairAndFlap: round(opens / 64 / flaps) }),
    healMs: tookMs,
    everywhere: isEverywhere(net),
    blocks: [Math.min(...blocks), Math.max(...blocks)],
    faults: net.failures,
  })
}

const shows: Readonly<Record<string, () => void>> = {
  mesh,
  sparse: () => [0.3, 0.6].forEach(sparse),
  gap,
  lost,
  detect,
  stalls,
  split: () => split(0),
  flap: () => split(10),
  floods: () => floods(seed, print),
}

const chosen = process.argv[2] ?? ''
if (chosen === 'all') for (const show of Object.values(shows)) show()
else if (shows[chosen] === undefined) throw new Error(`one of ${Object.keys(shows).join(', ')}, all`)
else shows[chosen]()
