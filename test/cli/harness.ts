// Runs the real command in processes of their own, and ends those that are left when a test file is done.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const entry = fileURLToPath(new URL('../../packages/cli/process/main.ts', import.meta.url))

export interface Run {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
  readonly json: () => Record<string, unknown>
  readonly lines: () => Record<string, unknown>[]
}

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
  readonly env?: Record<string, string>
}

export interface ReadyTestnet extends Running {
  readonly ready: {
    readonly networkId: string
    readonly dir: string
    readonly round: number
    readonly transactions: number
    readonly nodes: readonly { name: string; api: { port: number }; gossip: { port: number }; pid: number }[]
  }
}

export interface Harness {
  /** An empty folder of its own. */
  folder(): string
  start(args: readonly string[], options?: RunOptions): Running
  run(args: readonly string[], options?: RunOptions): Promise<Run>
  /** `testnet --json` with these arguments, once it is ready. */
  testnet(cwd: string, ...args: readonly string[]): Promise<ReadyTestnet>
  cleanUp(): Promise<void>
}

const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

export function createHarness(): Harness {
  const folders: string[] = []
  const started: Running[] = []

  function start(args: readonly string[], { cwd, input, env }: RunOptions = {}): Running {
    const child = spawn(process.execPath, [entry, ...args], {
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
    const running: Running = { child, pid: child.pid!, out: () => out, err: () => err, ended }
    started.push(running)
    return running
  }

  async function testnet(cwd: string, ...args: readonly string[]): Promise<ReadyTestnet> {
    const hasPort = args.includes('--port') || args.includes('--default-ports')
    const own = args.filter((argument) => argument !== '--default-ports')
    const ports = hasPort ? [] : ['--port', String(await freeBlock())]
    const running = start(['testnet', '--json', ...own, ...ports], { cwd })
    await until(() => running.out().includes('\n') || hasEnded(running.child))
    if (!running.out().includes('\n')) throw new Error(`the testnet has ended: ${running.err()}`)
    return { ...running, ready: JSON.parse(running.out()) as ReadyTestnet['ready'] }
  }

  return {
    folder() {
      const folder = mkdtempSync(join(tmpdir(), 'hearsay-cli-'))
      folders.push(folder)
      return folder
    },
    start,
    run: (args, options) => start(args, options).ended,
    testnet,
    async cleanUp() {
      for (const { child } of started) if (!hasEnded(child)) child.kill('SIGTERM')
      await Promise.all(started.map(({ ended }) => ended))
      for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

/** Waits for a condition that will hold; the test's own timeout is the only limit. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20))
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

/** The first of a block of ports that was free a moment ago, far from those that the system hands out by itself. */
export async function freeBlock(): Promise<number> {
  for (;;) {
    const first = 12_000 + 20 * Math.floor(Math.random() * 900)
    const ports = Array.from({ length: 16 }, (_, i) => [first + i, first + 100 + i]).flat()
    const taken = await Promise.allSettled(ports.map((port) => occupy(port)))
    for (const each of taken) if (each.status === 'fulfilled') each.value.release()
    if (taken.every((each) => each.status === 'fulfilled')) return first
  }
}
