/**
 * How events hang together: links verified events to their parents, keeps those that still wait, keeps branches and
 * forgets what is ancient.
 *
 * An event may be linked when each parent that it names is either ancient by the birth round that the reference claims
 * (then it counts as absent, for everybody alike) or linked and as the reference says. So whether an event is valid never
 * depends on which ancient parents a member happens to hold (spec section 6; traps 10 and 12). An event born in a
 * round later than the one whose election is held waits for that election.
 *
 * The graph is told the ancient threshold and the election round as plain numbers; it knows nothing of ordering.
 */
import { bytesKey } from './bytes.ts'
import {
  branchProof,
  type BranchProof,
  type DecodedEvent,
  type EventKey,
  type EventReference,
  type VerifiedEvent,
} from './event.ts'
import { createWaitingRoom, type WaitingLimits } from './waiting.ts'

/** An event whose non-ancient parents are all linked before it. */
export interface LinkedEvent {
  readonly event: VerifiedEvent
  /** Counts up from 0 in the order of linking; local to this graph. */
  readonly index: number
  /** Index of the self-parent, or -1 if there is none or it is ancient. */
  readonly selfParent: number
  /** Indices of the other-parents that are not ancient, in their order. */
  readonly otherParents: readonly number[]
  /**
   * For every member slot the highest sequence number of that member among the ancestors and the event itself; of members that were added
   * later there is none.
   */
  readonly seen: Float64Array
}

export type OfferResult =
  'ready' | 'waiting' | 'duplicate' | 'ancient' | 'parent-mismatch' | 'too-far-ahead' | 'unknown-creator'

export interface CreatorFrontier {
  readonly creator: number
  /** Highest sequence number linked so far, 0 if none. */
  readonly sequence: number
}

/** What a graph that goes on from a snapshot knows of a member's forgotten events. */
export interface KnownChain {
  readonly creator: number
  /** Highest sequence number linked so far. */
  readonly sequence: number
  readonly proof: BranchProof | undefined
}

export interface GraphOptions {
  /** Member ids by ascending id: the slots of `seen`. */
  readonly members: readonly number[]
  readonly limits?: Partial<WaitingLimits>
  readonly known?: readonly KnownChain[]
  /** Asked once, when nothing else keeps an event from being linked: one that is not admitted is forgotten. */
  readonly admits?: (event: VerifiedEvent) => boolean
}

export interface Graph {
  /** One more member, in the next slot. */
  addMember(id: number): void
  /**
   * Takes an event in from a source (any number that stands for who sent it; bounds are kept per source). Afterwards
   * `next` must be called until it has nothing more.
   */
  offer(event: VerifiedEvent, source: number): OfferResult
  /** A source has sent an event that is here already. Says whether it waits: then it is the source's as well now. */
  offerAgain(key: EventKey, source: number): boolean
  /** Links and returns one event that may be linked now. */
  next(): LinkedEvent | undefined
  /** Moves the ancient threshold and the election round; both never fall. Ancient events are forgotten. */
  advance(ancientThreshold: number, electionRound: number): void
  has(key: EventKey): boolean
  get(key: EventKey): LinkedEvent | undefined
  /** Of every member slot: the highest sequence number linked. */
  frontier(): readonly CreatorFrontier[]
  /** Highest sequence number linked of one member; infinite for a stranger, of whom nothing is wanted. */
  sequenceOf(creator: number): number
  /** The newest event of a member (its first one at the highest sequence number), if it is not forgotten. */
  tip(creator: number): LinkedEvent | undefined
  /** The event of a member at a sequence number, the first one linked, if it is not forgotten. */
  at(creator: number, sequence: number): LinkedEvent | undefined
  slotOf(creator: number): number | undefined
  /** Parents that events of this source wait for and that it has not brought, at most `limit`. */
  missing(source: number, limit: number): EventReference[]
  /** Whether a waiting event names this one as a parent. */
  isAwaited(key: EventKey): boolean
  /** Whether a parent of this event is neither linked nor ancient. */
  lacksParents(event: DecodedEvent): boolean
  waitingCount(): number
  /** What the waiting events take up, about, with what they wait for. */
  waitingBytes(): number
  /** How many waiting events were dropped because a bound was reached. */
  evictedCount(): number
  hasBranched(creator: number): boolean
  branchProofOf(creator: number): BranchProof | undefined
  /** The first proof against each member that has branched. */
  branchProofs(): readonly BranchProof[]
  linkedCount(): number
}

interface Chain {
  readonly creator: number
  highest: number
  tip: LinkedEvent | undefined
  proof: BranchProof | undefined
  /** Non-ancient events by sequence number, the first one linked. */
  readonly bySequence: Map<number, LinkedEvent>
}

/** An event born this many rounds after the current election or later is not stored: it is asked for again when due. */
export const FUTURE_HORIZON_ROUNDS = 1_000

export function createGraph(options: GraphOptions): Graph {
  const slots = new Map<number, number>()
  const chains: Chain[] = []
  options.members.forEach(addMember)
  for (const { creator, sequence, proof } of options.known ?? []) {
    const chain = chains[slots.get(creator) ?? -1]
    if (chain === undefined) continue
    chain.highest = sequence
    chain.proof = proof
  }
  const linked = new Map<EventKey, LinkedEvent>()
  const byBirthRound = new Map<number, LinkedEvent[]>()
  const waiting = createWaitingRoom(options.limits)
  let ancientThreshold = 1
  let electionRound = 1
  let nextIndex = 0

  function addMember(creator: number): void {
    if (slots.has(creator)) throw new Error(`invariant: member ${creator} is there already`)
    slots.set(creator, chains.length)
    chains.push({ creator, highest: 0, tip: undefined, proof: undefined, bySequence: new Map() })
  }

  /** The parent as linked, 'absent' if ancient, 'missing' or 'mismatch'. */
  function resolve(event: DecodedEvent, reference: EventReference, isSelf: boolean) {
    if (reference.birthRound < ancientThreshold) return 'absent'
    const parent = linked.get(bytesKey(reference.id))
    if (parent === undefined) return 'missing'
    const { creator, birthRound, sequence, timestamp } = parent.event
    if (creator !== reference.creator || birthRound !== reference.birthRound) return 'mismatch'
    if (isSelf && (event.sequence !== sequence + 1 || event.timestamp <= timestamp)) return 'mismatch'
    return parent
  }

  function missingParents(event: DecodedEvent): EventReference[] | 'mismatch' {
    const missing: EventReference[] = []
    const check = (reference: EventReference, isSelf: boolean): boolean => {
      const found = resolve(event, reference, isSelf)
      if (found === 'missing') missing.push(reference)
      return found !== 'mismatch'
    }
    if (event.selfParent !== undefined && !check(event.selfParent, true)) return 'mismatch'
    for (const reference of event.otherParents) if (!check(reference, false)) return 'mismatch'
    return missing
  }

  function offerAgain(key: EventKey, source: number): boolean {
    if (!waiting.has(key)) return false
    waiting.share(key, source)
    return true
  }

  function offer(event: VerifiedEvent, source: number): OfferResult {
    if (linked.has(event.key) || offerAgain(event.key, source)) return 'duplicate'
    if (!slots.has(event.creator)) return 'unknown-creator'
    if (event.birthRound < ancientThreshold) return 'ancient'
    if (event.birthRound > electionRound + FUTURE_HORIZON_ROUNDS) return 'too-far-ahead'
    const missing = missingParents(event)
    if (missing === 'mismatch') return 'parent-mismatch'
    const ready = missing.length === 0 && event.birthRound <= electionRound
    waiting.add(event, [source], missing, ready)
    return ready ? 'ready' : 'waiting'
  }

  function next(): LinkedEvent | undefined {
    for (;;) {
      const taken = waiting.takeReady()
      if (taken === undefined) return undefined
      const { event, sources } = taken
      if (event.birthRound < ancientThreshold) {
        waiting.release(event.key)
        continue
      }
      const missing = missingParents(event)
      if (missing === 'mismatch') continue
      if (missing.length === 0 && event.birthRound <= electionRound) {
        if (options.admits?.(event) !== false) return link(event)
        // Who waits for it lacks it again.
        waiting.release(event.key)
        continue
      }
      waiting.add(event, sources, missing, false)
    }
  }

  function link(event: VerifiedEvent): LinkedEvent {
    const seen = new Float64Array(chains.length)
    const parentIndex = (reference: EventReference, isSelf: boolean): number => {
      const parent = resolve(event, reference, isSelf)
      if (typeof parent === 'string') return -1
      for (let slot = 0; slot < parent.seen.length; slot++) {
        if (parent.seen[slot]! > seen[slot]!) seen[slot] = parent.seen[slot]!
      }
      return parent.index
    }
    const selfParent = event.selfParent === undefined ? -1 : parentIndex(event.selfParent, true)
    const otherParents: number[] = []
    for (const reference of event.otherParents) {
      const index = parentIndex(reference, false)
      if (index >= 0) otherParents.push(index)
    }
    const slot = slots.get(event.creator)!
    seen[slot] = Math.max(seen[slot]!, event.sequence)
    const result: LinkedEvent = { event, index: nextIndex++, selfParent, otherParents, seen }
    linked.set(event.key, result)
    noteOnChain(chains[slot]!, result)
    const born = byBirthRound.get(event.birthRound)
    if (born === undefined) byBirthRound.set(event.birthRound, [result])
    else born.push(result)
    waiting.release(event.key)
    return result
  }

  function noteOnChain(chain: Chain, added: LinkedEvent): void {
    const { sequence } = added.event
    const first = chain.bySequence.get(sequence)
    if (first === undefined) chain.bySequence.set(sequence, added)
    else chain.proof ??= branchProof(first.event, added.event)
    if (sequence > chain.highest || (sequence === chain.highest && chain.tip === undefined)) {
      chain.highest = sequence
      chain.tip = added
    }
  }

  function forgetAncient(): void {
    for (const [birthRound, events] of byBirthRound) {
      if (birthRound >= ancientThreshold) continue
      for (const each of events) {
        linked.delete(each.event.key)
        const chain = chains[slots.get(each.event.creator)!]!
        if (chain.bySequence.get(each.event.sequence) === each) chain.bySequence.delete(each.event.sequence)
      }
      byBirthRound.delete(birthRound)
    }
  }

  function advance(newThreshold: number, newElectionRound: number): void {
    if (newThreshold < ancientThreshold || newElectionRound < electionRound) {
      throw new Error('invariant: the ancient threshold and the election round never fall')
    }
    const moved = newThreshold > ancientThreshold
    ancientThreshold = newThreshold
    electionRound = newElectionRound
    if (moved) forgetAncient()
    waiting.advance(ancientThreshold, electionRound)
  }

  return {
    addMember,
    offer,
    offerAgain,
    next,
    advance,
    has: (key) => linked.has(key) || waiting.has(key),
    get: (key) => linked.get(key),
    frontier: () => chains.map((chain) => ({ creator: chain.creator, sequence: chain.highest })),
    sequenceOf: (creator) => chains[slots.get(creator) ?? -1]?.highest ?? Infinity,
    tip: (creator) => chains[slots.get(creator) ?? -1]?.tip,
    at: (creator, sequence) => chains[slots.get(creator) ?? -1]?.bySequence.get(sequence),
    slotOf: (creator) => slots.get(creator),
    missing: (source, limit) => waiting.missing(source, limit),
    isAwaited: (key) => waiting.isAwaited(key),
    lacksParents: (event) => {
      const missing = missingParents(event)
      return missing !== 'mismatch' && missing.length > 0
    },
    waitingCount: () => waiting.count(),
    waitingBytes: () => waiting.bytes(),
    evictedCount: () => waiting.evicted(),
    hasBranched: (creator) => chains[slots.get(creator) ?? -1]?.proof !== undefined,
    branchProofOf: (creator) => chains[slots.get(creator) ?? -1]?.proof,
    branchProofs: () => chains.flatMap((chain) => (chain.proof === undefined ? [] : [chain.proof])),
    linkedCount: () => linked.size,
  }
}
