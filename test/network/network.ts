/**
 * A testnet of real processes for tests and benches: started by the command as a user would, in a folder of its own, on
 * free ports of the loopback interface; talked to over its API; single nodes can be killed and started again. Ends only
 * processes that it started, by pid.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogPageJson, StatusJson } from '@hearsay/node'
import { freeBlock, type Running, start, until } from './command.ts'

export interface NodeEntry {
  readonly name: string
  readonly api: { readonly host: string; readonly port: number }
  readonly gossip: { readonly host: string; readonly port: number }
  readonly pid: number
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
  const base = options.base ?? (await freeBlock())
  const { child, err, ended } = start([
    'testnet',
    String(count),
    '--dir',
    join(dir, 'net'),
    '--port',
    String(base),
  ])
  const restarted = new Map<string, Running>()
  await until(
    'testnet is ready',
    () => {
      if (child.exitCode !== null) throw new Error(`testnet ended with ${child.exitCode}: ${err()}`)
      return /ready in/.test(err())
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
      await again.ended
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
    const run = start(['up', '--dir', join(dir, 'net', name)])
    restarted.set(name, run)
    await until(`${name} answers`, async () => {
      if (run.child.exitCode !== null)
        throw new Error(`${name} ended with ${run.child.exitCode}: ${run.err()}`)
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
    const { code } = await ended
    for (const each of restarted.values()) await each.ended
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
  }
}
