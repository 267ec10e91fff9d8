/** Detectors of silent members, as far as theory speaks of them: what the checks E15 to E19 measure. */
import { exp, ln, LN10, normalTail, normalTailPoint, rootOf } from './numbers.ts'
import type { Random } from '../random.ts'
import { below } from './partners.ts'

/**
 * SWIM: in periods, from the crash on, until the first of the n - 1 others probes the crashed member, when each probes a random other
 * once a period. With timers of their own everybody's probe has its own phase; in lock-step a crash is noticed at the period's end.
 */
export function firstProbe(random: Random, members: number, isLockStep: boolean): number {
  const observers = members - 1
  let first = Infinity
  for (let i = 0; i < observers; i++) {
    const phase = isLockStep ? 1 : random.next()
    for (let period = 0; phase + period < first; period++)
      if (below(random, members - 1) === 0) first = phase + period
  }
  return first
}

/** Mean of the above: in a period and its first part f none probes with probability ((1-q)^periods (1 - fq))^(n-1), q = 1/(n-1). */
export function firstProbeMean(members: number, isLockStep: boolean): number {
  const q = 1 / (members - 1)
  const silentPeriod = exp((members - 1) * ln(1 - q))
  const withinPeriod = isLockStep ? 1 : (1 - exp(members * ln(1 - q))) / (q * members)
  return withinPeriod / (1 - silentPeriod)
}

/** Round-robin over shuffled lists: the longest time between two probes of one member, in periods. */
export function longestGap(random: Random, members: number, passes: number): number {
  let others = Array.from({ length: members - 1 }, (_, i) => i)
  let longest = 0
  let last = -1
  for (let pass = 0; pass < passes; pass++) {
    others = random.shuffled(others)
    const at = pass * others.length + others.indexOf(0)
    if (last >= 0) longest = Math.max(longest, at - last)
    last = at
  }
  return longest
}

/** Whether a probe of a live member fails: ping and ack, then over k helpers four legs each. Any leg is lost with probability `loss`. */
export function probeFails(random: Random, loss: number, helpers: number): boolean {
  const passes = (legs: number): boolean => {
    for (let i = 0; i < legs; i++) if (random.next() < loss) return false
    return true
  }
  if (passes(2)) return false
  for (let i = 0; i < helpers; i++) if (passes(4)) return false
  return true
}

export interface Lifeguard {
  readonly members: number
  readonly periodMs: number
  /** Suspicion multiplier, and how many times the least timeout is the most. */
  readonly multiplier: number
  readonly most: number
  /** Confirmations that are waited for. */
  readonly wanted: number
}

/** max(min, max - (max - min) ln(C+1)/ln(K+1)): how long a suspicion with C confirmations lasts in all. */
export function suspicionMs(
  { members, periodMs, multiplier, most, wanted }: Lifeguard,
  confirmations: number,
): number {
  const least = multiplier * Math.max(1, ln(members) / LN10) * periodMs
  const span = most * least - least
  return Math.max(least, most * least - (span * ln(confirmations + 1)) / ln(wanted + 1))
}

/**
 * A frozen member: how long until the first of the others declares it dead. Each probes in turn over its own shuffled list, learns that
 * the probe failed a period later, and tells the others at once; every suspicion is confirmed by the other suspicions.
 */
export function firstDeclared(random: Random, options: Lifeguard): number {
  const { members, periodMs, wanted } = options
  // Where in the list the frozen member stands, and the phase of the timer.
  const suspected = Array.from(
    { length: members - 1 },
    () => (random.next() + below(random, members - 1) + 1) * periodMs,
  ).sort((a, b) => a - b)
  const start = suspected[0]!
  let due = start + suspicionMs(options, 0)
  for (let i = 1; i <= wanted && i < suspected.length; i++) {
    if (suspected[i]! >= due) break
    due = Math.max(suspected[i]!, start + suspicionMs(options, i))
  }
  return due
}

/** Gaps between heartbeats: their mean, and how much of all gaps is longer than a time. */
export interface GapModel {
  readonly mean: number
  readonly deviation: number
  readonly kind: 'exponential' | 'normal'
}

/** phi of a silence: -log10 of the probability that a gap is longer (Hayashibara et al. 2004). */
function suspicionLevel({ mean, deviation, kind }: GapModel, silence: number): number {
  if (kind === 'exponential') return silence / mean / LN10
  const z = (silence - mean) / deviation
  return -ln(z >= 0 ? normalTail(z) : 1 - normalTail(-z)) / LN10
}

/** The silence at which a detector that has seen these gaps reaches phi. */
export function silenceAt(model: GapModel, phi: number): number {
  return rootOf((silence) => suspicionLevel(model, silence) - phi, 0, model.mean * 100)
}

/** Closed form: phi ln 10 mu, or mu + sigma z(10^-phi). */
export const silenceLaw = ({ mean, deviation, kind }: GapModel, phi: number): number =>
  kind === 'exponential' ? phi * LN10 * mean : mean + deviation * normalTailPoint(exp(-phi * LN10))

/** A normal deviate by the polar method (Marsaglia, Bray 1964). */
export function normal(random: Random): number {
  for (;;) {
    const u = 2 * random.next() - 1
    const v = 2 * random.next() - 1
    const s = u * u + v * v
    if (s > 0 && s < 1) return u * Math.sqrt((-2 * ln(s)) / s)
  }
}
