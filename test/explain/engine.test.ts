/**
 * `engine.explain`: what an engine says of its own events is what the explainer says that was given everything from the start, for
 * as many rounds back as it was asked to, and the model agrees (model.test.ts); and nothing older is kept.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createEngine, createExplainer, NO_EVENT } from '@hearsay/consensus'
import type { Engine, EngineEvent, EngineOptions, Explainer } from '@hearsay/consensus'
import { describe, expect, test } from 'vitest'
import { createGossip } from '../consensus/gossip.ts'
import type { Dag } from '../reference/dag.ts'
import { bytesOfHex, optionsOf } from '../reference/engine.ts'
import { generate } from '../reference/generate.ts'
import { orderByReference } from '../reference/model.ts'
import { caseNames, readCase } from './reading.ts'

interface Pair {
  readonly engine: Engine
  readonly explainer: Explainer
}

interface Asked {
  readonly equal: number
  readonly forgotten: number
}

/** Both are given the same; handles are those of the engine. */
function feed(dag: Dag, { engine, explainer }: Pair, each: (at: number, cameAfter: number) => void): void {
  const handles = new Map<string, number>()
  const of = (id: string | null): number => (id === null ? NO_EVENT : (handles.get(id) ?? NO_EVENT))
  for (const [at, e] of dag.events.entries()) {
    const event: EngineEvent = {
      ...e,
      id: bytesOfHex(e.id),
      selfParent: of(e.selfParent),
      otherParents: e.otherParents.map(of),
    }
    const cameAfter = engine.decidedRound()
    const handle = engine.insert(event)
    expect(explainer.insert(event)).toBe(handle)
    if (handle !== NO_EVENT) handles.set(e.id, handle)
    each(at, cameAfter)
  }
}

function askAll(dag: Dag, pair: Pair, cameAfter: readonly number[], rounds: number): Asked {
  const { engine, explainer } = pair
  const from = Math.max(dag.snapshot?.round ?? 0, engine.decidedRound() - rounds)
  let equal = 0
  let forgotten = 0
  for (const [at, after] of cameAfter.entries()) {
    const id = bytesOfHex(dag.events[at]!.id)
    const right = explainer.explain(id)!
    const said = engine.explain(id)
    if (said === undefined) {
      forgotten += 1
      if (right.place.kind !== 'ancient') expect(after).toBeLessThan(from)
      continue
    }
    // As text first: that is much faster than what tells the difference.
    if (JSON.stringify(said) !== JSON.stringify(right)) expect(said).toStrictEqual(right)
    equal += 1
  }
  return { equal, forgotten }
}

/** Asks of all events every now and then and at the end. */
function askAlong(dag: Dag, rounds: number, more: Partial<EngineOptions> = {}): Asked {
  const options = { ...optionsOf(dag), ...more }
  const pair = {
    engine: createEngine({ ...options, explain: { rounds } }),
    explainer: createExplainer(options),
  }
  const cameAfter: number[] = []
  feed(dag, pair, (at, after) => {
    cameAfter.push(after)
    if (at % 151 === 40) askAll(dag, pair, cameAfter, rounds)
  })
  return askAll(dag, pair, cameAfter, rounds)
}

describe('an engine explains its events as they would be explained from the start', () => {
  test.each(caseNames)('%s', (name) => {
    const dag = readCase(name)
    const ancient = orderByReference(dag).marks.get('ancient on arrival') ?? 0
    expect(askAlong(dag, 1000)).toEqual({ equal: dag.events.length - ancient, forgotten: ancient })
    expect(askAlong(dag, 2).equal).toBeGreaterThan(0)
  })

  test('of seeded graphs, with the fast path and without, for some rounds back', () => {
    let forgotten = 0
    let equal = 0
    for (let seed = 4001; seed <= 4030; seed++) {
      const asked = askAlong(generate(seed), 1 + (seed % 4), { fastPath: seed % 2 === 0 })
      equal += asked.equal
      forgotten += asked.forgotten
    }
    expect(equal).toBeGreaterThan(1000)
    expect(forgotten).toBeGreaterThan(500)
  })

  test('with a roster that was scheduled later', () => {
    const dag = readCase('roster-change-4.json')
    const { rosters, ...rest } = optionsOf(dag)
    const engine = createEngine({ ...rest, rosters: rosters.slice(0, 1), explain: { rounds: 5 } })
    const explainer = createExplainer({ ...rest, rosters })
    const cameAfter: number[] = []
    feed(dag, { engine, explainer }, (at, after) => {
      cameAfter.push(after)
      engine.explain(bytesOfHex(dag.events[at]!.id))
      if (at === 0) for (const roster of rosters.slice(1)) engine.scheduleRoster(roster)
    })
    expect(askAll(dag, { engine, explainer }, cameAfter, 5).equal).toBeGreaterThan(10)
  })
})

const members = [0, 1, 2, 3].map((id) => ({ id, weight: 1 }))
const options: EngineOptions = {
  config: { coinFrequency: 12, roundsNonAncient: 5 },
  rosters: [{ fromRound: 1, members }],
}

function gossip(engine: Engine, count: number): EngineEvent[] {
  const next = createGossip({ seed: 3, members: 4, otherParents: 1, branchers: 0, branches: 0 })
  const all: EngineEvent[] = []
  while (all.length < count) {
    for (const event of next(10, engine.decidedRound() + 1)) {
      engine.insert(event)
      all.push(event)
    }
    engine.takeDecidedRounds()
  }
  return all
}

describe('what is kept', () => {
  test('nothing of an event that is ancient, and was when the oldest of these rounds was decided', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const engine = createEngine({ ...options, explain: { rounds: 3 } })
    const events = gossip(engine, 2000)
    const [old, last] = [events[0]!.id, events.at(-1)!.id]
    expect(engine.explain(old)).toBe(undefined)
    expect(engine.explain(last)?.place.kind).toBe('undecided')
    const references = events.map((event) => new WeakRef(event))
    events.length = 0
    // What a WeakRef was made of stays until the turn is over.
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    const held = references.flatMap((reference, at) => (reference.deref() === undefined ? [] : [at]))
    expect(held.length).toBeGreaterThan(0)
    expect(held.length).toBeLessThan(500)
    expect(held[0]).toBeGreaterThan(1400)
  })

  test('nothing at all unless it is asked for', () => {
    const engine = createEngine(options)
    expect(() => engine.explain(new Uint8Array(32))).toThrow(/without the option `explain`/)
    for (const rounds of [0, -1, 1.5, Number.NaN]) {
      expect(() => createEngine({ ...options, explain: { rounds } })).toThrow(/is not an integer from 1/)
    }
  })

  test('of an event that it was not given nothing is said', () => {
    const engine = createEngine({ ...options, explain: { rounds: 3 } })
    gossip(engine, 100)
    expect(engine.explain(new Uint8Array(32))).toBe(undefined)
  })
})

describe('an engine and an explanation that differ are an invariant that does not hold', () => {
  type Mutable = { -readonly [Key in keyof EngineEvent]: EngineEvent[Key] }

  function fill(): { engine: Engine; events: Mutable[] } {
    const engine = createEngine({ ...options, explain: { rounds: 50 } })
    const next = createGossip({ seed: 5, members: 4, otherParents: 2, branchers: 0, branches: 0 })
    const events = next(200, 1).map((event): Mutable => ({ ...event }))
    for (const event of events) engine.insert(event)
    return { engine, events }
  }

  // The engine has read the events, the explainer reads them when somebody asks: it notices what has changed in between.
  test('in the order', () => {
    const { engine, events } = fill()
    expect(engine.decidedRound()).toBeGreaterThan(3)
    for (const event of events) event.timestamp += 1_000_000
    expect(() => engine.explain(events[0]!.id)).toThrow(/invariant: the explanation finds .* the engine /)
  })

  test('in the last time given only', () => {
    const { engine, events } = fill()
    const ordered = engine.takeDecidedRounds().flatMap((round) => round.events)
    events[ordered.at(-1)!.handle]!.transactionCount += 5
    expect(() => engine.explain(events[0]!.id)).toThrow(
      /the explanation finds lastTimestamp \d+, the engine \d+/,
    )
  })
})
