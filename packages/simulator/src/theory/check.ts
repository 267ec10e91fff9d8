/**
 * What a check of theory against measurement is, and when it holds. A law is data or a function that predicts; beside it stand
 * rivals, plausible but wrong laws: a check that does not refuse every rival at the size that it is run at could not have
 * failed, and therefore fails.
 *
 * Tolerances are absolute. At the full size they are those of the design. At the size of the test suite, whose samples are small,
 * a tolerance is at least 5 standard errors: a law that is true is then refused with another seed once in 1.7 million.
 */
import { normalTail, type Sample } from './numbers.ts'
import type { Plot } from './plot.ts'
import { createRandom, type Random } from '../random.ts'

/** `suite`: a fraction of a second. `full`: what figures are quoted from. */
export type Size = 'suite' | 'full'

export interface Finding {
  readonly what: string
  readonly measured: number
  /** Of the measured value; 0 where nothing is left to chance. */
  readonly error: number
  readonly predicted: number
  readonly low: number
  readonly high: number
}

interface Definition<Measured, Law> {
  readonly id: string
  readonly title: string
  readonly formula: string
  readonly source: string
  /** What a full run does. */
  readonly fullRun: string
  readonly law: Law
  readonly rivals: Readonly<Record<string, Law>>
  measure(random: Random, size: Size): Measured
  judge(measured: Measured, law: Law): readonly Finding[]
  plots?(measured: Measured, law: Law): readonly Plot[]
}

export interface Verdict extends Finding {
  readonly holds: boolean
  /** How likely another seed is to be refused, if the measured value is the true one. */
  readonly risk: number
}

export interface Outcome {
  readonly id: string
  readonly holds: boolean
  readonly verdicts: readonly Verdict[]
  /** Wrong laws that the same measurement does not refuse; must be empty. */
  readonly unrefused: readonly string[]
  readonly plots: readonly Plot[]
}

export interface Check {
  readonly id: string
  readonly title: string
  readonly formula: string
  readonly source: string
  readonly fullRun: string
  readonly rivals: readonly string[]
  run(seed: number, size: Size): Outcome
}

/** In standard errors. */
const SUITE_ERRORS = 5

function verdictOf(finding: Finding, size: Size): Verdict {
  const { measured, predicted, error } = finding
  const wide = size === 'suite' ? SUITE_ERRORS * error : 0
  const low = Math.min(finding.low, predicted - wide)
  const high = Math.max(finding.high, predicted + wide)
  const holds = measured >= low && measured <= high
  const room = Math.min(measured - low, high - measured)
  const risk =
    error === 0 ? (holds ? 0 : 1) : room >= 0 ? normalTail(room / error) : 1 - normalTail(-room / error)
  return { ...finding, low, high, holds, risk }
}

export function defineCheck<Measured, Law>(definition: Definition<Measured, Law>): Check {
  const { id, title, formula, source, fullRun, law, rivals } = definition
  return {
    id,
    title,
    formula,
    source,
    fullRun,
    rivals: Object.keys(rivals),
    run(seed, size) {
      const measured = definition.measure(createRandom(seed, id), size)
      const judge = (by: Law): readonly Verdict[] =>
        definition.judge(measured, by).map((finding) => verdictOf(finding, size))
      const verdicts = judge(law)
      const unrefused = Object.entries(rivals)
        .filter(([, rival]) => judge(rival).every(({ holds }) => holds))
        .map(([name]) => name)
      const holds =
        verdicts.length > 0 && verdicts.every((verdict) => verdict.holds) && unrefused.length === 0
      return { id, holds, verdicts, unrefused, plots: definition.plots?.(measured, law) ?? [] }
    },
  }
}

/** The predicted value, give or take. */
export const near = (
  what: string,
  { mean, error }: Pick<Sample, 'mean' | 'error'>,
  predicted: number,
  tolerance: number,
): Finding => ({
  what,
  measured: mean,
  error,
  predicted,
  low: predicted - tolerance,
  high: predicted + tolerance,
})

/** The predicted value, give or take a share of it. */
export const nearly = (
  what: string,
  sample: Pick<Sample, 'mean' | 'error'>,
  predicted: number,
  relative: number,
): Finding => near(what, sample, predicted, Math.abs(predicted) * relative)

/** A law that leaves a constant open, which is known to lie between two values. */
export const offset = (
  what: string,
  { mean, error }: Pick<Sample, 'mean' | 'error'>,
  predicted: number,
  least: number,
  most: number,
): Finding => ({
  what,
  measured: mean,
  error,
  predicted: predicted + (least + most) / 2,
  low: predicted + least,
  high: predicted + most,
})

/** A bound. */
export const atMost = (
  what: string,
  { mean, error }: Pick<Sample, 'mean' | 'error'>,
  bound: number,
): Finding => ({ what, measured: mean, error, predicted: bound, low: -Infinity, high: bound })

export const atLeast = (
  what: string,
  { mean, error }: Pick<Sample, 'mean' | 'error'>,
  bound: number,
): Finding => ({ what, measured: mean, error, predicted: bound, low: bound, high: Infinity })

/** A value without chance. */
export const exact = (value: number): Pick<Sample, 'mean' | 'error'> => ({ mean: value, error: 0 })
