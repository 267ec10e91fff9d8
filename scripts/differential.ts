/**
 * Engine against reference model on as many seeded graphs as you like, by the rule and with the unanimous fast path:
 *
 *   node scripts/differential.ts --seeds 20000
 *
 * Options: --seeds N (1000), --from S (1), --n members, --events count, --coinFrequency, --roundsNonAncient,
 * --branching true|false. Whatever is not given is drawn from each seed. Exit status 1 if anything differs.
 */
import { parseArgs } from 'node:util'
import { MUST_HAPPEN, runSeed } from '../test/reference/differential.ts'
import { orderByEngine } from '../test/reference/engine.ts'
import type { GenerateOptions } from '../test/reference/generate.ts'

const text = { type: 'string' } as const
const { values } = parseArgs({
  options: {
    seeds: text,
    from: text,
    n: text,
    events: text,
    coinFrequency: text,
    roundsNonAncient: text,
    branching: text,
  },
})

function whole(
  name: 'seeds' | 'from' | 'n' | 'events' | 'coinFrequency' | 'roundsNonAncient',
): number | undefined {
  const given = values[name]
  if (given === undefined) return undefined
  if (!/^\d+$/.test(given)) throw new Error(`--${name} takes a whole number, not ${given}`)
  return Number(given)
}

const fixed = ['n', 'events', 'coinFrequency', 'roundsNonAncient'] as const
const drawn = Object.fromEntries(
  fixed.map((name) => [name, whole(name)]).filter(([, value]) => value !== undefined),
)
const branching = values.branching === undefined ? {} : { branching: values.branching === 'true' }
const options: GenerateOptions = { ...drawn, ...branching }
const seeds = whole('seeds') ?? 1000
const from = whole('from') ?? 1

const coverage = new Map<string, number>()
const sums = { graphs: 0, events: 0, decidedRounds: 0, orderedEvents: 0, fastRounds: 0, failures: 0 }
const began = performance.now()
for (let seed = from; seed < from + seeds; seed++) {
  const { failure, ...outcome } = runSeed(seed, orderByEngine, coverage, options)
  sums.graphs++
  sums.events += outcome.events
  sums.decidedRounds += outcome.decidedRounds
  sums.orderedEvents += outcome.orderedEvents
  sums.fastRounds += outcome.fastRounds
  if (failure !== null) {
    sums.failures++
    console.log(failure)
  }
  if (sums.graphs % 1000 === 0) {
    const seconds = ((performance.now() - began) / 1000).toFixed(0)
    console.log(
      `${sums.graphs} graphs, ${sums.decidedRounds} rounds, ${sums.failures} failures, ${seconds} s`,
    )
  }
}

const seconds = ((performance.now() - began) / 1000).toFixed(1)
console.log(`${sums.graphs} graphs (seeds ${from} to ${from + seeds - 1}) in ${seconds} s:`)
console.log(`  ${sums.events} events, ${sums.orderedEvents} of them ordered in ${sums.decidedRounds} rounds`)
console.log(
  '  each also in another insertion order, and from the snapshot of every decided round, without the fast',
)
console.log(`  path and with it; it decided ${sums.fastRounds} of the rounds before the rule did`)
for (const name of MUST_HAPPEN) console.log(`  ${name}: in ${coverage.get(name) ?? 0} graphs`)
console.log(sums.failures === 0 ? '0 differences' : `${sums.failures} graphs with differences`)
process.exitCode = sums.failures === 0 ? 0 : 1
