// Measures one link of the transport between two processes on this machine: round trips of small frames, and bytes a second of large
// ones each way (the dialler's frames and the listener's take different ways through ws). Prints one line of JSON.
//
//   node scripts/bench-transport.ts [seconds for each measurement, 2 by default]
import { fork } from 'node:child_process'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import {
  type PeerAddress,
  startTransport,
  type Transport,
  type TransportEvent,
} from '../packages/gossip/ws/index.ts'

const HOST = '127.0.0.1'
const SMALL_BYTES = 64
const LARGE_BYTES = 64 * 1024
const HIGH_WATER_BYTES = 256 * 1024
/** First byte of a frame: what the other side does with it. */
const ECHO = 1
const SINK = 2
const FLOOD = 3
const REPORT = 4

interface Side {
  readonly transport: Transport
  readonly opened: Promise<number>
  handle: (event: TransportEvent) => void
}

function keysOf(n: number): { secretKey: Uint8Array; publicKey: Uint8Array } {
  const secretKey = Buffer.alloc(32, n + 1)
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), secretKey])
  const { x } = createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })).export({
    format: 'jwk',
  })
  return { secretKey, publicKey: Buffer.from(x ?? '', 'base64url') }
}

async function startSide(memberId: number, otherPort: number): Promise<Side> {
  let open: ((link: number) => void) | undefined
  const opened = new Promise<number>((resolve) => (open = resolve))
  const side = { handle: (_event: TransportEvent): void => undefined, opened }
  const other: PeerAddress = {
    memberId: 1 - memberId,
    publicKey: keysOf(1 - memberId).publicKey,
    host: HOST,
    port: otherPort,
  }
  const transport = await startTransport({
    memberId,
    ...keysOf(memberId),
    listen: { host: HOST, port: 0 },
    peers: [other],
    onEvent: (event) => {
      if (event.kind === 'opened') open?.(event.link)
      side.handle(event)
    },
  })
  return Object.assign(side, { transport })
}

function frameOf(kind: number, bytes: number): Uint8Array {
  const frame = new Uint8Array(bytes)
  frame[0] = kind
  return frame
}

/**
 * Sends as fast as the link takes it until the time is over, then `last`. Returns what is to be called at each `drained`: it stops at the
 * high mark, as a writer should.
 */
function floodFor(side: Side, link: number, seconds: number, last: Uint8Array): () => void {
  const frame = frameOf(SINK, LARGE_BYTES)
  const endMs = performance.now() + seconds * 1000
  let over = false
  const more = (): void => {
    while (!over && side.transport.bufferedBytes(link) <= HIGH_WATER_BYTES) {
      over = performance.now() > endMs
      side.transport.send(link, over ? last : frame)
    }
  }
  more()
  return more
}

/** The other process: echoes, counts, floods when told to. */
async function answerSide(): Promise<void> {
  const side = await startSide(1, 1)
  process.send?.(side.transport.address().port)
  const link = await side.opened
  let received = 0
  let more: (() => void) | undefined
  const listen = (event: TransportEvent): void => {
    if (event.kind === 'closed') void side.transport.stop().then(() => process.exit(0))
    if (event.kind === 'drained') more?.()
    if (event.kind !== 'frame') return
    const [kind, seconds] = event.bytes
    if (kind === ECHO) side.transport.send(link, event.bytes)
    else if (kind === SINK) received += event.bytes.length
    else if (kind === FLOOD) more = floodFor(side, link, seconds ?? 1, frameOf(REPORT, 16))
    else if (kind === REPORT) {
      const reply = frameOf(REPORT, 16)
      new DataView(reply.buffer).setFloat64(8, received)
      side.transport.send(link, reply)
    }
  }
  side.handle = listen
}

async function roundTrips(side: Side, link: number, seconds: number): Promise<number[]> {
  const frame = frameOf(ECHO, SMALL_BYTES)
  const times: number[] = []
  const endMs = performance.now() + seconds * 1000
  await new Promise<void>((resolve) => {
    let sentMs = performance.now()
    side.handle = (event) => {
      if (event.kind !== 'frame') return
      const nowMs = performance.now()
      times.push((nowMs - sentMs) * 1000)
      if (nowMs > endMs) return resolve()
      sentMs = performance.now()
      side.transport.send(link, frame)
    }
    side.transport.send(link, frame)
  })
  return times.toSorted((a, b) => a - b)
}

interface Throughput {
  readonly megabytesPerSecond: number
  /** Of this process alone, sending or receiving: holds on a busy machine too. */
  readonly cpuMsPerMegabyte: number
}

async function throughput(move: () => Promise<number>): Promise<Throughput> {
  const [startMs, startCpu] = [performance.now(), process.cpuUsage()]
  const megabytes = (await move()) / 1e6
  const { user, system } = process.cpuUsage(startCpu)
  return {
    megabytesPerSecond: Math.round((megabytes * 1000) / (performance.now() - startMs)),
    cpuMsPerMegabyte: Math.round((user + system) / 10 / megabytes) / 100,
  }
}

/** Bytes that have arrived at the other side. */
function outward(side: Side, link: number, seconds: number): Promise<number> {
  const more = floodFor(side, link, seconds, frameOf(REPORT, 16))
  return new Promise((resolve) => {
    side.handle = (event) => {
      if (event.kind === 'drained') more()
      if (event.kind === 'frame')
        resolve(new DataView(event.bytes.buffer, event.bytes.byteOffset).getFloat64(8))
    }
  })
}

/** Bytes that have arrived here. */
function inward(side: Side, link: number, seconds: number): Promise<number> {
  const order = frameOf(FLOOD, 16)
  order[1] = seconds
  let bytes = 0
  return new Promise((resolve) => {
    side.handle = (event) => {
      if (event.kind !== 'frame') return
      if (event.bytes[0] === SINK) bytes += event.bytes.length
      else resolve(bytes)
    }
    side.transport.send(link, order)
  })
}

async function measure(seconds: number): Promise<void> {
  const child = fork(import.meta.filename, ['answer'])
  const port = await new Promise<number>((resolve) =>
    child.once('message', (value) => resolve(value as number)),
  )
  const startMs = performance.now()
  const side = await startSide(0, port)
  // The other side knows our key; it never dials, so it need not know our port.
  const link = await side.opened
  const connectMs = performance.now() - startMs
  await roundTrips(side, link, 0.5)
  const times = await roundTrips(side, link, seconds)
  const fromDialler = await throughput(() => outward(side, link, seconds))
  const fromListener = await throughput(() => inward(side, link, seconds))
  const at = (share: number): number => Math.round(times[Math.floor(times.length * share)] ?? Number.NaN)
  const result = {
    bench: 'transport',
    roundTripUs: { p50: at(0.5), p90: at(0.9), p99: at(0.99), count: times.length, frameBytes: SMALL_BYTES },
    frames: { bytes: LARGE_BYTES, fromDialler, fromListener },
    startAndConnectMs: Math.round(connectMs),
    machine: {
      cpu: cpus()[0]?.model.trim(),
      cores: availableParallelism(),
      memoryMiB: Math.round(totalmem() / 2 ** 20),
      load: loadavg().map((load) => Math.round(load * 10) / 10),
    },
    versions: { node: process.version, openssl: process.versions.openssl },
  }
  await side.transport.stop()
  await new Promise((resolve) => child.once('exit', resolve))
  console.log(JSON.stringify(result))
}

if (process.argv[2] === 'answer') await answerSide()
else await measure(Math.max(1, Math.min(60, Number(process.argv[2] ?? 2) || 2)))
