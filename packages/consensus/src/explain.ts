/**
 * The ordering rule with its reasons (spec sections 1, 6 and 7): takes events as the engine does and says of each why it
 * stands where it stands. It is a second reading of the spec, worded and slow, and shares nothing with the engine: made
 * for looking at finite graphs, it keeps every event that it was given.
 */
import { bytesKey, toHex } from '@hearsay/dag'
import { createElection, type Candidacy, type ExplainedElection, type Vote } from './explain-election.ts'
import { orderRound, reachFrom, type Received } from './explain-order.ts'
import { NO_ROUND, rosterReading, type Base, type Item, type Reading } from './explain-seeing.ts'
import type { Explanation, FameReason, Placement, RoundReason, VoteReason } from './explain-types.ts'
import {
  NO_EVENT,
  type ConsensusSnapshot,
  type EngineEvent,
  type EngineOptions,
  type EventHandle,
} from './types.ts'

/** One event in the order, from the first on. */
export interface PlacedEvent {
  readonly id: Uint8Array
  readonly order: number
  readonly timestamp: number
  readonly transactionCount: number
}

export interface Explainer {
  /** As the engine's: the handle, or NO_EVENT for an ancient event, which can be explained nevertheless. */
  insert(event: EngineEvent): EventHandle
  /** Undefined for an event that was never inserted. */
  explain(id: Uint8Array): Explanation | undefined
  /** The last decided round. */
  decidedRound(): number
  placed(): readonly PlacedEvent[]
  /** As the engine's: the whole state of spec section 7 without the events. */
  snapshot(): ConsensusSnapshot
}

/** What is kept of an event beside what the current election makes of it. */
interface Story {
  readonly item: Item
  /** The last that has a round, or else the last. */
  reading: Reading | undefined
  /** Of a judge of that election's base: the one before. */
  readingBefore: Reading | undefined
  candidacy: Candidacy | undefined
  received: Received | undefined
  end: Extract<Placement, { kind: 'stale' | 'ancient' | 'before-snapshot' }> | undefined
}

export function createExplainer(options: EngineOptions): Explainer {
  const { config, rosters, fastPath = false } = options
  // A snapshot of round 0 is genesis.
  const snapshot = options.snapshot?.round === 0 ? undefined : options.snapshot
  const stories = new Map<string, Story>()
  const items: Item[] = []
  const order: PlacedEvent[] = []
  /** Neither ancient nor forgotten, parents before children. */
  let held: Story[] = []
  let ancientThreshold = snapshot?.ancientThreshold ?? 1
  let lastTimestamp = snapshot?.lastTimestamp
  let nextOrder = snapshot?.nextOrder ?? 0
  let waitsForSnapshot = snapshot !== undefined
  let election = openElection(snapshot?.round ?? 0, [])

  function openElection(round: number, judges: readonly Item[]): ExplainedElection {
    const base: Base = { round, judges, ancientThreshold, roster: rosterReading(rosters, round + 1) }
    return createElection(base, { coinFrequency: config.coinFrequency, fastPath })
  }

  /** What becomes ancient is forgotten; what of it was not ordered is stale. */
  function forgetAncient(decidedRound: number): void {
    held = held.filter((story) => {
      const { item } = story
      if (item.birthRound >= ancientThreshold) return true
      if (!item.ordered) story.end = { kind: 'stale', decidedRound, ancientThreshold }
      item.reading = undefined
      return false
    })
  }

  function closeRound(): void {
    const round = election.base.round + 1
    const judges = election.chooseJudges()
    const { members, slotOf } = election.base.roster
    const oldest = judges.reduce((least, { birthRound }) => Math.min(least, birthRound), Infinity)
    ancientThreshold = Math.max(ancientThreshold, oldest - config.roundsNonAncient + 1)
    const weighted = judges.map((item) => ({ item, weight: members[slotOf.get(item.creator)!]!.weight }))
    const result = orderRound({ round, judges: weighted, ancientThreshold, lastTimestamp, nextOrder })
    lastTimestamp = result.lastTimestamp
    nextOrder = result.nextOrder
    for (const received of result.received) {
      const { item, timestamp } = received
      item.ordered = true
      storyOf(item).received = received
      const { id, transactionCount } = item
      order.push({ id, order: received.order, timestamp, transactionCount })
    }
    forgetAncient(round)
    election = openElection(round, judges)
  }

  const storyOf = (item: Item): Story => stories.get(bytesKey(item.id))!

  function consider(story: Story): void {
    const { item } = story
    const reading = election.consider(item)
    const before = story.reading
    if (reading.round === NO_ROUND && before !== undefined && (before.round !== NO_ROUND || item.ordered))
      return
    story.readingBefore = election.base.judges.includes(item) ? before : undefined
    story.reading = reading
  }

  /** From that place among the held events on; after every decision again all of them. */
  function considerFrom(first: number): void {
    for (let i = first; i < held.length; i++) {
      consider(held[i]!)
      const newest = election.candidacies().at(-1)
      if (newest !== undefined) storyOf(newest.item).candidacy = newest
      if (!election.isDecided()) continue
      closeRound()
      i = -1
    }
  }

  /** What is below all judges of the snapshot counts as ordered (spec section 7). */
  function startFromSnapshot(snapshotRound: number, judges: readonly Item[]): void {
    const reached = judges.map((judge) => reachFrom(judge, ancientThreshold))
    const below = held.filter(({ item }) => reached.every((each) => each.has(item)))
    for (const story of below) {
      story.item.ordered = true
      story.end = { kind: 'before-snapshot', snapshotRound }
    }
    waitsForSnapshot = false
    election = openElection(snapshotRound, judges)
    considerFrom(0)
  }

  function insert(event: EngineEvent): EventHandle {
    const key = bytesKey(event.id)
    if (stories.has(key)) throw new Error(`event ${toHex(event.id)} is inserted twice`)
    const present = (handle: EventHandle): readonly Item[] => {
      if (handle === NO_EVENT) return []
      const item = items[handle]
      if (item === undefined) throw new Error(`there is no event with the handle ${handle}`)
      return item.birthRound < ancientThreshold ? [] : [item]
    }
    const { creator, birthRound, timestamp, coin, transactionCount } = event
    const item: Item = {
      creator,
      birthRound,
      timestamp,
      coin,
      transactionCount,
      id: event.id.slice(),
      selfParent: present(event.selfParent)[0],
      otherParents: event.otherParents.flatMap(present),
      ordered: false,
      reading: undefined,
    }
    const story: Story = {
      item,
      reading: undefined,
      readingBefore: undefined,
      candidacy: undefined,
      received: undefined,
      end: birthRound < ancientThreshold ? { kind: 'ancient', ancientThreshold } : undefined,
    }
    stories.set(key, story)
    if (story.end !== undefined) return NO_EVENT
    held.push(story)
    const handle = items.push(item) - 1
    if (!waitsForSnapshot) considerFrom(held.length - 1)
    else if (snapshot !== undefined) {
      const judges = snapshot.judges.map((id) => stories.get(bytesKey(id))?.item)
      if (judges.every((judge) => judge !== undefined)) startFromSnapshot(snapshot.round, judges)
    }
    return handle
  }

  function placementOf(story: Story): Placement {
    const { received, end } = story
    if (received !== undefined) return orderedPlacement(received)
    if (end !== undefined) return end
    if (waitsForSnapshot) return { kind: 'waiting', snapshotRound: snapshot?.round ?? 0 }
    const candidates = election.candidacies().filter((each) => !each.late)
    const highest = election.highestWitnessRound()
    return {
      kind: 'undecided',
      election: election.base.round + 1,
      candidates: candidates.length,
      undecidedCandidates: candidates.filter((each) => each.status === 'undecided').length,
      highestWitnessRound: highest === 0 ? null : highest,
    }
  }

  return {
    insert,
    explain: (id) => {
      const story = stories.get(bytesKey(id))
      return story === undefined ? undefined : explanationOf(story, placementOf(story))
    },
    decidedRound: () => election.base.round,
    placed: () => order,
    snapshot: () => ({
      round: election.base.round,
      judges:
        waitsForSnapshot && snapshot !== undefined
          ? snapshot.judges
          : election.base.judges.map(({ id }) => id),
      ancientThreshold,
      lastTimestamp: lastTimestamp ?? 0,
      nextOrder,
    }),
  }
}

const hexOrNull = (item: Item | undefined): string | null => (item === undefined ? null : toHex(item.id))

function roundReason(reading: Reading): RoundReason {
  const { base, round, parentRound, baseJudge, witness, stronglySeen, stronglySeenWeight } = reading
  const { members, totalWeight } = base.roster
  return {
    election: base.round + 1,
    base: { round: base.round, judges: base.judges.map((judge) => toHex(judge.id)) },
    round: round === NO_ROUND ? null : round,
    baseJudge,
    parentRound: parentRound === NO_ROUND ? null : parentRound,
    witness,
    stronglySees: stronglySeen.flatMap((strong, slot) => {
      if (strong === undefined) return []
      const { id: member, weight } = members[slot]!
      const through = strong.through.map((way) => members[way]!.id)
      return [
        { member, weight, witness: toHex(strong.witness.id), countedBy: toHex(strong.countedBy.id), through },
      ]
    }),
    stronglySeenWeight,
    totalWeight,
  }
}

function voteReason(vote: Vote, candidacy: Candidacy): VoteReason {
  const { voter, round, yes, sees, counted, strong, coinRound, coinUsed } = vote
  return {
    voter: toHex(voter.id),
    member: voter.creator,
    round,
    vote: yes,
    sees: hexOrNull(sees),
    yesWeight: counted?.yes ?? null,
    noWeight: counted?.no ?? null,
    strong,
    coinRound,
    coinUsed,
    decides: candidacy.decidedBy === vote,
  }
}

function fameReason(candidacy: Candidacy): FameReason {
  const { base, status, late, votes, unanimous, judge, judgeInstead } = candidacy
  return {
    round: base.round + 1,
    status,
    late,
    unanimous,
    votes: [...votes.values()].map((vote) => voteReason(vote, candidacy)),
    judge,
    judgeInstead: hexOrNull(judgeInstead),
  }
}

function orderedPlacement(received: Received): Placement {
  const { medianTime, rank, order, timestamp, movedOn } = received
  return {
    kind: 'ordered',
    receivedRound: received.round,
    judges: received.judges.map(({ judge, weight, knownBy }) => ({
      judge: toHex(judge.id),
      member: judge.creator,
      weight,
      knownBy: toHex(knownBy.id),
      timestamp: knownBy.timestamp,
    })),
    medianTime,
    rank,
    whitenedId: toHex(received.whitenedId),
    order,
    timestamp,
    movedOn,
  }
}

function explanationOf(story: Story, place: Placement): Explanation {
  const { item, reading, readingBefore, candidacy } = story
  const { creator, birthRound, timestamp, coin, transactionCount } = item
  const roundNow = item.reading?.round ?? NO_ROUND
  return {
    id: toHex(item.id),
    creator,
    selfParent: hexOrNull(item.selfParent),
    otherParents: item.otherParents.map((parent) => toHex(parent.id)),
    birthRound,
    timestamp,
    coin,
    transactionCount,
    round: reading === undefined ? null : roundReason(reading),
    roundBefore: readingBefore === undefined ? null : roundReason(readingBefore),
    roundNow: roundNow === NO_ROUND ? null : roundNow,
    fame: candidacy === undefined ? null : fameReason(candidacy),
    place,
  }
}
