/**
 * Kills real nodes at random moments under load, again and again, and judges what is left: equal ledgers, no member that ever
 * branched, every acknowledged transaction at its place. A process is killed as it runs or as it starts, alone or with others,
 * up to all of them. After each batch of kills the network is stopped, its directories are proved and the history of its clients
 * is checked; the next batch begins with a new network.
 *
 *   node scripts/kills.ts [--kills 1000] [--nodes 4] [--batch 100] [--seed 1] [--keep DIR]
 *
 * Prints one JSON line a batch and one in the end; exit status 3 on a violation, whose directories are kept.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runKills } from '../test/chaos/kills.ts'
import { machine } from '../test/chaos/machine.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    nodes: { type: 'string', default: '4' },
    batch: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    think: { type: 'string', default: '150' },
    keep: { type: 'string' },
  },
})
const kills = Number(values.kills)
const nodes = Number(values.nodes)
const batch = Number(values.batch)
const seed = Number(values.seed)
const keep = values.keep ?? mkdtempSync(join(tmpdir(), 'hearsay-kills-'))
mkdirSync(keep, { recursive: true })

const sum = { kills: 0, duringStart: 0, ok: 0, info: 0, fail: 0, transactions: 0, events: 0, violations: 0 }
const recoveries: number[] = []
for (let done = 0, i = 0; done < kills; done += batch, i++) {
  const dir = join(keep, `batch-${i}`)
  const options = {
    kills: Math.min(batch, kills - done),
    nodes,
    seed: seed + i,
    dir,
    thinkMs: Number(values.think),
    cache: join(keep, 'cache'),
  }
  const result = await runKills(options)
  for (const name of Object.keys(sum) as (keyof typeof sum)[]) {
    sum[name] += name === 'violations' ? result.violations.length : result[name]
  }
  recoveries.push(...result.recoveryMs)
  const { violations, recoveryMs: _, ...figures } = result
  console.log(JSON.stringify({ batch: i, seed: seed + i, ...figures, violations: violations.length }))
  if (violations.length === 0) continue
  for (const { check, message } of violations) console.log(`✖ ${check}  ${message}`)
  writeFileSync(join(keep, `violations-${i}.json`), JSON.stringify(violations, null, 2))
  console.log(
    `kept: ${dir}; again with: node scripts/kills.ts --kills ${batch} --nodes ${nodes} --seed ${seed + i}`,
  )
}
const sorted = recoveries.toSorted((a, b) => a - b)
const at = (share: number): number =>
  Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0)
console.log(
  JSON.stringify({
    what: 'kills',
    nodes,
    ...sum,
    recoveryP50Ms: at(0.5),
    recoveryP99Ms: at(0.99),
    ...machine(),
  }),
)
process.exitCode = sum.violations === 0 ? 0 : 3
