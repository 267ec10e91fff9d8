// Decides how a link between two nodes is put under faults without root: a TCP proxy that the dialler takes for the other node.
// It delays, slows, breaks and corrupts what passes as src/link-conduct.ts says, and that can change at any time.
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import {
  breaksWithin,
  corrupt,
  createDraw,
  type Draw,
  dueMs,
  flows,
  type LinkConduct,
  lineMs,
  OPEN_LINK,
  piecesOf,
} from '../src/index.ts'

export interface LinkAddress {
  readonly host: string
  readonly port: number
}

export interface LinkFigures {
  /** That pass now. */
  readonly connections: number
  readonly accepted: number
  readonly refused: number
  readonly resets: number
  readonly corrupted: number
  readonly bytes: number
}

export interface LinkProxy {
  /** Where the dialler finds it. */
  readonly address: LinkAddress
  conduct(): LinkConduct
  set(change: Partial<LinkConduct>): void
  /** Breaks every connection that passes now. */
  reset(): void
  figures(): LinkFigures
  stop(): Promise<void>
}

export interface LinkProxyOptions {
  /** 0 takes any that is free. */
  readonly port?: number
  /** Asked at every connection: a node may come back elsewhere. */
  readonly target: () => LinkAddress
  readonly seed: number
  readonly conduct?: Partial<LinkConduct>
}

/** Bytes that one direction of a connection keeps at most (and what was read at once); then the sender waits. */
const KEPT_BYTES = 1024 * 1024
/** How often connections are asked whether they break. */
const BREAK_EVERY_MS = 50

interface Shared {
  conduct: LinkConduct
  readonly draw: Draw
  readonly figures: { accepted: number; refused: number; resets: number; corrupted: number; bytes: number }
}

type Direction = 'to-target' | 'to-dialer'

interface Lane {
  push(bytes: Uint8Array): void
  /** Nothing more comes in. */
  end(): void
  pump(): void
  stop(): void
}

/** One direction of one connection. */
function createLane(shared: Shared, direction: Direction, from: Socket, to: Socket): Lane {
  const queue: { readonly bytes: Uint8Array; readonly dueMs: number }[] = []
  let keptBytes = 0
  let lastDueMs = 0
  let lineFreeMs = 0
  let timer: NodeJS.Timeout | undefined
  let isEnded = false
  let isFull = false
  to.on('drain', () => {
    isFull = false
    pump()
  })

  function push(read: Uint8Array): void {
    for (const bytes of piecesOf(shared.conduct, read)) {
      if (corrupt(shared.conduct, bytes, shared.draw)) shared.figures.corrupted += 1
      // TCP keeps the order, whatever the jitter says.
      lastDueMs = Math.max(lastDueMs, dueMs(shared.conduct, performance.now(), shared.draw))
      queue.push({ bytes, dueMs: lastDueMs })
      keptBytes += bytes.length
    }
    if (keptBytes > KEPT_BYTES) from.pause()
    pump()
  }

  function pump(): void {
    clearTimeout(timer)
    timer = undefined
    if (!flows(shared.conduct, direction)) return
    for (let head = queue[0]; head !== undefined && !isFull; head = queue[0]) {
      const now = performance.now()
      const atMs = Math.max(head.dueMs, lineFreeMs)
      if (atMs > now) {
        timer = setTimeout(pump, atMs - now)
        break
      }
      queue.shift()
      keptBytes -= head.bytes.length
      shared.figures.bytes += head.bytes.length
      lineFreeMs = Math.max(now, lineFreeMs) + lineMs(shared.conduct, head.bytes.length)
      isFull = !to.write(head.bytes)
    }
    if (keptBytes <= KEPT_BYTES / 2 && from.isPaused()) from.resume()
    if (isEnded && queue.length === 0) to.end()
  }

  return {
    push,
    end: () => {
      isEnded = true
      pump()
    },
    pump,
    stop: () => clearTimeout(timer),
  }
}

interface Connection {
  /** What the conduct says has changed. */
  update(): void
  reset(): void
}

/** A connection that was accepted: it is made towards the target as soon as the link is open. */
function createConnection(
  shared: Shared,
  dialer: Socket,
  target: () => LinkAddress,
  onClosed: () => void,
): Connection {
  let upstream: Socket | undefined
  const lanes: Lane[] = []
  let isClosed = false

  function reset(): void {
    if (isClosed) return
    isClosed = true
    for (const lane of lanes) lane.stop()
    dialer.resetAndDestroy()
    upstream?.resetAndDestroy()
    onClosed()
  }

  function watch(socket: Socket, lane: Lane): void {
    socket.on('data', lane.push)
    socket.on('end', lane.end)
  }

  function open(): void {
    const { host, port } = target()
    upstream = connect({ host, port, noDelay: true, allowHalfOpen: true })
    const there = createLane(shared, 'to-target', dialer, upstream)
    const back = createLane(shared, 'to-dialer', upstream, dialer)
    lanes.push(there, back)
    upstream.on('error', reset)
    upstream.on('close', closed)
    watch(upstream, back)
    watch(dialer, there)
    dialer.resume()
  }

  /** Both have closed, or one was broken. */
  function closed(): void {
    if (dialer.errored !== null || upstream === undefined || upstream.errored !== null) return reset()
    if (!dialer.destroyed || !upstream.destroyed || isClosed) return
    isClosed = true
    for (const lane of lanes) lane.stop()
    onClosed()
  }

  dialer.on('error', reset)
  dialer.on('close', closed)
  return {
    update: () => {
      if (isClosed) return
      if (upstream === undefined && shared.conduct.state === 'open') open()
      for (const lane of lanes) lane.pump()
    },
    reset,
  }
}

export async function startLinkProxy(options: LinkProxyOptions): Promise<LinkProxy> {
  const shared: Shared = {
    conduct: { ...OPEN_LINK, ...options.conduct },
    draw: createDraw(options.seed),
    figures: { accepted: 0, refused: 0, resets: 0, corrupted: 0, bytes: 0 },
  }
  const connections = new Set<Connection>()
  let breaking: NodeJS.Timeout | undefined

  const server = createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: true }, (dialer) => {
    if (shared.conduct.state === 'cut') {
      shared.figures.refused += 1
      dialer.resetAndDestroy()
      return
    }
    shared.figures.accepted += 1
    const connection = createConnection(shared, dialer, options.target, () => {
      connections.delete(connection)
    })
    connections.add(connection)
    connection.update()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: options.port ?? 0 }, () => {
      server.off('error', reject)
      resolve()
    })
  })

  function reset(): void {
    for (const connection of connections) {
      shared.figures.resets += 1
      connection.reset()
    }
  }

  function breakSome(): void {
    for (const connection of connections) {
      if (!breaksWithin(shared.conduct, BREAK_EVERY_MS, shared.draw)) continue
      shared.figures.resets += 1
      connection.reset()
    }
  }

  function set(change: Partial<LinkConduct>): void {
    shared.conduct = { ...shared.conduct, ...change }
    if (shared.conduct.state === 'cut') reset()
    else for (const connection of connections) connection.update()
    clearInterval(breaking)
    breaking = shared.conduct.resetAfterMs > 0 ? setInterval(breakSome, BREAK_EVERY_MS) : undefined
  }
  set({})

  const { port } = server.address() as AddressInfo
  return {
    address: { host: '127.0.0.1', port },
    conduct: () => shared.conduct,
    set,
    reset,
    figures: () => ({ connections: connections.size, ...shared.figures }),
    stop: async () => {
      clearInterval(breaking)
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const connection of connections) connection.reset()
      await closed
    },
  }
}
