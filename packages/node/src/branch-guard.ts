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
import type { Graph, VerifiedEvent } from '@hearsay/dag'

/** Further branches of one member that repairs may bring in one window of rounds. */
const MAX_REPAIRED_BRANCHES = 4_096

export interface BranchGuard {
  admits(event: VerifiedEvent, request: number): boolean
}

export function createBranchGuard(
  graph: Graph,
  ancientThreshold: () => number,
  roundsNonAncient: number,
): BranchGuard {
  /** Member → how much of its allowance is used, in the window that began at a round. */
  const used = new Map<number, { count: number; fromRound: number }>()

  function spend(creator: number): boolean {
    const round = ancientThreshold()
    let spent = used.get(creator)
    if (spent === undefined || round >= spent.fromRound + roundsNonAncient) {
      spent = { count: 0, fromRound: round }
      used.set(creator, spent)
    }
    spent.count += 1
    return spent.count <= MAX_REPAIRED_BRANCHES
  }

  return {
    admits: (event, request) => {
      const { creator, sequence, key } = event
      if (!graph.hasBranched(creator) || graph.isAwaited(key)) return true
      if (graph.at(creator, sequence) === undefined && !graph.lacksParents(event)) return true
      return request !== 0 && spend(creator)
    },
  }
}
