/**
 * Power cuts, and whatever else disks do, at random points: networks of real nodes on simulated disks, one a seed
 * (test/disk/power-world.ts says what must never happen).
 *
 *   node scripts/power-cuts.ts [--seeds 1000] [--from 1] [--workers 2] [--until-found]
 *
 * Prints what was seen, and for each failure the seed and the command that repeats it; exit status 1 if there was one.
 */
import { fork } from 'node:child_process'
import { arch, cpus, platform } from 'node:os'
import { parseArgs } from 'node:util'
import { type PowerRun, runPowerWorld } from '../test/disk/power-world.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    workers: { type: 'string', default: '2' },
    'until-found': { type: 'boolean', default: false },
    step: { type: 'string', default: '0' },
  },
})
const [seeds, from, workers, step] = [values.seeds, values.from, values.workers, values.step].map(Number) as [
  number,
  number,
  number,
  number,
]

type Message = { readonly seed: number; readonly run?: PowerRun; readonly failure?: string }

const count = (map: Map<string, number>, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1)

async function work(): Promise<void> {
  for (let seed = from; seed < from + seeds; seed += step) {
    let message: Message
    try {
      message = { seed, run: await runPowerWorld(seed) }
    } catch (error) {
      message = { seed, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) }
    }
    await new Promise<void>((resolve, reject) => {
      process.send!(message, (error: Error | null) => (error === null ? resolve() : reject(error)))
    })
  }
  process.disconnect()
}

async function lead(): Promise<void> {
  const started = performance.now()
  const kinds = new Map<string, number>()
  const halts = new Map<string, number>()
  const sums = { cuts: 0, receipts: 0, gossiped: 0, events: 0, tornTails: 0 }
  const failures: number[] = []
  let done = 0

  function take({ seed, run, failure }: Message): void {
    done += 1
    if (failure !== undefined) {
      failures.push(seed)
      console.log(
        `FAIL seed ${seed}: ${failure}\n  again: node scripts/power-cuts.ts --seeds 1 --from ${seed}`,
      )
    }
    if (run !== undefined) {
      count(kinds, run.kind)
      for (const code of run.halts) count(halts, code)
      for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += run[key]
    }
    if (done % 1000 === 0) console.log(`${done}/${seeds} seeds, ${failures.length} failures, ${seconds()} s`)
  }

  const seconds = (): number => Math.round((performance.now() - started) / 1000)
  const ends = Array.from({ length: Math.min(workers, seeds) }, (_, i) => {
    const args = ['--seeds', `${seeds - i}`, '--from', `${from + i}`, '--step', `${Math.min(workers, seeds)}`]
    const child = fork(import.meta.filename, args)
    child.on('message', (message) => {
      take(message as Message)
      if (values['until-found'] && failures.length > 0) child.kill()
    })
    return new Promise<void>((resolve) => child.on('exit', () => resolve()))
  })
  await Promise.all(ends)
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    system: `${platform()} ${arch()}`,
    node: process.version,
  }
  const kindsSeen = Object.fromEntries(kinds)
  console.log(
    JSON.stringify({
      seeds: done,
      failures: failures.length,
      seconds: seconds(),
      ...sums,
      kinds: kindsSeen,
      halts: Object.fromEntries(halts),
      machine,
    }),
  )
  if (done < seeds && !values['until-found']) console.log(`only ${done} of ${seeds} seeds came to an end`)
  process.exitCode = failures.length > 0 || done < seeds ? 1 : 0
}

await (step > 0 ? work() : lead())
