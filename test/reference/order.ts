/**
 * Section 5 of the ordering rule, transcribed: which events a decided round receives, when, and in which place.
 */
import { parentsOf, sumOfWeights } from './election.ts'
import type { Vertex } from './election.ts'

export interface Received {
  readonly event: Vertex
  readonly timestamp: number
}

export interface OrderInput {
  readonly judges: readonly Vertex[]
  /** Weights of the judges' creators, in the same order. */
  readonly weights: readonly bigint[]
  /** All events held, parents before children. */
  readonly held: readonly Vertex[]
  /** The last time given; null if none was given yet. */
  readonly lastTimestamp: number | null
  readonly isOrdered: (x: Vertex) => boolean
  readonly isAncient: (x: Vertex) => boolean
  readonly mark: (name: string) => void
}

export interface OrderOutput {
  readonly received: readonly Received[]
  readonly lastTimestamp: number
}

function idNumber(id: string): bigint {
  return BigInt(`0x${id}`)
}

/** The famous, one for each creator (the one with the least id), by ascending member id. */
export function chooseJudges(famous: readonly Vertex[], mark: (name: string) => void): Vertex[] {
  const chosen = new Map<number, Vertex>()
  for (const c of famous) {
    const other = chosen.get(c.creator)
    if (other !== undefined) mark('two famous witnesses of one creator')
    if (other === undefined || idNumber(c.id) < idNumber(other.id)) chosen.set(c.creator, c)
  }
  return [...chosen.values()].sort((a, b) => a.creator - b.creator)
}

/** The least time such that those whose time is not later hold more than half of the whole weight. */
export function weightedMedian(times: readonly number[], weights: readonly bigint[]): number {
  const total = sumOfWeights(new Map(weights.map((w, i) => [i, w])))
  const fits = times.filter((t) => {
    let weight = 0n
    times.forEach((other, i) => {
      if (other <= t) weight += weights[i]!
    })
    return 2n * weight > total
  })
  return Math.min(...fits)
}

/** x and all that can be reached from it over events that are neither ordered nor ancient. */
export function reach(
  x: Vertex,
  { isOrdered, isAncient }: Pick<OrderInput, 'isOrdered' | 'isAncient'>,
): Set<Vertex> {
  const reached = new Set([x])
  const todo = [x]
  while (todo.length > 0) {
    for (const p of parentsOf(todo.pop()!, isAncient)) {
      if (reached.has(p) || isOrdered(p)) continue
      reached.add(p)
      todo.push(p)
    }
  }
  return reached
}

/** For each received event: the timestamp of the judge's earliest self-ancestor that has it as ancestor or is it. */
function timesGivenBy(judge: Vertex, received: ReadonlySet<Vertex>, input: OrderInput): Map<Vertex, number> {
  const times = new Map<Vertex, number>()
  let s: Vertex | null = judge
  while (s !== null && !input.isOrdered(s) && !input.isAncient(s)) {
    const seen = [...reach(s, input)].filter((x) => received.has(x))
    if (seen.length === 0) break
    for (const x of seen) times.set(x, s.timestamp)
    s = s.selfParent
  }
  return times
}

/** Rank: 1 + the greatest rank among the parents received in the same round. */
function ranksAmong(received: ReadonlySet<Vertex>, input: OrderInput): Map<Vertex, number> {
  const rank = new Map<Vertex, number>()
  for (const x of input.held) {
    if (!received.has(x)) continue
    const parents = parentsOf(x, input.isAncient).filter((p) => received.has(p))
    rank.set(x, 1 + Math.max(0, ...parents.map((p) => rank.get(p)!)))
  }
  return rank
}

export function findOrder(input: OrderInput): OrderOutput {
  const { judges, weights, mark } = input
  const reaches = judges.map((j) => reach(j, input))
  const received = [...reaches[0]!].filter((x) => reaches.every((set) => set.has(x)))
  if (received.length === 0) {
    mark('empty round')
    const own = weightedMedian(
      judges.map((j) => j.timestamp),
      weights,
    )
    return { received: [], lastTimestamp: input.lastTimestamp === null ? own : input.lastTimestamp + 1 }
  }
  if (judges.length % 2 === 0) mark('even number of judges')
  const times = judges.map((j) => timesGivenBy(j, new Set(received), input))
  const median = new Map(
    received.map((x) => [
      x,
      weightedMedian(
        times.map((t) => t.get(x)!),
        weights,
      ),
    ]),
  )
  const rank = ranksAmong(new Set(received), input)
  const whitening = judges.map((j) => idNumber(j.id)).reduce((a, b) => a ^ b)
  received.sort((a, b) => {
    if (median.get(a)! !== median.get(b)!) return median.get(a)! < median.get(b)! ? -1 : 1
    if (rank.get(a)! !== rank.get(b)!) return rank.get(a)! < rank.get(b)! ? -1 : 1
    mark('sorted by whitened id')
    return (idNumber(a.id) ^ whitening) < (idNumber(b.id) ^ whitening) ? -1 : 1
  })
  let lastTimestamp = input.lastTimestamp
  const timed = received.map((event): Received => {
    const own = median.get(event)!
    if (lastTimestamp !== null && own <= lastTimestamp) mark('time moved on')
    const timestamp = lastTimestamp === null ? own : Math.max(own, lastTimestamp + 1)
    lastTimestamp = timestamp + Math.max(1, event.transactionCount) - 1
    return { event, timestamp }
  })
  return { received: timed, lastTimestamp: lastTimestamp! }
}
