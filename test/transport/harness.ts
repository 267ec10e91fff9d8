// What the transport's tests share: members with keys, a recorder of events, polling, certificates made without the code under test,
// and a client that does what a member's connection does but is driven byte by byte.
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { connect, type TLSSocket } from 'node:tls'
import {
  type PeerAddress,
  startTransport,
  type Transport,
  type TransportEvent,
  type TransportLimits,
} from '@hearsay/gossip/ws'

export const HOST = '127.0.0.1'

export interface Keys {
  readonly secretKey: Uint8Array
  readonly publicKey: Uint8Array
  readonly privateKey: KeyObject
}

/** Keys number `n`, always the same. */
export function keysOf(n: number): Keys {
  const seed = Buffer.alloc(32, n + 1)
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
  return { secretKey: seed, publicKey: Buffer.from(x ?? '', 'base64url'), privateKey }
}

/** Generous: the machine may be busy. What is waited for comes in milliseconds otherwise. */
const DEADLINE_MS = 60_000

export async function until(holds: () => boolean, what: string): Promise<void> {
  const start = performance.now()
  while (!holds()) {
    if (performance.now() - start > DEADLINE_MS) throw new Error(`never happened: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export interface Node {
  readonly memberId: number
  readonly transport: Transport
  readonly events: TransportEvent[]
  readonly port: number
  /** The number of the open link to a member, or undefined. */
  linkTo(memberId: number): number | undefined
  framesOf(memberId: number): string[]
  closedReasons(): string[]
  count(name: string): number
  address(): PeerAddress
}

export interface NodeOptions {
  readonly port?: number
  readonly peers?: readonly PeerAddress[]
  readonly limits?: Partial<TransportLimits>
  readonly keys?: Keys
  readonly onEvent?: (event: TransportEvent) => void
}

export async function startNode(memberId: number, options: NodeOptions = {}): Promise<Node> {
  const keys = options.keys ?? keysOf(memberId)
  const events: TransportEvent[] = []
  const memberOf = new Map<number, number>()
  const transport = await startTransport({
    memberId,
    secretKey: keys.secretKey,
    publicKey: keys.publicKey,
    listen: { host: HOST, port: options.port ?? 0 },
    peers: options.peers ?? [],
    onEvent: (event) => {
      events.push(event)
      if (event.kind === 'opened') memberOf.set(event.link, event.memberId)
      options.onEvent?.(event)
    },
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  })
  const { port } = transport.address()
  return {
    memberId,
    transport,
    events,
    port,
    linkTo: (other) => transport.links().find((link) => link.memberId === other)?.link,
    framesOf: (other) =>
      events.flatMap((event) =>
        event.kind === 'frame' && memberOf.get(event.link) === other
          ? [Buffer.from(event.bytes).toString('latin1')]
          : [],
      ),
    closedReasons: () => events.flatMap((event) => (event.kind === 'closed' ? [event.reason] : [])),
    count: (name) => transport.counters()[name] ?? Number.NaN,
    address: () => ({ memberId, publicKey: keys.publicKey, host: HOST, port }),
  }
}

export function introduce(nodes: readonly Node[]): void {
  const peers = nodes.map((node) => node.address())
  for (const node of nodes) node.transport.setPeers(peers)
}

export function stopAll(nodes: readonly Node[]): Promise<unknown> {
  return Promise.all(nodes.map((node) => node.transport.stop()))
}

/** An address of a member that does not listen: for members that a test plays itself. */
export function addressOf(memberId: number, port = 1): PeerAddress {
  return { memberId, publicKey: keysOf(memberId).publicKey, host: HOST, port }
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const head = body.length < 128 ? [tag, body.length] : [tag, 0x82, body.length >> 8, body.length & 255]
  return Buffer.concat([Buffer.from(head), body])
}

const ED25519_ALGORITHM = Buffer.from('300506032b6570', 'hex')

/** A certificate over any key, signed by any key (RFC 5280 §4.1). */
export function certificateDer(publicKey: Uint8Array, signer: KeyObject, commonName = 'test'): Buffer {
  const name = der(
    0x30,
    der(0x31, der(0x30, der(0x06, Buffer.from([0x55, 4, 3])), der(0x0c, Buffer.from(commonName)))),
  )
  const time = (text: string): Buffer => der(0x17, Buffer.from(text))
  const validity = der(0x30, time('200101000000Z'), time('491231000000Z'))
  const spki = der(0x30, ED25519_ALGORITHM, der(0x03, Buffer.from([0]), publicKey))
  const serial = der(0x02, Buffer.from([1]))
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    serial,
    ED25519_ALGORITHM,
    name,
    validity,
    name,
    spki,
  )
  return der(0x30, body, ED25519_ALGORITHM, der(0x03, Buffer.from([0]), sign(null, body, signer)))
}

function pem(label: string, bytes: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(bytes).toString('base64')}\n-----END ${label}-----\n`
}

/** Options for a TLS connection as somebody. */
export function tlsAs(keys: Keys): { key: string; cert: string; rejectUnauthorized: false } {
  return {
    key: keys.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
    cert: pem('CERTIFICATE', certificateDer(keys.publicKey, keys.privateKey)),
    rejectUnauthorized: false,
  }
}

export const UPGRADE: string = [
  'GET /hearsay/1 HTTP/1.1',
  'Host: hearsay',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  '\r\n',
].join('\r\n')

export interface RawPeer {
  readonly socket: TLSSocket
  received(): Buffer
  closed(): boolean
}

/** A TLS connection that writes down what it receives and minds no error. */
export function watchSocket(socket: TLSSocket): RawPeer {
  let received = Buffer.alloc(0)
  let closed = false
  socket.on('data', (chunk: Buffer) => (received = Buffer.concat([received, chunk])))
  socket.on('error', () => socket.destroy())
  socket.on('close', () => (closed = true))
  return { socket, received: () => received, closed: () => closed }
}

/** Connects as a member and upgrades; from there on every byte is the test's. */
export async function rawMember(port: number, memberId: number): Promise<RawPeer> {
  const socket = connect({ host: HOST, port, ...tlsAs(keysOf(memberId)) })
  const peer = watchSocket(socket)
  socket.write(UPGRADE)
  await until(() => peer.received().includes('\r\n\r\n'), 'the answer to an upgrade')
  if (!peer.received().toString('latin1').startsWith('HTTP/1.1 101')) {
    throw new Error(`no upgrade: ${peer.received().toString('latin1')}`)
  }
  return peer
}

export interface FrameShape {
  readonly fin?: boolean
  readonly rsv?: number
  readonly masked?: boolean
  /** Said in the head instead of the true length. */
  readonly length?: number
}

export const CONTINUATION = 0
export const TEXT = 1
export const BINARY = 2
export const PING = 9
export const PONG = 10

/** One WebSocket frame as a client sends it (RFC 6455 §5.2), masked with zeros. */
export function wsFrame(opcode: number, payload: Uint8Array, shape: FrameShape = {}): Buffer {
  const length = shape.length ?? payload.length
  const mask = shape.masked === false ? 0 : 0x80
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
  head[0] = (shape.fin === false ? 0 : 0x80) | ((shape.rsv ?? 0) << 4) | opcode
  if (length < 126) head[1] = mask | length
  else if (length < 65_536) {
    head[1] = mask | 126
    head.writeUInt16BE(length, 2)
  } else {
    head[1] = mask | 127
    head.writeBigUInt64BE(BigInt(length), 2)
  }
  return Buffer.concat([head, Buffer.alloc(mask === 0 ? 0 : 4), payload])
}
