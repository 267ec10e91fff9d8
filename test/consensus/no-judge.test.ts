/**
 * A round all of whose candidates are not famous has no judges, and the rule says nothing about what follows. The README of
 * packages/consensus argues when that cannot be; here it is, beyond the fault assumption: the only member branches, and every
 * second round of voting is one of coins.
 *
 *    0 - 1 - 2        rounds 1, 2, 3: event 2 votes yes on 0, in a coin round, so nothing is decided
 *    3 - 4 - 5 - 6    rounds 1, 2, 3, 4: event 3 comes after a witness of round 3, too late to be a candidate;
 *                     4 does not see 0, and 6 counts that as a strong no
 */
import { createEngine } from '@hearsay/consensus'
import type { Engine, EngineEvent } from '@hearsay/consensus'
import { expect, test } from 'vitest'
import type { Dag } from '../reference/dag.ts'
import { orderByReference } from '../reference/model.ts'

const SELF_PARENTS = [-1, 0, 1, -1, 3, 4, 5]
const config = { coinFrequency: 2, roundsNonAncient: 26 }
const rosters = [{ fromRound: 1, members: [{ id: 0, weight: 1 }] }]
const idOf = (at: number): string => (at + 1).toString(16).padStart(2, '0').repeat(32)

const eventOf = (at: number): EngineEvent => ({
  id: new Uint8Array(32).fill(at + 1),
  creator: 0,
  selfParent: SELF_PARENTS[at] ?? -1,
  otherParents: [],
  birthRound: 1,
  timestamp: at + 1,
  coin: 0,
  transactionCount: 0,
})

function fill(coinFrequency: number, count: number, fastPath = false): Engine {
  const engine = createEngine({ config: { ...config, coinFrequency }, rosters, fastPath })
  for (let at = 0; at < count; at++) engine.insert(eventOf(at))
  return engine
}

test('a round without judges stops the engine for good, with what it had', () => {
  const engine = fill(2, 6)
  expect(() => engine.insert(eventOf(6))).toThrow(/^invariant: round 1 has no judges/)
  // A stranger's event takes no part in any election; it is refused all the same.
  expect(() => engine.insert({ ...eventOf(7), creator: 9, selfParent: -1 })).toThrow(
    /^invariant: round 1 has no/,
  )
  expect(engine.takeDecidedRounds()).toEqual([])
  expect(engine.snapshot()).toEqual({
    round: 0,
    judges: [],
    ancientThreshold: 1,
    lastTimestamp: 0,
    nextOrder: 0,
  })
})

test('the model has no answer either', () => {
  const dag: Dag = {
    name: 'no judge',
    config,
    rosters,
    snapshot: null,
    events: SELF_PARENTS.map((selfParent, at) => ({
      ...eventOf(at),
      id: idOf(at),
      selfParent: selfParent < 0 ? null : idOf(selfParent),
      otherParents: [],
    })),
  }
  expect(() => orderByReference(dag)).toThrow(/round 1 was decided without a judge/)
})

test('with every third round of coins there are judges, and the fast path finds the same', () => {
  for (const coinFrequency of [3, 12]) {
    const [round] = fill(coinFrequency, 7).takeDecidedRounds()
    expect(round!.judges).toEqual([eventOf(0).id])
    expect(fill(coinFrequency, 7, true).takeDecidedRounds()[0]).toEqual(round)
  }
})
