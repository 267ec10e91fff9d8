/** What gossip remembers of one link, and how many control frames it bears. */
import { createElidedWriter, type ElidedWriter } from './elided.ts'

export interface Link {
  readonly link: number
  readonly memberId: number
  readonly openedMs: number
  software: string
  greeted: boolean
  /** What the peer last said of itself. */
  decidedRound: number | undefined
  congested: boolean
  /** The view's version when the frontier was last told here. */
  toldVersion: number
  /** And what the records came to. */
  toldDigest: number
  controlTokens: number
  controlAtMs: number
  features: number
  readonly writer: ElidedWriter
  /** How many restored events may still be invalid. */
  unrestorable: number
}

/** Restored events of a link that may be invalid before it is closed: honest members rarely cause one. */
const MAX_UNRESTORABLE = 64

export function createLink(
  link: number,
  memberId: number,
  members: readonly number[],
  burst: number,
  nowMs: number,
): Link {
  return {
    link,
    memberId,
    openedMs: nowMs,
    software: '',
    greeted: false,
    decidedRound: undefined,
    congested: false,
    toldVersion: -1,
    toldDigest: -1,
    controlTokens: burst,
    controlAtMs: nowMs,
    features: 0,
    writer: createElidedWriter(members),
    unrestorable: MAX_UNRESTORABLE,
  }
}

/** Whether the link may send one more control frame now. */
export function spendControl(link: Link, burst: number, perSecond: number, nowMs: number): boolean {
  const refill = ((nowMs - link.controlAtMs) / 1_000) * perSecond
  link.controlTokens = Math.min(burst, link.controlTokens + refill) - 1
  link.controlAtMs = nowMs
  return link.controlTokens >= 0
}
