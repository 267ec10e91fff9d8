// The ordered output on disk: found by round and by position, also after a restart, without gaps and without duplicates.
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { type LedgerFile, openLedgerFile, verifyLedgerFile } from '@hearsay/node/disk'
import { expect, test } from 'vitest'
import { atEnd, caught, freshDirectory, networkId, segmentFiles } from './support.ts'

function block(round: number, firstPosition: number, filling: number): Uint8Array {
  const bytes = Buffer.alloc(16 + filling, round & 0xff)
  bytes.writeDoubleBE(round, 0)
  bytes.writeDoubleBE(firstPosition, 8)
  return Uint8Array.from(bytes)
}

function describe(bytes: Uint8Array): { round: number; firstPosition: number } {
  const view = Buffer.from(bytes)
  return { round: view.readDoubleBE(0), firstPosition: view.readDoubleBE(8) }
}

function open(dir: string, segmentBytes = 1000): LedgerFile {
  const ledger = openLedgerFile({ dir, networkId, segmentBytes, describe })
  atEnd(() => ledger.abandon())
  return ledger
}

/** Rounds 7…, the i-th with (i * 5) % 4 transactions: some are empty. */
const countOf = (i: number): number => (i * 5) % 4
const firstOf = (i: number): number =>
  Array.from({ length: i }, (_, k) => countOf(k)).reduce((a, b) => a + b, 0)

async function filled(dir: string, rounds: number, syncEvery: number): Promise<LedgerFile> {
  const ledger = open(dir)
  for (let i = 0; i < rounds; i++) {
    ledger.appendBlock(7 + i, firstOf(i), block(7 + i, firstOf(i), countOf(i) * 20))
    if (i % syncEvery === 0) await ledger.sync()
  }
  return ledger
}

function compare(ledger: LedgerFile, rounds: number): void {
  expect([ledger.firstRound(), ledger.lastRound()]).toEqual([7, 6 + rounds])
  for (let i = 0; i < rounds; i++) {
    expect(ledger.readBlock(7 + i)).toEqual(block(7 + i, firstOf(i), countOf(i) * 20))
    for (let k = 0; k < countOf(i); k++) expect(ledger.roundOfPosition(firstOf(i) + k)).toBe(7 + i)
  }
  expect([ledger.readBlock(6), ledger.readBlock(7 + rounds), ledger.readBlock(7.5)]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
}

test('blocks are found by round and by position, before and after a restart', async () => {
  const dir = freshDirectory()
  const ledger = await filled(dir, 200, 1000)
  compare(ledger, 200)
  await ledger.close()
  const again = open(dir)
  compare(again, 200)
  again.appendBlock(207, firstOf(200), block(207, firstOf(200), countOf(200) * 20))
  compare(again, 201)
  await again.close()
  expect(verifyLedgerFile(dir)).toMatchObject({ records: 201, networkId })
  expect(segmentFiles(dir, 'ledger').length).toBeGreaterThan(5)
})

test('an empty file knows no round; positions before the first have none', () => {
  const ledger = open(freshDirectory())
  const answers = [ledger.firstRound(), ledger.lastRound(), ledger.readBlock(0), ledger.roundOfPosition(0)]
  expect(new Set(answers)).toEqual(new Set([undefined]))
  ledger.appendBlock(0, 100, block(0, 100, 0))
  expect([ledger.roundOfPosition(99), ledger.roundOfPosition(100), ledger.roundOfPosition(1e9)]).toEqual([
    undefined,
    0,
    0,
  ])
})

test('a gap, a repetition and a step back are refused and leave nothing behind', async () => {
  const dir = freshDirectory()
  const ledger = await filled(dir, 10, 3)
  const end = ledger.end()
  for (const [round, first] of [
    [16, 100],
    [18, 100],
    [17, firstOf(9) - 1],
    [17, 0.5],
    [NaN, 100],
  ] as const) {
    expect(String(caught(() => ledger.appendBlock(round, first, block(round, first, 5))))).toContain(
      'invariant',
    )
  }
  expect(ledger.end()).toBe(end)
  compare(ledger, 10)
})

test('a file whose blocks are sound but out of order is damage at its place', async () => {
  const dir = freshDirectory()
  const ledger = open(dir)
  ledger.appendBlock(1, 0, block(1, 0, 0))
  ledger.appendBlock(2, 0, block(3, 0, 0))
  await ledger.close()
  const verdict = caught(() => open(dir))
  const file = segmentFiles(dir, 'ledger')[0]
  expect(verdict).toMatchObject({
    code: 'E_JOURNAL_DAMAGED',
    file,
    offset: 72 + 24 + 16,
    reason: 'round 3 follows round 1',
  })
})

test('a torn block is cut off, and its round can be appended again', async () => {
  const dir = freshDirectory()
  await (await filled(dir, 20, 4)).close()
  const path = segmentFiles(dir, 'ledger').at(-1)!
  truncateSync(path, readFileSync(path).length - 1)
  const ledger = open(dir)
  expect(ledger.recovered).toMatchObject({ file: path })
  compare(ledger, 19)
  ledger.appendBlock(26, firstOf(19), block(26, firstOf(19), countOf(19) * 20))
  compare(ledger, 20)
})

test('the files of two members are equal byte by byte, whenever each of them synced', async () => {
  const files = await Promise.all(
    [1, 7, 1000].map(async (syncEvery) => {
      const dir = freshDirectory()
      await (await filled(dir, 100, syncEvery)).close()
      return segmentFiles(dir, 'ledger').map((path) => readFileSync(path).toString('hex'))
    }),
  )
  expect(files[1]).toEqual(files[0])
  expect(files[2]).toEqual(files[0])
})

test('a journal is no ledger', async () => {
  const dir = freshDirectory()
  await (await filled(dir, 3, 1)).close()
  const path = segmentFiles(dir, 'ledger')[0]!
  const other = freshDirectory()
  await (await filled(other, 1, 1)).close()
  const journalHeader = Buffer.from(readFileSync(path))
  journalHeader.write('journal\0', 8, 'latin1')
  writeFileSync(segmentFiles(other, 'ledger')[0]!, journalHeader)
  expect(caught(() => open(other))).toMatchObject({ code: 'E_JOURNAL_DAMAGED', offset: 0 })
})

test('a ledger is opened in the middle: only what follows is read, the rest is found through the index', async () => {
  const dir = freshDirectory()
  const ledger = await filled(dir, 200, 1000)
  await ledger.sync()
  const from = ledger.offsetOf(150)!
  await ledger.close()
  const described: number[] = []
  const opened = openLedgerFile({
    dir,
    networkId,
    segmentBytes: 1000,
    range: { from },
    describe: (bytes) => {
      described.push(describe(bytes).round)
      return describe(bytes)
    },
  })
  atEnd(() => opened.abandon())
  expect(described.filter((round) => round >= 150)).toHaveLength(57)
  expect(described.filter((round) => round < 150)).toEqual([7])
  compare(opened, 200)
})

for (const harm of ['removed', 'damaged'] as const) {
  test(`an index that is ${harm} is made again from the blocks`, async () => {
    const dir = freshDirectory()
    const ledger = await filled(dir, 200, 1000)
    await ledger.sync()
    const from = ledger.offsetOf(150)!
    await ledger.close()
    const path = `${dir}/ledger.index`
    if (harm === 'removed') rmSync(path)
    else writeFileSync(path, readFileSync(path).fill(255, 16 * 106, 16 * 107))
    const opened = openLedgerFile({ dir, networkId, segmentBytes: 1000, range: { from }, describe })
    atEnd(() => opened.abandon())
    compare(opened, 200)
  })
}

test('old segments are pruned: what stays is found, also after a restart, and what was pruned is not', async () => {
  const dir = freshDirectory()
  const ledger = await filled(dir, 200, 1000)
  await ledger.sync()
  const firstSegment = ledger.segmentOf(100)!
  expect(ledger.prune(firstSegment)).toBeGreaterThan(3000)
  const first = ledger.firstRound()!
  expect(first).toBeGreaterThan(7)
  expect(first).toBeLessThanOrEqual(100)
  const check = (opened: LedgerFile): void => {
    expect(opened.firstRound()).toBe(first)
    expect(opened.readBlock(first - 1)).toBeUndefined()
    for (let round = first; round <= 206; round++)
      expect(describe(opened.readBlock(round)!).round).toBe(round)
    expect(opened.roundOfPosition(firstOf(93))).toBe(100)
  }
  check(ledger)
  const from = ledger.offsetOf(150)!
  await ledger.close()
  // Unless it is known that they were pruned, missing segments are damage.
  expect(caught(() => open(dir))).toMatchObject({ code: 'E_JOURNAL_DAMAGED' })
  for (const range of [{ firstSegment }, { firstSegment, from }]) {
    const opened = openLedgerFile({ dir, networkId, segmentBytes: 1000, range, describe })
    check(opened)
    await opened.close()
  }
})
