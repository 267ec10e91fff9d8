/**
 * The weighted median of spec section 5.
 */

/** The least time such that the judges whose time is not later hold more than half of the weight. */
export function weightedMedian(times: Float64Array, weights: Float64Array, count: number): number {
  const places = Array.from({ length: count }, (_, i) => i)
  places.sort((a, b) => times[a]! - times[b]!)
  let total = 0
  for (let i = 0; i < count; i++) total += weights[i]!
  let sum = 0
  for (const place of places) {
    sum += weights[place]!
    // Doubling a safe integer is exact.
    if (2 * sum > total) return times[place]!
  }
  throw new Error('invariant: a median of no judges')
}
