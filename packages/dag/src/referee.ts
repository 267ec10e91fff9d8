/**
 * Decides whether two back ends may go on together: rejections of a fast one are recomputed with an independent one,
 * at a bounded rate, and a single disagreement stops the node.
 *
 * Only rejections need it. After the prechecks of STRICT, an acceptance by a back end that computes the equation is
 * sound; a wrong rejection would let this member drop an event that all others keep. Stopping beats a fork: the
 * member that stops can be repaired, a history that has split cannot.
 *
 * Pure: the time comes with the call. Rejections that the prechecks explain are settled and cost no budget.
 */
import type { SignatureVerifier } from './crypto.ts'
import { describeVector } from './self-test.ts'
import { passesPrechecks } from './strict.ts'

/** How often the referee may be asked. */
export interface RefereeOptions {
  /** Recomputations a second in the long run; 0 turns the referee off. Default 5, so under 2 % of a processor. */
  readonly perSecond?: number
  /** Recomputations at once after a quiet time. Default 5. */
  readonly burst?: number
}

/** A verifier that doubts some of its own rejections. */
export interface Referee {
  /**
   * The verdict of the fast verifier. Throws a `VerdictDisagreement` if the independent one was asked and accepted:
   * an invariant is broken, so nobody should catch it and go on.
   * `nowMs` is a monotonic clock in milliseconds; going backwards grants no budget.
   */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array, nowMs: number): boolean
  /** Rejections recomputed so far. */
  readonly recomputed: number
  /** Rejections taken on trust so far, for want of budget. */
  readonly trusted: number
}

/** Two back ends gave different verdicts on the same bytes. The message holds the whole vector in hex. */
export class VerdictDisagreement extends Error {
  override readonly name = 'VerdictDisagreement'
  /** Stable code for operators and metrics. */
  readonly code = 'HEARSAY_VERDICT_DISAGREEMENT'
}

/** A referee over `fast`, recomputing with `independent`. */
export const createReferee = (
  fast: SignatureVerifier & { readonly name: string },
  independent: SignatureVerifier & { readonly name: string },
  options: RefereeOptions = {},
): Referee => {
  const { perSecond = 5, burst = 5 } = options
  if (!(perSecond >= 0) || !(burst >= 1))
    throw new RangeError('a referee needs perSecond >= 0 and burst >= 1')
  let tokens = burst
  let refilledMs: number | undefined
  let recomputed = 0
  let trusted = 0

  const takeToken = (nowMs: number): boolean => {
    if (perSecond === 0) return false
    const elapsedMs = Math.max(0, nowMs - (refilledMs ?? nowMs))
    refilledMs = Math.max(nowMs, refilledMs ?? nowMs)
    tokens = Math.min(burst, tokens + (elapsedMs * perSecond) / 1000)
    if (tokens < 1) return false
    tokens -= 1
    return true
  }

  return {
    verify(publicKey, message, signature, nowMs) {
      if (fast.verify(publicKey, message, signature)) return true
      if (!passesPrechecks(publicKey, signature)) return false
      if (!takeToken(nowMs)) {
        trusted += 1
        return false
      }
      recomputed += 1
      if (!independent.verify(publicKey, message, signature)) return false
      throw new VerdictDisagreement(
        `The signature back ends disagree: ${fast.name} rejects and ${independent.name} accepts. ` +
          `Stop this node, report the vector, and start it again with the portable back end. ` +
          describeVector(publicKey, message, signature),
      )
    },
    get recomputed() {
      return recomputed
    },
    get trusted() {
      return trusted
    },
  }
}
