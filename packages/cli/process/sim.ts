// Decides how runs of worlds are reported: progress, one summary, and for each broken promise the command that shows it again.
import { mkdirSync } from 'node:fs'
import { readCase, runMany, runScenario, type Failure, type Summary } from '@hearsay/simulator/process'
import { CommandError, counted, EXIT, type SimOptions } from '../src/index.ts'
import { createTerminal, type Terminal } from './terminal.ts'

const PROGRESS_EVERY_MS = 2_000

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

function figuresOf(summary: Summary, wallMs: number) {
  return {
    runs: summary.runs,
    failures: summary.failures.length,
    simulatedMs: Math.round(summary.simulatedMs),
    wallMs: Math.round(wallMs),
    events: summary.events,
    rounds: summary.rounds,
    transactions: summary.transactions,
    settledP50Ms: quantile(summary.settledMs, 0.5),
    settledP99Ms: quantile(summary.settledMs, 0.99),
    settledMostMs: quantile(summary.settledMs, 1),
  }
}

async function printSummary(terminal: Terminal, summary: Summary, wallMs: number): Promise<void> {
  const figures = figuresOf(summary, wallMs)
  if (terminal.isJson) {
    await terminal.out(JSON.stringify({ ...figures, marks: summary.marks, violations: summary.failures }))
    return
  }
  const hours = (figures.simulatedMs / 3_600_000).toFixed(2)
  await terminal.out(
    `${counted(figures.runs, 'world')}, ${hours} h of virtual time in ${(wallMs / 1_000).toFixed(1)} s: ` +
      `${figures.events} events, ${figures.rounds} rounds, ${figures.transactions} transactions`,
  )
  await terminal.out(
    `settled after the storm: p50 ${figures.settledP50Ms} ms, p99 ${figures.settledP99Ms} ms, at most ${figures.settledMostMs} ms`,
  )
  await terminal.out('how often it came to:')
  for (const [name, count] of Object.entries(summary.marks).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    await terminal.out(`  ${name.padEnd(36)} ${count}`)
  await terminal.out(`${counted(figures.failures, 'violation')}`)
}

function again(failure: Failure, options: SimOptions): string {
  if (failure.file !== undefined) return `hearsay sim --replay ${failure.file}`
  const [least, most] = options.nodes
  const storm = options.storm === undefined ? '' : ` --storm ${options.storm}ms`
  return `hearsay sim --seed ${failure.seed} --runs 1 --nodes ${least}-${most} --faults ${options.faults.join(',') || 'none'}${storm}`
}

const violated = (failures: readonly Failure[], options: SimOptions): CommandError => {
  const first = failures[0]!
  const rest = failures.slice(1).map((each) => `\n  also ${each.invariant}: ${again(each, options)}`)
  return new CommandError({
    code: 'E_VIOLATED',
    message: `seed ${first.seed}: ${first.invariant} at ${Math.round(first.atMs)} ms: ${first.message}`,
    hint: `again: ${again(first, options)}${rest.join('')}`,
    exitCode: EXIT.notVerified,
  })
}

async function replay(terminal: Terminal, file: string): Promise<void> {
  const { scenario } = readCase(file)
  const { violation, trace, events, rounds, transactions } = await runScenario(scenario)
  const figures = { seed: scenario.seed, events, rounds, transactions, trace }
  await terminal.out(
    terminal.isJson
      ? JSON.stringify({ ...figures, violation })
      : `seed ${scenario.seed}: ${events} events, ${rounds} rounds, ${transactions} transactions, trace ${trace}`,
  )
  if (violation === undefined) return terminal.say('no violation')
  throw new CommandError({
    code: 'E_VIOLATED',
    message: `${violation.invariant} at ${Math.round(violation.atMs)} ms: ${violation.message}`,
    hint: `again: hearsay sim --replay ${file}`,
    exitCode: EXIT.notVerified,
  })
}

export async function sim(options: SimOptions): Promise<void> {
  const terminal = createTerminal(options)
  if (options.replay !== undefined) return replay(terminal, options.replay)
  mkdirSync(options.out, { recursive: true })
  const beganMs = performance.now()
  let toldMs = beganMs
  const summary = await runMany({
    seed: options.seed,
    runs: options.runs,
    members: options.nodes,
    kinds: options.faults,
    shrink: options.shrink === true,
    untilFailure: options.untilFailure === true,
    folder: options.out,
    ...(options.for === undefined ? {} : { forMs: options.for }),
    ...(options.storm === undefined ? {} : { stormMs: options.storm }),
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    onProgress: ({ runs, failures }) => {
      const nowMs = performance.now()
      if (nowMs - toldMs < PROGRESS_EVERY_MS) return
      toldMs = nowMs
      const perSecond = ((1_000 * runs) / (nowMs - beganMs)).toFixed(1)
      terminal.progress(
        `${runs} of ${options.runs} worlds, ${perSecond} a second, ${counted(failures.length, 'violation')}`,
      )
    },
  })
  terminal.progress('')
  await printSummary(terminal, summary, performance.now() - beganMs)
  if (summary.failures.length > 0) throw violated(summary.failures, options)
}
