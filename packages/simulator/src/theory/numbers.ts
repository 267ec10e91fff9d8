/**
 * Logarithm, exponential and what is made of them, from the four operations and the square root alone: IEEE 754 fixes those to the
 * last bit, so the same seed gives the same figures and the same bytes of a plot on every machine. `Math.log` and `Math.exp` do
 * not promise that. Errors are below 1e-15, relative (tested against `Math`).
 */

const LN2 = 0.6931471805599453
const SQRT2 = 1.4142135623730951
/** ln 2 in two parts, the first with so few digits that a multiple of it up to 2^20 is exact. */
const LN2_HIGH = 0.6931471803691238
const LN2_LOW = 1.9082149292705877e-10
export const LN10 = 2.302585092994046

/** base^exponent for a whole exponent from 0 on. */
export function power(base: number, exponent: number): number {
  let result = 1
  let square = base
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= square
    square *= square
  }
  return result
}

export function exp(x: number): number {
  if (x > 709) return Infinity
  if (x < -700) return 0
  const k = Math.round(x / LN2)
  const r = x - k * LN2_HIGH - k * LN2_LOW
  let term = 1
  let sum = 1
  for (let i = 1; i < 18; i++) {
    term *= r / i
    sum += term
  }
  return k < 0 ? sum / power(2, -k) : sum * power(2, k)
}

/** Natural logarithm; NaN below 0. */
export function ln(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN
  if (x === Infinity) return Infinity
  let m = x
  let k = 0
  for (; m > SQRT2; k++) m /= 2
  for (; m < SQRT2 / 2; k--) m *= 2
  const s = (m - 1) / (m + 1)
  const square = s * s
  let sum = 0
  for (let i = 25; i >= 1; i -= 2) sum = sum * square + 1 / i
  return k * LN2_HIGH + (2 * s * sum + k * LN2_LOW)
}

export const log2 = (x: number): number => ln(x) / LN2
/** Logarithm of x to a base. */
export const logTo = (base: number, x: number): number => ln(x) / ln(base)

/** Where a function that crosses zero once between `low` and `high` does so. */
export function rootOf(f: (x: number) => number, low: number, high: number): number {
  let [below, above] = f(low) <= 0 ? [low, high] : [high, low]
  for (let i = 0; i < 200 && below !== above; i++) {
    const middle = (below + above) / 2
    if (middle === below || middle === above) break
    if (f(middle) <= 0) below = middle
    else above = middle
  }
  return (below + above) / 2
}

/** P(Z > z) for a standard normal Z, z >= 0: series near the middle, continued fraction in the tail. */
export function normalTail(z: number): number {
  const density = exp((-z * z) / 2) / 2.5066282746310002
  if (z < 3) {
    let term = z
    let sum = z
    for (let i = 3; i < 121; i += 2) {
      term *= (z * z) / i
      sum += term
    }
    return 0.5 - density * sum
  }
  let fraction = z
  for (let i = 80; i >= 1; i--) fraction = z + i / fraction
  return density / fraction
}

/** The z that a standard normal is above with this probability, which is at most a half. */
export const normalTailPoint = (probability: number): number =>
  rootOf((z) => probability - normalTail(z), 0, 37)

/** Mean, spread, and how far the mean may be off by chance. */
export interface Sample {
  readonly count: number
  readonly mean: number
  /** Standard deviation of one value. */
  readonly deviation: number
  /** Standard error of the mean. */
  readonly error: number
}

export function sampleOf(values: ArrayLike<number>): Sample {
  const count = values.length
  let mean = 0
  for (let i = 0; i < count; i++) mean += values[i]! / count
  let squares = 0
  for (let i = 0; i < count; i++) squares += (values[i]! - mean) * (values[i]! - mean)
  const deviation = Math.sqrt(squares / Math.max(1, count - 1))
  return { count, mean, deviation, error: deviation / Math.sqrt(count) }
}

/** How often something happened. */
export function shareOf(hits: number, trials: number): Sample {
  const mean = hits / trials
  // At least as wide as if one trial had gone the other way: no hit at all is no certainty.
  const variance = Math.max(mean * (1 - mean), 1 / trials)
  return { count: trials, mean, deviation: Math.sqrt(variance), error: Math.sqrt(variance / trials) }
}

/** The value that a share of all values is not above. */
export function quantileOf(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))]!
}
