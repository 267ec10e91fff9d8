/**
 * The mutation gate of the ordering engine: applies small semantic changes to it, one at a time, in a copy of the
 * tree, and runs the published cases, the differential test, the graphs by hand and the comparison of all ways of computing on each. A change that none of
 * them notices is a survivor: something that the suite does not test.
 *
 *   node scripts/mutants.ts              all of them; exit status 1 if any survives
 *   node scripts/mutants.ts coin median  only those whose name contains one of these words
 *
 * --seeds N gives each up to N graphs instead of 250, and --from S begins with seed S.
 *
 * The changes are in scripts/mutant-list.ts. One whose text is not found exactly once is an error, not a pass.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { MUTANTS } from './mutant-list.ts'
import type { Mutant } from './mutant-list.ts'

const root = join(import.meta.dirname, '..')
const { values, positionals: words } = parseArgs({
  options: { seeds: { type: 'string', default: '250' }, from: { type: 'string', default: '1' } },
  allowPositionals: true,
})
const trialMs = 240_000 + 400 * Number(values.seeds)

interface Changed {
  readonly name: string
  readonly file: string
  readonly text: string
}

const engine = join(root, 'packages/consensus/src')
const ENGINE_TESTS = [
  'test/conformance',
  'test/consensus/no-judge.test.ts',
  'test/reference/graphs.test.ts',
  'test/reference/numbers.test.ts',
  'test/reference/fast.test.ts',
  'test/consensus/ways.test.ts',
]
const EXPLAIN_TESTS = ['engine', 'explain', 'model'].map((name) => `test/explain/${name}.test.ts`)
const files = readdirSync(engine).map((file) => ({ file, text: readFileSync(join(engine, file), 'utf8') }))

/** Changes to what explains the results, the explain*.ts, are called so; their texts stand in these files only, and no others do. */
const explains = (name: string): boolean => name.startsWith('explain')

/** The file with the change in it; null, and a word about it, if the place of the change is not found. */
function mutate({ name, from, to }: Mutant): Changed | null {
  const isExplained = explains(name)
  const places = files
    .filter(({ file }) => file.startsWith('explain') === isExplained)
    .flatMap(({ file, text }) =>
      text
        .split(from)
        .slice(1)
        .map(() => file),
    )
  const only = files.find(({ file }) => file === places[0])
  if (places.length === 1 && only !== undefined) {
    return { name, file: only.file, text: only.text.replace(from, () => to) }
  }
  console.error(
    `mutant "${name}": its text stands ${places.length} times (${places.join(' ')}), not once:\n  ${from}`,
  )
  return null
}

const COPIED_FILES: readonly string[] = [
  'package.json',
  'scripts/mutant-trial.ts',
  'test/package.json',
  'test/seeded.ts',
  'test/tsconfig.json',
  'test/vitest.config.ts',
  'tsconfig.base.json',
]

function isOurs(path: string): boolean {
  return !path.includes('node_modules')
}

/** A copy of what the ordering tests need, with links to what does not change. */
function makeTree(): string {
  const tree = mkdtempSync(join(tmpdir(), 'hearsay-mutants-'))
  for (const path of [
    'packages/consensus',
    'test/conformance',
    'test/consensus',
    'test/explain',
    'test/reference',
  ]) {
    cpSync(join(root, path), join(tree, path), { recursive: true, filter: isOurs })
  }
  for (const path of COPIED_FILES) {
    cpSync(join(root, path), join(tree, path))
  }
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
  for (const place of ['test', 'packages/consensus']) {
    mkdirSync(join(tree, place, 'node_modules/@hearsay'), { recursive: true })
    symlinkSync(join(root, 'packages/dag'), join(tree, place, 'node_modules/@hearsay/dag'))
  }
  symlinkSync(join(tree, 'packages/consensus'), join(tree, 'test/node_modules/@hearsay/consensus'))
  return tree
}

/** What the tests say in the tree: null if they pass. */
function verdict(tree: string, name: string): string | null {
  if (!explains(name)) {
    const trial = run(tree, process.execPath, [
      'scripts/mutant-trial.ts',
      values.from,
      `${Number(values.from) + Number(values.seeds) - 1}`,
    ])
    if (trial !== null) return trial
  }
  const vitest = join(root, 'node_modules/.bin/vitest')
  const tests = explains(name) ? EXPLAIN_TESTS : ENGINE_TESTS
  const suite = run(tree, vitest, ['run', '--config', 'test/vitest.config.ts', '--bail', '1', ...tests])
  return suite === null ? null : `suite: ${/FAIL\S* +(.*)/.exec(suite)?.[1] ?? suite}`
}

function run(cwd: string, command: string, args: readonly string[]): string | null {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' }
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: trialMs, env })
  if (result.status === 0) return null
  if (result.error !== undefined) return `no end: ${result.error.message}`
  const lines = `${result.stdout}\n${result.stderr}`.split('\n').filter((line) => line.trim() !== '')
  return lines.find((line) => /FAIL/.test(line)) ?? lines.find((line) => /Error|: /.test(line)) ?? 'fails'
}

const chosen = MUTANTS.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))
if (chosen.length === 0) throw new Error(`no mutant is called like ${words.join(' or ')}`)
const changed = chosen.map(mutate).filter((mutant) => mutant !== null)
if (changed.length < chosen.length) {
  throw new Error('the engine has changed: put these mutants in order (scripts/mutant-list.ts); none was run')
}
const tree = makeTree()
const survivors: string[] = []
try {
  const untouched = verdict(tree, '') ?? verdict(tree, 'explain')
  if (untouched !== null) throw new Error(`the engine fails without any change: ${untouched}`)
  for (const [i, { name, file, text }] of changed.entries()) {
    const path = join(tree, 'packages/consensus/src', file)
    const original = readFileSync(path)
    writeFileSync(path, text)
    const reason = verdict(tree, name)
    writeFileSync(path, original)
    if (reason === null) survivors.push(name)
    const outcome = reason === null ? `SURVIVES: ${name}` : `killed: ${name} (${reason.slice(0, 150)})`
    console.log(`${i + 1}/${changed.length} ${outcome}`)
  }
} finally {
  rmSync(tree, { recursive: true, force: true })
}
console.log(`${changed.length - survivors.length} of ${changed.length} mutants killed`)
for (const name of survivors) console.log(`survivor: ${name}`)
process.exitCode = survivors.length === 0 ? 0 : 1
