/**
 * What gossip sees of a member, and what it may look up of the graph by creator and number. For a member that is known to have
 * branched a number names no single event, so there is none: what refers to it goes over the wire in full.
 */
import { bytesKey, type EventReference, type Graph, type LinkedEvent, type Member } from '@hearsay/dag'
import type { GossipView } from '@hearsay/gossip'
import type { Orderer } from './orderer.ts'

/** Events that are handed out at once, in bytes. */
const MAX_BYTES = 512 * 1024

export function gossipViewOf(orderer: Orderer, members: readonly Member[]): GossipView {
  const { graph } = orderer
  return {
    frontier: () => new Map(graph.frontier().map(({ creator, sequence }) => [creator, sequence])),
    sequenceOf: (id) => graph.sequenceOf(id),
    version: () => orderer.linkedEvents(),
    missing: (from, limit) => graph.missing(from, limit),
    ...lookUps(graph, members),
    decidedRound: () => orderer.decidedRound(),
    ancientThreshold: () => orderer.ancientThreshold(),
  }
}

function lookUps(
  graph: Graph,
  members: readonly Member[],
): Pick<GossipView, 'find' | 'numberOf' | 'eventsFrom' | 'branchedMembers'> {
  const only = (creator: number, sequence: number): LinkedEvent | undefined =>
    graph.hasBranched(creator) ? undefined : graph.at(creator, sequence)
  return {
    find: (creator, sequence) => {
      const event = only(creator, sequence)?.event
      return event && { creator, birthRound: event.birthRound, id: event.id }
    },
    numberOf: (parent: EventReference) => {
      if (graph.hasBranched(parent.creator)) return undefined
      return graph.get(bytesKey(parent.id))?.event.sequence
    },
    eventsFrom: (creator, sequence, limit) => {
      const events: Uint8Array[] = []
      let size = 0
      for (let at = sequence; events.length < limit; at++) {
        const found = only(creator, at)
        if (found === undefined || size + found.event.bytes.length > MAX_BYTES) break
        size += found.event.bytes.length
        events.push(found.event.bytes)
      }
      return events
    },
    branchedMembers: () => members.filter(({ id }) => graph.hasBranched(id)).map(({ id }) => id),
  }
}
