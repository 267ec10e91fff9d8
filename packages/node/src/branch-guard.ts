/**
 * What is taken in of members that have branched, so that a hundred thousand branches cost no more than a few (reliability:
 * M2; "legit units" of AlephBFT). An event of such a member is taken when
 *
 *  - a waiting event names it, for then somebody's history needs it (and what waits was itself let in by this rule); or
 *  - it is the first one here with its number and lacks no parent: the member's one line goes on, at its own pace; or
 *  - it comes by a repair, which was asked for, and the member's allowance for these is not used up: long branches that others
 *    build on come in one answer and not one event an answer.
 *
 * Everything else is passed over before it costs a place, and is asked for by name when an honest member's event turns out
 * to need it: no honest event is ever lost by this. The allowance is renewed when the window of rounds has moved on.
 */
import type { DecodedEvent, Graph } from '@hearsay/dag'
import { createAllowance } from './allowance.ts'

/** Further branches of one member that repairs may bring in one window of rounds. */
const MAX_REPAIRED_BRANCHES = 4_096

export interface BranchGuard {
  /** Whether an event may be looked at, before its signature is; costs its creator nothing. */
  admits(event: DecodedEvent, request: number): boolean
  /** It is valid, and is taken in. */
  take(event: DecodedEvent): void
}

export function createBranchGuard(
  graph: Graph,
  ancientThreshold: () => number,
  roundsNonAncient: number,
): BranchGuard {
  const repaired = createAllowance(MAX_REPAIRED_BRANCHES, ancientThreshold, roundsNonAncient)

  const isFree = (event: DecodedEvent): boolean =>
    !graph.hasBranched(event.creator) ||
    graph.isAwaited(event.key) ||
    (graph.at(event.creator, event.sequence) === undefined && !graph.lacksParents(event))

  return {
    admits: (event, request) => isFree(event) || (request !== 0 && repaired.has(event.creator)),
    take: (event) => {
      if (!isFree(event)) repaired.spend(event.creator)
    },
  }
}
