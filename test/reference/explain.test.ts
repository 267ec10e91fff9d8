/** What `explain` says of every event, against the model: round, witness, fame, judge, place and time. */
import { readFileSync } from 'node:fs'
import { createExplainer, NO_EVENT } from '@hearsay/consensus'
import { describe, expect, it } from 'vitest'
import type { Dag } from './dag.ts'
import { bytesOfHex, optionsOf } from './engine.ts'
import { generate } from './generate.ts'
import { orderByReference } from './model.ts'

interface Said {
  readonly id: string
  readonly round: number | null
  readonly election: number | null
  readonly witness: boolean
  readonly fame: string | null
  readonly order: number | null
  readonly timestamp: number | null
  readonly receivedRound: number | null
}

function explained(dag: Dag): Said[] {
  const explainer = createExplainer(optionsOf(dag))
  const handles = new Map<string, number>()
  for (const e of dag.events) {
    const handle = explainer.insert({
      ...e,
      id: bytesOfHex(e.id),
      selfParent: e.selfParent === null ? NO_EVENT : (handles.get(e.selfParent) ?? NO_EVENT),
      otherParents: e.otherParents.map((id) => handles.get(id) ?? NO_EVENT),
    })
    if (handle !== NO_EVENT) handles.set(e.id, handle)
  }
  return dag.events.map(({ id }) => {
    const { round, fame, place } = explainer.explain(bytesOfHex(id))!
    const ordered = place.kind === 'ordered' ? place : null
    return {
      id,
      round: round?.round ?? null,
      election: round?.round === undefined || round.round === null ? null : round.election,
      witness: round?.witness ?? false,
      fame: fame?.status ?? null,
      order: ordered?.order ?? null,
      timestamp: ordered?.timestamp ?? null,
      receivedRound: ordered?.receivedRound ?? null,
    }
  })
}

function wanted(dag: Dag): Said[] {
  const { expected, events } = orderByReference(dag)
  const places = new Map(
    expected.rounds.flatMap((r) => r.events.map((e) => [e.id, { ...e, round: r.round }])),
  )
  return dag.events.map(({ id }) => {
    const report = events.get(id)
    const round = report === undefined || report.round < 0 ? null : report.round
    const place = places.get(id)
    return {
      id,
      round,
      election: round === null ? null : report!.election,
      witness: report?.witness ?? false,
      fame: report?.fame ?? null,
      order: place?.order ?? null,
      timestamp: place?.timestamp ?? null,
      receivedRound: place?.round ?? null,
    }
  })
}

describe('explain agrees with the model on every event', () => {
  for (const name of ['weights-10-branching', 'roster-change-4', 'snapshot-start-4']) {
    it(`of ${name}`, () => {
      const url = new URL(`../conformance/cases/${name}.json`, import.meta.url)
      const dag = JSON.parse(readFileSync(url, 'utf8')) as Dag
      expect(explained(dag)).toEqual(wanted(dag))
    })
  }

  it('of 80 seeded graphs', () => {
    let rounds = 0
    for (let seed = 3001; seed <= 3080; seed++) {
      const dag = generate(seed)
      const right = wanted(dag)
      expect([dag.name, explained(dag)]).toEqual([dag.name, right])
      rounds += right.filter((said) => said.round !== null).length
    }
    expect(rounds).toBeGreaterThan(5_000)
  })
})
