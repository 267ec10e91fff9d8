/** One network, so many kill -9 at random moments under load, and the judgement. */
import { rmSync } from 'node:fs'
import { createRandom } from '../dag/random.ts'
import { createRecorder } from '../history/client.ts'
import { createFleet, type Fleet } from '../network/fleet.ts'
import { startLoad } from './load.ts'
import { recover, settleAndJudge } from './settle.ts'

export interface KillOptions {
  readonly kills: number
  readonly nodes: number
  readonly seed: number
  /** Kept if there is a violation, removed otherwise. */
  readonly dir: string
  readonly thinkMs: number
  /** Compiled code, shared by runs. */
  readonly cache: string
}

export interface KillResult {
  readonly kills: number
  /** Of them before the process had said that it is up. */
  readonly duringStart: number
  readonly ok: number
  readonly info: number
  readonly fail: number
  readonly transactions: number
  readonly events: number
  readonly tookS: number
  /** From the start of the processes again until a transaction through each node was final. */
  readonly recoveryMs: readonly number[]
  readonly violations: readonly { readonly check: string; readonly message: string }[]
}

/** Long, because it is a verdict: how long it took is a figure, and the machine may be busy. */
const RECOVER_WITHIN_MS = 600_000
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** How many at once: mostly one, sometimes more than may fail, sometimes all. */
function victimsOf(fleet: Fleet, below: (limit: number) => number, most: number): string[] {
  const { names } = fleet
  const choice = below(20)
  const count = choice < 12 ? 1 : choice < 17 ? 1 + below(names.length) : choice < 19 ? 2 : names.length
  const victims = [...names]
  for (let i = victims.length - 1; i > 0; i--) {
    const j = below(i + 1)
    ;[victims[i], victims[j]] = [victims[j]!, victims[i]!]
  }
  return victims.slice(0, Math.min(count, most))
}

export async function runKills(options: KillOptions): Promise<KillResult> {
  const beganMs = performance.now()
  const { below } = createRandom(options.seed)
  const fleet = await createFleet({
    count: options.nodes,
    seed: options.seed,
    dir: options.dir,
    cache: options.cache,
  })
  const recorder = createRecorder()
  const violations: { check: string; message: string }[] = []
  const recoveryMs: number[] = []
  let kills = 0
  let duringStart = 0
  async function recovered(): Promise<void> {
    try {
      recoveryMs.push(await recover(fleet, recorder, fleet.names, RECOVER_WITHIN_MS))
    } catch (error) {
      const all = await Promise.all(fleet.names.map((name) => fleet.status(name).catch(String)))
      const message = `after ${kills} kills: ${String(error)} ${JSON.stringify(all)}`
      violations.push({ check: 'recover', message })
    }
  }
  let judged: Awaited<ReturnType<typeof settleAndJudge>> | undefined
  try {
    await Promise.all(fleet.names.map((name) => fleet.start(name)))
    const load = startLoad(fleet, recorder, {
      seed: options.seed,
      clientsOfEach: 2,
      thinkMs: options.thinkMs,
      waitMs: 5_000,
    })
    await recover(fleet, recorder, fleet.names, RECOVER_WITHIN_MS)
    while (kills < options.kills && violations.length === 0) {
      await pause(below(1_000))
      const victims = victimsOf(fleet, below, options.kills - kills)
      await Promise.all(victims.map((name) => fleet.kill(name)))
      kills += victims.length
      await pause(below(3) === 0 ? below(1_000) : 0)
      // Some are killed again while they start: reading the journal, listening, dialling, asking.
      for (const name of victims) fleet.spawn(name)
      while (below(3) === 0 && kills < options.kills) {
        await pause(below(1_500))
        const name = victims[below(victims.length)]!
        if ((await fleet.kill(name))?.out === '') duringStart += 1
        kills += 1
        fleet.spawn(name)
      }
      // Often the next ones die before all is well again.
      if (below(3) > 0) await pause(500 + below(3_000))
      else await recovered()
      if (fleet.unexpected.length > 0) break
    }
    if (violations.length === 0) await recovered()
    await load.stop()
    judged = await settleAndJudge(fleet, recorder)
    violations.push(...judged.violations)
  } finally {
    if (violations.length === 0 && judged !== undefined) await fleet.dispose()
    else await fleet.end()
  }
  if (violations.length === 0) rmSync(options.dir, { recursive: true, force: true })
  const count = (outcome: string): number =>
    recorder.rows.filter((row) => row.op === 'submit' && row.outcome === outcome).length
  return {
    kills,
    duringStart,
    ok: count('ok'),
    info: count('info'),
    fail: count('fail'),
    transactions: judged.transactions,
    events: judged.events,
    tookS: Math.round((performance.now() - beganMs) / 1_000),
    recoveryMs,
    violations,
  }
}
