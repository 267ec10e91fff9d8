/**
 * Many clients at once, each submits and waits, while nodes are killed (kill -9, all of them too) and the network is parted:
 * half of the clients stay at one node and record exactly what it answers, half are of the SDK and go to whichever node answers.
 * In the end every receipt must be true, none lost, none twice: the recorded history is checked (test/history, H1 to H9; H10 are the
 * windows), receipts are held against portable proofs, the directories are proved. Then lies are planted in that very history, one at a
 * time: the checker must tell each.
 *
 *   node scripts/clients.ts [--clients 500] [--for 60s] [--nodes 4] [--seed 1] [--think 1000] [--longest 8s] [--keep DIR]
 *
 * Prints one JSON line. Exit status 3 on a violation or a lie that is not told; the directories and the history are kept then.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { machine } from '../test/chaos/machine.ts'
import { runChaos } from '../test/chaos/run.ts'
import { LIES, tellEach } from '../test/history/lies.ts'
import { percentile } from '../test/history/windows.ts'

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '500' },
    for: { type: 'string', default: '60s' },
    nodes: { type: 'string', default: '4' },
    seed: { type: 'string', default: '1' },
    think: { type: 'string', default: '1000' },
    longest: { type: 'string', default: '8s' },
    keep: { type: 'string' },
  },
})
const seconds = (text: string): number => Number(/^(\d+)s$/.exec(text)?.[1] ?? Number.NaN) * 1_000
const seed = Number(values.seed)
const nodes = Number(values.nodes)
const clients = Number(values.clients)
const clientsOfEach = Math.floor(clients / 2 / nodes)
const again = `node scripts/clients.ts --clients ${clients} --for ${values.for} --nodes ${nodes} --seed ${seed} --think ${values.think} --longest ${values.longest}`
if (![seed, nodes, clients, seconds(values.for), seconds(values.longest)].every((each) => each > 0))
  throw new Error(`not numbers, or spans like 60s: ${again}`)
const dir = values.keep ?? mkdtempSync(join(tmpdir(), 'hearsay-clients-'))
const result = await runChaos({
  nodes,
  seed,
  kinds: ['kill', 'part'],
  forMs: seconds(values.for),
  longestMs: seconds(values.longest),
  thinkMs: Number(values.think),
  clientsOfEach,
  // What is read is kept: a few that read all of it are enough.
  readersOfEach: 2,
  roamers: clients - clientsOfEach * nodes,
  receipts: 500,
  dir,
  narrate: (line) => console.error(line),
})
const { violations, windows, recoveries, history, ...figures } = result
for (const { check, message } of violations) console.log(`✖ ${check}  ${message}`)
const untold = tellEach(history)
for (const name of untold) console.log(`✖ not told: ${name}`)
const waits = (kind: 'calm' | 'recovery' | 'fault'): object => {
  const inside = windows.filter(({ name }) =>
    kind === 'fault' ? !/calm|recovery/.test(name) : name === kind,
  )
  const times = history.rows.flatMap((row) =>
    row.op === 'submit' &&
    row.outcome === 'ok' &&
    inside.some(({ fromMs, toMs }) => row.invokeMs >= fromMs && row.invokeMs < toMs)
      ? [row.returnMs - row.invokeMs]
      : [],
  )
  return {
    ok: times.length,
    p50Ms: Math.round(percentile(times, 0.5) ?? 0),
    p99Ms: Math.round(percentile(times, 0.99) ?? 0),
  }
}
console.log(
  JSON.stringify({
    what: 'clients',
    clients,
    nodes,
    seed,
    steps: recoveries.length,
    ...figures,
    calm: waits('calm'),
    faults: { ...figures.faults, ...waits('fault') },
    recovery: waits('recovery'),
    violations: violations.length,
    lies: LIES.length,
    liesTold: LIES.length - untold.length,
    again,
    ...machine(),
  }),
)
if (violations.length > 0 || untold.length > 0) {
  console.log(`kept: ${dir}; again with: ${again}`)
  process.exitCode = 3
} else if (values.keep === undefined) {
  rmSync(dir, { recursive: true, force: true })
}
