// Turns every bit of every control frame, and decodes mutants of all frames, from a seed: what is no frame is refused without an
// exception, and what is one is written again as the very same bytes, so nothing can be told in two ways. Then the same with
// defects planted in the decoder, one at a time, each of which has to be found. Prints a line of JSON for each part.
//
// A mutant that is read is another sound frame, as its sender might have said it; that nobody else can change a frame on its way is
// what TLS is for (test/transport), and what is signed inside is checked after this (test/gossip/records.test.ts).
//
//   node scripts/fuzz-frames.ts [mutants, 10000000] [seed, 1]
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { equalBytes } from '../packages/dag/src/index.ts'
import { decodeFrame, encodeFrame, type Frame } from '../packages/gossip/src/index.ts'
import { seeded } from '../test/seeded.ts'

const mutants = Number(process.argv[2] ?? 10_000_000)
const seed = Number(process.argv[3] ?? 1)
/** Mutants with which each planted defect has to be found. */
const PLANTED_MUTANTS = 200_000

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

const id = new Uint8Array(32).fill(9)
const nonce = id.slice(0, 16)
const frontier = new Map([
  [1, 2 ** 40],
  [7, 300],
  [9, 5],
])
const FRAMES: readonly Frame[] = [
  { kind: 'hello', networkId: id, version: 1, memberId: 70_000, software: 'hearsay/0.1 ä', features: 7 },
  { kind: 'ping', nonce: 0xffff },
  { kind: 'pong', nonce: 23 },
  { kind: 'digest', recordsDigest: 2 ** 31 },
  { kind: 'status', decidedRound: 1_000, ancientThreshold: 974, frontier, recordsDigest: 2 ** 32 - 1 },
  {
    kind: 'want',
    request: 5,
    frontier,
    missing: [{ creator: 3, birthRound: 70_000, id }],
    maxBytes: 2 ** 22,
    ancientThreshold: 12,
  },
  { kind: 'want-end', request: 5, complete: true },
  { kind: 'credit', request: 5, bytes: 2 ** 21 },
  { kind: 'graft', creator: 4, sequence: 300 },
  { kind: 'prune', creator: 4 },
  { kind: 'probe-ask', target: 3, nonce },
  { kind: 'probe', requester: 7, nonce },
  { kind: 'alive', target: 1, requester: 2, nonce, signature: new Uint8Array(64).fill(3) },
  { kind: 'versions', answer: false, versions: [{ member: 1, kind: 2, epoch: 2 ** 30, version: 3 }] },
  { kind: 'records', records: [new Uint8Array(200).fill(1), new Uint8Array(30)] },
  { kind: 'events', request: 77, events: [new Uint8Array(196).fill(1), new Uint8Array(300)] },
  { kind: 'note', topic: 2, bytes: Uint8Array.of(1, 2, 3) },
]
const SOURCES = FRAMES.map(encodeFrame)

type Decode = (bytes: Uint8Array) => Frame | undefined

/** What is wrong with how these bytes are decoded; undefined if nothing is. */
function faultOf(decode: Decode, bytes: Uint8Array, count: (frame: Frame) => void): string | undefined {
  let frame: Frame | undefined
  try {
    frame = decode(bytes)
  } catch (error) {
    return `throws ${String(error)}`
  }
  if (frame === undefined) return undefined
  count(frame)
  return equalBytes(encodeFrame(frame), bytes) ? undefined : `${frame.kind} is written as other bytes`
}

function mutantOf(random: () => number): Uint8Array {
  const below = (bound: number): number => Math.floor(random() * bound)
  const source = SOURCES[below(SOURCES.length)]!
  const how = below(8)
  if (how === 0) return Uint8Array.from({ length: below(40) }, () => below(256))
  if (how === 1) return source.slice(0, below(source.length))
  const bytes = how === 2 ? Uint8Array.from([...source, ...source.subarray(0, 1 + below(3))]) : source.slice()
  for (let flips = 1 + below(3); flips > 0; flips--) {
    // Mostly at the front, where the structure is.
    const at = below(2) === 0 ? below(Math.min(12, bytes.length)) : below(bytes.length)
    bytes[at] = below(4) === 0 ? below(256) : bytes[at]! ^ (1 << below(8))
  }
  return bytes
}

function turnBits(decode: Decode): { flips: number; read: number; fault: string | undefined } {
  let flips = 0
  let read = 0
  for (const [at, source] of SOURCES.entries()) {
    for (let bit = 0; bit < source.length * 8; bit++) {
      const bytes = source.slice()
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      flips += 1
      const fault = faultOf(decode, bytes, () => void (read += 1))
      if (fault !== undefined)
        return { flips, read, fault: `frame ${FRAMES[at]!.kind}, bit ${bit}: ${fault}` }
    }
  }
  return { flips, read, fault: undefined }
}

function mutate(decode: Decode, most: number): { tried: number; read: number; fault: string | undefined } {
  const random = seeded(seed)
  let read = 0
  for (let tried = 1; tried <= most; tried++) {
    const fault = faultOf(decode, mutantOf(random), () => void (read += 1))
    if (fault !== undefined) return { tried, read, fault: `seed ${seed}, mutant ${tried}: ${fault}` }
  }
  return { tried: most, read, fault: undefined }
}

const PLANTED: Readonly<Record<string, Decode>> = {
  'takes a byte behind the frame': (bytes) => decodeFrame(bytes) ?? decodeFrame(bytes.subarray(0, -1)),
  'throws at nothing': (bytes) => {
    if (bytes.length === 0) throw new RangeError('no first byte')
    return decodeFrame(bytes)
  },
  'reads a number in a longer form': (bytes) =>
    decodeFrame(bytes) ??
    (bytes[2] === 0x18
      ? decodeFrame(Uint8Array.from([bytes[0]!, bytes[1]!, ...bytes.subarray(3)]))
      : undefined),
  'cuts a nonce': (bytes) => {
    const frame = decodeFrame(bytes)
    return frame?.kind === 'probe' ? { ...frame, nonce: frame.nonce.subarray(0, 15) } : frame
  },
  'takes every end for a complete one': (bytes) => {
    const frame = decodeFrame(bytes)
    return frame?.kind === 'want-end' ? { ...frame, complete: true } : frame
  },
  'cuts a sequence number to 8 bits': (bytes) => {
    const frame = decodeFrame(bytes)
    return frame?.kind === 'graft' ? { ...frame, sequence: frame.sequence % 2 ** 8 } : frame
  },
  'keeps one entry of a frontier': (bytes) => {
    const frame = decodeFrame(bytes)
    return frame?.kind === 'status' ? { ...frame, frontier: new Map([...frame.frontier].slice(0, 1)) } : frame
  },
}

const bits = turnBits(decodeFrame)
console.log(JSON.stringify({ fuzz: 'bits', frames: SOURCES.length, ...bits }))
gc()
const before = process.memoryUsage()
const startedMs = performance.now()
const result = mutate(decodeFrame, mutants)
const seconds = (performance.now() - startedMs) / 1_000
gc()
const after = process.memoryUsage()
const mib = (bytes: number): number => Number((bytes / 1024 ** 2).toFixed(1))
const memoryMiB = {
  heap: [mib(before.heapUsed), mib(after.heapUsed)],
  resident: [mib(before.rss), mib(after.rss)],
}
const framesPerSecond = Math.round(result.tried / seconds)
console.log(
  JSON.stringify({ fuzz: 'mutants', seed, ...result, framesPerSecond, memoryMiB, node: process.version }),
)
let missed = 0
for (const [defect, decode] of Object.entries(PLANTED)) {
  const fault = turnBits(decode).fault ?? mutate(decode, PLANTED_MUTANTS).fault
  if (fault === undefined) missed += 1
  console.log(JSON.stringify({ fuzz: 'planted', defect, found: fault ?? false }))
}
if (bits.fault !== undefined || result.fault !== undefined || missed > 0) process.exitCode = 1
