/** The engine of packages/consensus on an interchange DAG. */
import { createEngine, NO_EVENT } from '@hearsay/consensus'
import type { ConsensusSnapshot, DecidedRound, Engine, EngineOptions, EngineTuning } from '@hearsay/consensus'
import { firstDifference } from './compare.ts'
import type { Ordering } from './compare.ts'
import type { Dag, DagEvent, DagSnapshot, Expected, ExpectedRound } from './dag.ts'

export const bytesOfHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))
const hex = (id: Uint8Array): string => Buffer.from(id).toString('hex')

/** The same event is given to many engines. */
const bytesOf = new WeakMap<DagEvent, Uint8Array>()

function idOf(event: DagEvent): Uint8Array {
  let id = bytesOf.get(event)
  if (id === undefined) bytesOf.set(event, (id = bytesOfHex(event.id)))
  return id
}

export function optionsOf(dag: Dag): EngineOptions {
  const { config, rosters, snapshot } = dag
  if (snapshot === null) return { config, rosters }
  return { config, rosters, snapshot: snapshotOf(snapshot) }
}

function snapshotOf({
  round,
  judges,
  ancientThreshold,
  lastTimestamp,
  nextOrder,
}: DagSnapshot): ConsensusSnapshot {
  return { round, judges: judges.map(bytesOfHex), ancientThreshold, lastTimestamp, nextOrder }
}

function roundOf(r: DecidedRound): ExpectedRound {
  return {
    round: r.round,
    judges: r.judges.map(hex),
    ancientThreshold: r.ancientThreshold,
    lastTimestamp: r.lastTimestamp,
    nextOrder: r.nextOrder,
    events: r.events.map(({ id, timestamp, order }) => ({ id: hex(id), timestamp, order })),
  }
}

/** Ways of computing that must make no difference. */
const TUNINGS: readonly EngineTuning[] = [
  {},
  { capacity: 1 },
  {},
  { alwaysAfresh: true },
  { stepsPerInsert: 1 },
  { capacity: 1, renumberAt: 1 },
  { capacity: 2, renumberAt: 100 },
  { stepsPerInsert: 2, capacity: 2, extraLanes: 1 },
]

/** By the rule as the page has it. */
export const orderByEngine: Ordering = (dag) => order(dag, false)

/** With the unanimous fast path. */
export const orderByFastEngine: Ordering = (dag) => order(dag, true)

/** Every second DAG goes step by step, and gets each later roster as late as can be: two rounds before it rules. */
function order(dag: Dag, fastPath: boolean): Expected {
  const eager = dag.events.length % 2 === 0
  const options = optionsOf(dag)
  const later = eager ? options.rosters.filter((r) => r.fromRound > (dag.snapshot?.round ?? 0) + 2) : []
  const rosters = options.rosters.filter((r) => !later.includes(r))
  const tuning = TUNINGS[(dag.events.length + (dag.snapshot?.round ?? 0)) % TUNINGS.length]!
  const engine: Engine = createEngine({ ...options, rosters, fastPath, stepwise: eager }, tuning)
  const handles = new Map<string, number>()
  const rounds: ExpectedRound[] = []
  function takeRounds(): void {
    for (let taken = engine.takeDecidedRounds(); taken.length > 0; taken = engine.takeDecidedRounds()) {
      rounds.push(...taken.map(roundOf))
      if (eager && taken.length > 1) throw new Error('more than one step')
      const due = engine.decidedRound() + 2
      for (const roster of later) if (eager && roster.fromRound === due) engine.scheduleRoster(roster)
    }
  }
  for (const e of dag.events) {
    const isAncient = e.birthRound < engine.ancientThreshold()
    const handle = engine.insert({
      id: idOf(e),
      creator: e.creator,
      selfParent: e.selfParent === null ? NO_EVENT : (handles.get(e.selfParent) ?? NO_EVENT),
      otherParents: e.otherParents.map((id) => handles.get(id) ?? NO_EVENT),
      birthRound: e.birthRound,
      timestamp: e.timestamp,
      coin: e.coin,
      transactionCount: e.transactionCount,
    })
    if ((handle === NO_EVENT) !== isAncient)
      throw new Error(`an event is ${isAncient ? 'accepted' : 'refused'}`)
    if (handle !== NO_EVENT) {
      if (handle !== handles.size) throw new Error(`handle ${handle} for accepted event ${handles.size}`)
      handles.set(e.id, handle)
    }
    if (eager) takeRounds()
  }
  takeRounds()
  const last = rounds.at(-1)
  const { round, ...rest } = engine.snapshot()
  if (round !== engine.decidedRound() || rest.ancientThreshold !== engine.ancientThreshold()) {
    throw new Error('snapshot() does not agree with decidedRound() and ancientThreshold()')
  }
  if (last !== undefined) {
    const told = { round, ...rest, judges: rest.judges.map(hex), events: last.events }
    const difference = firstDifference([told], [last])
    if (difference !== null) throw new Error(`snapshot() is not the last round: ${difference}`)
  }
  return { decidedRound: engine.decidedRound(), rounds }
}
