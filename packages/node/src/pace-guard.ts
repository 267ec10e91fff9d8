/**
 * How many events of one member are taken in at a time, so that who makes valid events without end fills neither memory nor
 * disks (reliability: M11). Open is an event that is linked, not ordered and not ancient. Up to MAX_OPEN_EVENTS of a member may be;
 * further ones are left out for now, and are asked for again like any that is missing.
 *
 * No honest event is lost by this, and no round is held up. An honest member that had decided as much as this one has taken its
 * events in under the same bound; its events of one member are a line of which this one holds a beginning, so it has no fewer
 * open here than there, and what sufficed there for the next decision fits in here as well. Who has decided less gets there
 * first. That is so as long as the member has one line. Where branches, or histories that differ for another reason, break the
 * argument, an allowance for what repairs bring (as in branch-guard.ts) and a trickle are left: it can get slow, not stuck.
 *
 * Nothing of this is about what is valid: it is what is taken in now.
 */
import { createAllowance } from './allowance.ts'

/** An honest member has about twenty; where nothing is decided it slows down long before this (creator.ts). */
export const MAX_OPEN_EVENTS = 256
/** An event that waits for parents is no further than this ahead of what is linked of its creator. */
const MAX_AHEAD = 1_024
/** Beyond MAX_OPEN_EVENTS: of one member by repairs, in one window of rounds. */
const MAX_REPAIRED_EVENTS = 4_096
/** And in any case, of one member. */
const TRICKLE_PER_SECOND = 4
const TRICKLE_BURST = 8

export interface PaceGuard {
  /** Whether an event of this member may be looked at; costs the member nothing. */
  mayCome(creator: number, request: number, nowMs: number): boolean
  /** Whether it may wait for parents here: waiting ones would all be linked at once, and are no way around the bound. */
  mayWait(creator: number, sequence: number): boolean
  /** It is valid, and is taken in. */
  take(creator: number, request: number, nowMs: number): void
}

export function createPaceGuard(
  openEvents: (creator: number) => number,
  sequenceOf: (creator: number) => number,
  ancientThreshold: () => number,
  roundsNonAncient: number,
): PaceGuard {
  const repaired = createAllowance(MAX_REPAIRED_EVENTS, ancientThreshold, roundsNonAncient)
  const trickles = new Map<number, { tokens: number; atMs: number }>()

  function tokensOf(creator: number, nowMs: number): number {
    const trickle = trickles.get(creator)
    if (trickle === undefined) return TRICKLE_BURST
    const refill = ((nowMs - trickle.atMs) / 1_000) * TRICKLE_PER_SECOND
    return Math.min(TRICKLE_BURST, trickle.tokens + refill)
  }

  const isOver = (creator: number): boolean => openEvents(creator) >= MAX_OPEN_EVENTS

  return {
    mayCome: (creator, request, nowMs) =>
      !isOver(creator) || (request !== 0 && repaired.has(creator)) || tokensOf(creator, nowMs) >= 1,
    mayWait: (creator, sequence) => sequence - sequenceOf(creator) <= MAX_AHEAD,
    take: (creator, request, nowMs) => {
      if (!isOver(creator)) return
      if (request !== 0 && repaired.has(creator)) repaired.spend(creator)
      else trickles.set(creator, { tokens: tokensOf(creator, nowMs) - 1, atMs: nowMs })
    },
  }
}
