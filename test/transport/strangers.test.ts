// What the transport does with connections that are not a member's, whichever side dialled: each is refused for a counted reason, gets
// no WebSocket, holds no memory for long, and disturbs nobody.
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import {
  addressOf,
  HOST,
  introduce,
  keysOf,
  type Node,
  rawMember,
  startNode,
  stopAll,
  tlsAs,
  until,
  UPGRADE,
  watchSocket,
} from './harness.ts'

const nodes: Node[] = []
const servers: Server[] = []
const sockets: Socket[] = []
async function start(...args: Parameters<typeof startNode>): Promise<Node> {
  const node = await startNode(...args)
  nodes.push(node)
  return node
}
afterEach(async () => {
  await stopAll(nodes.splice(0))
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

function tcp(port: number): Socket {
  const socket = connectTcp({ host: HOST, port })
  socket.on('error', () => socket.destroy())
  sockets.push(socket)
  return socket
}

function listening(server: Server): Promise<number> {
  servers.push(server)
  server.on('connection', (socket: Socket) => sockets.push(socket))
  return new Promise((resolve) => {
    server.listen(0, HOST, () => resolve((server.address() as { port: number }).port))
  })
}

/** Two linked members, of whom the second is attacked: their link must live on. */
async function pair(limits = {}): Promise<readonly [Node, Node]> {
  const [a, b] = [await start(0), await start(1, { limits })]
  introduce([a, b, await start(2)])
  await until(() => a.transport.links().length === 2 && b.transport.links().length === 2, 'the links')
  return [a, b]
}

async function undisturbed(a: Node, b: Node): Promise<void> {
  const before = b.framesOf(0).length
  a.transport.send(a.linkTo(1) ?? -1, Buffer.from('still here'))
  await until(() => b.framesOf(0).length === before + 1, 'a frame on the old link')
  expect(a.closedReasons()).toEqual([])
  expect(b.closedReasons()).toEqual([])
}

/** Goes on sending although the other side has ended; missing from the types of `connect`. */
const HALF_OPEN = { allowHalfOpen: true }

describe('who is not a member', () => {
  const BYTES: readonly (readonly [string, string | Buffer])[] = [
    ['zeros', Buffer.alloc(2000)],
    ['ones', Buffer.alloc(2000, 255)],
    ['text', 'hello, is anybody there?\n'.repeat(50)],
    ['plain HTTP', 'GET / HTTP/1.1\r\nHost: hearsay\r\n\r\n'],
    ['an upgrade without TLS', UPGRADE],
    ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['an alert', Buffer.from([21, 3, 3, 0, 2, 2, 40])],
    [
      'a long record of no handshake',
      Buffer.concat([Buffer.from([22, 3, 1, 0x3f, 0xff]), Buffer.alloc(0x3fff)]),
    ],
  ]
  test.each(BYTES)('%s on the port are refused', async (_name, bytes) => {
    const [a, b] = await pair()
    const socket = tcp(b.port)
    const before = b.count('not-tls') + b.count('tls-failed')
    socket.write(bytes)
    socket.resume()
    await until(() => socket.destroyed, 'the end of the connection')
    await until(() => b.count('not-tls') + b.count('tls-failed') === before + 1, 'a counted refusal')
    await undisturbed(a, b)
  })

  test('a WebSocket without TLS is refused as not TLS', async () => {
    const [a, b] = await pair()
    const ws = new WebSocket(`ws://${HOST}:${b.port}/hearsay/1`)
    let ended = false
    ws.on('error', () => (ended = true))
    await until(() => ended, 'the refusal')
    await until(() => b.count('not-tls') === 1, 'a counted refusal')
    await undisturbed(a, b)
  })

  test('TLS 1.2, even with the key of a member, is refused', async () => {
    const [a, b] = await pair()
    const peer = watchSocket(
      connectTls({ host: HOST, port: b.port, ...tlsAs(keysOf(2)), maxVersion: 'TLSv1.2' }),
    )
    await until(() => peer.closed(), 'the refusal')
    await until(() => b.count('tls-version') === 1, 'a counted refusal')
    await undisturbed(a, b)
  })

  const IDENTITIES = [
    { name: 'no certificate', options: { rejectUnauthorized: false }, reason: 'no-certificate' },
    { name: 'the certificate of a stranger', options: tlsAs(keysOf(66)), reason: 'not-in-roster' },
    { name: 'our own certificate', options: tlsAs(keysOf(1)), reason: 'own-key' },
  ] as const
  test.each(IDENTITIES)(
    '$name: 403 before anything is read, and no WebSocket',
    async ({ options, reason }) => {
      // No deadline helps here: who goes on sending after the refusal is cut off for that.
      const [a, b] = await pair({ handshakeWithinMs: 600_000, closeWithinMs: 600_000 })
      const opened = b.count('opened')
      const silent = watchSocket(connectTls({ host: HOST, port: b.port, ...options }))
      await until(() => silent.closed(), 'the end of a connection that said nothing')
      expect(silent.received().toString('latin1')).toMatch(/^HTTP\/1\.1 403 /)
      const eager = watchSocket(connectTls({ host: HOST, port: b.port, ...HALF_OPEN, ...options }))
      eager.socket.write(UPGRADE)
      eager.socket.write(Buffer.alloc(4_000_000))
      await until(() => eager.closed(), 'the end of a connection that said much')
      expect(eager.received().toString('latin1')).not.toContain('101')
      await until(() => b.count(reason) === 2, 'counted refusals')
      expect(b.count('opened')).toBe(opened)
      await undisturbed(a, b)
    },
  )

  test('another application of a member on the port is refused: wrong path, no upgrade, bad HTTP, long head', async () => {
    const b = await start(1, { peers: [addressOf(0)] })
    const requests = [
      UPGRADE.replace('/hearsay/1', '/hearsay/2'),
      UPGRADE.replace('/hearsay/1', '/hearsay/1?'),
      UPGRADE.replace('Upgrade: websocket\r\n', ''),
      UPGRADE.replace('Upgrade: websocket', 'Upgrade: h2c'),
      UPGRADE.replace('Version: 13', 'Version: 12'),
      UPGRADE.replace('AAAA==', ''),
      UPGRADE.replace('GET', 'POST'),
      'GET / HTTP/1.1\r\nHost: hearsay\r\n\r\n',
      'CONNECT hearsay:1 HTTP/1.1\r\nHost: hearsay\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: hearsay\r\nContent-Length: 1000000\r\n\r\n',
      'nonsense\r\n\r\n',
      UPGRADE.replace('Host', `X: ${'y'.repeat(8000)}\r\nHost`),
      Buffer.alloc(3000, 7).toString('latin1'),
    ]
    for (const [index, request] of requests.entries()) {
      const peer = watchSocket(connectTls({ host: HOST, port: b.port, ...tlsAs(keysOf(0)) }))
      peer.socket.write(request)
      await until(() => peer.closed(), `the refusal of ${request.slice(0, 60)}`)
      expect(peer.received().toString('latin1')).not.toContain('101')
      await until(() => b.count('bad-upgrade') === index + 1, `a counted refusal of ${request.slice(0, 60)}`)
    }
    expect(b.count('opened')).toBe(0)
    await rawMember(b.port, 0)
    expect(b.count('opened')).toBe(1)
  })
})

describe('floods', () => {
  test('200 idle half-open sockets do not keep an honest peer out, and are dropped', async () => {
    const b = await start(1, { peers: [addressOf(0)], limits: { handshakeWithinMs: 2_000 } })
    const idle = Array.from({ length: 200 }, () => tcp(b.port))
    await until(() => b.count('accepted') === 200, '200 accepted sockets')
    await until(() => idle.filter((socket) => !socket.destroyed).length <= 5, 'all but a few to be dropped')
    expect(b.count('too-many-connections')).toBeGreaterThanOrEqual(195)
    const a = await start(0, { peers: [b.address()] })
    await until(() => b.linkTo(0) !== undefined, 'the honest peer')
    await until(() => idle.every((socket) => socket.destroyed), 'the deadline of the rest')
    expect(b.count('handshake-timeout') + b.count('too-many-connections')).toBe(200)
    expect(a.closedReasons()).toEqual([])
  })

  test('an honest peer comes in while sockets keep arriving', async () => {
    const b = await start(1, { peers: [addressOf(0)] })
    const flood = setInterval(() => {
      for (let i = 0; i < 10; i += 1) tcp(b.port)
    }, 20)
    try {
      await until(() => b.count('accepted') > 50, 'the flood')
      await start(0, { peers: [b.address()] })
      await until(() => b.linkTo(0) !== undefined, 'the honest peer')
    } finally {
      clearInterval(flood)
    }
  })

  test('members that stop half-way through TLS or before the upgrade run into the deadline', async () => {
    const b = await start(1, { peers: [addressOf(0)], limits: { handshakeWithinMs: 300, sweepEveryMs: 50 } })
    const halfway = tcp(b.port)
    halfway.write(Buffer.from([22, 3, 1, 1, 0, 1, 0, 0]))
    const secured = watchSocket(connectTls({ host: HOST, port: b.port, ...tlsAs(keysOf(0)) }))
    const dripping = watchSocket(connectTls({ host: HOST, port: b.port, ...tlsAs(keysOf(0)) }))
    dripping.socket.write(UPGRADE.slice(0, -2))
    await until(() => halfway.destroyed && secured.closed() && dripping.closed(), 'the deadline')
    expect(b.count('handshake-timeout')).toBe(3)
  })

  test('a place is kept for each member that is expected from an address, and the oldest goes first', async () => {
    const peers = [addressOf(0), addressOf(2), addressOf(3), { ...addressOf(4), host: '192.0.2.1' }]
    const b = await start(1, { peers, limits: { maxUnauthenticatedPerHost: 2, maxUnauthenticated: 100 } })
    const idle: Socket[] = []
    for (let i = 0; i < 8; i += 1) {
      idle.push(tcp(b.port))
      await until(() => b.count('accepted') === i + 1, 'an accepted socket')
    }
    const expected = [true, true, true, false, false, false, false, false]
    await until(
      () => idle.every((socket, i) => socket.destroyed === expected[i]),
      'the drop of the three oldest',
    )
    await rawMember(b.port, 0)
    await until(() => idle[3]?.destroyed === true, 'the drop of one more for the member')
    expect(b.count('too-many-connections')).toBe(4)
    expect(b.transport.links().length).toBe(1)
    // A linked member is expected no more, and four places are taken.
    tcp(b.port)
    await until(() => idle[4]?.destroyed === true, 'the drop of the next')
  })

  test('so is a place for each member from anywhere', async () => {
    const limits = { maxUnauthenticatedPerHost: 100, maxUnauthenticated: 2 }
    const b = await start(1, { peers: [addressOf(0), { ...addressOf(4), host: '192.0.2.1' }], limits })
    const idle: Socket[] = []
    for (let i = 0; i < 6; i += 1) {
      idle.push(tcp(b.port))
      await until(() => b.count('accepted') === i + 1, 'an accepted socket')
    }
    const expected = [true, true, false, false, false, false]
    await until(
      () => idle.every((socket, i) => socket.destroyed === expected[i]),
      'the drop of the two oldest',
    )
  })

  test('no more connections than may be are kept', async () => {
    const limits = { maxConnections: 3, maxUnauthenticated: 100, maxUnauthenticatedPerHost: 100 }
    const b = await start(1, { peers: [addressOf(0)], limits })
    const idle = Array.from({ length: 10 }, () => tcp(b.port))
    await until(() => idle.filter((socket) => socket.destroyed).length === 7, 'the drop of seven')
    expect(b.count('too-many-connections')).toBe(7)
  })
})

/** Dials member 1 at a server of the test's, beside an honest link to member 2 that must not notice. */
async function dialTo(port: number, limits = {}): Promise<readonly [Node, Node]> {
  const c = await start(2)
  const a = await start(0, { peers: [addressOf(1, port), c.address()], limits })
  c.transport.setPeers([a.address()])
  await until(() => a.linkTo(2) !== undefined, 'the honest link')
  return [a, c]
}
async function honestLinkLives(a: Node, c: Node): Promise<void> {
  a.transport.send(a.linkTo(2) ?? -1, Buffer.from('still here'))
  await until(() => c.framesOf(0).includes('still here'), 'a frame on the honest link')
  expect(a.closedReasons()).toEqual([])
  expect(a.linkTo(1)).toBeUndefined()
}

const talk = (text: string): Server =>
  createServer((socket) => void socket.on('error', () => undefined).end(text))

describe('who answers when we dial', () => {
  test('another member: refused, counted, tried again; nobody else is disturbed', async () => {
    const b = await start(1)
    const d = await start(3)
    const a = await start(0, { peers: [{ ...addressOf(1), port: d.port }, d.address()] })
    d.transport.setPeers([a.address()])
    await until(() => a.count('wrong-peer-key') >= 3, 'refusals')
    await until(() => a.linkTo(3) !== undefined, 'the honest link')
    expect(a.linkTo(1)).toBeUndefined()
    a.transport.setPeers([b.address(), d.address()])
    b.transport.setPeers([a.address()])
    await until(() => a.linkTo(1) !== undefined, 'the right member at the right place')
    expect(a.closedReasons()).toEqual([])
    expect(d.closedReasons()).toEqual([])
  })

  test('a stranger learns nothing: not a byte is sent before its key has been checked', async () => {
    let bytes = 0
    const server = createTlsServer({ ...tlsAs(keysOf(66)), requestCert: true }, (socket: TLSSocket) => {
      socket.on('error', () => socket.destroy())
      // The server of the next test but one is the same with the right key, and does read our request.
      socket.on('data', (chunk: Buffer) => (bytes += chunk.length))
    })
    server.on('tlsClientError', (_error, socket) => socket.destroy())
    const [a, c] = await dialTo(await listening(server))
    await until(() => a.count('wrong-peer-key') >= 5, 'refusals')
    expect(bytes).toBe(0)
    await honestLinkLives(a, c)
  })

  test('what does not speak TLS 1.3, or says nothing', async () => {
    const http = await dialTo(await listening(talk('HTTP/1.1 400 Bad Request\r\n\r\n')))
    await until(() => http[0].count('not-tls') >= 2, 'refusals of HTTP')
    await honestLinkLives(...http)
    const old = await dialTo(await listening(createTlsServer({ ...tlsAs(keysOf(1)), maxVersion: 'TLSv1.2' })))
    await until(() => old[0].count('tls-version') + old[0].count('tls-failed') >= 2, 'refusals of TLS 1.2')
    await honestLinkLives(...old)
    const mute = await dialTo(await listening(createServer()), { handshakeWithinMs: 300, sweepEveryMs: 50 })
    await until(() => mute[0].count('handshake-timeout') >= 2, 'refusals of silence')
    await honestLinkLives(...mute)
  })

  test('the right member with a wrong answer', async () => {
    const answers: readonly (readonly [string, string])[] = [
      ['refused-by-peer', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'],
      ['refused-by-peer', 'HTTP/1.1 301 Moved\r\nLocation: wss://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n'],
      [
        'bad-upgrade',
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      ],
      ['bad-upgrade', 'nonsense\r\n\r\n'],
      ['bad-upgrade', `HTTP/1.1 101 Switching\r\nX: ${'y'.repeat(9000)}\r\n\r\n`],
      ['handshake-aborted', ''],
    ]
    for (const [reason, text] of answers) {
      const server = createTlsServer({ ...tlsAs(keysOf(1)), requestCert: true, rejectUnauthorized: false })
      server.on('secureConnection', (socket: TLSSocket) => {
        socket.on('error', () => socket.destroy())
        socket.once('data', () => socket.end(text))
      })
      const [a, c] = await dialTo(await listening(server))
      await until(() => a.count(reason) >= 2, `refusals as ${reason} of ${text.slice(0, 40)}`)
      await honestLinkLives(a, c)
    }
  })
})
