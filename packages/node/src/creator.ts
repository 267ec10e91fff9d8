/**
 * When to make an own event. Never on a fixed timer: an event is made when there is something to say and it helps the
 * election forward, and an idle network makes none at all (performance design, section 1.3; the tipset rule of the
 * production hashgraph, with all fresh tips as other-parents).
 *
 * There is work while transactions wait in the pool or an event that carries transactions is not ordered. With work:
 *
 *  1. when members of more than two thirds of the weight, this one included, have new events since the last own event that
 *     had such a quorum: this is what moves rounds. At once when everybody has who lately kept up; else after a short
 *     patience, for an event that sees all of a level spares everybody a level (two levels make a round, not three);
 *  2. at once when the pool has transactions and nothing is under way in the network: a lone submitter wakes it;
 *  3. after a longer wait when at least one more member than at the last own event has something new, or one's own pool
 *     waits: the answer to being woken, and the way on when a quorum is slow;
 *  4. seldom, with a growing pause, when there is anything new at all: nothing gets stuck, and a minority that cannot
 *     decide does not fill its disks.
 *
 * Who has many events that are not ordered makes new ones at a slow pace only, whatever the rule: the others take no more than so
 * many in (pace-guard.ts).
 */
import { isSupermajority } from '@hearsay/dag'
import { MAX_OPEN_EVENTS } from './pace-guard.ts'

export interface CreatorTuning {
  /** The least time between two own events, in milliseconds. */
  readonly minGapMs: number
  /** Rule 1 waits this long for those who lately kept up, after the quorum is there. */
  readonly patienceMs: number
  /** A member that had nothing new at this many own events in a row is not waited for. */
  readonly missesForgiven: number
  /** Rule 3 waits this long after the last own event. */
  readonly answerAfterMs: number
  /** Rule 4 waits this long at first, doubling up to `stallMaxMs`. */
  readonly stallMs: number
  readonly stallMaxMs: number
}

/** With so many own events open, and from then on at most one in this time. */
const MANY_OPEN_EVENTS: number = MAX_OPEN_EVENTS / 2
const SLOW_GAP_MS = 1_000

export const DEFAULT_CREATOR_TUNING: CreatorTuning = {
  minGapMs: 2,
  patienceMs: 10,
  missesForgiven: 2,
  answerAfterMs: 24,
  stallMs: 1_000,
  stallMaxMs: 30_000,
}

export interface CreatorState {
  readonly nowMs: number
  /** Highest sequence number known of every member slot. */
  readonly frontier: Float64Array
  readonly poolHasTransactions: boolean
  /** Linked events with transactions that are not ordered yet, anybody's. */
  readonly undecidedEvents: number
  /** Own events with transactions that are not ordered yet. */
  readonly ownUndecidedEvents: number
  /** Own events that are not ordered yet, with transactions or without. */
  readonly ownOpenEvents: number
  /** How late timers fire here lately, in milliseconds: the pace slows with it. */
  readonly loopLagMs: number
}

export type CreatorVerdict =
  | { readonly kind: 'create' }
  | { readonly kind: 'wait'; readonly untilMs: number }
  | { readonly kind: 'idle' }

export interface Creator {
  decide(state: CreatorState): CreatorVerdict
  /** An own event has been made that sees this frontier. */
  created(frontier: Float64Array, nowMs: number): void
}

export function createCreator(
  weights: readonly number[],
  selfSlot: number,
  overrides: Partial<CreatorTuning> = {},
): Creator {
  const tuning = { ...DEFAULT_CREATOR_TUNING, ...overrides }
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const selfWeight = weights[selfSlot]!
  /** What the last own event with a quorum saw, and what the last own event saw. */
  let quorumSaw = new Float64Array(weights.length)
  let lastSaw = new Float64Array(weights.length)
  let lastMs = -Infinity
  /** Since when rule 1 holds. */
  let quorumSinceMs: number | undefined
  /** By member slot: at how many own events with a quorum in a row it had nothing new. */
  const misses = new Float64Array(weights.length)
  let stallMs = tuning.stallMs

  function newWeightSinceQuorum(frontier: Float64Array): number {
    let weight = 0
    for (let slot = 0; slot < weights.length; slot++) {
      if (slot !== selfSlot && frontier[slot]! > quorumSaw[slot]!) weight += weights[slot]!
    }
    return weight
  }

  const hasNews = (frontier: Float64Array): boolean =>
    frontier.some((sequence, slot) => slot !== selfSlot && sequence > lastSaw[slot]!)

  function decide(state: CreatorState): CreatorVerdict {
    const { nowMs, frontier } = state
    if (!state.poolHasTransactions && state.undecidedEvents === 0) return { kind: 'idle' }
    const slowest = state.ownOpenEvents >= MANY_OPEN_EVENTS ? SLOW_GAP_MS : 0
    const gap = Math.max(tuning.minGapMs, 2 * state.loopLagMs, slowest)
    const dueMs = dueAt(state, newWeightSinceQuorum(frontier))
    if (dueMs === undefined) return { kind: 'idle' }
    const atMs = Math.max(dueMs, lastMs + gap)
    return atMs <= nowMs ? { kind: 'create' } : { kind: 'wait', untilMs: atMs }
  }

  function dueAt(state: CreatorState, newWeight: number): number | undefined {
    const { frontier, nowMs, undecidedEvents, poolHasTransactions } = state
    if (isSupermajority(selfWeight + newWeight, total)) {
      quorumSinceMs ??= nowMs
      return isAnyoneExpected(frontier) ? quorumSinceMs + tuning.patienceMs : lastMs
    }
    if (poolHasTransactions && undecidedEvents === 0) return lastMs
    const ownWaits = poolHasTransactions && state.ownUndecidedEvents === 0
    if (ownWaits || newWeight > newWeightSinceQuorum(lastSaw)) return lastMs + tuning.answerAfterMs
    return hasNews(frontier) ? lastMs + stallMs : undefined
  }

  /** Whether somebody who lately kept up has nothing new yet. */
  function isAnyoneExpected(frontier: Float64Array): boolean {
    return frontier.some(
      (sequence, slot) =>
        slot !== selfSlot && sequence <= quorumSaw[slot]! && misses[slot]! <= tuning.missesForgiven,
    )
  }

  function noteMisses(frontier: Float64Array): void {
    for (let slot = 0; slot < weights.length; slot++) {
      misses[slot] = frontier[slot]! > quorumSaw[slot]! ? 0 : misses[slot]! + 1
    }
  }

  return {
    decide,
    created: (frontier, nowMs) => {
      const newWeight = newWeightSinceQuorum(frontier)
      if (isSupermajority(selfWeight + newWeight, total)) {
        noteMisses(frontier)
        quorumSaw = frontier.slice()
        quorumSinceMs = undefined
        stallMs = tuning.stallMs
      } else if (newWeight <= newWeightSinceQuorum(lastSaw)) {
        stallMs = Math.min(tuning.stallMaxMs, stallMs * 2)
      }
      lastSaw = frontier.slice()
      lastMs = nowMs
    },
  }
}
