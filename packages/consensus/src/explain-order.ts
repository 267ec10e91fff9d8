/**
 * Which events a decided round receives, when and in which place, for explanations (spec section 5): every judge's time
 * for every event is kept with the event by which the judge knew it.
 */
import { compareBytes } from '@hearsay/dag'
import { presentParents, type Item } from './explain-seeing.ts'

export interface KnownBy {
  readonly judge: Item
  readonly weight: number
  readonly knownBy: Item
}

export interface Received {
  readonly item: Item
  readonly round: number
  readonly judges: readonly KnownBy[]
  readonly medianTime: number
  readonly rank: number
  readonly whitenedId: Uint8Array
  readonly order: number
  readonly timestamp: number
  readonly movedOn: boolean
}

export interface WeightedJudge {
  readonly item: Item
  readonly weight: number
}

export interface OrderInput {
  readonly round: number
  readonly judges: readonly WeightedJudge[]
  /** As it is after the round was decided. */
  readonly ancientThreshold: number
  /** Undefined if none was given yet. */
  readonly lastTimestamp: number | undefined
  readonly nextOrder: number
}

export interface OrderResult {
  readonly received: readonly Received[]
  readonly lastTimestamp: number
  readonly nextOrder: number
}

/** All that is reached from `start` over events that are neither ordered nor ancient, and are not in `known` yet. */
export function reachFrom(
  start: Item,
  ancientThreshold: number,
  known: ReadonlyMap<Item, unknown> = new Map(),
): Set<Item> {
  const reached = new Set<Item>()
  const waiting = [start]
  for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
    if (item.ordered || item.birthRound < ancientThreshold || known.has(item) || reached.has(item)) continue
    reached.add(item)
    waiting.push(...presentParents(item, ancientThreshold))
  }
  return reached
}

/** For each event that the judge reaches: the judge's earliest self-ancestor that does. */
function firstKnown(judge: Item, ancientThreshold: number): Map<Item, Item> {
  const line: Item[] = []
  let self: Item | undefined = judge
  while (self !== undefined && !self.ordered && self.birthRound >= ancientThreshold) {
    line.push(self)
    self = self.selfParent
  }
  const known = new Map<Item, Item>()
  for (const by of line.toReversed())
    for (const item of reachFrom(by, ancientThreshold, known)) known.set(item, by)
  return known
}

/** The least time such that those whose time is not later hold more than half of the whole weight. */
function weightedMedian(times: readonly { readonly time: number; readonly weight: number }[]): number {
  const sorted = [...times].sort((a, b) => a.time - b.time)
  const total = sorted.reduce((sum, { weight }) => sum + BigInt(weight), 0n)
  let weightSoFar = 0n
  for (const { time, weight } of sorted) {
    weightSoFar += BigInt(weight)
    if (2n * weightSoFar > total) return time
  }
  throw new Error('invariant: a round has judges')
}

/** Parents before children: by taking, again and again, those that wait for nothing more. */
function ranksOf(items: ReadonlySet<Item>, ancientThreshold: number): Map<Item, number> {
  const missing = new Map<Item, number>()
  const children = new Map<Item, Item[]>()
  for (const item of items) {
    const parents = presentParents(item, ancientThreshold).filter((parent) => items.has(parent))
    missing.set(item, parents.length)
    for (const parent of parents) {
      const others = children.get(parent)
      if (others === undefined) children.set(parent, [item])
      else others.push(item)
    }
  }
  const ranks = new Map<Item, number>()
  let ready = [...items].filter((item) => missing.get(item) === 0)
  // An event is ready one turn after the last of its parents, so the turn is its rank.
  for (let rank = 1; ready.length > 0; rank++) {
    const next: Item[] = []
    for (const item of ready) {
      ranks.set(item, rank)
      for (const child of children.get(item) ?? []) {
        const left = missing.get(child)! - 1
        missing.set(child, left)
        if (left === 0) next.push(child)
      }
    }
    ready = next
  }
  return ranks
}

function exclusiveOr(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ b[i]!)
}

export function orderRound(input: OrderInput): OrderResult {
  const { judges, ancientThreshold } = input
  const known = judges.map((judge) => firstKnown(judge.item, ancientThreshold))
  const received = new Set([...known[0]!.keys()].filter((item) => known.every((each) => each.has(item))))
  if (received.size === 0) return emptyRound(input)
  const ranks = ranksOf(received, ancientThreshold)
  const whitening = judges.map(({ item }) => item.id).reduce(exclusiveOr)
  const unplaced = [...received].map((item) => {
    const reasons = judges.map(({ item: judge, weight }, i) => ({
      judge,
      weight,
      knownBy: known[i]!.get(item)!,
    }))
    const medianTime = weightedMedian(
      reasons.map(({ knownBy, weight }) => ({ time: knownBy.timestamp, weight })),
    )
    const whitenedId = exclusiveOr(item.id, whitening)
    return { item, round: input.round, judges: reasons, medianTime, rank: ranks.get(item)!, whitenedId }
  })
  unplaced.sort(
    (a, b) => a.medianTime - b.medianTime || a.rank - b.rank || compareBytes(a.whitenedId, b.whitenedId),
  )
  let { lastTimestamp, nextOrder } = input
  const placed = unplaced.map((each): Received => {
    const movedOn = lastTimestamp !== undefined && each.medianTime <= lastTimestamp
    const timestamp = movedOn ? lastTimestamp! + 1 : each.medianTime
    lastTimestamp = timestamp + Math.max(1, each.item.transactionCount) - 1
    return { ...each, order: nextOrder++, timestamp, movedOn }
  })
  return { received: placed, lastTimestamp: lastTimestamp!, nextOrder }
}

/** A round that receives nothing still moves the last time given. */
function emptyRound({ judges, lastTimestamp, nextOrder }: OrderInput): OrderResult {
  const own = judges.map(({ item, weight }) => ({ time: item.timestamp, weight }))
  return {
    received: [],
    lastTimestamp: lastTimestamp === undefined ? weightedMedian(own) : lastTimestamp + 1,
    nextOrder,
  }
}
