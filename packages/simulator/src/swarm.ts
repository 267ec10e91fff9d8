/**
 * One seed chooses a scenario: sizes, speeds, which kinds of faults there are at all and how many of each, who lies and how
 * (swarm testing: Groce and others 2012; a run in which everything happens finds less than runs that leave things out).
 * Liars, and members with a fault that may make them act against their past, weigh less than a third.
 */
import type { Survival } from './disk.ts'
import { createRandom, type Random } from './random.ts'
import type { FaultKind } from './fault-kinds.ts'
import { REGIONS } from './regions.ts'
import type { Fault, Latency, LiarPlan, MemberPlan, Scenario } from './scenario.ts'

export interface Wishes {
  readonly seed: number
  /** From and to how many members. */
  readonly members: readonly [number, number]
  /** The kinds that may be chosen. */
  readonly kinds: readonly FaultKind[]
  /** Length of the storm; else chosen. */
  readonly stormMs?: number
}

function latencyOf(random: Random, size: number): Latency {
  if (random.chance(0.35)) {
    const regions = Array.from({ length: size }, () => random.integer(0, REGIONS.length - 1))
    return { kind: 'map', regions, jitter: random.pick([0, 0.05, 0.3]) }
  }
  const lowMs = random.pick([2, 5, 10, 20, 60])
  const highMs = lowMs * random.pick([1, 1.5, 4])
  const tail = random.pick([0, 0.01, 0.1])
  return { kind: 'uniform', lowMs, highMs, tail, tailMs: highMs * random.pick([2, 10, 30]) }
}

function liarPlan(random: Random, others: readonly number[]): LiarPlan {
  const some = (chance: number): boolean => random.chance(chance)
  const audience = some(0.2) ? random.shuffled(others).slice(0, random.integer(1, 2)) : undefined
  return {
    twins: some(0.2),
    everyMs: random.pick([10, 30, 80, 200]),
    branch: some(0.5) ? random.pick([0.02, 0.2, 0.6]) : 0,
    branches: random.pick([1, 1, 2, 6]),
    withhold: some(0.5) ? random.pick([0.1, 0.5]) : 0,
    withholdMs: random.pick([50, 300, 2_000]),
    untilRound: some(0.3),
    timestamps: some(0.4) ? random.pick(['past', 'future', 'random', 'still']) : 'true',
    frontier: some(0.3) ? random.pick(['low', 'high', 'random']) : 'true',
    floods: some(0.25) ? random.pick([5, 40]) : 0,
    censored: some(0.3)
      ? random.shuffled(others).slice(0, random.integer(1, Math.max(1, others.length >> 1)))
      : [],
    grind: some(0.2) ? 4 : 0,
    ...(audience === undefined ? {} : { audience }),
    serves: some(0.4) ? random.pick(['nothing', 'drip']) : 'all',
    garbage: some(0.15) ? 0.02 : 0,
  }
}

const SURVIVALS: readonly Survival[] = ['all', 'none', 'prefix', 'any', 'any']

/** Makes the faults of one kind. */
function faultsOf(kind: FaultKind, random: Random, size: number, stormMs: number): Fault[] {
  const ids = Array.from({ length: size }, (_, i) => i + 1)
  const member = (): number => random.integer(1, size)
  const span = (leastMs: number, mostMs: number) => {
    const forMs = Math.min(stormMs * 0.6, random.between(leastMs, mostMs))
    return { atMs: Math.round(random.between(0, stormMs - forMs)), forMs: Math.round(forMs) }
  }
  const many = (most: number, make: () => Fault): Fault[] =>
    Array.from({ length: random.integer(1, most) }, make)
  switch (kind) {
    case 'crash':
      return many(4, () => ({
        kind: 'crash',
        ...span(20, 2_000),
        member: member(),
        survival: random.pick(SURVIVALS),
        image: 'own',
        ageMs: 0,
        rot: false,
      }))
    case 'image':
      return [
        {
          kind: 'crash',
          ...span(20, 1_500),
          member: member(),
          survival: random.pick(SURVIVALS),
          image: random.pick(['old', 'none', 'own']),
          ageMs: random.integer(50, 3_000),
          rot: random.chance(0.4),
        },
      ]
    case 'clock':
      return many(3, () => ({
        kind: 'clock',
        ...span(1, 1),
        member: member(),
        jumpMs: random.pick([-3_600_000, -2_000, -5, 30, 5_000, 3_600_000]),
      }))
    case 'cut':
      return many(3, () => {
        const order = random.shuffled(ids)
        const at = random.integer(1, size - 1)
        const from = order.slice(0, at)
        return { kind: 'cut', ...span(100, 4_000), from, to: order.slice(at), both: random.chance(0.7) }
      })
    case 'ring': {
      // Everybody reaches its two neighbours only.
      const { atMs, forMs } = span(300, 4_000)
      const order = random.shuffled(ids)
      return order.map((id, i) => {
        const near = new Set([id, order[(i + 1) % size]!, order[(i + size - 1) % size]!])
        return {
          kind: 'cut',
          atMs,
          forMs,
          from: [id],
          to: ids.filter((other) => !near.has(other)),
          both: false,
        }
      })
    }
    case 'swizzle': {
      const { atMs, forMs } = span(500, 4_000)
      const clogged = random.shuffled(ids).slice(0, random.integer(1, size))
      return clogged.map((id) => {
        const from = atMs + Math.round(random.between(0, forMs / 2))
        const until = atMs + Math.round(random.between(forMs / 2, forMs))
        const others = ids.filter((other) => other !== id)
        return { kind: 'cut', atMs: from, forMs: until - from, from: [id], to: others, both: true }
      })
    }
    case 'disk':
      return many(2, () => ({
        kind: 'disk',
        ...span(100, 3_000),
        member: member(),
        faults: diskFaults(random),
      }))
    case 'far':
      return [{ kind: 'far', ...span(300, 3_000), factor: random.pick([3, 10, 40]) }]
    case 'pause':
      return many(4, () => ({ kind: 'pause', ...span(50, 3_000), member: member() }))
    case 'rough':
      return many(2, () => ({
        kind: 'rough',
        ...span(300, 5_000),
        loss: random.pick([0, 0.02, 0.3]),
        twice: random.pick([0, 0.05, 0.5]),
        overtake: random.pick([0, 0.1, 0.5]),
      }))
    case 'slow':
      return many(2, () => ({
        kind: 'slow',
        ...span(300, 4_000),
        member: member(),
        stepMs: random.pick([1, 4, 15]),
      }))
    case 'split':
      return many(2, () => ({
        kind: 'split',
        ...span(1_000, 6_000),
        extraMs: random.pick([40, 150, 500]),
        share: random.pick([0.2, 0.4, 0.5]),
      }))
    case 'stop':
      return many(2, () => ({ kind: 'stop', ...span(20, 1_000), member: member() }))
    case 'thin':
      return many(2, () => ({
        kind: 'thin',
        ...span(300, 4_000),
        member: member(),
        bytesPerMs: random.pick([4, 20, 100]),
      }))
    case 'liars':
      return []
  }
}

function diskFaults(random: Random): Extract<Fault, { kind: 'disk' }>['faults'] {
  switch (random.integer(0, 4)) {
    case 0:
      return { capacityBytes: random.pick([0, 20_000, 100_000]) }
    case 1:
      return { shortWrite: 0.3, shortRead: 0.3 }
    case 2:
      return { syncMs: [random.integer(5, 50), random.integer(50, 800)] }
    case 3:
      return { syncError: 0.05 }
    default:
      return { writeError: 0.05 }
  }
}

function chooseMembers(random: Random, size: number, liarsMay: boolean): MemberPlan[] {
  const equal = random.chance(0.6)
  const weights = Array.from({ length: size }, () => (equal ? 1 : random.integer(1, 5)))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const clocks = random.pick(['same', 'same', 'near', 'wild'] as const)
  const liars = new Set<number>()
  let lying = 0
  if (liarsMay) {
    for (const i of random.shuffled(weights.map((_, i) => i))) {
      if (3 * (lying + weights[i]!) >= total || (liars.size > 0 && random.chance(0.3))) continue
      liars.add(i)
      lying += weights[i]!
    }
  }
  const segmentBytes = random.pick([64 * 1024 * 1024, 64 * 1024 * 1024, 40_000])
  const syncMs = random.pick([
    [0.1, 1],
    [0.3, 6],
    [2, 20],
  ] as const)
  return weights.map((weight, i) => {
    const others = weights.flatMap((_, j) => (j === i ? [] : [j + 1]))
    const offset = clocks === 'same' ? 0 : random.between(-1, 1) * (clocks === 'near' ? 50 : 10_000)
    return {
      weight,
      clockOffsetMs: Math.round(offset),
      clockRate: clocks === 'wild' ? random.pick([0.95, 1, 1.05]) : 1,
      stepMs: random.pick([0, 0, 0.05]),
      syncMs,
      segmentBytes,
      ...(liars.has(i) ? { liar: liarPlan(random, others) } : {}),
    }
  })
}

/** Keeps members with a grave fault and liars together below a third of the weight. */
function withinBudget(members: readonly MemberPlan[], faults: readonly Fault[]): Fault[] {
  const total = members.reduce((sum, each) => sum + each.weight, 0)
  const spent = new Set(members.flatMap((each, i) => (each.liar === undefined ? [] : [i + 1])))
  const weightOf = (ids: ReadonlySet<number>): number =>
    [...ids].reduce((sum, id) => sum + members[id - 1]!.weight, 0)
  return faults.filter((fault) => {
    if (fault.kind !== 'crash' || (fault.image === 'own' && !fault.rot)) return true
    const after = new Set([...spent, fault.member])
    if (3 * weightOf(after) >= total) return false
    spent.add(fault.member)
    return true
  })
}

export function chooseScenario(wishes: Wishes): Scenario {
  const random = createRandom(wishes.seed, 'scenario')
  const [least, most] = wishes.members
  const size = random.chance(0.5)
    ? random.pick([4, 5, 7, 10].filter((n) => n >= least && n <= most).concat(least))
    : random.integer(least, most)
  const stormMs = wishes.stormMs ?? random.pick([2_000, 4_000, 7_000])
  const chosen = wishes.kinds.filter(() => random.chance(0.3))
  const members = chooseMembers(random, size, wishes.kinds.includes('liars') && random.chance(0.7))
  const faults = chosen.flatMap((kind) => (size > 1 ? faultsOf(kind, random, size, stormMs) : []))
  return {
    seed: wishes.seed,
    coinFrequency: random.pick([2, 3, 4, 6, 12]),
    roundsNonAncient: random.pick([5, 8, 12, 26]),
    realSignatures: wishes.seed % 100 === 99,
    latency: latencyOf(random, size),
    members,
    faults: withinBudget(members, faults),
    load: {
      perSecond: random.pick([2, 10, 40, 120]),
      burst: random.pick([1, 1, 5, 40]),
      sizeBytes: random.pick([
        [16, 40],
        [16, 400],
        [1_000, 3_000],
      ] as const),
    },
    stormMs,
    calmMs: 60_000,
  }
}
