/** Real input through real processes: every line of a real text once, one order everywhere, provable, and damage is found. */
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run, start } from './command.ts'
import { startNetwork, type Network } from './network.ts'

const root = join(import.meta.dirname, '../..')
const NAMES = ['ada', 'bob', 'cat', 'dan']

/** The lockfile, the sources and the published vectors: some 20,000 lines that people wrote or tools made. */
function realText(): string[] {
  const files = [
    join(root, 'pnpm-lock.yaml'),
    join(root, 'LICENSE'),
    join(root, 'test/vectors/ed25519/cctv.ed25519vectors.json'),
    join(root, 'test/vectors/ed25519/wycheproof.ed25519_test.json'),
    join(root, 'test/vectors/ed25519/own.adversarial-1500.jsonl'),
  ]
  for (const folder of [
    'packages/dag/src',
    'packages/consensus/src',
    'packages/node/src',
    'packages/gossip/src',
  ]) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true }))
      if (entry.isFile()) files.push(join(root, folder, entry.name))
  }
  return files.flatMap((file) => readFileSync(file, 'utf8').replace(/\n$/, '').split('\n'))
}

const sorted = (lines: readonly string[]): string[] => lines.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))

let network: Network
beforeAll(async () => void (network = await startNetwork()))
afterAll(async () => network.dispose())

test('all lines of a real text, submitted in four parallel runs, stand once in four equal ledgers', async () => {
  const lines = realText()
  expect(lines.length).toBeGreaterThan(20_000)
  const runs = NAMES.map((name, i) => {
    const part = lines.filter((_, at) => at % 4 === i)
    const file = join(network.dir, `${name}.txt`)
    writeFileSync(file, `${part.join('\n')}\n`)
    return start([
      'submit',
      '--file',
      file,
      '--node',
      name,
      '--dir',
      join(network.dir, 'net'),
      '--timeout',
      '60s',
    ])
  })
  for (const each of runs) expect((await each.ended).code, each.err()).toBe(0)
  const ordered = await network.texts('ada')
  expect(sorted(ordered)).toEqual(sorted(lines))
  for (const name of NAMES.slice(1)) expect(await network.texts(name)).toEqual(ordered)
})

test('the network stops within two seconds, verify proves it, and a second start continues the same ledger', async () => {
  const before = await network.status('bob')
  const { code } = await network.stop()
  expect(code).toBe(0)
  const proof = await run(['verify', join(network.dir, 'net')])
  expect(proof.code, proof.err).toBe(0)
  expect(proof.out).toContain(before.ledgerHash)
  const again = await startNetwork({ dir: network.dir })
  try {
    const after = await again.status('bob')
    expect(after.ledgerHash).toBe(before.ledgerHash)
    expect(after.transactions).toBe(before.transactions)
    const { status, body } = await again.submit('dan', 'one more')
    expect(status).toBe(200)
    expect(body['position']).toBe(before.transactions)
  } finally {
    await again.stop()
  }
})

test('one flipped byte anywhere in a copy of a journal is found, with file and place', async () => {
  const copy = join(network.dir, 'copy')
  cpSync(join(network.dir, 'net/ada'), copy, { recursive: true })
  const file = join(copy, 'journal', readdirSync(join(copy, 'journal'))[0]!)
  const sound = readFileSync(file)
  const { size } = statSync(file)
  const places = [
    0,
    9,
    70,
    80,
    100,
    size - 25,
    size - 54,
    ...Array.from({ length: 5 }, (_, i) => Math.floor((size / 6) * (i + 0.5))),
  ]
  // Behind each sync stands a mark of 24 bytes, and a crash leaves a broken last one just so. The marks at the very end carry nothing: all is
  // proved without them, and what is unfinished is still named with its place.
  const marks = [size - 24, size - 13, size - 1]
  for (const place of [...places, ...marks]) {
    const damaged = Buffer.from(sound)
    damaged[place]! ^= 1 << (place % 8)
    writeFileSync(file, damaged)
    const { code, out, err } = await run(['verify', copy])
    const unfinished = /(\d+) unfinished bytes at the end of (\S+) \(from byte (\d+)\)/.exec(out)
    const isAtTheEnd = place >= size - 72 && unfinished !== null
    if (!isAtTheEnd || marks.includes(place))
      expect(unfinished !== null, `byte ${place}: ${out}`).toBe(marks.includes(place))
    expect(isAtTheEnd ? [0] : [3, 65], `byte ${place}: ${out}${err}`).toContain(code)
    if (isAtTheEnd) {
      expect(unfinished[2]).toBe(file)
      expect(Number(unfinished[3])).toBeLessThanOrEqual(place)
      expect(Number(unfinished[1]) + Number(unfinished[3])).toBe(size)
    } else expect(`${out}${err}`).toMatch(/journal-\d+\.hsj is damaged at byte \d+/)
  }
  writeFileSync(file, sound)
  expect((await run(['verify', copy])).code).toBe(0)
})
