/**
 * The same seeds on several versions of Node must give the same traces. Each version is a package (npm's `node`), installed into a
 * temporary folder. Run: node scripts/sim-versions.ts [--seeds 5] [22 24 26]
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const root = join(import.meta.dirname, '..')
const { values, positionals } = parseArgs({
  options: { seeds: { type: 'string', default: '5' } },
  allowPositionals: true,
})
const versions = positionals.length > 0 ? positionals : ['22', '24', '26']
const folder = mkdtempSync(join(tmpdir(), 'hearsay-versions-'))
const code = `
  const { chooseScenario, FAULT_KINDS } = await import('@hearsay/simulator')
  const { runScenario } = await import('@hearsay/simulator/process')
  for (let seed = 1; seed <= ${Number(values.seeds)}; seed++) {
    const { trace, violation } = await runScenario(chooseScenario({ seed, members: [4, 7], kinds: FAULT_KINDS, stormMs: 2000 }))
    console.log(seed, trace, violation?.invariant ?? 'sound')
  }`

function run(command: string, args: readonly string[], cwd: string): string {
  const done = spawnSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  if (done.status !== 0)
    throw new Error(`${command} ${args.slice(0, 2).join(' ')}: exit status ${done.status}`)
  return done.stdout
}

try {
  const traces = new Map<string, string>()
  for (const version of versions) {
    const home = join(folder, version)
    run('npm', ['install', '--prefix', home, '--no-audit', '--no-fund', `node@${version}`], root)
    const node = join(home, 'node_modules/node/bin/node')
    const exact = run(node, ['--version'], root).trim()
    traces.set(exact, run(node, ['--input-type=module', '-e', code], join(root, 'packages/cli')))
    console.log(`${exact}:\n${traces.get(exact)}`)
  }
  const same = new Set(traces.values()).size === 1
  console.log(same ? `the same traces on ${[...traces.keys()].join(', ')}` : 'TRACES DIFFER')
  process.exitCode = same ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
