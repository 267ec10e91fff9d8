/**
 * Runs the real command in processes of their own, for tests and scripts: waits for what they say, finds free ports of the
 * loopback interface, and ends what is left. Ends only processes that it started, by pid.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const COMMAND: string = join(import.meta.dirname, '../../packages/cli/process/main.ts')

export interface Run {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
  readonly json: () => Record<string, unknown>
  readonly lines: () => Record<string, unknown>[]
}

/** A command that runs; what it has said grows meanwhile. */
export interface Running {
  readonly child: ChildProcess
  readonly pid: number
  readonly out: () => string
  readonly err: () => string
  readonly ended: Promise<Run>
}

export interface RunOptions {
  readonly cwd?: string
  readonly input?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
}

const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** Starts the command and lets it run; collects what it prints. */
export function start(args: readonly string[], { cwd, input, env }: RunOptions = {}): Running {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    cwd: cwd ?? process.cwd(),
    env: { ...process.env, NO_COLOR: '1', HEARSAY_API: '', npm_lifecycle_event: undefined, ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text))
  // A command that has read enough closes its input.
  child.stdin?.on('error', () => undefined).end(input)
  const ended = new Promise<Run>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      const json = (): Record<string, unknown> => JSON.parse(out) as Record<string, unknown>
      resolve({ code, signal, out, err, json, lines: () => jsonLines(out) })
    })
  })
  return { child, pid: child.pid!, out: () => out, err: () => err, ended }
}

/** Runs the command to its end. */
export const run = (args: readonly string[], options?: RunOptions): Promise<Run> => start(args, options).ended

export const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

export interface ReadyTestnet extends Running {
  readonly ready: {
    readonly networkId: string
    readonly dir: string
    readonly round: number
    readonly transactions: number
    readonly nodes: readonly { name: string; api: { port: number }; gossip: { port: number }; pid: number }[]
  }
}

/** Runs commands, and ends those that are left when a test file is done. */
export interface Harness {
  /** An empty folder of its own. */
  folder(): string
  start(args: readonly string[], options?: RunOptions): Running
  run(args: readonly string[], options?: RunOptions): Promise<Run>
  /** `testnet --json` with these arguments, once it is ready. */
  testnet(cwd: string, ...args: readonly string[]): Promise<ReadyTestnet>
  cleanUp(): Promise<void>
}

export function createHarness(): Harness {
  const folders: string[] = []
  const started: Running[] = []

  function startKept(args: readonly string[], options?: RunOptions): Running {
    const running = start(args, options)
    started.push(running)
    return running
  }

  async function testnet(cwd: string, ...args: readonly string[]): Promise<ReadyTestnet> {
    const hasPort = args.includes('--port') || args.includes('--default-ports')
    const own = args.filter((argument) => argument !== '--default-ports')
    const ports = hasPort ? [] : ['--port', String(await freeBlock())]
    const running = startKept(['testnet', '--json', ...own, ...ports], { cwd })
    await until('the testnet is ready', () => running.out().includes('\n') || hasEnded(running.child))
    if (!running.out().includes('\n')) throw new Error(`the testnet has ended: ${running.err()}`)
    return { ...running, ready: JSON.parse(running.out()) as ReadyTestnet['ready'] }
  }

  return {
    folder() {
      const folder = mkdtempSync(join(tmpdir(), 'hearsay-cli-'))
      folders.push(folder)
      return folder
    },
    start: startKept,
    run: (args, options) => startKept(args, options).ended,
    testnet,
    async cleanUp() {
      for (const { child } of started) if (!hasEnded(child)) child.kill('SIGTERM')
      await Promise.all(started.map(({ ended }) => ended))
      for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Polls until it holds; says what was waited for when it never does. */
export async function until(
  what: string,
  holds: () => Promise<boolean> | boolean,
  withinMs = 100_000,
): Promise<void> {
  const deadline = performance.now() + withinMs
  for (;;) {
    if (await holds()) return
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Listens on a loopback port; the returned function ends it. */
export function occupy(port: number): Promise<{ port: number; release: () => void }> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      const address = server.address()
      const bound = typeof address === 'object' && address !== null ? address.port : port
      resolve({ port: bound, release: () => server.close() })
    })
  })
}

/**
 * The first of a block of ports that was free a moment ago, far from those that the system hands out by itself. The ports
 * from 100 above belong to it: a testnet has its APIs here and its gossip there.
 */
export async function freeBlock(): Promise<number> {
  for (;;) {
    const first = 12_000 + 20 * Math.floor(Math.random() * 900)
    const ports = Array.from({ length: 16 }, (_, i) => [first + i, first + 100 + i]).flat()
    const taken = await Promise.allSettled(ports.map((port) => occupy(port)))
    for (const each of taken) if (each.status === 'fulfilled') each.value.release()
    if (taken.every((each) => each.status === 'fulfilled')) return first
  }
}
