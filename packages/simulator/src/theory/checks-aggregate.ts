/** E11 to E14: how fast gossip computes sums, averages and counts. */
import { atMost, type Check, defineCheck, near, nearly } from './check.ts'
import { exp, ln, log2, power, type Sample, sampleOf } from './numbers.ts'
import { curve } from './plot.ts'
import type { Random } from '../random.ts'
import { below, otherThan } from './partners.ts'

/**
 * How much of the potential one round of push-sum leaves: sum over i, j of (what i holds of j's value - the even share)^2. Every
 * node keeps half of all it holds and sends half to a random node, which may be itself (as in the source) or not (as in gossip).
 */
function potentialRatios(
  random: Random,
  members: number,
  rounds: number,
  maybeSelf: boolean,
): { first: number; ratios: number[] } {
  let held = Array.from({ length: members }, (_, i) => {
    const row = new Float64Array(members)
    row[i] = 1
    return row
  })
  const potential = (): number => {
    let sum = 0
    for (const row of held) {
      let weight = 0
      for (let j = 0; j < members; j++) weight += row[j]! / members
      for (let j = 0; j < members; j++) sum += (row[j]! - weight) * (row[j]! - weight)
    }
    return sum
  }
  const first = potential()
  const ratios: number[] = []
  for (let before = first, round = 0; round < rounds; round++) {
    const next = held.map((row) => row.map((value) => value / 2))
    for (const [i, row] of held.entries()) {
      const target = next[maybeSelf ? below(random, members) : otherThan(random, members, i)]!
      for (let j = 0; j < members; j++) target[j]! += row[j]! / 2
    }
    held = next
    const after = potential()
    ratios.push(after / before)
    before = after
  }
  return { first, ratios }
}

interface Potential {
  readonly members: number
  readonly first: number
  readonly maybeSelf: Sample
  readonly others: Sample
}

/**
 * With u(i) the deviations of one column, which add up to 0: a round leaves 1/4 of their squares, twice 1/4 of u(i) times what is
 * expected to arrive, and 1/4 of the square of that, in which two senders meet with probability 1/n, or (n-2)/(n-1)^2 if none sends
 * to itself. The source has 1/2 - 1/(2n), which both stay within 0.005 of.
 */
interface PotentialLaw {
  readonly maybeSelf: (members: number) => number
  readonly others: (members: number) => number
  readonly source: (members: number) => number
  readonly first: (members: number) => number
}

const POTENTIAL_LAW: PotentialLaw = {
  maybeSelf: (n) => 1 / 2 - 1 / (4 * n),
  others: (n) => 1 / 2 - 1 / (2 * (n - 1)) - (n - 2) / (4 * (n - 1) * (n - 1)),
  source: (n) => 1 / 2 - 1 / (2 * n),
  first: (n) => n - 1,
}

export const PUSH_SUM_POTENTIAL: Check = defineCheck<Potential, PotentialLaw>({
  id: 'E11',
  title: 'Push-sum: what a round leaves of the potential',
  formula:
    'E[Phi(t+1)/Phi(t)] = 1/2 - 1/(2n) ± 0.005; exactly 1/2 - 1/(4n), to others only about 1/2 - 3/(4n), ± 0.002; Phi(0) = n - 1',
  source: 'Kempe, Dobra, Gehrke 2003, Gossip-based computation of aggregate information, lemma 2.3',
  fullRun: '200 runs of 20 rounds, 128 members',
  law: POTENTIAL_LAW,
  rivals: {
    '1/e': { ...POTENTIAL_LAW, maybeSelf: () => 1 / exp(1) },
    'members count half': { ...POTENTIAL_LAW, others: (n) => POTENTIAL_LAW.others(n / 2) - 2 / n },
    'Phi(0) = n': { ...POTENTIAL_LAW, first: (n) => n },
  },
  measure: (random, size) => {
    const members = 128
    const measure = (maybeSelf: boolean): { first: number; ratio: Sample } => {
      const runs = Array.from({ length: size === 'suite' ? 25 : 200 }, () =>
        potentialRatios(random, members, 20, maybeSelf),
      )
      return { first: runs[0]!.first, ratio: sampleOf(runs.flatMap(({ ratios }) => ratios)) }
    }
    const { first, ratio } = measure(true)
    return { members, first, maybeSelf: ratio, others: measure(false).ratio }
  },
  judge: ({ members, first, maybeSelf, others }, law) => [
    near(`by the source, n=${members}`, maybeSelf, law.source(members), 0.005),
    near(`itself included, n=${members}`, maybeSelf, law.maybeSelf(members), 0.002),
    near(`others only, n=${members}`, others, law.others(members), 0.002),
    near(`Phi(0), n=${members}`, { mean: first, error: 0 }, law.first(members), 1e-9),
  ],
})

/** Rounds of push-sum until every estimate is within each of the errors, and by how much the total has changed by then. */
function pushSumRounds(
  random: Random,
  members: number,
  errors: readonly number[],
): { rounds: number[]; drift: number } {
  let sums = Float64Array.from({ length: members }, () => random.next())
  let weights = new Float64Array(members).fill(1)
  const total = sums.reduce((sum, value) => sum + value, 0)
  const rounds: number[] = []
  for (let round = 1; rounds.length < errors.length; round++) {
    const nextSums = sums.map((value) => value / 2)
    const nextWeights = weights.map((value) => value / 2)
    for (let i = 0; i < members; i++) {
      const target = otherThan(random, members, i)
      nextSums[target]! += sums[i]! / 2
      nextWeights[target]! += weights[i]! / 2
    }
    sums = nextSums
    weights = nextWeights
    let worst = 0
    for (let i = 0; i < members; i++)
      worst = Math.max(worst, Math.abs((sums[i]! / weights[i]! / total) * members - 1))
    while (rounds.length < errors.length && worst <= errors[rounds.length]!) rounds.push(round)
  }
  return { rounds, drift: Math.abs(sums.reduce((sum, value) => sum + value, 0) / total - 1) }
}

interface PushSum {
  readonly members: number
  readonly perHalving: Sample
  readonly coarse: Sample
  readonly fine: Sample
  readonly drift: number
}

export const PUSH_SUM_ROUNDS: Check = defineCheck<readonly PushSum[], { readonly perHalving: number }>({
  id: 'E12',
  title: 'Push-sum: further rounds for each halving of the error',
  formula:
    'b -> 2, in [1.8, 2.1] from 64 members on (the error is the root of the potential); total kept to 1e-12',
  source: 'Kempe, Dobra, Gehrke 2003, theorem 2.1',
  fullRun: '1,000 runs each of 64, 256 and 1,024 members, from an error of 1e-2 to 1e-4',
  law: { perHalving: 1.95 },
  rivals: { 'the error halves each round': { perHalving: 1 }, 'three rounds': { perHalving: 3 } },
  measure: (random, size) =>
    (size === 'suite' ? [64, 256] : [64, 256, 1024]).map((members) => {
      const runs = Array.from({ length: size === 'suite' ? 80 : 1_000 }, () =>
        pushSumRounds(random, members, [1e-2, 1e-4]),
      )
      return {
        members,
        perHalving: sampleOf(runs.map(({ rounds }) => (rounds[1]! - rounds[0]!) / log2(100))),
        coarse: sampleOf(runs.map(({ rounds }) => rounds[0]!)),
        fine: sampleOf(runs.map(({ rounds }) => rounds[1]!)),
        drift: runs.reduce((most, { drift }) => Math.max(most, drift), 0),
      }
    }),
  judge: (measured, { perHalving }) =>
    measured.flatMap(({ members, perHalving: sample, drift }) => [
      near(`rounds a halving, n=${members}`, sample, perHalving, 0.15),
      atMost(`drift of the total, n=${members}`, { mean: drift, error: 0 }, 1e-12),
    ]),
  plots: (measured) => [
    {
      title: 'E12: push-sum, rounds to a relative error',
      x: { label: 'members', isLog: true },
      y: { label: 'rounds' },
      series: [
        { name: 'to 1e-2', kind: 'points', points: measured.map((each) => [each.members, each.coarse.mean]) },
        { name: 'to 1e-4', kind: 'points', points: measured.map((each) => [each.members, each.fine.mean]) },
      ],
    },
  ],
})

type Pairing = 'perfect matching' | 'random pairs' | 'sequential'
const PAIRINGS: readonly Pairing[] = ['perfect matching', 'random pairs', 'sequential']

/** What one cycle, in which n pairs average, leaves of the variance of independent values. */
function varianceRatio(random: Random, members: number, pairing: Pairing): number {
  const values = Float64Array.from({ length: members }, () => random.next())
  const before = sampleOf(values).deviation
  const average = (a: number, b: number): void => void (values[a] = values[b] = (values[a]! + values[b]!) / 2)
  if (pairing === 'perfect matching') {
    let order = Array.from(values.keys())
    for (let matching = 0; matching < 2; matching++) {
      order = random.shuffled(order)
      for (let i = 0; i + 1 < members; i += 2) average(order[i]!, order[i + 1]!)
    }
  } else {
    for (let i = 0; i < members; i++) {
      const first = pairing === 'sequential' ? i : below(random, members)
      average(first, otherThan(random, members, first))
    }
  }
  return power(sampleOf(values).deviation / before, 2)
}

export const AVERAGING: Check = defineCheck<
  readonly { readonly pairing: Pairing; readonly ratio: Sample }[],
  Readonly<Record<Pairing, number>>
>({
  id: 'E13',
  title: 'Averaging in pairs: what a cycle leaves of the variance',
  formula: 'two perfect matchings 1/4 ± 0.003, n random pairs 1/e ± 0.01, each in turn 1/(2 sqrt e) ± 0.012',
  source: 'Jelasity, Montresor, Babaoglu 2005, Gossip-based aggregation in large dynamic networks, section 3',
  fullRun: '1,000 cycles of 4,000 members each',
  law: { 'perfect matching': 1 / 4, 'random pairs': 1 / exp(1), sequential: 1 / (2 * exp(0.5)) },
  rivals: {
    'one matching: 1/2': {
      'perfect matching': 1 / 2,
      'random pairs': 1 / exp(1),
      sequential: 1 / (2 * exp(0.5)),
    },
    'in turn as at random': { 'perfect matching': 1 / 4, 'random pairs': 1 / exp(1), sequential: 1 / exp(1) },
  },
  measure: (random, size) =>
    PAIRINGS.map((pairing) => ({
      pairing,
      ratio: sampleOf(
        Array.from({ length: size === 'suite' ? 100 : 1_000 }, () =>
          varianceRatio(random, size === 'suite' ? 2_000 : 4_000, pairing),
        ),
      ),
    })),
  judge: (measured, law) =>
    measured.map(({ pairing, ratio }) =>
      near(
        pairing,
        ratio,
        law[pairing],
        pairing === 'perfect matching' ? 0.003 : pairing === 'random pairs' ? 0.01 : 0.012,
      ),
    ),
})

/**
 * A count by minima: each member draws K exponentials, gossip keeps the least of each; K - 1 over their sum estimates the number.
 * Minima do not depend on how often or in which order they are told, so what gossip brings everybody to is computed at once.
 */
function countEstimate(random: Random, members: number, vectors: number): number {
  let sum = 0
  for (let k = 0; k < vectors; k++) {
    // The least exponential is that of the largest of the uniform draws below 1.
    let largest = 0
    for (let i = 0; i < members; i++) largest = Math.max(largest, 1 - random.next())
    sum += -ln(largest)
  }
  return (vectors - 1) / sum
}

interface Count {
  readonly vectors: number
  readonly bias: Sample
  readonly deviation: Pick<Sample, 'mean' | 'error'>
}

export const EXTREMA_COUNT: Check = defineCheck<readonly Count[], (vectors: number) => number>({
  id: 'E14',
  title: 'Counting members by extrema: relative deviation of the estimate',
  formula: '1/sqrt(K - 2) ± 8 %; without bias',
  source: 'Baquero, Almeida, Menezes, Jesus 2012, Extrema propagation, section 3',
  fullRun: '20,000 estimates of 100 members with K = 64, 4,000 with K = 400',
  law: (vectors) => 1 / Math.sqrt(vectors - 2),
  rivals: { '1/sqrt(K/2)': (vectors) => 1 / Math.sqrt(vectors / 2), '1/K': (vectors) => 1 / vectors },
  measure: (random, size) =>
    [64, 400].map((vectors) => {
      const members = size === 'suite' ? 20 : 100
      const trials = (size === 'suite' ? 60_000 : 1_280_000) / vectors
      const estimates = Array.from(
        { length: Math.max(trials, size === 'suite' ? 400 : 4_000) },
        () => countEstimate(random, members, vectors) / members,
      )
      const sample = sampleOf(estimates)
      return {
        vectors,
        bias: sample,
        deviation: { mean: sample.deviation, error: sample.deviation / Math.sqrt(2 * estimates.length) },
      }
    }),
  judge: (measured, law) =>
    measured.flatMap(({ vectors, bias, deviation }) => [
      nearly(`deviation, K=${vectors}`, deviation, law(vectors), 0.08),
      near(`mean, K=${vectors}`, bias, 1, 0.01),
    ]),
  plots: (measured, law) => [
    {
      title: 'E14: counting by extrema, relative deviation',
      x: { label: 'K', isLog: true },
      y: { label: 'deviation', isLog: true },
      series: [
        {
          name: 'measured',
          kind: 'points',
          points: measured.map((each) => [each.vectors, each.deviation.mean]),
        },
        curve('1/sqrt(K-2)', 10, 1000, law, true),
      ],
    },
  ],
})
