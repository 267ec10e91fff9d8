/**
 * What is done to a fleet, and when: a function of the seed alone, so that a run can be had again. The vocabulary is that of
 * Jepsen's nemeses (kill, pause, partition shapes, packet, clock, file) and what is Hearsay's own (double run, strangers).
 */
import type { LinkConduct } from '../../packages/cli/src/index.ts'
import { createRandom, type Random } from '../dag/random.ts'

export type Pair = readonly [string, string]

export type Fault =
  | { readonly kind: 'kill' | 'pause'; readonly victims: readonly string[] }
  | {
      readonly kind: 'part'
      readonly shape: string
      readonly pairs: readonly Pair[]
      readonly state: 'cut' | 'silent'
    }
  /** Nothing goes from the first to the second of each pair. */
  | { readonly kind: 'one-way'; readonly pairs: readonly Pair[] }
  | {
      readonly kind: 'delay' | 'loss' | 'thin' | 'corrupt'
      readonly pairs: readonly Pair[]
      readonly change: Partial<LinkConduct>
    }
  /** `file` and `at` choose among what the directory has then: shares of the list and of the file. */
  | {
      readonly kind: 'damage'
      readonly victim: string
      readonly file: number
      readonly at: number
      readonly bit: number
    }
  /** Journal and ledger are lost, the key is not. */
  | { readonly kind: 'wipe'; readonly victim: string }
  /** The directory is put back to what it was when the fault began. */
  | { readonly kind: 'old-image'; readonly victim: string }
  | { readonly kind: 'disk-full'; readonly victim: string }
  | {
      readonly kind: 'clock'
      readonly victims: readonly string[]
      readonly offsetMs: number
      readonly strobe: boolean
    }
  | { readonly kind: 'double-run'; readonly victim: string }
  | { readonly kind: 'hostile'; readonly victims: readonly string[]; readonly seed: number }

export type Kind = Fault['kind']

export interface Step {
  readonly number: number
  /** Together, at most one of them on processes and disks. */
  readonly faults: readonly Fault[]
  readonly forMs: number
  /** After recovery, before the next one. */
  readonly restMs: number
}

export interface ScheduleOptions {
  readonly seed: number
  readonly names: readonly string[]
  /** What cannot be done here is left out. */
  readonly kinds: readonly Kind[]
  /** The one whose disk can be filled. */
  readonly smallDisk: string
  /** No step is longer; a pause is a minute at most. */
  readonly longestMs: number
}

const ON_LINKS: readonly Kind[] = ['part', 'one-way', 'delay', 'loss', 'thin', 'corrupt']
const SHAPES = ['one', 'third', 'halves', 'ring', 'bridge', 'all'] as const

function shuffled(random: Random, names: readonly string[]): string[] {
  const all = [...names]
  for (let i = all.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[all[i], all[j]] = [all[j]!, all[i]!]
  }
  return all
}

const pairsOf = (names: readonly string[], apart: (i: number, j: number) => boolean): Pair[] =>
  names.flatMap((a, i) =>
    names.slice(i + 1).flatMap((b, k) => (apart(i, i + 1 + k) ? [[a, b] as const] : [])),
  )

/** The pairs that do not reach each other, over names in random order. */
function shapePairs(shape: (typeof SHAPES)[number], names: readonly string[]): Pair[] {
  const n = names.length
  const split = (at: number): Pair[] => pairsOf(names, (i, j) => i < at && j >= at)
  switch (shape) {
    case 'one':
      return split(1)
    case 'third':
      return split(Math.max(1, Math.floor((n - 1) / 3)))
    case 'halves':
      return split(Math.floor(n / 2))
    case 'ring':
      // Everybody reaches a majority, and no two the same.
      return pairsOf(names, (i, j) => Math.min(j - i, n - j + i) > Math.ceil((n - 1) / 4))
    case 'bridge':
      // Two halves, and one that reaches both.
      return pairsOf(names, (i, j) => i > 0 && i <= (n - 1) / 2 && j > (n - 1) / 2)
    case 'all':
      return pairsOf(names, () => true)
  }
}

export function* schedule(options: ScheduleOptions): Generator<Step> {
  const random = createRandom(options.seed)
  const { names, kinds } = options
  const share = (): number => random.below(1_000_000) / 1_000_000
  const between = (least: number, most: number): number => least + random.below(most - least + 1)

  /** Any number of them: mostly one, sometimes more than may fail, sometimes all. */
  function some(): string[] {
    const choice = random.below(10)
    const count = choice < 5 ? 1 : choice < 9 ? between(1, names.length) : names.length
    return shuffled(random, names).slice(0, count)
  }

  function onLinks(kind: Kind): Fault {
    const mixed = shuffled(random, names)
    const all = pairsOf(names, () => true)
    const pairs = random.below(2) === 0 ? all : pairsOf(mixed, (i) => i === 0)
    switch (kind) {
      case 'part': {
        const shape = SHAPES[random.below(SHAPES.length)]!
        const state = random.below(2) === 0 ? 'cut' : 'silent'
        return { kind, shape, pairs: shapePairs(shape, mixed), state }
      }
      case 'one-way': {
        const deaf = pairsOf(mixed, (i) => i === 0)
        return { kind, pairs: random.below(2) === 0 ? deaf : deaf.map(([a, b]) => [b, a] as const) }
      }
      case 'delay':
        return { kind, pairs, change: { delayMs: between(5, 500), jitterMs: random.below(1_500) } }
      case 'loss':
        return { kind, pairs, change: { resetAfterMs: between(300, 5_000) } }
      case 'thin':
        return { kind, pairs, change: { bytesPerSecond: between(8_000, 125_000) } }
      default:
        return { kind: 'corrupt', pairs, change: { corruptOneIn: between(3, 40) } }
    }
  }

  function onNodes(kind: Kind): Fault {
    const victim = names[random.below(names.length)]!
    switch (kind) {
      case 'damage':
        return { kind, victim, file: share(), at: share(), bit: random.below(8) }
      case 'wipe':
      case 'old-image':
      case 'double-run':
        return { kind, victim }
      case 'disk-full':
        return { kind, victim: options.smallDisk }
      case 'clock': {
        const offsetMs = (random.below(2) === 0 ? -1 : 1) * between(500, 3_600_000)
        return { kind, victims: some(), offsetMs, strobe: random.below(3) === 0 }
      }
      case 'hostile':
        return { kind, victims: some(), seed: random.below(2 ** 31) }
      default:
        return { kind: kind === 'pause' ? kind : 'kill', victims: some() }
    }
  }

  const make = (kind: Kind): Fault => (ON_LINKS.includes(kind) ? onLinks(kind) : onNodes(kind))
  // Every kind comes before any comes again, in an order of its own each time.
  for (let number = 1, bag: Kind[] = []; ; number++) {
    if (bag.length === 0) bag = shuffled(random, kinds) as Kind[]
    const faults = [make(bag.pop()!)]
    if (random.below(3) === 0) {
      const isOnLinks = ON_LINKS.includes(faults[0]!.kind)
      const at = bag.findIndex((kind) => ON_LINKS.includes(kind) !== isOnLinks)
      if (at >= 0) faults.push(make(bag.splice(at, 1)[0]!))
    }
    // Mostly seconds; sometimes as long as it may be.
    const longest = random.below(8) === 0 ? options.longestMs : Math.min(options.longestMs, 12_000)
    yield { number, faults, forMs: between(Math.min(1_000, longest), longest), restMs: random.below(3_000) }
  }
}
