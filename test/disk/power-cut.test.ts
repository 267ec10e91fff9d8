// Power cuts at any point, again and again on the same disk: what a sync acknowledged is there, in order, without a gap, and nothing
// else is ever believed. The same suite finds a journal that forgets one of its syncs.
import { type Files, JournalDamaged, openJournal } from '@hearsay/node/disk'
import { expect, test } from 'vitest'
import { createLossyDisk, type LossyDisk } from './lossy-files.ts'
import { networkId, payload } from './support.ts'

/** mulberry32: a seed gives the same run everywhere. */
function chanceOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

type Outcome = 'recovered' | 'stopped'

/** Four lives of a journal on one disk. Throws if something acknowledged is lost or something else is found. */
async function live(
  seed: number,
  ordered: boolean,
  spoil: (files: Files) => Files = (files) => files,
): Promise<Outcome> {
  const chance = chanceOf(seed)
  let disk: LossyDisk = createLossyDisk()
  const written: Uint8Array[] = []
  let acknowledged = 0
  for (let life = 0; life < 4; life++) {
    let found = 0
    const onRecord = (_kind: number, bytes: Uint8Array): void => {
      if (Buffer.compare(bytes, written[found] ?? new Uint8Array(1000)) !== 0)
        throw new Error(`record ${found} is another one`)
      found += 1
    }
    const options = {
      dir: '/disk',
      networkId,
      segmentBytes: 2000,
      repairTail: true,
      onRecord,
      files: spoil(disk.files),
    }
    let journal: ReturnType<typeof openJournal>
    try {
      journal = openJournal(options)
    } catch (error) {
      // Writes that survive out of order may leave sound records behind a hole: refused, but never because of acknowledged ones.
      if (!(error instanceof JournalDamaged) || ordered || found < acknowledged) throw error
      return 'stopped'
    }
    if (found < acknowledged) throw new Error(`${acknowledged} were acknowledged, ${found} found`)
    written.length = found
    acknowledged = found
    for (let i = 0; i < 30; i++) {
      const bytes = payload(seed + written.length * 7, Math.floor(chance() * 700))
      written.push(bytes)
      journal.append(i, bytes)
      const act = chance()
      if (act < 0.4) journal.flush()
      if (act < 0.2) {
        await journal.sync()
        acknowledged = written.length
      }
      if (chance() < 0.04) break
    }
    disk = disk.crash(chance, ordered)
  }
  return 'recovered'
}

const seeds = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

test('writes that survive in order: always recovered', async () => {
  for (const seed of seeds(500)) {
    const outcome = await live(seed, true).catch((error: unknown) =>
      Promise.reject(new Error(`seed ${seed}`, { cause: error })),
    )
    expect(outcome).toBe('recovered')
  }
})

test('writes that survive in any order, torn in sectors: recovered, or stopped with a reason', async () => {
  const outcomes = { recovered: 0, stopped: 0 }
  for (const seed of seeds(500)) {
    outcomes[
      await live(seed, false).catch((error: unknown) =>
        Promise.reject(new Error(`seed ${seed}`, { cause: error })),
      )
    ] += 1
  }
  // Both happen, so both are tested.
  console.log(`power cuts with reordered writes: ${JSON.stringify(outcomes)}`)
  expect(outcomes.recovered).toBeGreaterThan(0)
  expect(outcomes.stopped).toBeGreaterThan(0)
})

test.each<[string, (files: Files) => Files]>([
  ['the sync of a batch', (files) => ({ ...files, syncData: () => Promise.resolve() })],
  ['the sync of a full segment or a new header', (files) => ({ ...files, sync: () => undefined })],
  ['the sync of the directory', (files) => ({ ...files, syncDirectory: () => undefined })],
])('a journal without %s is found out', async (_name, spoil) => {
  let lost = 0
  for (const seed of seeds(100)) {
    await live(seed, true, spoil).catch(() => (lost += 1))
  }
  expect(lost).toBeGreaterThan(0)
})
