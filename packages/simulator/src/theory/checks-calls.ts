/** E21: how many calls gossip needs, and on which graphs of telephone numbers it reaches everybody. */
import {
  allGraphs,
  type Ends,
  isSunGraph,
  isWeaklyConnected,
  learnNewSecrets,
  leastCalls,
  ownSecrets,
  type Protocol,
  randomCalls,
} from './calls.ts'
import { atMost, type Check, defineCheck, exact, near, nearly } from './check.ts'
import { ln, type Sample, sampleOf } from './numbers.ts'
import { curve } from './plot.ts'

interface Calls {
  readonly least: readonly { readonly members: number; readonly calls: number }[]
  readonly random: readonly {
    readonly members: number
    readonly protocol: Protocol
    readonly calls: Sample
  }[]
}

interface CallsLaw {
  readonly least: (members: number) => number
  readonly any: (members: number) => number
}

export const CALLS: Check = defineCheck<Calls, CallsLaw>({
  id: 'E21',
  title: 'Telephone calls until everybody knows all secrets',
  formula: 'least 2n - 4, exactly; ANY 1.5 n ln n ± 10 %; LNS < CO < ANY',
  source:
    'Hajnal, Milner, Szemerédi 1972; Haigh 1981, Random exchange of information; van Ditmarsch et al. 2018',
  fullRun: 'every sequence of calls for 4 and 5 members; 60,000 random runs each of 8, 16 and 32',
  law: { least: (members) => 2 * members - 4, any: (members) => 1.5 * members * ln(members) },
  rivals: {
    'least 2n - 3': { least: (members) => 2 * members - 3, any: (members) => 1.5 * members * ln(members) },
    'n log2 n': {
      least: (members) => 2 * members - 4,
      any: (members) => (members * ln(members)) / ln(2) / 1.8,
    },
  },
  measure: (random, size) => ({
    least: [4, 5].map((members) => ({ members, calls: leastCalls(members) })),
    random: (['ANY', 'CO', 'LNS'] as const).flatMap((protocol) =>
      [8, 16, 32].map((members) => ({
        members,
        protocol,
        calls: sampleOf(
          Array.from({ length: size === 'suite' ? 2_000 : 60_000 }, () =>
            randomCalls(random, members, protocol),
          ),
        ),
      })),
    ),
  }),
  judge: ({ least, random }, law) => {
    const of = (protocol: Protocol, members: number): Sample =>
      random.find((each) => each.protocol === protocol && each.members === members)!.calls
    return [
      ...least.map(({ members, calls }) => near(`least, n=${members}`, exact(calls), law.least(members), 0)),
      ...[8, 16, 32].flatMap((members) => [
        nearly(`ANY, n=${members}`, of('ANY', members), law.any(members), 0.1),
        atMost(`CO less than ANY, n=${members}`, of('CO', members), of('ANY', members).mean),
        atMost(`LNS less than CO, n=${members}`, of('LNS', members), of('CO', members).mean),
      ]),
    ]
  },
  plots: ({ random }, law) => [
    {
      title: 'E21: calls until everybody knows all',
      x: { label: 'members', isLog: true },
      y: { label: 'calls', isLog: true },
      series: [
        ...(['ANY', 'CO', 'LNS'] as const).map((protocol) => ({
          name: `${protocol}, measured`,
          kind: 'points' as const,
          points: random
            .filter((each) => each.protocol === protocol)
            .map((each) => [each.members, each.calls.mean] as const),
        })),
        curve('1.5 n ln n', 8, 32, law.any, true),
        curve('least: 2n - 4', 8, 32, law.least, true),
      ],
    },
  ],
})

interface Graphs {
  readonly members: number
  readonly graphs: number
  /** On how many graphs what all sequences of calls lead to is what each law says. */
  readonly agree: (law: GraphLaw) => number
}

type GraphLaw = (members: number, numbers: number, ends: Ends) => boolean

export const LEARN_NEW_SECRETS: Check = defineCheck<readonly Graphs[], GraphLaw>({
  id: 'E21b',
  title: 'Learn New Secrets on every graph of numbers',
  formula:
    'every sequence of calls succeeds if and only if the graph is weakly connected, and strongly so without members that have no number',
  source:
    'van Ditmarsch, van Eijck, Pardo, Ramezanian, Schwarzentruber 2018, Dynamic gossip, theorem on LNS (arXiv 1511.00867)',
  fullRun: 'every sequence of calls on all 64 graphs of 3 members and all 4,096 of 4',
  law: (members, numbers, ends) =>
    ends.must === isSunGraph(members, numbers) && (!ends.may || isWeaklyConnected(members, numbers)),
  rivals: {
    'weakly connected is enough': (members, numbers, ends) =>
      ends.must === isWeaklyConnected(members, numbers),
    'if one sequence succeeds, all do': (_, __, ends) => ends.may === ends.must,
  },
  measure: () =>
    [3, 4].map((members) => {
      const seen = new Map<number, Ends>()
      const all = [...allGraphs(members)].map((numbers) => ({
        numbers,
        ends: learnNewSecrets(members, numbers, ownSecrets(members), seen),
      }))
      return {
        members,
        graphs: all.length,
        agree: (law) => all.filter(({ numbers, ends }) => law(members, numbers, ends)).length,
      }
    }),
  judge: (measured, law) =>
    measured.map(({ members, graphs, agree }) =>
      near(`graphs that agree, n=${members}`, exact(agree(law)), graphs, 0),
    ),
})
