// Disks that are full, break or lose power with the process. Real file systems and real processes wherever one can have them.
import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Journal, nodeFiles, openJournal, verifyJournal, writeFileDurable } from '@hearsay/node/disk'
import { expect, test } from 'vitest'
import {
  atEnd,
  caught,
  freshDirectory,
  mounted,
  networkId,
  observed,
  payload,
  readAll,
  segmentFiles,
  startChild,
} from './support.ts'

const kindsUpTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i & 0x7f)

test.each([1, 7, 100])('writes that are short without an error (%i bytes at a time)', async (most) => {
  const dir = freshDirectory()
  const write: typeof nodeFiles.write = (fd, source, start, end, position) =>
    nodeFiles.write(fd, source, start, Math.min(end, start + most), position)
  const journal = openJournal({ dir, networkId, segmentBytes: 500, files: observed({ write }) })
  for (let i = 0; i < 30; i++) journal.append(i, payload(i))
  await journal.close()
  const kinds: number[] = []
  expect(verifyJournal(dir, (kind) => kinds.push(kind)).tornTail).toBeUndefined()
  expect(kinds).toEqual(kindsUpTo(30))
})

/** Appends 30 records while only `budget` bytes fit, then makes room; the files must be as if nothing had happened. */
async function fillAndFree(budget: number): Promise<{ refused: number; bytes: Buffer }> {
  const dir = freshDirectory()
  let room = budget
  const write: typeof nodeFiles.write = (fd, source, start, end, position) => {
    const fits = Math.min(end - start, room)
    if (fits === 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    room -= fits
    return nodeFiles.write(fd, source, start, start + fits, position)
  }
  const options = { dir, networkId, segmentBytes: 400, files: observed({ write }) }
  let journal: Journal | undefined
  let refused = 0
  for (let i = 0; i < 30; i++) {
    const failure = caught(() => {
      journal ??= openJournal(options)
      journal.append(i, payload(i))
      journal.flush()
    })
    if (failure === undefined) continue
    refused += 1
    expect(failure).toMatchObject({ code: 'E_DISK_FULL' })
    // No file yet: the record was not taken.
    if (journal === undefined) {
      room = Infinity
      i -= 1
      continue
    }
    expect(readAll(journal).map(({ kind }) => kind)).toEqual(kindsUpTo(i + 1))
    // If the process ended here: a prefix, and at most a torn tail.
    const copy = freshDirectory()
    cpSync(dir, copy, { recursive: true })
    const kinds: number[] = []
    verifyJournal(copy, (kind) => kinds.push(kind))
    expect(kinds).toEqual(kindsUpTo(kinds.length))
    openJournal({ dir: copy, networkId }).abandon()
    if (refused === 3) room = Infinity
  }
  room = Infinity
  await journal!.close()
  return { refused, bytes: Buffer.concat(segmentFiles(dir).map((path) => readFileSync(path))) }
}

test('no space after any number of bytes: refused with a reason, kept, and gone on from when there is space', async () => {
  const whole = await fillAndFree(Infinity)
  expect(whole.refused).toBe(0)
  const total = whole.bytes.length
  // Without the mark at the end, for which nobody is refused.
  for (let budget = 0; budget < total - 24; budget += 13) {
    const { refused, bytes } = await fillAndFree(budget)
    expect(refused).toBeGreaterThan(0)
    expect(bytes.length).toBe(total)
  }
})

test('a file system of 1 MiB is filled and emptied', async () => {
  const mount = mounted('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs')
  if (mount === null) return fillUnderLimit()
  const ballast = join(mount, 'ballast')
  writeFileSync(ballast, new Uint8Array(300_000))
  const journal = openJournal({ dir: mount, networkId, segmentBytes: 200_000 })
  atEnd(() => journal.abandon())
  let appended = 0
  let failure: unknown
  while (failure === undefined) {
    journal.append(appended & 0x7f, payload(appended, 3333))
    appended += 1
    failure = caught(() => journal.flush())
  }
  expect(failure).toMatchObject({ code: 'E_DISK_FULL' })
  expect(String(failure)).toMatch(/no space to write .*ENOSPC.*wait in memory.*[Ff]ree space/)
  expect(journal.bufferedBytes()).toBeGreaterThan(0)
  // Still full: refused again, still readable, still taking records, and no sync says otherwise.
  await expect(journal.sync()).rejects.toMatchObject({ code: 'E_DISK_FULL' })
  journal.append(appended & 0x7f, payload(appended, 3333))
  appended += 1
  expect(journal.durableEnd()).toBeLessThan(journal.end())
  expect(readAll(journal, 100_000).map(({ kind }) => kind)).toEqual(kindsUpTo(appended))
  // A small file does not replace its old version by half of the new one.
  writeFileSync(join(mount, 'settings'), '')
  expect(
    caught(() => writeFileDurable(join(mount, 'settings'), new Uint8Array(100_000), 0o644)),
  ).toMatchObject({
    code: 'E_DISK_FULL',
  })
  expect(statSync(join(mount, 'settings')).size).toBe(0)
  rmSync(join(mount, 'settings'))

  rmSync(ballast)
  await journal.sync()
  expect([journal.bufferedBytes(), journal.durableEnd()]).toEqual([0, journal.end()])
  await journal.close()
  const kinds: number[] = []
  expect(verifyJournal(mount, (kind) => kinds.push(kind)).tornTail).toBeUndefined()
  expect(kinds).toEqual(kindsUpTo(appended))
})

test('a limit of the file size is the same as a full disk', () => fillUnderLimit())

function fillUnderLimit(): void {
  const dir = freshDirectory()
  const script = join(import.meta.dirname, 'children', 'filler.ts')
  const command = `ulimit -f 200; exec "$0" "$1" "$2"`
  const run = spawnSync('bash', ['-c', command, process.execPath, script, dir], { encoding: 'utf8' })
  const found: unknown = JSON.parse(run.stdout)
  // 200 blocks of 1024 bytes: the header, 195 records of 1024 bytes with their marks, and a part of the next one.
  expect(found).toEqual({ acknowledged: 195, code: 'E_DISK_FULL', readable: 196 })
  const verdict = verifyJournal(dir)
  expect(verdict).toMatchObject({
    records: 195,
    bytes: 204_800,
    tornTail: { offset: 72 + 195 * 1048, bytes: 368 },
  })
}

test('a real fsync error is the end of the journal for this process', async () => {
  // A file system on a sparse file on a file system that is too small for it: writes are taken and cannot be written back.
  const back = mounted('-t', 'tmpfs', '-o', 'size=2m', 'tmpfs')
  if (back === null) return
  const image = join(back, 'image')
  writeFileSync(image, '')
  truncateSync(image, 64 * 1024 * 1024)
  const made = spawnSync('mkfs.ext2', ['-q', '-N', '16', image], { encoding: 'utf8' })
  if (made.status !== 0)
    return console.warn(`NOT TESTED ON A REAL FILE SYSTEM: mkfs.ext2: ${made.stderr}${made.error}`)
  const front = mounted('-o', 'loop', image)
  if (front === null) return
  const journal = openJournal({ dir: join(front, 'data'), networkId })
  atEnd(() => journal.abandon())
  let failure: unknown
  for (let i = 0; i < 100 && failure === undefined; i++) {
    journal.append(1, payload(i, 100_000))
    failure = await journal.sync().then(
      () => undefined,
      (error: unknown) => error,
    )
  }
  expect(failure).toMatchObject({ code: 'E_JOURNAL_FAILED', fatal: true })
  expect(failure instanceof Error ? failure.cause : undefined).toSatisfy((cause: unknown) =>
    // Which of the two depends on the kernel's loop driver. Here even ENOSPC is fatal: it is too late to keep the bytes.
    ['EIO', 'ENOSPC'].includes(String(Object(cause).code)),
  )
  await expectDead(journal)
})

async function expectDead(journal: Journal): Promise<void> {
  const durable = journal.durableEnd()
  for (const use of [() => journal.append(1, payload(1)), () => journal.flush()]) {
    expect(caught(use)).toMatchObject({ code: 'E_JOURNAL_FAILED', fatal: true })
  }
  await expect(journal.sync()).rejects.toMatchObject({ code: 'E_JOURNAL_FAILED', fatal: true })
  expect(journal.durableEnd()).toBe(durable)
  await journal.close()
}

test('after one failed fdatasync no later one is believed, also for those who wait already', async () => {
  let failures = 1
  const syncData = async (fd: number): Promise<void> => {
    if (failures-- > 0) throw Object.assign(new Error('i/o error'), { code: 'EIO' })
    await nodeFiles.syncData(fd)
  }
  const journal = openJournal({ dir: freshDirectory(), networkId, files: observed({ syncData }) })
  journal.append(1, payload(1))
  const first = journal.sync()
  journal.append(2, payload(2))
  const results = await Promise.allSettled([first, journal.sync(), journal.sync()])
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  await expectDead(journal)
})

test('a failed fsync of a full segment is fatal too', async () => {
  let armed = false
  const sync = (fd: number): void => {
    if (armed) throw Object.assign(new Error('i/o error'), { code: 'EIO' })
    nodeFiles.sync(fd)
  }
  const journal = openJournal({
    dir: freshDirectory(),
    networkId,
    segmentBytes: 100,
    files: observed({ sync }),
  })
  armed = true
  journal.append(1, payload(1, 20))
  journal.append(2, payload(2, 20))
  expect(caught(() => journal.flush())).toMatchObject({ code: 'E_JOURNAL_FAILED', fatal: true })
  armed = false
  await expectDead(journal)
})

test('too many open files when a segment is full: tried again', async () => {
  const dir = freshDirectory()
  let refusals = 0
  const open: typeof nodeFiles.open = (path, mode) => {
    if (refusals > 0 && mode !== 'update') {
      refusals -= 1
      throw Object.assign(new Error('too many open files'), { code: 'EMFILE' })
    }
    return nodeFiles.open(path, mode)
  }
  const journal = openJournal({ dir, networkId, segmentBytes: 100, files: observed({ open }) })
  refusals = 2
  for (let i = 0; i < 4; i++) journal.append(i, payload(i, 20))
  for (let i = 0; i < 2; i++) {
    expect(caught(() => journal.flush())).toMatchObject({ code: 'E_JOURNAL_FAILED', fatal: false })
  }
  await journal.close()
  expect(verifyJournal(dir)).toMatchObject({ segments: 4, records: 4 })
})

test('a segment that fills up while its sync runs stays open until the sync is done', async () => {
  const closed: number[] = []
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const syncData = async (fd: number): Promise<void> => {
    await released
    expect(closed).not.toContain(fd)
    await nodeFiles.syncData(fd)
  }
  const close = (fd: number): void => {
    closed.push(fd)
    nodeFiles.close(fd)
  }
  const journal = openJournal({
    dir: freshDirectory(),
    networkId,
    segmentBytes: 100,
    files: observed({ syncData, close }),
  })
  journal.append(1, payload(1, 20))
  const running = journal.sync()
  closed.length = 0
  journal.append(2, payload(2, 20))
  journal.flush()
  journal.abandon()
  expect(closed).toEqual([])
  release()
  await running
  expect(closed).toHaveLength(2)
})

test('killed at any moment: what was acknowledged is there, in order, without a gap', async () => {
  const dir = freshDirectory()
  let acknowledged = -1
  let found = 0
  for (let run = 0; run < 8; run++) {
    const child = startChild('writer.ts', dir)
    expect(await child.line()).toBe(`open ${found}`)
    for (let i = 0; i < 20 + run * 11; i++) acknowledged = Math.max(acknowledged, Number(await child.line()))
    child.process.kill('SIGKILL')
    for (let line = await child.line(); line !== null; line = await child.line()) {
      // The last line may be cut.
      if (Number(line) <= acknowledged + 8) acknowledged = Math.max(acknowledged, Number(line))
    }
    expect(await child.gone).toEqual({ code: null, signal: 'SIGKILL', errors: '' })
    found = 0
    verifyJournal(dir, (_kind, bytes) => {
      expect(Buffer.from(bytes).readDoubleBE()).toBe(found)
      found += 1
    })
    expect(found).toBeGreaterThan(acknowledged)
  }
})
