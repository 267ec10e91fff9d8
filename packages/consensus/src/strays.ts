/**
 * The times of events that have no lane (lanes.ts): of members that keep hundreds of branches at once. Source: spec section 5.
 * A slow path: for every judge the graph is walked from the oldest event of its chain to the newest one.
 */
import { STRAY } from './lanes.ts'
import { weightedMedian } from './median.ts'
import type { DenseRoster } from './roster.ts'
import { GONE, LIVE, RECEIVED } from './store.ts'
import type { EventStore } from './store.ts'

/** Visits what has not been visited yet of the ancestors of x (and x), and gives the strays among them this time. */
function visit(
  s: EventStore,
  x: number,
  visited: Uint8Array,
  time: number,
  judge: number,
  times: Map<number, number[]>,
): void {
  const open = [x]
  visited[x & s.mask] = 1
  for (let e = open.pop(); e !== undefined; e = open.pop()) {
    const slot = e & s.mask
    if (s.lane[slot] === STRAY) {
      const known = times.get(e) ?? []
      known[judge] = time
      times.set(e, known)
    }
    const start = s.parentStart[slot]!
    for (let k = start; k < start + s.parentCount[slot]!; k++) {
      const p = s.parents[k & s.parentMask]!
      if (p < s.tail || s.state[p & s.mask] === GONE || visited[p & s.mask] === 1) continue
      visited[p & s.mask] = 1
      open.push(p)
    }
  }
}

/** The strays that all judges have as ancestors, marked as received, with their median times. */
export function receiveStrays(
  s: EventStore,
  roster: DenseRoster,
  judges: readonly number[],
): ReadonlyMap<number, number> {
  const times = new Map<number, number[]>()
  const visited = new Uint8Array(s.mask + 1)
  for (let j = 0; j < judges.length; j++) {
    visited.fill(0)
    const chain: number[] = []
    for (let x = judges[j]!; x >= s.tail && s.state[x & s.mask] !== GONE; x = s.selfParent[x & s.mask]!)
      chain.push(x)
    for (let i = chain.length - 1; i >= 0; i--) {
      const x = chain[i]!
      visit(s, x, visited, s.timestamp[x & s.mask]!, j, times)
    }
  }
  const weights = Float64Array.from(judges, (judge) => roster.weights[s.member[judge & s.mask]!]!)
  const medians = new Map<number, number>()
  for (const [e, known] of times) {
    let count = 0
    for (let j = 0; j < judges.length; j++) if (known[j] !== undefined) count += 1
    if (count < judges.length || s.state[e & s.mask] !== LIVE) continue
    s.state[e & s.mask] = RECEIVED
    medians.set(e, weightedMedian(Float64Array.from(known), weights, count))
  }
  return medians
}
