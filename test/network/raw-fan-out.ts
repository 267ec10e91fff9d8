/**
 * What the same packs cost without any consensus: so many processes, each takes packs in over HTTP, hands each to all others over
 * plain `ws`, and answers when all of them have said that they have it. Nothing is hashed, signed, ordered or written.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'

export interface RawNode {
  readonly pid: number
  readonly port: number
}

export interface RawFanOut {
  readonly nodes: readonly RawNode[]
  stop(): void
}

const HOST = '127.0.0.1'
const once = <T>(child: ChildProcess): Promise<T> =>
  new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T))
    child.once('exit', (code) => reject(new Error(`a process of the fan-out ended with ${code}`)))
  })

export async function startRawFanOut(count: number): Promise<RawFanOut> {
  const children = Array.from({ length: count }, () =>
    fork(import.meta.filename, ['child'], { execArgv: [] }),
  )
  const ports = await Promise.all(children.map((child) => once<{ http: number; ws: number }>(child)))
  const ready = children.map((child) => once<'ready'>(child))
  for (const [i, child] of children.entries())
    child.send(ports.filter((_, k) => k !== i).map((port) => port.ws))
  await Promise.all(ready)
  return {
    nodes: children.map((child, i) => ({ pid: child.pid!, port: ports[i]!.http })),
    stop: () => {
      for (const child of children) child.kill()
    },
  }
}

/** A pack goes out behind a number of four bytes; the number alone comes back. */
async function serve(): Promise<void> {
  const sockets = new WebSocketServer({ host: HOST, port: 0, perMessageDeflate: false })
  sockets.on('connection', (socket) => {
    socket.on('message', (pack: Buffer) => socket.send(pack.subarray(0, 4)))
  })
  const peers: WebSocket[] = []
  const missing = new Map<number, { left: number; readonly answer: () => void }>()
  let next = 0
  const http = createServer((request, response) => {
    const pieces: Buffer[] = [Buffer.alloc(4)]
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const pack = Buffer.concat(pieces)
      const number = next++ >>> 0
      pack.writeUInt32BE(number)
      missing.set(number, { left: peers.length, answer: () => response.end('{}') })
      for (const peer of peers) peer.send(pack)
    })
  })
  await new Promise<void>((resolve) => http.listen(0, HOST, resolve))
  process.once('message', (ports) => {
    let open = 0
    for (const port of ports as number[]) {
      const peer = new WebSocket(`ws://${HOST}:${port}`, { perMessageDeflate: false })
      peer.on('open', () => {
        open += 1
        if (open === (ports as number[]).length) process.send?.('ready')
      })
      peer.on('message', (answer: Buffer) => {
        const number = answer.readUInt32BE()
        const waiting = missing.get(number)!
        waiting.left -= 1
        if (waiting.left > 0) return
        missing.delete(number)
        waiting.answer()
      })
      peers.push(peer)
    }
  })
  const { port } = http.address() as AddressInfo
  process.send?.({ http: port, ws: (sockets.address() as AddressInfo).port })
  process.once('disconnect', () => process.exit(0))
}

if (process.argv[2] === 'child' && process.argv[1] === import.meta.filename) await serve()
