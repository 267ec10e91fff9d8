// What a journal promises while nothing goes wrong: it behaves like a list, also across restarts, and says when things are durable.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Journal, nodeFiles, openJournal, verifyJournal } from '@hearsay/node/disk'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseRecordHeader, parseSegmentHeader, placeSeed } from '../../packages/node/src/record-format.ts'
import { crc32 } from 'node:zlib'
import {
  atEnd,
  caught,
  freshDirectory,
  networkId,
  observed,
  payload,
  readAll,
  segmentFiles,
  smallJournal,
} from './support.ts'

type Entry = { kind: number; payload: Uint8Array; offset: number }

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('append' as const), kind: fc.nat(254), length: fc.nat(150) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('read' as const), from: fc.nat(100), maxBytes: fc.nat(600) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('flush', 'sync', 'close', 'abandon') }) },
)

test('behaves like a list, whatever is done in which order', async () => {
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 60 }),
    fc.integer({ min: 100, max: 1500 }),
    async (steps, segmentBytes) => {
      const dir = freshDirectory()
      let entries: Entry[] = []
      let flushed = 0
      const open = (): Journal => {
        const seen: Entry[] = []
        const journal = openJournal({
          dir,
          networkId,
          segmentBytes,
          onRecord: (kind, bytes, offset) => seen.push({ kind, payload: Uint8Array.from(bytes), offset }),
        })
        expect(journal.recovered).toBeNull()
        expect(seen).toEqual(entries)
        expect(journal.durableEnd()).toBe(journal.end())
        return journal
      }
      let journal = open()
      for (const [i, act] of steps.entries()) {
        if (act.do === 'append') {
          const bytes = payload(i, act.length)
          entries.push({ kind: act.kind, payload: bytes, offset: journal.append(act.kind, bytes) })
        } else if (act.do === 'read') {
          compareRead(journal, entries, act.from % (entries.length + 1), act.maxBytes)
        } else {
          if (act.do === 'flush') journal.flush()
          if (act.do === 'sync') await journal.sync()
          if (act.do === 'close') await journal.close()
          if (act.do === 'abandon') {
            journal.abandon()
            entries = entries.slice(0, flushed)
          }
          flushed = entries.length
          if (act.do === 'close' || act.do === 'abandon') journal = open()
        }
      }
      await journal.close()
      expect(verifyJournal(dir)).toMatchObject({ records: entries.length, networkId })
    },
  )
  await fc.assert(property, { numRuns: 150 })
})

/** Exactly the records from the i-th on that fit, at least one, equal in kind, content and place. */
function compareRead(journal: Journal, entries: readonly Entry[], i: number, maxBytes: number): void {
  const { records, next } = journal.readFrom(entries[i]?.offset ?? journal.end(), maxBytes)
  const expected: Entry[] = []
  let size = 0
  for (const entry of entries.slice(i)) {
    size += 24 + entry.payload.length
    if (expected.length > 0 && size > maxBytes) break
    expected.push(entry)
  }
  expect(records.map((record) => ({ ...record, payload: Uint8Array.from(record.payload) }))).toEqual(expected)
  const following = entries[i + expected.length]
  const rest = journal.readFrom(next, 0).records[0]
  expect(rest?.offset).toBe(following?.offset)
}

test('records larger than a read, a chunk and a segment come back', async () => {
  const dir = freshDirectory()
  const sizes = [0, 5000, 300_000, 10, 9_000_000, 1]
  const journal = openJournal({ dir, networkId, segmentBytes: 400_000 })
  for (const [i, size] of sizes.entries()) journal.append(i, payload(i, size))
  const compare = (): void => {
    const found = readAll(journal)
    expect(found.map((record) => record.payload.length)).toEqual(sizes)
    for (const [i, record] of found.entries())
      expect(Buffer.compare(record.payload, payload(i, sizes[i]))).toBe(0)
  }
  compare()
  await journal.sync()
  compare()
  await journal.close()
  expect(segmentFiles(dir)).toHaveLength(3)
  let largest = 0
  const size = (_: number, bytes: Uint8Array): void =>
    void (largest = Math.max(largest, bytes.buffer.byteLength))
  expect(verifyJournal(dir, size).records).toBe(sizes.length)
  // The buffer grows for one record only, and only as far as it must.
  expect(largest).toBe(9_000_000 + 24)
})

test('payloads that a callback keeps are not overwritten by later reading', async () => {
  const dir = await smallJournal(4000, 10_000_000)
  const kept: Uint8Array[] = []
  const journal = openJournal({ dir, networkId, onRecord: (_, bytes) => kept.push(bytes) })
  atEnd(() => journal.abandon())
  const wrong = kept.findIndex((bytes, i) => Buffer.compare(bytes, payload(i)) !== 0)
  expect([kept.length, wrong]).toEqual([4000, -1])
})

test('a payload may be changed by the caller after it was appended', () => {
  const journal = openJournal({ dir: freshDirectory(), networkId })
  atEnd(() => journal.abandon())
  const bytes = Uint8Array.of(1, 2, 3)
  journal.append(1, bytes)
  const before = journal.readFrom(0, 100).records[0]!.payload
  bytes.fill(9)
  journal.flush()
  journal.append(2, bytes)
  expect(before).toEqual(Uint8Array.of(1, 2, 3))
  expect(readAll(journal).map((record) => [...record.payload])).toEqual([
    [1, 2, 3],
    [9, 9, 9],
  ])
})

test('what waits in memory is bounded, and nothing half-taken is left behind', async () => {
  const journal = openJournal({ dir: freshDirectory(), networkId, maxBufferedBytes: 1000 })
  atEnd(() => journal.abandon())
  journal.append(0, payload(0, 400))
  journal.append(1, payload(1, 400))
  const end = journal.end()
  expect(caught(() => journal.append(2, payload(2, 400)))).toMatchObject({ code: 'E_BUFFER_FULL' })
  expect([journal.end(), journal.bufferedBytes()]).toEqual([end, 848])
  journal.flush()
  expect(journal.append(2, payload(2, 400))).toBe(end)
  // A single record may be larger than the bound: otherwise it could never be written.
  journal.flush()
  journal.append(3, payload(3, 5000))
  expect(readAll(journal).map(({ kind }) => kind)).toEqual([0, 1, 2, 3])
})

test('calls that arrive while a sync runs share the next one', async () => {
  const releases: (() => void)[] = []
  const syncData = async (fd: number): Promise<void> => {
    await new Promise<void>((resolve) => releases.push(resolve))
    await nodeFiles.syncData(fd)
  }
  const journal = openJournal({ dir: freshDirectory(), networkId, files: observed({ syncData }) })
  const done: string[] = []
  journal.append(0, payload(1))
  const first = journal.sync().then(() => done.push('first'))
  const firstEnd = journal.end()
  const others: Promise<unknown>[] = []
  for (let i = 0; i < 20; i++) {
    journal.append(1, payload(i))
    others.push(journal.sync().then(() => done.push('other')))
  }
  expect([releases.length, done]).toEqual([1, []])
  expect(journal.durableEnd()).toBeLessThan(firstEnd)
  releases[0]!()
  await first
  expect(done).toEqual(['first'])
  expect(journal.durableEnd()).toBe(firstEnd)
  // The second one begins by itself; it cannot end before it is released.
  while (releases.length < 2) await new Promise((resolve) => setImmediate(resolve))
  expect(done).toEqual(['first'])
  releases[1]!()
  await Promise.all(others)
  expect([releases.length, done.length]).toEqual([2, 21])
  expect(journal.durableEnd()).toBe(journal.end())
  // Nothing new: no third one.
  await journal.sync()
  await journal.close()
  expect(releases).toHaveLength(2)
})

test('a new segment begins only when the old one and the new header are durable', async () => {
  const log: string[] = []
  const dir = join(freshDirectory(), 'deep', 'down')
  const files = observed({}, log)
  const journal = openJournal({ dir, networkId, segmentBytes: 100, files })
  expect(log).toEqual([
    'create journal-000001.hsj',
    'write journal-000001.hsj at 0',
    'sync journal-000001.hsj',
    'syncDirectory journal',
  ])
  log.length = 0
  journal.append(1, payload(1, 4))
  journal.append(2, payload(2, 4))
  expect(log).toEqual([])
  await journal.sync()
  expect(log).toEqual([
    'write journal-000001.hsj at 72',
    'sync journal-000001.hsj',
    'create journal-000002.hsj',
    'write journal-000002.hsj at 0',
    'sync journal-000002.hsj',
    'syncDirectory journal',
    'write journal-000002.hsj at 72',
    'syncData journal-000002.hsj',
    'write journal-000002.hsj at 100',
  ])
  journal.abandon()
})

test('what a killed process left in the page cache is durable before it is believed', async () => {
  const dir = freshDirectory()
  const before = openJournal({ dir, networkId })
  before.append(1, payload(1))
  before.flush()
  before.abandon()
  const log: string[] = []
  const journal = openJournal({ dir, networkId, files: observed({}, log) })
  const mark = 'write journal-000001.hsj at 109'
  expect(log).toEqual(['update journal-000001.hsj', 'sync journal-000001.hsj', 'syncDirectory journal', mark])
  await journal.close()
  // From then on the file says itself that it is whole.
  log.length = 0
  openJournal({ dir, networkId, files: observed({}, log) }).abandon()
  expect(log).not.toContain(mark)
})

test('each record says how much before it was not yet durable', async () => {
  const dir = freshDirectory()
  const journal = openJournal({ dir, networkId })
  const offsets = [journal.append(0, payload(0, 10)), journal.append(0, payload(1, 10))]
  await journal.sync()
  offsets.push(journal.append(0, payload(2, 10)), journal.append(0, payload(3, 10)))
  await journal.close()
  const bytes = readFileSync(segmentFiles(dir)[0]!)
  const header = parseSegmentHeader(bytes.subarray(0, 72), crc32)
  if (!header.ok) throw new Error(header.reason)
  const distances = offsets.map((at) => parseRecordHeader(bytes, at, placeSeed(header.seed, at))?.unsynced)
  // Behind the first sync stands a mark of 24 bytes, which nobody waited for.
  expect(distances).toEqual([0, 34, 24, 58])
  expect(verifyJournal(dir).records).toBe(4)
})

test('a closed journal takes and gives nothing', async () => {
  const dir = await smallJournal(3, 1000)
  const journal = openJournal({ dir, networkId })
  await journal.close()
  await journal.close()
  const uses = [() => journal.append(1, payload(1)), () => journal.flush(), () => journal.readFrom(0, 10)]
  for (const use of uses) expect(caught(use)).toMatchObject({ code: 'E_JOURNAL_CLOSED' })
  await expect(journal.sync()).rejects.toMatchObject({ code: 'E_JOURNAL_CLOSED' })
})

test('offsets and kinds that cannot be are refused', async () => {
  const dir = await smallJournal(3, 1000)
  const journal = openJournal({ dir, networkId })
  atEnd(() => journal.abandon())
  for (const offset of [-1, 0.5, NaN, journal.end() + 25]) {
    expect(caught(() => journal.readFrom(offset, 10))).toBeInstanceOf(RangeError)
  }
  for (const kind of [-1, 255, 256, 1.5, NaN]) {
    expect(caught(() => journal.append(kind, payload(1)))).toBeInstanceOf(RangeError)
  }
  expect(caught(() => journal.readFrom(73, 10))).toMatchObject({ code: 'E_JOURNAL_DAMAGED', offset: 73 })
})

test('a journal is opened at a record: only what follows is read, all of it can be found and it goes on', async () => {
  const dir = freshDirectory()
  const journal = openJournal({ dir, networkId, segmentBytes: 1000 })
  const offsets = Array.from({ length: 100 }, (_, i) => journal.append(1, new Uint8Array(40).fill(i)))
  await journal.close()
  for (const at of [0, 1, 50, 98, 99]) {
    const seen: number[] = []
    const from = offsets[at]!
    const opened = openJournal({
      dir,
      networkId,
      segmentBytes: 1000,
      range: { from },
      onRecord: (_kind, payload) => void seen.push(payload[0]!),
    })
    expect(seen).toEqual(Array.from({ length: 100 - at }, (_, i) => at + i))
    expect(opened.readFrom(offsets[3]!, 1).records[0]!.payload[0]).toBe(3)
    await opened.close()
  }
  const again = openJournal({ dir, networkId, segmentBytes: 1000, range: { from: offsets[99]! } })
  again.append(1, new Uint8Array(40).fill(100))
  await again.close()
  expect(verifyJournal(dir).records).toBe(101)
  const beyond = { from: offsets[99]! + 10_000 }
  expect(caught(() => openJournal({ dir, networkId, segmentBytes: 1000, range: beyond }))).toMatchObject({
    code: 'E_JOURNAL_DAMAGED',
  })
})

test('a journal without its pruned segments is read from the first that is left', async () => {
  const dir = freshDirectory()
  const journal = openJournal({ dir, networkId, segmentBytes: 1000 })
  const offsets = Array.from({ length: 100 }, (_, i) => journal.append(1, new Uint8Array(40).fill(i)))
  await journal.sync()
  const firstSegment = journal.segmentOf(offsets[60]!)
  expect(journal.prune(firstSegment)).toBeGreaterThan(2000)
  expect(journal.begin()).toBeLessThanOrEqual(offsets[60]!)
  expect(() => journal.readFrom(0, 1)).toThrow(RangeError)
  expect(journal.readFrom(offsets[60]!, 1).records[0]!.payload[0]).toBe(60)
  await journal.close()
  expect(caught(() => openJournal({ dir, networkId, segmentBytes: 1000 }))).toMatchObject({
    code: 'E_JOURNAL_DAMAGED',
  })
  const opened = openJournal({ dir, networkId, segmentBytes: 1000, range: { firstSegment } })
  opened.append(1, new Uint8Array(40).fill(100))
  await opened.close()
  expect(verifyJournal(dir, undefined, nodeFiles, firstSegment).records).toBeLessThan(50)
})
