/** Members missing: a quorum of three goes on, two wait and say why, and all of it becomes final when one returns. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run, until } from './command.ts'
import { startNetwork, type Network } from './network.ts'

let network: Network
beforeAll(async () => void (network = await startNetwork()))
afterAll(async () => network.dispose())

test('one of four down: final; two down: not, with the reason; one returns: all of it final', async () => {
  await network.killNode('dan')
  expect((await network.submit('ada', 'three are enough')).status).toBe(200)
  await network.killNode('cat')
  await until('ada knows', async () => (await network.status('ada')).state === 'no-quorum')
  const status = await network.status('ada')
  expect(status.reason).toContain('no quorum: 2 of 4 members within reach')
  const net = join(network.dir, 'net')
  const command = await run(['submit', 'two are not', '--node', 'bob', '--dir', net, '--timeout', '2s'])
  expect(command.code, command.err).toBe(5)
  expect(command.err).toContain('no quorum')
  expect((await run(['status', '--all', '--dir', net])).out).toContain('no quorum')
  const waiting = ['ada', 'bob'].flatMap((name) =>
    Array.from({ length: 5 }, async (_, i) => network.submit(name, `${name} waits ${i}`, '60s')),
  )
  const before = (await network.status('ada')).transactions
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  expect((await network.status('ada')).transactions).toBe(before)
  await network.startNode('cat')
  for (const answer of await Promise.all(waiting)) expect(answer.status).toBe(200)
  await until('what the command submitted is final', async () =>
    (await network.texts('cat')).includes('two are not'),
  )
  await network.startNode('dan')
  await until('dan has caught up', async () => {
    const [own, other] = await Promise.all([network.status('dan'), network.status('ada')])
    return own.ledgerHash === other.ledgerHash
  })
})
