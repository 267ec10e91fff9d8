/**
 * One run of chaos: a fleet under load, one step of faults after the other, after each the time until every node makes a
 * transaction final again, and in the end the judgement of history and directories.
 */
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createRecorder } from '../history/client.ts'
import type { History } from '../history/history.ts'
import { figuresOf, percentile, type Window, type WindowFigures } from '../history/windows.ts'
import { createFleet, type Fleet } from '../network/fleet.ts'
import { startLoad } from './load.ts'
import { createNemesis, mountSmallDisk } from './nemesis.ts'
import { type Kind, schedule, type Step } from './schedule.ts'
import { recover, settleAndJudge, type Settled } from './settle.ts'

export interface ChaosOptions {
  readonly nodes: number
  readonly seed: number
  readonly kinds: readonly Kind[]
  /** Steps begin until then … */
  readonly forMs: number
  /** … or until so many are done. */
  readonly steps?: number
  readonly longestMs: number
  readonly thinkMs: number
  /** Clients of each node, of them so many that read, and clients of the SDK that roam: 2, all, none. */
  readonly clientsOfEach?: number
  readonly readersOfEach?: number
  readonly roamers?: number
  /** How many receipts are held against their proofs in the end. */
  readonly receipts?: number
  /** Of directories and records. */
  readonly dir: string
  readonly narrate?: (line: string) => void
}

export interface Recovery {
  readonly step: number
  readonly kinds: readonly Kind[]
  readonly tookMs: number
}

export interface ChaosResult {
  readonly faults: Readonly<Record<string, number>>
  readonly leftOut: readonly Kind[]
  readonly outcomes: Readonly<Record<string, number>>
  readonly ok: number
  readonly info: number
  readonly fail: number
  readonly reads: number
  readonly transactions: number
  readonly events: number
  readonly provedReceipts: number
  readonly voids: number
  readonly tookS: number
  readonly settleMs: number
  readonly recoveries: readonly Recovery[]
  readonly recoveryP50Ms: number
  readonly recoveryP99Ms: number
  readonly links: object
  /** H10: windows with a fault and the calm between them. */
  readonly windows: readonly WindowFigures[]
  readonly violations: readonly { readonly check: string; readonly message: string }[]
  readonly history: History
}

export const ALL_KINDS: readonly Kind[] = [
  'kill',
  'pause',
  'part',
  'one-way',
  'delay',
  'loss',
  'thin',
  'corrupt',
  'damage',
  'disk-full',
  'clock',
  'double-run',
  'wipe',
  'old-image',
  'hostile',
]

/** Long, because it is a verdict: how long it took is a figure, and the machine may be busy. */
const RECOVER_WITHIN_MS = 600_000
const SMALL_DISK_MIB = 512
const CLOCK = pathToFileURL(join(import.meta.dirname, 'children/clock.ts')).href

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { dir, seed, narrate = () => undefined } = options
  const beganMs = performance.now()
  mkdirSync(dir, { recursive: true })
  const clockFile = (name: string): string => join(dir, `clock-${name}`)
  const fleet = await createFleet({
    count: options.nodes,
    seed,
    dir: join(dir, 'nodes'),
    env: (name) => {
      if (!existsSync(clockFile(name))) writeFileSync(clockFile(name), '0')
      return { NODE_OPTIONS: `--import=${CLOCK}`, HEARSAY_CHAOS_CLOCK: clockFile(name) }
    },
    disk: (name, path) => {
      if (name !== 'ada' || !options.kinds.includes('disk-full')) return undefined
      return mountSmallDisk(path, SMALL_DISK_MIB)
    },
  })
  const leftOut = options.kinds.filter((kind) => kind === 'disk-full' && !fleet.hasOwnDisk('ada'))
  const recorder = createRecorder(join(dir, 'history.ndjson'))
  const violations: { check: string; message: string }[] = []
  const violate = (check: string, message: string): void => {
    narrate(`✖ ${check}  ${message}`)
    violations.push({ check, message })
  }
  const nemesis = createNemesis({ fleet, clockFile, violate })
  const faults: Record<string, number> = {}
  const recoveries: Recovery[] = []
  const windows: Window[] = []

  async function take(step: Step): Promise<void> {
    const fromMs = recorder.nowMs()
    const kinds = step.faults.map(({ kind }) => kind)
    for (const fault of step.faults) {
      faults[fault.kind] = (faults[fault.kind] ?? 0) + 1
      await nemesis.apply(fault)
    }
    await pause(step.forMs)
    const healedMs = recorder.nowMs()
    for (const fault of step.faults) await nemesis.lift(fault)
    // A start that may be refused is for the nemesis to judge; what is counted as recovery begins when the node has started.
    const isJudged = kinds.some((kind) => kind === 'damage' || kind === 'wipe' || kind === 'old-image')
    const liftedMs = isJudged ? 0 : recorder.nowMs() - healedMs
    windows.push({ name: kinds.join(' and '), fromMs, toMs: healedMs })
    try {
      const tookMs = liftedMs + (await recover(fleet, recorder, fleet.names, RECOVER_WITHIN_MS))
      recoveries.push({ step: step.number, kinds, tookMs: Math.round(tookMs) })
      narrate(
        `${step.number}: ${kinds.join(' and ')} for ${step.forMs} ms, well after ${Math.round(tookMs)} ms`,
      )
    } catch (error) {
      violate('recover', `step ${step.number}: ${String(error)} ${await describeAll(fleet)}`)
    }
    const wellMs = recorder.nowMs()
    windows.push({ name: 'recovery', fromMs: healedMs, toMs: wellMs })
    if (fleet.unexpected.length > 0) violate('end', `step ${step.number}: a node ended by itself`)
    appendFileSync(join(dir, 'steps.ndjson'), `${JSON.stringify({ fromMs, healedMs, wellMs, ...step })}\n`)
    recorder.save()
    await pause(step.restMs)
    windows.push({ name: 'calm', fromMs: wellMs, toMs: recorder.nowMs() })
  }

  let settled: Settled
  try {
    const starts = await Promise.all(fleet.names.map((name) => fleet.start(name)))
    for (const [i, each] of starts.entries())
      if (each !== 'up') throw new Error(`${fleet.names[i]} does not start: ${each.code} ${each.err}`)
    const load = startLoad(fleet, recorder, {
      seed,
      clientsOfEach: options.clientsOfEach ?? 2,
      ...(options.readersOfEach === undefined ? {} : { readersOfEach: options.readersOfEach }),
      roamers: options.roamers ?? 0,
      thinkMs: options.thinkMs,
      waitMs: 5_000,
    })
    await recover(fleet, recorder, fleet.names, RECOVER_WITHIN_MS)
    const loadedMs = recorder.nowMs()
    const kinds = options.kinds.filter((kind) => !leftOut.includes(kind))
    const { names } = fleet
    for (const step of schedule({ seed, names, kinds, smallDisk: 'ada', longestMs: options.longestMs })) {
      if (recorder.nowMs() - loadedMs > options.forMs || step.number > (options.steps ?? Infinity)) break
      if (violations.length > 0) break
      await take(step)
    }
    await load.stop()
    settled = await settleAndJudge(fleet, recorder, options.receipts)
    violations.push(...settled.violations)
    recorder.save()
  } finally {
    if (violations.length > 0)
      writeFileSync(join(dir, 'violations.json'), JSON.stringify(violations, null, 2))
    await fleet.end()
  }
  const submits = recorder.rows.filter((row) => row.op === 'submit')
  const count = (outcome: string): number => submits.filter((row) => row.outcome === outcome).length
  const times = recoveries.map(({ tookMs }) => tookMs)
  return {
    faults,
    leftOut,
    outcomes: nemesis.outcomes,
    ok: count('ok'),
    info: count('info'),
    fail: count('fail'),
    reads: recorder.rows.length - submits.length,
    transactions: settled.transactions,
    events: settled.events,
    provedReceipts: settled.provedReceipts,
    voids: settled.voids,
    tookS: Math.round((performance.now() - beganMs) / 1_000),
    settleMs: Math.round(settled.settleMs),
    recoveries,
    recoveryP50Ms: percentile(times, 0.5) ?? 0,
    recoveryP99Ms: percentile(times, 0.99) ?? 0,
    links: fleet.links.figures(),
    windows: figuresOf(recorder.rows, windows),
    violations,
    history: settled.history,
  }
}

async function describeAll(fleet: Fleet): Promise<string> {
  const all = await Promise.all(fleet.names.map((name) => fleet.status(name).catch(String)))
  return JSON.stringify(all)
}
