/**
 * Finds the first seeded graph on which something happens, drops events as long as it still does, and prints what is left as
 * a case with the rounds that the reference model expects:
 *
 *   node scripts/shrink-case.ts 'late witness' > test/reference/cases/late-witness.json
 *
 * What can happen is listed in test/reference/differential.ts (MUST_HAPPEN). --from S begins with that seed.
 */
import { parseArgs } from 'node:util'
import type { Dag } from '../test/reference/dag.ts'
import { MUST_HAPPEN } from '../test/reference/differential.ts'
import { generate } from '../test/reference/generate.ts'
import { orderByReference } from '../test/reference/model.ts'
import { shrink, toText } from '../test/reference/shrink.ts'

const { values, positionals } = parseArgs({
  options: { from: { type: 'string', default: '1' } },
  allowPositionals: true,
})
const [mark = ''] = positionals
if (!MUST_HAPPEN.includes(mark)) throw new Error(`what is to happen? One of: ${MUST_HAPPEN.join(', ')}`)

function happens(dag: Dag): boolean {
  try {
    const { marks, expected } = orderByReference(dag)
    return marks.has(mark) && expected.decidedRound >= 2
  } catch {
    return false // the rule has no answer for what is left
  }
}

let seed = Number(values.from)
while (!happens(generate(seed))) seed++
const smallest = shrink(generate(seed), happens, 60_000)
const name = `${mark} (from seed ${seed})`
process.stdout.write(toText({ ...smallest, name, expected: orderByReference(smallest).expected }))
