/** Orders in which one node may be given the same events: always parents before children. */
import type { DagEvent } from './dag.ts'
import type { Random } from './random.ts'

/** Repeatedly takes, of the events whose parents were all taken, the one with the least priority. */
function topological(events: readonly DagEvent[], priority: (e: DagEvent, i: number) => number): DagEvent[] {
  const index = new Map(events.map((e, i) => [e.id, i]))
  const children: number[][] = events.map(() => [])
  const missing = events.map(() => 0)
  const waitsFor = events.map((e) =>
    [e.selfParent, ...e.otherParents].filter((id) => id !== null && index.has(id)),
  )
  for (const [i, parents] of waitsFor.entries()) {
    missing[i] = parents.length
    for (const id of parents) children[index.get(id!)!]!.push(i)
  }
  const priorities = events.map(priority)
  const ready = events.map((_, i) => i).filter((i) => missing[i] === 0)
  const result: DagEvent[] = []
  while (ready.length > 0) {
    let best = 0
    for (let k = 1; k < ready.length; k++) if (priorities[ready[k]!]! < priorities[ready[best]!]!) best = k
    const i = ready.splice(best, 1)[0]!
    result.push(events[i]!)
    for (const child of children[i]!) if (--missing[child]! === 0) ready.push(child)
  }
  return result
}

/** Anything goes. */
export function shuffled(random: Random, events: readonly DagEvent[]): DagEvent[] {
  return topological(events, () => random.uint32())
}

/** Roughly as made, some much later. */
export function delayed(random: Random, events: readonly DagEvent[]): DagEvent[] {
  return topological(
    events,
    (_, i) => i + (random.chance(0.1) ? random.below(events.length) : random.below(8)),
  )
}

/** The events of one creator come as late as they can. */
export function lateCreator(random: Random, events: readonly DagEvent[]): DagEvent[] {
  const creator = random.pick(events).creator
  return topological(events, (e, i) => (e.creator === creator ? 2 ** 32 : 0) + i)
}

export function anyInsertionOrder(random: Random, events: readonly DagEvent[]): DagEvent[] {
  return random.pick([shuffled, delayed, lateCreator])(random, events)
}
