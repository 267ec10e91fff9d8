/** All that an ordering engine must have in common with the reference model, on one DAG. */
import type { Dag, DagSnapshot, Expected, ExpectedRound } from './dag.ts'
import { anyInsertionOrder } from './insertion.ts'
import { orderByReference } from './model.ts'
import type { Reference } from './model.ts'
import { createRandom } from './random.ts'
import type { Random } from './random.ts'

/** Gives the rounds that the events of a DAG decide, in the order in which the file has them. */
export type Ordering = (dag: Dag) => Expected

/** Where two lists of rounds first differ, in words; null if they are equal. */
export function firstDifference(
  actual: readonly ExpectedRound[],
  wanted: readonly ExpectedRound[],
): string | null {
  for (let i = 0; i < Math.max(actual.length, wanted.length); i++) {
    const a = actual[i]
    const b = wanted[i]
    if (a === undefined) return `round ${b!.round} is not decided`
    if (b === undefined) return `round ${a.round} is decided, and should not be`
    for (const key of ['round', 'ancientThreshold', 'lastTimestamp', 'nextOrder'] as const) {
      if (a[key] !== b[key]) return `round ${b.round}: ${key} is ${a[key]}, should be ${b[key]}`
    }
    if (a.judges.join() !== b.judges.join())
      return `round ${b.round}: judges ${short(a.judges)}, should be ${short(b.judges)}`
    for (let k = 0; k < Math.max(a.events.length, b.events.length); k++) {
      const told = describe(a.events[k])
      const right = describe(b.events[k])
      if (told !== right) return `round ${b.round}, event ${k}: ${told}, should be ${right}`
    }
  }
  return null
}

const short = (ids: readonly string[]): string => `[${ids.map((id) => id.slice(0, 8)).join(' ')}]`

function describe(event: ExpectedRound['events'][number] | undefined): string {
  return event === undefined
    ? 'none'
    : `${event.id.slice(0, 8)} at ${event.timestamp} as number ${event.order}`
}

export interface Comparison {
  readonly reference: Reference
  /** What the ordering got wrong; null if nothing. */
  readonly difference: string | null
}

/** The ordering as the file has it, in another insertion order, and from the snapshot of every decided round. */
export function compare(
  dag: Dag,
  ordering: Ordering,
  random: Random = createRandom(dag.events.length),
): Comparison {
  const reference = orderByReference(dag)
  return { reference, difference: findDifference(dag, reference.expected, ordering, random) }
}

function findDifference(dag: Dag, wanted: Expected, ordering: Ordering, random: Random): string | null {
  const plain = disagreement(dag, wanted, ordering)
  if (plain !== null) return plain
  const shuffled = { ...dag, events: anyInsertionOrder(random, dag.events) }
  const wantedShuffled = orderByReference(shuffled).expected
  const both = Math.min(wanted.rounds.length, wantedShuffled.rounds.length)
  const unsafe = firstDifference(wantedShuffled.rounds.slice(0, both), wanted.rounds.slice(0, both))
  if (unsafe !== null) return `the rule itself depends on the insertion order: ${unsafe}`
  const inOther = disagreement(shuffled, wantedShuffled, ordering)
  if (inOther !== null) return `in another insertion order: ${inOther}`
  const shiftedAt = random.below(wanted.rounds.length)
  for (const [i, snapshot] of wanted.rounds.entries()) {
    const events = dag.events.filter((e) => e.birthRound >= snapshot.ancientThreshold)
    const rounds = wanted.rounds.slice(i + 1)
    const from = { ...dag, snapshot, events }
    const later = disagreement(from, { decidedRound: wanted.decidedRound, rounds }, ordering)
    if (later !== null) return `from the snapshot of round ${snapshot.round}: ${later}`
    if (i !== shiftedAt) continue
    const far = shiftRounds(from, MANY_ROUNDS)
    const farRounds = rounds.map((r) => shiftRound(r, MANY_ROUNDS))
    const decidedRound = wanted.decidedRound + MANY_ROUNDS
    const shifted = disagreement(far, { decidedRound, rounds: farRounds }, ordering)
    if (shifted !== null) return `from the snapshot of round ${snapshot.round} + ${MANY_ROUNDS}: ${shifted}`
  }
  return null
}

const MANY_ROUNDS = 2 ** 40

function shiftRound<T extends DagSnapshot>(r: T, by: number): T {
  return { ...r, round: r.round + by, ancientThreshold: r.ancientThreshold + by }
}

/** The same graph in a network that is older by so many rounds: no number may be too large for it. */
function shiftRounds(dag: Dag, by: number): Dag {
  return {
    ...dag,
    rosters: dag.rosters.map((r) => ({ ...r, fromRound: r.fromRound + by })),
    snapshot: dag.snapshot === null ? null : shiftRound(dag.snapshot, by),
    events: dag.events.map((e) => ({ ...e, birthRound: e.birthRound + by })),
  }
}

function disagreement(dag: Dag, wanted: Expected, ordering: Ordering): string | null {
  let given: Expected
  try {
    given = ordering(dag)
  } catch (error) {
    return `throws ${error instanceof Error ? error.message : String(error)}`
  }
  const difference = firstDifference(given.rounds, wanted.rounds)
  if (difference !== null || given.decidedRound === wanted.decidedRound) return difference
  return `decidedRound is ${given.decidedRound}, should be ${wanted.decidedRound}`
}
