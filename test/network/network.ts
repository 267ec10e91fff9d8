/**
 * A testnet of real processes for tests and benches: started by the command as a user would, in a folder of its own, on
 * free ports of the loopback interface; talked to over its API; single nodes can be killed and started again. Ends only
 * processes that it started, by pid.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogPageJson, StatusJson } from '@hearsay/node'

export const COMMAND: string = join(import.meta.dirname, '../../packages/cli/process/main.ts')

export interface NodeEntry {
  readonly name: string
  readonly api: { readonly host: string; readonly port: number }
  readonly gossip: { readonly host: string; readonly port: number }
  readonly pid: number
}

export interface CommandResult {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command to its end. */
export function hearsay(
  args: readonly string[],
  options: { cwd?: string; input?: string } = {},
): CommandResult {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
    encoding: 'utf8',
    maxBuffer: 512 * 1024 * 1024,
    env: { ...process.env, NO_COLOR: '1' },
    ...options,
  })
  return { status, stdout, stderr }
}

/** A command that runs; `output` grows meanwhile. */
export interface RunningCommand {
  readonly child: ChildProcess
  readonly output: { readonly stdout: string; readonly stderr: string }
  readonly exited: Promise<number | null>
}

/** Starts the command and lets it run; collects what it prints. */
export function startHearsay(args: readonly string[], cwd?: string): RunningCommand {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
    ...(cwd === undefined ? {} : { cwd }),
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (output.stderr += text))
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  return { child, output, exited }
}

/** Polls until it holds; says what was waited for when it never does. */
export async function until(
  what: string,
  holds: () => Promise<boolean> | boolean,
  withinMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + withinMs
  for (;;) {
    if (await holds()) return
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** A base for which API ports and gossip ports (100 above) of `count` nodes are free. */
export async function freeBase(count: number): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const base = 20_000 + 200 * Math.floor(Math.random() * 200)
    let free = true
    for (let i = 0; free && i < count; i++) free = (await isFree(base + i)) && (await isFree(base + 100 + i))
    if (free) return base
  }
  throw new Error('no free block of ports')
}

export interface Network {
  readonly dir: string
  readonly nodes: readonly NodeEntry[]
  node(name: string): NodeEntry
  status(name: string): Promise<StatusJson>
  /** All ordered transactions as texts. */
  texts(name: string): Promise<string[]>
  submit(
    name: string,
    text: string,
    timeout?: string,
  ): Promise<{ status: number; body: Record<string, unknown> }>
  killNode(name: string): Promise<void>
  startNode(name: string): Promise<void>
  /** Ctrl-C; resolves with the exit code and how long it took. */
  stop(): Promise<{ code: number | null; tookMs: number }>
  /** Stops whatever still runs and removes the folder. */
  dispose(): Promise<void>
  readonly output: { readonly stdout: string; readonly stderr: string }
}

export interface NetworkOptions {
  readonly count?: number
  /** An existing folder: its network is continued. */
  readonly dir?: string
  readonly base?: number
}

export async function startNetwork(options: NetworkOptions = {}): Promise<Network> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'hearsay-net-'))
  const count = options.count ?? 4
  const base = options.base ?? (await freeBase(count))
  const { child, output, exited } = startHearsay([
    'testnet',
    String(count),
    '--dir',
    join(dir, 'net'),
    '--port',
    String(base),
  ])
  const restarted = new Map<string, RunningCommand>()
  await until(
    'testnet is ready',
    () => {
      if (child.exitCode !== null) throw new Error(`testnet ended with ${child.exitCode}: ${output.stderr}`)
      return /ready in/.test(output.stderr)
    },
    90_000,
  )
  const { nodes } = JSON.parse(readFileSync(join(dir, 'net/net.json'), 'utf8')) as { nodes: NodeEntry[] }

  const node = (name: string): NodeEntry => {
    const found = nodes.find((each) => each.name === name)
    if (found === undefined) throw new Error(`no node ${name}`)
    return found
  }
  const url = (name: string, path: string): string => `http://127.0.0.1:${node(name).api.port}${path}`
  const status = async (name: string): Promise<StatusJson> =>
    (await (await fetch(url(name, '/v1/status'))).json()) as StatusJson

  async function texts(name: string): Promise<string[]> {
    const all: string[] = []
    for (;;) {
      const page = (await (
        await fetch(url(name, `/v1/log?from=${all.length}&limit=1000`))
      ).json()) as LogPageJson
      for (const each of page.transactions) all.push(each.text ?? each.hex)
      if (page.transactions.length === 0) return all
    }
  }

  async function killNode(name: string): Promise<void> {
    const again = restarted.get(name)
    if (again !== undefined) {
      again.child.kill('SIGKILL')
      await again.exited
      return
    }
    process.kill(node(name).pid, 'SIGKILL')
    await until(`${name} is dead`, async () =>
      fetch(url(name, '/healthz')).then(
        () => false,
        () => true,
      ),
    )
  }

  async function startNode(name: string): Promise<void> {
    const run = startHearsay(['up', '--dir', join(dir, 'net', name)])
    restarted.set(name, run)
    await until(`${name} answers`, async () => {
      if (run.child.exitCode !== null)
        throw new Error(`${name} ended with ${run.child.exitCode}: ${run.output.stderr}`)
      return fetch(url(name, '/healthz')).then(
        (answer) => answer.ok,
        () => false,
      )
    })
  }

  async function stop(): Promise<{ code: number | null; tookMs: number }> {
    const beganMs = performance.now()
    for (const each of restarted.values()) each.child.kill('SIGTERM')
    child.kill('SIGINT')
    const code = await exited
    for (const each of restarted.values()) await each.exited
    return { code, tookMs: performance.now() - beganMs }
  }

  return {
    dir,
    nodes,
    node,
    status,
    texts,
    submit: async (name, text, timeout = '30s') => {
      const answer = await fetch(url(name, `/v1/tx?timeout=${timeout}`), { method: 'POST', body: text })
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
    },
    killNode,
    startNode,
    stop,
    dispose: async () => {
      await stop()
      rmSync(dir, { recursive: true, force: true })
    },
    output,
  }
}
