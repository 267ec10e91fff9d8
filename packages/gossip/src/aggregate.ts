/**
 * The network in a few numbers, from what its members say of themselves. Members of less than a third of the weight may
 * lie, so each aggregate is chosen to stay within what honest members say, whatever the others do (gossip design 1.2;
 * averages by push-sum are not: one liar moves them anywhere):
 *
 *  - `min` is the smallest value such that it and all smaller ones carry a third of the total weight or more: one of them is
 *    an honest member's, so `min` is not below the smallest honest value. `max` likewise from above.
 *  - `median` is the value at half of the reporting weight; with two thirds of the total reporting it lies between the two.
 *  - `mean` is taken, by weight, over what lies between `min` and `max`.
 *
 * Without reports of more than two thirds of the weight there is no aggregate: it would say something of the reporters only.
 */
import { isSupermajority } from '@hearsay/dag'

export interface Report {
  readonly value: number
  readonly weight: number
}

export interface Aggregate {
  readonly min: number
  readonly median: number
  readonly mean: number
  readonly max: number
}

function firstReaching(sorted: readonly Report[], isEnough: (weight: number) => boolean): number {
  let weight = 0
  for (const report of sorted) {
    weight += report.weight
    if (isEnough(weight)) return report.value
  }
  throw new Error('invariant: all the reports together do not carry enough')
}

export function aggregate(reports: readonly Report[], totalWeight: number): Aggregate | undefined {
  const reporting = reports.reduce((sum, { weight }) => sum + weight, 0)
  if (!isSupermajority(reporting, totalWeight)) return undefined
  const sorted = reports.toSorted((a, b) => a.value - b.value)
  const hasHonest = (weight: number): boolean => 3 * weight >= totalWeight
  const min = firstReaching(sorted, hasHonest)
  const max = firstReaching(sorted.toReversed(), hasHonest)
  const median = firstReaching(sorted, (weight) => 2 * weight >= reporting)
  let weight = 0
  let sum = 0
  for (const report of sorted) {
    if (report.value < min || report.value > max) continue
    weight += report.weight
    sum += report.value * report.weight
  }
  return { min, median, mean: sum / weight, max }
}
