/** E22 and E23: the shape of overlays of partial views, and what liars make of them. */
import type { Random } from '../random.ts'
import { atLeast, atMost, type Check, defineCheck, exact, near, nearly } from './check.ts'
import { exp, ln, type Sample, sampleOf } from './numbers.ts'
import { createCyclon, minWiseViews, poison, randomViews, type Shape, shapeOf } from './overlay.ts'

interface Shapes {
  readonly members: number
  readonly view: number
  readonly random: Shapely
  readonly cyclon: Shapely
}

type Shapely = Readonly<Record<keyof Shape, Sample>>

function shapely(shapes: readonly Shape[]): Shapely {
  return {
    inDegreeDeviation: sampleOf(shapes.map(({ inDegreeDeviation }) => inDegreeDeviation)),
    clustering: sampleOf(shapes.map(({ clustering }) => clustering)),
    pathLength: sampleOf(shapes.map(({ pathLength }) => pathLength)),
  }
}

interface ShapeLaw {
  readonly deviation: (members: number, view: number) => number
  readonly clustering: (members: number, view: number) => number
  readonly pathLength: (members: number, view: number) => number
}

/** Two members are neighbours with p = 1 - (1 - c/(n-1))^2, have a common one with 1 - (1 - p^2)^(n-2), and else are 3 apart. */
function pathLength(members: number, view: number): number {
  const q = 1 - view / (members - 1)
  const p = 1 - q * q
  const beyondTwo = (1 - p) * exp((members - 2) * ln(1 - p * p))
  return p + 2 * (1 - p - beyondTwo) + 3 * beyondTwo
}

const SHAPE_LAW: ShapeLaw = {
  deviation: (members, view) => Math.sqrt(view * (1 - view / (members - 1))),
  clustering: (members, view) => (2 * view) / members,
  pathLength,
}

export const OVERLAY_SHAPE: Check = defineCheck<readonly Shapes[], ShapeLaw>({
  id: 'E22',
  title: 'Overlays of partial views: in-degree, clustering, distance',
  formula:
    'random: in-degree sd sqrt(c(1 - c/(n-1))) ± 5 %, distance by p and p^2 ± 1 %; Cyclon: sd/sqrt c in [0.40, 0.65], clustering <= 1.1 x 2c/n, distance ± 1 %',
  source:
    'Voulgaris, Gavidia, van Steen 2005, Cyclon, section 5; Jelasity et al. 2007, Gossip-based peer sampling',
  fullRun:
    '8 overlays each of 1,000 members, views of 20 and shuffles of 8, views of 12 and shuffles of 4, 60 rounds',
  law: SHAPE_LAW,
  rivals: {
    'everybody is in exactly c views': { ...SHAPE_LAW, deviation: () => 0.001 },
    'clustering c/n': { ...SHAPE_LAW, clustering: (members, view) => view / members },
    'distance ln n / ln 2c': { ...SHAPE_LAW, pathLength: (members, view) => ln(members) / ln(2 * view) },
  },
  measure: (random, size) =>
    (size === 'suite'
      ? ([[500, 15, 6]] as const)
      : ([
          [1_000, 20, 8],
          [1_000, 12, 4],
        ] as const)
    ).map(([members, view, exchanged]) => {
      const trials = Array.from({ length: size === 'suite' ? 6 : 8 }, (_, i) => i)
      const rounds = size === 'suite' ? 40 : 60
      return {
        members,
        view,
        random: shapely(trials.map(() => shapeOf(randomViews(random, members, view)))),
        cyclon: shapely(
          trials.map(() => {
            const cyclon = createCyclon(random, { members, view, exchanged, liars: 0 })
            for (let round = 0; round < rounds; round++) cyclon.round()
            return shapeOf(cyclon.views())
          }),
        ),
      }
    }),
  judge: (measured, law) =>
    measured.flatMap(({ members, view, random, cyclon }) => {
      const of = (what: string): string => `${what}, n=${members} c=${view}`
      const root = Math.sqrt(view)
      const narrow = cyclon.inDegreeDeviation
      return [
        nearly(of('random: sd of in-degree'), random.inDegreeDeviation, law.deviation(members, view), 0.05),
        nearly(of('random: distance'), random.pathLength, law.pathLength(members, view), 0.01),
        near(
          of('Cyclon: sd / sqrt c'),
          { mean: narrow.mean / root, error: narrow.error / root },
          0.525,
          0.125,
        ),
        atMost(of('Cyclon: clustering'), cyclon.clustering, 1.1 * law.clustering(members, view)),
        nearly(of('Cyclon: distance'), cyclon.pathLength, law.pathLength(members, view), 0.01),
      ]
    }),
})

interface Poisoned {
  readonly liars: number
  /** After each round: the share of entries of honest members' views that are liars. */
  readonly cyclon: readonly Sample[]
  readonly minWise: Sample
  readonly isolated: number
}

interface PoisonLaw {
  /** Cyclon's share of liars after the last round is at least this. */
  readonly collapse: number
  /** Of min-wise slots, as a multiple of the share of liars, at most. */
  readonly most: number
}

function poisoned(random: Random, members: number, liars: number, trials: number, rounds: number): Poisoned {
  const runs = Array.from({ length: trials }, () => {
    const cyclon = createCyclon(random, { members, view: 20, exchanged: 8, liars })
    return Array.from({ length: rounds }, () => {
      cyclon.round()
      return poison(cyclon.views(), liars).share
    })
  })
  const slots = Array.from({ length: trials }, () =>
    poison(
      minWiseViews(random, { members, slots: 24, liars, flood: 5, rounds, reseedEvery: 5, reseeded: 2 }),
      liars,
    ),
  )
  return {
    liars: liars / members,
    cyclon: Array.from({ length: rounds }, (_, round) => sampleOf(runs.map((run) => run[round]!))),
    minWise: sampleOf(slots.map(({ share }) => share)),
    isolated: slots.reduce((most, { isolated }) => Math.max(most, isolated), 0),
  }
}

export const POISONING: Check = defineCheck<readonly Poisoned[], PoisonLaw>({
  id: 'E23',
  title: 'Peer sampling under attack: the share of liars in honest views',
  formula:
    'Cyclon, a tenth of liars, one forged shuffle a round: > 0.9 after 50 rounds; min-wise slots: <= 1.7 b for b <= 0.2, nobody isolated for b <= 0.1',
  source: 'Bortnikov et al. 2009, Brahms, section 4; Auvolat et al. 2023, Basalt, section 5',
  fullRun:
    '400 members, shares of liars 0.05, 0.1 and 0.2, 60 rounds, liars tell five others a round, 5 runs',
  law: { collapse: 0.9, most: 1.7 },
  rivals: {
    'Cyclon holds out: at most a half': { collapse: 1.1, most: 1.7 },
    'min-wise slots have no more liars than the network': { collapse: 0.9, most: 0.9 },
  },
  measure: (random, size) =>
    size === 'suite'
      ? [poisoned(random, 400, 40, 4, 50)]
      : [20, 40, 80].map((liars) => poisoned(random, 400, liars, 5, 60)),
  judge: (measured, { collapse, most }) =>
    measured.flatMap(({ liars, cyclon, minWise, isolated }) => [
      ...(liars === 0.1 ? [atLeast(`Cyclon after 50 rounds, b=${liars}`, cyclon[49]!, collapse)] : []),
      atMost(`min-wise, b=${liars}`, minWise, most * liars),
      ...(liars <= 0.1 ? [atMost(`min-wise: isolated, b=${liars}`, exact(isolated), 0)] : []),
    ]),
  plots: (measured) => [
    {
      title: 'E23: liars in the views of honest members',
      x: { label: 'round' },
      y: { label: 'share of entries' },
      series: measured.flatMap(({ liars, cyclon, minWise }) => [
        {
          name: `Cyclon, b=${liars}`,
          kind: 'points' as const,
          points: cyclon.filter((_, i) => i % 2 === 0).map((share, i) => [2 * i + 1, share.mean] as const),
        },
        {
          name: `min-wise in the end, b=${liars}`,
          kind: 'line' as const,
          points: [
            [1, minWise.mean],
            [cyclon.length, minWise.mean],
          ] as const,
        },
      ]),
    },
  ],
})
