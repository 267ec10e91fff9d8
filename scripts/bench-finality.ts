/**
 * Measures a testnet of real processes with durable journals: submit-to-final latency at a steady rate, and what an idle
 * node costs. Open loop: a transaction's latency counts from when it was due, so a stall is not hidden.
 *
 *   node scripts/bench-finality.ts [--rate 100] [--warm 5] [--for 20] [--idle 60] [--nodes 4] [--bytes 100]
 *
 * Prints one JSON line a measurement, with machine and versions. It judges nothing.
 */
import { readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { startNetwork, type Network } from '../test/network/network.ts'

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '100' },
    warm: { type: 'string', default: '5' },
    for: { type: 'string', default: '20' },
    idle: { type: 'string', default: '60' },
    nodes: { type: 'string', default: '4' },
    bytes: { type: 'string', default: '100' },
  },
})
const rate = Number(values.rate)
const warmSeconds = Number(values.warm)
const seconds = Number(values.for)
const idleSeconds = Number(values.idle)
const count = Number(values.nodes)
const payload = 'x'.repeat(Number(values.bytes) - 9)

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** CPU seconds that a process has used. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

function print(what: string, figures: object): void {
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, load: loadavg()[0], node: process.version }
  console.log(JSON.stringify({ what, ...figures, nodes: count, ...machine }))
}

const percentile = (sorted: readonly number[], share: number): number =>
  Number(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!.toFixed(1))

async function eventsOf(network: Network): Promise<number> {
  const all = await Promise.all(network.nodes.map(async ({ name }) => (await network.status(name)).ownEvents))
  return all.reduce((sum, each) => sum + each, 0)
}

/** Submits at the rate for so long; gives latencies in ascending order. */
async function submitFor(network: Network, forSeconds: number): Promise<number[]> {
  const latencies: number[] = []
  const answers: Promise<void>[] = []
  const beganMs = performance.now()
  for (let i = 0; i < rate * forSeconds; i++) {
    const dueMs = beganMs + (1_000 / rate) * i
    if (dueMs > performance.now()) await pause(dueMs - performance.now())
    const { name } = network.nodes[i % count]!
    const answer = network
      .submit(name, `${String(i).padStart(8, '0')} ${payload}`)
      .then(({ status, body }) => {
        if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`)
        latencies.push(performance.now() - dueMs)
      })
    answers.push(answer)
  }
  await Promise.all(answers)
  return latencies.toSorted((a, b) => a - b)
}

async function load(network: Network): Promise<void> {
  const cpuBefore = network.nodes.map(({ pid }) => cpuSeconds(pid))
  const eventsBefore = await eventsOf(network)
  const beganMs = performance.now()
  const sorted = await submitFor(network, seconds)
  const tookS = (performance.now() - beganMs) / 1_000
  const cpu = network.nodes.map(({ pid }, i) => cpuSeconds(pid) - cpuBefore[i]!)
  print('submit-to-final', {
    rate,
    transactions: sorted.length,
    p50Ms: percentile(sorted, 0.5),
    p90Ms: percentile(sorted, 0.9),
    p99Ms: percentile(sorted, 0.99),
    maxMs: percentile(sorted, 1),
    cpuCoresPerNode: Number((cpu.reduce((sum, each) => sum + each, 0) / tookS / count).toFixed(3)),
    eventsPerSecond: Number((((await eventsOf(network)) - eventsBefore) / tookS).toFixed(1)),
  })
}

async function idle(network: Network): Promise<void> {
  await pause(2_000)
  const eventsBefore = await eventsOf(network)
  const cpuBefore = network.nodes.map(({ pid }) => cpuSeconds(pid))
  await pause(idleSeconds * 1_000)
  const cpu = network.nodes.map(({ pid }, i) => (cpuSeconds(pid) - cpuBefore[i]!) / idleSeconds)
  print('idle', {
    seconds: idleSeconds,
    events: (await eventsOf(network)) - eventsBefore,
    cpuCoresPerNode: cpu.map((each) => Number(each.toFixed(4))),
  })
  const { status, body } = await network.submit(network.nodes[0]!.name, 'after the silence')
  print('first-after-idle', { status, latencyMs: body['latencyMs'] })
}

const network = await startNetwork({ count })
try {
  // The first seconds compile the code: the same load, not measured.
  await submitFor(network, warmSeconds)
  await load(network)
  await idle(network)
} finally {
  await network.dispose()
}
