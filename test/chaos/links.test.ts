/** The link proxy: what it does to bytes and connections under each fault, and that it is a plain wire without any. */
import { randomBytes } from 'node:crypto'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLinkMesh } from '../../packages/cli/process/link-mesh.ts'
import { type LinkProxy, startLinkProxy } from '../../packages/cli/process/link-proxy.ts'
import { breaksWithin, createDraw, dueMs, type LinkConduct, OPEN_LINK } from '../../packages/cli/src/index.ts'
import { until } from '../network/command.ts'

let echo: Server
let target: { host: string; port: number }
const proxies: LinkProxy[] = []

beforeAll(async () => {
  echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket))
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
  target = { host: '127.0.0.1', port: (echo.address() as AddressInfo).port }
})
afterAll(async () => {
  for (const proxy of proxies) await proxy.stop()
  echo.close()
})

async function link(conduct: Partial<LinkConduct> = {}, seed = 1): Promise<LinkProxy> {
  const proxy = await startLinkProxy({ target: () => target, seed, conduct })
  proxies.push(proxy)
  return proxy
}

interface Caller {
  readonly socket: Socket
  readonly received: () => Buffer
  readonly closed: () => boolean
}

function call({ address }: Pick<LinkProxy, 'address'>): Caller {
  const pieces: Buffer[] = []
  let closed = false
  const socket = connect(address.port, address.host)
  socket.on('error', () => undefined)
  socket.on('data', (piece: Buffer) => pieces.push(piece))
  socket.on('close', () => (closed = true))
  return { socket, received: () => Buffer.concat(pieces), closed: () => closed }
}

const receives = (caller: Caller, bytes: number): Promise<void> =>
  until(`${bytes} bytes come back`, () => caller.received().length >= bytes)

test('without faults it is a wire, also for much at once, and for an end on one side', async () => {
  const caller = call(await link())
  const bytes = randomBytes(5_000_000)
  caller.socket.end(bytes)
  await until('the other side has ended too', caller.closed)
  expect(caller.received().equals(bytes)).toBe(true)
})

test('delay, jitter and a thin line keep every byte and the order, and take their time', async () => {
  const caller = call(await link({ delayMs: 100, jitterMs: 50, bytesPerSecond: 400_000 }))
  const bytes = randomBytes(100_000)
  const beganMs = performance.now()
  for (let at = 0; at < bytes.length; at += 1_000) caller.socket.write(bytes.subarray(at, at + 1_000))
  await receives(caller, bytes.length)
  // There and back: twice the delay, and the line holds the last piece for a quarter of a second less one piece.
  expect(performance.now() - beganMs).toBeGreaterThan(2 * 100 + 200)
  expect(caller.received().equals(bytes)).toBe(true)
})

test('cut: what passes is reset and nothing new passes; after healing it does', async () => {
  const proxy = await link()
  const before = call(proxy)
  before.socket.write('hello')
  await receives(before, 5)
  proxy.set({ state: 'cut' })
  await until('the connection is broken', before.closed)
  const refused = call(proxy)
  await until('the next one as well', refused.closed)
  expect(proxy.figures()).toMatchObject({ connections: 0, resets: 1, refused: 1 })
  proxy.set({ state: 'open' })
  const after = call(proxy)
  after.socket.write('again')
  await receives(after, 5)
})

test('silent: accepted and never forwarded; what was said meanwhile comes after healing', async () => {
  const proxy = await link()
  const before = call(proxy)
  before.socket.write('one')
  await receives(before, 3)
  proxy.set({ state: 'silent' })
  const during = call(proxy)
  await until('it is accepted', () => proxy.figures().connections === 2)
  before.socket.write('two')
  during.socket.write('three')
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(before.received().toString()).toBe('one')
  expect([during.received().length, during.closed(), before.closed()]).toEqual([0, false, false])
  proxy.set({ state: 'open' })
  await receives(before, 6)
  await receives(during, 5)
})

test('one direction stalls while the other flows', async () => {
  const greeter = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.write('welcome')
    socket.pipe(socket)
  })
  await new Promise<void>((resolve) => greeter.listen(0, '127.0.0.1', resolve))
  const there = { host: '127.0.0.1', port: (greeter.address() as AddressInfo).port }
  const proxy = await startLinkProxy({ target: () => there, seed: 1, conduct: { stalled: 'to-target' } })
  proxies.push(proxy)
  const caller = call(proxy)
  caller.socket.write(' stranger')
  await receives(caller, 7)
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(caller.received().toString()).toBe('welcome')
  proxy.set({ stalled: 'neither' })
  await receives(caller, 16)
  greeter.close()
})

test('corruption flips single bits and says how many', async () => {
  const proxy = await link({ corruptOneIn: 2 })
  const caller = call(proxy)
  const bytes = Buffer.alloc(40_000)
  for (let at = 0; at < bytes.length; at += 1_000) {
    caller.socket.write(bytes.subarray(at, at + 1_000))
    await receives(caller, at + 1_000)
  }
  let flipped = 0
  for (const byte of caller.received()) for (let bits = byte; bits > 0; bits &= bits - 1) flipped += 1
  expect(flipped).toBeGreaterThan(0)
  expect(proxy.figures().corrupted).toBeGreaterThanOrEqual(flipped)
})

test('connections break by themselves after a while', async () => {
  const proxy = await link({ resetAfterMs: 100 })
  const callers = Array.from({ length: 5 }, () => call(proxy))
  await until('all have been broken', () => callers.every((caller) => caller.closed()))
  expect(proxy.figures().resets).toBe(5)
})

test('what a link does is a function of its seed', () => {
  const conduct = { ...OPEN_LINK, delayMs: 5, jitterMs: 90, resetAfterMs: 400 }
  const run = (seed: number): unknown[] => {
    const draw = createDraw(seed)
    return Array.from({ length: 50 }, () => [dueMs(conduct, 0, draw), breaksWithin(conduct, 50, draw)])
  }
  expect(run(7)).toEqual(run(7))
  expect(run(7)).not.toEqual(run(8))
})

test('a mesh: a pair is cut in both directions of dialling, and nobody else', async () => {
  const names = ['ada', 'bob', 'cat']
  const mesh = await startLinkMesh({ names, target: () => target, seed: 1 })
  try {
    mesh.set('ada', 'bob', { state: 'cut' })
    for (const dialer of names) {
      for (const to of names.filter((name) => name !== dialer)) {
        const caller = call({ address: mesh.addressFor(dialer, to) })
        caller.socket.write('x')
        const isCut = dialer !== 'cat' && to !== 'cat'
        await until(`${dialer} to ${to}`, () => (isCut ? caller.closed() : caller.received().length === 1))
        expect(caller.received().length, `${dialer} to ${to}`).toBe(isCut ? 0 : 1)
        caller.socket.destroy()
      }
    }
    mesh.setAll({ state: 'open' })
    const healed = call({ address: mesh.addressFor('bob', 'ada') })
    healed.socket.write('x')
    await receives(healed, 1)
  } finally {
    await mesh.stop()
  }
})
