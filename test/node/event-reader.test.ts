// Whoever reads the signed events of a node gets cursors with which it can go on at any moment, whatever is being written.
import { openJournal } from '@hearsay/node/disk'
import { expect, test } from 'vitest'
import { createEventReader } from '../../packages/node/process/event-reader.ts'
import { RECORD_EVENT, RECORD_RESUBMITTED } from '../../packages/node/src/member-types.ts'
import { atEnd, freshDirectory, networkId, payload } from '../disk/support.ts'

test('every cursor that is handed out can be gone on from, and leads to every durable event once', async () => {
  const journal = openJournal({ dir: freshDirectory(), networkId, segmentBytes: 4_096 })
  atEnd(() => journal.abandon())
  const read = createEventReader(journal)
  const events: string[] = []
  const got: string[] = []
  let cursor = 0
  const take = (): void => {
    for (;;) {
      const page = read(cursor, 300)
      if (page === undefined) throw new Error(`nobody can go on from ${cursor}, which a page has named`)
      for (const { bytes, next } of page.events) {
        got.push(Buffer.from(bytes).toString('hex'))
        expect(read(next, 300)).toBeDefined()
      }
      if (page.next === cursor) return
      cursor = page.next
    }
  }
  for (let i = 0; i < 120; i++) {
    const bytes = payload(i, 20 + (i % 40))
    if (i % 5 === 4) journal.append(RECORD_RESUBMITTED, bytes)
    else {
      journal.append(RECORD_EVENT, bytes)
      events.push(Buffer.from(bytes).toString('hex'))
    }
    if (i % 7 === 3) {
      await journal.sync()
      // Something that is not durable yet stands behind the mark.
      journal.append(RECORD_RESUBMITTED, bytes)
    }
    take()
  }
  await journal.sync()
  take()
  expect(got).toEqual(events)
})
