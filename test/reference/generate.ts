/** Seed in, interchange DAG out: everything about a graph (members, weights, faults, clocks, rosters) is drawn from the seed. */
import type { Dag, DagEvent, DagRoster } from './dag.ts'
import { makeEvents } from './gossip.ts'
import type { Interval, Partition } from './gossip.ts'
import { delayed, lateCreator, shuffled } from './insertion.ts'
import { createRandom } from './random.ts'
import type { Random } from './random.ts'
import { splitVotes } from './split.ts'

export interface GenerateOptions {
  /** Number of members of the first roster (1 to 13); drawn if absent. */
  readonly n?: number
  readonly events?: number
  readonly coinFrequency?: number
  readonly roundsNonAncient?: number
  readonly branching?: boolean
  /** Branches by the dozen, and an honest member that is away: so the brancher's witnesses are needed. */
  readonly bomb?: boolean
}

/** Of so many seeds one graph is made by the vote-splitting scheduler, and one has more members than fit into a word. */
const SPLIT_EVERY = 100
const MANY_EVERY = 200

export function generate(seed: number, options: GenerateOptions = {}): Dag {
  const random = createRandom(seed)
  if (seed % SPLIT_EVERY === 0 && options.n === undefined) {
    const place = seed / SPLIT_EVERY
    const far = place % 5 === 0
    return splitVotes(seed, random, { coinFrequency: far ? 20 : 12, branching: far || place % 2 === 1 })
  }
  const many = seed % MANY_EVERY === 50 && options.n === undefined
  const n =
    options.n ??
    (many ? random.between(31, 40) : random.pick([1, 2, 3, 4, 4, 4, 5, 5, 6, 7, 7, 8, 9, 10, 11, 12, 13]))
  const bomb = options.bomb ?? (n >= 4 && n <= 10 && random.chance(0.12))
  const late = random.chance(0.25) ? random.between(1, 2) : 0
  const members = drawMembers(random, n + late)
  const count = options.events ?? drawCount(random, n)
  const rosters = drawRosters(random, members, n, count)
  const branchers =
    (options.branching ?? (bomb || random.chance(0.55)))
      ? drawBranchers(random, members, rosters)
      : new Set<number>()
  const tick = random.pick([1, 7, 100, 1000])
  const events = makeEvents(
    random,
    {
      members,
      branchers,
      maxBranches: bomb ? 40 : random.pick([2, 3, 5, 10]),
      chanceOfBranch: bomb ? 0.6 : 0.15,
      chanceOfBareBranch: bomb ? random.pick([0.1, 0.6]) : 0.1,
      maxOtherParents: many ? 12 : random.pick([1, 1, 1, 2, 3, 5]),
      weightsOf: (round) => weightsOf(members, rosters, round),
      joinsAt: members.map((_, place) => (place >= n || random.chance(0.05) ? random.below(count) : 0)),
      clock: {
        start: random.pick([1_700_000_000_000_000, 999_999_999_999_000, 9_900, 0]),
        step: tick,
        grain: tick * random.pick([1, 1, 4, 40, 10_000]),
        skews: members.map(() => (random.chance(0.2) ? random.below(1_000_000) : random.below(3 * tick))),
      },
      silence: bomb
        ? drawAbsence(random, members, branchers, count)
        : drawSilence(random, members.length, count),
      partitions: drawPartitions(random, members.length, count),
      chanceOfNoOtherParent: random.pick([0, 0, 0.05, 0.3]),
      chanceOfOldOtherParent: random.pick([0, 0.1, 0.4]),
      chanceOfManyTransactions: random.pick([0, 0.05, 0.5]),
      rates: members.map(() => (random.chance(0.2) ? random.between(1, 12) : 4)),
    },
    count,
  )
  return {
    name: `seed ${seed}`,
    config: {
      coinFrequency: options.coinFrequency ?? random.pick([2, 2, 3, 4, 5, 7, 12]),
      roundsNonAncient: options.roundsNonAncient ?? random.pick([4, 4, 4, 5, 7, 12, 26]),
    },
    rosters,
    snapshot: null,
    events: deliver(random, events),
  }
}

/** Ids that sort differently as numbers and as text, and up to the greatest that there is. */
function drawMembers(random: Random, count: number): number[] {
  const members = new Set<number>()
  const most = random.pick([count, 120, 2 ** 32])
  while (members.size < count) members.add(random.below(most))
  return [...members]
}

/** Enough for a few rounds; sometimes, with few members, for more rounds than an ancient window holds. */
function drawCount(random: Random, n: number): number {
  if (n > 13) return 20 * n
  if (n <= 6 && random.chance(0.3)) return random.between(200, 400)
  return random.between(20 + 12 * n, 60 + 22 * n)
}

function drawRosters(random: Random, members: readonly number[], n: number, count: number): DagRoster[] {
  const unit = random.pick([1, 1, 1, 7])
  const scale = random.pick([1, 1, 3, 10, 1_000_000_007, 2 ** 47])
  const drawn = (ids: readonly number[]): DagRoster['members'] =>
    ids.map((id) => ({ id, weight: scale === 1 ? unit : random.between(1, scale) }))
  const rosters: DagRoster[] = [{ fromRound: 1, members: drawn(members.slice(0, n)) }]
  if (members.length === n && random.chance(0.7)) return rosters
  const roundsToBe = Math.max(3, Math.floor(count / (4 + n * 2)))
  let fromRound = 1
  let current = members.slice(0, n)
  for (let change = random.between(1, 3); change > 0; change--) {
    fromRound += random.between(1, roundsToBe)
    const added = members.filter((id) => !current.includes(id) && random.chance(0.7))
    const removed = current.length > 2 && random.chance(0.5) ? random.pick(current) : null
    current = [...current.filter((id) => id !== removed), ...added]
    rosters.push({ fromRound, members: drawn(random.shuffle(current)) })
  }
  return rosters
}

/** As many as fit into less than a third of the weight of each roster. */
function drawBranchers(
  random: Random,
  members: readonly number[],
  rosters: readonly DagRoster[],
): Set<number> {
  const chosen = new Set<number>()
  for (const id of random.shuffle(members)) {
    chosen.add(id)
    const fits = rosters.every(({ members }) => {
      const total = members.reduce((sum, m) => sum + m.weight, 0)
      const weight = members.filter((m) => chosen.has(m.id)).reduce((sum, m) => sum + m.weight, 0)
      return 3 * weight < total
    })
    if (!fits) chosen.delete(id)
  }
  return chosen
}

function weightsOf(members: readonly number[], rosters: readonly DagRoster[], round: number): number[] {
  const roster = rosters.findLast((r) => r.fromRound <= round)!
  return members.map((id) => roster.members.find((m) => m.id === id)?.weight ?? 0)
}

function drawSilence(random: Random, n: number, count: number): Interval[] {
  if (random.chance(0.5)) return []
  return Array.from({ length: random.between(1, 3) }, () => {
    const from = random.below(count)
    const kind = random.pick(['offline', 'muted', 'alone'] as const)
    return { member: random.below(n), from, to: from + random.between(20, 2 * count), kind }
  })
}

/** One honest member is away for most of the time, or makes a chain of its own that only branchers hear. */
function drawAbsence(
  random: Random,
  members: readonly number[],
  branchers: ReadonlySet<number>,
  count: number,
): Interval[] {
  const honest = members.map((_, place) => place).filter((place) => !branchers.has(members[place]!))
  const from = random.below(30)
  return [
    { member: random.pick(honest), from, to: from + count, kind: random.pick(['offline', 'alone'] as const) },
  ]
}

function drawPartitions(random: Random, n: number, count: number): Partition[] {
  if (random.chance(0.75)) return []
  return Array.from({ length: random.between(1, 2) }, () => {
    const from = random.below(count)
    const groups = Array.from({ length: n }, () => random.below(2))
    return { from, to: from + random.between(5, Math.max(6, count >> 1)), groups }
  })
}

function deliver(random: Random, events: DagEvent[]): DagEvent[] {
  if (random.chance(0.45)) return events
  return random.pick([shuffled, delayed, lateCreator, lateCreator])(random, events)
}
