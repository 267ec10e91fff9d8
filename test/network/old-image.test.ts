/** An old copy of a data directory, put back, and a directory that was wiped: the node catches up and makes no branch. */
import { cpSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { StatusJson } from '@hearsay/node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run, until } from './command.ts'
import { startNetwork, type Network } from './network.ts'

let network: Network
beforeAll(async () => void (network = await startNetwork()))
afterAll(async () => network.dispose())

const dirOf = (name: string): string => join(network.dir, 'net', name)
const NAMES = ['ada', 'bob', 'cat', 'dan']

async function submitAll(prefix: string, count: number): Promise<string[]> {
  const texts = Array.from({ length: count }, (_, i) => `${prefix} ${i}`)
  for (const [i, text] of texts.entries())
    expect((await network.submit(NAMES[(i + 3) % 4]!, text)).status).toBe(200)
  return texts
}

async function expectEqual(texts: readonly string[]): Promise<void> {
  for (const name of NAMES)
    await until(`${name} has all`, async () => (await network.texts(name)).length === texts.length, 60_000)
  for (const name of NAMES) expect(await network.texts(name)).toEqual(texts)
}

const isActive = (name: string) => async (): Promise<boolean> => {
  const status: StatusJson = await network.status(name)
  return status.state === 'active'
}

test('an old copy of a directory catches up, goes on and makes no branch; so does one that was wiped', async () => {
  const texts = await submitAll('before', 8)
  await network.killNode('dan')
  cpSync(dirOf('dan'), join(network.dir, 'copy'), { recursive: true })
  await network.startNode('dan')
  // Own events of dan that the copy does not have.
  texts.push(...(await submitAll('between', 12)))
  await network.killNode('dan')
  renameSync(dirOf('dan'), join(network.dir, 'newer'))
  renameSync(join(network.dir, 'copy'), dirOf('dan'))
  await network.startNode('dan')
  await until('dan is active', isActive('dan'), 60_000)
  texts.push(...(await submitAll('after', 8)))
  await expectEqual(texts)

  await network.killNode('dan')
  for (const each of ['journal', 'ledger', 'snapshots', 'certificates', 'ledger.index'])
    rmSync(join(dirOf('dan'), each), { recursive: true, force: true })
  await network.startNode('dan')
  texts.push(...(await submitAll('wiped', 8)))
  await expectEqual(texts)
  for (const name of NAMES) {
    const status = await network.status(name)
    expect(status.peers.filter(({ hasBranched }) => hasBranched)).toEqual([])
  }
  await network.stop()
  const audit = await run(['verify', ...NAMES.map(dirOf)])
  expect([audit.code, audit.out]).toEqual([0, expect.stringContaining('agree')])
  expect(readFileSync(join(dirOf('dan'), 'key'), 'utf8')).toMatch(/^[0-9a-f]{64}/)
}, 240_000)
