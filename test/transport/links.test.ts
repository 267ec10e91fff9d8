// Links between honest members: who gets one, in which order things are told, and how links end and come back.
import { afterEach, describe, expect, test } from 'vitest'
import { DEFAULT_LIMITS, REFUSALS, startTransport, TransportError } from '@hearsay/gossip/ws'
import {
  addressOf,
  HOST,
  introduce,
  keysOf,
  type Node,
  rawMember,
  startNode,
  stopAll,
  until,
} from './harness.ts'

const nodes: Node[] = []
async function start(...args: Parameters<typeof startNode>): Promise<Node> {
  const node = await startNode(...args)
  nodes.push(node)
  return node
}
afterEach(async () => {
  await stopAll(nodes.splice(0))
})

const refusals = (node: Node): number => REFUSALS.reduce((sum, reason) => sum + node.count(reason), 0)
const linked = (all: readonly Node[]): boolean =>
  all.every((a) =>
    all.every((b) => a === b || (a.linkTo(b.memberId) !== undefined && b.linkTo(a.memberId) !== undefined)),
  )

describe('links', () => {
  test('two members have one link, dialled by the lower id, and exchange frames in order', async () => {
    const [a, b] = [await start(0), await start(1)]
    introduce([a, b])
    await until(() => linked([a, b]), 'a link')
    expect([a.count('dialled') >= 1, b.count('dialled')]).toEqual([true, 0])
    expect([a.count('accepted'), b.count('opened')]).toEqual([0, 1])
    const texts = Array.from({ length: 500 }, (_, i) => `${i} ${'x'.repeat((i * 131) % 3000)}`)
    for (const text of texts) {
      a.transport.send(a.linkTo(1) ?? -1, Buffer.from(text))
      b.transport.send(b.linkTo(0) ?? -1, Buffer.from(text))
    }
    await until(() => a.framesOf(1).length === 500 && b.framesOf(0).length === 500, 'all frames')
    expect(a.framesOf(1)).toEqual(texts)
    expect(b.framesOf(0)).toEqual(texts)
    const bytes = texts.join('').length
    const [figures] = a.transport.links()
    expect(figures).toMatchObject({
      memberId: 1,
      framesIn: 500,
      framesOut: 500,
      bytesIn: bytes,
      bytesOut: bytes,
    })
    expect(refusals(a) + refusals(b)).toBe(0)
  })

  test('the largest frame passes, and what is sent is not changed', async () => {
    const [a, b] = [await start(0), await start(1)]
    introduce([a, b])
    await until(() => linked([a, b]), 'a link')
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const frame = new Uint8Array(DEFAULT_LIMITS.maxFrameBytes).map((_, i) => i % 251)
      const before = Buffer.from(frame)
      from.transport.send(from.linkTo(to.memberId) ?? -1, frame)
      await until(() => to.framesOf(from.memberId).length === 1, 'the frame')
      expect(before.equals(frame)).toBe(true)
      expect(Buffer.from(to.framesOf(from.memberId)[0] ?? '', 'latin1').equals(before)).toBe(true)
    }
    const larger = new Uint8Array(DEFAULT_LIMITS.maxFrameBytes + 1)
    expect(() => a.transport.send(a.linkTo(1) ?? -1, larger)).toThrow(/E_FRAME_TOO_LARGE/)
  })

  test('four members have one link for each pair', async () => {
    const all = [await start(3), await start(1), await start(2), await start(0)]
    introduce(all)
    await until(() => linked(all), 'six links')
    for (const node of all) {
      expect(node.transport.links().length).toBe(3)
      for (const { link } of node.transport.links())
        node.transport.send(link, Buffer.from(`from ${node.memberId}`))
    }
    await until(
      () => all.every((node) => node.events.filter((e) => e.kind === 'frame').length === 3),
      'frames',
    )
    for (const node of all) {
      for (const other of all)
        if (other !== node) expect(node.framesOf(other.memberId)).toEqual([`from ${other.memberId}`])
      expect(node.count('opened')).toBe(3)
      expect(node.closedReasons()).toEqual([])
    }
  })

  test('twenty members on one address meet at once, in spite of the limits on strangers', async () => {
    // On a machine with nothing to spare, 380 handshakes in one process may take longer than a handshake may.
    const limits = { handshakeWithinMs: 60_000 }
    const all = await Promise.all(Array.from({ length: 20 }, (_, id) => start(id, { limits })))
    introduce(all)
    await until(() => linked(all), '190 links')
    for (const node of all) expect(refusals(node)).toBe(0)
  })

  test('a stopped member is redialled until it is back on the same port, from either side', async () => {
    const a = await start(0)
    const b = await start(1)
    introduce([a, b])
    await until(() => linked([a, b]), 'a link')
    await b.transport.stop()
    await until(() => a.closedReasons().length === 1, 'the end of the link')
    expect(a.closedReasons()).toEqual(['by-peer:stopped'])
    await until(() => a.count('dial-failed') >= 2, 'failed dials')
    const again = await start(1, { port: b.port, peers: [a.address()] })
    await until(() => linked([a, again]), 'a new link')
    expect(a.linkTo(1)).toBe(2)

    await a.transport.stop()
    await until(() => again.linkTo(0) === undefined, 'the end of the link')
    const dialler = await start(0, { peers: [again.address()] })
    await until(() => linked([dialler, again]), 'a new link')
    dialler.transport.send(dialler.linkTo(1) ?? -1, Buffer.from('back'))
    await until(() => again.framesOf(0).length === 1, 'a frame on the new link')
  })

  test('a newer connection of a member replaces the older one, even one that was not expected to dial', async () => {
    const b = await start(1, { peers: [addressOf(0), addressOf(2)] })
    for (const memberId of [0, 2]) {
      const first = await rawMember(b.port, memberId)
      const older = b.linkTo(memberId)
      const second = await rawMember(b.port, memberId)
      await until(() => first.closed(), 'the end of the older connection')
      const of = b.events.filter((event) => event.kind !== 'opened' || event.memberId === memberId)
      expect(of.slice(-2)).toEqual([
        { kind: 'closed', link: older, memberId, reason: 'replaced' },
        { kind: 'opened', link: (older ?? 0) + 1, memberId },
      ])
      expect(second.closed()).toBe(false)
      expect(b.linkTo(memberId)).toBe((older ?? 0) + 1)
    }
    expect(b.count('replaced')).toBe(2)
  })

  test('setPeers adds and drops members, and drops one whose key has changed', async () => {
    const all = [await start(0), await start(1), await start(2)]
    const [a, b, c] = all as [Node, Node, Node]
    introduce([a, b])
    await until(() => linked([a, b]), 'a link')
    introduce(all)
    await until(() => linked(all), 'three links')
    expect(a.count('opened')).toBe(2)
    b.transport.setPeers([c.address()])
    await until(() => a.closedReasons().length === 1 && b.closedReasons().length === 1, 'the end of one link')
    expect(b.closedReasons()).toEqual(['not-in-roster'])
    expect(a.closedReasons()).toEqual(['by-peer:not-in-roster'])
    await until(() => b.count('not-in-roster') >= 2, 'a refused attempt to come back')
    expect(linked([b, c]) && linked([a, c])).toBe(true)

    c.transport.setPeers([b.address(), { ...a.address(), publicKey: keysOf(9).publicKey }])
    await until(() => c.closedReasons().length === 1, 'the end of the link under the old key')
    expect(linked([b, c])).toBe(true)
    introduce(all)
    await until(() => linked(all), 'three links again')
  })

  test('close tells both sides why; nothing is told inside a call; calls on a closed link do nothing', async () => {
    let inCall = false
    const told: boolean[] = []
    const a = await start(0, { onEvent: () => told.push(inCall) })
    const b = await start(1)
    introduce([a, b])
    await until(() => linked([a, b]), 'a link')
    const link = a.linkTo(1) ?? -1
    inCall = true
    a.transport.close(link, 'wrong-network')
    a.transport.close(link, 'again')
    a.transport.send(link, Buffer.from('late'))
    a.transport.send(12_345, Buffer.from('to nobody'))
    inCall = false
    expect(a.transport.bufferedBytes(link)).toBe(0)
    await until(() => b.closedReasons().length === 1, 'the end of the link')
    expect(a.closedReasons()).toEqual(['wrong-network'])
    expect(b.closedReasons()).toEqual(['by-peer:wrong-network'])
    expect(told.every((within) => !within)).toBe(true)
    await until(() => linked([a, b]), 'a new link: close is not a ban')
    expect(b.framesOf(0)).toEqual([])
  })

  test('whoever closes a link while it is told of it is dialled, and dials, again', async () => {
    let closes = 3
    const nodeThatCloses = (memberId: number): Promise<Node> =>
      start(memberId, {
        onEvent: (event) => {
          if (event.kind !== 'opened' || closes === 0) return
          closes -= 1
          const node = nodes.find((other) => other.memberId === memberId)
          node?.transport.close(event.link, 'not-now')
        },
      })
    for (const closing of [0, 1]) {
      closes = 3
      const [a, b] = await Promise.all([0, 1].map((id) => (id === closing ? nodeThatCloses(id) : start(id))))
      if (a === undefined || b === undefined) throw new Error('no nodes')
      introduce([a, b])
      await until(() => closes === 0 && linked([a, b]), 'a link that is let live')
      await stopAll(nodes.splice(0))
    }
  })

  test('a link that lived for a while ends the backoff', async () => {
    const limits = { redialFirstMs: 20, redialMostMs: 600_000, stableAfterMs: 1 }
    const [a, b] = [await start(0, { limits }), await start(1)]
    introduce([a, b])
    for (let i = 1; i <= 15; i += 1) {
      await until(() => linked([a, b]) && b.count('opened') === i, `link ${i}`)
      // Longer than stableAfterMs. After 15 doublings the next dial would be ten minutes away.
      await new Promise((resolve) => setTimeout(resolve, 5))
      b.transport.close(b.linkTo(0) ?? -1, 'again')
    }
    await until(() => linked([a, b]), 'the last link')
  })

  test('stop ends soon, tells every link once, and may be called twice', async () => {
    const all = await Promise.all([0, 1, 2, 3].map((id) => start(id, { peers: [addressOf(7)] })))
    introduce(all)
    await until(() => linked(all), 'six links')
    const [first] = all as [Node]
    const begin = performance.now()
    await Promise.all([first.transport.stop(), first.transport.stop()])
    // It takes milliseconds, and at most a second by its own timer; the rest is for a busy machine.
    expect(performance.now() - begin).toBeLessThan(10_000)
    expect(first.closedReasons()).toEqual(['stopped', 'stopped', 'stopped'])
    const count = first.events.length
    await until(() => all.slice(1).every((node) => node.linkTo(0) === undefined), 'the others to notice')
    expect(first.events.length).toBe(count)
  })
})

const failure = async (promise: Promise<unknown>): Promise<TransportError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(TransportError)
  return error as TransportError
}

describe('operator errors', () => {
  const base = {
    ...keysOf(0),
    memberId: 0,
    peers: [],
    onEvent: () => undefined,
    listen: { host: HOST, port: 0 },
  }
  test('a port in use, a foreign address, keys that do not fit, bad limits and a bad roster say what to do', async () => {
    const a = await start(0)
    const inUse = await failure(startTransport({ ...base, listen: { host: HOST, port: a.port } }))
    expect(inUse.code).toBe('E_PORT_IN_USE')
    expect(inUse.message).toContain(String(a.port))
    const foreign = await failure(startTransport({ ...base, listen: { host: '192.0.2.1', port: 0 } }))
    expect(foreign.code).toBe('E_ADDRESS_NOT_AVAILABLE')
    const keys = await failure(startTransport({ ...base, publicKey: keysOf(1).publicKey }))
    expect(keys.code).toBe('E_BAD_KEY')
    expect((await failure(startTransport({ ...base, limits: { pingAfterMs: 0 } }))).code).toBe('E_BAD_LIMIT')
    const twice = [addressOf(1), addressOf(1)]
    expect((await failure(startTransport({ ...base, peers: twice }))).code).toBe('E_BAD_ROSTER')
    const ownKey = [{ ...addressOf(1), publicKey: base.publicKey }]
    expect((await failure(startTransport({ ...base, peers: ownKey }))).code).toBe('E_BAD_ROSTER')
    expect(() => a.transport.setPeers([{ ...addressOf(1), port: 70_000 }])).toThrow(/E_BAD_ROSTER/)
  })

  test('a host that no resolver takes is only a failed dial', async () => {
    const peers = ['', 'no such host', 'a\0b', '%', '[::1', 'x'.repeat(300)].map((host, i) => ({
      ...addressOf(i + 1),
      host,
    }))
    const a = await start(0, { peers })
    await until(() => a.count('dial-failed') >= 2 * peers.length, 'failed dials')
    expect(a.transport.links()).toEqual([])
  })
})
