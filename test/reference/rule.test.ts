/**
 * What must follow from the ordering rule (spec section 8), on the model. The engine is held to the model elsewhere; here
 * the rule itself is looked at, and with it the generators: all this holds only while less than a third branches.
 */
import { describe, expect, it } from 'vitest'
import type { Dag, DagEvent } from './dag.ts'
import { createElection } from './election.ts'
import type { Vertex } from './election.ts'
import { generate } from './generate.ts'
import { createModel, orderByReference } from './model.ts'

const dags: readonly Dag[] = Array.from({ length: 80 }, (_, i) => generate(2001 + i))

function vertices({ events }: Dag): Vertex[] {
  const byId = new Map<string, Vertex>()
  for (const e of events) {
    const otherParents = e.otherParents.map((id) => byId.get(id)!)
    byId.set(e.id, { ...e, selfParent: e.selfParent === null ? null : byId.get(e.selfParent)!, otherParents })
  }
  return [...byId.values()]
}

/** Witnesses of one member and one round that any event strongly sees, over the whole graph at the base of genesis. */
function stronglySeen(dag: Dag): Map<string, Set<string>> {
  const roster = new Map(dag.rosters[0]!.members.map(({ id, weight }) => [id, BigInt(weight)]))
  const election = createElection({
    decidedRound: 0,
    judges: [],
    roster,
    coinFrequency: 12,
    isOrdered: () => false,
    isAncient: () => false,
    mark: () => {},
  })
  const seen = new Map<string, Set<string>>()
  for (const x of vertices(dag)) {
    election.divideRounds(x)
    for (const m of roster.keys()) {
      const w = election.stronglySeen(x, m)
      if (w === null) continue
      const key = `${m} ${election.round(w)}`
      seen.set(key, (seen.get(key) ?? new Set()).add(w.id))
    }
  }
  return seen
}

describe('strongly seeing', () => {
  it('never shows two witnesses of one member in one round, whoever looks', () => {
    let pairs = 0
    for (const dag of dags) {
      for (const [key, ids] of stronglySeen(dag)) {
        expect([dag.name, key, ids.size]).toEqual([dag.name, key, 1])
        pairs++
      }
    }
    expect(pairs).toBeGreaterThan(1000)
  })
})

describe('the order', () => {
  it('has every event at most once, after its parents, with room for its transactions', () => {
    let checked = 0
    for (const dag of dags) {
      const events = new Map<string, DagEvent>(dag.events.map((e) => [e.id, e]))
      const place = new Map<string, number>()
      let next = -Infinity
      for (const { id, timestamp, order } of orderByReference(dag).expected.rounds.flatMap((r) => r.events)) {
        const event = events.get(id)!
        expect(place.has(id)).toBe(false)
        expect(order).toBe(place.size)
        expect(timestamp).toBeGreaterThanOrEqual(next)
        place.set(id, order)
        next = timestamp + Math.max(1, event.transactionCount)
        checked++
      }
      for (const id of place.keys()) {
        const { selfParent, otherParents } = events.get(id)!
        for (const p of [selfParent, ...otherParents]) {
          if (p !== null && place.has(p)) expect(place.get(p)!).toBeLessThan(place.get(id)!)
        }
      }
    }
    expect(checked).toBeGreaterThan(3000)
  })

  it('moves thresholds and last times forward only, and has judges of more than a third of the weight', () => {
    for (const dag of dags) {
      const creators = new Map(dag.events.map((e) => [e.id, e.creator]))
      let before = { ancientThreshold: 1, lastTimestamp: -Infinity, nextOrder: 0 }
      for (const r of orderByReference(dag).expected.rounds) {
        expect(r.ancientThreshold).toBeGreaterThanOrEqual(before.ancientThreshold)
        expect(r.lastTimestamp).toBeGreaterThan(before.lastTimestamp)
        expect(r.nextOrder).toBe(before.nextOrder + r.events.length)
        before = r
        const { members } = dag.rosters.findLast((roster) => roster.fromRound <= r.round)!
        const judges = new Set(r.judges.map((id) => creators.get(id)!))
        const total = members.reduce((sum, m) => sum + m.weight, 0)
        const weight = members.filter((m) => judges.has(m.id)).reduce((sum, m) => sum + m.weight, 0)
        expect(judges.size).toBe(r.judges.length)
        expect(3 * weight).toBeGreaterThan(total)
      }
    }
  })

  it('of the first events is a beginning of the order of all', () => {
    for (const dag of dags.slice(0, 40)) {
      const model = createModel(dag)
      const all = orderByReference(dag).expected.rounds
      for (const [i, event] of dag.events.entries()) {
        model.add(event)
        if (i % 25 !== 0) continue
        const { rounds } = model.result().expected
        expect(rounds).toEqual(all.slice(0, rounds.length))
      }
    }
  })
})

describe('rounds', () => {
  it('do not fall from parent to child', () => {
    let edges = 0
    for (const dag of dags) {
      const { open } = orderByReference(dag)
      for (const e of dag.events) {
        const child = open.get(e.id)
        if (child === undefined || child.round < 0) continue
        for (const p of [e.selfParent, ...e.otherParents]) {
          const parent = p === null ? undefined : open.get(p)
          if (parent === undefined) continue
          expect(child.round).toBeGreaterThanOrEqual(parent.round)
          edges++
        }
      }
    }
    expect(edges).toBeGreaterThan(3000)
  })
})
