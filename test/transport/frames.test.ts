// What a member may send on its link, and how long it may leave unread or unsaid. Member 0 is played byte by byte, except where both
// sides are honest; the limits are small so that nothing takes long.
import { afterEach, describe, expect, test } from 'vitest'
import {
  addressOf,
  BINARY,
  CONTINUATION,
  introduce,
  type Node,
  PING,
  PONG,
  type RawPeer,
  rawMember,
  startNode,
  stopAll,
  TEXT,
  until,
  wsFrame,
} from './harness.ts'

const KIB = 1024
const nodes: Node[] = []
const peers: RawPeer[] = []
async function start(...args: Parameters<typeof startNode>): Promise<Node> {
  const node = await startNode(...args)
  nodes.push(node)
  return node
}
async function withRawPeer(limits = {}): Promise<readonly [Node, RawPeer]> {
  const node = await start(1, { peers: [addressOf(0)], limits })
  const peer = await rawMember(node.port, 0)
  peers.push(peer)
  return [node, peer]
}
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.socket.destroy()
  await stopAll(nodes.splice(0))
})

const some = (length: number): Buffer => Buffer.alloc(length, 97)

describe('frames', () => {
  test('whole, in two fragments, empty, many in one write, one in many writes', async () => {
    const [node, peer] = await withRawPeer()
    peer.socket.write(wsFrame(BINARY, Buffer.from('whole')))
    peer.socket.write(wsFrame(BINARY, Buffer.from('two '), { fin: false }))
    peer.socket.write(wsFrame(CONTINUATION, Buffer.from('parts')))
    peer.socket.write(wsFrame(BINARY, Buffer.alloc(0)))
    peer.socket.write(Buffer.concat([1, 2, 3].map((n) => wsFrame(BINARY, Buffer.from(`many ${n}`)))))
    for (const byte of wsFrame(BINARY, Buffer.from('slow'))) peer.socket.write(Buffer.from([byte]))
    await until(() => node.framesOf(0).length === 7, 'all frames')
    expect(node.framesOf(0)).toEqual(['whole', 'two parts', '', 'many 1', 'many 2', 'many 3', 'slow'])
    const [event] = node.events.filter((e) => e.kind === 'frame')
    expect(event?.kind === 'frame' && !Buffer.isBuffer(event.bytes)).toBe(true)
  })

  test('what is received may be kept: later frames do not change it', async () => {
    const [node, peer] = await withRawPeer()
    for (let i = 0; i < 200; i += 1) peer.socket.write(wsFrame(BINARY, Buffer.alloc(5_000, i)))
    await until(() => node.framesOf(0).length === 200, 'all frames')
    let i = 0
    for (const event of node.events) {
      if (event.kind === 'frame') expect(event.bytes.every((byte) => byte === i % 256)).toBe(true)
      if (event.kind === 'frame') i += 1
    }
  })

  const BREACHES: readonly (readonly [string, string, readonly Buffer[]])[] = [
    ['a text frame', 'text-frame', [wsFrame(TEXT, Buffer.from('hello'))]],
    ['an empty text frame', 'text-frame', [wsFrame(TEXT, Buffer.alloc(0))]],
    ['a text frame that is no UTF-8', 'text-frame', [wsFrame(TEXT, Buffer.from([0xff, 0xfe]))]],
    ['a frame of a byte too many', 'oversized-frame', [wsFrame(BINARY, some(1024 * KIB + 1))]],
    [
      'a head that promises 100 MiB',
      'oversized-frame',
      [wsFrame(BINARY, some(8), { length: 100 * 1024 * KIB })],
    ],
    ['a head that promises 2^62 bytes', 'oversized-frame', [wsFrame(BINARY, some(8), { length: 2 ** 62 })]],
    [
      'fragments too large together',
      'oversized-frame',
      [wsFrame(BINARY, some(700 * KIB), { fin: false }), wsFrame(CONTINUATION, some(700 * KIB))],
    ],
    [
      'three fragments',
      'fragmented-frame',
      [
        wsFrame(BINARY, some(1), { fin: false }),
        wsFrame(CONTINUATION, some(1), { fin: false }),
        wsFrame(CONTINUATION, some(1)),
      ],
    ],
    [
      'a flood of empty fragments',
      'fragmented-frame',
      [
        wsFrame(BINARY, Buffer.alloc(0), { fin: false }),
        ...Array.from({ length: 1000 }, () => wsFrame(CONTINUATION, Buffer.alloc(0), { fin: false })),
      ],
    ],
    ['a reserved bit', 'protocol-error', [wsFrame(BINARY, some(1), { rsv: 1 })]],
    ['the bit of compressed frames', 'protocol-error', [wsFrame(BINARY, some(1), { rsv: 4 })]],
    ['no mask', 'protocol-error', [wsFrame(BINARY, some(1), { masked: false })]],
    ['a continuation of nothing', 'protocol-error', [wsFrame(CONTINUATION, some(1))]],
    ['an unknown opcode', 'protocol-error', [wsFrame(5, some(1))]],
    ['a ping of 126 bytes', 'protocol-error', [wsFrame(PING, some(126))]],
    ['a ping in fragments', 'protocol-error', [wsFrame(PING, some(1), { fin: false })]],
    ['a close frame of one byte', 'protocol-error', [wsFrame(8, some(1))]],
    ['a close frame with a forbidden code', 'protocol-error', [wsFrame(8, Buffer.from([3, 237]))]],
  ]
  test.each(BREACHES)('%s closes the link as %s', async (_name, reason, writes) => {
    const [node, peer] = await withRawPeer({ closeWithinMs: 100 })
    peer.socket.write(wsFrame(BINARY, Buffer.from('before')))
    for (const write of writes) peer.socket.write(write)
    peer.socket.write(wsFrame(BINARY, Buffer.from('after')))
    await until(() => peer.closed(), 'the end of the connection')
    expect(node.closedReasons()).toEqual([reason])
    expect(node.count(reason)).toBe(1)
    expect(node.framesOf(0)).toEqual(['before'])
    // And the member may come again.
    peers.push(await rawMember(node.port, 0))
    expect(node.linkTo(0)).toBe(2)
  })

  test('a frame in thousands of small pieces is given up before it is whole', async () => {
    const [node, peer] = await withRawPeer({ maxFrameChunks: 50 })
    const bytes = wsFrame(BINARY, some(100_000))
    // Each write that is awaited is a TLS record of its own, hence a piece of its own, however the network joins them.
    for (let at = 0; at < bytes.length && !peer.closed(); at += 100) {
      await new Promise((resolve) => peer.socket.write(bytes.subarray(at, at + 100), resolve))
    }
    await until(() => peer.closed(), 'the end of the connection')
    expect(node.closedReasons()).toEqual(['fragmented-frame'])
    expect(node.framesOf(0)).toEqual([])
  })

  test('a reason given by a peer is repeated only when it looks like one', async () => {
    const words = ['stopped', 'x\n{"level":"error"}', 'A'.repeat(100), '']
    const expected = ['by-peer:stopped', 'by-peer', 'by-peer', 'by-peer']
    for (const [i, word] of words.entries()) {
      const [node, peer] = await withRawPeer()
      peer.socket.write(wsFrame(8, Buffer.concat([Buffer.from([3, 233]), Buffer.from(word)])))
      await until(() => node.closedReasons().length === 1, 'the end of the link')
      expect(node.closedReasons()).toEqual([expected[i]])
    }
  })

  test('random bytes after the upgrade never hurt more than the link', async () => {
    let state = 12_345
    const random = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 16
    const [node, first] = await withRawPeer({ closeWithinMs: 50 })
    first.socket.destroy()
    for (let round = 0; round < 60; round += 1) {
      const peer = await rawMember(node.port, 0)
      const bytes = Buffer.from(Array.from({ length: 1 + (random() % 400) }, () => random() & 255))
      // Half of them with a head that is right so far.
      peer.socket.end(
        round % 2 === 0 ? bytes : Buffer.concat([Buffer.from([0x82, 0x80 | (random() % 126)]), bytes]),
      )
      await until(() => peer.closed(), `the end of round ${round}`)
    }
    await until(() => node.transport.links().length === 0, 'the end of the links')
    expect(node.closedReasons().length).toBe(61)
  })
})

describe('slow readers', () => {
  test('memory is bounded however much is sent: the link is cut at the limit', async () => {
    const limits = {
      maxBufferedBytes: 512 * KIB,
      slowReaderAboveBytes: 256 * KIB,
      drainedBelowBytes: 64 * KIB,
    }
    const [node, peer] = await withRawPeer(limits)
    peer.socket.pause()
    const link = node.linkTo(0) ?? -1
    const frame = some(32 * KIB)
    let most = 0
    await until(() => {
      for (let i = 0; i < 64 && node.linkTo(0) !== undefined; i += 1) {
        node.transport.send(link, frame)
        most = Math.max(most, node.transport.bufferedBytes(link))
      }
      return node.linkTo(0) === undefined
    }, 'the end of the link')
    expect(most).toBeLessThanOrEqual(limits.maxBufferedBytes)
    await until(() => node.closedReasons().length === 1, 'the event')
    expect(node.closedReasons()).toEqual(['slow-reader'])
    expect(node.count('slow-reader')).toBe(1)
    expect(node.transport.bufferedBytes(link)).toBe(0)
  })

  test('whoever leaves much unread for long is cut off', async () => {
    const limits = { slowReaderAboveBytes: 256 * KIB, slowReaderAfterMs: 300, sweepEveryMs: 20 }
    const [node, peer] = await withRawPeer(limits)
    peer.socket.pause()
    const link = node.linkTo(0) ?? -1
    await until(() => {
      const open = node.linkTo(0) !== undefined
      if (open && node.transport.bufferedBytes(link) <= 300 * KIB) node.transport.send(link, some(32 * KIB))
      return !open
    }, 'the end of the link')
    expect(node.closedReasons()).toEqual(['slow-reader'])
  })

  test('a reader that catches up is told to have drained, and every byte arrives', async () => {
    const [a, b] = [await start(0), await start(1)]
    introduce([a, b])
    await until(() => a.linkTo(1) !== undefined && b.linkTo(0) !== undefined, 'a link')
    const link = a.linkTo(1) ?? -1
    const before = a.transport.bufferedBytes(link)
    for (let i = 0; i < 200; i += 1) a.transport.send(link, some(50 * KIB))
    expect(a.transport.bufferedBytes(link) - before).toBeGreaterThan(256 * KIB)
    await until(() => a.events.some((event) => event.kind === 'drained'), 'drained')
    await until(() => b.transport.links()[0]?.framesIn === 200, 'all frames')
    expect(a.events.filter((event) => event.kind === 'drained').length).toBe(1)
    expect(a.transport.bufferedBytes(link)).toBe(0)
    a.transport.send(link, some(10 * KIB))
    await until(() => b.transport.links()[0]?.framesIn === 201, 'a small frame')
    expect(a.events.filter((event) => event.kind === 'drained').length).toBe(1)
  })
})

/** Pings that the peer has received: frames of two bytes, from a server without mask. */
const pingsIn = (peer: RawPeer): number => {
  const bytes = peer.received().subarray(peer.received().indexOf('\r\n\r\n') + 4)
  return [...bytes].filter((byte) => byte === 0x89).length
}

function standStillFor(timeMs: number): void {
  const startMs = performance.now()
  while (performance.now() - startMs < timeMs);
}

describe('silence', () => {
  const QUICK = { pingAfterMs: 100, pongWithinMs: 400, sweepEveryMs: 20 }
  test('a peer that answers no ping is given up', async () => {
    const [node, peer] = await withRawPeer(QUICK)
    await until(() => peer.closed(), 'the end of the connection')
    expect(node.closedReasons()).toEqual(['silent'])
    expect(pingsIn(peer)).toBe(1)
  })

  test('a peer that answers is kept, and so are two honest members with nothing to say', async () => {
    const [node, peer] = await withRawPeer({ ...QUICK, pongWithinMs: 20_000 })
    let answered = 0
    await until(() => {
      for (; answered < pingsIn(peer); answered += 1) peer.socket.write(wsFrame(PONG, Buffer.alloc(0)))
      return answered >= 4
    }, 'four pings')
    expect(node.closedReasons()).toEqual([])

    const [a, b] = [await start(0, { limits: QUICK }), await start(1, { limits: QUICK })]
    introduce([a, b])
    await until(() => a.linkTo(1) !== undefined && b.linkTo(0) !== undefined, 'a link')
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect([a.closedReasons(), b.closedReasons()]).toEqual([[], []])
  })

  test('to stand still, as a suspended process does, is not the silence of others', async () => {
    const [node, peer] = await withRawPeer({ ...QUICK, pongWithinMs: 1_000, sweepEveryMs: 100 })
    for (let answered = 0; answered < 2; answered += 1) {
      await until(() => pingsIn(peer) > answered || peer.closed(), 'a ping')
      // Two timers are due in one turn of the event loop, ours before the sweep: it is in ours that the answer is sent and that the
      // process stands still for longer than an answer may take, so the sweep comes before the answer is read.
      await new Promise<void>((resolve) => {
        setTimeout(() => {
          peer.socket.write(wsFrame(PONG, Buffer.alloc(0)))
          standStillFor(1_300)
          resolve()
        }, 1)
        standStillFor(250)
      })
    }
    await until(() => pingsIn(peer) > 2 || peer.closed(), 'the next ping')
    expect(node.closedReasons()).toEqual([])
  })

  test('a flood of pings is answered in bounded memory or not at all', async () => {
    const [node, peer] = await withRawPeer({ maxBufferedBytes: 256 * KIB })
    peer.socket.pause()
    const pings = Buffer.concat(Array.from({ length: 1_000 }, () => wsFrame(PING, some(125))))
    await until(() => {
      if (!peer.closed()) peer.socket.write(pings)
      return node.closedReasons().length === 1
    }, 'the end of the link')
    expect(node.transport.links()).toEqual([])
  })
})
