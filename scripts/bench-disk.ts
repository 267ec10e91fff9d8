// How fast the disk room appends, syncs, opens and reads on this machine, beside SQLite with the same promise (WAL, synchronous =
// FULL). One JSON line a figure. Usage: node scripts/bench-disk.ts [directory on the disk in question] [seconds a figure]
import { mkdtempSync, rmSync } from 'node:fs'
import { arch, cpus, loadavg, platform, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Journal, openJournal, openLedgerFile, verifyJournal } from '../packages/node/disk/index.ts'

const parent = process.argv[2] ?? tmpdir()
const seconds = Number(process.argv[3] ?? 2)
const networkId = new Uint8Array(32)
const recordBytes = 400
const record = Uint8Array.from({ length: recordBytes }, (_, i) => (i * 131) & 0xff)
const { DatabaseSync } = process.getBuiltinModule('node:sqlite')

const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  system: `${platform()} ${release()} ${arch()}`,
  node: process.versions.node,
  sqlite: process.versions.sqlite,
  zlib: process.versions.zlib,
  directory: parent,
}

function report(name: string, count: number, startedMs: number, more: object = {}): void {
  const took = (performance.now() - startedMs) / 1000
  const rate = Math.round(count / took)
  const line = { bench: name, recordBytes, count, seconds: Number(took.toFixed(3)), perSecond: rate, ...more }
  console.log(JSON.stringify({ ...line, load: Number(loadavg()[0]?.toFixed(2)), ...machine }))
}

function rateOf(count: number, startedMs: number): number {
  return (count * 1000) / (performance.now() - startedMs)
}

async function inDirectory(run: (dir: string) => Promise<void> | void): Promise<void> {
  const dir = mkdtempSync(join(parent, 'hearsay-bench-'))
  try {
    await run(dir)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function percentile(sorted: readonly number[], share: number): number {
  return Number((sorted[Math.floor((sorted.length - 1) * share)] ?? NaN).toFixed(3))
}

/** Several callers, each of which appends a batch and waits until it is durable. */
async function appendAndSync(name: string, callers: number, batch: number, base: number): Promise<void> {
  await inDirectory(async (dir) => {
    const journal = openJournal({ dir, networkId })
    const waitedMs: number[] = []
    const started = performance.now()
    const work = async (): Promise<void> => {
      while (performance.now() - started < seconds * 1000) {
        const before = performance.now()
        for (let i = 0; i < batch; i++) journal.append(1, record)
        await journal.sync()
        waitedMs.push(performance.now() - before)
      }
    }
    await Promise.all(Array.from({ length: callers }, work))
    waitedMs.sort((a, b) => a - b)
    const latency = { p50Ms: percentile(waitedMs, 0.5), p99Ms: percentile(waitedMs, 0.99) }
    const count = waitedMs.length * batch
    const timesSqlite = Number((rateOf(count, started) / base).toFixed(2))
    report(name, count, started, { callers, batch, timesSqlite, ...latency })
    await journal.close()
  })
}

/** Gives its rate. */
async function sqlite(name: string, batch: number): Promise<number> {
  let rate = 0
  await inDirectory((dir) => {
    const database = new DatabaseSync(join(dir, 'bench.db'))
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE event (bytes BLOB)')
    const insert = database.prepare('INSERT INTO event VALUES (?)')
    const started = performance.now()
    let count = 0
    for (; performance.now() - started < seconds * 1000; count += batch) {
      database.exec('BEGIN')
      for (let i = 0; i < batch; i++) insert.run(record)
      database.exec('COMMIT')
    }
    rate = rateOf(count, started)
    report(name, count, started, { callers: 1, batch })
    database.close()
  })
  return rate
}

function fill(journal: Journal, count: number): void {
  for (let i = 0; i < count; i++) {
    journal.append(1, record)
    if (i % 256 === 255) journal.flush()
  }
}

async function openAndRead(count: number): Promise<void> {
  await inDirectory(async (dir) => {
    const journal = openJournal({ dir, networkId })
    let started = performance.now()
    fill(journal, count)
    journal.flush()
    report('journal append and flush, no sync', count, started)
    await journal.close()

    started = performance.now()
    report('journal verify', verifyJournal(dir).records, started)
    started = performance.now()
    let seen = 0
    const again = openJournal({ dir, networkId, onRecord: () => (seen += 1) })
    report('journal open and replay', seen, started)

    started = performance.now()
    seen = 0
    for (let at = 0, more = true; more;) {
      const { records, next } = again.readFrom(at, 1024 * 1024)
      seen += records.length
      at = next
      more = records.length > 0
    }
    report('journal readFrom, 1 MiB at a time', seen, started)
    again.abandon()
  })
}

async function ledger(count: number): Promise<void> {
  await inDirectory(async (dir) => {
    const file = openLedgerFile({ dir, networkId, describe: () => ({ round: 0, firstPosition: 0 }) })
    let started = performance.now()
    for (let round = 0; round < count; round++) {
      file.appendBlock(round, round * 10, record)
      if (round % 256 === 255) file.flush()
    }
    await file.sync()
    report('ledger append, one sync at the end', count, started)
    started = performance.now()
    for (let i = 0; i < count / 4; i++) {
      file.readBlock(file.roundOfPosition(((i * 7919) % count) * 10 + 3) ?? 0)
    }
    report('ledger block by position, scattered', count / 4, started)
    await file.close()
  })
}

// The same groups for both, one right after the other. SQLite holds the thread while it commits, so one caller is all it can have;
// the journal takes the next groups in meanwhile, which then share a sync.
for (const batch of [1, 10, 100, 1000]) {
  const base = await sqlite('sqlite WAL full', batch)
  await appendAndSync('journal append and sync', 1, batch, base)
  await appendAndSync('journal append and sync', 16, batch, base)
  await appendAndSync('journal append and sync', 256, batch, base)
}
await openAndRead(200_000)
await ledger(100_000)
