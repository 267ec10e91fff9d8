/** One gossip machine over a view that the test sets, and what it says, decoded. */
import {
  createEvent,
  PROTOCOL_VERSION,
  type CryptoSuite,
  type EventReference,
  type VerifiedEvent,
} from '@hearsay/dag'
import { createNativeSuite } from '@hearsay/dag/native'
import {
  createGossip,
  decodeFrame,
  encodeFrame,
  type Frame,
  type Gossip,
  type GossipEffect,
  type GossipTuning,
  type GossipView,
  type HelloFrame,
  type WantFrame,
} from '@hearsay/gossip'
import { createRandom } from '../dag/random.ts'

export const networkId: Uint8Array = new Uint8Array(32).fill(5)
export const suite: CryptoSuite = createNativeSuite()
export const secretKeyOf = (member: number): Uint8Array => new Uint8Array(32).fill(member)
const SELF = 1

/** What the graph holds: the test changes it as it likes. */
export interface Held {
  frontier: Map<number, number>
  version: number
  /** By member: parents that its events wait for. */
  missing: Map<number, EventReference[]>
  branched: number[]
  decidedRound: number
  ancientThreshold: number
}

export interface Said {
  readonly link: number
  readonly frame: Frame
}

export interface Machine {
  readonly gossip: Gossip
  readonly held: Held
  /** All effects since the last call: frames that are sent, and the rest as it is, but for greetings. */
  take(): { readonly said: readonly Said[]; readonly rest: readonly GossipEffect[] }
  hear(link: number, frame: Frame, nowMs: number): void
  /** Opens a link and greets as its member. */
  join(link: number, nowMs: number, memberId?: number, features?: number): void
  /** The highest sequence number of a creator has grown. */
  grow(creator: number, sequence: number): void
}

export const hello = (memberId: number): HelloFrame => ({
  kind: 'hello',
  networkId,
  version: PROTOCOL_VERSION,
  memberId,
  software: 'test',
  features: 0,
})

/** A first event of a member. */
export const eventOf = (creator: number, transactions: readonly Uint8Array[] = []): VerifiedEvent =>
  createEvent(
    {
      creator,
      sequence: 1,
      birthRound: 1,
      timestamp: 1,
      salt: new Uint8Array(16),
      selfParent: undefined,
      otherParents: [],
      transactions,
    },
    networkId,
    secretKeyOf(creator),
    suite,
  )

export const status = (frontier: readonly (readonly [number, number])[], decidedRound = 0): Frame => ({
  kind: 'status',
  decidedRound,
  ancientThreshold: 1,
  frontier: new Map(frontier),
  recordsDigest: 0,
})

export function createMachine(members: number, seed = 1, tuning: Partial<GossipTuning> = {}): Machine {
  const random = createRandom(seed)
  const held: Held = {
    frontier: new Map(Array.from({ length: members }, (_, i) => [i + 1, 0])),
    version: 0,
    missing: new Map(),
    branched: [] as number[],
    decidedRound: 0,
    ancientThreshold: 1,
  }
  const view: GossipView = {
    frontier: () => held.frontier,
    sequenceOf: (creator) => held.frontier.get(creator) ?? Infinity,
    version: () => held.version,
    missing: (memberId, limit) => (held.missing.get(memberId) ?? []).slice(0, limit),
    find: () => undefined,
    numberOf: () => undefined,
    eventsFrom: () => [],
    branchedMembers: () => held.branched,
    decidedRound: () => held.decidedRound,
    ancientThreshold: () => held.ancientThreshold,
  }
  const gossip = createGossip(
    {
      networkId,
      memberId: SELF,
      members: Array.from({ length: members }, (_, i) => ({
        id: i + 1,
        name: `m${i + 1}`,
        publicKey: suite.publicKey(secretKeyOf(i + 1)),
        weight: 1,
      })),
      secretKey: secretKeyOf(SELF),
      suite,
      software: 'machine',
      random: () => random.below(2 ** 32) / 2 ** 32,
      // Nobody is pinged unless the test is about that.
      tuning: { pingAfterMs: Infinity, reopenMs: Infinity, ...tuning },
    },
    view,
  )
  return {
    gossip,
    held,
    take: () => {
      const said: Said[] = []
      const rest: GossipEffect[] = []
      for (const effect of gossip.takeEffects()) {
        if (effect.kind === 'send') said.push({ link: effect.link, frame: decodeFrame(effect.frame)! })
        else if (effect.kind !== 'greeted') rest.push(effect)
      }
      return { said, rest }
    },
    hear: (link, frame, nowMs) => gossip.frame(link, encodeFrame(frame), nowMs),
    join: (link, nowMs, memberId = link, features = 0) => {
      gossip.opened(link, memberId, nowMs)
      gossip.frame(link, encodeFrame({ ...hello(memberId), features }), nowMs)
    },
    grow: (creator, sequence) => {
      held.frontier.set(creator, sequence)
      held.version += 1
    },
  }
}

/** The requests among what it says. */
export const wants = (machine: Machine): (WantFrame & { readonly link: number })[] =>
  machine.take().said.flatMap(({ link, frame }) => (frame.kind === 'want' ? [{ ...frame, link }] : []))

/** The end of a repair. */
export const ends = (request: number, complete = true): Frame => ({ kind: 'want-end', request, complete })
