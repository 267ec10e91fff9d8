import { Point } from '@noble/ed25519'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  branchProof,
  coinOf,
  concatBytes,
  createEvent,
  createPortableSuite,
  decodeEvent,
  EVENT_REJECTIONS,
  fromHex,
  headerOf,
  MAX_EVENT_BYTES,
  MAX_UINT48,
  networkIdOf,
  payloadOf,
  peekEvent,
  saltOf,
  toHex,
  transactionsOf,
  verifyBranchProof,
  verifyEvent,
  type EventRejection,
  type VerifiedEvent,
} from '@hearsay/dag'
import { golden, goldenGenesis, goldenNetworkId } from './golden.ts'
import { createMaker, genesisOf, refer, seedOf, suite } from './making.ts'
import { createRandom } from './random.ts'

const maker = createMaker(4)
const first = maker.event({ creator: 2, transactions: [Uint8Array.of(1)] })
const other = maker.event({ creator: 3 })
const sample = maker.child(first, [other], {
  transactions: [Uint8Array.of(1, 2, 3), new Uint8Array(3_000).fill(5), new Uint8Array(0)],
})

/** What a receiver makes of bytes: the reason why they are refused, or the id of the event that is accepted. */
function receive(bytes: Uint8Array): EventRejection | { readonly id: string } {
  const decoded = decodeEvent(bytes, maker.networkId, suite.sha256)
  if (!decoded.ok) return decoded.reason
  const checked = verifyEvent(decoded.event, maker.keyOf, suite)
  return checked.ok ? { id: toHex(checked.event.id) } : checked.reason
}

/** The sample with bytes written over it and signed again by its creator. */
function bent(bend: (view: DataView, bytes: Uint8Array) => void, from: VerifiedEvent = sample): Uint8Array {
  const bytes = from.bytes.slice()
  bend(new DataView(bytes.buffer), bytes)
  const signed = 132 + 42 * (bytes[130]! + bytes[131]!)
  const creator = new DataView(bytes.buffer).getUint32(50)
  if (signed + 64 <= bytes.length) bytes.set(suite.sign(seedOf(creator), bytes.subarray(0, signed)), signed)
  return bytes
}

const sha = (...parts: Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest()

describe('golden bytes', () => {
  const stored = JSON.parse(readFileSync(new URL('golden.json', import.meta.url), 'utf8')) as typeof golden

  test('genesis, events and block are what they always were', () => {
    expect(golden).toEqual(stored)
  })

  test('the layout is the one that is documented, written down here a second time', () => {
    const body = Buffer.alloc(132 + 42 * 3)
    body.write('hearsay.event.1\n', 0, 'latin1')
    body.write(stored['networkId']!, 16, 'hex')
    body.writeUInt16BE(1, 48)
    body.writeUInt32BE(7, 50)
    body.writeUIntBE(0x0102_0304_0506, 54, 6)
    body.writeUIntBE(0x0a0b_0c0d_0e0f, 60, 6)
    body.writeBigUInt64BE(1_700_000_000_123_456n, 66)
    body.write('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', 74, 'hex')
    const transactions = [Buffer.of(1, 2, 3), Buffer.alloc(0), Buffer.alloc(2_040, 0xab), Buffer.of(9)]
    const chunks = [transactions.slice(0, 3), transactions.slice(3)].map((chunk) =>
      Buffer.concat(chunk.flatMap((each) => [Buffer.of(0, 0, each.length >> 8, each.length & 255), each])),
    )
    const leaves = [
      sha(Buffer.of(0, 0, 0, 0, 0), chunks[0]!),
      sha(Buffer.of(0, 0, 0, 0, 3), chunks[1]!),
    ] as const
    body.writeUInt32BE(chunks[0]!.length + chunks[1]!.length, 90)
    body.writeUInt32BE(4, 94)
    sha(Buffer.of(1), ...leaves).copy(body, 98)
    body[130] = 1
    body[131] = 2
    const references: readonly [number, number, number][] = [
      [7, 0x0a0b_0c0d_0e0e, 0x11],
      [4_294_967_295, 3, 0x22],
      [1, 0x0a0b_0c0d_0e0f, 0x33],
    ]
    for (const [i, [creator, birthRound, fill]] of references.entries()) {
      body.writeUInt32BE(creator, 132 + 42 * i)
      body.writeUIntBE(birthRound, 136 + 42 * i, 6)
      body.fill(fill, 142 + 42 * i, 174 + 42 * i)
    }
    const whole = Buffer.concat([body, suite.sign(seedOf(7), body), ...chunks])
    expect(whole.toString('hex')).toBe(stored['laterEvent'])
    expect(sha(body).toString('hex')).toBe(stored['laterEventId'])
  })

  test('the golden events are received by both suites, and by nobody in another network', () => {
    const keys = new Map(goldenGenesis.members.map((member) => [member.id, member.publicKey]))
    for (const back of [suite, createPortableSuite()]) {
      for (const name of ['firstEvent', 'laterEvent']) {
        const decoded = decodeEvent(fromHex(stored[name]!)!, goldenNetworkId, back.sha256)
        if (!decoded.ok) throw new Error(decoded.reason)
        expect(toHex(decoded.event.id)).toBe(stored[`${name}Id`])
        expect(verifyEvent(decoded.event, (id) => keys.get(id), back).ok).toBe(true)
      }
    }
    const elsewhere = networkIdOf({ ...goldenGenesis, salt: seedOf(0).subarray(0, 16) }, suite.sha256)
    const decoded = decodeEvent(fromHex(stored['firstEvent']!)!, elsewhere, suite.sha256)
    expect(decoded).toEqual({ ok: false, reason: 'event-network' })
  })
})

test('random events decode to their fields, and the fields encode to the same bytes again', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = createRandom(seed)
    const creator = 1 + random.below(4)
    const sequence = 1 + random.below(3)
    const birthRound = 1 + random.below(50)
    const reference = (of: number) => ({
      creator: of,
      birthRound: 1 + random.below(birthRound),
      id: random.bytes(32),
    })
    const others = [1, 2, 3, 4, 900].filter((id) => id !== creator && random.below(2) === 0)
    const fields = {
      creator,
      sequence,
      birthRound,
      timestamp: random.below(2 ** 32) * 100_000,
      salt: random.bytes(16),
      selfParent: sequence > 1 ? reference(creator) : undefined,
      otherParents: others.map(reference),
      transactions: Array.from({ length: random.below(6) }, () => random.bytes(random.below(1_500))),
    }
    const made = createEvent(fields, maker.networkId, seedOf(creator), suite)
    const decoded = decodeEvent(made.bytes.slice(), maker.networkId, suite.sha256)
    if (!decoded.ok) throw new Error(`seed ${seed}: ${decoded.reason}`)
    const { event } = decoded
    const read = {
      creator: event.creator,
      sequence: event.sequence,
      birthRound: event.birthRound,
      timestamp: event.timestamp,
      salt: saltOf(event),
      selfParent: event.selfParent,
      otherParents: event.otherParents,
      transactions: transactionsOf(payloadOf(event)),
    }
    expect(read, `seed ${seed}`).toEqual(fields)
    const again = createEvent(read, maker.networkId, seedOf(creator), suite)
    expect(again.bytes, `seed ${seed}`).toEqual(made.bytes)
    expect(peekEvent(made.bytes)).toEqual({ creator, sequence, birthRound })
    expect(receive(made.bytes)).toEqual({ id: toHex(made.id) })
    expect(coinOf(event)).toBe(event.id[31]! % 2)
  }
})

describe('mutations', () => {
  const small = maker.child(first, [other], { transactions: [Uint8Array.of(1, 2, 3), Uint8Array.of(4)] })

  test('no single bit of an event can be flipped: nothing of it is ever accepted', () => {
    for (let bit = 0; bit < small.bytes.length * 8; bit++) {
      const bytes = small.bytes.slice()
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      expect(typeof receive(bytes), `bit ${bit} flipped`).toBe('string')
    }
  })

  test('no truncation and no extension is accepted', () => {
    for (let length = 0; length < sample.bytes.length; length++) {
      expect(typeof receive(sample.bytes.slice(0, length)), `${length} bytes`).toBe('string')
    }
    for (const more of [1, 2, 41, 42, 43, 64, 1_000])
      expect(receive(concatBytes(sample.bytes, new Uint8Array(more)))).toBe('event-length')
  })

  test('random mutants are refused', () => {
    for (let seed = 1; seed <= 4_000; seed++) {
      const random = createRandom(seed)
      const bytes = sample.bytes.slice()
      for (let i = 0; i <= random.below(4); i++) bytes[random.below(bytes.length)] = random.below(256)
      const verdict = receive(bytes)
      if (toHex(bytes) !== toHex(sample.bytes)) expect(typeof verdict, `seed ${seed}`).toBe('string')
    }
  })
})

describe('every reason to refuse', () => {
  const stranger = createEvent(
    {
      creator: 99,
      sequence: 1,
      birthRound: 1,
      timestamp: 1,
      salt: new Uint8Array(16),
      selfParent: undefined,
      otherParents: [],
      transactions: [],
    },
    maker.networkId,
    seedOf(99),
    suite,
  )
  const paid = maker.event({ creator: 1, transactions: [Uint8Array.of(7)] })
  const paidAt = paid.bytes.length - 5
  const cases: readonly (readonly [string, EventRejection, Uint8Array])[] = [
    ['nothing', 'event-too-short', new Uint8Array(0)],
    ['one byte less than any event', 'event-too-short', first.bytes.slice(0, 195)],
    ['one byte more than any event', 'event-too-long', new Uint8Array(MAX_EVENT_BYTES + 1)],
    ['another domain', 'event-domain', bent((_, bytes) => void (bytes[0] = 0x48))],
    ['another network', 'event-network', bent((_, bytes) => void (bytes[47]! ^= 1))],
    ['another version', 'event-version', bent((view) => view.setUint16(48, 2))],
    ['a payload size that is not its size', 'event-length', bent((view) => view.setUint32(90, 1))],
    ['more parents than bytes', 'event-length', bent((view) => view.setUint8(131, 2))],
    ['sequence 0', 'event-sequence', bent((view) => view.setUint16(58, 0))],
    ['sequence 1 with a self-parent', 'event-sequence', bent((view) => view.setUint16(58, 1))],
    ['sequence 2 without one', 'event-sequence', bent((view) => view.setUint16(58, 2), first)],
    ['birth round 0', 'event-birth-round', bent((view) => view.setUint16(64, 0), first)],
    ['a self-parent born later', 'event-birth-round', bent((view) => view.setUint16(140, 2))],
    ['an other-parent born later', 'event-birth-round', bent((view) => view.setUint16(182, 2))],
    ['a self-parent born in round 0', 'event-birth-round', bent((view) => view.setUint16(140, 0))],
    ['an other-parent born in round 0', 'event-birth-round', bent((view) => view.setUint16(182, 0))],
    [
      'a time without room above it',
      'event-timestamp',
      bent((view) => view.setBigUint64(66, 2n ** 53n - 2n ** 48n + 1n)),
    ],
    ['the greatest number as time', 'event-timestamp', bent((view) => view.setBigUint64(66, 2n ** 64n - 1n))],
    ['two self-parents', 'event-parents', bent((view) => view.setUint8(130, 2))],
    ['128 other-parents', 'event-parents', bent((view) => view.setUint8(131, 128))],
    ['a self-parent by another', 'event-parents', bent((view) => view.setUint32(132, 3))],
    ['an other-parent by the creator', 'event-parents', bent((view) => view.setUint32(174, 2))],
    ['a payload beyond its bound', 'event-payload', bent((view) => view.setUint32(90, 262_145))],
    ['too many transactions', 'event-payload', bent((view) => view.setUint32(94, 8_193))],
    ['one transaction too few', 'event-payload', bent((view) => view.setUint32(94, 2))],
    ['one transaction too many', 'event-payload', bent((view) => view.setUint32(94, 4))],
    ['a commitment to something else', 'event-payload', bent((_, bytes) => void (bytes[98]! ^= 1))],
    ['a transaction beyond the end', 'event-payload', bent((_, bytes) => void (bytes[paidAt + 3] = 2), paid)],
    ['a creator that is no member', 'event-unknown-creator', stranger.bytes],
    ['a signature by another', 'event-signature', bent((view) => view.setUint32(50, 4), first)],
  ]
  for (const [name, reason, bytes] of cases) {
    test(`${reason}: ${name}`, () => {
      if (name === 'a signature by another') {
        const forged = bytes.slice()
        forged.set(suite.sign(seedOf(2), forged.subarray(0, 132)), 132)
        expect(receive(forged)).toBe(reason)
      } else expect(receive(bytes)).toBe(reason)
    })
  }

  test('two other-parents of one creator', () => {
    const references = [refer(other), { ...refer(other), id: seedOf(1) }]
    expect(() => maker.event({ creator: 1, otherParents: references })).toThrow('event-parents')
  })

  test('the cases reach the whole list', () => {
    expect(new Set(cases.map(([, reason]) => reason))).toEqual(new Set(EVENT_REJECTIONS))
  })

  test('what is just within the bounds is accepted', () => {
    const last = bent((view) => view.setBigUint64(66, 2n ** 53n - 1n - (2n ** 48n - 1n)))
    expect(typeof receive(last)).toBe('object')
    const far = bent((view) => {
      view.setUint16(54, 0xffff)
      view.setUint32(56, 0xffff_ffff)
      view.setUint16(60, 0xffff)
      view.setUint32(62, 0xffff_ffff)
    })
    expect(typeof receive(far)).toBe('object')
    expect(peekEvent(far)).toEqual({ creator: 2, sequence: MAX_UINT48, birthRound: MAX_UINT48 })
  })
})

const little = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) + BigInt(byte), 0n)
const sha512 = (...parts: Uint8Array[]): Uint8Array =>
  new Uint8Array(
    createHash('sha512')
      .update(concatBytes(...parts))
      .digest(),
  )

/** A second signature of the same body that is as valid as the first: made with another nonce (trap 19). */
function signAgain(event: VerifiedEvent, secretKey: Uint8Array): Uint8Array {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const scalar = sha512(secretKey).subarray(0, 32)
  scalar.set([scalar[0]! & 248])
  scalar.set([(scalar[31]! & 127) | 64], 31)
  const body = event.bytes.subarray(0, event.bodyBytes)
  const nonce = 123_456_789n
  const point = Point.BASE.multiply(nonce).toBytes()
  const challenge = little(sha512(point, suite.publicKey(secretKey), body)) % order
  const s = (nonce + challenge * little(scalar)) % order
  const bytes = event.bytes.slice()
  bytes.set(point, event.bodyBytes)
  for (let i = 0; i < 32; i++) bytes[event.bodyBytes + 32 + i] = Number((s >> BigInt(8 * i)) & 255n)
  return bytes
}

test('a body signed twice by its creator is one event', () => {
  const bytes = signAgain(sample, seedOf(2))
  expect(bytes).not.toEqual(sample.bytes)
  expect(receive(bytes)).toEqual({ id: toHex(sample.id) })
  const decoded = decodeEvent(bytes, maker.networkId, createPortableSuite().sha256)
  if (!decoded.ok) throw new Error(decoded.reason)
  expect(verifyEvent(decoded.event, maker.keyOf, createPortableSuite()).ok).toBe(true)
})

const flip = (bytes: Uint8Array, at: number): Uint8Array => {
  const flipped = bytes.slice()
  flipped[at]! ^= 1
  return flipped
}

describe('branch proofs', () => {
  const again = maker.child(first, [], { transactions: [Uint8Array.of(42)] })
  const convicted = (a: Uint8Array, b: Uint8Array, networkId = maker.networkId): number | undefined =>
    verifyBranchProof({ first: a, second: b }, networkId, maker.keyOf, suite)

  test('two events of one creator for one number convict it, in some hundred bytes', () => {
    const proof = branchProof(sample, again)
    expect(convicted(proof.first, proof.second)).toBe(2)
    expect(convicted(proof.second, proof.first)).toBe(2)
    // However large the payloads are.
    expect(proof.first.length).toBe(132 + 2 * 42 + 64)
    expect(proof.first.length + proof.second.length).toBeLessThanOrEqual(600)
  })

  test('nothing else does', () => {
    const a = headerOf(sample)
    const b = headerOf(again)
    expect(convicted(a, a)).toBeUndefined()
    expect(convicted(a, headerOf(maker.event({ creator: 3 })))).toBeUndefined()
    expect(convicted(headerOf(first), headerOf(other))).toBeUndefined()
    expect(convicted(headerOf(first), a)).toBeUndefined()
    expect(convicted(a, b, networkIdOf(genesisOf(4, 8), suite.sha256))).toBeUndefined()
    expect(convicted(a, flip(b, b.length - 1))).toBeUndefined()
    expect(convicted(a, flip(b, 98))).toBeUndefined()
    expect(convicted(sample.bytes, b)).toBeUndefined()
    expect(convicted(a, b.subarray(0, b.length - 1))).toBeUndefined()
    expect(convicted(a, concatBytes(b, Uint8Array.of(0)))).toBeUndefined()
    expect(convicted(new Uint8Array(0), new Uint8Array(0))).toBeUndefined()
    // The same body under two signatures is one event, and no offence.
    const twice = signAgain(sample, seedOf(2)).subarray(0, a.length)
    expect(convicted(a, twice)).toBeUndefined()
    expect(verifyBranchProof(branchProof(sample, again), maker.networkId, () => undefined, suite)).toBe(
      undefined,
    )
  })
})
