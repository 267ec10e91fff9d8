/** E20: how well spies guess who submitted a transaction that is relayed along a stem before everybody gets it. */
import { type Check, defineCheck, near } from './check.ts'
import { type Sample, shareOf } from './numbers.ts'
import { curve } from './plot.ts'
import type { Random } from '../random.ts'
import { otherThan } from './partners.ts'

interface Stem {
  readonly members: number
  readonly spies: number
  /** The probability that an honest relay ends the stem and broadcasts. */
  readonly stop: number
}

/**
 * Whether the spies' guess is right. The submitter hands the transaction to a random other; an honest one broadcasts with
 * probability `stop`, else hands it on likewise. The first spy guesses the one who handed it over; with a broadcast, all see its sender.
 */
function isSpied(random: Random, { members, spies, stop }: Stem): boolean {
  // The submitter is 0, the spies are the last.
  for (let holder = 0; ;) {
    const next = otherThan(random, members, holder)
    if (next >= members - spies) return holder === 0
    if (random.next() < stop) return next === 0
    holder = next
  }
}

/**
 * Solved from the two unknowns a, b: the guess is right if the submitter, or an honest other, hands it on now.
 * a = p + (h/(n-1))(1-q) b;  b = (1/(n-1))(q + (1-q)a) + ((h-1)/(n-1))(1-q) b;  p = f/(n-1), h = n-1-f.
 */
function firstSpyPrecision({ members, spies, stop }: Stem): number {
  const others = members - 1
  const honest = others - spies
  const go = 1 - stop
  const staying = 1 - ((honest - 1) / others) * go
  // b = (stop + go a) / (others * staying), put into a.
  const back = ((honest / others) * go) / (others * staying)
  return (spies / others + back * stop) / (1 - back * go)
}

const CASES: readonly Stem[] = [
  { members: 100, spies: 10, stop: 0.2 },
  { members: 100, spies: 30, stop: 0.1 },
  { members: 31, spies: 10, stop: 0.2 },
]

export const FIRST_SPY: Check = defineCheck<
  readonly { readonly stem: Stem; readonly share: Sample }[],
  (stem: Stem) => number
>({
  id: 'E20',
  title: 'First-spy precision of a stem relay',
  formula:
    'a = p + h/(n-1) (1-q) b, b = (q + (1-q)a)/(n-1) + (h-1)/(n-1) (1-q) b, p = f/(n-1), h = n-1-f; ± 0.004',
  source:
    'Bojja Venkatakrishnan, Fanti, Viswanath 2017, Dandelion, section 4; Bellet, Guerraoui, Hendrikx 2020',
  fullRun: '2 million transactions each for n/f/q 100/10/0.2, 100/30/0.1, 31/10/0.2',
  law: firstSpyPrecision,
  rivals: {
    'nobody learns anything: f/n at random': ({ members }) => 1 / members,
    'no stem': () => 1,
    'honest members count as spies': ({ members, spies }) => (spies + 1) / (members - 1),
  },
  measure: (random, size) =>
    CASES.map((stem) => {
      const trials = size === 'suite' ? 200_000 : 2_000_000
      let right = 0
      for (let i = 0; i < trials; i++) if (isSpied(random, stem)) right++
      return { stem, share: shareOf(right, trials) }
    }),
  judge: (measured, law) =>
    measured.map(({ stem, share }) =>
      near(`n=${stem.members} f=${stem.spies} q=${stem.stop}`, share, law(stem), 0.004),
    ),
  plots: (measured, law) => [
    {
      title: 'E20: how often the first spy is right',
      x: { label: 'share of spies among the others' },
      y: { label: 'precision' },
      series: [
        {
          name: 'measured',
          kind: 'points',
          points: measured.map(({ stem, share }) => [stem.spies / (stem.members - 1), share.mean]),
        },
        curve('n=100, q=0.2', 0.01, 0.5, (part) => law({ members: 100, spies: part * 99, stop: 0.2 })),
        curve('lower bound f/(n-1)', 0.01, 0.5, (part) => part),
      ],
    },
  ],
})
