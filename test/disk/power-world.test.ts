// Real nodes on simulated disks that lose power at any point, rot, fill up and fail: a small part of what scripts/power-cuts.ts runs.
import { expect, test } from 'vitest'
import { runPowerWorld } from './power-world.ts'

test('power cuts and bad disks: nothing acknowledged is lost, nobody branches, no damage is passed over', async () => {
  let cuts = 0
  for (let seed = 1; seed <= 40; seed++) cuts += (await runPowerWorld(seed)).cuts
  expect(cuts).toBeGreaterThan(40)
})

/**
 * Seeds that once failed: 245 an I/O error in a snapshot stopped the node as if it were a mistake of its own, 666 one in the
 * ledger's index named no file, 647 half of a mark was left behind by a full disk and never completed.
 */
test.each([245, 647, 666])('seed %i, which once failed', async (seed) => {
  await expect(runPowerWorld(seed)).resolves.toBeDefined()
})
