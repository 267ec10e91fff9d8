/** Quiet when idle: no events for a minute, then a submission becomes final at once. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startNetwork, type Network } from './network.ts'

const NAMES = ['ada', 'bob', 'cat', 'dan']

let network: Network
beforeAll(async () => void (network = await startNetwork()))
afterAll(async () => network.dispose())

const events = async (): Promise<number[]> =>
  Promise.all(NAMES.map(async (name) => (await network.status(name)).knownEvents))

test('an idle network makes no events for a minute and wakes for one transaction', async () => {
  expect((await network.submit('ada', 'before the silence')).status).toBe(200)
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  const before = await events()
  await new Promise((resolve) => setTimeout(resolve, 60_000))
  expect(await events()).toEqual(before)
  const { status, body } = await network.submit('cat', 'after the silence')
  expect(status).toBe(200)
  expect(body['position']).toBe(1)
}, 180_000)
