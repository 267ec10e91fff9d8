/** E1 to E4 and E10: how many rounds until everybody knows, and what that costs. */
import { type Check, defineCheck, near, nearly, offset, type Size } from './check.ts'
import { exp, ln, log2, type Sample, sampleOf } from './numbers.ts'
import { curve } from './plot.ts'
import { type Mode, nextShare, predictRounds, roundsLaw, type Spread } from './predict.ts'
import type { Random } from '../random.ts'
import { spread, type Spreading } from './spreading.ts'

type Law = (spread: Spread) => number

interface Measured {
  readonly spread: Spread
  readonly rounds: Sample
  /** How often the rumour was sent, for each member. */
  readonly sent: Sample
}

function measureSpread(random: Random, options: Spread, trials: number): Measured {
  const runs: Spreading[] = Array.from({ length: trials }, () => spread(random, options))
  return {
    spread: options,
    rounds: sampleOf(runs.map(({ rounds }) => rounds)),
    sent: sampleOf(runs.map(({ sent }) => sent / options.members)),
  }
}

const sizesOf = (size: Size): readonly (readonly [members: number, trials: number])[] =>
  size === 'suite'
    ? [
        [64, 500],
        [1024, 120],
      ]
    : [
        [16, 4_000],
        [64, 4_000],
        [256, 2_000],
        [1024, 1_000],
        [4096, 500],
        [16_384, 300],
      ]

const FULL = '4,000 to 300 runs each of 16 to 16,384 members'

interface Rounds {
  readonly id: string
  readonly title: string
  readonly formula: string
  readonly source: string
  readonly mode: Mode
  readonly fanouts: readonly number[]
  /** Between these the open constant lies. */
  readonly open: readonly [number, number]
  readonly rivals: Readonly<Record<string, Law>>
}

/** Full runs begin at 64 members where fewer are too few: for a fan-out of several, and for push, whose constant is lower there. */
function roundsCheck({ id, title, formula, source, mode, fanouts, open, rivals }: Rounds): Check {
  return defineCheck<readonly Measured[], Law>({
    id,
    title,
    formula,
    source,
    fullRun: fanouts[0]! > 1 || mode === 'push' ? FULL.replace('16 to', '64 to') : FULL,
    law: roundsLaw,
    rivals,
    measure: (random, size) =>
      fanouts.flatMap((fanout) =>
        sizesOf(size)
          .filter(([members]) => members > 16 || (fanout === 1 && mode !== 'push'))
          .map(([members, trials]) => measureSpread(random, { mode, members, fanout, loss: 0 }, trials)),
      ),
    judge: (measured, law) =>
      measured.map(({ spread: options, rounds }) =>
        offset(`rounds, n=${options.members} F=${options.fanout}`, rounds, law(options), ...open),
      ),
    plots: (measured, law) => [
      {
        title: `${id}: ${title}`,
        x: { label: 'members', isLog: true },
        y: { label: 'rounds until all know' },
        series: fanouts.flatMap((fanout) => [
          {
            name: `measured, F=${fanout}`,
            kind: 'points' as const,
            points: measured
              .filter((each) => each.spread.fanout === fanout)
              .map((each) => [each.spread.members, each.rounds.mean] as const),
          },
          curve(
            `law + ${(open[0] + open[1]) / 2}`,
            16,
            16_384,
            (members) => law({ mode, members, fanout, loss: 0 }) + (open[0] + open[1]) / 2,
            true,
          ),
        ]),
      },
    ],
  })
}

export const PUSH_ROUNDS: Check = roundsCheck({
  id: 'E1',
  title: 'Push, one partner a round: rounds until all know',
  formula: 'log2 n + ln n + c, c in [0.6, 1.5]',
  source: 'Pittel 1987, On spreading a rumor; Frieze, Grimmett 1985; Doerr, Künnemann 2014',
  mode: 'push',
  fanouts: [1],
  open: [0.6, 1.5],
  rivals: {
    'it only doubles each round: log2 n': ({ members }) => log2(members),
    'a tail in base 2: 2 log2 n': ({ members }) => 2 * log2(members),
  },
})

export const FANOUT_ROUNDS: Check = roundsCheck({
  id: 'E2',
  title: 'Push with fan-out: rounds until all know',
  formula: 'log(1+F) n + ln n / F + c, c in [0.4, 1.1]',
  source: 'as E1, with growth 1 + F and a tail that shrinks by e^-F a round',
  mode: 'push',
  fanouts: [2, 3],
  open: [0.4, 1.1],
  rivals: {
    'growth by F in place of 1 + F': ({ members, fanout }) => ln(members) / ln(fanout) + ln(members) / fanout,
    'no tail': ({ members, fanout }) => ln(members) / ln(1 + fanout),
  },
})

export const PULL_ROUNDS: Check = roundsCheck({
  id: 'E3a',
  title: 'Pull, one partner a round: rounds until all know',
  formula: 'log2 n + log2 ln n + c, c in [0.4, 1.4]',
  source: "Karp et al. 2000, Randomized rumor spreading, section 2: u' = u^2",
  mode: 'pull',
  fanouts: [1],
  open: [0.4, 1.4],
  rivals: {
    'the tail of push': ({ members }) => log2(members) + ln(members),
    'no tail': ({ members }) => log2(members),
  },
})

export const PUSH_PULL_ROUNDS: Check = roundsCheck({
  id: 'E3b',
  title: 'Push-pull, one partner a round: rounds until all know',
  formula: 'log3 n + log2 ln n + c, |c| <= 0.35',
  source: "Karp et al. 2000, section 2: growth 3, u' = u^2 e^(-(1-u))",
  mode: 'push-pull',
  fanouts: [1],
  open: [-0.35, 0.35],
  rivals: {
    'growth 2': ({ members }) => log2(members) + log2(ln(members)),
    'no tail': ({ members }) => ln(members) / ln(3),
  },
})

export const PUSH_PULL_FANOUT_ROUNDS: Check = roundsCheck({
  id: 'E3c',
  title: 'Push-pull, three partners a round: rounds until all know',
  formula: 'log7 n + log4 ln n + c, c in [0, 0.5]',
  source: 'as E3b, with growth 1 + 2F and u to the power 1 + F',
  mode: 'push-pull',
  fanouts: [3],
  open: [0, 0.5],
  rivals: {
    'growth 1 + F': ({ members }) => ln(members) / ln(4) + ln(ln(members)) / ln(4),
    'no tail': ({ members }) => ln(members) / ln(7),
  },
})

interface Sent {
  /** For each member, until all know. */
  readonly push: (members: number) => number
  readonly pushPull: (members: number) => number
}

export const TRANSMISSIONS: Check = defineCheck<readonly Measured[], Sent>({
  id: 'E4',
  title: 'Times that the rumour is sent, for each member, until all know',
  formula: 'push: ln n + 1.0 ± 0.35; push-pull: log2 log2 n, ratio in [0.95, 1.2]',
  source: 'Karp et al. 2000, theorem 1.1: O(n log log n) in all',
  fullRun: '4,000 to 1,500 runs each of 16 to 4,096 members',
  law: { push: (members) => ln(members) + 1, pushPull: (members) => log2(log2(members)) },
  rivals: {
    'push: log2 n': { push: log2, pushPull: (members) => log2(log2(members)) },
    'push-pull: ln n': { push: (members) => ln(members) + 1, pushPull: ln },
  },
  measure: (random, size) =>
    (['push', 'push-pull'] as const).flatMap((mode) =>
      sizesOf(size)
        .filter(([members]) => members <= 4_096)
        .map(([members, trials]) =>
          measureSpread(
            random,
            { mode, members, fanout: 1, loss: 0 },
            size === 'suite' ? Math.ceil(trials / 2) : Math.max(trials, 1_500),
          ),
        ),
    ),
  judge: (measured, { push, pushPull }) =>
    measured.map(({ spread: { mode, members }, sent }) =>
      mode === 'push'
        ? near(`push, n=${members}`, sent, push(members), 0.35)
        : offset(
            `push-pull, n=${members}`,
            sent,
            pushPull(members),
            -0.05 * pushPull(members),
            0.2 * pushPull(members),
          ),
    ),
  plots: (measured, { push, pushPull }) => [
    {
      title: 'E4: times sent, for each member',
      x: { label: 'members', isLog: true },
      y: { label: 'sent for each member' },
      series: (['push', 'push-pull'] as const).flatMap((mode) => [
        {
          name: `${mode}, measured`,
          kind: 'points' as const,
          points: measured
            .filter((each) => each.spread.mode === mode)
            .map((each) => [each.spread.members, each.sent.mean] as const),
        },
        curve(
          mode === 'push' ? 'ln n + 1' : 'log2 log2 n',
          16,
          16_384,
          mode === 'push' ? push : pushPull,
          true,
        ),
      ]),
    },
  ],
})

interface Tail {
  readonly mode: Mode
  /** The share that does not know, before and after one round. */
  readonly before: number
  readonly after: Sample
}

type TailLaw = (mode: Mode, unknowing: number) => number

export const ANTI_ENTROPY_TAIL: Check = defineCheck<readonly Tail[], TailLaw>({
  id: 'E10',
  title: 'The share that does not know, after one more round',
  formula: "pull p' = p^2, push p' = p e^(-(1-p)), push-pull the product; ± 3 %",
  source: 'Demers et al. 1987, section 1.3',
  fullRun: '10,000 members, 2,000 rounds from each of five shares',
  law: (mode, unknowing) => 1 - nextShare({ mode, fanout: 1, loss: 0 }, 1 - unknowing),
  rivals: {
    'push is p/e at every p': (mode, p) => (mode === 'push' ? p / exp(1) : p * p),
    'pull is as slow as push': (_, p) => p * exp(-(1 - p)),
  },
  measure: (random, size) => {
    const members = size === 'suite' ? 2_000 : 10_000
    const trials = size === 'suite' ? 60 : 2_000
    return (['pull', 'push', 'push-pull'] as const).flatMap((mode) =>
      [0.1, 0.2, 0.3, 0.4, 0.5].map((before) => {
        const after = Array.from({ length: trials }, () => {
          const { knew } = spread(
            random,
            { mode, members, fanout: 1, loss: 0 },
            Math.round(members * (1 - before)),
            1,
          )
          return 1 - knew[1]! / members
        })
        return { mode, before, after: sampleOf(after) }
      }),
    )
  },
  judge: (measured, law) =>
    measured.map(({ mode, before, after }) => nearly(`${mode}, p=${before}`, after, law(mode, before), 0.03)),
  plots: (measured, law) => [
    {
      title: 'E10: the share that does not know, one round later',
      x: { label: 'before' },
      y: { label: 'after' },
      series: (['pull', 'push', 'push-pull'] as const).flatMap((mode) => [
        {
          name: `${mode}, measured`,
          kind: 'points' as const,
          points: measured
            .filter((each) => each.mode === mode)
            .map((each) => [each.before, each.after.mean] as const),
        },
        curve(mode, 0.05, 0.55, (p) => law(mode, p)),
      ]),
    },
  ],
})

/** What `tune` prints: one figure for every mode, fan-out and loss. */
export const PREDICTED_ROUNDS: Check = defineCheck<readonly Measured[], Law>({
  id: 'E3d',
  title: 'Rounds until all know, as predicted for any mode, fan-out and loss',
  formula: 'sum over rounds of 1 - e^(-nu), u by the mean-field map of n members; ± 5 %',
  source: "the map of Demers et al. 1987; the spread of a branching process's limit, Harris 1963, I.8",
  fullRun: '1,000 runs each of 16, 64 and 1,024 members, F 1 and 3, loss 0, 0.1 and 0.3, all modes',
  law: predictRounds,
  rivals: {
    'loss costs nothing': (options) => predictRounds({ ...options, loss: 0 }),
    'loss costs twice': (options) => predictRounds({ ...options, loss: 2 * options.loss }),
  },
  measure: (random, size) =>
    (['push', 'pull', 'push-pull'] as const).flatMap((mode) =>
      [1, 3].flatMap((fanout) =>
        [0, 0.1, 0.3].flatMap((loss) =>
          (size === 'suite' ? [64] : [16, 64, 1024]).map((members) =>
            measureSpread(random, { mode, members, fanout, loss }, size === 'suite' ? 300 : 1_000),
          ),
        ),
      ),
    ),
  judge: (measured, law) =>
    measured.map(({ spread: options, rounds }) =>
      nearly(
        `${options.mode}, n=${options.members} F=${options.fanout} loss=${options.loss}`,
        rounds,
        law(options),
        0.05,
      ),
    ),
})
