/**
 * The other-parents of the next own event: the newest event of every other member that one's own last event does not see
 * yet, without those that another of them sees already, and without members that have branched (their events still
 * come in as ancestors of others'; reliability: M1).
 */
import type { EventReference, Graph, LinkedEvent, Member } from '@hearsay/dag'

export function freshTips(graph: Graph, members: readonly Member[], self: number): EventReference[] {
  const own = graph.tip(self)
  const candidates: { readonly tip: LinkedEvent; readonly slot: number }[] = []
  for (const { id } of members) {
    const slot = graph.slotOf(id)!
    const tip = graph.tip(id)
    if (id === self || tip === undefined || graph.hasBranched(id) || graph.get(tip.event.key) !== tip)
      continue
    if (own !== undefined && own.seen[slot]! >= tip.event.sequence) continue
    candidates.push({ tip, slot })
  }
  return candidates
    .filter(
      ({ tip, slot }) =>
        !candidates.some((other) => other.tip !== tip && other.tip.seen[slot]! >= tip.event.sequence),
    )
    .map(({ tip }) => ({ creator: tip.event.creator, birthRound: tip.event.birthRound, id: tip.event.id }))
}
