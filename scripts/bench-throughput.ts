/**
 * Measures how many transactions a testnet of real processes orders, durably: clients send packs (transactions behind their
 * lengths, POST /v1/tx/batch with bytes) and wait for the receipt of each pack.
 *
 *   node scripts/bench-throughput.ts [--for 20] [--bytes 100] [--pack 1200] [--outstanding 4] [--rate 10000] [--nodes 4]
 *     [--parts steady,most,twice,raw]
 *
 * Four parts: at a steady rate (open loop: latency counts from when a pack was due); as much as goes (closed loop, so many
 * packs outstanding at each node); at twice that (open loop, refusals counted); and the same packs handed round over plain `ws` by as
 * many processes, without consensus. One JSON line each, with CPU by process, machine and versions, and one with the ratios R1 (CPU to
 * that of the plain fan-out), R2 (most to its most) and R9 (goodput at twice the load). It judges nothing.
 */
import { readFileSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { startNetwork, type NodeEntry } from '../test/network/network.ts'
import { startRawFanOut } from '../test/network/raw-fan-out.ts'

const { values } = parseArgs({
  options: {
    for: { type: 'string', default: '20' },
    warm: { type: 'string', default: '5' },
    bytes: { type: 'string', default: '100' },
    pack: { type: 'string', default: '1200' },
    outstanding: { type: 'string', default: '4' },
    rate: { type: 'string', default: '10000' },
    nodes: { type: 'string', default: '4' },
    parts: { type: 'string', default: 'steady,most,twice,raw' },
  },
})
const seconds = Number(values.for)
const transactionBytes = Number(values.bytes)
const agent = new Agent({ keepAlive: true, maxSockets: 4_096 })
const network = await startNetwork({ count: Number(values.nodes) })
const { nodes } = network
let made = 0

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** So many transactions behind their lengths; each begins with a number of its own. */
function packOf(count: number): Buffer {
  const pack = Buffer.alloc(count * (4 + transactionBytes), 0x78)
  for (let at = 0; at < pack.length; at += 4 + transactionBytes) {
    pack.writeUInt32BE(transactionBytes, at)
    pack.writeDoubleBE(made++, at + 4)
  }
  return pack
}

type Target = Pick<NodeEntry, 'api' | 'pid'>

function post({ api }: Target, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        host: api.host,
        port: api.port,
        path: '/v1/tx/batch?timeout=60s',
        method: 'POST',
        agent,
        headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': body.length },
      },
      (response) => {
        response.resume()
        response.once('end', () => resolve(response.statusCode ?? 0))
      },
    )
    sent.once('error', reject)
    sent.end(body)
  })
}

/** CPU seconds that a process has used, and its resident memory. */
function usage(pid: number): { cpu: number; residentMb: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')
  return {
    cpu: (Number(fields[11]) + Number(fields[12])) / 100,
    residentMb: Math.round((Number(fields[21]) * 4_096) / 1_048_576),
  }
}

interface Tally {
  readonly latencies: number[]
  transactions: number
  refused: number
  pending: number
}

async function send(node: Target, count: number, dueMs: number, tally: Tally): Promise<void> {
  const status = await post(node, packOf(count))
  if (status === 200) {
    tally.latencies.push(performance.now() - dueMs)
    tally.transactions += count
  } else if (status === 202) tally.pending += count
  else tally.refused += count
}

/** Every pack at its time, whatever became of the ones before. */
async function openLoop(rate: number, forSeconds: number, tally: Tally): Promise<void> {
  const count = Math.max(1, Math.min(Number(values.pack), Math.floor(rate / (25 * nodes.length))))
  const gapMs = (1_000 * count) / rate
  const beganMs = performance.now()
  const work: Promise<void>[] = []
  for (let i = 0; i * gapMs < forSeconds * 1_000; i++) {
    const dueMs = beganMs + i * gapMs
    if (dueMs > performance.now()) await pause(dueMs - performance.now())
    work.push(send(nodes[i % nodes.length]!, count, dueMs, tally))
  }
  await Promise.all(work)
}

/** So many packs outstanding at each node all the time. */
async function closedLoop(
  forSeconds: number,
  tally: Tally,
  targets: readonly Target[] = nodes,
): Promise<void> {
  const endMs = performance.now() + forSeconds * 1_000
  const clients = targets.flatMap((node) =>
    Array.from({ length: Number(values.outstanding) }, async () => {
      while (performance.now() < endMs) await send(node, Number(values.pack), performance.now(), tally)
    }),
  )
  await Promise.all(clients)
}

const rounded = (value: number | undefined): number | undefined =>
  value === undefined ? undefined : Number(value.toFixed(value < 10 ? 3 : 1))

interface Measured {
  readonly perSecond: number
  /** CPU of all nodes for a transaction. */
  readonly microseconds: number
  readonly p99Ms: number
}

async function measure(
  what: string,
  run: (tally: Tally) => Promise<void>,
  more: object = {},
  targets: readonly Target[] = nodes,
): Promise<Measured> {
  const known = async (): Promise<number> =>
    targets === nodes ? (await network.status(nodes[0]!.name)).knownEvents : 0
  const before = targets.map(({ pid }) => usage(pid).cpu)
  const eventsBefore = await known()
  const ownBefore = process.cpuUsage()
  const beganMs = performance.now()
  const tally: Tally = { latencies: [], transactions: 0, refused: 0, pending: 0 }
  await run(tally)
  const tookS = (performance.now() - beganMs) / 1_000
  const after = targets.map(({ pid }) => usage(pid))
  const events = (await known()) - eventsBefore
  const sorted = tally.latencies.toSorted((a, b) => a - b)
  const at = (share: number): number | undefined =>
    rounded(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))])
  const own = process.cpuUsage(ownBefore)
  const cores = after.map(({ cpu }, i) => rounded((cpu - before[i]!) / tookS)!)
  const total = cores.reduce((sum, each) => sum + each, 0)
  const perSecond = tally.transactions / tookS
  const line = {
    what,
    ...more,
    transactionsPerSecond: Math.round(perSecond),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
    refused: tally.refused,
    pending: tally.pending,
    coresByNode: cores,
    coresOfClients: rounded((own.user + own.system) / 1e6 / tookS),
    eventsPerSecond: rounded(events / tookS),
    transactionsPerEvent: rounded(tally.transactions / Math.max(1, events)),
    microsecondsOfNodesPerTransaction: rounded((1e6 * total) / perSecond),
    residentMb: after.map(({ residentMb }) => residentMb),
    machine: { cpu: cpus()[0]?.model, cores: cpus().length, load: loadavg()[0], node: process.version },
  }
  console.log(JSON.stringify(line))
  return { perSecond, microseconds: (1e6 * total) / perSecond, p99Ms: at(0.99) ?? 0 }
}

/** The same packs, handed round without consensus: what the ratios R1, R2 and R9 are to. */
async function measureRaw(): Promise<Measured> {
  const raw = await startRawFanOut(nodes.length)
  try {
    const targets = raw.nodes.map(({ pid, port }) => ({ pid, api: { host: '127.0.0.1', port } }))
    await closedLoop(2, { latencies: [], transactions: 0, refused: 0, pending: 0 }, targets)
    return await measure('raw ws fan-out', (tally) => closedLoop(seconds, tally, targets), {}, targets)
  } finally {
    raw.stop()
  }
}

try {
  await closedLoop(Number(values.warm), { latencies: [], transactions: 0, refused: 0, pending: 0 })
  const parts = values.parts.split(',')
  const rate = Number(values.rate)
  if (parts.includes('steady')) await measure('steady', (tally) => openLoop(rate, seconds, tally), { rate })
  if (parts.some((part) => part !== 'steady')) {
    const best = await measure('most', (tally) => closedLoop(seconds, tally), {
      outstanding: values.outstanding,
    })
    const twice = parts.includes('twice')
      ? await measure('twice the most', (tally) => openLoop(2 * best.perSecond, seconds, tally), {
          rate: Math.round(2 * best.perSecond),
        })
      : undefined
    const raw = parts.includes('raw') ? await measureRaw() : undefined
    console.log(
      JSON.stringify({
        what: 'ratios',
        R1cpuToRaw: raw && rounded(best.microseconds / raw.microseconds),
        R2mostToRaw: raw && rounded(best.perSecond / raw.perSecond),
        p99MsAtMost: best.p99Ms,
        R9goodputAtTwice: twice && rounded(twice.perSecond / best.perSecond),
      }),
    )
  }
  const all = await Promise.all(nodes.map(({ name }) => network.status(name)))
  console.log(
    JSON.stringify({ what: 'at the end', transactions: all.map(({ transactions }) => transactions) }),
  )
} finally {
  agent.destroy()
  await network.dispose()
}
