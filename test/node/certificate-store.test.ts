/** Certificates on disk: which ones stay, what a restart finds, and what becomes of a file that is not sound. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { networkIdOf } from '@hearsay/dag'
import { createNativeSuite } from '@hearsay/dag/native'
import { nodeFiles } from '@hearsay/node/disk'
import { createCertificateStore, type CertificateStore } from '@hearsay/node/process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { certify, createCertifiedLedger, GENESIS } from '../client/certified-ledger.ts'

const suite = createNativeSuite()
const [block] = createCertifiedLedger().blocks
/** A certificate of any round, with valid signatures. */
const certificateOf = (round: number) => certify({ ...block!, round }, [0, 1, 3])

let dir: string
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'hearsay-certificates-'))))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const told: string[] = []
const open = (): CertificateStore =>
  createCertificateStore({
    dir,
    genesis: GENESIS,
    networkId: networkIdOf(GENESIS, suite.sha256),
    suite,
    files: nodeFiles,
    narrate: (line) => void told.push(line),
    onError: (error) => {
      throw error
    },
  })
const fileOf = (round: number): string =>
  join(dir, 'certificates', `round-${String(round).padStart(15, '0')}.hsc`)

test('a restart finds what was written, and a later certificate stands for an earlier round', async () => {
  const store = open()
  const heard: number[] = []
  store.onCertified((round) => void heard.push(round))
  for (const round of [5, 64, 130]) store.add(certificateOf(round))
  // Older than the newest: nothing new.
  store.add(certificateOf(100))
  await store.settled()
  const again = open()
  expect([heard, again.lastRound()]).toEqual([[5, 64, 130], 130])
  expect([1, 5, 6, 64, 65, 131].map((round) => again.certificateFrom(round)?.round)).toEqual([
    5,
    5,
    64,
    64,
    130,
    undefined,
  ])
  expect([4, 5, 129, 1_000].map((round) => again.certificateUpTo(round)?.round)).toEqual([
    undefined,
    5,
    64,
    130,
  ])
})

test('files that are torn, changed or of another round are removed and said, and the others serve', async () => {
  const store = open()
  for (const round of [10, 20, 30, 40, 50]) store.add(certificateOf(round))
  await store.settled()
  truncateSync(fileOf(50), 100)
  writeFileSync(fileOf(40), new Uint8Array(0))
  writeFileSync(fileOf(30), readFileSync(fileOf(20)))
  const flipped = readFileSync(fileOf(20))
  flipped[flipped.length - 10]! ^= 4
  writeFileSync(fileOf(20), flipped)
  told.length = 0
  const again = open()
  expect(again.certificateUpTo(Infinity)?.round).toBe(10)
  expect(told).toHaveLength(4)
  expect(again.certificateFrom(11)).toBeUndefined()
  expect(readdirSync(join(dir, 'certificates'))).toHaveLength(1)
})

test('of old certificates as many stay as are needed so that a proof reaches one from every round', async () => {
  const store = open()
  const last = 10 * 600
  for (let round = 10; round <= last; round += 10) store.add(certificateOf(round))
  await store.settled()
  const names = readdirSync(join(dir, 'certificates')).sort()
  const rounds = names.map((name) => Number(/\d+/.exec(name)![0]))
  expect(rounds.slice(-64)).toEqual(Array.from({ length: 64 }, (_, i) => last - 630 + 10 * i))
  // A gap of 512 rounds on both sides of what is dropped: never more than that between two that are kept.
  for (const [i, round] of rounds.entries())
    if (i > 0) expect(round - rounds[i - 1]!).toBeLessThanOrEqual(512)
  expect(rounds.length).toBeLessThan(64 + 2 + Math.ceil(last / 256))
  expect(open().certificateFrom(1)?.round).toBe(10)
})
