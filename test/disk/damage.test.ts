// Bytes that change or vanish while nobody looks. A cut at any byte is a torn tail, reported and cut off; a changed byte never is.
import { appendFileSync, copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { JournalDamaged, openJournal, verifyJournal } from '@hearsay/node/disk'
import { expect, test } from 'vitest'
import { markKind, readRecordHeader } from '../../packages/node/src/record-format.ts'
import {
  atEnd,
  caught,
  contents,
  freshDirectory,
  networkId,
  payload,
  restore,
  segmentFiles,
  smallJournal,
} from './support.ts'

/** Start of the header and of each record, marks too, in each file of a sound journal. */
function places(dir: string): Map<string, number[]> {
  const found = new Map<string, number[]>()
  for (const path of segmentFiles(dir)) {
    const bytes = readFileSync(path)
    const starts = [0]
    for (let at = 72; at < bytes.length; at += 24 + readRecordHeader(bytes, at).length) starts.push(at)
    found.set(path, starts)
  }
  return found
}

const isMark = (bytes: Uint8Array, at: number): boolean =>
  at >= 72 && readRecordHeader(bytes, at).kind === markKind

test.each([0xff, 0x01])('every byte of every segment, changed by %i: damage at its place', async (change) => {
  const dir = await smallJournal(14, 300)
  const begins = places(dir)
  expect(begins.size).toBeGreaterThan(2)
  const lastPath = segmentFiles(dir).at(-1)!
  let flips = 0
  for (const [path, starts] of begins) {
    const bytes = readFileSync(path)
    for (let i = 0; i < bytes.length; i++) {
      const changed = Uint8Array.from(bytes)
      changed[i]! ^= change
      writeFileSync(path, changed)
      const where = { file: path, offset: starts.findLast((start) => start <= i)! }
      flips += 1
      // The last mark is there for nobody: without it nothing is missing.
      if (path === lastPath && where.offset === bytes.length - 24) {
        expect(verifyJournal(dir)).toMatchObject({ records: 14, tornTail: where })
        continue
      }
      const verdict = caught(() => verifyJournal(dir))
      if (!(verdict instanceof JournalDamaged)) throw new Error(`byte ${i} of ${path}: not detected`)
      expect(verdict).toMatchObject(where)
      // Opening says the same and changes nothing.
      expect(caught(() => openJournal({ dir, networkId, segmentBytes: 300 }))).toMatchObject(where)
      expect(Buffer.compare(readFileSync(path), changed)).toBe(0)
    }
    writeFileSync(path, bytes)
  }
  expect(verifyJournal(dir)).toMatchObject({ records: 14, bytes: flips })
})

test('with repairTail a change is cut off in the last mark only, anywhere else it is damage', async () => {
  const dir = await smallJournal(14, 300)
  const begins = places(dir)
  const paths = [...begins.keys()]
  const original = contents(dir)
  const lastPath = paths.at(-1)!
  const lastStart = begins.get(lastPath)!.at(-1)!
  for (const path of paths) {
    const bytes = original.get(path.slice(dir.length + 1))!
    for (let i = 0; i < bytes.length; i++) {
      restore(dir, original)
      const changed = Uint8Array.from(bytes)
      changed[i]! ^= 0xff
      writeFileSync(path, changed)
      const open = (): number => {
        const journal = openJournal({ dir, networkId, segmentBytes: 300, repairTail: true })
        journal.abandon()
        expect(journal.recovered).toMatchObject({
          file: path,
          offset: lastStart,
          droppedBytes: bytes.length - lastStart,
        })
        return verifyJournal(dir).records
      }
      if (path === lastPath && i >= lastStart) expect(open()).toBe(14)
      else expect(caught(open)).toBeInstanceOf(JournalDamaged)
    }
  }
})

test('a cut at every byte: a torn tail, cut off, reported, and gone on from', async () => {
  const dir = await smallJournal(9, 300)
  const begins = places(dir)
  const original = contents(dir)
  const all = [...begins.entries()].flatMap(([path, starts]) => {
    const bytes = original.get(path.slice(dir.length + 1))!
    return starts.filter((start) => start > 0 && !isMark(bytes, start)).map((start) => ({ path, start }))
  })
  const paths = [...begins.keys()]
  for (const [n, path] of paths.entries()) {
    const starts = begins.get(path)!
    const size = original.get(path.slice(dir.length + 1))!.length
    for (let length = 0; length < size; length++) {
      restore(dir, original)
      for (const later of paths.slice(n + 1)) rmSync(later)
      truncateSync(path, length)
      const ends = [...starts.slice(1), size]
      const sound = length < 72 ? 0 : ends.findLast((end) => end <= length)!
      const torn = length > sound || length === 0
      const records = all.filter(
        (one) => paths.indexOf(one.path) < n || (one.path === path && one.start < sound),
      ).length

      const verdict = verifyJournal(dir)
      expect(verdict.records).toBe(records)
      expect(verdict.tornTail).toEqual(
        torn ? { file: path, offset: sound, bytes: length - sound } : undefined,
      )

      const journal = openJournal({ dir, networkId, segmentBytes: 300 })
      const expected = { file: path, offset: sound, droppedBytes: length - sound }
      if (torn) expect(journal.recovered).toMatchObject(expected)
      else expect(journal.recovered).toBeNull()
      for (let i = records; i < 9; i++) journal.append(i, payload(i))
      journal.flush()
      journal.abandon()
      const kinds: number[] = []
      expect(verifyJournal(dir, (kind) => kinds.push(kind)).tornTail).toBeUndefined()
      expect(kinds).toEqual(Array.from({ length: 9 }, (_, i) => i))
    }
  }
})

test('zeros behind the last record are a tail', async () => {
  for (const zeros of [24, 100, 5000]) {
    const dir = await smallJournal(5, 10_000)
    const path = segmentFiles(dir)[0]!
    const size = readFileSync(path).length
    appendFileSync(path, new Uint8Array(zeros))
    expect(verifyJournal(dir).tornTail).toEqual({ file: path, offset: size, bytes: zeros })
    expect(caught(() => openJournal({ dir, networkId }))).toMatchObject({ code: 'E_JOURNAL_DAMAGED' })
    const journal = openJournal({ dir, networkId, repairTail: true })
    expect(journal.recovered).toMatchObject({ file: path, offset: size, droppedBytes: zeros })
    journal.append(5, payload(5))
    await journal.close()
    expect(verifyJournal(dir).records).toBe(6)
  }
})

/** Four records in one file of which those before `durable` were synced, the others only written; and where they begin. */
async function partlyDurable(durable: number, third: Uint8Array): Promise<{ dir: string; starts: number[] }> {
  const dir = freshDirectory()
  const journal = openJournal({ dir, networkId })
  const starts: number[] = []
  for (const [i, bytes] of [payload(1, 40), payload(2, 40), third, payload(4, 40)].entries()) {
    starts.push(journal.append(i + 1, bytes))
    if (i + 1 === durable) await journal.sync()
  }
  journal.flush()
  journal.abandon()
  return { dir, starts }
}

// Full of what a record header looks like at first sight, over more than two reads.
const manyMarkers = new TextEncoder().encode('hsr'.repeat(200_000))

function spoil(dir: string, from: number, bytes: number): string {
  const path = segmentFiles(dir)[0]!
  const content = readFileSync(path)
  content.fill(0, from, from + bytes)
  writeFileSync(path, content)
  return path
}

test('a hole in what was never durable is cut off with all that stands behind it, sound or not', async () => {
  for (const [durable, bad] of [
    [0, 0],
    [0, 1],
    [1, 1],
    [1, 2],
    [2, 3],
  ] as const) {
    const { dir, starts } = await partlyDurable(durable, payload(3, 900))
    const path = spoil(dir, starts[bad]!, 30)
    expect(verifyJournal(dir)).toMatchObject({
      records: bad,
      tornTail: { file: path, offset: starts[bad] },
    })
    const journal = openJournal({ dir, networkId, repairTail: true })
    expect(journal.recovered).toMatchObject({ file: path, offset: starts[bad] })
    await journal.close()
    expect(verifyJournal(dir)).toMatchObject({ records: bad })
  }
})

test('a hole in what had been durable is damage: any record behind it is witness, however far behind', async () => {
  for (const third of [payload(3, 900), manyMarkers]) {
    const { dir, starts } = await partlyDurable(2, third)
    const path = spoil(dir, starts[1]!, 60)
    const verdict = caught(() => openJournal({ dir, networkId, repairTail: true }))
    expect(verdict).toMatchObject({ code: 'E_JOURNAL_DAMAGED', file: path, offset: starts[1] })
    // The mark is gone too if the next one is to be asked.
    spoil(dir, starts[2]! - 24, 24)
    expect(caught(() => openJournal({ dir, networkId, repairTail: true }))).toMatchObject({
      offset: starts[1],
    })
    spoil(dir, starts[2]!, 30)
    const last = caught(() => openJournal({ dir, networkId, repairTail: true }))
    expect(last).toMatchObject({ offset: starts[1] })
    expect(String(last)).toContain(`it was durable when the sound record at byte ${starts[3]} was written`)
  }
})

test('a payload that pretends to hold a witness does not turn a torn record into damage', async () => {
  const dir = freshDirectory()
  const journal = openJournal({ dir, networkId })
  const bad = journal.append(1, payload(1, 300))
  await journal.sync()
  journal.append(2, payload(2, 10))
  await journal.close()
  const bytes = readFileSync(segmentFiles(dir)[0]!)
  // The second record and the marks, genuine at their places, as part of a first one whose length reaches over them.
  const forged = freshDirectory()
  const longer = openJournal({ dir: forged, networkId })
  longer.append(1, bytes.subarray(bad + 24))
  longer.flush()
  longer.abandon()
  const forgedPath = segmentFiles(forged)[0]!
  const forgedBytes = readFileSync(forgedPath)
  forgedBytes[100]! ^= 1
  writeFileSync(forgedPath, forgedBytes)
  const repaired = openJournal({ dir: forged, networkId, repairTail: true })
  atEnd(() => repaired.abandon())
  expect(repaired.recovered).toMatchObject({ file: forgedPath, offset: bad })
})

test('missing, swapped and foreign segments', async () => {
  const dir = await smallJournal(14, 300)
  const original = contents(dir)
  const paths = segmentFiles(dir)
  const open = (id = networkId): unknown =>
    caught(() => openJournal({ dir, networkId: id, segmentBytes: 300, repairTail: true }))

  rmSync(paths[1]!)
  expect(open()).toMatchObject({ code: 'E_JOURNAL_DAMAGED', file: paths[1] })
  restore(dir, original)
  rmSync(paths[0]!)
  expect(open()).toMatchObject({ code: 'E_JOURNAL_DAMAGED', file: paths[0] })
  restore(dir, original)
  copyFileSync(paths[1]!, paths[2]!)
  expect(open()).toMatchObject({ code: 'E_JOURNAL_DAMAGED', file: paths[2] })
  restore(dir, original)
  // A middle segment that lost its end: its successor proves that there was more.
  truncateSync(paths[1]!, readFileSync(paths[1]!).length - 1)
  expect(open()).toMatchObject({ code: 'E_JOURNAL_DAMAGED', file: paths[1] })
  expect(caught(() => verifyJournal(dir))).toMatchObject({ code: 'E_JOURNAL_DAMAGED', file: paths[1] })
  restore(dir, original)
  expect(open(new Uint8Array(32))).toMatchObject({ code: 'E_JOURNAL_FOREIGN', file: paths[0] })
  expect(caught(() => verifyJournal(join(dir, 'elsewhere')))).toMatchObject({ code: 'E_JOURNAL_MISSING' })
  // Another run of the same network, same numbers and sizes, other content.
  const other = freshDirectory()
  const journal = openJournal({ dir: other, networkId, segmentBytes: 300 })
  for (let i = 0; i < 14; i++)
    journal.append(
      i,
      payload(i).map((byte) => byte ^ 1),
    )
  await journal.close()
  copyFileSync(segmentFiles(other)[1]!, paths[1]!)
  expect(open()).toMatchObject({ code: 'E_JOURNAL_DAMAGED', file: paths[1] })
})

test('a record that changes under an open journal is not handed out', async () => {
  const dir = await smallJournal(5, 10_000)
  const journal = openJournal({ dir, networkId })
  atEnd(() => journal.abandon())
  const path = segmentFiles(dir)[0]!
  const bytes = readFileSync(path)
  bytes[bytes.length - 1]! ^= 4
  writeFileSync(path, bytes)
  expect(journal.readFrom(0, 10).records).toHaveLength(1)
  expect(caught(() => journal.readFrom(0, 10_000))).toMatchObject({ code: 'E_JOURNAL_DAMAGED', file: path })
})
