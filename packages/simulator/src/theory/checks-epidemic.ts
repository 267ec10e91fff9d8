/** E5 to E9: how many are left out, by rumours that die down and by epidemics, and how near the mean field is. */
import { atMost, type Check, defineCheck, exact, near, nearly } from './check.ts'
import { exp, power, quantileOf, rootOf, type Sample, sampleOf, shareOf } from './numbers.ts'
import { curve } from './plot.ts'
import { everyoneReached, finalCoverage } from './predict.ts'
import type { Random } from '../random.ts'
import { endemicShare, epidemicSize, pullRumour, pushRumour, type Interest, type Rumour } from './rumours.ts'
import { infectAndDie, strayOf } from './spreading.ts'

const repeat = (trials: number, once: () => number): Float64Array =>
  Float64Array.from({ length: trials }, once)

export const FINAL_COVERAGE: Check = defineCheck<
  readonly { readonly fanout: number; readonly share: Sample }[],
  (fanout: number) => number
>({
  id: 'E5',
  title: 'Infect and die: the share that knows in the end',
  formula: 'r = 1 - e^(-Fr), ± 0.003',
  source: 'Kermack, McKendrick 1927; Eugster et al. 2004, Epidemic information dissemination',
  fullRun: '2,000 runs of 2,000 members for each fan-out from 2 to 6',
  law: finalCoverage,
  rivals: {
    'everybody tells F: r = 1 - e^-F': (fanout) => 1 - exp(-fanout),
    'F - 1 count': (fanout) => finalCoverage(fanout - 0.9),
  },
  measure: (random, size) =>
    [2, 3, 4, 5, 6].map((fanout) => ({
      fanout,
      share: sampleOf(
        repeat(size === 'suite' ? 60 : 2_000, () => infectAndDie(random, 2_000, fanout) / 2_000),
      ),
    })),
  judge: (measured, law) =>
    measured.map(({ fanout, share }) => near(`coverage, F=${fanout}`, share, law(fanout), 0.003)),
  plots: (measured, law) => [
    {
      title: 'E5: infect and die, final coverage',
      x: { label: 'fan-out' },
      y: { label: 'share that knows' },
      series: [
        {
          name: 'measured, n=2000',
          kind: 'points',
          points: measured.map(({ fanout, share }) => [fanout, share.mean]),
        },
        curve('r = 1 - e^(-Fr)', 1.2, 6.5, law),
      ],
    },
  ],
})

type Reach = (members: number, fanout: number) => number

export const EVERYONE_REACHED: Check = defineCheck<
  readonly { readonly members: number; readonly fanout: number; readonly share: Sample }[],
  Reach
>({
  id: 'E6',
  title: 'Infect and die: the probability that nobody is left out',
  formula: 'exp(-n(1 - F/(n-1))^(n-1)), ± 0.02; its limit is exp(-e^-c) for F = ln n + c',
  source: 'Kermarrec, Massoulié, Ganesh 2003, Probabilistic reliable dissemination, theorem 1 (Erdős, Rényi)',
  fullRun: '10,000 runs each for n/F 64/7, 256/8, 1024/11 and 1024/7',
  law: everyoneReached,
  rivals: {
    'F + 1 partners': (members, fanout) => everyoneReached(members, fanout + 1),
    'the mean number left out': (members, fanout) =>
      1 - members * power(1 - fanout / (members - 1), members - 1),
  },
  measure: (random, size) =>
    (
      [
        [64, 7],
        [256, 8],
        [1024, 11],
        [1024, 7],
      ] as const
    )
      .filter(([members, fanout]) => size === 'full' || members < 1024 || fanout === 7)
      .map(([members, fanout]) => {
        const trials = size === 'suite' ? (members > 256 ? 600 : 3_000) : 10_000
        let all = 0
        for (let i = 0; i < trials; i++) if (infectAndDie(random, members, fanout) === members) all++
        return { members, fanout, share: shareOf(all, trials) }
      }),
  judge: (measured, law) =>
    measured.map(({ members, fanout, share }) =>
      near(`all reached, n=${members} F=${fanout}`, share, law(members, fanout), 0.02),
    ),
})

interface RumourRun {
  readonly k: number
  readonly name: string
  readonly residue: Sample
  readonly traffic: Sample
}

const INTEREST_TRIES = [1, 2, 3, 4, 5]

function measureRumour(name: string, k: number, trials: number, once: () => Rumour): RumourRun {
  const runs = Array.from({ length: trials }, once)
  return {
    k,
    name,
    residue: sampleOf(runs.map(({ residue }) => residue)),
    traffic: sampleOf(runs.map(({ traffic }) => traffic)),
  }
}

const pushRuns =
  (interest: Interest, isCoin: boolean) =>
  (random: Random, trials: (k: number) => number): readonly RumourRun[] =>
    INTEREST_TRIES.map((k) =>
      measureRumour(isCoin ? 'coin' : 'counter', k, trials(k), () =>
        pushRumour(random, 1_000, k, interest, isCoin),
      ),
    )

/** The share s that is left where s = e^(-m(1-s)). */
const residueOf = (m: number): number => (m <= 1 ? 1 : rootOf((s) => s - exp(-m * (1 - s)), 0, 1 - 1e-9))

const rumourPlot = (title: string, measured: readonly RumourRun[], law: (k: number) => number) => [
  {
    title,
    x: { label: 'k' },
    y: { label: 'residue', isLog: true },
    series: [
      ...[...new Set(measured.map(({ name }) => name))].map((name) => ({
        name: `${name}, measured`,
        kind: 'points' as const,
        points: measured
          .filter((each) => each.name === name)
          .map(({ k, residue }) => [k, residue.mean] as const),
      })),
      { name: 'law', kind: 'line' as const, points: INTEREST_TRIES.map((k) => [k, law(k)] as const) },
    ],
  },
]

export const FEEDBACK_RUMOUR: Check = defineCheck<readonly RumourRun[], (k: number) => number>({
  id: 'E7',
  title: 'Rumour pushed until k contacts knew it: residue and traffic',
  formula: 's = e^(-(k+1)(1-s)), s = e^-m; ± 8 % for k <= 3, ± 15 % for k = 4, 5',
  source: 'Demers et al. 1987, section 1.4 (its ODE; its table is of cycles and a little off it)',
  fullRun: '4,000 to 10,000 runs of 1,000 members for each k, by coin and by counter',
  law: (k) => residueOf(k + 1),
  rivals: { 'blind: s = e^(-k(1-s))': residueOf, 'k + 2': (k) => residueOf(k + 2) },
  measure: (random, size) => {
    const trials = (k: number): number => (size === 'suite' ? 60 * k : k > 3 ? 10_000 : 4_000)
    return [...pushRuns('feedback', true)(random, trials), ...pushRuns('feedback', false)(random, trials)]
  },
  judge: (measured, law) =>
    measured.flatMap(({ k, name, residue, traffic }) => [
      nearly(`residue, ${name} k=${k}`, residue, law(k), k <= 3 ? 0.08 : 0.15),
      nearly(`traffic, ${name} k=${k}`, traffic, (k + 1) * (1 - law(k)), k <= 3 ? 0.08 : 0.15),
    ]),
  plots: (measured, law) => rumourPlot('E7: rumour with feedback, residue', measured, law),
})

export const BLIND_RUMOUR: Check = defineCheck<readonly RumourRun[], (k: number) => number>({
  id: 'E7b',
  title: 'Rumour pushed until a coin of 1/k falls, whatever the contact knew: residue',
  formula: 's = e^(-k(1-s)) for k >= 2, ± 10 %; k = 1 barely spreads (s > 0.9)',
  source: 'Demers et al. 1987, section 1.4',
  fullRun: '4,000 to 10,000 runs of 1,000 members for each k',
  law: residueOf,
  rivals: { 'with feedback: k + 1': (k) => residueOf(k + 1) },
  measure: (random, size) =>
    pushRuns('blind', true)(random, (k) => (size === 'suite' ? 60 * k : k > 3 ? 10_000 : 4_000)),
  judge: (measured, law) =>
    measured.map(({ k, name, residue }) =>
      k === 1
        ? near(`residue, ${name} k=1`, residue, law(1), 0.1)
        : nearly(`residue, ${name} k=${k}`, residue, law(k), 0.1),
    ),
  plots: (measured, law) => rumourPlot('E7b: rumour, blind coin, residue', measured, law),
})

interface Table {
  readonly residue: readonly number[]
  readonly traffic: readonly number[]
}

export const PULL_RUMOUR: Check = defineCheck<readonly RumourRun[], Table>({
  id: 'E7c',
  title: 'Rumour pulled, with feedback and counter: residue and traffic',
  formula: 'no closed form: 3.1e-2, 5.8e-4 and m 2.7, 4.5 for k = 1, 2; ± 15 %',
  source: 'Demers et al. 1987, table 3',
  fullRun: '6,000 runs of 1,000 members for k = 1 and 2',
  law: { residue: [3.1e-2, 5.8e-4], traffic: [2.7, 4.5] },
  rivals: { 'as push': { residue: [0.2032, 0.0595], traffic: [1.59, 2.82] } },
  measure: (random, size) =>
    [1, 2].map((k) =>
      measureRumour('pull', k, size === 'suite' ? 300 : 6_000, () => pullRumour(random, 1_000, k)),
    ),
  judge: (measured, { residue, traffic }) =>
    measured.flatMap((run, i) => [
      nearly(`residue, k=${run.k}`, run.residue, residue[i]!, 0.15),
      nearly(`traffic, k=${run.k}`, run.traffic, traffic[i]!, 0.15),
    ]),
})

interface Stray {
  readonly members: number
  readonly mean: Sample
  readonly high: number
}

/** Rounds after which next to nobody is left, from a tenth on. */
const STRAY_ROUNDS = 25

export const MEAN_FIELD: Check = defineCheck<
  readonly Stray[],
  { readonly mean: number; readonly high: number; readonly share: number }
>({
  id: 'E8',
  title: "How far push strays from the mean field x' = 1 - (1-x)e^-x",
  formula: 'sup |X - x| over all rounds: mean <= 0.6/sqrt n, p99 <= 1.5/sqrt n, from x = 0.1',
  source: 'Kurtz 1970, Solutions of ordinary differential equations as limits of pure jump processes',
  fullRun: '4,000 runs each of 100, 400, 1,600 and 6,400 members, 400 of 25,600',
  law: { mean: 0.6, high: 1.5, share: 0.1 },
  rivals: {
    'half as far': { mean: 0.3, high: 0.75, share: 0.1 },
    'the error falls with 1/n': { mean: 0.6, high: 1.5, share: -1 },
  },
  measure: (random, size) =>
    (size === 'suite' ? [100, 1_600] : [100, 400, 1_600, 6_400, 25_600]).map((members) => {
      const trials = size === 'suite' ? (members > 1_000 ? 100 : 400) : members > 10_000 ? 400 : 4_000
      const strays = repeat(trials, () =>
        strayOf(random, { mode: 'push', members, fanout: 1, loss: 0 }, 0.1, STRAY_ROUNDS),
      )
      return { members, mean: sampleOf(strays), high: quantileOf(strays, 0.99) }
    }),
  judge: (measured, { mean, high, share }) =>
    measured.flatMap((stray) => {
      // A law of 1/n is set to agree at 100 members.
      const scale = share < 0 ? stray.members / 10 : Math.sqrt(stray.members)
      return [
        atMost(
          `mean, n=${stray.members}, times sqrt n`,
          { mean: stray.mean.mean * scale, error: stray.mean.error * scale },
          mean,
        ),
        atMost(`p99, n=${stray.members}, times sqrt n`, exact(stray.high * scale), high),
      ]
    }),
  plots: (measured, { mean, high }) => [
    {
      title: 'E8: how far push strays from the mean field',
      x: { label: 'members', isLog: true },
      y: { label: 'sup |X - x|', isLog: true },
      series: [
        { name: 'mean', kind: 'points', points: measured.map((each) => [each.members, each.mean.mean]) },
        { name: 'p99', kind: 'points', points: measured.map((each) => [each.members, each.high]) },
        curve(`${mean}/sqrt n`, 100, 25_600, (n) => mean / Math.sqrt(n), true),
        curve(`${high}/sqrt n`, 100, 25_600, (n) => high / Math.sqrt(n), true),
      ],
    },
  ],
})

export const ENDEMIC: Check = defineCheck<
  readonly { readonly recovery: number; readonly share: Sample }[],
  (recovery: number) => number
>({
  id: 'E9',
  title: 'SIS: the share that stays infected',
  formula: 'i* = 1 - gamma/beta; ± 0.01, ± 0.02 for gamma/beta above 0.6',
  source: 'Kermack, McKendrick 1932; Weiss, Dishon 1971 (the mean of the quasi-stationary state)',
  fullRun: '20 runs each of 4,000 members over 200 recovery times',
  law: (recovery) => 1 - recovery,
  rivals: {
    'e^(-gamma/beta)': (recovery) => exp(-recovery),
    'gamma counts twice': (recovery) => 1 - 2 * recovery,
  },
  measure: (random, size) =>
    [0.25, 0.5, 0.8].map((recovery) => ({
      recovery,
      share: sampleOf(
        repeat(size === 'suite' ? 6 : 20, () =>
          size === 'suite'
            ? endemicShare(random, 1_500, 1 / recovery, 20, 60)
            : endemicShare(random, 4_000, 1 / recovery, 30, 230),
        ),
      ),
    })),
  judge: (measured, law) =>
    measured.map(({ recovery, share }) =>
      near(`infected, gamma/beta=${recovery}`, share, law(recovery), recovery > 0.6 ? 0.02 : 0.01),
    ),
  plots: (measured, law) => [
    {
      title: 'E9: SIS, the share that stays infected',
      x: { label: 'gamma/beta' },
      y: { label: 'infected' },
      series: [
        {
          name: 'measured',
          kind: 'points',
          points: measured.map(({ recovery, share }) => [recovery, share.mean]),
        },
        curve('1 - gamma/beta', 0, 1, law),
      ],
    },
  ],
})

interface Epidemics {
  readonly contacts: number
  /** Of the epidemics that take off: the share that was ever infected. */
  readonly size: Sample
  readonly fizzled: Sample
}

interface EpidemicLaw {
  readonly size: (contacts: number) => number
  readonly fizzled: (contacts: number) => number
}

export const EPIDEMIC_SIZE: Check = defineCheck<readonly Epidemics[], EpidemicLaw>({
  id: 'E9b',
  title: 'SIR from one member: how large it gets, and how often it fizzles out',
  formula: 'z = 1 - e^(-R z) ± 0.01 of those that take off; fizzles with probability 1/R ± 0.02',
  source: 'Kermack, McKendrick 1927; Whittle 1955, The outcome of a stochastic epidemic',
  fullRun: '10,000 epidemics of 2,000 members for R = 1.5, 2 and 4',
  law: { size: finalCoverage, fizzled: (contacts) => 1 / contacts },
  rivals: {
    'it never fizzles out': { size: finalCoverage, fizzled: () => 0 },
    'it stops at the threshold 1 - 1/R': {
      size: (contacts) => 1 - 1 / contacts,
      fizzled: (contacts) => 1 / contacts,
    },
  },
  measure: (random, size) =>
    [1.5, 2, 4].map((contacts) => {
      const members = size === 'suite' ? 1_500 : 2_000
      const sizes = repeat(size === 'suite' ? 500 : 10_000, () => epidemicSize(random, members, contacts))
      const large = sizes.filter((each) => each > finalCoverage(contacts) / 3)
      return { contacts, size: sampleOf(large), fizzled: shareOf(sizes.length - large.length, sizes.length) }
    }),
  judge: (measured, law) =>
    measured.flatMap(({ contacts, size, fizzled }) => [
      near(`size, R=${contacts}`, size, law.size(contacts), 0.01),
      near(`fizzled, R=${contacts}`, fizzled, law.fizzled(contacts), 0.02),
    ]),
  plots: (measured, law) => [
    {
      title: 'E9b: SIR, the share ever infected',
      x: { label: 'contacts while infected, R' },
      y: { label: 'share' },
      series: [
        {
          name: 'size, measured',
          kind: 'points',
          points: measured.map((each) => [each.contacts, each.size.mean]),
        },
        curve('z = 1 - e^(-Rz)', 1.05, 4.5, law.size),
        {
          name: 'fizzled, measured',
          kind: 'points',
          points: measured.map((each) => [each.contacts, each.fizzled.mean]),
        },
        curve('1/R', 1.05, 4.5, law.fizzled),
      ],
    },
  ],
})
