/**
 * What an engine with the unanimous fast path (packages/consensus/FAST-PATH.md) must have in common with the rule: the same
 * rounds, none of them later, whatever the insertion order and whichever snapshot it starts from.
 */
import { createEngine, NO_EVENT } from '@hearsay/consensus'
import type { Engine } from '@hearsay/consensus'
import { firstDifference } from './compare.ts'
import type { Ordering } from './compare.ts'
import type { Dag, Expected, ExpectedRound } from './dag.ts'
import { bytesOfHex, optionsOf } from './engine.ts'
import { anyInsertionOrder } from './insertion.ts'
import type { Random } from './random.ts'

/** From so many snapshots it starts at most. */
const SNAPSHOTS = 3

/** The first rounds, as many as both have. */
function prefixDifference(a: readonly ExpectedRound[], b: readonly ExpectedRound[]): string | null {
  const both = Math.min(a.length, b.length)
  return firstDifference(a.slice(0, both), b.slice(0, both))
}

function tried(ordering: Ordering, dag: Dag): Expected | string {
  try {
    return ordering(dag)
  } catch (error) {
    return `throws ${error instanceof Error ? error.message : String(error)}`
  }
}

/** How many rounds the engine with the fast path decides at an event at which the engine without it does not yet; −1: it is later once. */
function countFastRounds(dag: Dag): number {
  const options = optionsOf(dag)
  const engines: readonly Engine[] = [createEngine({ ...options, fastPath: true }), createEngine(options)]
  const handles = engines.map(() => new Map<string, number>())
  let earlier = 0
  let before = engines[0]!.decidedRound()
  for (const e of dag.events) {
    for (const [i, engine] of engines.entries()) {
      const of = (id: string | null): number => (id === null ? NO_EVENT : (handles[i]!.get(id) ?? NO_EVENT))
      const handle = engine.insert({
        ...e,
        id: bytesOfHex(e.id),
        selfParent: of(e.selfParent),
        otherParents: e.otherParents.map(of),
      })
      if (handle !== NO_EVENT) handles[i]!.set(e.id, handle)
    }
    const [fast, exact] = engines.map((engine) => engine.decidedRound()) as [number, number]
    if (fast < exact) return -1
    earlier += Math.max(0, fast - Math.max(exact, before))
    before = fast
  }
  return earlier
}

export interface FastComparison {
  readonly difference: string | null
  readonly fastRounds: number
}

/** `wanted`: the rounds that the reference model decides. */
export function compareFast(
  dag: Dag,
  wanted: readonly ExpectedRound[],
  ordering: Ordering,
  random: Random,
): FastComparison {
  const fastRounds = countFastRounds(dag)
  const difference =
    fastRounds < 0
      ? 'the fast path decides a round later than the rule'
      : findDifference(dag, wanted, ordering, random)
  return { difference, fastRounds: Math.max(0, fastRounds) }
}

function findDifference(
  dag: Dag,
  wanted: readonly ExpectedRound[],
  ordering: Ordering,
  random: Random,
): string | null {
  const fast = tried(ordering, dag)
  if (typeof fast === 'string') return `fast path: ${fast}`
  const { rounds } = fast
  if (rounds.length < wanted.length) return `fast path: ${rounds.length} rounds, not ${wanted.length}`
  const wrong = prefixDifference(rounds, wanted)
  if (wrong !== null) return `fast path: ${wrong}`
  if (dag.config.coinFrequency === 2 && rounds.length > wanted.length)
    return 'fast path: taken though every second round of voting is one of coins'
  const other = tried(ordering, { ...dag, events: anyInsertionOrder(random, dag.events) })
  if (typeof other === 'string') return `fast path, in another insertion order: ${other}`
  const inOther = prefixDifference(other.rounds, rounds)
  if (other.rounds.length !== rounds.length)
    return `fast path, in another insertion order: ${other.rounds.length} rounds, not ${rounds.length}`
  if (inOther !== null) return `fast path, in another insertion order: ${inOther}`
  const first = dag.snapshot?.round ?? 0
  const some = random.shuffle([...rounds.keys()]).slice(0, SNAPSHOTS)
  for (const i of some) {
    const snapshot = rounds[i]!
    const events = dag.events.filter((e) => e.birthRound >= snapshot.ancientThreshold)
    const from = tried(ordering, { ...dag, snapshot, events })
    const where = `fast path, from the snapshot of round ${snapshot.round}`
    if (typeof from === 'string') return `${where}: ${from}`
    const differs = firstDifference(from.rounds, rounds.slice(i + 1))
    if (differs !== null) return `${where}: ${differs}`
    if (from.decidedRound !== first + rounds.length) return `${where}: round ${from.decidedRound} is the last`
  }
  return null
}
