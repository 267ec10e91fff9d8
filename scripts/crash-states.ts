/**
 * Crash states of a recorded real run: four nodes on real files, sockets and clocks, the file operations of one of them recorded; then
 * its disk is rebuilt as a crash could have left it at many points, and the node started on each (test/disk/crash-states.ts).
 *
 *   node scripts/crash-states.ts [--states 2000] [--transactions 3000] [--seed 1]
 *
 * Prints one JSON line and every failure; exit status 1 if there was one. The run is real, so the same seed gives the same load and the
 * same points, not the same operations.
 */
import { arch, cpus, platform } from 'node:os'
import { parseArgs } from 'node:util'
import { runCrashStates } from '../test/disk/crash-states.ts'

const { values } = parseArgs({
  options: {
    states: { type: 'string', default: '2000' },
    transactions: { type: 'string', default: '3000' },
    seed: { type: 'string', default: '1' },
  },
})
const started = performance.now()
const { failures, ...figures } = await runCrashStates({
  states: Number(values.states),
  transactions: Number(values.transactions),
  seed: Number(values.seed),
})
const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  system: `${platform()} ${arch()}`,
  node: process.version,
}
const seconds = Math.round((performance.now() - started) / 1000)
console.log(JSON.stringify({ ...figures, failures: failures.length, seconds, machine }))
for (const failure of failures) console.log(`✖ ${failure}`)
process.exitCode = failures.length === 0 ? 0 : 1
