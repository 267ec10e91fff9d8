/**
 * Does scripts/power-cuts.ts find what it is for? Plants one defect at a time (scripts/planted-disk-list.ts) into a copy of the tree
 * and runs seeds until one of them fails.
 *
 *   node scripts/planted-disk-bugs.ts             all of them; exit status 1 if one is not found
 *   node scripts/planted-disk-bugs.ts mark chain  only those whose name contains one of these words
 *
 * --seeds N gives each up to N seeds instead of 5,000.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PLANTED, type Planted } from './planted-disk-list.ts'

const root = join(import.meta.dirname, '..')
const { values, positionals: words } = parseArgs({
  options: { seeds: { type: 'string', default: '5000' } },
  allowPositionals: true,
})
const chosen = PLANTED.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))
if (chosen.length === 0) throw new Error(`nothing planted is called like ${words.join(' or ')}`)

function makeTree(): string {
  const tree = mkdtempSync(join(tmpdir(), 'hearsay-planted-'))
  for (const path of ['package.json', 'packages', 'scripts', 'test']) {
    cpSync(join(root, path), join(tree, path), { recursive: true, verbatimSymlinks: true })
  }
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
  return tree
}

const originals = new Map<string, string>()

/** The files of the tree that it changes, as they are with it. */
function changed({ name, changes }: Planted): Map<string, string> {
  const texts = new Map<string, string>()
  for (const { file, from, to } of changes) {
    if (!originals.has(file)) originals.set(file, readFileSync(join(root, file), 'utf8'))
    const text = texts.get(file) ?? originals.get(file)!
    const count = text.split(from).length - 1
    if (count !== 1)
      throw new Error(`"${name}": its text stands ${count} times in ${file}, not once:\n  ${from}`)
    texts.set(
      file,
      text.replace(from, () => to),
    )
  }
  return texts
}

/** The first failure; null if there is none. */
function search(tree: string): string | null {
  const args = ['scripts/power-cuts.ts', '--seeds', values.seeds, '--until-found']
  const { stdout, stderr, status, error } = spawnSync(process.execPath, args, {
    cwd: tree,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status === 0) return null
  const failure = /FAIL seed (\d+): (.*)/.exec(stdout)
  if (failure === null) throw new Error(`no seed came to an end: ${stderr}${error}`)
  return `found at seed ${failure[1]}: ${failure[2]!.replace(/^(Violation|Error): seed \d+: /, '').slice(0, 140)}`
}

const planted = chosen.map((each) => ({ ...each, texts: changed(each) }))
const tree = makeTree()
const missed: string[] = []
try {
  for (const [i, { name, texts }] of planted.entries()) {
    for (const [file, text] of texts) writeFileSync(join(tree, file), text)
    const outcome = search(tree)
    for (const file of texts.keys()) writeFileSync(join(tree, file), originals.get(file)!)
    if (outcome === null) missed.push(name)
    console.log(`${i + 1}/${planted.length} ${name}: ${outcome ?? `NOT FOUND in ${values.seeds} seeds`}`)
  }
} finally {
  rmSync(tree, { recursive: true, force: true })
}
console.log(`${planted.length - missed.length} of ${planted.length} planted defects found`)
process.exitCode = missed.length === 0 ? 0 : 1
