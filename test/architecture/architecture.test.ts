/**
 * The walls of the house, tried from both sides: the tree has no violation, and every planted one is caught. A planted file says
 * in its first line where it would stand, and at the end of each line (or in a comment above it) which rules that line breaks.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { check, show } from './check.ts'
import { ARROWS, forbidden, IO_ROOMS, MAX_LINES } from './house.ts'
import { readTree, root, type Tree } from './tree.ts'

const tree = readTree()
const planted = join(import.meta.dirname, 'planted')
const tsc = join(root, 'node_modules/typescript/bin/tsc')
const oxlint = join(root, 'node_modules/oxlint/bin/oxlint')
const names = readdirSync(planted).filter((name) => name.endsWith('.ts') && !name.endsWith('-wall.ts'))

/** Violations that are there with the planted source and were not without it. */
function caught(path: string, text: string): string[] {
  const sources = new Map([...tree.sources, [path, text]])
  return check({ ...tree, sources })
    .filter((violation) => violation.path === path)
    .map(({ line, rule }) => `${line} ${rule}`)
}

function marked(text: string): string[] {
  return text.split('\n').flatMap((line, index) => {
    const rules = /\/\/.*breaks: (.+)$/.exec(line)?.[1]?.split(' ') ?? []
    const at = line.trim().startsWith('// breaks:') ? index + 2 : index + 1
    return rules.map((rule) => `${at} ${rule}`)
  })
}

function withManifest(folder: string, change: object): Tree {
  const manifest = { ...tree.manifests.get(folder)!, ...change }
  return { ...tree, manifests: new Map([...tree.manifests, [folder, manifest]]) }
}

const arrows = (from: string): string[] =>
  Object.keys(ARROWS).filter((to) => to !== from && forbidden(`${from}/src`, `${to}/src`) === undefined)

const readJson = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(root, path), 'utf8')) as Record<string, unknown>

/** The lines of a planted file that end in `// refused`. */
function refusedLines(text: string): number[] {
  return text.split('\n').flatMap((line, index) => (line.endsWith('// refused') ? [index + 1] : []))
}

function inFolder(run: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'hearsay-wall-'))
  try {
    run(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('the tree breaks no rule', () => {
  expect(check(tree).map(show)).toEqual([])
})

test('the checker sees the whole tree', () => {
  for (const [folder, { name }] of tree.manifests) {
    if (!folder.startsWith('packages/')) continue
    expect(Object.keys(ARROWS), name).toContain(folder.slice('packages/'.length))
    expect(tree.sources.has(`${folder}/src/index.ts`), folder).toBe(true)
  }
  expect(tree.sources.has('test/architecture/architecture.test.ts')).toBe(true)
})

test.each(names)('planted: %s', (name) => {
  const text = readFileSync(join(planted, name), 'utf8')
  const path = /stands at: (\S+)/.exec(text)![1]!
  const expected = marked(text)
  expect(expected.length).toBeGreaterThan(0)
  expect(caught(path, text).toSorted()).toEqual(expected.toSorted())
})

test('planted: a file that is too long', () => {
  const path = 'packages/dag/src/planted.ts'
  expect(caught(path, '// line\n'.repeat(MAX_LINES))).toEqual([])
  expect(caught(path, '// line\n'.repeat(MAX_LINES + 1))).toEqual([`${MAX_LINES + 1} length`])
})

test('planted: a file that cannot be read', () => {
  expect(caught('packages/dag/src/planted.ts', 'const = 1\n')).toEqual(['1 syntax'])
})

test('planted: a dependency that is declared and not imported, or not exact', () => {
  const { dependencies } = tree.manifests.get('packages/dag')!
  const before = check(tree).length
  const planted = withManifest('packages/dag', { dependencies: { ...dependencies, commander: '^15.0.0' } })
  const found = check(planted).filter((violation) => violation.path === 'packages/dag/package.json')
  expect(found.map((violation) => violation.rule)).toEqual(['unused', 'inexact'])
  expect(check(planted)).toHaveLength(before + 2)
})

test('planted: an import that is no longer declared', () => {
  const found = check(withManifest('packages/consensus', { dependencies: {} }))
  expect(found.map((violation) => violation.rule)).toContain('undeclared')
})

test('the arrows of the design document, and no others', () => {
  expect(arrows('dag')).toEqual([])
  expect(arrows('consensus')).toEqual(['dag'])
  expect(arrows('gossip')).toEqual(['dag'])
  expect(arrows('node')).toEqual(['dag', 'consensus', 'gossip'])
  expect(arrows('client')).toEqual(['dag'])
  expect(arrows('explorer')).toEqual(['dag', 'consensus', 'client'])
  expect(arrows('simulator')).toEqual(['dag', 'consensus', 'gossip', 'node'])
  expect(arrows('cli')).toEqual(['dag', 'consensus', 'node', 'client', 'simulator', 'explorer'])
  for (const from of Object.keys(ARROWS)) expect(arrows(from)).not.toContain('cli')
  for (const [name, rooms] of Object.entries(IO_ROOMS)) {
    for (const room of rooms) expect(forbidden(`${name}/src`, `${name}/${room}`)).toBeDefined()
  }
})

test('the type wall stands around every src', () => {
  const base = readJson('tsconfig.base.json')['compilerOptions'] as Record<string, unknown>
  expect(base).toMatchObject({ types: [], lib: ['es2024'], strict: true, erasableSyntaxOnly: true })
  for (const folder of tree.manifests.keys()) {
    if (!folder.startsWith('packages/')) continue
    expect(readJson(`${folder}/tsconfig.json`)).toEqual({
      extends: '../../tsconfig.base.json',
      include: ['src'],
    })
    for (const room of IO_ROOMS[folder.slice('packages/'.length)] ?? []) {
      expect(existsSync(join(root, folder, room, 'tsconfig.json')), `${folder}/${room}`).toBe(true)
    }
  }
})

test('planted: the compiler refuses clocks, processes and Node types in a src', () => {
  const text = readFileSync(join(planted, 'type-wall.ts'), 'utf8')
  inFolder((folder) => {
    // Together with all of the real sources, because one that pulls in Node's types would open the wall for all.
    const sources = [...tree.sources.keys()].filter((path) => /^packages\/[^/]+\/src\//.test(path))
    const files = [join(planted, 'type-wall.ts'), ...sources.map((path) => join(root, path))]
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: join(root, 'tsconfig.base.json'), files }),
    )
    const run = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
      cwd: root,
      encoding: 'utf8',
    })
    const lines = run.stdout.matchAll(/^test\/architecture\/planted\/type-wall\.ts\((\d+),/gm)
    expect(run.status).not.toBe(0)
    expect([...new Set([...lines].map((match) => Number(match[1])))], run.stdout).toEqual(refusedLines(text))
  })
})

test('planted: the linter refuses what the compiler lets through in a src', () => {
  const text = readFileSync(join(planted, 'lint-wall.ts'), 'utf8')
  inFolder((folder) => {
    const path = 'packages/dag/src/planted.ts'
    mkdirSync(join(folder, 'packages/dag/src'), { recursive: true })
    writeFileSync(join(folder, path), text)
    const args = [oxlint, '--config', join(root, 'scripts/oxlintrc.json'), '--format', 'unix', 'packages']
    const run = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
    const lines = [...run.stdout.matchAll(/^packages\/dag\/src\/planted\.ts:(\d+):/gm)].map((match) =>
      Number(match[1]),
    )
    expect(run.status).not.toBe(0)
    expect(
      [...new Set(lines)].toSorted((a, b) => a - b),
      run.stdout,
    ).toEqual(refusedLines(text))
  })
})
