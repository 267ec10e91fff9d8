/**
 * What this member tells the others of itself, and when: at most once a second while something changes, and once in a long
 * while otherwise, so that who hears nothing new still knows that it is up to date. And what the network is like, from what all say.
 */
import type { Member as RosterMember } from '@hearsay/dag'
import {
  aggregate,
  decodeNodeState,
  encodeNodeState,
  RECORD_KINDS,
  UNKNOWN,
  type Aggregate,
  type Gossip,
  type NodeState,
} from '@hearsay/gossip'

/** The least time between two own state records, and the most. */
export const REPORT_EVERY_MS = 1_000
export const REPORT_AT_LEAST_EVERY_MS = 60_000

/** What the driver measures. */
export interface Vitals {
  readonly finalityP50Ms: number
  readonly finalityP99Ms: number
}

export interface SelfReport {
  /** Publishes if it is time to. */
  consider(nowMs: number): void
  nextMs(): number | undefined
  vitals(vitals: Vitals): void
  /** Others think that this member is down: the next one is due as soon as any could be. */
  hurry(): void
}

export type Measured = Pick<
  NodeState,
  'decidedRound' | 'ledgerHash' | 'transactions' | 'poolTransactions' | 'peers'
> & { readonly loopLagMs: number }

const orUnknown = (value: number | undefined): number => (value === undefined ? UNKNOWN : Math.round(value))

export function createSelfReport(
  gossip: Pick<Gossip, 'publish'>,
  software: string,
  measure: () => Measured,
): SelfReport {
  let vitals: Vitals | undefined
  let publishedMs: number | undefined
  let publishedRound = -1
  let publishedPeers = -1
  let publishedTransactions = 0
  let isHurried = false

  const isChanged = ({ decidedRound, peers }: Measured): boolean =>
    isHurried || decidedRound !== publishedRound || peers !== publishedPeers

  function publish(measured: Measured, nowMs: number): void {
    const elapsedMs = publishedMs === undefined ? Infinity : nowMs - publishedMs
    const grown = measured.transactions - publishedTransactions
    gossip.publish(
      RECORD_KINDS.state,
      encodeNodeState({
        ...measured,
        software,
        transactionsPerSecond: elapsedMs === Infinity ? UNKNOWN : Math.round((grown * 1_000) / elapsedMs),
        finalityP50Ms: orUnknown(vitals?.finalityP50Ms),
        finalityP99Ms: orUnknown(vitals?.finalityP99Ms),
        loopLagMs: Math.round(measured.loopLagMs),
      }),
    )
    publishedMs = nowMs
    isHurried = false
    publishedRound = measured.decidedRound
    publishedPeers = measured.peers
    publishedTransactions = measured.transactions
  }

  const dueMs = (measured: Measured): number =>
    publishedMs === undefined
      ? -Infinity
      : publishedMs + (isChanged(measured) ? REPORT_EVERY_MS : REPORT_AT_LEAST_EVERY_MS)

  return {
    consider: (nowMs) => {
      const measured = measure()
      // A member that nobody hears has nobody to tell.
      if (measured.peers > 0 && dueMs(measured) <= nowMs) publish(measured, nowMs)
    },
    nextMs: () => {
      const measured = measure()
      return measured.peers === 0 ? undefined : dueMs(measured)
    },
    hurry: () => void (isHurried = true),
    vitals: (measured) => void (vitals = measured),
  }
}

/** What a member says of itself, if anything was heard of it. */
export interface MemberReport {
  readonly memberId: number
  readonly name: string
  readonly weight: number
  readonly epoch: number
  readonly version: number
  readonly state: NodeState
}

export interface NetworkReport {
  readonly members: number
  readonly totalWeight: number
  readonly reportingMembers: number
  readonly reportingWeight: number
  /** Undefined without reports of more than two thirds of the weight that know the number. */
  readonly decidedRound: Aggregate | undefined
  readonly transactions: Aggregate | undefined
  readonly transactionsPerSecond: Aggregate | undefined
  readonly finalityP50Ms: Aggregate | undefined
  readonly finalityP99Ms: Aggregate | undefined
  readonly loopLagMs: Aggregate | undefined
  /** How many rounds members are behind the furthest honest one. */
  readonly roundLag: Aggregate | undefined
}

export function memberReports(
  gossip: Pick<Gossip, 'record'>,
  members: readonly RosterMember[],
): readonly MemberReport[] {
  return members.flatMap(({ id, name, weight }) => {
    const record = gossip.record(id, RECORD_KINDS.state)
    const state = record && decodeNodeState(record.content)
    if (record === undefined || state === undefined) return []
    return [{ memberId: id, name, weight, epoch: record.epoch, version: record.version, state }]
  })
}

type Numbers = Extract<
  keyof NodeState,
  'decidedRound' | 'transactions' | 'transactionsPerSecond' | 'finalityP50Ms' | 'finalityP99Ms' | 'loopLagMs'
>

export function networkReport(
  reports: readonly MemberReport[],
  members: readonly RosterMember[],
): NetworkReport {
  const totalWeight = members.reduce((sum, { weight }) => sum + weight, 0)
  const over = (pick: (state: NodeState) => number): Aggregate | undefined =>
    aggregate(
      reports
        .map(({ state, weight }) => ({ value: pick(state), weight }))
        .filter(({ value }) => value !== UNKNOWN),
      totalWeight,
    )
  const of = (name: Numbers): Aggregate | undefined => over((state) => state[name])
  const decidedRound = of('decidedRound')
  return {
    members: members.length,
    totalWeight,
    reportingMembers: reports.length,
    reportingWeight: reports.reduce((sum, { weight }) => sum + weight, 0),
    decidedRound,
    transactions: of('transactions'),
    transactionsPerSecond: of('transactionsPerSecond'),
    finalityP50Ms: of('finalityP50Ms'),
    finalityP99Ms: of('finalityP99Ms'),
    loopLagMs: of('loopLagMs'),
    roundLag: decidedRound && over((state) => Math.max(0, decidedRound.max - state.decidedRound)),
  }
}
