// Bytes that change or vanish while nobody looks. A cut at any byte is a torn tail, reported and cut off; a changed byte never is.
import { appendFileSync, copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { JournalDamaged, openJournal, verifyJournal } from '@hearsay/node/disk'
import { expect, test } from 'vitest'
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

/** Start of each record (and of the header) in each file of a sound journal. */
function places(dir: string, segmentBytes: number): Map<string, number[]> {
  const found = new Map<string, number[]>()
  const sizes = segmentFiles(dir).map((path) => readFileSync(path).length)
  const bases = sizes.map((_, i) => sizes.slice(0, i).reduce((a, b) => a + b, 0))
  for (const path of segmentFiles(dir)) found.set(path, [0])
  const journal = openJournal({
    dir,
    networkId,
    segmentBytes,
    onRecord(_kind, _payload, offset) {
      const i = bases.findLastIndex((base) => base <= offset)
      found.get(segmentFiles(dir)[i]!)!.push(offset - bases[i]!)
    },
  })
  journal.abandon()
  return found
}

test.each([0xff, 0x01])('every byte of every segment, changed by %i: damage at its place', async (change) => {
  const dir = await smallJournal(14, 300)
  const begins = places(dir, 300)
  expect(begins.size).toBeGreaterThan(2)
  let flips = 0
  for (const [path, starts] of begins) {
    const bytes = readFileSync(path)
    for (let i = 0; i < bytes.length; i++) {
      const changed = Uint8Array.from(bytes)
      changed[i]! ^= change
      writeFileSync(path, changed)
      const where = { file: path, offset: starts.findLast((start) => start <= i)! }
      const verdict = caught(() => verifyJournal(dir))
      if (!(verdict instanceof JournalDamaged)) throw new Error(`byte ${i} of ${path}: not detected`)
      expect(verdict).toMatchObject(where)
      // Opening says the same and changes nothing.
      expect(caught(() => openJournal({ dir, networkId, segmentBytes: 300 }))).toMatchObject(where)
      expect(Buffer.compare(readFileSync(path), changed)).toBe(0)
      flips += 1
    }
    writeFileSync(path, bytes)
  }
  expect(verifyJournal(dir)).toMatchObject({ records: 14, bytes: flips })
})

test('with repairTail a change is cut off in the last record only, anywhere else it is damage', async () => {
  const dir = await smallJournal(14, 300)
  const begins = places(dir, 300)
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
      if (path === lastPath && i >= lastStart) expect(open()).toBe(13)
      else expect(caught(open)).toBeInstanceOf(JournalDamaged)
    }
  }
})

test('a cut at every byte: a torn tail, cut off, reported, and gone on from', async () => {
  const dir = await smallJournal(9, 300)
  const begins = places(dir, 300)
  const all = [...begins.entries()].flatMap(([path, starts]) =>
    starts.slice(1).map((start) => ({ path, start })),
  )
  const original = contents(dir)
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

test('zeros behind the last record: damage to verify, cut off with repairTail', async () => {
  for (const zeros of [24, 100, 5000]) {
    const dir = await smallJournal(5, 10_000)
    const path = segmentFiles(dir)[0]!
    const size = readFileSync(path).length
    appendFileSync(path, new Uint8Array(zeros))
    expect(caught(() => verifyJournal(dir))).toMatchObject({ file: path, offset: size })
    expect(caught(() => openJournal({ dir, networkId }))).toMatchObject({ code: 'E_JOURNAL_DAMAGED' })
    const journal = openJournal({ dir, networkId, repairTail: true })
    expect(journal.recovered).toMatchObject({ file: path, offset: size, droppedBytes: zeros })
    journal.append(5, payload(5))
    await journal.close()
    expect(verifyJournal(dir).records).toBe(6)
  }
})

test('a sound record far behind a bad one is found, whatever lies between', async () => {
  const dir = freshDirectory()
  const journal = openJournal({ dir, networkId })
  journal.append(1, payload(1, 40))
  const bad = journal.append(2, payload(2, 40))
  // Full of what a record header looks like at first sight, over more than two reads.
  journal.append(3, new TextEncoder().encode('hsr'.repeat(200_000)))
  const survivor = journal.append(4, payload(4, 40))
  await journal.close()
  const path = segmentFiles(dir)[0]!
  const bytes = readFileSync(path)
  bytes.fill(0, bad, bad + 3000)
  writeFileSync(path, bytes)
  const verdict = caught(() => openJournal({ dir, networkId, repairTail: true }))
  expect(verdict).toMatchObject({ code: 'E_JOURNAL_DAMAGED', file: path, offset: bad })
  expect(String(verdict)).toContain(`a sound record follows at byte ${survivor}`)
})

test('a payload that pretends to hold a record does not keep a torn one from being cut off', async () => {
  const dir = freshDirectory()
  const journal = openJournal({ dir, networkId })
  const bad = journal.append(1, payload(1, 300))
  journal.append(2, payload(2, 10))
  await journal.close()
  const path = segmentFiles(dir)[0]!
  const bytes = readFileSync(path)
  // The second record, genuine at its place, as part of a first one whose length reaches over it.
  const forged = freshDirectory()
  const longer = openJournal({ dir: forged, networkId })
  longer.append(1, bytes.subarray(bad + 24))
  await longer.close()
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
      i & 0xff,
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
