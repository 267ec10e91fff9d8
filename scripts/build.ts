// Builds what is published: `packages/*/dist` with one .js file for each source file and the declarations of what the package
// exports. Run: node scripts/build.ts
//
// One file each, because the order of imports matters (a polyfill before the library that asks for it) and because an installed
// node should be readable. Other packages stay imports. The exception are the devDependencies of a package: those are carried
// inside, each with its licence in THIRD-PARTY.md; so an installed tree needs no package that brings an install script.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { rolldown } from 'rolldown'

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

export interface Package {
  readonly folder: string
  readonly manifest: Manifest
}

const root = join(import.meta.dirname, '..')

export function readPackages(): Package[] {
  return readdirSync(join(root, 'packages'))
    .filter((name) => existsSync(join(root, 'packages', name, 'package.json')))
    .map((name) => {
      const folder = join(root, 'packages', name)
      return { folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest }
    })
}

/** Sources of everything that can be imported or run from outside. */
const entriesOf = ({ manifest }: Package): string[] => [
  ...Object.values(manifest.exports ?? {}),
  ...Object.values(manifest.bin ?? {}),
]

async function buildScripts({ folder, manifest }: Package): Promise<void> {
  const carried = Object.keys(manifest.devDependencies ?? {})
  const isCarried = (id: string): boolean => carried.some((name) => id === name || id.startsWith(`${name}/`))
  const bundle = await rolldown({
    cwd: folder,
    input: entriesOf({ folder, manifest }),
    platform: 'node',
    external: (id) => !id.startsWith('.') && !id.startsWith('/') && !isCarried(id),
    // The sources are compiled as they are; no setting of a room changes what comes out.
    tsconfig: false,
  })
  const { output } = await bundle.write({
    dir: join(folder, 'dist'),
    format: 'es',
    preserveModules: true,
    preserveModulesRoot: folder,
    // A folder `node_modules` would be left out of the published package.
    entryFileNames: ({ facadeModuleId, name }) => {
      const inside = facadeModuleId?.split('/node_modules/').at(-1)
      return inside === undefined || inside === facadeModuleId
        ? `${name}.js`
        : `third-party/${inside.replace(/\.\w+$/, '')}.js`
    },
  })
  await bundle.close()
  const inside = output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []))
  writeThirdParty(folder, carried, inside)
  for (const [command, entry] of Object.entries(manifest.bin ?? {})) {
    const built = output.find(
      (chunk) => chunk.type === 'chunk' && chunk.facadeModuleId === join(folder, entry),
    )
    if (built?.type !== 'chunk') throw new Error(`${command}: ${entry} was not built`)
    // It has to say on an old Node which one it needs, and would not come to that if what it imports cannot be read there.
    const early = built.imports.filter((id) => !id.startsWith('node:'))
    if (early.length > 0) throw new Error(`${command}: ${entry} imports ${early.join(', ')} at once`)
    if (!built.code.startsWith('#!')) throw new Error(`${command}: ${entry} has no #! line`)
    chmodSync(join(folder, 'dist', built.fileName), 0o755)
  }
  // Where a room finds the package's facts in the sources, one folder up, it finds them in `dist` as well.
  const { name, version } = manifest
  writeFileSync(join(folder, 'dist/package.json'), `${JSON.stringify({ name, version, type: 'module' })}\n`)
}

/** Whatever else was taken in, unasked, is found by its path and fails the build. */
function writeThirdParty(folder: string, carried: readonly string[], modules: readonly string[]): void {
  const foreign = modules.filter((id) => id.includes('/node_modules/'))
  const homes = carried.map((name) => ({ name, home: realpathSync(join(folder, 'node_modules', name)) }))
  const stray = foreign.find((id) => !homes.some(({ home }) => realpathSync(id).startsWith(`${home}/`)))
  if (stray !== undefined) throw new Error(`${stray} would be carried without being declared`)
  const used = homes.filter(({ home }) => foreign.some((id) => realpathSync(id).startsWith(`${home}/`)))
  if (used.length === 0) return
  const chapters = used.map(({ name, home }) => {
    const { version, license } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as Record<
      string,
      string
    >
    const text = readFileSync(join(home, 'LICENSE'), 'utf8').trim()
    return `## ${name} ${version} (${license})\n\n${text.replace(/^/gm, '    ')}\n`
  })
  writeFileSync(
    join(folder, 'dist/THIRD-PARTY.md'),
    `# Carried inside this package\n\n${chapters.join('\n')}`.replace(/ +$/gm, ''),
  )
}

/** A run for each package: what the compiler reaches by way of another package counts as that one's, and is not written. */
function buildDeclarations({ folder, manifest }: Package): void {
  const files = Object.values(manifest.exports ?? {}).map((entry) => join(folder, entry))
  if (files.length === 0) return
  const out = mkdtempSync(join(tmpdir(), 'hearsay-declarations-'))
  try {
    const config = join(out, 'tsconfig.json')
    const compilerOptions = {
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
      rootDir: join(root, 'packages'),
      outDir: out,
      noEmit: false,
      emitDeclarationOnly: true,
    }
    writeFileSync(
      config,
      JSON.stringify({ extends: join(root, 'tsconfig.base.json'), compilerOptions, files }),
    )
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const run = spawnSync(process.execPath, [tsc, '-p', config], { cwd: root, stdio: 'inherit' })
    if (run.status !== 0) throw new Error(`the declarations of ${manifest.name} cannot be written`)
    const own = join(out, basename(folder))
    // What no entry leads to is nobody's business, and may speak of types that an installed tree does not have.
    const waiting = files.map((file) => join(own, relative(folder, file)).replace(/\.ts$/, '.d.ts'))
    const seen = new Set<string>()
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (seen.has(path)) continue
      seen.add(path)
      const text = readFileSync(path, 'utf8')
      const relativeImport = /((?:from |import |import\()(['"])(\.[^'"]*))\.ts\2/g
      for (const found of text.matchAll(relativeImport)) waiting.push(join(dirname(path), `${found[3]}.d.ts`))
      const target = join(folder, 'dist', relative(own, path))
      mkdirSync(dirname(target), { recursive: true })
      // The compiler leaves `./x.ts` in declarations, where only newer compilers understand it.
      writeFileSync(target, text.replace(relativeImport, '$1.js$2'))
    }
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}

/** What a package serves to browsers, it brings built; how, it knows itself. */
function buildPage({ folder, manifest }: Package): void {
  const builder = join(folder, 'build/main.ts')
  if (!existsSync(builder)) return
  const run = spawnSync(process.execPath, [builder, join(folder, 'dist/page')], { stdio: 'inherit' })
  if (run.status !== 0) throw new Error(`the page of ${manifest.name} cannot be built`)
}

export async function build(): Promise<Package[]> {
  const packages = readPackages()
  for (const each of packages) {
    rmSync(join(each.folder, 'dist'), { recursive: true, force: true })
    await buildScripts(each)
    buildPage(each)
    buildDeclarations(each)
  }
  return packages
}

if (process.argv[1] === import.meta.filename) {
  for (const { folder } of await build()) {
    console.log(`${relative(root, folder)}/dist: ${globSync('dist/**/*.js', { cwd: folder }).length} scripts`)
  }
}
