/** Decides whether a tree keeps the rules of the house (`house.ts`), and says where it does not. */
import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import {
  EXACT_MATH,
  FORBIDDEN_NAMES,
  forbidden,
  IO_ROOMS,
  LOCALE_METHODS,
  MAX_LINES,
  PURE_GLOBALS,
  PURE_PACKAGES,
} from './house.ts'
import { type Found, readSyntax, type Syntax } from './syntax.ts'
import type { Manifest, Tree } from './tree.ts'

export interface Violation {
  readonly path: string
  readonly line: number
  readonly rule: string
  readonly why: string
}

/** `path` relative to the root; `folder` is the room's, `''` for a file beside the rooms. */
interface Place {
  readonly kind: 'package' | 'test' | 'scripts'
  readonly name: string
  readonly folder: string
}

const DEFERRING_TESTS = new Set(['skip', 'only', 'todo', 'skipIf', 'runIf'])

function placeOf(path: string): Place {
  const [top, name, folder, ...rest] = path.split('/') as [string, string, string, ...string[]]
  if (top === 'packages') return { kind: 'package', name, folder: rest.length > 0 ? folder : '' }
  return { kind: top === 'test' ? 'test' : 'scripts', name: top, folder: '' }
}

const npmName = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

function arrow(from: Place, to: Place): [string, string] | undefined {
  const why = forbidden(`${from.name}/${from.folder}`, `${to.name}/${to.folder}`)
  return why === undefined ? undefined : ['arrow', why]
}

export const show = ({ path, line, rule, why }: Violation): string => `${path}:${line} ${rule}: ${why}`

export function check(tree: Tree): Violation[] {
  const violations: Violation[] = []
  const homes = new Map([...tree.manifests].map(([folder, manifest]) => [manifest.name, folder]))
  /** Folder of a manifest → npm and workspace packages that its sources import. */
  const imported = new Map([...tree.manifests.keys()].map((folder) => [folder, new Set<string>()]))

  for (const [path, text] of tree.sources) {
    const syntax = readSyntax(path, text)
    const place = placeOf(path)
    const report = (rule: string, line: number, why: string): void => {
      violations.push({ path, line, rule, why })
    }
    const each = (found: readonly Found[], rule: string, why: (what: string) => string | undefined): void => {
      for (const { what, line } of found) {
        const reason = why(what)
        if (reason !== undefined) report(rule, line, reason)
      }
    }
    const home = place.kind === 'package' ? `packages/${place.name}` : place.kind === 'test' ? 'test' : '.'
    each(syntax.parseErrors, 'syntax', (what) => what)
    checkStyle(path, place, syntax, each, report)
    if (place.kind === 'package' && place.folder === 'src') checkPurity(place, syntax, each)
    for (const { what: specifier, line } of syntax.imports) {
      const broken = checkImport(path, place, specifier)
      if (broken !== undefined) report(broken[0], line, broken[1])
      if (specifier === '' || specifier.startsWith('.') || isBuiltin(specifier)) continue
      const name = npmName(specifier)
      imported.get(home)?.add(name)
      if (!declares(home, name)) report('undeclared', line, `${name} is not in ${home}/package.json`)
    }
  }
  for (const [folder, manifest] of tree.manifests) checkManifest(folder, manifest)
  return violations

  /** What a package's `dist` carries inside is a devDependency of it; tests may use the tools of the root. */
  function declares(home: string, name: string): boolean {
    const { dependencies, devDependencies } = tree.manifests.get(home) ?? {}
    if (dependencies?.[name] !== undefined || devDependencies?.[name] !== undefined) return true
    return home === 'test' && tree.manifests.get('.')?.devDependencies?.[name] !== undefined
  }

  /** Whether the import itself may stand there; `[rule, why]` if not. */
  function checkImport(path: string, place: Place, specifier: string): [string, string] | undefined {
    if (specifier === '')
      return place.kind === 'package' ? ['computed', 'the name of an import is computed'] : undefined
    const inPackage = place.kind === 'package'
    if (specifier.startsWith('.')) {
      const target = posix.join(posix.dirname(path), specifier)
      if (/\.[jt]s$/.test(target) && !tree.sources.has(target))
        return ['unresolved', `${target} does not exist`]
      if (!/\.[a-z]+$/.test(target)) return ['unresolved', `${specifier} does not name a file`]
      if (!inPackage) return undefined
      const to = placeOf(target)
      if (to.kind === 'test') return ['test', 'no package imports tests']
      if (to.kind !== 'package' || target.startsWith('..'))
        return ['deep', `${specifier} leaves the packages`]
      if (to.name !== place.name) return ['deep', `${specifier} goes into another package past its exports`]
      // A package's own package.json belongs to all its rooms.
      return to.folder === '' ? undefined : arrow(place, to)
    }
    if (isBuiltin(specifier)) {
      return inPackage && place.folder === 'src' ? ['builtin', `${specifier} in a src`] : undefined
    }
    const home = homes.get(npmName(specifier))
    if (home === undefined) {
      if (!inPackage || place.folder !== 'src' || PURE_PACKAGES[place.name]?.includes(npmName(specifier)))
        return undefined
      return ['builtin', `${specifier} is not known to be pure, and this is a src`]
    }
    if (home === 'test') return ['test', 'no package imports tests']
    const entry = tree.manifests.get(home)?.exports?.[`.${specifier.slice(npmName(specifier).length)}`]
    // The command exports nothing, and is named first because that is the rule that is broken.
    if (inPackage && home === 'packages/cli') return ['arrow', 'nothing imports cli']
    if (entry === undefined) return ['deep', `${npmName(specifier)} does not export ${specifier}`]
    return inPackage ? arrow(place, placeOf(posix.join(home, entry))) : undefined
  }

  function checkManifest(folder: string, { dependencies, devDependencies }: Manifest): void {
    const path = posix.join(folder, 'package.json')
    // The devDependencies of the root are commands as well; `pnpm unused` watches over those.
    const mustBeImported = { ...dependencies, ...(folder === '.' ? {} : devDependencies) }
    const declared = Object.entries({ ...dependencies, ...devDependencies })
    for (const [name, version] of declared) {
      const report = (rule: string, why: string): void => {
        violations.push({ path, line: 1, rule, why })
      }
      if (name in mustBeImported && !imported.get(folder)?.has(name)) {
        report('unused', `${name} is declared and never imported`)
      }
      if (!/^(\d+\.\d+\.\d+|workspace:\*)$/.test(version))
        report('inexact', `${name} is not at one exact version`)
    }
  }
}

type Each = (found: readonly Found[], rule: string, why: (what: string) => string | undefined) => void

function checkStyle(
  path: string,
  place: Place,
  syntax: Syntax,
  each: Each,
  report: (rule: string, line: number, why: string) => void,
): void {
  const folders = posix.dirname(path).split('/')
  const vague = [...folders, posix.basename(path).replace(/\..*/, '')].find((name) =>
    FORBIDDEN_NAMES.has(name),
  )
  if (vague !== undefined)
    report('vague', 1, `"${vague}" says nothing: a helper lives in the lowest room that needs it`)
  if (place.kind === 'package') {
    const rooms = ['src', ...(IO_ROOMS[place.name] ?? [])]
    if (!rooms.includes(place.folder))
      report('room', 1, `${path} is in none of the rooms ${rooms.join(', ')}`)
  }
  if (syntax.lines > MAX_LINES)
    report('length', MAX_LINES + 1, `${syntax.lines} lines, ${MAX_LINES} are allowed`)
  each(syntax.enums, 'enum', (what) => `enum ${what}`)
  each(syntax.subclasses, 'inheritance', (what) =>
    what.endsWith('Error') ? undefined : `a class extends ${what}`,
  )
  each(syntax.emptyCatches, 'catch', () => 'an error is swallowed without a word')
  if (place.kind === 'test') {
    each(syntax.members, 'deferred', (what) => (DEFERRING_TESTS.has(what) ? `.${what} in a test` : undefined))
  }
}

function checkPurity(place: Place, syntax: Syntax, each: Each): void {
  each(syntax.globals, 'global', (what) =>
    PURE_GLOBALS.has(what) ? undefined : `${what} is not known to be pure, and this is a src`,
  )
  each(syntax.mathNames, 'global', (what) =>
    EXACT_MATH.has(what) ? undefined : `Math.${what || '…'} is not the same everywhere and every time`,
  )
  each(syntax.members, 'global', (what) =>
    LOCALE_METHODS.has(what) ? `${what} depends on the locale` : undefined,
  )
  each(syntax.asynchronous, 'async', (what) => `${what} in ${place.name}/src`)
}
