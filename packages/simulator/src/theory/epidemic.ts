/**
 * One epidemic, simulated many times, beside what theory says of it: rumours in rounds, a rumour that everybody tells once, and SIR and
 * SIS in continuous time with their differential equations. What `hearsay sim epidemic` prints.
 */
import { createRandom, type Random } from '../random.ts'
import { ln, quantileOf, sampleOf } from './numbers.ts'
import type { Plot, Point } from './plot.ts'
import { coverageCurve, everyoneReached, finalCoverage, type Mode, predictRounds } from './predict.ts'
import { infectAndDie, spread } from './spreading.ts'

export type EpidemicModel = Mode | 'once' | 'sir' | 'sis'

export interface EpidemicOptions {
  readonly model: EpidemicModel
  readonly members: number
  /** Partners a round; with `once`, of everybody who learns it. */
  readonly fanout: number
  /** The share of contacts that fail; not with `sir` and `sis`. */
  readonly loss: number
  /** With `sir` and `sis`: contacts of an infected member until recovery, mean. */
  readonly contacts: number
  readonly runs: number
  readonly seed: number
}

export interface EpidemicReport {
  readonly figures: readonly {
    readonly what: string
    readonly measured: number
    /** NaN where theory has no closed form. */
    readonly predicted: number
  }[]
  /** The share that knows, or is infected, over rounds or mean times of recovery. */
  readonly curve: readonly { readonly at: number; readonly measured: number; readonly predicted: number }[]
  readonly plot: Plot
}

/** Points of a curve over continuous time. */
const STEPS = 40

export function simulateEpidemic(options: EpidemicOptions): EpidemicReport {
  const random = createRandom(options.seed, 'epidemic')
  const { model } = options
  if (model === 'once') return tellOnce(random, options)
  if (model === 'sir' || model === 'sis') return withRecovery(random, options, model)
  return inRounds(random, options, model)
}

function reportOf(
  options: EpidemicOptions,
  x: string,
  y: string,
  figures: EpidemicReport['figures'],
  curve: EpidemicReport['curve'],
): EpidemicReport {
  const { model, members, runs } = options
  const pointsOf = (value: 'measured' | 'predicted'): Point[] => curve.map((each) => [each.at, each[value]])
  const plot: Plot = {
    title: `${model}, ${members} members, ${runs} runs`,
    x: { label: x },
    y: { label: y },
    series: [
      { name: 'measured, mean', kind: 'points', points: pointsOf('measured') },
      { name: 'predicted', kind: 'line', points: pointsOf('predicted') },
    ],
  }
  return { figures, curve, plot }
}

function inRounds(random: Random, options: EpidemicOptions, mode: Mode): EpidemicReport {
  const { members, fanout, loss, runs } = options
  const how = { mode, members, fanout, loss }
  const all = Array.from({ length: runs }, () => spread(random, how))
  const rounds = sampleOf(all.map((each) => each.rounds))
  const last = all.reduce((most, each) => Math.max(most, each.rounds), 0)
  const predicted = coverageCurve(how, last)
  const curve = predicted.map((share, at) => ({
    at,
    measured: sampleOf(all.map(({ knew }) => (knew[at] ?? members) / members)).mean,
    predicted: share,
  }))
  const figures = [
    { what: 'rounds until all know, mean', measured: rounds.mean, predicted: predictRounds(how) },
    {
      what: 'rounds until all know, p99',
      measured: quantileOf(
        all.map((each) => each.rounds),
        0.99,
      ),
      predicted: NaN,
    },
    {
      what: 'times sent, for each member',
      measured: sampleOf(all.map(({ sent }) => sent / members)).mean,
      predicted: NaN,
    },
  ]
  return reportOf(options, 'round', 'share that knows', figures, curve)
}

function tellOnce(random: Random, options: EpidemicOptions): EpidemicReport {
  const { members, fanout, loss, runs } = options
  const reached = Array.from({ length: runs }, () => infectAndDie(random, members, fanout, loss))
  const figures = [
    {
      what: 'share that knows in the end',
      measured: sampleOf(reached).mean / members,
      predicted: finalCoverage(fanout, loss),
    },
    {
      what: 'nobody is left out, probability',
      measured: reached.filter((each) => each === members).length / runs,
      predicted: everyoneReached(members, fanout, loss),
    },
  ]
  const fanouts = Array.from({ length: Math.min(members - 1, 8) }, (_, i) => i + 1)
  const curve = fanouts.map((each) => ({
    at: each,
    measured:
      each === fanout
        ? sampleOf(reached).mean / members
        : sampleOf(Array.from({ length: runs }, () => infectAndDie(random, members, each, loss))).mean /
          members,
    predicted: finalCoverage(each, loss),
  }))
  return reportOf(options, 'fan-out', 'share that knows in the end', figures, curve)
}

interface Path {
  /** The share infected at the times. */
  readonly infected: readonly number[]
  /** Ever infected. */
  readonly size: number
}

/** Contacts at rate `contacts` for each infected member, recovery at rate 1, event by event (Gillespie 1977). */
function simulatePath(
  random: Random,
  options: EpidemicOptions,
  initial: number,
  times: readonly number[],
): Path {
  const { members, contacts, model } = options
  let susceptible = members - initial
  let infected = initial
  let now = 0
  const seen: number[] = []
  for (;;) {
    // Who recovers for good lets it end by itself.
    if (infected === 0 || (seen.length === times.length && model === 'sis')) break
    const infection = (contacts * infected * susceptible) / (members - 1)
    const next = now - ln(1 - random.next()) / (infection + infected)
    while (seen.length < times.length && times[seen.length]! < next) seen.push(infected / members)
    now = next
    if (random.next() * (infection + infected) < infection) {
      susceptible--
      infected++
    } else {
      infected--
      if (model === 'sis') susceptible++
    }
  }
  while (seen.length < times.length) seen.push(0)
  return { infected: seen, size: (members - susceptible) / members }
}

/** di/dt = R i s - i; ds/dt = -R i s, and + i with SIS (Kermack, McKendrick 1927, 1932), by Runge and Kutta's fourth order. */
function solvePath(
  contacts: number,
  isFinal: boolean,
  initial: number,
  times: readonly number[],
): readonly number[] {
  const slope = (s: number, i: number): readonly [number, number] => [
    -contacts * i * s + (isFinal ? 0 : i),
    contacts * i * s - i,
  ]
  let s = 1 - initial
  let i = initial
  let now = 0
  const h = 1 / 256
  return times.map((time) => {
    for (; now < time - h / 2; now += h) {
      const [s1, i1] = slope(s, i)
      const [s2, i2] = slope(s + (h / 2) * s1, i + (h / 2) * i1)
      const [s3, i3] = slope(s + (h / 2) * s2, i + (h / 2) * i2)
      const [s4, i4] = slope(s + h * s3, i + h * i3)
      s += (h / 6) * (s1 + 2 * s2 + 2 * s3 + s4)
      i += (h / 6) * (i1 + 2 * i2 + 2 * i3 + i4)
    }
    return i
  })
}

function withRecovery(random: Random, options: EpidemicOptions, model: 'sir' | 'sis'): EpidemicReport {
  const { members, contacts, runs } = options
  // A hundredth at first: from one member on, when it takes off is chance.
  const initial = Math.max(1, Math.round(members / 100))
  const times = Array.from({ length: STEPS + 1 }, (_, step) => step / 2)
  const predicted = solvePath(contacts, model === 'sir', initial / members, times)
  const paths = Array.from({ length: runs }, () => simulatePath(random, options, initial, times))
  const curve = times.map((at, step) => ({
    at,
    measured: sampleOf(paths.map(({ infected }) => infected[step]!)).mean,
    predicted: predicted[step]!,
  }))
  if (model === 'sis') {
    const endemic = sampleOf(paths.map(({ infected }) => infected.at(-1)!)).mean
    const figures = [
      { what: 'share infected in the end', measured: endemic, predicted: Math.max(0, 1 - 1 / contacts) },
    ]
    return reportOf(options, 'mean times of recovery', 'share infected', figures, curve)
  }
  const single = Array.from({ length: runs }, () => simulatePath(random, options, 1, []).size)
  const large = single.filter((size) => size > finalCoverage(contacts) / 3 && contacts > 1)
  const figures = [
    {
      what: 'from one: fizzles out, probability',
      measured: 1 - large.length / runs,
      predicted: Math.min(1, 1 / contacts),
    },
    ...(large.length === 0
      ? []
      : [
          {
            what: 'from one, else: share ever infected',
            measured: sampleOf(large).mean,
            predicted: finalCoverage(contacts),
          },
        ]),
  ]
  return reportOf(options, 'mean times of recovery', 'share infected', figures, curve)
}
