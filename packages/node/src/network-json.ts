/**
 * What a node knows of the others and of the network, for the API: peers as seen from here and as they describe themselves,
 * the network by robust aggregates, and evidence against members that have branched, which anybody can verify with the
 * genesis alone (`verifyBranchProof`). Everything that a peer says of itself is its own word.
 */
import { peekEvent, toHex, type Genesis } from '@hearsay/dag'
import { UNKNOWN, type Liveness, type LinkTraffic, type TrafficCounts } from '@hearsay/gossip'
import type { Member } from './member-types.ts'
import type { NetworkReport } from './self-report.ts'

export interface PeerJson {
  readonly memberId: number
  readonly name: string
  readonly weight: number
  readonly connected: boolean
  readonly liveness: Liveness
  /** Null before anything was heard. */
  readonly silentMs: number | null
  readonly roundTripMs: number | null
  readonly suspectedBy: readonly string[]
  /** Through whom its events come, if not by itself. */
  readonly heardThrough: string | null
  readonly hasBranched: boolean
  readonly sent: TrafficCounts | null
  readonly received: TrafficCounts | null
  /** What it says of itself; null if nothing was heard. */
  readonly says: {
    readonly software: string
    readonly decidedRound: number
    readonly ledgerHash: string
    readonly transactions: number
    readonly transactionsPerSecond: number | null
    readonly finalityP50Ms: number | null
    readonly finalityP99Ms: number | null
    readonly loopLagMs: number | null
    readonly poolTransactions: number
    readonly peers: number
  } | null
}

export interface PeersJson {
  readonly peers: readonly PeerJson[]
}

export type NetJson = { readonly [K in keyof NetworkReport]: Exclude<NetworkReport[K], undefined> | null }

export interface EvidenceJson {
  readonly evidence: readonly {
    readonly memberId: number
    readonly name: string
    readonly sequence: number
    /** Two signed headers of the member with one sequence number. */
    readonly first: string
    readonly second: string
  }[]
}

export interface NetworkView {
  readonly peers: PeersJson
  readonly net: NetJson
  readonly evidence: EvidenceJson
}

const known = (value: number): number | null => (value === UNKNOWN ? null : value)
const finite = (value: number | undefined): number | null =>
  value === undefined || Math.abs(value) > 1e12 ? null : Math.round(value * 10) / 10

/** Put together when asked for: costs about a signature's time. */
export function networkView(member: Member, genesis: Genesis, self: number, nowMs: number): NetworkView {
  const view = member.view()
  const { liveness, traffic, upstreams } = view.gossip(nowMs)
  const names = new Map(genesis.members.map(({ id, name }) => [id, name]))
  const nameOf = (id: number): string => names.get(id) ?? String(id)
  const reports = new Map(view.reports().map((report) => [report.memberId, report.state]))
  const net = view.network()
  const peers = genesis.members
    .filter(({ id }) => id !== self)
    .map(({ id, name, weight }): PeerJson => {
      const alive = liveness.find(({ memberId }) => memberId === id)
      const counts: LinkTraffic | undefined = traffic.get(id)
      const through = upstreams.get(id)
      const says = reports.get(id)
      return {
        memberId: id,
        name,
        weight,
        connected: view.peers.some(({ memberId }) => memberId === id),
        liveness: alive?.state ?? 'unknown',
        silentMs: finite(alive?.silentMs),
        roundTripMs: finite(alive?.roundTripMs),
        suspectedBy: (alive?.suspectedBy ?? []).map(nameOf),
        heardThrough: through === undefined ? null : nameOf(through),
        hasBranched: view.branched.includes(id),
        sent: counts?.sent ?? null,
        received: counts?.received ?? null,
        says:
          says === undefined
            ? null
            : {
                ...says,
                ledgerHash: toHex(says.ledgerHash),
                transactionsPerSecond: known(says.transactionsPerSecond),
                finalityP50Ms: known(says.finalityP50Ms),
                finalityP99Ms: known(says.finalityP99Ms),
                loopLagMs: known(says.loopLagMs),
              },
      }
    })
  const evidence = member.branchProofs().map(({ first, second }) => {
    const { creator, sequence } = peekEvent(first)
    return { memberId: creator, name: nameOf(creator), sequence, first: toHex(first), second: toHex(second) }
  })
  return {
    peers: { peers },
    net: {
      ...net,
      decidedRound: net.decidedRound ?? null,
      transactions: net.transactions ?? null,
      transactionsPerSecond: net.transactionsPerSecond ?? null,
      finalityP50Ms: net.finalityP50Ms ?? null,
      finalityP99Ms: net.finalityP99Ms ?? null,
      loopLagMs: net.loopLagMs ?? null,
      roundLag: net.roundLag ?? null,
    },
    evidence: { evidence },
  }
}
