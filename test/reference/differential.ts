/** One seed: make the graph, compare engine and model, and if they differ leave behind all that is needed to look into it. */
import { compare } from './compare.ts'
import type { Comparison, Ordering } from './compare.ts'
import type { Dag } from './dag.ts'
import { orderByFastEngine } from './engine.ts'
import { compareFast } from './fast.ts'
import { generate } from './generate.ts'
import type { GenerateOptions } from './generate.ts'
import { createRandom } from './random.ts'
import { keep, shrink } from './shrink.ts'

/** Adds up, over many graphs, in how many of them each mark of the model was set. */
export type Coverage = Map<string, number>

export interface Outcome {
  readonly events: number
  readonly decidedRounds: number
  readonly orderedEvents: number
  /** How many of the rounds the fast path decided before the rule did. */
  readonly fastRounds: number
  /** What went wrong and how to see it again; null if nothing did. */
  readonly failure: string | null
}

export function runSeed(
  seed: number,
  ordering: Ordering,
  coverage: Coverage,
  options: GenerateOptions = {},
): Outcome {
  const dag = generate(seed, options)
  const { reference, difference, fastRounds } = compareBoth(dag, ordering, seed)
  for (const name of reference.marks.keys()) coverage.set(name, (coverage.get(name) ?? 0) + 1)
  const { decidedRound, rounds } = reference.expected
  return {
    events: dag.events.length,
    decidedRounds: decidedRound,
    orderedEvents: rounds.at(-1)?.nextOrder ?? 0,
    fastRounds,
    failure: difference === null ? null : explain(seed, dag, difference, ordering, options),
  }
}

/** The engine by the rule, and then the engine with the fast path. */
function compareBoth(
  dag: Dag,
  ordering: Ordering,
  seed: number,
): Comparison & { readonly fastRounds: number } {
  const { reference, difference } = compare(dag, ordering, createRandom(seed))
  if (difference !== null) return { reference, difference, fastRounds: 0 }
  const fast = compareFast(dag, reference.expected.rounds, orderByFastEngine, createRandom(seed))
  return { reference, ...fast }
}

function explain(
  seed: number,
  dag: Dag,
  difference: string,
  ordering: Ordering,
  options: GenerateOptions,
): string {
  const fails = (smaller: Dag): boolean => differs(smaller, ordering, seed) !== null
  const smallest = shrink(dag, fails)
  const flags = Object.entries(options).map(([key, value]) => ` --${key} ${String(value)}`)
  return [
    `seed ${seed}: ${difference}`,
    `  again: node scripts/differential.ts --from ${seed} --seeds 1${flags.join('')}`,
    `  shrunk to ${smallest.events.length} of ${dag.events.length} events: ${keep(smallest, seed)}`,
    `  there: ${differs(smallest, ordering, seed) ?? 'nothing'}`,
  ].join('\n')
}

/** A smaller graph on which the rule itself has no answer (no judge, say) shows nothing. */
function differs(dag: Dag, ordering: Ordering, seed: number): string | null {
  try {
    return compareBoth(dag, ordering, seed).difference
  } catch {
    return null
  }
}

/** What 1,000 graphs must have met. A generator that stops reaching one of these tests less than it seems to. */
export const MUST_HAPPEN: readonly string[] = [
  'ancient on arrival',
  'branch passed over',
  'coin against the majority',
  'coin round',
  'coin round at distance >= 12',
  'coin used',
  'coin used at distance >= 12',
  'decided at distance >= 4',
  'decided famous',
  'decided not famous',
  'empty round',
  'even number of judges',
  'judge descending from a judge',
  'late witness',
  'parentless after genesis',
  'roster change',
  'sorted by whitened id',
  'stale',
  'ten witnesses of one creator in one round',
  'time moved on',
  'two famous witnesses of one creator',
  'two witnesses of one creator at distance > 16',
  'vote on a tie',
  'witness of a stranger',
]
