/**
 * How fast a node is back, and how much memory it takes, after many ordered transactions: runs a testnet of one process
 * each, submits small transactions in batches until so many are final, prints the resident memory of the node, stops it, starts it
 * again and prints how long it takes until it is ready, with and without its snapshot.
 *
 *   node scripts/bench-restart.ts [transactions] [nodes]        1,000,000 and 1 if left out
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, readdirSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'

const wanted = Number(process.argv[2] ?? 1_000_000)
const count = Number(process.argv[3] ?? 1)
const COMMAND = join(import.meta.dirname, '../packages/cli/process/main.ts')
const BATCH = 4_000

interface Up {
  readonly child: ChildProcess
  readonly api: string
  readonly readyMs: number
}

async function up(dir: string, ...more: string[]): Promise<Up> {
  const startedMs = performance.now()
  const child = spawn(process.execPath, [COMMAND, 'up', '--dir', dir, '--json', ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const line = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout!.setEncoding('utf8').on('data', (part: string) => {
      text += part
      if (text.includes('\n')) resolve(text)
    })
    child.once('exit', (code) => reject(new Error(`${dir} ended with ${code}`)))
  })
  const { api } = JSON.parse(line) as { api: { host: string; port: number } }
  return { child, api: `http://${api.host}:${api.port}`, readyMs: performance.now() - startedMs }
}

async function stop({ child }: Up): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await gone
}

/** Data directories of a new network. */
async function found(dir: string): Promise<string[]> {
  const child = spawn(process.execPath, [COMMAND, 'testnet', String(count), '--dir', dir], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const gone = new Promise((resolve) => child.once('exit', resolve))
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    if (text.includes('ready in')) return
    text += part
    if (text.includes('ready in')) child.kill('SIGINT')
  })
  await gone
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(dir, entry.name))
}

const status = async (
  node: Up,
): Promise<{ transactions: number; round: number; state: string; undecidedEvents: number }> =>
  (await (await fetch(`${node.api}/v1/status`)).json()) as never

const residentMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024

const sizeMb = (dir: string): number =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0) / 1e6

async function fill(nodes: readonly Up[]): Promise<void> {
  let sent = 0
  const share = async (node: Up): Promise<void> => {
    while (sent < wanted) {
      const lines = Math.min(BATCH, wanted - sent)
      const from = sent
      sent += lines
      const body = Array.from({ length: lines }, (_, i) => `"tx ${from + i}"\n`).join('')
      const answer = await fetch(`${node.api}/v1/tx/batch`, { method: 'POST', body })
      await answer.text()
    }
  }
  // Two at a time for each node: one is on its way while the other becomes final.
  await Promise.all(nodes.flatMap((node) => [share(node), share(node)]))
}

const root = mkdtempSync(join(tmpdir(), 'hearsay-restart-'))
try {
  console.log(`${cpus().length} × ${cpus()[0]?.model}, Node ${process.versions.node}; ${count} nodes`)
  const dirs = await found(join(root, 'net'))
  const nodes = await Promise.all(dirs.map(async (dir) => up(dir)))
  const startedMs = performance.now()
  await fill(nodes)
  const tookS = (performance.now() - startedMs) / 1_000
  const { transactions, round } = await status(nodes[0]!)
  console.log(
    `${transactions} transactions ordered in ${tookS.toFixed(1)} s, round ${round}; ${sizeMb(dirs[0]!).toFixed(1)} MB on disk`,
  )
  for (const node of nodes) console.log(`resident memory: ${residentMb(node.child.pid!).toFixed(0)} MB`)
  await new Promise((resolve) => setTimeout(resolve, 5_000))
  for (const node of nodes)
    console.log(`resident memory 5 s later: ${residentMb(node.child.pid!).toFixed(0)} MB`)
  for (const node of nodes) node.child.kill('SIGKILL')
  await new Promise((resolve) => setTimeout(resolve, 500))
  for (const label of ['after kill -9', 'after a graceful stop']) {
    const first = await up(dirs[0]!)
    const { transactions: there } = await status(first)
    console.log(
      `ready ${label}: ${(first.readyMs / 1_000).toFixed(2)} s with ${there} transactions, ${residentMb(first.child.pid!).toFixed(0)} MB`,
    )
    await stop(first)
  }
  const whole = await up(dirs[0]!, '--replay-all')
  console.log(`ready with --replay-all: ${(whole.readyMs / 1_000).toFixed(2)} s`)
  await stop(whole)
} finally {
  rmSync(root, { recursive: true, force: true })
}
