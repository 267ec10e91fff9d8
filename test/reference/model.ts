/**
 * The reference model of the ordering rule (packages/consensus/spec/consensus.md), written from that page alone and
 * independent of the engine. Sections 2-4 are in election.ts, section 5 in order.ts; here is what is held, ancient
 * and decided (sections 1, 6 and 7). Slow and plain: every definition is evaluated as it is worded.
 */
import type { Dag, DagEvent, Expected, ExpectedRound } from './dag.ts'
import { createElection, NO_ROUND } from './election.ts'
import type { Election, Fame, Vertex } from './election.ts'
import { chooseJudges, findOrder, reach } from './order.ts'

/** What the model knew of an event in the election that last gave it a round (or first considered it, if none did). */
export interface EventReport {
  /** The round that was being decided. */
  readonly election: number
  /** NO_ROUND if it had none. */
  readonly round: number
  readonly witness: boolean
  /** In the election that ruled on it last; null if none did. */
  readonly fame: Fame | null
}

export interface Reference {
  readonly expected: Expected
  readonly events: ReadonlyMap<string, EventReport>
  /** The same for the election that is open at the end, for every event that is held. */
  readonly open: ReadonlyMap<string, EventReport>
  /** How often each thing worth testing happened. */
  readonly marks: ReadonlyMap<string, number>
}

export function orderByReference(dag: Dag): Reference {
  const model = createModel(dag)
  for (const event of dag.events) model.add(event)
  return model.result()
}

export interface Model {
  /** False if the event is ancient, and so not added. */
  add(event: DagEvent): boolean
  decidedRound(): number
  result(): Reference
}

interface State {
  decidedRound: number
  ancientThreshold: number
  lastTimestamp: number | null
  nextOrder: number
  /** Parents before children, in the order in which they were added; without the ancient ones. */
  held: Vertex[]
  readonly heldById: Map<string, Vertex>
  readonly ordered: Set<Vertex>
  readonly rounds: ExpectedRound[]
}

/** The roster with the greatest fromRound <= r. */
function rosterOf(rosters: Dag['rosters'], r: number): ReadonlyMap<number, bigint> {
  let best: Dag['rosters'][number] | null = null
  for (const roster of rosters) {
    if (roster.fromRound <= r && (best === null || roster.fromRound > best.fromRound)) best = roster
  }
  if (best === null) throw new Error(`no roster rules round ${r}`)
  return new Map(best.members.map(({ id, weight }) => [id, BigInt(weight)]))
}

/** Parents that are not held count as ancient, and so as absent. */
function link(event: DagEvent, held: ReadonlyMap<string, Vertex>): Vertex {
  return {
    ...event,
    selfParent: event.selfParent === null ? null : (held.get(event.selfParent) ?? null),
    otherParents: event.otherParents.map((id) => held.get(id)).filter((p) => p !== undefined),
  }
}

/** What follows when a round is decided: threshold, order, and the ancient are forgotten. */
function closeRound(
  state: State,
  judges: readonly Vertex[],
  dag: Pick<Dag, 'config' | 'rosters'>,
  mark: (name: string) => void,
): void {
  const round = state.decidedRound + 1
  if (judges.length === 0) throw new Error(`round ${round} was decided without a judge`)
  const roster = rosterOf(dag.rosters, round)
  if (dag.rosters.some((r) => r.fromRound === round && round > 1)) mark('roster change')
  const leastBirthRound = Math.min(...judges.map((j) => j.birthRound))
  state.decidedRound = round
  state.ancientThreshold = Math.max(state.ancientThreshold, leastBirthRound - dag.config.roundsNonAncient + 1)
  const { ancientThreshold, ordered } = state
  const isAncient = (x: Vertex): boolean => x.birthRound < ancientThreshold
  const { received, lastTimestamp } = findOrder({
    judges,
    weights: judges.map((j) => roster.get(j.creator)!),
    held: state.held,
    lastTimestamp: state.lastTimestamp,
    isOrdered: (x) => ordered.has(x),
    isAncient,
    mark,
  })
  state.lastTimestamp = lastTimestamp
  const events = received.map(({ event, timestamp }) => ({
    id: event.id,
    timestamp,
    order: state.nextOrder++,
  }))
  for (const { event } of received) ordered.add(event)
  for (const x of state.held) {
    if (!isAncient(x)) continue
    if (!ordered.has(x)) mark('stale')
    state.heldById.delete(x.id)
  }
  state.held = state.held.filter((x) => !isAncient(x))
  const { nextOrder } = state
  state.rounds.push({
    round,
    judges: judges.map((j) => j.id),
    ancientThreshold,
    lastTimestamp,
    nextOrder,
    events,
  })
}

export function createModel(dag: Pick<Dag, 'config' | 'rosters' | 'snapshot'>): Model {
  const { config, rosters, snapshot } = dag
  const marks = new Map<string, number>()
  const mark = (name: string): void => void marks.set(name, (marks.get(name) ?? 0) + 1)
  const reports = new Map<string, EventReport>()
  const state: State = {
    decidedRound: snapshot?.round ?? 0,
    ancientThreshold: snapshot?.ancientThreshold ?? 1,
    lastTimestamp: snapshot?.lastTimestamp ?? null,
    nextOrder: snapshot?.nextOrder ?? 0,
    held: [],
    heldById: new Map(),
    ordered: new Set(),
    rounds: [],
  }
  const isOrdered = (x: Vertex): boolean => state.ordered.has(x)
  const isAncient = (x: Vertex): boolean => x.birthRound < state.ancientThreshold

  function openElection(judges: readonly Vertex[]): Election {
    const { decidedRound } = state
    const roster = rosterOf(rosters, decidedRound + 1)
    const { coinFrequency } = config
    return createElection({ decidedRound, judges, roster, coinFrequency, isOrdered, isAncient, mark })
  }

  let waiting = snapshot !== null
  let election = openElection([])
  let considered: Vertex[] = []

  function reportOf(x: Vertex): EventReport {
    const witness = election.isWitness(x)
    return { election: state.decidedRound + 1, round: election.round(x), witness, fame: election.fame(x) }
  }

  /** Keeps what the open election knows. */
  function writeReports(): void {
    for (const x of considered) {
      const report = reportOf(x)
      const before = reports.get(x.id)
      if (before !== undefined && report.round === NO_ROUND) continue
      reports.set(x.id, { ...report, fame: report.fame ?? before?.fame ?? null })
    }
  }

  /** Considers the held events from the given one on; every decision starts again with all that are held. */
  function considerAll(from: number): void {
    for (let i = from; i < state.held.length; i++) {
      const x = state.held[i]!
      considered.push(x)
      election.divideRounds(x)
      election.decideFame(x)
      if (!election.isDecided()) continue
      writeReports()
      const judges = chooseJudges(election.famous(), mark)
      closeRound(state, judges, dag, mark)
      election = openElection(judges)
      considered = []
      i = -1
    }
  }

  /** Section 7: once all judges of the snapshot are there, what lies below all of them counts as ordered. */
  function startFromSnapshot(judgeIds: readonly string[]): void {
    const judges = judgeIds.map((id) => state.heldById.get(id)!)
    const reaches = judges.map((j) => reach(j, { isOrdered, isAncient }))
    for (const x of state.held) if (reaches.every((set) => set.has(x))) state.ordered.add(x)
    waiting = false
    election = openElection(judges)
    considerAll(0)
  }

  function add(event: DagEvent): boolean {
    if (event.birthRound < state.ancientThreshold) {
      mark('ancient on arrival')
      return false
    }
    const x = link(event, state.heldById)
    state.held.push(x)
    state.heldById.set(x.id, x)
    if (!waiting) considerAll(state.held.length - 1)
    else if (snapshot?.judges.every((id) => state.heldById.has(id)) === true)
      startFromSnapshot(snapshot.judges)
    return true
  }

  function result(): Reference {
    if (!waiting) writeReports()
    const open = new Map(waiting ? [] : state.held.map((x) => [x.id, reportOf(x)]))
    return {
      expected: { decidedRound: state.decidedRound, rounds: state.rounds },
      events: reports,
      open,
      marks,
    }
  }

  return { add, decidedRound: () => state.decidedRound, result }
}
