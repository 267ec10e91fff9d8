/**
 * Runs one scenario from its first move to its last: a storm, in which its faults happen and clients submit, then calm, in which
 * all is mended and everybody must come to the same order with everything in it. The same scenario gives the same trace,
 * move by move.
 */
import { networkIdOf, type CryptoSuite, type Genesis } from '@hearsay/dag'
import { createAgenda } from '../src/agenda.ts'
import { createChecks, type Checks, type Violation } from '../src/checks.ts'
import { createLiar, type Liar } from '../src/liar.ts'
import { createLinks, SMOOTH, type LinkEvent, type Links } from '../src/links.ts'
import { createRandom, type Random } from '../src/random.ts'
import { oneWayMs } from '../src/regions.ts'
import { isGrave, type Scenario } from '../src/scenario.ts'
import { createTrace } from '../src/trace.ts'
import { startClients } from './clients.ts'
import { scheduleFaults } from './faults.ts'
import { createMachine, type Machine } from './machine.ts'
import { withoutWorld } from './poison.ts'
import { replayOrders } from './replaying.ts'
import { suiteFor } from './suite.ts'

export interface Outcome {
  readonly violation: Violation | undefined
  readonly trace: string
  readonly marks: Readonly<Record<string, number>>
  readonly moves: number
  readonly simulatedMs: number
  readonly events: number
  readonly rounds: number
  readonly transactions: number
  /** From the end of the storm until everything was settled. */
  readonly settledAfterMs: number | undefined
  /** From submission to final, where it became final, milliseconds. */
  readonly latenciesMs: readonly number[]
}

/** A world in motion, for those who want to look into it. */
export interface World {
  readonly scenario: Scenario
  readonly genesis: Genesis
  readonly networkId: Uint8Array
  readonly suite: CryptoSuite
  readonly checks: Checks
  readonly links: Links
  readonly random: Random
  /** Of every member the machines that act for it; none for a liar that is played. */
  readonly machines: readonly Machine[]
  readonly conditions: Conditions
  now(): number
  after(delayMs: number, run: () => void): void
  mark(name: string): void
  isLiar(member: number): boolean
  isSuspect(member: number): boolean
  isStorm(): boolean
}

/** What the faults have changed for all. */
export interface Conditions {
  factor: number
  /** Creator → who hears of it later, and how much; re-drawn all the time. */
  split: { readonly extraMs: number; readonly share: number } | undefined
}

const SETTLE_EVERY_MS = 100
const VIEW_EVERY_MS = 1_000

const realImmediate = setImmediate
/** Lets all promises go on that can. */
const settlePromises = (): Promise<void> => new Promise((resolve) => void realImmediate(resolve))

export async function runScenario(scenario: Scenario, look?: (world: World) => void): Promise<Outcome> {
  const size = scenario.members.length
  const random = createRandom(scenario.seed, 'world')
  const agenda = createAgenda()
  const trace = createTrace()
  const marks = new Map<string, number>()
  const mark = (name: string): void => void marks.set(name, (marks.get(name) ?? 0) + 1)
  const suite = suiteFor(scenario.realSignatures)
  const keys = scenario.members.map((_, i) => random.stream(`key ${i}`).bytes(32))
  const genesis: Genesis = {
    coinFrequency: scenario.coinFrequency,
    roundsNonAncient: scenario.roundsNonAncient,
    salt: random.bytes(16),
    members: scenario.members.map(({ weight }, i) => ({
      id: i + 1,
      name: `m${i + 1}`,
      publicKey: suite.publicKey(keys[i]!),
      weight,
    })),
  }
  const networkId = networkIdOf(genesis, suite.sha256)
  const lying = scenario.members.map(({ liar }) => liar !== undefined)
  const suspects = new Set(
    scenario.faults.filter(isGrave).map((fault) => (fault as { member: number }).member),
  )
  const isLiar = (member: number): boolean => lying[member - 1] === true
  const isSuspect = (member: number): boolean => isLiar(member) || suspects.has(member)
  /** Machine → member. The first ones are the members', in order; then come the second ones of twins. */
  const owners = scenario.members.map((_, i) => i + 1)
  for (const [i, { liar }] of scenario.members.entries()) if (liar?.twins === true) owners.push(i + 1)
  const memberOf = (machine: number): number => owners[machine]!
  const conditions: Conditions = { factor: 1, split: undefined }
  let storm = true
  let touched = false
  let moves = 0

  const wallExtremes: [number, number] = [Infinity, -Infinity]
  const checks = createChecks({
    networkId,
    sha256: suite.sha256,
    now: agenda.now,
    isSuspect,
    isLiar,
    honestTimes: () => {
      noteClocks()
      return wallExtremes
    },
  })

  function noteClocks(): void {
    for (const machine of machines) {
      if (isLiar(machine.memberId)) continue
      const wall = machine.wallMicros()
      wallExtremes[0] = Math.min(wallExtremes[0], wall)
      wallExtremes[1] = Math.max(wallExtremes[1], wall)
    }
  }

  const delays = random.stream('delays')
  const lags = createLags(random.stream('lags'), owners.length)
  function delayMs(from: number, to: number): number {
    const { latency } = scenario
    let ms: number
    if (!storm && latency.kind === 'uniform') ms = delays.between(latency.lowMs, Math.min(latency.highMs, 40))
    else if (latency.kind === 'uniform') {
      ms = delays.between(latency.lowMs, latency.highMs)
      if (latency.tail > 0 && delays.chance(latency.tail)) ms += delays.between(0, latency.tailMs)
    } else {
      const base = oneWayMs(latency.regions[memberOf(from) - 1]!, latency.regions[memberOf(to) - 1]!)
      ms = base * (1 + latency.jitter * delays.next())
    }
    if (conditions.split !== undefined) ms += lags.extraMs(from, to, agenda.now(), conditions.split)
    return ms * conditions.factor
  }

  const swap = new Map<number, number>()
  function areWanted(a: number, b: number): boolean {
    if (memberOf(a) === memberOf(b)) return false
    return isShownTo(a, b) && isShownTo(b, a)
  }
  /** Of twins each member sees one. */
  function isShownTo(machine: number, other: number): boolean {
    const member = memberOf(machine)
    if (scenario.members[member - 1]!.liar?.twins !== true) return true
    const which = (memberOf(other) + (swap.get(member) ?? 0)) % 2
    return machine < size === (which === 0)
  }

  const links: Links = createLinks(owners.length, {
    agenda,
    random: random.stream('links'),
    delayMs,
    areWanted,
    deliver: (to, event) => receive(to, event),
    onFrame: (from, to, bytes) => {
      trace.number(agenda.now())
      trace.number(from * 256 + to)
      trace.number(bytes.length)
    },
  })

  const liars = new Map<number, Liar>()
  const machines: Machine[] = []
  for (const [index, member] of owners.entries()) {
    const plan = scenario.members[member - 1]!
    const { liar } = plan
    if (liar !== undefined && liar.twins !== true) continue
    machines.push(
      createMachine({
        index,
        memberId: member,
        plan,
        genesis,
        networkId,
        secretKey: keys[member - 1]!,
        suite,
        agenda,
        random: random.stream(`machine ${index}`),
        links: () => links,
        memberOf,
        checks,
        trace,
        mark,
        touch: () => void (touched = true),
        isLiar: liar !== undefined,
        mayStop: () => isSuspect(member),
      }),
    )
  }
  const machineAt = new Map(machines.map((machine) => [machine.index, machine]))

  function receive(to: number, event: LinkEvent): void {
    const machine = machineAt.get(to)
    if (machine !== undefined) return machine.receive(event)
    const liar = liars.get(to)
    if (liar === undefined) return
    if (event.kind === 'opened') liar.opened(memberOf(event.from))
    if (event.kind === 'frame') {
      const from = links.peerOf(to, event.link)
      if (from !== undefined) liar.frame(memberOf(from), event.bytes)
    }
  }

  const world: World = {
    scenario,
    genesis,
    networkId,
    suite,
    checks,
    links,
    random,
    machines,
    conditions,
    now: agenda.now,
    after: agenda.after,
    mark,
    isLiar,
    isSuspect,
    isStorm: () => storm,
  }

  /** The machine of another member that a liar reaches. */
  function reach(index: number, member: number): number | undefined {
    for (const [other, owner] of owners.entries()) {
      if (owner === member) {
        const link = links.linkTo(index, other)
        if (link !== undefined) return link
      }
    }
    return undefined
  }

  function startLiar(index: number): void {
    const plan = scenario.members[index]!.liar!
    const liar = createLiar({
      genesis,
      networkId,
      memberId: index + 1,
      secretKey: keys[index]!,
      suite,
      random: random.stream(`liar ${index}`),
      plan,
      wallMicros: () => 1_800_000_000_000_000 + Math.round(agenda.now() * 1_000),
      after: agenda.after,
      peers: () => genesis.members.flatMap(({ id }) => (reach(index, id) === undefined ? [] : [id])),
      send: (to, frame) => {
        const link = reach(index, to)
        if (link !== undefined) links.send(index, link, frame)
      },
    })
    liars.set(index, liar)
    links.start(index)
    liar.start()
  }

  function swapTwins(member: number): void {
    swap.set(member, (swap.get(member) ?? 0) + 1)
    for (const [index, owner] of owners.entries()) if (owner === member) links.reconsider(index)
    agenda.after(random.between(500, 3_000), () => swapTwins(member))
  }

  async function move(untilMs: number): Promise<boolean> {
    const run = agenda.next(untilMs)
    if (run === undefined) return false
    moves += 1
    withoutWorld(run)
    while (touched) {
      touched = false
      await settlePromises()
    }
    return true
  }

  const clients = startClients(world)
  const faults = scheduleFaults(world)
  withoutWorld(() => {
    for (const machine of machines) agenda.after(random.between(0, 200), machine.boot)
    for (const [i, { liar }] of scenario.members.entries()) {
      if (liar === undefined) continue
      if (liar.twins === true) swapTwins(i + 1)
      else agenda.after(random.between(0, 200), () => startLiar(i))
    }
    watchBounds()
    clients.start()
    faults.start()
  })

  function watchBounds(): void {
    agenda.after(VIEW_EVERY_MS, watchBounds)
    noteClocks()
    for (const machine of machines) {
      const view = machine.view()
      if (view === undefined || isLiar(machine.memberId)) continue
      // Sources are the peers and oneself (packages/node/README.md, "Bounds").
      if (view.waitingEvents > 4_096 * (size + 1))
        checks.report('I9', `member ${machine.memberId} keeps ${view.waitingEvents} events that wait`)
      if (view.poolTransactions > 100_000 || view.peers.length > size)
        checks.report(
          'I9',
          `member ${machine.memberId}: pool ${view.poolTransactions}, links ${view.peers.length}`,
        )
      for (const [reason, count] of view.counters) if (count > 0) mark(`member: ${reason}`)
      if (view.isBehind) mark('behind')
      if (view.staleOwnEvents > 0) mark('stale own event')
      if (view.waitingEvents > 0) mark('events waited')
      if (view.branched.length > 0) mark('branch known')
    }
  }

  look?.(world)
  while (checks.violation() === undefined && (await move(scenario.stormMs)));
  storm = false
  withoutWorld(() => {
    faults.end()
    links.setRough(SMOOTH)
    clients.probe()
  })
  const settledAfterMs = checks.violation() === undefined ? await calm() : undefined

  async function calm(): Promise<number | undefined> {
    const endMs = scenario.stormMs + scenario.calmMs
    for (let atMs = scenario.stormMs + SETTLE_EVERY_MS; atMs <= endMs; atMs += SETTLE_EVERY_MS) {
      while (checks.violation() === undefined && (await move(atMs)));
      if (checks.violation() !== undefined) return undefined
      if (clients.unsettled() === undefined) return atMs - scenario.stormMs
    }
    checks.report('I3', `not settled after ${scenario.calmMs} ms of calm: ${clients.unsettled() ?? ''}`)
    return undefined
  }

  if (checks.violation() === undefined) await clients.compareLogs()
  if (checks.violation() === undefined) replayOrders(world)
  for (const [round, hash] of [[checks.rounds(), checks.hashAt(checks.rounds()) ?? '']] as const) {
    trace.number(round)
    trace.bytes(Uint8Array.from(hash, (letter) => letter.charCodeAt(0)))
  }
  if (checks.lyingBranches() > 0) mark('branch in the graph')
  return {
    violation: checks.violation(),
    trace: trace.digest(),
    marks: Object.fromEntries([...marks].sort(([a], [b]) => (a < b ? -1 : 1))),
    moves,
    simulatedMs: agenda.now(),
    events: checks.events().length,
    rounds: checks.rounds(),
    transactions: checks.transactions().length,
    settledAfterMs,
    latenciesMs: checks
      .sent()
      .flatMap((each) => (each.finalMs === undefined ? [] : [each.finalMs - each.sentMs])),
  }
}

/** Of every creator some others hear late; who, changes all the time, so that votes are split ever anew. */
function createLags(random: Random, size: number) {
  const until = new Float64Array(size)
  const late: boolean[][] = Array.from({ length: size }, () => Array.from({ length: size }, () => false))
  return {
    extraMs(from: number, to: number, nowMs: number, split: { extraMs: number; share: number }): number {
      if (nowMs >= until[from]!) {
        until[from] = nowMs + random.between(0.3, 2) * split.extraMs
        for (let other = 0; other < size; other++) late[from]![other] = random.chance(split.share)
      }
      return late[from]![to] === true ? split.extraMs : 0
    },
  }
}
