/**
 * When to make an own event. Never on a fixed timer: an event is made when there is something to say and it helps the
 * election forward, and an idle network makes none at all (performance design, section 1.3; the tipset rule of the
 * production hashgraph, with all fresh tips as other-parents).
 *
 * There is work while transactions wait in the pool or an event that carries transactions is not ordered. With work:
 *
 *  1. at once (but for the pace) when members of more than two thirds of the weight, this one included, have new events
 *     since the last own event that had such a quorum: this is what moves rounds;
 *  2. at once when the pool has transactions and none of one's own is under way: so a lone submitter wakes an idle network;
 *  3. after a short wait when at least one more member than at the last own event has something new: the answer to
 *     being woken, and the way on when a quorum is slow;
 *  4. seldom, with a growing pause, when there is anything new at all: nothing gets stuck, and a minority that cannot
 *     decide does not fill its disks.
 */
import { isSupermajority } from '@hearsay/dag'

export interface CreatorTuning {
  /** The least time between two own events, in milliseconds. */
  readonly minGapMs: number
  /** Rule 3 waits this long after the last own event. */
  readonly answerAfterMs: number
  /** Rule 4 waits this long at first, doubling up to `stallMaxMs`. */
  readonly stallMs: number
  readonly stallMaxMs: number
}

export const DEFAULT_CREATOR_TUNING: CreatorTuning = {
  minGapMs: 4,
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
    const gap = Math.max(tuning.minGapMs, 2 * state.loopLagMs)
    const dueMs = dueAt(state, newWeightSinceQuorum(frontier))
    if (dueMs === undefined) return { kind: 'idle' }
    const atMs = Math.max(dueMs, lastMs + gap)
    return atMs <= nowMs ? { kind: 'create' } : { kind: 'wait', untilMs: atMs }
  }

  function dueAt(state: CreatorState, newWeight: number): number | undefined {
    if (isSupermajority(selfWeight + newWeight, total)) return lastMs
    if (state.poolHasTransactions && state.ownUndecidedEvents === 0) return lastMs
    if (newWeight > newWeightSinceQuorum(lastSaw)) return lastMs + tuning.answerAfterMs
    return hasNews(state.frontier) ? lastMs + stallMs : undefined
  }

  return {
    decide,
    created: (frontier, nowMs) => {
      const newWeight = newWeightSinceQuorum(frontier)
      if (isSupermajority(selfWeight + newWeight, total)) {
        quorumSaw = frontier.slice()
        stallMs = tuning.stallMs
      } else if (newWeight <= newWeightSinceQuorum(lastSaw)) {
        stallMs = Math.min(tuning.stallMaxMs, stallMs * 2)
      }
      lastSaw = frontier.slice()
      lastMs = nowMs
    },
  }
}
