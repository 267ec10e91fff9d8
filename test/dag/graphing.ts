/** Graphs for tests: offered events are linked at once. */
import {
  createGraph,
  type Graph,
  type LinkedEvent,
  type OfferResult,
  type VerifiedEvent,
  type WaitingLimits,
} from '@hearsay/dag'

export const MEMBERS = 4

export const newGraph = (limits: Partial<WaitingLimits> = {}, members: number = MEMBERS): Graph =>
  createGraph({ members: Array.from({ length: members }, (_, i) => i + 1), limits })

export function drain(graph: Graph): LinkedEvent[] {
  const linked: LinkedEvent[] = []
  for (let next = graph.next(); next !== undefined; next = graph.next()) linked.push(next)
  return linked
}

export function offer(graph: Graph, event: VerifiedEvent, source: number = event.creator): OfferResult {
  const result = graph.offer(event, source)
  drain(graph)
  return result
}
