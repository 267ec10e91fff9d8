/**
 * Runs the published cases, those kept for good, and then seeded graphs against the engine of this tree until the first difference. Exit status 1
 * if there is one. Made for scripts/mutants.ts, which runs it on copies of the tree with a changed engine.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { compare } from '../test/reference/compare.ts'
import type { Dag } from '../test/reference/dag.ts'
import { orderByEngine, orderByFastEngine } from '../test/reference/engine.ts'
import { compareFast } from '../test/reference/fast.ts'
import { generate } from '../test/reference/generate.ts'
import { createRandom } from '../test/reference/random.ts'

const [from = 1, to = 250] = process.argv.slice(2).map(Number)
const folders = ['../test/conformance/cases/', '../test/reference/cases/'].map(
  (path) => new URL(path, import.meta.url),
)

function differs(dag: Dag, seed: number): boolean {
  const { difference: plain, reference } = compare(dag, orderByEngine, createRandom(seed))
  const { rounds } = reference.expected
  const difference = plain ?? compareFast(dag, rounds, orderByFastEngine, createRandom(seed)).difference
  if (difference === null) return false
  console.log(`${dag.name}: ${difference}`)
  process.exitCode = 1
  return true
}

function* graphs(): Generator<[Dag, number]> {
  for (const folder of folders) {
    for (const name of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
      const dag = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Dag
      yield [dag, dag.events.length]
    }
  }
  for (let seed = from; seed <= to; seed++) yield [generate(seed), seed]
}

for (const [dag, seed] of graphs()) if (differs(dag, seed)) break
