import { describe, expect, test } from 'vitest'
import { concatBytes, encodeCbor, MAX_EVENT_BYTES, type CborValue } from '@hearsay/dag'
import {
  decodeFrame,
  encodeFrame,
  MAX_EVENTS_PER_FRAME,
  MAX_FRAME_BYTES,
  MAX_FRONTIER,
  MAX_WANTED_REFERENCES,
  type Frame,
} from '@hearsay/gossip'
import { createRandom } from '../dag/random.ts'

const id = new Uint8Array(32).fill(9)
const references = [
  { creator: 3, birthRound: 2 ** 40, id },
  { creator: 4_294_967_295, birthRound: 1, id: new Uint8Array(32) },
]

const frames: readonly Frame[] = [
  {
    kind: 'hello',
    networkId: id,
    version: 1,
    memberId: 4_294_967_295,
    software: 'hearsay/0.1 ä',
    features: 1,
  },
  {
    kind: 'status',
    decidedRound: 2 ** 47,
    ancientThreshold: 7,
    frontier: new Map([[1, 2 ** 48 - 1]]),
    recordsDigest: 2 ** 32 - 1,
  },
  { kind: 'status', decidedRound: 0, ancientThreshold: 1, frontier: new Map(), recordsDigest: 0 },
  { kind: 'digest', recordsDigest: 2 ** 32 - 1 },
  { kind: 'graft', creator: 4_294_967_295, sequence: 2 ** 48 },
  { kind: 'prune', creator: 1 },
  { kind: 'ping', nonce: 0xffff },
  { kind: 'pong', nonce: 0 },
  { kind: 'probe-ask', target: 4_294_967_295, nonce: id.slice(0, 16) },
  { kind: 'probe', requester: 7, nonce: id.slice(0, 16) },
  { kind: 'alive', target: 1, requester: 2, nonce: id.slice(0, 16), signature: new Uint8Array(64).fill(9) },
  { kind: 'records', records: [] },
  { kind: 'records', records: [new Uint8Array(512), Uint8Array.of(1)] },
  { kind: 'versions', answer: true, versions: [] },
  { kind: 'versions', answer: false, versions: [{ member: 1, kind: 2, epoch: 2 ** 40, version: 3 }] },
  { kind: 'events', request: 0, events: [] },
  { kind: 'events', request: 77, events: [new Uint8Array(196).fill(1), new Uint8Array(300)] },
  {
    kind: 'want',
    request: 5,
    frontier: new Map([
      [7, 0],
      [2, 9],
    ]),
    missing: references,
    maxBytes: 4_194_304,
    ancientThreshold: 12,
  },
  { kind: 'want-end', request: 5, complete: true },
  { kind: 'want-end', request: 5, complete: false },
  { kind: 'credit', request: 5, bytes: 2 ** 40 },
  { kind: 'note', topic: 255, bytes: Uint8Array.of(1, 2, 3) },
]

test('every kind of frame is read as it was written', () => {
  for (const frame of frames) {
    const bytes = encodeFrame(frame)
    expect(decodeFrame(bytes)).toEqual(frame)
    expect(encodeFrame(decodeFrame(bytes)!)).toEqual(bytes)
  }
})

const frameOf = (kind: Frame['kind']): Frame => frames.find((frame) => frame.kind === kind)!

test('what outlives a frame does not keep it alive; events are views', () => {
  const hello = encodeFrame(frames[0]!)
  const want = encodeFrame(frameOf('want'))
  const decodedHello = decodeFrame(hello)!
  const decodedWant = decodeFrame(want)!
  hello.fill(0)
  want.fill(0)
  expect(decodedHello).toEqual(frames[0])
  expect(decodedWant).toEqual(frameOf('want'))
  const events = encodeFrame(frames.find((frame) => frame.kind === 'events' && frame.events.length > 0)!)
  const decoded = decodeFrame(events)
  expect(decoded!.kind === 'events' && decoded!.events[0]!.buffer === events.buffer).toBe(true)
})

const many = (count: number): CborValue[] => Array.from({ length: count }, (_, i) => i)

describe('frames that are refused', () => {
  const cases: Readonly<Record<string, CborValue>> = {
    'no array': new Map([[1, 2]]),
    'an empty array': [],
    'a kind that is not known': [5, 1],
    'a digest below zero': [4, -1],
    'two digests': [4, 1, 1],
    'features below zero': [1, id, 1, 1, '', -1],
    'a status without a digest': [16, 1, 1, [1, 5]],
    'a graft without a number': [22, 1],
    'a credit below zero': [27, 1, -1],
    'a credit for nothing': [27, 1],
    'a ping with a large nonce': [2, 0x10000],
    'a pong with two nonces': [3, 1, 1],
    'a probe with a short nonce': [25, 1, id.subarray(0, 15)],
    'a probe of nobody': [24, 'ada', id.subarray(0, 16)],
    'a sign of life without a signature': [26, 1, 2, id.subarray(0, 16)],
    'a sign of life with a short signature': [26, 1, 2, id.subarray(0, 16), id],
    'a graft of nobody': [22, 'ada', 1],
    'a prune with a number': [23, 1, 1],
    'records that are no bytes': [20, [1]],
    'a record too long': [20, [new Uint8Array(513)]],
    'too many records': [20, Array.from({ length: 33 }, () => id)],
    'versions without an answer': [21, [1, 1, 1, 1]],
    'versions of a record and a half': [21, true, [1, 1, 1, 1, 1, 1]],
    'versions below zero': [21, true, [1, 1, 1, -1]],
    'too many versions': [21, true, many(4 * 1_025)],
    'a kind that is no number': ['1', id, 1, 1, ''],
    'a greeting with a field too few': [1, id, 1, 1, ''],
    'a greeting with a field too many': [1, id, 1, 1, '', 0, 0],
    'a network id of 31 bytes': [1, id.subarray(1), 1, 1, '', 0],
    'a version below zero': [1, id, -1, 1, '', 0],
    'a member that is text': [1, id, 1, 'a', '', 0],
    'a long name of software': [1, id, 1, 1, 'x'.repeat(65), 0],
    'software that is a number': [1, id, 1, 1, 5, 0],
    'a status with half a pair': [16, 1, 1, [1], 0],
    'a status with a creator twice': [16, 1, 1, [1, 5, 1, 6], 0],
    'a status below zero': [16, 1, 1, [1, -5], 0],
    'a round below zero': [16, -1, 1, [], 0],
    'a frontier that is a map': [16, 1, 1, new Map([[1, 2]]), 0],
    'a frontier that is too long': [16, 1, 1, many(2 * MAX_FRONTIER + 2), 0],
    'too many events': [17, 0, many(MAX_EVENTS_PER_FRAME + 1).map(() => id)],
    'an event that is no bytes': [17, 0, [id, 'x']],
    'an event beyond its bound': [17, 0, [new Uint8Array(MAX_EVENT_BYTES + 1)]],
    'a request below zero': [17, -1, []],
    'too many references': [18, 1, [], many(MAX_WANTED_REFERENCES + 1).map(() => [1, 1, id]), 1, 1],
    'a reference that is too short': [18, 1, [], [[1, 1]], 1, 1],
    'a reference with a short id': [18, 1, [], [[1, 1, id.subarray(1)]], 1, 1],
    'a want without a bound': [18, 1, [], [], null, 1],
    'a want without a threshold': [18, 1, [], [], 1],
    'an end that is a number': [19, 1, 1],
    'an end without its request': [19, true],
  }
  for (const [name, value] of Object.entries(cases))
    test(name, () => expect(decodeFrame(encodeCbor(value))).toBeUndefined())

  test('bytes after the frame, a frame that is too large, nothing', () => {
    for (const frame of frames) {
      expect(decodeFrame(concatBytes(encodeFrame(frame), Uint8Array.of(0)))).toBeUndefined()
    }
    expect(decodeFrame(new Uint8Array(0))).toBeUndefined()
    const event = new Uint8Array(MAX_EVENT_BYTES)
    const large = encodeFrame({ kind: 'events', request: 0, events: [event, event, event, event] })
    expect(large.length).toBeGreaterThan(MAX_FRAME_BYTES)
    expect(decodeFrame(large)).toBeUndefined()
  })
})

test('what is just within the bounds is read', () => {
  const frontier = new Map(Array.from({ length: MAX_FRONTIER }, (_, i) => [i, 2 ** 48 - 1]))
  const missing = Array.from({ length: MAX_WANTED_REFERENCES }, () => references[0]!)
  const large: Frame[] = [
    { kind: 'status', decidedRound: 1, ancientThreshold: 1, frontier, recordsDigest: 0 },
    { kind: 'want', request: 1, frontier, missing, maxBytes: 0, ancientThreshold: 0 },
    { kind: 'events', request: 0, events: Array.from({ length: MAX_EVENTS_PER_FRAME }, () => id) },
    { kind: 'events', request: 0, events: [new Uint8Array(MAX_EVENT_BYTES)] },
    {
      kind: 'hello',
      networkId: id,
      version: 1,
      memberId: 1,
      software: 'x'.repeat(64),
      features: 2 ** 53 - 1,
    },
  ]
  for (const frame of large) expect(decodeFrame(encodeFrame(frame))).toEqual(frame)
})

test('200,000 mutants never throw, and what is read is what was sent', () => {
  const encoded = frames.map((frame) => encodeFrame(frame))
  let read = 0
  for (let seed = 1; seed <= 200; seed++) {
    const random = createRandom(seed)
    for (let i = 0; i < 1_000; i++) {
      const source = encoded[random.below(encoded.length)]!
      const cut = random.below(4) === 0 ? random.below(source.length + 1) : source.length
      const bytes = random.below(10) === 0 ? random.bytes(random.below(40)) : source.slice(0, cut)
      for (let flips = random.below(4); flips > 0 && bytes.length > 0; flips--) {
        // Mostly at the front, where the structure is.
        const at =
          random.below(2) === 0 ? random.below(Math.min(12, bytes.length)) : random.below(bytes.length)
        bytes[at] = random.below(256)
      }
      let frame: Frame | undefined
      try {
        frame = decodeFrame(bytes)
      } catch (error) {
        throw new Error(`seed ${seed}, mutant ${i}`, { cause: error })
      }
      if (frame === undefined) continue
      read += 1
      if (read % 50 === 0) expect(encodeFrame(frame), `seed ${seed}, mutant ${i}`).toEqual(bytes)
    }
  }
  expect(read).toBeGreaterThan(10_000)
})
