/** The end of a run: wait until all nodes have the same and nothing is under way, read it, stop all, prove the directories. */
import { join } from 'node:path'
import { auditDirectories } from '@hearsay/node/process'
import { checkHistory, type Violation } from '../history/check.ts'
import { createClient, readAll, type Recorder } from '../history/client.ts'
import type { History, ReadEntry } from '../history/history.ts'
import { until } from '../network/command.ts'
import type { Fleet } from '../network/fleet.ts'
import { createProver } from './receipts.ts'

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

let probes = 0

/** Above this a submission is asked for anew: the node may have been started again meanwhile. */
const PROBE_MS = 30_000

/** One transaction through every node, again and again until it is final there; milliseconds from now until the last was. */
export async function recover(
  fleet: Fleet,
  recorder: Recorder,
  names: readonly string[],
  withinMs: number,
): Promise<number> {
  const beganMs = performance.now()
  await Promise.all(
    names.map(async (name) => {
      const client = createClient(`${name}-probe-${probes++}`, fleet.node(name), recorder)
      for (;;) {
        const leftMs = withinMs - (performance.now() - beganMs)
        if (leftMs <= 0) throw new Error(`${name} has not made a transaction final within ${withinMs} ms`)
        const row = await client.submit(Math.ceil(Math.min(leftMs, PROBE_MS)))
        if (row.outcome === 'ok') return
        await pause(20)
      }
    }),
  )
  return performance.now() - beganMs
}

export interface Settled {
  readonly history: History
  readonly violations: readonly { readonly check: string; readonly message: string }[]
  readonly transactions: number
  readonly events: number
  readonly settleMs: number
  readonly provedReceipts: number
  /** Repetitions that took no effect, each proved to be one. */
  readonly voids: number
}

/** All nodes must be up and the load stopped. Ends the fleet. So many receipts, evenly spread, are held against their proofs. */
export async function settleAndJudge(
  fleet: Fleet,
  recorder: Recorder,
  receipts: number = 0,
): Promise<Settled> {
  const violations: { check: string; message: string }[] = []
  const beganMs = performance.now()
  try {
    await until(
      'all nodes have the same ledger and nothing is under way',
      async () => {
        const all = await Promise.all(fleet.names.map((name) => fleet.status(name).catch(() => undefined)))
        return all.every(
          (each) =>
            each !== undefined &&
            each.ledgerHash === all[0]?.ledgerHash &&
            each.undecidedEvents === 0 &&
            each.poolTransactions === 0,
        )
      },
      600_000,
    )
  } catch (error) {
    const all = await Promise.all(fleet.names.map((name) => fleet.status(name).catch(String)))
    violations.push({ check: 'settle', message: `${String(error)}: ${JSON.stringify(all)}` })
  }
  const settleMs = performance.now() - beganMs
  const ends = new Map<string, readonly ReadEntry[]>()
  for (const name of fleet.names) {
    if (!fleet.node(name).isRunning()) continue
    await createClient(`${name}-reader-${probes++}`, fleet.node(name), recorder).read(200)
    ends.set(name, await readAll(fleet.node(name).url))
  }
  const lives = new Set(
    fleet.names.filter((name) => fleet.node(name).isRunning()).map((name) => fleet.node(name).life()),
  )
  const prover = await createProver(fleet)
  const voids = await prover.voids(ends.values().next().value ?? [])
  const history: History = { rows: recorder.rows, ends, lives, voids }
  const proved = await prover.receipts(recorder.rows, receipts)
  const found: readonly Violation[] = checkHistory(history, {
    verifyReceipt: ({ tx }) => proved.get(tx),
  })
  violations.push(...found)
  for (const [name, code] of await fleet.stop()) {
    if (code !== 0) violations.push({ check: 'stop', message: `${name} stopped with status ${code}` })
  }
  for (const { name, life, run } of fleet.unexpected)
    violations.push({
      check: 'end',
      message: `${name} (${life}) ended by itself: ${run.code ?? run.signal} ${run.err}`,
    })
  const report = await auditDirectories(fleet.names.map((name) => join(fleet.dir, name)))
  for (const { dir, message } of report.failures)
    violations.push({ check: 'verify', message: `${dir}: ${message}` })
  if (!report.agree) violations.push({ check: 'verify', message: 'the directories do not agree' })
  for (const { name, branchedMembers } of report.audited) {
    if (branchedMembers.length > 0)
      violations.push({
        check: 'branch',
        message: `${name} has seen branches of ${branchedMembers.join(', ')}`,
      })
  }
  const lengths = new Set(report.audited.map(({ transactions }) => transactions))
  const longest = Math.max(...lengths, 0)
  for (const [name, entries] of ends) {
    const length = (entries.at(-1)?.position ?? -1) + 1
    if (length > longest)
      violations.push({
        check: 'verify',
        message: `${name} showed ${length}, the directories prove ${longest}`,
      })
  }
  return {
    history,
    violations,
    transactions: longest,
    events: Math.max(...report.audited.map(({ events }) => events), 0),
    settleMs,
    provedReceipts: proved.size,
    voids: voids.size,
  }
}
