/**
 * From where on the journal is needed by who goes on from a snapshot: the least offset of an event that is not ancient. One
 * number is kept for each birth round that is not.
 */
export interface JournalFloor {
  /** An event has been appended (or replayed) at this offset. */
  note(birthRound: number, offset: number): void
  /** Events born before this round are ancient from now on. */
  advance(ancientThreshold: number): void
  /** The least offset of an event that is not ancient, or `end` if there is none. */
  from(end: number): number
}

export function createJournalFloor(): JournalFloor {
  const least = new Map<number, number>()
  return {
    note: (birthRound, offset) => {
      if (offset < (least.get(birthRound) ?? Infinity)) least.set(birthRound, offset)
    },
    advance: (ancientThreshold) => {
      for (const birthRound of least.keys()) if (birthRound < ancientThreshold) least.delete(birthRound)
    },
    from: (end) => Math.min(end, ...least.values()),
  }
}
