/** Who must not get in, or not stay: each is refused with a counted reason, and nothing else is disturbed. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fromHex, networkIdOf, PROTOCOL_VERSION } from '@hearsay/dag'
import { createNativeSuite } from '@hearsay/dag/native'
import { encodeFrame } from '@hearsay/gossip'
import { startTransport, type Transport, type TransportEvent } from '@hearsay/gossip/ws'
import { genesisFromJson } from '@hearsay/node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from './command.ts'
import { startNetwork, type Network } from './network.ts'

const suite = createNativeSuite()
let network: Network

beforeAll(async () => void (network = await startNetwork()))
afterAll(async () => network.dispose())

const counter = async (name: string, reason: string): Promise<number> =>
  (await network.status(name)).counters[reason] ?? 0

function genesis() {
  const parsed = genesisFromJson(JSON.parse(readFileSync(join(network.dir, 'net/ada/genesis.json'), 'utf8')))
  if (!parsed.ok) throw new Error(parsed.faults.join())
  return parsed.value
}

async function expectCounted(reason: string, act: () => Promise<void>, at = 'ada'): Promise<void> {
  const before = await counter(at, reason)
  await act()
  await until(`${reason} is counted`, async () => (await counter(at, reason)) > before)
  expect((await network.submit('ada', `after ${reason}`)).status).toBe(200)
}

test('garbage on the gossip port is refused and counted', async () => {
  const { port } = network.node('ada').gossip
  await expectCounted('not-tls', async () => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(randomBytes(4_096))
    await new Promise((resolve) => socket.once('close', resolve))
  })
})

test("a stranger's certificate is refused and counted", async () => {
  const secretKey = new Uint8Array(randomBytes(32))
  // The lower id dials, so the stranger takes one below that of dan.
  const target = genesis().members.find((member) => member.name === 'dan')!
  const tryIt = async (): Promise<void> => {
    const stranger = await startTransport({
      memberId: target.id - 1,
      secretKey,
      publicKey: suite.publicKey(secretKey),
      listen: { host: '127.0.0.1', port: 0 },
      peers: [{ memberId: target.id, publicKey: target.publicKey, ...network.node('dan').gossip }],
      onEvent: () => undefined,
    })
    await until('the stranger has been refused', () => stranger.counters()['refused-by-peer']! > 0)
    await stranger.stop()
  }
  await expectCounted('not-in-roster', tryIt, 'dan')
})

/** Runs with the key of dan, whose own process is dead, and answers each link with one frame. */
async function impostor(frame: Uint8Array): Promise<Transport> {
  const { members } = genesis()
  const dan = members.find((member) => member.name === 'dan')!
  const secretKey = fromHex(readFileSync(join(network.dir, 'net/dan/key'), 'latin1').trim())!
  const holder: { transport?: Transport } = {}
  const onEvent = (event: TransportEvent): void => {
    if (event.kind === 'opened') holder.transport?.send(event.link, frame)
  }
  const peers = members
    .filter((member) => member.id !== dan.id)
    .map(({ id, name, publicKey }) => ({ memberId: id, publicKey, ...network.node(name).gossip }))
  const listen = network.node('dan').gossip
  const limits = { maxFrameBytes: 8 * 1024 * 1024 }
  holder.transport = await startTransport({
    memberId: dan.id,
    secretKey,
    publicKey: dan.publicKey,
    listen,
    peers,
    onEvent,
    limits,
  })
  return holder.transport
}

test('a member that greets wrongly or sends nonsense loses its link, with the reason counted', async () => {
  await network.killNode('dan')
  const networkId = networkIdOf(genesis(), suite.sha256)
  const self = genesis().members.find((member) => member.name === 'dan')!.id
  const hello = {
    kind: 'hello' as const,
    networkId,
    version: PROTOCOL_VERSION,
    memberId: 4,
    software: 'test',
    features: 0,
  }
  const events = encodeFrame({ kind: 'events', request: 0, events: [new Uint8Array(300)] })
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ['link-wrong-network', encodeFrame({ ...hello, networkId: new Uint8Array(32) })],
    ['link-unknown-version', encodeFrame({ ...hello, version: PROTOCOL_VERSION + 1 })],
    ['link-wrong-member', encodeFrame({ ...hello, memberId: self + 1 })],
    ['link-no-hello', events],
    ['link-bad-frame', randomBytes(500)],
    ['oversized-frame', new Uint8Array(2 * 1024 * 1024)],
  ]
  for (const [reason, frame] of cases) {
    let dan: Transport | undefined
    await expectCounted(reason, async () => void (dan = await impostor(frame)))
    await dan?.stop()
  }
  await network.startNode('dan')
  await until('dan is one of them again', async () => (await network.status('dan')).reachableMembers === 4)
  expect((await network.submit('dan', 'nothing happened')).status).toBe(200)
})
