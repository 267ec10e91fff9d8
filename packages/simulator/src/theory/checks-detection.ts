/** E15 to E19: how fast, and how wrongly, silent members are suspected. */
import { atLeast, atMost, type Check, defineCheck, exact, near, nearly } from './check.ts'
import {
  firstDeclared,
  firstProbe,
  firstProbeMean,
  type GapModel,
  type Lifeguard,
  longestGap,
  normal,
  probeFails,
  silenceAt,
  silenceLaw,
  suspicionMs,
} from './detection.ts'
import { exp, ln, LN10, power, quantileOf, type Sample, sampleOf, shareOf } from './numbers.ts'
import { curve } from './plot.ts'

interface Probing {
  readonly members: number
  readonly mean: Sample
  readonly high: number
  readonly lockStep: Sample
}

export const FIRST_PROBE: Check = defineCheck<
  readonly Probing[],
  { readonly mean: (members: number) => number; readonly lockStep: (members: number) => number }
>({
  id: 'E15',
  title: 'SWIM: until the first probe of a crashed member, in periods',
  formula:
    'mean 1 ± 4 %, p99 4.6 ± 10 % with phases of their own (Poisson, rate 1); e/(e-1) = 1.582 ± 4 % in lock-step',
  source: 'Das, Gupta, Motivala 2002, SWIM, section 3.1 (lock-step); its limit with timers of their own',
  fullRun: '40,000 crashes each among 64 and 256 members',
  law: { mean: () => 1, lockStep: () => exp(1) / (exp(1) - 1) },
  rivals: {
    'lock-step everywhere': { mean: () => exp(1) / (exp(1) - 1), lockStep: () => exp(1) / (exp(1) - 1) },
    'own phases everywhere': { mean: () => 1, lockStep: () => 1 },
  },
  measure: (random, size) =>
    [64, 256].map((members) => {
      const trials = size === 'suite' ? (members > 64 ? 2_000 : 8_000) : 40_000
      const times = Array.from({ length: trials }, () => firstProbe(random, members, false))
      return {
        members,
        mean: sampleOf(times),
        high: quantileOf(times, 0.99),
        lockStep: sampleOf(Array.from({ length: trials }, () => firstProbe(random, members, true))),
      }
    }),
  judge: (measured, { mean, lockStep }) =>
    measured.flatMap((each) => [
      nearly(`mean, n=${each.members}`, each.mean, mean(each.members), 0.04),
      // The error of a quantile: sqrt(p(1-p)/T) over the density there, which for a rate of 1 is 1 - p.
      nearly(
        `p99, n=${each.members}`,
        { mean: each.high, error: Math.sqrt(99 / each.mean.count) },
        -ln(0.01) * mean(each.members),
        0.1,
      ),
      nearly(`mean in lock-step, n=${each.members}`, each.lockStep, lockStep(each.members), 0.04),
      nearly(
        `mean by the formula for n=${each.members}`,
        each.mean,
        firstProbeMean(each.members, false) * mean(each.members),
        0.04,
      ),
    ]),
})

export const PROBE_GAP: Check = defineCheck<
  readonly { readonly members: number; readonly longest: number }[],
  { readonly bound: (members: number) => number; readonly reached: (members: number) => number }
>({
  id: 'E16',
  title: 'SWIM, round-robin over shuffled lists: the longest time between two probes, in periods',
  formula: '<= 2(n-1) - 1, a hard bound that is nearly reached (<= 2(n-1) in the source)',
  source: 'Das, Gupta, Motivala 2002, SWIM, section 4.3',
  fullRun: '200,000 passes each over 8, 16 and 32 members',
  law: { bound: (members) => 2 * (members - 1) - 1, reached: (members) => 2 * (members - 1) - 2 },
  rivals: {
    'n - 1': { bound: (members) => members - 1, reached: () => 0 },
    'unbounded, as with random targets': { bound: () => Infinity, reached: (members) => 3 * members },
  },
  measure: (random, size) =>
    [8, 16, 32].map((members) => ({
      members,
      longest: longestGap(random, members, size === 'suite' ? 20_000 : 200_000),
    })),
  judge: (measured, { bound, reached }) =>
    measured.flatMap(({ members, longest }) => [
      atMost(`longest, n=${members}`, exact(longest), bound(members)),
      atLeast(`nearly reached, n=${members}`, exact(longest), reached(members)),
    ]),
})

type FalseLaw = (loss: number, helpers: number) => number

export const FALSE_SUSPICION: Check = defineCheck<
  readonly { readonly loss: number; readonly helpers: number; readonly share: Sample }[],
  FalseLaw
>({
  id: 'E17',
  title: 'SWIM: the probability that a probe of a live member fails',
  formula: '(1 - q^2)(1 - q^4)^k, q = 1 - loss, k helpers; ± 3 %',
  source: 'Das, Gupta, Motivala 2002, SWIM, section 3.1',
  fullRun: '40 million probes at 5 % loss, 8 million at 10 %, 2 million at 20 %, k = 3',
  law: (loss, helpers) => (1 - power(1 - loss, 2)) * power(1 - power(1 - loss, 4), helpers),
  rivals: {
    'two legs over a helper': (loss, helpers) => power(1 - power(1 - loss, 2), helpers + 1),
    'one helper more': (loss, helpers) =>
      (1 - power(1 - loss, 2)) * power(1 - power(1 - loss, 4), helpers + 1),
  },
  measure: (random, size) =>
    (
      [
        [0.05, 40e6],
        [0.1, 8e6],
        [0.2, 2e6],
      ] as const
    ).map(([loss, probes]) => {
      const trials = size === 'suite' ? probes / 20 : probes
      let failed = 0
      for (let i = 0; i < trials; i++) if (probeFails(random, loss, 3)) failed++
      return { loss, helpers: 3, share: shareOf(failed, trials) }
    }),
  judge: (measured, law) =>
    measured.map(({ loss, helpers, share }) =>
      nearly(`loss=${loss}, k=${helpers}`, share, law(loss, helpers), 0.03),
    ),
  plots: (measured, law) => [
    {
      title: 'E17: SWIM, a probe of a live member fails',
      x: { label: 'loss' },
      y: { label: 'probability', isLog: true },
      series: [
        {
          name: 'measured, k=3',
          kind: 'points',
          points: measured.map(({ loss, share }) => [loss, share.mean]),
        },
        curve('(1-q^2)(1-q^4)^3', 0.02, 0.25, (loss) => law(loss, 3)),
      ],
    },
  ],
})

const lanOf = (members: number): Lifeguard => ({
  members,
  periodMs: 1_000,
  multiplier: 4,
  most: 6,
  wanted: 2,
})

interface Suspicions {
  /** Seconds for 0, 1 and 2 confirmations among 32. */
  readonly timeouts: readonly number[]
  readonly declared: readonly { readonly members: number; readonly seconds: Sample }[]
}

export const SUSPICION_TIMEOUT: Check = defineCheck<
  Suspicions,
  { readonly timeouts: readonly number[]; readonly declared: (members: number) => number }
>({
  id: 'E18',
  title: 'Lifeguard: timeouts of a suspicion, and until a frozen member is declared dead',
  formula:
    'max(min, max - (max-min) ln(C+1)/ln(K+1)): 36.1, 17.1, 6.02 s for n = 32; declared after T + T + min ± 12 %',
  source: 'Dadgar, Phillips, Currey 2018, Lifeguard, section IV-C',
  fullRun: '20,000 frozen members each among 8, 32 and 64',
  law: {
    timeouts: [36.1236, 17.1307, 6.0206],
    declared: (members) => 2 + 4 * Math.max(1, ln(members) / LN10),
  },
  rivals: {
    'linear in the confirmations': {
      timeouts: [36.1236, 21.0721, 6.0206],
      declared: (members) => 2 + 4 * Math.max(1, ln(members) / LN10),
    },
    'the longest timeout': {
      timeouts: [36.1236, 17.1307, 6.0206],
      declared: (members) => 2 + 24 * Math.max(1, ln(members) / LN10),
    },
  },
  measure: (random, size) => ({
    timeouts: [0, 1, 2].map((confirmations) => suspicionMs(lanOf(32), confirmations) / 1_000),
    declared: [8, 32, 64].map((members) => ({
      members,
      seconds: sampleOf(
        Array.from(
          { length: size === 'suite' ? 2_000 : 20_000 },
          () => firstDeclared(random, lanOf(members)) / 1_000,
        ),
      ),
    })),
  }),
  judge: ({ timeouts, declared }, law) => [
    ...timeouts.map((seconds, i) => near(`timeout, C=${i}, s`, exact(seconds), law.timeouts[i]!, 0.001)),
    ...declared.map(({ members, seconds }) =>
      nearly(`declared dead, n=${members}, s`, seconds, law.declared(members), 0.12),
    ),
  ],
})

interface Fired {
  readonly kind: GapModel['kind']
  readonly phi: number
  readonly silence: Sample
}

/** Gaps of mean 1, which a normal one deviates from by a tenth. */
const gapModel = (kind: GapModel['kind']): GapModel => ({
  mean: 1,
  deviation: kind === 'normal' ? 0.1 : 1,
  kind,
})

export const PHI_ACCRUAL: Check = defineCheck<
  readonly Fired[],
  (kind: GapModel['kind'], phi: number) => number
>({
  id: 'E19',
  title: 'phi-accrual: the silence at which phi is reached, in mean gaps',
  formula: 'exponential gaps: phi ln 10 (8: 18.42); normal gaps: 1 + 0.1 z(10^-phi) (8: 1.561); ± 1 %',
  source: 'Hayashibara, Défago, Yared, Katayama 2004, The phi accrual failure detector, section 4',
  fullRun: '200 detectors, each after 4,000 gaps, for phi = 1, 3, 5 and 8',
  law: (kind, phi) => silenceLaw(gapModel(kind), phi),
  rivals: {
    'natural logarithm': (kind, phi) => silenceLaw(gapModel(kind), phi / LN10),
    'normal by the logistic approximation (8: 1.52)': (kind, phi) =>
      kind === 'exponential'
        ? phi * LN10
        : 1 +
          0.1 *
            // The y at which y(1.5976 + 0.070566 y^2) = phi ln 10.
            (phi === 8 ? 5.205 : silenceLaw({ mean: 0, deviation: 1, kind }, phi)),
  },
  measure: (random, size) =>
    (['exponential', 'normal'] as const).flatMap((kind) =>
      [1, 3, 5, 8].map((phi) => {
        const silences = Array.from({ length: size === 'suite' ? 30 : 200 }, () => {
          const gaps = Array.from({ length: size === 'suite' ? 1_000 : 4_000 }, () =>
            kind === 'exponential' ? -ln(1 - random.next()) : 1 + 0.1 * normal(random),
          )
          const { mean, deviation } = sampleOf(gaps)
          return silenceAt({ mean, deviation, kind }, phi)
        })
        return { kind, phi, silence: sampleOf(silences) }
      }),
    ),
  judge: (measured, law) =>
    measured.map(({ kind, phi, silence }) => nearly(`${kind}, phi=${phi}`, silence, law(kind, phi), 0.01)),
  plots: (measured, law) => [
    {
      title: 'E19: silence at which phi is reached',
      x: { label: 'phi' },
      y: { label: 'silence in mean gaps', isLog: true },
      series: (['exponential', 'normal'] as const).flatMap((kind) => [
        {
          name: `${kind}, measured`,
          kind: 'points' as const,
          points: measured
            .filter((each) => each.kind === kind)
            .map((each) => [each.phi, each.silence.mean] as const),
        },
        curve(kind, 0.5, 9, (phi) => law(kind, phi)),
      ]),
    },
  ],
})
