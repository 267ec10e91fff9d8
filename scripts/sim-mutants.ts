/**
 * Plants bugs into a copy of the product, one at a time, and lets `hearsay sim` look for them: a simulator is worth what it finds.
 *
 *   node scripts/sim-mutants.ts                 all of scripts/sim-mutant-list.ts, up to 1,000 seeds each
 *   node scripts/sim-mutants.ts journal coin    only those whose name contains one of these words
 *   node scripts/sim-mutants.ts --seeds 100
 *   node scripts/sim-mutants.ts --check         only whether every place is found exactly once
 *
 * Exit status 1 if one is found neither by a world nor by the test that is named for it. The copy is made in a temporary folder and removed.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PLANTED, type PlantedBug } from './sim-mutant-list.ts'

const root = join(import.meta.dirname, '..')
const { values, positionals: words } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    check: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})

function planted({ file, from, to }: PlantedBug): string {
  const text = readFileSync(join(root, file), 'utf8')
  const places = text.split(from).length - 1
  if (places !== 1) throw new Error(`${file}: this stands ${places} times, not once:\n  ${from}`)
  return text.replace(from, () => to)
}

function makeTree(): string {
  const tree = mkdtempSync(join(tmpdir(), 'hearsay-sim-mutants-'))
  for (const folder of ['packages', 'test', 'scripts']) {
    cpSync(join(root, folder), join(tree, folder), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !path.includes('/dist'),
    })
  }
  for (const file of ['package.json', 'tsconfig.base.json']) cpSync(join(root, file), join(tree, file))
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
  return tree
}

interface Verdict {
  readonly runs: number
  readonly found: string | undefined
}

function look(tree: string, seeds: string): Verdict {
  const args = [
    'sim',
    '--json',
    '--until-failure',
    '--seed',
    values.from,
    '--runs',
    seeds,
    '--out',
    join(tree, 'cases'),
  ]
  const run = spawnSync(process.execPath, [join(tree, 'packages/cli/process/main.ts'), ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    timeout: 3_600_000,
  })
  if (run.status === 0) return { runs: Number(seeds), found: undefined }
  const line = run.stdout.split('\n').find((each) => each.startsWith('{'))
  if (line === undefined) return { runs: 0, found: run.stderr.trim().split('\n')[0] ?? 'it does not run' }
  const { runs, violations } = JSON.parse(line) as {
    runs: number
    violations: { invariant: string; message: string }[]
  }
  const [first] = violations
  return {
    runs,
    found: first === undefined ? `exit status ${run.status}` : `${first.invariant}: ${first.message}`,
  }
}

function isFoundElsewhere(tree: string, { elsewhere }: PlantedBug): boolean {
  if (elsewhere === undefined) return false
  const vitest = join(root, 'node_modules/.bin/vitest')
  const run = spawnSync(vitest, ['run', '--config', 'test/vitest.config.ts', elsewhere], {
    cwd: tree,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
    timeout: 600_000,
  })
  // A test that is not there, or does not load, finds nothing.
  return run.status === 1 && /Tests +\d+ failed/.test(run.stdout)
}

const chosen = PLANTED.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))
const texts = new Map(chosen.map((bug) => [bug, planted(bug)]))
console.log(`${chosen.length} planted bugs; each stands at one place`)
const missed: string[] = []
if (!values.check) {
  const tree = makeTree()
  try {
    const sound = look(tree, '3')
    if (sound.found !== undefined) throw new Error(`found without any bug: ${sound.found}`)
    for (const [i, bug] of chosen.entries()) {
      const path = join(tree, bug.file)
      writeFileSync(path, texts.get(bug)!)
      const { runs, found } = look(tree, values.seeds)
      const isFound = found !== undefined || isFoundElsewhere(tree, bug)
      cpSync(join(root, bug.file), path)
      let words = `MISSED after ${runs} seeds`
      if (found !== undefined) words = `found after ${runs} seeds: ${found.slice(0, 110)}`
      else if (isFound) words = `found by ${bug.elsewhere}, not by ${runs} seeds`
      console.log(`${i + 1}/${chosen.length} ${bug.name}: ${words}`)
      if (!isFound) missed.push(bug.name)
    }
  } finally {
    rmSync(tree, { recursive: true, force: true })
  }
  console.log(`${chosen.length - missed.length} of ${chosen.length} accounted for`)
}
process.exitCode = missed.length === 0 ? 0 : 1
