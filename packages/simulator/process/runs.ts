/**
 * Runs many worlds, on all processors: seeds are given out one at a time to worker processes, what comes back is added up, and a
 * world in which an invariant did not hold is kept, made smaller if that is wished, and written to a file that runs it again.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Scenario } from '../src/scenario.ts'
import { createShrinking } from '../src/shrink.ts'
import { chooseScenario } from '../src/swarm.ts'
import type { FaultKind } from '../src/fault-kinds.ts'
import { runScenario, type Outcome } from './world.ts'

export interface RunsOptions {
  readonly seed: number
  readonly runs: number
  readonly members: readonly [number, number]
  readonly kinds: readonly FaultKind[]
  /** No new run begins after so long. */
  readonly forMs?: number
  readonly stormMs?: number
  readonly workers?: number
  /** Where failing cases go; nowhere if it is not there. */
  readonly folder?: string
  readonly shrink: boolean
  /** No new run begins after a failure. */
  readonly untilFailure?: boolean
  readonly onProgress: (summary: Summary) => void
}

export interface Failure {
  readonly seed: number
  readonly invariant: string
  readonly message: string
  readonly atMs: number
  readonly file: string | undefined
  readonly faults: number
}

export interface Summary {
  runs: number
  simulatedMs: number
  events: number
  rounds: number
  transactions: number
  moves: number
  /** From the end of the storm, over all runs that settled. */
  settledMs: number[]
  marks: Record<string, number>
  failures: Failure[]
  /** Seed → trace, for those who compare. */
  traces: Map<number, string>
}

/** A case file: what was run, and what came of it. */
export interface CaseFile {
  readonly invariant: string
  readonly message: string
  readonly scenario: Scenario
}

type Reply =
  | { readonly seed: number; readonly outcome: Outcome; readonly error?: undefined }
  | { readonly seed: number; readonly outcome?: undefined; readonly error: string }

/** How long one world may take before it counts as one that never ends. */
const RUN_WITHIN_MS = 600_000

interface Worker {
  run(seed: number, scenario: Scenario): Promise<Outcome>
  end(): void
}

/** A process of its own that runs one world after the other. */
function startWorker(): Worker {
  const code = `import(${JSON.stringify(import.meta.url)}).then((module) => module.serveRuns())`
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  let waiting: { resolve: (outcome: Outcome) => void; reject: (error: Error) => void } | undefined
  child.on('message', (reply: Reply) => {
    if (reply.outcome === undefined) waiting?.reject(new Error(`seed ${reply.seed}: ${reply.error}`))
    else waiting?.resolve(reply.outcome)
    waiting = undefined
  })
  child.on('exit', (code, signal) => waiting?.reject(new Error(`a worker ended with ${code ?? signal}`)))
  return {
    run: (seed, scenario) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          reject(new Error(`seed ${seed}: not finished after ${RUN_WITHIN_MS} ms`))
          child.kill()
        }, RUN_WITHIN_MS)
        const settled =
          <T>(use: (value: T) => void) =>
          (value: T) => {
            clearTimeout(timer)
            use(value)
          }
        waiting = { resolve: settled(resolve), reject: settled(reject) }
        child.send({ seed, scenario })
      }),
    end: () => child.kill(),
  }
}

/** The other end of `startWorker`. */
export function serveRuns(): void {
  process.on('message', ({ seed, scenario }: { seed: number; scenario: Scenario }) => {
    runScenario(scenario).then(
      (outcome) => process.send?.({ seed, outcome } satisfies Reply),
      (error: Error) => process.send?.({ seed, error: error.stack ?? String(error) } satisfies Reply),
    )
  })
}

function add(summary: Summary, seed: number, outcome: Outcome): void {
  summary.runs += 1
  summary.simulatedMs += outcome.simulatedMs
  summary.events += outcome.events
  summary.rounds += outcome.rounds
  summary.transactions += outcome.transactions
  summary.moves += outcome.moves
  summary.traces.set(seed, outcome.trace)
  if (outcome.settledAfterMs !== undefined) summary.settledMs.push(outcome.settledAfterMs)
  for (const [name, count] of Object.entries(outcome.marks))
    summary.marks[name] = (summary.marks[name] ?? 0) + count
}

export async function runMany(options: RunsOptions): Promise<Summary> {
  const summary: Summary = {
    runs: 0,
    simulatedMs: 0,
    events: 0,
    rounds: 0,
    transactions: 0,
    moves: 0,
    settledMs: [],
    marks: {},
    failures: [],
    traces: new Map(),
  }
  const endMs = performance.now() + (options.forMs ?? Infinity)
  const count = Math.max(1, Math.min(options.workers ?? availableParallelism(), options.runs))
  let next = options.seed

  async function work(): Promise<void> {
    const worker = startWorker()
    try {
      const isDone = (): boolean => options.untilFailure === true && summary.failures.length > 0
      while (next < options.seed + options.runs && performance.now() < endMs && !isDone()) {
        const seed = next++
        const scenario = chooseScenario({
          seed,
          members: options.members,
          kinds: options.kinds,
          ...(options.stormMs === undefined ? {} : { stormMs: options.stormMs }),
        })
        const outcome = await worker.run(seed, scenario)
        add(summary, seed, outcome)
        if (outcome.violation !== undefined)
          summary.failures.push(await keep(worker, scenario, outcome, options))
        options.onProgress(summary)
      }
    } finally {
      worker.end()
    }
  }

  await Promise.all(Array.from({ length: count }, work))
  return summary
}

async function keep(
  worker: Worker,
  scenario: Scenario,
  outcome: Outcome,
  options: Pick<RunsOptions, 'shrink' | 'folder'>,
): Promise<Failure> {
  const found = outcome.violation!
  let smallest = scenario
  if (options.shrink) {
    const shrinking = createShrinking(scenario)
    for (let trial = shrinking.next(); trial !== undefined; trial = shrinking.next()) {
      const { violation } = await worker.run(trial.seed, trial)
      shrinking.answer(violation?.invariant === found.invariant)
    }
    smallest = shrinking.smallest()
  }
  const { invariant, message, atMs } = found
  let file: string | undefined
  if (options.folder !== undefined) {
    file = join(options.folder, `sim-${scenario.seed}.json`)
    writeFileSync(file, `${JSON.stringify({ invariant, message, scenario: smallest }, undefined, 2)}\n`)
  }
  return { seed: scenario.seed, invariant, message, atMs, file, faults: smallest.faults.length }
}

export function readCase(file: string): CaseFile {
  return JSON.parse(readFileSync(file, 'utf8')) as CaseFile
}
