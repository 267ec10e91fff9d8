/**
 * Hands out the signed events of the journal in the order in which they were linked here, parents first: what somebody needs who
 * wants to derive the order himself. Only what is durable: an own event that a crash could take is nobody's business yet.
 */
import { RECORD_EVENT } from '../src/member-types.ts'
import type { EventPage } from '../src/api-types.ts'
import { JournalDamaged, type Journal } from '../disk/index.ts'

export type EventReader = (from: number, maxBytes: number) => EventPage | undefined

export function createEventReader(journal: Pick<Journal, 'begin' | 'durableEnd' | 'readFrom'>): EventReader {
  return (from, maxBytes) => {
    const begin = journal.begin()
    const end = journal.durableEnd()
    const start = Math.max(from, begin)
    if (start > end) return undefined
    if (start === end) return { events: [], begin: start, next: start }
    try {
      const { records, next } = journal.readFrom(start, maxBytes)
      const durable = records.filter(({ offset }) => offset < end)
      // A mark of the journal itself may stand between what is durable and the next record: nobody may begin behind it yet.
      const behind = (i: number): number => Math.min(records[i + 1]?.offset ?? next, end)
      const events = durable.flatMap(({ kind, payload }, i) =>
        kind === RECORD_EVENT ? [{ bytes: payload, next: behind(i) }] : [],
      )
      return { events, begin: start, next: behind(durable.length - 1) }
    } catch (error) {
      // A cursor at which no event begins looks like damage there; real damage is found by whoever needs the record.
      if (error instanceof JournalDamaged) return undefined
      throw error
    }
  }
}
