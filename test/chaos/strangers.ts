/** Strangers at the ports of a node: garbage, half requests that drip, connections that say nothing. Seeded. */
import { connect, type Socket } from 'node:net'
import { createRandom, type Random } from '../dag/random.ts'

const EACH = 6
const DRIP_MS = 300

type Manner = (socket: Socket, random: Random) => void

/** Byte after byte, for as long as the other side bears it. */
function drip(socket: Socket, bytes: Uint8Array): void {
  let at = 0
  const timer = setInterval(() => {
    if (socket.destroyed || at >= bytes.length) clearInterval(timer)
    else socket.write(bytes.subarray(at, ++at))
  }, DRIP_MS)
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

const MANNERS: readonly Manner[] = [
  (socket, random) => socket.write(random.bytes(1 + random.below(20_000))),
  (socket) =>
    drip(socket, text('GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: yes and slower still\r\n')),
  // A TLS record that promises more than it brings.
  (socket, random) => drip(socket, Uint8Array.of(0x16, 3, 1, 0x3f, 0xff, 1, ...random.bytes(40))),
  (socket) => socket.write('POST /v1/tx HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\nx'),
  (socket) =>
    socket.write('GET /v1/log?from=9007199254740991&limit=1000 HTTP/1.1\r\nHost: evil.example\r\n\r\n'),
  () => undefined,
]

/** Begins to be a nuisance at these ports; the function that is returned ends it. */
export function molest(ports: readonly number[], seed: number): () => void {
  const random = createRandom(seed)
  const sockets = new Set<Socket>()
  let isOver = false
  const come = (port: number, manner: Manner): void => {
    if (isOver) return
    const socket = connect(port, '127.0.0.1')
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', () => undefined)
    socket.on('connect', () => manner(socket, random))
    // Who is thrown out comes again.
    socket.on('close', () => {
      sockets.delete(socket)
      setTimeout(() => come(port, manner), 200).unref()
    })
  }
  for (const port of ports) for (const manner of MANNERS) for (let i = 0; i < EACH; i++) come(port, manner)
  return () => {
    isOver = true
    for (const socket of sockets) socket.destroy()
  }
}
