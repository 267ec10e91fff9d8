/**
 * Real nodes under load and under faults: kills, pauses, partitions, bad links, damaged files, full disks, wrong clocks, double
 * runs, strangers at the ports. The schedule is a function of the seed. After each step it is measured how long it takes until
 * every node makes a transaction final again; in the end all directories are proved and the clients' history is checked.
 *
 *   node scripts/chaos.ts [--nodes 5] [--for 30m] [--seed 1] [--kinds kill,part] [--steps N] [--keep DIR]
 *
 * Prints what it does, and in the end one JSON line. Exit status 3 on a violation; the directories, the history and the steps
 * are kept then.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { machine } from '../test/chaos/machine.ts'
import { ALL_KINDS, runChaos } from '../test/chaos/run.ts'
import type { Kind } from '../test/chaos/schedule.ts'

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '5' },
    for: { type: 'string', default: '30m' },
    seed: { type: 'string', default: '1' },
    kinds: { type: 'string', default: ALL_KINDS.join(',') },
    steps: { type: 'string' },
    think: { type: 'string', default: '200' },
    longest: { type: 'string', default: '60s' },
    keep: { type: 'string' },
  },
})

function spanMs(text: string): number {
  const [, digits, unit] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? []
  if (digits === undefined) throw new Error(`${text} is no span of time: like 90s, 30m, 2h`)
  return Number(digits) * { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[unit as 'ms' | 's' | 'm' | 'h']
}

const kinds = values.kinds.split(',').map((each) => {
  const kind = ALL_KINDS.find((known) => known === each)
  if (kind === undefined) throw new Error(`${each} is no kind of fault: ${ALL_KINDS.join(', ')}`)
  return kind satisfies Kind
})
const dir = values.keep ?? mkdtempSync(join(tmpdir(), 'hearsay-chaos-'))
const result = await runChaos({
  nodes: Number(values.nodes),
  seed: Number(values.seed),
  kinds,
  forMs: spanMs(values.for),
  ...(values.steps === undefined ? {} : { steps: Number(values.steps) }),
  longestMs: spanMs(values.longest),
  thinkMs: Number(values.think),
  dir,
  narrate: (line) => console.error(line),
})
const { violations, windows, recoveries, history: _, ...figures } = result
for (const { check, message } of violations) console.log(`✖ ${check}  ${message}`)
writeFileSync(join(dir, 'windows.json'), JSON.stringify({ windows, recoveries }, null, 1))
const seed = Number(values.seed)
console.log(
  JSON.stringify({
    what: 'chaos',
    nodes: values.nodes,
    seed,
    steps: recoveries.length,
    ...figures,
    violations: violations.length,
    ...machine(),
  }),
)
if (violations.length > 0) {
  const again = `node scripts/chaos.ts --nodes ${values.nodes} --for ${values.for} --seed ${seed} --kinds ${kinds.join(',')}`
  console.log(`kept: ${dir}; again with: ${again}`)
  process.exitCode = 3
} else if (values.keep === undefined) {
  rmSync(dir, { recursive: true, force: true })
}
