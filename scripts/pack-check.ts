// Builds and packs all packages as they would be published, installs them into an empty project as a stranger would, and uses
// what is there. Run: node scripts/pack-check.ts [--keep]
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  accessSync,
  constants,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join, relative } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { build, type Package } from './build.ts'

const root = join(import.meta.dirname, '..')
const work = mkdtempSync(join(tmpdir(), 'hearsay-pack-'))
const tarballs = join(work, 'tarballs')
const project = join(work, 'project')
const pnpmProject = join(work, 'pnpm-project')
const TRANSACTIONS = 20

class CheckFailed extends Error {}
const fail = (message: string): never => {
  throw new CheckFailed(message)
}

/** What the package manager that started this tells its scripts is not for those that are started from here. */
const inherited = Object.entries(process.env).filter(
  ([name]) => !/^(npm_(package|lifecycle|execpath|node_execpath|command)|pnpm_|NODE_OPTIONS$)/i.test(name),
)
const env: NodeJS.ProcessEnv = {
  ...Object.fromEntries(inherited),
  XDG_CACHE_HOME: join(work, 'cache'),
  CI: 'true',
}

interface Said {
  readonly out: string
  readonly err: string
}

function runBoth(command: string, args: readonly string[], cwd: string, timeoutMs = 240_000): Said {
  const done = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    timeout: timeoutMs,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (done.status === 0) return { out: done.stdout, err: done.stderr }
  const why = done.error?.message ?? `exit status ${done.status ?? done.signal}`
  return fail(`${command} ${args.join(' ')}: ${why}\n${done.stdout}${done.stderr}`)
}

const run = (command: string, args: readonly string[], cwd: string, timeoutMs?: number): string =>
  runBoth(command, args, cwd, timeoutMs).out

/** What a package manager says about settings of its own that it finds here, not about what is installed. */
const OF_THE_MACHINE = /Unknown (user|env|project|builtin) config/

/** Runs an installation, which must not warn of anything. */
function runSilently(command: string, args: readonly string[], cwd: string): void {
  const { out, err } = runBoth(command, args, cwd)
  const warning = `${out}\n${err}`
    .split('\n')
    .find((line) => /\bwarn|deprecated|ignored build/i.test(line) && !OF_THE_MACHINE.test(line))
  if (warning !== undefined) fail(`${command} ${args.join(' ')} warns: ${warning.trim()}`)
}

const binOf = (folder: string): string => join(folder, 'node_modules/.bin/hearsay')
const hearsay = binOf(project)

function checkContents(tarball: string): void {
  const allowed =
    /^package\/(package\.json|LICENSE|README\.md|dist\/(package\.json|THIRD-PARTY\.md|[^ ]+\.js|[^ ]+\.d\.ts|page\/[a-z-]+\.(html|css|svg|txt)))$/
  const unwanted = /(^|[/.])(test|spec|planted|fixtures?|node_modules)([/.]|$)/
  const folder = mkdtempSync(join(work, 'unpacked-'))
  run('tar', ['-xzf', tarball, '-C', folder], work)
  for (const path of globSync('**/*', { cwd: folder, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )) {
    const file = join(path.parentPath, path.name)
    const name = relative(folder, file)
    if (!allowed.test(name) || unwanted.test(name)) fail(`${relative(tarballs, tarball)} contains ${name}`)
    const text = readFileSync(file, 'utf8')
    if (text.includes('PRIVATE KEY-----')) fail(`${name} contains a private key`)
    // Paths of the machine that built it are of no use to anybody else.
    if (text.includes(`${root}/`)) fail(`${name} mentions ${root}`)
    if (name === 'package/package.json' && text.includes('workspace:'))
      fail(`${name} refers to the workspace`)
  }
}

function pack(packages: readonly Package[]): Map<string, string> {
  mkdirSync(tarballs, { recursive: true })
  run('npx', ['-y', 'pnpm@12', '--filter', './packages/*', 'pack', '--pack-destination', tarballs], root)
  const packed = new Map<string, string>()
  for (const { manifest } of packages) {
    const file = `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`
    checkContents(join(tarballs, file))
    packed.set(manifest.name, file)
  }
  if (globSync('*.tgz', { cwd: tarballs }).length !== packages.length)
    fail('not every package was packed once')
  return packed
}

/** Into an empty folder, by npm, with nothing but the names of the files; installation scripts may run. */
function installWithNpm(packed: ReadonlyMap<string, string>): void {
  mkdirSync(project, { recursive: true })
  const files = [...packed.values()].map((file) => join(tarballs, file))
  runSilently('npm', ['install', '--no-audit', '--no-fund', ...files], project)
  checkInstalled(project)
  // From here on it is a project in which modules are the rule.
  const path = join(project, 'package.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as object
  writeFileSync(path, JSON.stringify({ ...manifest, type: 'module' }))
}

/** The same by pnpm, which asks the registry for what a package depends on unless it is told where that lies. */
function installWithPnpm(packed: ReadonlyMap<string, string>): void {
  mkdirSync(pnpmProject, { recursive: true })
  const overrides = [...packed].map(
    ([name, file]) => `  ${JSON.stringify(name)}: ${JSON.stringify(`file:${join(tarballs, file)}`)}\n`,
  )
  writeFileSync(join(pnpmProject, 'package.json'), '{ "private": true }\n')
  writeFileSync(join(pnpmProject, 'pnpm-workspace.yaml'), `overrides:\n${overrides.join('')}`)
  const files = [...packed.values()].map((file) => join(tarballs, file))
  runSilently('npx', ['-y', 'pnpm@12', 'add', ...files], pnpmProject)
  checkInstalled(pnpmProject)
}

function checkInstalled(folder: string): void {
  const options = { cwd: folder, exclude: (name: string) => name === '.cache' }
  const installed = globSync('node_modules/{.pnpm/*/node_modules/,}{*,@*/*}/package.json', options)
  const all = new Set([...installed, ...globSync('node_modules/**/package.json', options)])
  if (all.size === 0) fail(`nothing was installed into ${folder}`)
  for (const path of all) {
    const { name, scripts } = JSON.parse(readFileSync(join(folder, path), 'utf8')) as {
      name?: string
      scripts?: Record<string, string>
    }
    const script = ['preinstall', 'install', 'postinstall'].find((key) => scripts?.[key] !== undefined)
    if (script !== undefined) fail(`${name ?? path} has the install script ${script}`)
  }
  // npm runs node-gyp for these without being asked.
  const native = globSync('node_modules/**/{binding.gyp,*.node}', options)
  if (native.length > 0) fail(`native code: ${native.join(', ')}`)
}

function checkImports(packages: readonly Package[]): number {
  const names = packages.flatMap(({ manifest }) =>
    Object.keys(manifest.exports ?? {}).map((key) => manifest.name + key.slice(1)),
  )
  const script = `for (const name of ${JSON.stringify(names)}) {
    const exported = Object.keys(await import(name))
    if (exported.length === 0) throw new Error(name + ' exports nothing')
  }`
  writeFileSync(join(project, 'import.js'), script)
  run(process.execPath, ['import.js'], project)
  // What is written for a computer must also be readable for a compiler, the declarations of dependencies included.
  const all = names.map((name, index) => `export * as m${index} from '${name}'`).join('\n')
  writeFileSync(join(project, 'import.ts'), `${all}\n`)
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2024',
    strict: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['import.ts'] }))
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], project)
  return names.length
}

function checkReplay(): string {
  const file = join(root, 'test/conformance/cases/genesis-4.json')
  const { expected } = JSON.parse(readFileSync(file, 'utf8')) as { expected: unknown }
  const printed: unknown = JSON.parse(run(hearsay, ['replay', file], project))
  if (!isDeepStrictEqual(printed, expected)) fail('replay of genesis-4 differs from what is expected')
  return 'genesis-4'
}

/** Runs the command on the oldest Node that is at hand; where there is none, on this one under an older name. */
function checkOldNode(): string {
  const main = join(project, 'node_modules/hearsay/dist/process/main.js')
  const candidates = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'node'))
  const versions = candidates
    .filter(isExecutable)
    .map((path) => ({ path, version: run(path, ['--version'], work).trim() }))
  const old = versions.find(({ version }) => isTooOld(version))
  const rename = `Object.defineProperty(process.versions, 'node', { value: '20.0.0' })`
  const args = old === undefined ? ['--import', `data:text/javascript,${encodeURIComponent(rename)}`] : []
  const done = spawnSync(old?.path ?? process.execPath, [...args, main, '--version'], {
    cwd: project,
    env,
    encoding: 'utf8',
  })
  if (done.status !== 69) fail(`an old Node ends with ${done.status ?? done.signal}, not 69\n${done.stderr}`)
  if (!done.stderr.includes('22.18')) fail(`an old Node is not told what is needed: ${done.stderr}`)
  return old?.version ?? 'this one under an older name'
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.replace('v', '').split('.').map(Number)
  return major < 22 || (major === 22 && minor < 18)
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

/** A port such that `count` from it on and as many 100 above are free at the moment. */
async function freePort(): Promise<number> {
  for (let port = 21_000 + (process.pid % 10_000); port < 60_000; port += 211) {
    const wanted = [0, 1, 2, 3, 100, 101, 102, 103].map((offset) => port + offset)
    if ((await Promise.all(wanted.map(isFree))).every(Boolean)) return port
  }
  return fail('no free ports')
}

/** Four nodes, 20 transactions, and the proof that all nodes have the same ledger; as installed in that folder. */
async function checkTestnet(folder: string): Promise<void> {
  const dir = join(folder, '.hearsay/testnet')
  const command = binOf(folder)
  const lines = join(work, 'lines')
  writeFileSync(lines, Array.from({ length: TRANSACTIONS - 1 }, (_, index) => `line ${index}\n`).join(''))
  const port = String(await freePort())
  const args = ['testnet', '--port', port, '--exit-after', String(TRANSACTIONS)]
  const testnet = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  testnet.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  testnet.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  try {
    await until(60_000, () => /\bready\b/.test(said) || testnet.exitCode !== null)
    if (testnet.exitCode !== null) fail(`the testnet ended with ${testnet.exitCode}\n${said}`)
    const final = run(command, ['submit', 'hello'], folder, 60_000)
    if (!/^final {2}#0 /.test(final)) fail(`a submission says ${final}`)
    run(command, ['submit', '--file', lines], folder, 60_000)
    await until(30_000, () => testnet.exitCode !== null)
    if (testnet.exitCode !== 0)
      fail(`the testnet ended with ${testnet.exitCode ?? 'nothing'} after the submission\n${said}`)
    const nodes = globSync('*/', { cwd: dir, withFileTypes: true }).filter((entry) => entry.isDirectory())
    run(command, ['verify', ...nodes.map((entry) => join(dir, entry.name))], folder, 60_000)
  } finally {
    await stop(testnet)
  }
}

async function until(timeoutMs: number, holds: () => boolean): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!holds() && Date.now() < end) await sleep(50)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.kill('SIGINT')
  await until(5000, () => child.exitCode !== null)
  child.kill('SIGKILL')
}

async function main(): Promise<void> {
  const packages = await build()
  const packed = pack(packages)
  console.log(`✔ packed ${packed.size} packages: only scripts, declarations and licences`)
  installWithNpm(packed)
  console.log('✔ npm install into an empty folder: no warning, no install script, no native code')
  installWithPnpm(packed)
  console.log('✔ pnpm add into an empty folder: the same')
  console.log(`✔ imported and type-checked ${checkImports(packages)} entry points`)
  const version = run(hearsay, ['--version'], project).trim()
  const expected = packages.find(({ manifest }) => manifest.name === 'hearsay')?.manifest.version
  if (version !== expected) fail(`hearsay --version says ${version}, not ${expected}`)
  console.log(`✔ hearsay --version: ${version}`)
  console.log(`✔ refused with instructions by an old Node (${checkOldNode()})`)
  console.log(`✔ hearsay replay: ${checkReplay()} as expected`)
  for (const [name, folder] of [
    ['npm', project],
    ['pnpm', pnpmProject],
  ] as const) {
    await checkTestnet(folder)
    console.log(`✔ hearsay testnet, installed by ${name}: 4 nodes, ${TRANSACTIONS} transactions, one ledger`)
  }
}

try {
  await main()
} catch (error) {
  console.error(`✖ ${error instanceof CheckFailed ? error.message : (error as Error).stack}`)
  process.exitCode = 1
} finally {
  if (process.argv.includes('--keep')) console.log(`kept in ${work}`)
  else rmSync(work, { recursive: true, force: true })
}
