/**
 * The ordering engine: takes events one by one and gives decided rounds. This file holds the election base and moves
 * it on when a round is decided; what an event sees is decided in rounds.ts, fame in election.ts, the order in
 * order.ts. Source: spec sections 2, 6 and 7.
 */
import { computeAfresh, divideNext, moveBase, sweep } from './base.ts'
import { bury, Core, decidedRound } from './core.ts'
import type { EngineTuning } from './core.ts'
import { compareIds, consider, electedJudges, startElection } from './election.ts'
import { hear } from './lanes.ts'
import { collectReceived, judgesMedian, sortReceived } from './order.ts'
import { createRecorder } from './explain-engine.ts'
import type { Recorder } from './explain-engine.ts'
import { placeOf } from './roster.ts'
import { append, LIVE } from './store.ts'
import { NO_EVENT } from './types.ts'
import type {
  ConsensusSnapshot,
  Engine,
  EngineEvent,
  EngineOptions,
  EventHandle,
  OrderedEvent,
} from './types.ts'

/** Considers the known witnesses in the election that has just begun. Returns whether its round is decided. */
function replayElection(k: Core): boolean {
  for (const witness of k.witnesses) if (consider(k.s, k.f, k.e, k.c, witness)) return true
  return false
}

/** Spec section 6. */
function moveAncient(k: Core, judges: readonly number[]): void {
  const { s, live } = k
  let least = Infinity
  for (const judge of judges) least = Math.min(least, s.birthRound[judge & s.mask]!)
  const threshold = least - k.roundsNonAncient + 1
  if (threshold <= k.ancientThreshold) return
  k.ancientThreshold = threshold
  for (let i = 0; i < k.liveCount; i++) {
    const slot = live[i]! & s.mask
    if (s.state[slot] === LIVE && s.birthRound[slot]! < threshold) bury(k, slot)
  }
}

/** Spec section 5: gives the received events their places and times, and moves the last time given. */
function orderRound(k: Core, judges: readonly number[]): OrderedEvent[] {
  const { s, o } = k
  collectReceived(s, k.f, k.l, o, k.live, k.liveCount, judges)
  const events: OrderedEvent[] = []
  sortReceived(s, o, judges)
  for (let i = 0; i < o.receivedCount; i++) {
    const place = o.received[i]!
    const x = o.listed[place]!
    const slot = x & s.mask
    const timestamp = Math.max(o.medians[place]!, k.lastTimestamp + 1)
    events.push({ handle: s.handleBase + x, id: s.ids[slot]!, timestamp, order: k.nextOrder++ })
    k.lastTimestamp = timestamp + Math.max(1, s.transactionCount[slot]!) - 1
    bury(k, slot)
  }
  if (events.length === 0) {
    k.lastTimestamp = k.lastTimestamp < 0 ? judgesMedian(s, k.f.roster, judges) : k.lastTimestamp + 1
  }
  return events
}

/** Closes the election of a round that has just been decided, and all that are decided with it; stepwise, that one alone. */
function settle(k: Core): void {
  const { s, f, e } = k
  do {
    const round = f.roundOffset + e.round
    const judges = electedJudges(s, f, e)
    if (judges.length === 0) {
      // What follows has no meaning by the rule, so nothing follows: not at the next event either.
      k.stopped = `invariant: round ${round} has no judges (packages/consensus/README.md)`
      return
    }
    const judgeIds = judges.map((judge) => s.ids[judge & s.mask]!)
    for (const judge of k.judges) s.judge[judge & s.mask] = 0
    moveAncient(k, judges)
    const events = orderRound(k, judges)
    k.judgeIds = judgeIds
    k.decided.push({
      round,
      judges: judgeIds,
      ancientThreshold: k.ancientThreshold,
      lastTimestamp: k.lastTimestamp,
      nextOrder: k.nextOrder,
      events,
    })
    moveBase(k, judges)
    k.isHeld = k.stepwise
  } while (!k.isHeld && replayElection(k))
}

/** Stepwise: what the owner has seen may be gone on from. */
function release(k: Core): void {
  if (!k.isHeld) return
  k.isHeld = false
  if (replayElection(k)) settle(k)
}

/** Considers what the election has not considered yet, `steps` events at most, and after the first decision no more of an insertion. */
function goOn(k: Core, steps: number): void {
  const { s, f, e, c } = k
  for (let left = steps; left > 0 && k.current < k.liveCount; left--) {
    const witness = divideNext(k)
    if (witness < 0 || !consider(s, f, e, c, witness)) continue
    settle(k)
    if (steps !== Infinity || k.isHeld || k.stopped !== '') return
  }
}

/** Does all that has been left for later insertions. */
function finish(k: Core): void {
  if (k.current < k.liveCount && k.missingJudges === 0 && !k.isHeld && k.stopped === '') goOn(k, Infinity)
}

/** The live events that are ancestors of (or are) all of the given ones. */
function commonAncestors(k: Core, descendants: readonly number[]): number[] {
  const { s, live } = k
  // mark: how many of the descendants reach the event. Children come after their parents, so one pass down is enough for each.
  const reached = new Uint8Array(s.mask + 1)
  for (const descendant of descendants) {
    reached.fill(0)
    reached[descendant & s.mask] = 1
    for (let i = k.liveCount - 1; i >= 0; i--) {
      const slot = live[i]! & s.mask
      if (reached[slot] === 0) continue
      s.mark[slot]! += 1
      const start = s.parentStart[slot]!
      for (let p = start; p < start + s.parentCount[slot]!; p++)
        reached[s.parents[p & s.parentMask]! & s.mask] = 1
    }
  }
  const common: number[] = []
  for (let i = 0; i < k.liveCount; i++) {
    const slot = live[i]! & s.mask
    if (s.mark[slot] === descendants.length) common.push(live[i]!)
    s.mark[slot] = 0
  }
  return common
}

/** Spec section 7: all judges of the snapshot are there. */
function startFromSnapshot(k: Core): void {
  const { s, f } = k
  for (const x of commonAncestors(k, k.judges)) {
    bury(k, x & s.mask)
    k.counted.push(s.handleBase + x)
  }
  for (const judge of k.judges) s.judge[judge & s.mask] = 1
  sweep(k)
  computeAfresh(k)
  startElection(k.e, f, f.base + 1)
}

/** Is it one of the judges that a snapshot start waits for? */
function awaitJudge(k: Core, x: number): void {
  const id = k.s.ids[x & k.s.mask]!
  for (let i = 0; i < k.judges.length; i++) {
    if (k.judges[i] !== -1 || compareIds(id, k.judgeIds[i]!) !== 0) continue
    k.judges[i] = x
    k.missingJudges -= 1
  }
  if (k.missingJudges === 0) startFromSnapshot(k)
}

function checkGoing(k: Core): void {
  if (k.stopped !== '') throw new Error(k.stopped)
}

function insert(k: Core, event: EngineEvent): number {
  const { s, f } = k
  checkGoing(k)
  // It may be ancient by a round that is only not yet decided because something has been left for later.
  if (event.birthRound <= k.newestBirth - k.roundsNonAncient) finish(k)
  if (k.isHeld) throw new Error('invariant: the decided rounds are to be taken before the next event')
  if (event.birthRound < k.ancientThreshold) return NO_EVENT
  const x = append(s, event, placeOf(f.roster, event.creator))
  const handle = s.handleBase + x
  if (k.liveCount === k.live.length) {
    const live = new Int32Array(k.live.length * 2)
    live.set(k.live)
    k.live = live
  }
  k.live[k.liveCount++] = x
  hear(k.l, s, f, x)
  if (event.birthRound > k.newestBirth) k.newestBirth = event.birthRound
  if (k.missingJudges > 0) {
    awaitJudge(k, x)
    if (k.missingJudges > 0) return handle
  } else if (k.l.branches > 0 && !f.branching) {
    computeAfresh(k)
    startElection(k.e, f, f.base + 1)
  }
  goOn(k, k.stepsPerInsert)
  checkGoing(k)
  return handle
}

function checkOptions(options: EngineOptions): void {
  const { coinFrequency, roundsNonAncient } = options.config
  if (!Number.isInteger(coinFrequency) || coinFrequency < 2) {
    throw new Error(`config: coinFrequency ${coinFrequency} is not an integer from 2`)
  }
  if (!Number.isSafeInteger(roundsNonAncient) || roundsNonAncient < 1) {
    throw new Error(`config: roundsNonAncient ${roundsNonAncient} is not an integer from 1`)
  }
  const rounds = options.explain?.rounds ?? 1
  if (!Number.isSafeInteger(rounds) || rounds < 1)
    throw new Error(`explain: ${rounds} rounds is not an integer from 1`)
  if (options.explain !== undefined && options.stepwise === true)
    throw new Error('explain: an engine that goes step by step does not explain')
  const snapshot = options.snapshot
  if (snapshot === undefined) return
  for (const field of ['round', 'lastTimestamp', 'nextOrder', 'ancientThreshold'] as const) {
    if (!Number.isSafeInteger(snapshot[field]) || snapshot[field] < (field === 'ancientThreshold' ? 1 : 0)) {
      throw new Error(`snapshot: ${field} ${snapshot[field]} is not an integer in its range`)
    }
  }
  if (snapshot.round > 0 !== snapshot.judges.length > 0) {
    throw new Error(`snapshot: round ${snapshot.round} with ${snapshot.judges.length} judges`)
  }
  for (const judge of snapshot.judges) {
    if (judge.length !== 32) throw new Error(`snapshot: a judge's id has ${judge.length} bytes, not 32`)
  }
}

/** Inserts, and keeps for explanations what they need. */
function insertAndKeep(k: Core, recorder: Recorder, event: EngineEvent): EventHandle {
  const { ancientThreshold } = k
  const untaken = k.decided.length
  const handle = insert(k, event)
  recorder.inserted(event, handle, ancientThreshold, k.decided.slice(untaken))
  return handle
}

/** The round of an event in the election that is held; null if it has none or is not held any more. */
function roundHeld(k: Core, handle: EventHandle): number | null {
  const { s, f } = k
  finish(k)
  const index = handle - s.handleBase
  const round = index < s.tail || k.missingJudges > 0 ? 0 : s.round[index & s.mask]!
  return round === 0 ? null : f.roundOffset + round
}

/** Whether the event begins its creator's round in the election that is held, as far as the event is held. */
function isWitnessHeld(k: Core, handle: EventHandle): boolean {
  const { s } = k
  return (
    roundHeld(k, handle) !== null &&
    s.firstSelfWitness[(handle - s.handleBase) & s.mask] === handle - s.handleBase
  )
}

/**
 * Makes an engine at genesis, or one that goes on from a snapshot as soon as it has been given the judges. A snapshot
 * of round 0 is genesis.
 *
 * Throws an Error that says what is wrong with the options: weights are integers >= 1 whose sum in one roster is at most
 * 2^53 − 1 (all comparisons of weights are exact up to there); rosters come by ascending fromRound and one of
 * them rules the first round to be elected.
 *
 * The engine keeps the `id` arrays that it is given, without copying; they must not change afterwards.
 */
export function createEngine(options: EngineOptions, tuning: EngineTuning = {}): Engine {
  checkOptions(options)
  const k = new Core(options, tuning)
  const recorder = options.explain === undefined ? undefined : createRecorder(options, options.explain.rounds)
  const snapshot = (): ConsensusSnapshot => {
    finish(k)
    return {
      round: decidedRound(k),
      judges: k.judgeIds,
      ancientThreshold: k.ancientThreshold,
      lastTimestamp: Math.max(0, k.lastTimestamp),
      nextOrder: k.nextOrder,
    }
  }
  return {
    insert:
      recorder === undefined ? (event) => insert(k, event) : (event) => insertAndKeep(k, recorder, event),
    takeDecidedRounds() {
      if (k.decided.length === 0) release(k)
      finish(k)
      const { decided } = k
      if (decided.length > 0) k.decided = []
      return decided
    },
    scheduleRoster(roster) {
      finish(k)
      k.rosters.add(roster, decidedRound(k))
      recorder?.scheduled(roster)
    },
    isWaiting: () => k.missingJudges > 0,
    takeCounted() {
      const { counted } = k
      if (counted.length > 0) k.counted = []
      return counted
    },
    decidedRound() {
      finish(k)
      return decidedRound(k)
    },
    ancientThreshold() {
      finish(k)
      return k.ancientThreshold
    },
    snapshot,
    roundOf: (handle) => roundHeld(k, handle),
    isWitness: (handle) => isWitnessHeld(k, handle),
    explain(id) {
      if (recorder === undefined) throw new Error('explain: the engine was made without the option `explain`')
      return recorder.explain(id, { snapshot, roundOf: (handle) => roundHeld(k, handle) })
    },
  }
}
