/** The decided rounds as the page holds them: columns, because there may be a hundred thousand of them. */
import { createColumn, createWords, firstOf, hexOf } from './chunks.ts'
import type { ShownRound } from './messages.ts'

/** A decided round without its events. */
export interface RoundRow {
  readonly round: number
  readonly hash: string
  readonly decidedAt: number
  readonly decidedTime: number
  readonly judges: readonly number[]
  readonly firstOrder: number
  readonly events: number
  readonly firstPosition: number
}

export interface RoundColumns {
  push(shown: ShownRound, firstOrder: number): void
  count(): number
  row(round: number): RoundRow | undefined
  /** Events that there were when it was decided; infinite for a round that is not. */
  decidedAt(round: number): number
  /** The round that a place of the order is in. */
  ofPlace(place: number): number
  bytes(): number
}

const HASH_WORDS = 8

export function createRoundColumns(): RoundColumns {
  /** Empty ones, where a graph has no ledger. */
  const hashes = createWords()
  const decidedAt = createColumn()
  const decidedTime = createColumn()
  const firstOrder = createColumn()
  const firstPosition = createColumn()
  const eventCount = createColumn()
  const judgeStart = createColumn()
  const judges = createColumn()
  const columns = [hashes, decidedAt, decidedTime, firstOrder, firstPosition, eventCount, judgeStart, judges]
  const count = (): number => decidedAt.length()

  function row(round: number): RoundRow | undefined {
    if (round < 1 || round > count()) return undefined
    const i = round - 1
    const words = Array.from({ length: HASH_WORDS }, (_, k) => hashes.get(HASH_WORDS * i + k))
    const to = round === count() ? judges.length() : judgeStart.get(round)
    const found: number[] = []
    for (let k = judgeStart.get(i); k < to; k++) found.push(judges.get(k))
    return {
      round,
      hash: words.every((word) => word === 0) ? '' : words.map(hexOf).join(''),
      decidedAt: decidedAt.get(i),
      decidedTime: decidedTime.get(i),
      judges: found,
      firstOrder: firstOrder.get(i),
      events: eventCount.get(i),
      firstPosition: firstPosition.get(i),
    }
  }

  return {
    push: (shown, place) => {
      for (let k = 0; k < HASH_WORDS; k++)
        hashes.push(parseInt(shown.hash.slice(8 * k, 8 * k + 8) || '0', 16))
      decidedAt.push(shown.decidedAt)
      decidedTime.push(shown.decidedTime)
      firstOrder.push(place)
      firstPosition.push(shown.firstPosition)
      eventCount.push(shown.events.length)
      judgeStart.push(judges.length())
      for (const judge of shown.judges) judges.push(judge)
    },
    count,
    row,
    decidedAt: (round) => (round < 1 || round > count() ? Infinity : decidedAt.get(round - 1)),
    // The last one that begins at or before the place.
    ofPlace: (place) => firstOf(count(), (i) => firstOrder.get(i) > place),
    bytes: () => columns.reduce((sum, column) => sum + column.bytes(), 0),
  }
}
