/** What a node says of itself, put together from the member's view; the words for people are made here. */
import { isSupermajority, PROTOCOL_VERSION, type Genesis, type Member } from '@hearsay/dag'
import type { NodeStatus, PeerStatus } from '../src/api-types.ts'
import type { MemberView } from '../src/member-types.ts'
import type { Submissions } from './submissions.ts'

const VERSION = '0.1.0'
export const SOFTWARE: string = `hearsay/${VERSION}`

export interface StatusParts {
  readonly self: Member
  readonly genesis: Genesis
  readonly networkId: Uint8Array
  readonly view: MemberView
  readonly state: NodeStatus['state']
  readonly failureReason: string | undefined
  readonly isDiskFull: boolean
  readonly journalBytes: number
  readonly submissions: Submissions
  readonly certifiedRound: number
  readonly uptimeMs: number
  readonly transportCounters: Readonly<Record<string, number>>
}

function peersOf({ genesis, self, view }: StatusParts): PeerStatus[] {
  return genesis.members
    .filter((member) => member.id !== self.id)
    .map(({ id, name, weight }) => {
      const peer = view.peers.find((each) => each.memberId === id)
      return {
        memberId: id,
        name,
        weight,
        connected: peer !== undefined,
        decidedRound: peer?.decidedRound,
        hasBranched: view.branched.includes(id),
      }
    })
}

function judge(parts: StatusParts, reachable: number, reachableWeight: number, totalWeight: number) {
  const { state, view, genesis } = parts
  if (state !== 'active') return { state, reason: parts.failureReason }
  if (!isSupermajority(reachableWeight, totalWeight)) {
    const reason =
      `no quorum: ${reachable} of ${genesis.members.length} members within reach (weight ${reachableWeight} of ${totalWeight}), ` +
      'more than two thirds of the weight is needed; what is submitted becomes final when enough members return'
    return { state: 'no-quorum' as const, reason }
  }
  if (view.observing !== undefined) return { state: 'observing' as const, reason: observingReason(parts) }
  if (view.isBehind)
    return { state: 'behind' as const, reason: 'peers have decided rounds that are still being fetched' }
  if (parts.isDiskFull)
    return { state, reason: 'the disk is full: no own events are made until there is space' }
  return { state, reason: undefined }
}

function observingReason({ view, genesis }: StatusParts): string {
  const { answeredWeight, missing } = view.observing!
  if (missing === undefined)
    return `asking the members for the newest event of this one that they know (weight ${answeredWeight} with its own): none is made before that`
  const shownBy = genesis.members.find(({ id }) => id === missing.shownBy)?.name ?? String(missing.shownBy)
  return `${shownBy} has shown event ${missing.sequence} of this member, which this directory does not have: it is being fetched, and none is made before that`
}

export function describeStatus(parts: StatusParts): NodeStatus {
  const { self, genesis, view, submissions } = parts
  const peers = peersOf(parts)
  const totalWeight = genesis.members.reduce((sum, member) => sum + member.weight, 0)
  const connected = peers.filter((peer) => peer.connected)
  const reachableWeight = self.weight + connected.reduce((sum, peer) => sum + peer.weight, 0)
  const reachableMembers = connected.length + 1
  return {
    name: self.name,
    memberId: self.id,
    networkId: parts.networkId,
    ...judge(parts, reachableMembers, reachableWeight, totalWeight),
    round: view.round,
    certifiedRound: parts.certifiedRound,
    ledgerHash: view.ledgerHash,
    transactions: view.transactions,
    orderedEvents: view.orderedEvents,
    lastTimestamp: view.lastTimestamp,
    reachableWeight,
    totalWeight,
    members: genesis.members.length,
    reachableMembers,
    poolTransactions: view.poolTransactions,
    poolBytes: view.poolBytes,
    undecidedEvents: view.undecidedEvents,
    ownEvents: view.ownSequence,
    knownEvents: view.linkedEvents,
    waitingEvents: view.waitingEvents,
    journalBytes: parts.journalBytes,
    finalityP50Ms: submissions.percentileMs(0.5),
    finalityP99Ms: submissions.percentileMs(0.99),
    uptimeMs: parts.uptimeMs,
    peers,
    counters: { ...parts.transportCounters, ...Object.fromEntries(view.counters) },
    versions: { hearsay: VERSION, protocol: String(PROTOCOL_VERSION), node: process.versions.node },
  }
}
