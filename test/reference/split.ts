/**
 * A scheduler that keeps an election open until its coin round. It aims at the witness of the first member: half of
 * the members are to vote yes on it in every round, the others no, and no vote may be strong. In every round a
 * bare quorum talks until one member of it has its next witness; the rule is asked what each event would be, and
 * events that would do harm are not made. After the
 * coin round it lets everybody gossip freely, so that the coins decide.
 */
import type { Dag, DagEvent } from './dag.ts'
import { createElection } from './election.ts'
import type { Election, Vertex } from './election.ts'
import { createRandom } from './random.ts'
import type { Random } from './random.ts'

const ATTEMPTS = 50

export interface SplitOptions {
  readonly coinFrequency?: number
  /** The last member shows different branches to different members. */
  readonly branching?: boolean
}

export function splitVotes(seed: number, random: Random, options: SplitOptions = {}): Dag {
  const { coinFrequency = 12, branching = false } = options
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const events = trySplit(createRandom(random.uint32()), coinFrequency, branching)
    if (events === null) continue
    const members = [...new Set(events.map((e) => e.creator))].map((id) => ({ id, weight: 1 }))
    return {
      name: `seed ${seed}: votes split until the coin round`,
      config: { coinFrequency, roundsNonAncient: 26 },
      rosters: [{ fromRound: 1, members }],
      snapshot: null,
      events: events.map(toEvent),
    }
  }
  throw new Error(`no split found for seed ${seed}`)
}

interface Split {
  readonly random: Random
  readonly n: number
  /** −1: none. */
  readonly brancher: number
  readonly coinFrequency: number
  readonly election: Election
  readonly events: Vertex[]
  readonly tips: Vertex[]
  readonly byCreator: Vertex[][]
}

function trySplit(random: Random, coinFrequency: number, branching: boolean): Vertex[] | null {
  const n = coinFrequency > 12 ? 4 : random.pick([4, 4, 4, 5])
  const roster = new Map(Array.from({ length: n }, (_, id) => [id, 1n]))
  const election = createElection({
    decidedRound: 0,
    judges: [],
    roster,
    coinFrequency,
    isOrdered: () => false,
    isAncient: () => false,
    mark: () => {},
  })
  const brancher = branching ? n - 1 : -1
  const split: Split = { random, n, brancher, coinFrequency, election, events: [], tips: [], byCreator: [] }
  for (let m = 0; m < n; m++) {
    split.byCreator.push([])
    commit(split, draft(split, m, null, []))
  }
  const target = split.tips[0]!
  for (let round = 1; round <= coinFrequency; round++) if (!passRound(split, target, round)) return null
  for (let i = 0; i < 15 * n; i++) {
    const m = random.below(n)
    const other = (m + 1 + random.below(n - 1)) % n
    commit(split, draft(split, m, split.tips[m]!, [split.tips[other]!]))
  }
  return split.events
}

/** Brings every member from one round to the next; what does not work out is taken back and tried anew. */
function passRound(split: Split, target: Vertex, round: number): boolean {
  const { random, n, election, events, tips, byCreator } = split
  const saved = { events: events.length, tips: [...tips], lengths: byCreator.map((own) => own.length) }
  for (let attempt = 0; attempt < 400; attempt++) {
    for (const m of random.shuffle(tips.map((_, m) => m))) advance(split, target, m, round)
    if (tips.every((tip) => election.round(tip) === round + 1)) return true
    events.length = saved.events
    for (let m = 0; m < n; m++) {
      tips[m] = saved.tips[m]!
      byCreator[m]!.length = saved.lengths[m]!
    }
  }
  return false
}

/** Lets a bare quorum talk among itself until one of it has a witness of the next round that votes as it should. */
function advance(split: Split, target: Vertex, m: number, round: number): void {
  const { random, n, brancher, election, tips, byCreator } = split
  const quorum = Math.floor((2 * n) / 3) + 1
  const others = random.shuffle(tips.map((_, o) => o).filter((o) => o !== m))
  const group = [m, ...others.slice(0, quorum - 1)]
  for (let step = 0; step < 8 * quorum && election.round(tips[m]!) === round; step++) {
    const actor = random.chance(0.4) ? m : random.pick(group)
    const from = random.pick(group)
    if (actor === from || election.round(tips[actor]!) > round) continue
    const self =
      actor === brancher && random.chance(0.5) ? random.pick(byCreator[actor]!.slice(-4)) : tips[actor]!
    const x = draft(split, actor, self, [random.pick(byCreator[from]!.slice(-3))])
    election.divideRounds(x)
    if (isHarmless(split, x, target)) commit(split, x)
  }
}

/** The votes on the target stay split, and none is strong. In the coin round itself the coins vote. */
function isHarmless({ n, coinFrequency, election }: Split, x: Vertex, target: Vertex): boolean {
  if (!election.isWitness(x)) return true
  const { yes, strong } = election.vote(x, target)
  if (strong) return false
  return election.round(x) - 1 === coinFrequency || yes === x.creator < Math.floor(n / 2)
}

function draft(
  { random, events }: Split,
  creator: number,
  selfParent: Vertex | null,
  otherParents: Vertex[],
): Vertex {
  const id = random.id()
  return {
    id,
    creator,
    selfParent,
    otherParents,
    birthRound: 1,
    timestamp: 1_700_000_000_000_000 + events.length * 1000 + random.below(1000),
    coin: (Number.parseInt(id.slice(-1), 16) & 1) as 0 | 1,
    transactionCount: random.below(3),
  }
}

function commit({ election, events, tips, byCreator }: Split, x: Vertex): void {
  election.divideRounds(x)
  election.decideFame(x)
  events.push(x)
  tips[x.creator] = x
  byCreator[x.creator]!.push(x)
}

function toEvent(x: Vertex): DagEvent {
  return { ...x, selfParent: x.selfParent?.id ?? null, otherParents: x.otherParents.map((p) => p.id) }
}
