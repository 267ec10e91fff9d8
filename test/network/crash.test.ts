/** kill -9 of a node under load: the others go on, the node comes back to the same ledger, nobody ever branches. */
import { join } from 'node:path'
import { auditDirectories } from '@hearsay/node/process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from './command.ts'
import { startNetwork, type Network } from './network.ts'

const NAMES = ['ada', 'bob', 'cat', 'dan']

let network: Network
beforeAll(async () => void (network = await startNetwork()))
afterAll(async () => network.dispose())

/** Submits one after the other until told to stop; gives the texts that were acknowledged as final. */
function client(name: string, label: string) {
  const acknowledged: string[] = []
  const stopped = new AbortController()
  const done = (async () => {
    for (let i = 0; !stopped.signal.aborted; i++) {
      const text = `${name} ${label} ${i}`
      const { status } = await network.submit(name, text)
      if (status === 200) acknowledged.push(text)
    }
  })()
  return {
    acknowledged,
    stop: async () => {
      stopped.abort()
      await done
    },
  }
}

test('nodes are killed one after the other during submission', async () => {
  for (const victim of ['dan', 'bob', 'ada']) {
    const others = NAMES.filter((name) => name !== victim)
    const clients = others.map((name) => client(name, `without ${victim}`))
    const lone = network.submit(victim, `last words of ${victim}`).catch(() => undefined)
    await until('load before the kill', () => clients.every(({ acknowledged }) => acknowledged.length > 5))
    await network.killNode(victim)
    await lone
    const marks = clients.map(({ acknowledged }) => acknowledged.length)
    await until('the other three go on', () =>
      clients.every(({ acknowledged }, i) => acknowledged.length > marks[i]! + 10),
    )
    await network.startNode(victim)
    await until(`${victim} has caught up`, async () => {
      const [own, other] = await Promise.all([network.status(victim), network.status(others[0]!)])
      return (
        own.state === 'active' && own.reachableMembers === 4 && other.transactions - own.transactions < 20
      )
    })
    for (const each of clients) await each.stop()
    expect((await network.submit(victim, `${victim} is back`)).status).toBe(200)
    await until('all are equally far', async () => {
      const all = await Promise.all(NAMES.map(async (name) => network.status(name)))
      return all.every((each) => each.ledgerHash === all[0]!.ledgerHash && each.undecidedEvents === 0)
    })
    const texts = await network.texts(victim)
    expect(new Set(texts).size).toBe(texts.length)
    for (const { acknowledged } of clients) for (const text of acknowledged) expect(texts).toContain(text)
    for (const name of others) expect(await network.texts(name)).toEqual(texts)
  }
  await network.stop()
  const report = await auditDirectories(NAMES.map((name) => join(network.dir, 'net', name)))
  expect(report.failures).toEqual([])
  expect(report.agree).toBe(true)
  for (const each of report.audited) expect(each.branchedMembers, each.name).toEqual([])
})
