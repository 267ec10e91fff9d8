/** The generators themselves: what they make is well-formed, reproducible and hard enough. */
import { describe, expect, it } from 'vitest'
import type { Dag } from './dag.ts'
import { compare } from './compare.ts'
import type { Ordering } from './compare.ts'
import { runSeed } from './differential.ts'
import { generate } from './generate.ts'
import { anyInsertionOrder } from './insertion.ts'
import { orderByReference } from './model.ts'
import { createRandom } from './random.ts'
import { dropEvents, shrink } from './shrink.ts'
import { splitVotes } from './split.ts'

const dags: readonly Dag[] = Array.from({ length: 60 }, (_, i) => generate(i + 1))

/** What section 1 of the rule asks of the events. */
function faults({ events, rosters, config }: Dag): string[] {
  const seen = new Map<string, Dag['events'][number]>()
  const found: string[] = []
  for (const e of events) {
    const self = e.selfParent === null ? null : seen.get(e.selfParent)
    const others = e.otherParents.map((id) => seen.get(id))
    if (self === undefined || others.includes(undefined)) found.push('parent after child')
    if (self && (self.creator !== e.creator || self.timestamp >= e.timestamp)) found.push('self-parent')
    const creators = others.map((p) => p!.creator)
    if (new Set(creators).size < creators.length || creators.includes(e.creator)) found.push('other-parents')
    if ([self, ...others].some((p) => p && p.birthRound > e.birthRound)) found.push('birth round')
    if (!/^[0-9a-f]{64}$/.test(e.id) || seen.has(e.id)) found.push('id')
    if (Number.parseInt(e.id.slice(-1), 16) % 2 !== e.coin) found.push('coin')
    seen.set(e.id, e)
  }
  if (rosters[0]!.fromRound !== 1 || config.coinFrequency < 2) found.push('head')
  return found
}

/** Members with two events on one self-parent. */
function branching({ events }: Dag): Set<number> {
  const seen = new Set<string>()
  const branched = new Set<number>()
  for (const e of events) {
    const key = `${e.creator} ${e.selfParent}`
    if (seen.has(key)) branched.add(e.creator)
    seen.add(key)
  }
  return branched
}

describe('generated graphs', () => {
  it('are well-formed', () => {
    for (const dag of dags) expect([dag.name, ...faults(dag)]).toEqual([dag.name])
  })

  it('come out the same for the same seed', () => {
    for (const [i, dag] of dags.entries()) expect(generate(i + 1)).toEqual(dag)
  })

  it('branch with less than a third of the weight, and often', () => {
    const branched = dags.map(branching)
    expect(branched.filter((set) => set.size > 0).length).toBeGreaterThan(10)
    for (const [i, { rosters }] of dags.entries()) {
      for (const { members } of rosters) {
        const total = members.reduce((sum, m) => sum + m.weight, 0)
        const weight = members.filter((m) => branched[i]!.has(m.id)).reduce((sum, m) => sum + m.weight, 0)
        expect(3 * weight).toBeLessThan(total)
      }
    }
  })

  it('stay well-formed in another insertion order and after dropping events', () => {
    for (const [i, dag] of dags.entries()) {
      const random = createRandom(i)
      const events = anyInsertionOrder(random, dag.events)
      expect(events.length).toBe(dag.events.length)
      expect(faults({ ...dag, events })).toEqual([])
      const dropped = new Set(dag.events.filter(() => random.chance(0.2)).map((e) => e.id))
      expect(faults({ ...dag, events: dropEvents(dag.events, dropped) })).toEqual([])
    }
  })

  it('reach the coin round of the default frequency when the votes are split', () => {
    const { marks } = orderByReference(splitVotes(7, createRandom(7)))
    expect(marks.get('coin round at distance >= 12')).toBeGreaterThan(0)
    expect(marks.get('coin used at distance >= 12')).toBeGreaterThan(0)
  })
})

const model: Ordering = (dag) => orderByReference(dag).expected

const wrong: Ordering = (dag) => {
  const { decidedRound, rounds } = model(dag)
  const late = rounds.map((r) => (r.round === 2 ? { ...r, lastTimestamp: r.lastTimestamp + 1 } : r))
  return { decidedRound, rounds: late }
}

const stuck: Ordering = () => ({ decidedRound: 0, rounds: [] })

describe('the comparison', () => {
  it('finds nothing when the model is compared with itself: the rule does not depend on order or start', () => {
    for (const [i, dag] of dags.entries()) expect(compare(dag, model, createRandom(i)).difference).toBe(null)
  })

  it('finds a wrong time, and shrinks the graph that shows it', () => {
    const dag = dags.find((d) => model(d).decidedRound >= 2 && d.events.length > 60)!
    expect(compare(dag, wrong).difference).toMatch(/^round 2: lastTimestamp is/)
    const smallest = shrink(dag, (d) => compare(d, wrong).difference !== null, 3_000)
    expect(smallest.events.length).toBeLessThan(dag.events.length)
    expect(compare(smallest, wrong).difference).toMatch(/^round 2: lastTimestamp is/)
  })

  it('says how to see a failure again', () => {
    const seed = dags.findIndex((d) => model(d).decidedRound >= 1) + 1
    const { failure } = runSeed(seed, stuck, new Map(), { events: 60, n: 4 })
    expect(failure).toContain(`node scripts/differential.ts --from ${seed} --seeds 1 --events 60 --n 4`)
    expect(failure).toMatch(/shrunk to \d+ of 60 events: .*\.json/)
  })
})
