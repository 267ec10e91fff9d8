// Power cuts at any point, again and again on the same disk: what a sync acknowledged is there, in order, without a gap, and nothing
// else is ever believed. The same suite finds a journal that forgets one of its syncs.
import { type Files, openJournal } from '@hearsay/node/disk'
import { createSimulatedDisk, type Survival } from '@hearsay/simulator'
import { expect, test } from 'vitest'
import { seeded } from '../seeded.ts'
import { filesOf } from './simulated-files.ts'
import { networkId, payload } from './support.ts'

/** Four lives of a journal on one disk. Throws if something acknowledged is lost or something else is found. */
async function live(
  seed: number,
  survival: Survival,
  spoil: (files: Files) => Files = (files) => files,
): Promise<void> {
  const chance = seeded(seed)
  const disk = createSimulatedDisk({ random: chance })
  disk.setFaults({ shortWrite: 0.1, shortRead: 0.1 })
  const files = spoil(filesOf(disk))
  const written: Uint8Array[] = []
  let acknowledged = 0
  for (let life = 0; life < 4; life++) {
    let found = 0
    const onRecord = (_kind: number, bytes: Uint8Array): void => {
      if (Buffer.compare(bytes, written[found] ?? new Uint8Array(1000)) !== 0)
        throw new Error(`record ${found} is another one`)
      found += 1
    }
    const segmentBytes = 2000
    const journal = openJournal({ dir: '/disk', networkId, segmentBytes, repairTail: true, onRecord, files })
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
    disk.powerCut(survival)
  }
}

const seeds = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

test.each<Survival>(['none', 'prefix', 'any'])(
  'what survives is %s of what was not durable: recovered, nothing acknowledged is lost, nothing is called damage',
  async (survival) => {
    for (const seed of seeds(80)) {
      await live(seed, survival).catch((error: unknown) => {
        throw new Error(`seed ${seed}`, { cause: error })
      })
    }
  },
)

test.each<[string, (files: Files) => Files]>([
  ['the sync of a batch', (files) => ({ ...files, syncData: () => Promise.resolve() })],
  ['the sync of a full segment or a new header', (files) => ({ ...files, sync: () => undefined })],
  ['the sync of the directory', (files) => ({ ...files, syncDirectory: () => undefined })],
])('a journal without %s is found out', async (_name, spoil) => {
  let lost = 0
  for (const seed of seeds(20)) {
    await live(seed, 'prefix', spoil).catch(() => (lost += 1))
  }
  expect(lost).toBeGreaterThan(0)
})
