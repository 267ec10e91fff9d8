/** Makes a failing DAG small, by dropping events as long as it still fails. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import type { Dag, DagEvent } from './dag.ts'

/**
 * Drops events. A child of a dropped event gets that event's own self-parent in its place, so that no branch appears
 * where there was none and birth rounds and times still grow along every edge.
 */
export function dropEvents(events: readonly DagEvent[], dropped: ReadonlySet<string>): DagEvent[] {
  const byId = new Map(events.map((e) => [e.id, e]))
  const standIn = (id: string | null): string | null => {
    let at = id
    while (at !== null && dropped.has(at)) at = byId.get(at)?.selfParent ?? null
    return at
  }
  return events
    .filter((e) => !dropped.has(e.id))
    .map((e) => ({
      ...e,
      selfParent: standIn(e.selfParent),
      otherParents: e.otherParents.map(standIn).filter((id) => id !== null),
    }))
}

export function shrink(dag: Dag, fails: (dag: Dag) => boolean, budgetMs = 20_000): Dag {
  const end = performance.now() + budgetMs
  let best = dag
  for (let size = dag.events.length; size >= 1; size = Math.floor(size / 2)) {
    let again = true
    while (again) {
      again = false
      for (let to = best.events.length; to > 0; to -= size) {
        if (performance.now() > end) return best
        const dropped = new Set(best.events.slice(Math.max(0, to - size), to).map((e) => e.id))
        if (dropped.size === best.events.length) continue
        const smaller = { ...best, events: dropEvents(best.events, dropped) }
        if (!fails(smaller)) continue
        best = smaller
        again = size === 1
      }
    }
  }
  return best
}

/** Writes the DAG where it can be looked at and replayed; gives the path. */
export function keep(dag: Dag, seed: number): string {
  const path = join(tmpdir(), `hearsay-differential-${seed}.json`)
  writeFileSync(path, toText(dag))
  return path
}

/** One event a line, as the published cases have it. */
export function toText(dag: Dag): string {
  const { events, ...head } = dag
  const lines = events.map((e) => `  ${JSON.stringify(e)}`).join(',\n')
  return `${JSON.stringify(head).slice(0, -1)},"events":[\n${lines}\n]}\n`
}
