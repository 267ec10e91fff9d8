// Decides how far back a file's events can be explained: all the way. Nothing is kept for it but a snapshot every few rounds (spec section
// 7): who asks of an event has the engine started from the one before it, on the events read again from the file.
import { createEngine, NO_EVENT, type DecidedRound, type Explanation } from '@hearsay/consensus'
import { bytesKey, coinOf, type DecodedEvent, type Genesis } from '@hearsay/dag'
import { createColumn, firstOf } from '../src/model/chunks.ts'

/** Rounds from one snapshot to the next: how much is kept against how much is read. */
const EVERY_ROUNDS = 16
const ID_BYTES = 32

interface Kept {
  readonly round: number
  /** Their ids, one after the other. */
  readonly judges: Uint8Array
  readonly ancientThreshold: number
  readonly lastTimestamp: number
  readonly nextOrder: number
}

export interface Reasons {
  decided(round: DecidedRound, linkedEvents: number): void
  /** `read` gives the linked events from an index on. */
  explain(
    index: number,
    read: (from: number) => AsyncIterable<DecodedEvent>,
  ): Promise<Explanation | undefined>
}

export function createReasons({ members, coinFrequency, roundsNonAncient }: Genesis): Reasons {
  /** By round, from the first on: events that there were when it was decided. */
  const decidedAt = createColumn()
  const snapshots: Kept[] = []

  function start(index: number) {
    const cameAfter = firstOf(decidedAt.length(), (i) => decidedAt.get(i) > index)
    const place = firstOf(snapshots.length, (i) => snapshots[i]!.round > cameAfter) - 1
    const kept = snapshots[place]
    const options = {
      config: { coinFrequency, roundsNonAncient },
      rosters: [{ fromRound: 1, members: members.map(({ id, weight }) => ({ id, weight })) }],
      fastPath: true,
      explain: { rounds: 1_000_000 },
    }
    if (kept === undefined) return { from: 0, engine: createEngine(options) }
    const judges: Uint8Array[] = []
    for (let at = 0; at < kept.judges.length; at += ID_BYTES)
      judges.push(kept.judges.subarray(at, at + ID_BYTES))
    // An event is linked when the round before its birth round is decided: none that is not ancient stands before that.
    const before = kept.ancientThreshold - 1
    const from = before < 1 ? 0 : decidedAt.get(before - 1)
    return { from, engine: createEngine({ ...options, snapshot: { ...kept, judges } }) }
  }

  return {
    decided: ({ round, judges, ancientThreshold, lastTimestamp, nextOrder }, linkedEvents) => {
      decidedAt.push(linkedEvents)
      if (round % EVERY_ROUNDS !== 0) return
      const ids = new Uint8Array(ID_BYTES * judges.length)
      for (const [i, id] of judges.entries()) ids.set(id, ID_BYTES * i)
      snapshots.push({ round, judges: ids, ancientThreshold, lastTimestamp, nextOrder })
    },
    explain: async (index, read) => {
      const { from, engine } = start(index)
      const handles = new Map<string, number>()
      let wanted: DecodedEvent | undefined
      let at = from
      for await (const event of read(from)) {
        if (at === index) wanted = event
        at += 1
        const parent = (id: Uint8Array | undefined): number =>
          id === undefined ? NO_EVENT : (handles.get(bytesKey(id)) ?? NO_EVENT)
        const handle = engine.insert({
          id: event.id,
          creator: event.creator,
          selfParent: parent(event.selfParent?.id),
          otherParents: event.otherParents.map(({ id }) => parent(id)).filter((each) => each !== NO_EVENT),
          birthRound: event.birthRound,
          timestamp: event.timestamp,
          coin: coinOf(event),
          transactionCount: event.transactionCount,
        })
        if (handle !== NO_EVENT) handles.set(event.key, handle)
        const decided = engine.takeDecidedRounds()
        if (wanted === undefined || decided.length === 0) continue
        const { id, birthRound } = wanted
        const isPlaced = decided.some(({ events }) =>
          events.some((each) => bytesKey(each.id) === bytesKey(id)),
        )
        if (isPlaced || engine.ancientThreshold() > birthRound) break
      }
      return wanted === undefined ? undefined : engine.explain(wanted.id)
    },
  }
}
