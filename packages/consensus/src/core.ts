/**
 * The state of one engine, and what several of its parts do to it.
 */
import { Counter, reserve } from './counting.ts'
import { Election, startElection } from './election.ts'
import { clearFrame, Frame } from './frame.ts'
import { Lanes, rebuildLanes } from './lanes.ts'
import { OrderScratch } from './order.ts'
import { createRosterSchedule } from './roster.ts'
import type { RosterSchedule } from './roster.ts'
import { EventStore, GONE } from './store.ts'
import type { DecidedRound, EngineOptions } from './types.ts'

/** Switches for tests and measurements. None of them changes a result. */
export interface EngineTuning {
  /** Compute everything afresh whenever a round is decided. */
  readonly alwaysAfresh?: boolean
  /** Indices are moved down once they have reached this number; at most 2^30. */
  readonly renumberAt?: number
  /** Places in the ring at the start; a power of two. */
  readonly capacity?: number
  /** How many events an insertion brings up to date at most, beside its own. */
  readonly stepsPerInsert?: number
  /** Lanes beyond those of the roster's members (lanes.ts); branches that find none take the slow path. */
  readonly extraLanes?: number
}

/** Fixed-shape record: the state of one engine. */
export class Core {
  readonly s: EventStore
  readonly f: Frame
  readonly c: Counter = new Counter()
  readonly e: Election
  readonly l: Lanes = new Lanes()
  readonly o: OrderScratch = new OrderScratch()
  readonly rosters: RosterSchedule
  readonly roundsNonAncient: number
  readonly alwaysAfresh: boolean
  readonly stepwise: boolean
  readonly renumberAt: number
  readonly stepsPerInsert: number

  /** Indices of the events that are not ordered and not ancient, and of the base's judges, as they were added. */
  live: Int32Array = new Int32Array(256)
  liveCount = 0
  /** How many of them have metadata relative to the base, and how many have any (base.ts). */
  current = 0
  known = 0
  /** While not all of them have been reached: the rounds that events have lost or got since the base moved. */
  readonly changed: Set<number> = new Set()
  /** The greatest birth round that an event has had. */
  newestBirth = 0
  /** Witnesses of the round under election and of later ones, as they were added. */
  witnesses: number[] = []
  /** The base's judges, and their ids. */
  judges: number[] = []
  judgeIds: readonly Uint8Array[] = []
  /** Of an engine started from a snapshot: how many judges have not come yet. */
  missingJudges = 0
  /** And, when they have: the handles of the events that count as ordered. */
  counted: number[] = []
  ancientThreshold = 1
  /** −1: none was given yet. */
  lastTimestamp = -1
  nextOrder = 0
  decided: DecidedRound[] = []
  /** Stepwise: a round has been decided, and its owner has not seen it yet. */
  isHeld = false
  /** Why nothing can be ordered any more; empty as long as it can. */
  stopped = ''

  constructor(options: EngineOptions, tuning: EngineTuning) {
    const snapshot = options.snapshot
    const round = snapshot === undefined ? 0 : snapshot.round
    const capacity = tuning.capacity ?? 128
    this.rosters = createRosterSchedule(options.rosters, round + 1)
    this.s = new EventStore(capacity)
    this.f = new Frame(this.rosters.ruling(round + 1), Math.max(0, round - 1), 64)
    this.e = new Election(options.config.coinFrequency, options.fastPath ?? false)
    this.roundsNonAncient = options.config.roundsNonAncient
    this.stepwise = options.stepwise ?? false
    this.alwaysAfresh = tuning.alwaysAfresh ?? false
    this.stepsPerInsert = options.explain === undefined ? (tuning.stepsPerInsert ?? 64) : Infinity
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
    this.l.extra = tuning.extraLanes ?? this.l.extra
    rebuildLanes(this.l, this.s, this.f, this.f.roster, this.live, 0)
    clearFrame(this.f, false)
    startElection(this.e, this.f, this.f.base + 1)
    reserve(this.c, this.f.size)
  }
}

export function decidedRound(k: Core): number {
  return k.f.roundOffset + k.f.base
}

/** The event is ordered or ancient now. */
export function bury(k: Core, slot: number): void {
  k.s.state[slot] = GONE
}
