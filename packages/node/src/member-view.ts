/** What a member shows of itself, put together from its parts. */
import type { Genesis, Member, VerifiedEvent } from '@hearsay/dag'
import type { Gossip, PeerView } from '@hearsay/gossip'
import type { MemberView } from './member-types.ts'
import type { Observing } from './observer.ts'
import type { Orderer } from './orderer.ts'
import type { OwnTransactions } from './own-transactions.ts'
import type { Pool } from './pool.ts'
import { memberReports, networkReport } from './self-report.ts'
import type { OwnTip } from './snapshot.ts'

/** Whether members of more than a third of the weight, so at least one honest one, say that they have decided more than this round. */
export function areAhead(peers: readonly PeerView[], round: number, members: readonly Member[]): boolean {
  const ahead = new Set(peers.flatMap((peer) => ((peer.decidedRound ?? 0) > round ? [peer.memberId] : [])))
  let weight = 0
  let total = 0
  for (const member of members) {
    total += member.weight
    if (ahead.has(member.id)) weight += member.weight
  }
  return 3 * weight > total
}

export interface ViewedParts {
  readonly genesis: Genesis
  readonly orderer: Orderer
  readonly pool: Pool
  readonly own: OwnTransactions
  readonly gossip: Gossip
  readonly counters: ReadonlyMap<string, number>
  readonly isBehind: boolean
  readonly branched: readonly number[]
  readonly observing: Observing | undefined
  readonly ownTip: OwnTip | undefined
  /** A made event that is not durable yet. */
  readonly unsynced: VerifiedEvent | undefined
}

export function viewOf(parts: ViewedParts): MemberView {
  const { orderer, pool, own, gossip, ownTip } = parts
  const { members } = parts.genesis
  const { graph } = orderer
  const head = orderer.head()
  return {
    round: head.round,
    ledgerHash: head.hash,
    transactions: head.nextPosition,
    orderedEvents: head.nextOrder,
    lastTimestamp: orderer.lastTimestamp(),
    poolTransactions: pool.size(),
    poolBytes: pool.bytes(),
    undecidedEvents: orderer.undecidedEvents(),
    staleOwnEvents: own.staleEvents(),
    ownSequence: parts.unsynced?.sequence ?? ownTip?.sequence ?? 0,
    durableSequence: ownTip?.sequence ?? 0,
    linkedEvents: orderer.linkedEvents(),
    waitingEvents: graph.waitingCount(),
    ancientThreshold: orderer.ancientThreshold(),
    isBehind: parts.isBehind,
    peers: gossip.peers(),
    branched: parts.branched,
    observing: parts.observing,
    counters: parts.counters,
    reports: () => memberReports(gossip, members),
    gossip: (nowMs) => ({
      liveness: gossip.liveness(nowMs),
      traffic: gossip.traffic(),
      upstreams: gossip.upstreams(),
    }),
    network: () => networkReport(memberReports(gossip, members), members),
  }
}
