/**
 * How fast the reference model of the ordering rule (test/reference) is on the graphs of scripts/bench-engine.ts, which runs this with
 * --model: it evaluates every definition as it is worded, so this is what the engine's way of computing gains.
 */
import type { EngineEvent } from '../packages/consensus/src/index.ts'
import type { DagEvent } from '../test/reference/dag.ts'
import { createModel } from '../test/reference/model.ts'

export interface ModelRun {
  readonly cpuSeconds: number
  readonly rounds: number
}

const hex = (id: Uint8Array): string => Buffer.from(id).toString('hex')

/** `next` gives so many events that are born in a round; handles count from 0. */
export function runModel(
  n: number,
  events: number,
  next: (count: number, birthRound: number) => readonly EngineEvent[],
): ModelRun {
  const members = Array.from({ length: n }, (_, id) => ({ id, weight: 1 }))
  const config = { coinFrequency: 12, roundsNonAncient: 26 }
  const model = createModel({ config, rosters: [{ fromRound: 1, members }], snapshot: null })
  const ids: string[] = []
  let cpu = 0
  for (let done = 0; done < events; done += n) {
    const chunk = next(Math.min(n, events - done), model.decidedRound() + 1).map((event): DagEvent => {
      ids.push(hex(event.id))
      const selfParent = event.selfParent < 0 ? null : ids[event.selfParent]!
      return { ...event, id: ids.at(-1)!, selfParent, otherParents: event.otherParents.map((at) => ids[at]!) }
    })
    const start = process.cpuUsage()
    for (const event of chunk) model.add(event)
    const used = process.cpuUsage(start)
    cpu += used.user + used.system
  }
  return { cpuSeconds: cpu / 1e6, rounds: model.decidedRound() }
}
