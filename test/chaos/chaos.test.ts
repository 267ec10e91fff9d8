/**
 * A short run of what `scripts/chaos.ts`, `scripts/clients.ts` and `scripts/kills.ts` do for long: real processes under load and faults, then the
 * judgement of directories and history.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { tellEach } from '../history/lies.ts'
import { runKills } from './kills.ts'
import { runChaos } from './run.ts'

const dir = mkdtempSync(join(tmpdir(), 'hearsay-chaos-'))
afterAll(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }))

test('a few steps of chaos: no violation', async () => {
  const seed = 11
  const options = {
    nodes: 4,
    seed,
    forMs: 600_000,
    steps: 5,
    longestMs: 1_500,
    thinkMs: 200,
    roamers: 4,
    receipts: 20,
  }
  const result = await runChaos({
    ...options,
    kinds: ['kill', 'part', 'loss', 'damage', 'hostile', 'double-run'],
    dir: join(dir, 'chaos'),
  })
  const again = `node scripts/chaos.ts --nodes 4 --steps 5 --longest 1500ms --seed ${seed}`
  expect(result.violations, again).toEqual([])
  expect(Object.keys(result.faults).length).toBeGreaterThanOrEqual(5)
  expect(result.recoveries).toHaveLength(5)
  expect(result.ok).toBeGreaterThan(10)
  expect(result.transactions).toBeGreaterThanOrEqual(result.ok)
  expect(result.provedReceipts).toBeGreaterThanOrEqual(10)
  expect(tellEach(result.history), 'lies planted in this history that are not told').toEqual([])
}, 240_000)

test('a few kills at random moments: no violation', async () => {
  const seed = 12
  const result = await runKills({
    kills: 6,
    nodes: 4,
    seed,
    dir: join(dir, 'kills'),
    cache: join(dir, 'cache'),
    thinkMs: 200,
  })
  expect(result.violations, `node scripts/kills.ts --nodes 4 --kills 6 --seed ${seed}`).toEqual([])
  expect(result.kills).toBe(6)
  expect(result.ok).toBeGreaterThan(10)
}, 240_000)
