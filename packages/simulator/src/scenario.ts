/**
 * A scenario says all of what happens in one world, and is plain data: it can be kept in a file, made smaller and run again. What
 * is not in here (how long each frame takes, what a power cut leaves) follows from `seed`.
 */
import type { DiskFaults, Survival } from './disk.ts'

/** How long frames take. */
export type Latency =
  /** Equal for all: a fixed part and a random one, and a share of frames that take `tailMs` longer. */
  | {
      readonly kind: 'uniform'
      readonly lowMs: number
      readonly highMs: number
      readonly tail: number
      readonly tailMs: number
    }
  /** By the map: machine → region; a share of the time is added at random. */
  | { readonly kind: 'map'; readonly regions: readonly number[]; readonly jitter: number }

/** What one member is. */
export interface MemberPlan {
  readonly weight: number
  /** Wall clock against the world's, and how much faster than the world's the member's clocks run (1: as fast). */
  readonly clockOffsetMs: number
  readonly clockRate: number
  /** Handling one input takes this long. */
  readonly stepMs: number
  readonly syncMs: readonly [number, number]
  readonly segmentBytes: number
  readonly liar?: LiarPlan
}

/** What a liar does; all of it may be combined. */
export interface LiarPlan {
  /** The real node with the key of this member runs twice, each copy showing itself to some. */
  readonly twins?: boolean
  /** Makes an event after so many milliseconds. */
  readonly everyMs: number
  /** Chance that an event branches off from one that has a self-child already, and how many at once. */
  readonly branch: number
  readonly branches: number
  /** Chance that an event is kept back from everybody, or from some, for up to so long. */
  readonly withhold: number
  readonly withholdMs: number
  /** Keeps events back until the round after the one in which they would have counted has begun. */
  readonly untilRound: boolean
  readonly timestamps: 'true' | 'past' | 'future' | 'random' | 'still'
  readonly frontier: 'true' | 'low' | 'high' | 'random'
  /** Events a second whose parents do not exist, or that are born in the future. */
  readonly floods: number
  /** Members whose events it does not use and does not pass on. */
  readonly censored: readonly number[]
  /** Salts that it tries for each event, for a small id or a wished coin. */
  readonly grind: number
  /** Members that get its events; undefined: all. */
  readonly audience?: readonly number[]
  /** Answers to WANT: as asked, never, or an event at a time. */
  readonly serves: 'all' | 'nothing' | 'drip'
  /** Now and then a frame that is not one. */
  readonly garbage: number
}

interface Span {
  readonly atMs: number
  readonly forMs: number
}

export type Fault =
  /** Frames from some to others stand still; `both`: and back. */
  | (Span & {
      readonly kind: 'cut'
      readonly from: readonly number[]
      readonly to: readonly number[]
      readonly both: boolean
    })
  /** Down for that long. `image`: comes back with what it has, with an old copy of its disk, or with an empty one. */
  | (Span & {
      readonly kind: 'crash'
      readonly member: number
      readonly survival: Survival
      readonly image: 'own' | 'old' | 'none'
      readonly ageMs: number
      readonly rot: boolean
    })
  /** A polite stop, then a start. */
  | (Span & { readonly kind: 'stop'; readonly member: number })
  | (Span & { readonly kind: 'pause'; readonly member: number })
  | (Span & { readonly kind: 'clock'; readonly member: number; readonly jumpMs: number })
  | (Span & { readonly kind: 'disk'; readonly member: number; readonly faults: Partial<DiskFaults> })
  | (Span & { readonly kind: 'slow'; readonly member: number; readonly stepMs: number })
  | (Span & { readonly kind: 'thin'; readonly member: number; readonly bytesPerMs: number })
  /** The share of frames that are lost, come twice or overtake others. */
  | (Span & {
      readonly kind: 'rough'
      readonly loss: number
      readonly twice: number
      readonly overtake: number
    })
  /** Delays are multiplied. */
  | (Span & { readonly kind: 'far'; readonly factor: number })
  /** The scheduler that splits votes: of every creator's events some members, ever others, hear later. */
  | (Span & { readonly kind: 'split'; readonly extraMs: number; readonly share: number })

/** How transactions come. */
export interface Load {
  /** In all of the network, on the average. */
  readonly perSecond: number
  /** So many come together. */
  readonly burst: number
  readonly sizeBytes: readonly [number, number]
}

export interface Scenario {
  readonly seed: number
  readonly coinFrequency: number
  readonly roundsNonAncient: number
  readonly realSignatures: boolean
  readonly latency: Latency
  readonly members: readonly MemberPlan[]
  readonly faults: readonly Fault[]
  readonly load: Load
  /** The time of faults; after it all is mended, and everybody must come to the same order within `calmMs`. */
  readonly stormMs: number
  readonly calmMs: number
}

/** Whether a fault may make a member act against its own past, or stop for good: it counts as one that lies. */
export const isGrave = (fault: Fault): boolean =>
  fault.kind === 'crash' && (fault.image !== 'own' || fault.rot)
