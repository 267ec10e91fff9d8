/**
 * A world of gossiping members, for making graphs. Every member knows only what it was told. A member that branches
 * is several mouths under one name, each with its own last event and its own knowledge; which mouth speaks to whom
 * changes over time. Nothing here is a node: there are no messages, only "a hears from b and makes an event".
 */
import type { DagEvent } from './dag.ts'
import type { Random } from './random.ts'

export interface WorldOptions {
  /** Ids of everyone who ever creates an event, and of those who branch. */
  readonly members: readonly number[]
  readonly branchers: ReadonlySet<number>
  readonly maxBranches: number
  readonly chanceOfBranch: number
  /** How likely a branch has no self-parent at all. */
  readonly chanceOfBareBranch: number
  readonly maxOtherParents: number
  /** Weights that rule a round, by place in `members` (0 for strangers). */
  readonly weightsOf: (round: number) => readonly number[]
  /** Place in `members` to the number of the step from which on it speaks at all. */
  readonly joinsAt: readonly number[]
  readonly clock: {
    readonly start: number
    readonly step: number
    readonly grain: number
    readonly skews: readonly number[]
  }
  readonly silence: readonly Interval[]
  readonly partitions: readonly Partition[]
  readonly chanceOfNoOtherParent: number
  readonly chanceOfOldOtherParent: number
  readonly chanceOfManyTransactions: number
  /** How likely each member is to act, relative to the others. */
  readonly rates: readonly number[]
}

/** While it lasts the member is offline, or muted (is not heard), or alone (hears nobody, and only branchers hear it). */
export interface Interval {
  readonly member: number
  readonly from: number
  readonly to: number
  readonly kind: 'offline' | 'muted' | 'alone'
}

export interface Partition {
  readonly from: number
  readonly to: number
  /** Group of each member, by place. */
  readonly groups: readonly number[]
}

interface Made extends DagEvent {
  readonly index: number
  readonly place: number
  readonly ancestors: Uint32Array
  /** A cheap guess of the round, and which members' witnesses of that round each member's last event knows. */
  readonly guess: number
  readonly knows: readonly bigint[]
}

interface Mouth {
  readonly place: number
  tip: Made | null
  view: Uint32Array
}

const has = (set: Uint32Array, i: number): boolean => (set[i >>> 5]! & (1 << (i & 31))) !== 0

function unite(into: Uint32Array, from: Uint32Array): void {
  for (let i = 0; i < into.length; i++) into[i] = into[i]! | from[i]!
}

/** How many events a world makes at most. */
export function makeEvents(random: Random, options: WorldOptions, count: number): DagEvent[] {
  const { members, branchers, maxBranches } = options
  const words = (count + 31) >>> 5
  const made: Made[] = []
  const byPlace: Made[][] = members.map(() => [])
  const mouths: Mouth[][] = members.map((_, place) => [{ place, tip: null, view: new Uint32Array(words) }])
  const shown: number[][] = members.map(() => members.map(() => 0))
  const byRates = members.flatMap((_, place) => Array.from({ length: options.rates[place]! }, () => place))
  let step = 0

  const is = (kind: Interval['kind'], place: number): boolean =>
    options.silence.some((s) => s.kind === kind && s.member === place && step >= s.from && step < s.to)
  const apart = (a: number, b: number): boolean =>
    options.partitions.some((p) => step >= p.from && step < p.to && p.groups[a] !== p.groups[b])
  const present = (place: number): boolean => step >= options.joinsAt[place]! && !is('offline', place)

  /** A new mouth for a brancher, speaking from one of its earlier events, or from nothing. */
  function branch(place: number): void {
    const own = byPlace[place]!
    const from =
      own.length === 0 || random.chance(options.chanceOfBareBranch)
        ? null
        : own[Math.max(0, own.length - 1 - random.below(6))]!
    const view = new Uint32Array(words)
    if (from !== null) unite(view, from.ancestors)
    if (random.chance(0.5)) unite(view, random.pick(mouths[place]!).view)
    mouths[place]!.push({ place, tip: from, view })
    for (const [other] of members.entries()) shown[other]![place] = random.below(mouths[place]!.length)
  }

  /** The last events by one creator that a view holds; now and then an older one. */
  function parentBy(view: Uint32Array, place: number): Made | null {
    const known = byPlace[place]!.filter((e) => has(view, e.index))
    if (known.length === 0) return null
    if (random.chance(options.chanceOfOldOtherParent))
      return known[Math.max(0, known.length - 1 - random.below(5))]!
    const recent = known.slice(-1 - (branchers.has(members[place]!) ? random.below(3) : 0))
    return recent[0]!
  }

  function hear(mouth: Mouth): Made[] {
    const others = members.map((_, place) => place).filter((p) => p !== mouth.place && present(p))
    const isBrancher = branchers.has(members[mouth.place]!)
    const reachable = others.filter(
      (p) => !is('muted', p) && !apart(mouth.place, p) && (isBrancher || !is('alone', p)),
    )
    if (is('alone', mouth.place)) reachable.length = 0
    const wanted = random.chance(options.chanceOfNoOtherParent)
      ? 0
      : random.between(1, options.maxOtherParents)
    const parents: Made[] = []
    for (const place of random.shuffle(reachable).slice(0, wanted)) {
      const speaker = mouths[place]![shown[mouth.place]![place]!]!
      if (speaker.tip === null) continue
      if (random.chance(0.2)) unite(mouth.view, speaker.tip.ancestors)
      else unite(mouth.view, speaker.view)
      const parent = random.chance(0.85) ? speaker.tip : parentBy(mouth.view, place)
      if (parent !== null) parents.push(parent)
    }
    return parents
  }

  function create(mouth: Mouth, others: readonly Made[]): void {
    const { place, tip } = mouth
    const parents = tip === null ? others : [tip, ...others]
    const index = made.length
    const ancestors = new Uint32Array(words)
    for (const p of parents) unite(ancestors, p.ancestors)
    ancestors[index >>> 5]! |= 1 << (index & 31)
    const { guess, knows } = guessRound(place, parents, options)
    const lag = random.chance(0.8) ? 1 : random.between(1, 3)
    const birthRound = Math.max(1, guess - lag, ...parents.map((p) => p.birthRound))
    const { start, step: tick, grain, skews } = options.clock
    const now = start + Math.floor((step * tick + skews[place]!) / grain) * grain
    const id = random.id()
    const event: Made = {
      id,
      creator: members[place]!,
      selfParent: tip?.id ?? null,
      otherParents: others.map((p) => p.id),
      birthRound,
      timestamp: Math.max(now, tip === null ? 0 : tip.timestamp + 1),
      coin: (Number.parseInt(id.slice(-1), 16) & 1) as 0 | 1,
      transactionCount: random.chance(options.chanceOfManyTransactions)
        ? random.between(2, 1000)
        : random.below(3),
      index,
      place,
      ancestors,
      guess,
      knows,
    }
    made.push(event)
    byPlace[place]!.push(event)
    mouth.tip = event
    unite(mouth.view, ancestors)
  }

  for (; made.length < count && step < 20 * count; step++) {
    const place = random.pick(byRates)
    if (!present(place)) continue
    if (branchers.has(members[place]!)) {
      if (mouths[place]!.length < maxBranches && random.chance(options.chanceOfBranch)) branch(place)
      if (random.chance(0.1))
        shown[random.below(members.length)]![place] = random.below(mouths[place]!.length)
    }
    const mouth = random.pick(mouths[place]!)
    create(mouth, mouth.tip === null && random.chance(0.6) ? [] : hear(mouth))
  }
  return made.map(strip)
}

function strip(event: Made): DagEvent {
  const { id, creator, selfParent, otherParents, birthRound, timestamp, coin, transactionCount } = event
  return { id, creator, selfParent, otherParents, birthRound, timestamp, coin, transactionCount }
}

/** Roughly what the round rule gives: enough for plausible birth rounds, and blind to branches. */
function guessRound(
  place: number,
  parents: readonly Made[],
  { weightsOf, members }: WorldOptions,
): { guess: number; knows: readonly bigint[] } {
  const guess = Math.max(1, ...parents.map((p) => p.guess))
  const weights = weightsOf(Math.max(1, guess - 2))
  const total = weights.reduce((a, b) => a + b, 0)
  const level = parents.filter((p) => p.guess === guess)
  const knows = members.map((_, m) => level.reduce((mask, p) => mask | p.knows[m]!, 0n))
  const bit = 1n << BigInt(place)
  knows[place] = knows.reduce((mask, k) => mask | k, bit)
  const through = members.map(() => 0)
  for (const [m3, weight] of weights.entries()) {
    for (let m = 0, rest = knows[m3]!; rest !== 0n; m++, rest >>= 1n) if (rest & 1n) through[m]! += weight
  }
  const strong = weights.reduce((sum, weight, m) => (3 * through[m]! > 2 * total ? sum + weight : sum), 0)
  if (3 * strong <= 2 * total) return { guess, knows }
  return { guess: guess + 1, knows: members.map((_, m) => (m === place ? bit : 0n)) }
}
