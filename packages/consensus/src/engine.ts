/**
 * The ordering engine: takes events one by one and gives decided rounds. This file holds the election base and moves
 * it on when a round is decided; what an event sees is decided in rounds.ts, fame in election.ts, the order in
 * order.ts. Source: spec sections 2, 6 and 7.
 */
import { Counter, reserve } from './counting.ts'
import { compareIds, consider, Election, electedJudges, startElection } from './election.ts'
import { Coverage, coverEvent, forgetBranches, giveCover, rebuildCoverage } from './coverage.ts'
import { changeRoster, clearFrame, Frame, giveRow } from './frame.ts'
import { collectReceived, judgesMedian, OrderScratch, sortReceived } from './order.ts'
import { createRosterSchedule } from './roster.ts'
import type { RosterSchedule } from './roster.ts'
import { BRANCHED, divide, ROUNDLESS } from './rounds.ts'
import { append, EventStore, forgetBefore, GONE, LIVE, renumber } from './store.ts'
import { NO_EVENT } from './types.ts'
import type {
  ConsensusSnapshot,
  DecidedRound,
  Engine,
  EngineEvent,
  EngineOptions,
  OrderedEvent,
} from './types.ts'

/** Switches for tests and measurements. None of them changes a result. */
export interface EngineTuning {
  /** Compute everything afresh whenever a round is decided. */
  readonly alwaysAfresh?: boolean
  /** Indices are moved down once they have reached this number; at most 2^30. */
  readonly renumberAt?: number
  /** Places in the ring at the start; a power of two. */
  readonly capacity?: number
}

/** Fixed-shape record: the state of one engine. */
class Core {
  readonly s: EventStore
  readonly f: Frame
  readonly c: Counter = new Counter()
  readonly e: Election
  readonly v: Coverage
  readonly o: OrderScratch = new OrderScratch()
  readonly rosters: RosterSchedule
  readonly roundsNonAncient: number
  readonly alwaysAfresh: boolean
  readonly renumberAt: number

  /** Indices of the events that are not ordered and not ancient, and of the base's judges, as they were added. */
  live: Int32Array = new Int32Array(256)
  liveCount = 0
  /** Witnesses of the round under election and of later ones, as they were added. */
  witnesses: number[] = []
  /** The base's judges, and their ids. */
  judges: number[] = []
  judgeIds: readonly Uint8Array[] = []
  /** Of an engine started from a snapshot: how many judges have not come yet. */
  missingJudges = 0
  ancientThreshold = 1
  /** −1: none was given yet. */
  lastTimestamp = -1
  nextOrder = 0
  decided: DecidedRound[] = []

  constructor(options: EngineOptions, tuning: EngineTuning) {
    const snapshot = options.snapshot
    const round = snapshot === undefined ? 0 : snapshot.round
    const capacity = tuning.capacity ?? 1024
    this.rosters = createRosterSchedule(options.rosters, round + 1)
    this.s = new EventStore(capacity)
    this.f = new Frame(this.rosters.ruling(round + 1), Math.max(0, round - 1), 64)
    this.e = new Election(options.config.coinFrequency)
    this.roundsNonAncient = options.config.roundsNonAncient
    this.alwaysAfresh = tuning.alwaysAfresh ?? false
    this.renumberAt = Math.min(tuning.renumberAt ?? 2 ** 30, 2 ** 30)
    if (snapshot !== undefined && round > 0) {
      this.ancientThreshold = snapshot.ancientThreshold
      this.lastTimestamp = snapshot.lastTimestamp
      this.nextOrder = snapshot.nextOrder
      this.judgeIds = snapshot.judges
      this.missingJudges = snapshot.judges.length
      this.judges = snapshot.judges.map(() => -1)
      this.f.base = 1
    }
    this.v = new Coverage(64)
    rebuildCoverage(this.v, this.s, this.f.roster, this.live, 0)
    startElection(this.e, this.f, this.f.base + 1)
    reserve(this.c, this.f.size, this.f.words)
  }
}

function decidedRound(k: Core): number {
  return k.f.roundOffset + k.f.base
}

/** Computes all metadata again from the base (spec section 2: "is computed afresh when D grows"). */
function computeAfresh(k: Core): void {
  const { s, f, c, live, witnesses } = k
  for (let restart = true; restart;) {
    restart = false
    clearFrame(f)
    witnesses.length = 0
    for (let i = 0; i < k.liveCount; i++) s.round[live[i]! & s.mask] = 0
    for (let i = 0; i < k.liveCount; i++) {
      const x = live[i]!
      const outcome = divide(s, f, c, x)
      if (outcome === BRANCHED) {
        f.branching = true
        restart = true
        break
      }
      if (outcome !== ROUNDLESS && s.firstSelfWitness[x & s.mask] === x) witnesses.push(x)
    }
  }
  if (f.branchedCount === 0) f.branching = false
}

/** Considers the known witnesses in the election that has just begun. Returns whether its round is decided. */
function replayElection(k: Core): boolean {
  for (const witness of k.witnesses) if (consider(k.s, k.f, k.e, k.c, witness)) return true
  return false
}

/** The event is ordered or ancient now. */
function bury(k: Core, slot: number): void {
  k.s.state[slot] = GONE
  giveCover(k.v, k.s, slot)
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
  collectReceived(s, k.v, o, k.f.roster, k.live, k.liveCount, judges)
  const events: OrderedEvent[] = []
  for (const place of sortReceived(s, o, judges)) {
    const x = o.received[place]!
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

/** Drops from the live events those that are ordered or ancient, except the judges of the base, and the rows with them. */
function sweep(k: Core): void {
  const { s, f, live } = k
  let kept = 0
  for (let i = 0; i < k.liveCount; i++) {
    const x = live[i]!
    const slot = x & s.mask
    const stays = s.state[slot] === LIVE || s.judge[slot] === 1
    if (s.round[slot]! > 0 && (!stays || s.round[slot]! < f.base)) {
      giveRow(f, s.row[slot]!)
      s.round[slot] = 0
    }
    if (stays) live[kept++] = x
  }
  k.liveCount = kept
  forgetBefore(s, kept > 0 ? live[0]! : s.next)
}

function shiftIndices(k: Core): void {
  const shift = renumber(k.s)
  for (let i = 0; i < k.liveCount; i++) k.live[i]! -= shift
  for (let i = 0; i < k.judges.length; i++) k.judges[i]! -= shift
  k.f.roundOffset += k.f.base - 1
  k.f.base = 1
  rebuildCoverage(k.v, k.s, k.f.roster, k.live, k.liveCount)
}

function adoptRoster(k: Core): boolean {
  const { s, f } = k
  const roster = k.rosters.ruling(decidedRound(k) + 1)
  if (roster === f.roster) return false
  changeRoster(f, roster)
  reserve(k.c, f.size, f.words)
  for (let i = 0; i < k.liveCount; i++) {
    const slot = k.live[i]! & s.mask
    s.member[slot] = roster.indexOf.get(s.creator[slot]!) ?? -1
  }
  rebuildCoverage(k.v, s, roster, k.live, k.liveCount)
  return true
}

/**
 * Moves the base to the round that has just been decided, with its judges.
 *
 * Usually nothing has to be computed again. Let every witness of the decided round E be a judge, let no member have
 * branched, and let the roster stay. Then an event has a round after the move iff it had a round >= E before, and it
 * is the same one:
 * - Who has a round >= E has a first witness of round E below it or is one, so it is a judge or descends from one; it
 *   is not ordered unless it is a judge (an ordered event is an ancestor of every judge, so of its creator's, which
 *   is its own ancestor or itself), and not ancient, because birth rounds do not fall along ancestry. Conversely a
 *   descendant of a judge had a round >= E.
 * - By induction from parents to children: a parent with a round < E counted for nothing in the round of a child
 *   with parentRound >= E, since neither lastSeen nor seenThrough by way of such a parent is a witness of that
 *   round; now it has none. A child of parents with rounds < E that had round E itself is a witness, so a judge, and
 *   gets round D = E as such.
 * - Without branches lastSeen is the newest event of a member's chain, whatever the generations are, so generations, which
 *   do change, decide nothing. The sets of seen witnesses of rounds >= E are the same, and only these are used.
 * In every other case all is computed afresh.
 */
function moveBase(k: Core, judges: number[]): void {
  const { s, f, e } = k
  let witnesses = 0
  for (const w of k.witnesses) if (s.round[w & s.mask] === e.round) witnesses += 1
  let afresh = k.alwaysAfresh || f.branching || witnesses !== judges.length
  for (const judge of judges) s.judge[judge & s.mask] = 1
  k.judges = judges
  f.base = e.round
  sweep(k)
  forgetBranches(k.v, s, k.live, k.liveCount)
  if (adoptRoster(k)) afresh = true
  if (s.next >= k.renumberAt || s.parentNext >= k.renumberAt) {
    shiftIndices(k)
    afresh = true
  }
  if (afresh) computeAfresh(k)
  else k.witnesses = k.witnesses.filter((w) => w >= s.tail && s.round[w & s.mask]! > f.base)
  startElection(e, f, f.base + 1)
}

/** Closes the election of a round that has just been decided, and all that are decided with it. */
function settle(k: Core): void {
  const { s, f, e } = k
  do {
    const round = f.roundOffset + e.round
    const judges = electedJudges(s, f, e)
    if (judges.length === 0) throw new Error(`invariant: round ${round} has no judges`)
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
  } while (replayElection(k))
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
  for (const x of commonAncestors(k, k.judges)) bury(k, x & s.mask)
  for (const judge of k.judges) s.judge[judge & s.mask] = 1
  sweep(k)
  forgetBranches(k.v, s, k.live, k.liveCount)
  computeAfresh(k)
  startElection(k.e, f, f.base + 1)
  if (replayElection(k)) settle(k)
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

function insert(k: Core, event: EngineEvent): number {
  const { s, f } = k
  if (event.birthRound < k.ancientThreshold) return NO_EVENT
  const x = append(s, event, f.roster.indexOf.get(event.creator) ?? -1)
  const handle = s.handleBase + x
  if (k.liveCount === k.live.length) {
    const live = new Int32Array(k.live.length * 2)
    live.set(k.live)
    k.live = live
  }
  k.live[k.liveCount++] = x
  coverEvent(k.v, s, x)
  if (k.missingJudges > 0) {
    awaitJudge(k, x)
    return handle
  }
  const outcome = divide(s, f, k.c, x)
  if (outcome === BRANCHED) {
    f.branching = true
    computeAfresh(k)
    startElection(k.e, f, f.base + 1)
    if (replayElection(k)) settle(k)
  } else if (outcome !== ROUNDLESS && s.firstSelfWitness[x & s.mask] === x) {
    k.witnesses.push(x)
    if (consider(s, f, k.e, k.c, x)) settle(k)
  }
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
  return {
    insert: (event) => insert(k, event),
    takeDecidedRounds() {
      const decided = k.decided
      if (decided.length > 0) k.decided = []
      return decided
    },
    scheduleRoster: (roster) => k.rosters.add(roster, decidedRound(k)),
    decidedRound: () => decidedRound(k),
    ancientThreshold: () => k.ancientThreshold,
    snapshot: (): ConsensusSnapshot => ({
      round: decidedRound(k),
      judges: k.judgeIds,
      ancientThreshold: k.ancientThreshold,
      lastTimestamp: Math.max(0, k.lastTimestamp),
      nextOrder: k.nextOrder,
    }),
  }
}
