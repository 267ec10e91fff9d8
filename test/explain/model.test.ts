/**
 * Every explanation agrees with the reference model, with the published order, and with itself: the reasons that it gives
 * lead to what it says.
 */
import type { Explanation, FameReason, RoundReason } from '@hearsay/consensus'
import { describe, expect, test } from 'vitest'
import type { Dag } from '../reference/dag.ts'
import { NO_ROUND } from '../reference/election.ts'
import { orderByReference } from '../reference/model.ts'
import { weightedMedian } from '../reference/order.ts'
import { caseNames, explainAll, readCase } from './reading.ts'

const isSuper = (weight: number, total: number): boolean => 3 * weight > 2 * total

function rosterAt(dag: Dag, round: number): ReadonlyMap<number, number> {
  const ruling = dag.rosters.filter((each) => each.fromRound <= round).at(-1)!
  return new Map(ruling.members.map(({ id, weight }) => [id, weight]))
}

/** The reasons for a round give the round. */
function checkRound(dag: Dag, reason: RoundReason): void {
  const weights = rosterAt(dag, reason.election)
  const sum = reason.stronglySees.reduce((total, { weight }) => total + weight, 0)
  expect(sum).toBe(reason.stronglySeenWeight)
  for (const { through } of reason.stronglySees) {
    expect(
      isSuper(
        through.reduce((total, member) => total + weights.get(member)!, 0),
        reason.totalWeight,
      ),
    ).toBe(true)
  }
  if (reason.baseJudge) expect(reason.round).toBe(reason.base.round)
  else if (reason.round !== null && reason.parentRound !== null)
    expect(reason.round).toBe(reason.parentRound + (isSuper(sum, reason.totalWeight) ? 1 : 0))
}

/** The votes give the fame. */
function checkVotes(dag: Dag, fame: FameReason, total: number): void {
  const deciding = fame.votes.filter((vote) => vote.decides)
  expect(deciding).toHaveLength(fame.status === 'undecided' || fame.late ? 0 : 1)
  if (deciding.length > 0) {
    expect(fame.votes.at(-1)).toBe(deciding[0])
    expect(deciding[0]!.vote).toBe(fame.status === 'famous')
    expect([deciding[0]!.strong, deciding[0]!.coinRound]).toEqual([true, false])
  }
  for (const { round, coinRound, strong, vote, yesWeight, noWeight, coinUsed, voter } of fame.votes) {
    const distance = round - fame.round
    if (distance === 1) {
      expect([yesWeight, noWeight, strong, coinRound]).toEqual([null, null, false, false])
      continue
    }
    expect(coinRound).toBe(distance % dag.config.coinFrequency === 0)
    expect(strong).toBe(isSuper(Math.max(yesWeight!, noWeight!), total))
    expect(coinUsed).toBe(coinRound && !strong)
    const coin = dag.events.find((event) => event.id === voter)!.coin
    expect(vote).toBe(coinUsed ? coin === 1 : yesWeight! >= noWeight!)
  }
}

/** The judges' times are those of real self-ancestors, the earliest that know the event, and their median is the event's. */
function checkTimes(dag: Dag, e: Explanation): void {
  if (e.place.kind !== 'ordered') return
  const events = new Map(dag.events.map((event) => [event.id, event]))
  const knows = (from: string): boolean => {
    const seen = new Set([from])
    const todo = [from]
    for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
      if (id === e.id) return true
      const event = events.get(id)!
      for (const parent of [event.selfParent, ...event.otherParents]) {
        if (parent === null || seen.has(parent) || !events.has(parent)) continue
        seen.add(parent)
        todo.push(parent)
      }
    }
    return false
  }
  for (const { judge, knownBy, timestamp } of e.place.judges) {
    let self: string | null = judge
    while (self !== knownBy && self !== null) self = events.get(self)!.selfParent
    expect(self).toBe(knownBy)
    expect(events.get(knownBy)!.timestamp).toBe(timestamp)
    expect(knows(knownBy)).toBe(true)
    const before = events.get(knownBy)!.selfParent
    if (before !== null && events.has(before)) expect(knows(before)).toBe(false)
  }
  const times = e.place.judges.map(({ timestamp }) => timestamp)
  const weights = e.place.judges.map(({ weight }) => BigInt(weight))
  expect(e.place.medianTime).toBe(weightedMedian(times, weights))
  if (!e.place.movedOn) expect(e.place.timestamp).toBe(e.place.medianTime)
  else expect(e.place.timestamp).toBeGreaterThan(e.place.medianTime)
}

describe.each(caseNames)('%s', (name) => {
  const dag = readCase(name)
  const reference = orderByReference(dag)
  const { explainer, of } = explainAll(dag)

  test('rounds, witnesses and fame are those of the model', () => {
    expect(explainer.decidedRound()).toBe(reference.expected.decidedRound)
    for (const { id } of dag.events) {
      const report = reference.events.get(id)
      const e = of(id)
      if (report === undefined) {
        expect(e.place.kind).toMatch(/^(ancient|waiting)$/)
        continue
      }
      expect([id, e.round?.round ?? NO_ROUND, e.round?.witness]).toEqual([id, report.round, report.witness])
      if (report.round !== NO_ROUND) expect(e.round?.election).toBe(report.election)
      expect(e.fame?.status ?? null).toBe(report.fame)
      const open = reference.open.get(id)
      expect([id, e.roundNow ?? NO_ROUND]).toEqual([id, open?.round ?? NO_ROUND])
    }
  })

  test('judges, rounds received, times and places are those that are published', () => {
    const rounds = dag.expected!.rounds
    const judges = new Set(rounds.flatMap((round) => round.judges.map((id) => `${round.round} ${id}`)))
    const places = new Map(
      rounds.flatMap(({ round, events }) => events.map((event) => [event.id, { round, ...event }] as const)),
    )
    for (const { id } of dag.events) {
      const { place, fame } = of(id)
      if (fame?.judge === true) expect(judges.delete(`${fame.round} ${id}`)).toBe(true)
      const placed = places.get(id)
      expect([id, place.kind === 'ordered']).toEqual([id, placed !== undefined])
      if (place.kind !== 'ordered' || placed === undefined) continue
      expect([place.receivedRound, place.order, place.timestamp]).toEqual([
        placed.round,
        placed.order,
        placed.timestamp,
      ])
      const round = rounds.find((each) => each.round === placed.round)!
      expect(place.judges.map(({ judge }) => judge)).toEqual(round.judges)
    }
    expect([...judges]).toEqual([])
    const ordered = [...places.values()].toSorted((a, b) => a.order - b.order)
    expect(explainer.placed().map(({ order, timestamp }) => ({ order, timestamp }))).toEqual(
      ordered.map(({ order, timestamp }) => ({ order, timestamp })),
    )
  })

  test('reasons lead to what they are reasons for', () => {
    for (const { id } of dag.events) {
      const e = of(id)
      if (e.round !== null) checkRound(dag, e.round)
      if (e.roundBefore !== null) checkRound(dag, e.roundBefore)
      if (e.fame !== null) {
        const roster = rosterAt(dag, e.fame.round)
        checkVotes(
          dag,
          e.fame,
          [...roster.values()].reduce((a, b) => a + b, 0),
        )
      }
      checkTimes(dag, e)
    }
  })
})
