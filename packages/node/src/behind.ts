/** Whether the others are so far ahead that an own event would soon be ancient: there is more to fetch than to say. */
import type { Genesis } from '@hearsay/dag'
import type { PeerView } from '@hearsay/gossip'

export function isBehindPeers(
  { members, roundsNonAncient }: Genesis,
  round: number,
  peers: readonly PeerView[],
): boolean {
  const horizon = round + Math.ceil(roundsNonAncient / 2)
  const weightOf = (id: number): number => members.find((member) => member.id === id)?.weight ?? 0
  const total = members.reduce((sum, { weight }) => sum + weight, 0)
  let ahead = 0
  for (const peer of peers) if ((peer.decidedRound ?? 0) > horizon) ahead += weightOf(peer.memberId)
  // More than a third: at least one of them is honest.
  return 3 * ahead > total
}
