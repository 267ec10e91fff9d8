// Real nodes on simulated disks that lose power at any point, rot, fill up and fail: a small part of what scripts/power-cuts.ts runs.
import { expect, test } from 'vitest'
import { runPowerWorld } from './power-world.ts'

test('power cuts and bad disks: nothing acknowledged is lost, nobody branches, no damage is passed over', async () => {
  let cuts = 0
  for (let seed = 1; seed <= 40; seed++) cuts += (await runPowerWorld(seed)).cuts
  expect(cuts).toBeGreaterThan(40)
})
