/**
 * How fast the ordering engine alone is (no signatures, no bytes to decode) on uniform random gossip: prints one JSON line for
 * each (members, other-parents, branching). Not a pass/fail test.
 *
 *   node scripts/bench-engine.ts                    all of it, two minutes
 *   node scripts/bench-engine.ts --n 64 --parents 1 --branching 0 --events 100000
 *   node scripts/bench-engine.ts --model            the reference model's figures on the same graphs as well, fewer events
 *   node scripts/bench-engine.ts --soak 5000000     memory of one engine of 7 members (or --n) over a long run, and its slope
 *   node scripts/bench-engine.ts --replay 100000    CPU and memory of `hearsay replay` of a file of so many events (7 members, or --n)
 *
 * The events are made outside the measured time. Their birth round is the engine's decided round plus one, as gossip
 * would have it. "Branching": just under a third of the members keep up to four branches, begin a new one with every
 * tenth event, and show each other member another one. CPU-seconds are those of the whole process while it inserts and
 * takes decided rounds. They depend on what else the machine does: `calibrationNs` is the CPU time of one and the same small
 * loop at that moment (about 116 when nothing else ran on a 2.5 GHz Xeon core, 200 to 400 while both cores were wanted).
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createEngine } from '../packages/consensus/src/index.ts'
import type { DecidedRound, Engine, EngineEvent } from '../packages/consensus/src/index.ts'
import { runModel } from './bench-model.ts'

const CHUNK = 200
const BRANCHES = 4
/** How often the same events are timed one by one. */
const RUNS = 5

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Gossip {
  /** The next events; their handles are those that the engine will give. */
  next(count: number, birthRound: number): EngineEvent[]
}

function createGossip(n: number, otherParents: number, branching: boolean, seed: number): Gossip {
  const random = seeded(seed)
  const pick = (below: number): number => Math.floor(random() * below)
  const branchers = branching ? Math.ceil(n / 3) - 1 : 0
  /** Of each member the newest events of its branches, and before them their self-parents. */
  const tips: number[][] = Array.from({ length: n }, () => [])
  const before: number[][] = Array.from({ length: n }, () => [])
  let handle = 0
  let time = 1_700_000_000_000_000
  function one(birthRound: number): EngineEvent {
    const creator = pick(n)
    const own = tips[creator]!
    const branch = own.length === 0 ? 0 : creator < branchers ? pick(own.length) : 0
    let selfParent = own[branch] ?? -1
    const others: number[] = []
    const used = new Set([creator])
    while (used.size <= otherParents && used.size < n) {
      const other = pick(n)
      if (used.has(other)) continue
      used.add(other)
      const theirs = tips[other]!
      if (theirs.length > 0) others.push(theirs[creator % theirs.length]!)
    }
    // Not by way of id.buffer: that moves the bytes off the heap, and freeing them would count as time of the engine.
    const id = new Uint8Array(32)
    for (let w = 0; w < 8; w++) {
      const word = Math.floor(random() * 2 ** 32)
      for (let i = 0; i < 4; i++) id[w * 4 + i] = word >>> (8 * i)
    }
    time += 1 + pick(100)
    if (creator < branchers && own.length > 0 && pick(10) === 0) {
      selfParent = before[creator]![branch]!
      const place = own.length < BRANCHES ? own.length : pick(BRANCHES)
      own[place] = handle
      before[creator]![place] = selfParent
    } else {
      own[branch] = handle
      before[creator]![branch] = selfParent
    }
    handle += 1
    return {
      id,
      creator,
      selfParent,
      otherParents: others,
      birthRound,
      timestamp: time,
      coin: (id[31]! & 1) as 0 | 1,
      transactionCount: pick(4),
    }
  }
  return { next: (count, birthRound) => Array.from({ length: count }, () => one(birthRound)) }
}

function makeEngine(n: number): Engine {
  const members = Array.from({ length: n }, (_, id) => ({ id, weight: 1 }))
  return createEngine({
    config: { coinFrequency: 12, roundsNonAncient: 26 },
    rosters: [{ fromRound: 1, members }],
  })
}

interface Run {
  readonly cpuSeconds: number
  readonly ordered: number
  readonly rounds: number
}

function feed(
  engine: Engine,
  gossip: Gossip,
  events: number,
  insert: (event: EngineEvent) => void,
  take: () => readonly DecidedRound[] = () => engine.takeDecidedRounds(),
): Run {
  let cpu = 0
  let ordered = 0
  const first = engine.decidedRound()
  for (let done = 0; done < events; done += CHUNK) {
    const chunk = gossip.next(Math.min(CHUNK, events - done), engine.decidedRound() + 1)
    const start = process.cpuUsage()
    for (const event of chunk) insert(event)
    for (const round of take()) ordered += round.events.length
    const used = process.cpuUsage(start)
    cpu += used.user + used.system
  }
  return { cpuSeconds: cpu / 1e6, ordered, rounds: engine.decidedRound() - first }
}

/**
 * The costliest single calls after a warm-up, by the wall clock: of `insert`, and of `takeDecidedRounds` after every 200 of them, which
 * does what the insertions before it have left. The same events go through RUNS engines, and of the
 * times of each call the least counts: what other programs and the garbage collector take at random falls out, as far as the machine is
 * not wanted all the time.
 */
function worstCalls(
  n: number,
  otherParents: number,
  branching: boolean,
  events: number,
): { worst: number; over5: number; worstTake: number } {
  const least: Float64Array[] = []
  for (let run = 0; run < RUNS; run++) {
    const engine = makeEngine(n)
    const gossip = createGossip(n, otherParents, branching, 2)
    feed(engine, gossip, Math.min(events, 20_000), (event) => engine.insert(event))
    const inserts: number[] = []
    const takes: number[] = []
    feed(
      engine,
      gossip,
      events,
      (event) => {
        const start = performance.now()
        engine.insert(event)
        inserts.push(performance.now() - start)
      },
      () => {
        const start = performance.now()
        const decided = engine.takeDecidedRounds()
        takes.push(performance.now() - start)
        return decided
      },
    )
    for (const [i, times] of [inserts, takes].entries()) {
      const before = least[i]
      least[i] = Float64Array.from(times, (time, at) => Math.min(time, before?.[at] ?? time))
    }
  }
  const [inserts, takes] = least.map((times) => times.toSorted())
  return {
    worst: inserts!.at(-1)!,
    over5: inserts!.filter((time) => time > 5).length,
    worstTake: takes!.at(-1)!,
  }
}

/** The straight line through the points: its slope, and how far the points lie from it (root of the mean square). */
function fitLine(points: readonly (readonly [number, number])[]): { slope: number; deviation: number } {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length
  let covariance = 0
  let variance = 0
  for (const [x, y] of points) {
    covariance += (x - meanX) * (y - meanY)
    variance += (x - meanX) ** 2
  }
  const slope = covariance / variance
  let squares = 0
  for (const [x, y] of points) squares += (y - meanY - slope * (x - meanX)) ** 2
  return { slope, deviation: Math.sqrt(squares / points.length) }
}

/**
 * Memory over a long run: one JSON line for every twentieth of it, after a full collection, and at the end the slope of heap and
 * array buffers together after the first 200,000 events.
 */
function soak(n: number, events: number): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const engine = makeEngine(n)
  const gossip = createGossip(n, 1, false, 3)
  const points: [number, number][] = []
  for (let part = 1; part <= 20; part++) {
    const run = feed(engine, gossip, events / 20, (event) => engine.insert(event))
    collect()
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage()
    const eventsPerCpuSecond = Math.round(events / 20 / run.cpuSeconds)
    const done = (events / 20) * part
    if (done >= 200_000) points.push([done, heapUsed + arrayBuffers])
    console.log(JSON.stringify({ n, events: done, heapUsed, arrayBuffers, rss, eventsPerCpuSecond }))
  }
  if (points.length < 3) return
  const { slope, deviation } = fitLine(points)
  console.log(
    JSON.stringify({
      n,
      from: points[0]![0],
      to: events,
      slopeBytesPerMillionEvents: Math.round(slope * 1e6),
      deviationBytes: Math.round(deviation),
    }),
  )
}

/** Writes such gossip as a file of the interchange format. */
function writeInterchange(path: string, n: number, events: number): void {
  const engine = makeEngine(n)
  const gossip = createGossip(n, 1, false, 4)
  const hexes: string[] = []
  const lines: string[] = []
  while (lines.length < events) {
    for (const event of gossip.next(Math.min(CHUNK, events - lines.length), engine.decidedRound() + 1)) {
      engine.insert(event)
      const id = Buffer.from(event.id).toString('hex')
      hexes.push(id)
      const selfParent = event.selfParent < 0 ? null : hexes[event.selfParent]
      const otherParents = event.otherParents.map((parent) => hexes[parent])
      lines.push(JSON.stringify({ ...event, id, selfParent, otherParents }))
    }
    engine.takeDecidedRounds()
  }
  const members = Array.from({ length: n }, (_, id) => ({ id, weight: 1 }))
  const head = {
    name: `gossip-${n}`,
    config: { coinFrequency: 12, roundsNonAncient: 26 },
    rosters: [{ fromRound: 1, members }],
    snapshot: null,
  }
  writeFileSync(path, `${JSON.stringify(head).slice(0, -1)},"events":[${lines.join(',\n')}]}\n`)
}

/** What the command `replay` takes for such a file, as the system counts it: the whole process, from its start to its end. */
function measureReplay(n: number, events: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'hearsay-replay-'))
  try {
    const path = join(folder, 'gossip.json')
    writeInterchange(path, n, events)
    const count = 'process.on("exit",()=>console.error(JSON.stringify(process.resourceUsage())))'
    const program = join(import.meta.dirname, '../packages/cli/process/main.ts')
    const args = ['--import', `data:text/javascript,${count}`, program, 'replay', path]
    const result = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 30 })
    if (result.status !== 0) throw new Error(`replay failed: ${result.stderr}`)
    const { decidedRound, rounds } = JSON.parse(result.stdout) as {
      decidedRound: number
      rounds: { events: unknown[] }[]
    }
    const used = JSON.parse(result.stderr.trim().split('\n').at(-1)!) as NodeJS.ResourceUsage
    console.log(
      JSON.stringify({
        replay: true,
        n,
        events,
        fileBytes: statSync(path).size,
        decidedRound,
        ordered: rounds.reduce((sum, round) => sum + round.events.length, 0),
        cpuSeconds: Number(((used.userCPUTime + used.systemCPUTime) / 1e6).toFixed(2)),
        peakMemoryMB: Math.round(used.maxRSS / 1024),
        calibrationNs: Math.round(calibrate()),
      }),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Nanoseconds of CPU for the element-wise maximum of two rows of 64 numbers: tells how fast the machine was meanwhile. */
function calibrate(): number {
  const rows = Int32Array.from({ length: 64_000 }, (_, i) => (i * 7919) % 65_537)
  const out = new Int32Array(64)
  const start = process.cpuUsage()
  for (let k = 0; k < 300_000; k++) {
    const a = (k % 1000) * 64
    const b = ((k * 7) % 1000) * 64
    for (let m = 0; m < 64; m++) {
      const x = rows[a + m]!
      const y = rows[b + m]!
      out[m] = x > y ? x : y
    }
  }
  const used = process.cpuUsage(start)
  return ((used.user + used.system) * 1000) / 300_000
}

function measure(n: number, otherParents: number, branching: boolean, events: number): void {
  const engine = makeEngine(n)
  const gossip = createGossip(n, otherParents, branching, 1)
  feed(engine, gossip, Math.min(events, 20_000), (event) => engine.insert(event))
  const run = feed(engine, gossip, events, (event) => engine.insert(event))
  const { worst, over5, worstTake } = worstCalls(n, otherParents, branching, Math.min(events, 60_000))
  console.log(
    JSON.stringify({
      n,
      otherParents,
      branching,
      events,
      ordered: run.ordered,
      rounds: run.rounds,
      cpuSeconds: Number(run.cpuSeconds.toFixed(3)),
      eventsPerCpuSecond: Math.round(events / run.cpuSeconds),
      worstInsertMs: Number(worst.toFixed(2)),
      insertsOver5Ms: over5,
      worstTakeMs: Number(worstTake.toFixed(2)),
      calibrationNs: Math.round(calibrate()),
      machine: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
      node: process.version,
      v8: process.versions.v8,
    }),
  )
}

/** The same kind of graph through the reference model, which keeps far less than the pace. */
function measureModel(n: number, otherParents: number, branching: boolean): void {
  const gossip = createGossip(n, otherParents, branching, 1)
  const events = Math.max(6 * n, Math.min(2000, Math.ceil(20_000 / n)))
  const { cpuSeconds, rounds } = runModel(n, events, (count, birthRound) => gossip.next(count, birthRound))
  console.log(
    JSON.stringify({
      referenceModel: true,
      n,
      otherParents,
      branching,
      events,
      rounds,
      cpuSeconds: Number(cpuSeconds.toFixed(3)),
      eventsPerCpuSecond: Math.round(events / cpuSeconds),
      calibrationNs: Math.round(calibrate()),
    }),
  )
}

const { values } = parseArgs({
  options: {
    n: { type: 'string' },
    parents: { type: 'string' },
    branching: { type: 'string' },
    events: { type: 'string' },
    soak: { type: 'string' },
    replay: { type: 'string' },
    model: { type: 'boolean', default: false },
  },
})
const sizes: readonly [number, number][] = [
  [4, 600_000],
  [16, 400_000],
  [64, 150_000],
  [128, 80_000],
]
if (values.soak !== undefined) soak(Number(values.n ?? 7), Number(values.soak))
else if (values.replay !== undefined) measureReplay(Number(values.n ?? 7), Number(values.replay))
else
  for (const [n, events] of sizes) {
    if (values.n !== undefined && Number(values.n) !== n) continue
    for (const otherParents of [1, 3]) {
      if (values.parents !== undefined && Number(values.parents) !== otherParents) continue
      for (const branching of [false, true]) {
        if (values.branching !== undefined && (values.branching === '1') !== branching) continue
        measure(n, otherParents, branching, values.events === undefined ? events : Number(values.events))
        if (values.model) measureModel(n, otherParents, branching)
      }
    }
  }
