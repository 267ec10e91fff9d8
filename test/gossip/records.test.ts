/** Signed records: who can make one, which of two is kept, how they get everywhere, and what liars can move. */
import { describe, expect, test } from 'vitest'
import { decodeCbor, encodeCbor, type CborValue } from '@hearsay/dag'
import {
  aggregate,
  createRecordBook,
  decodeNodeAddress,
  decodeNodeState,
  encodeNodeAddress,
  encodeNodeState,
  MAX_RECORD_BYTES,
  RECORD_KINDS,
  signRecord,
  type NodeRecord,
  type RecordBook,
  type RecordFields,
} from '@hearsay/gossip'
import { createRandom } from '../dag/random.ts'
import { createMachine, networkId, secretKeyOf, status, suite, type Said } from './harness.ts'

const members = [1, 2, 3, 4].map((id) => ({ id, publicKey: suite.publicKey(secretKeyOf(id)) }))

const bookOf = (memberId: number, limits = { burst: 1_000, perSecond: 1_000 }): RecordBook =>
  createRecordBook({ memberId, members, networkId, secretKey: secretKeyOf(memberId), suite, ...limits })

const record = (wishes: Partial<RecordFields> = {}, signer = wishes.member ?? 2): NodeRecord =>
  signRecord(
    { member: 2, kind: RECORD_KINDS.state, epoch: 1, version: 1, content: Uint8Array.of(1), ...wishes },
    networkId,
    secretKeyOf(signer),
    suite,
  )

const reason = (book: RecordBook, bytes: Uint8Array, nowMs = 0): string => {
  const result = book.offer(bytes, nowMs)
  return result.ok ? 'taken' : result.reason
}

describe('a record', () => {
  test('is taken once, and replaced by newer ones only', () => {
    const book = bookOf(1)
    const [first, second, later] = [record(), record({ version: 2 }), record({ epoch: 2, version: 1 })]
    expect(reason(book, second.bytes)).toBe('taken')
    expect(reason(book, second.bytes)).toBe('record-old')
    expect(reason(book, first.bytes)).toBe('record-old')
    expect(book.get(2, RECORD_KINDS.state)).toEqual(second)
    expect(reason(book, later.bytes)).toBe('taken')
    expect(reason(book, record({ version: 3 }).bytes)).toBe('record-old')
    expect(book.get(2, RECORD_KINDS.state)).toEqual(later)
    expect(book.count()).toBe(1)
    expect(reason(book, record({ kind: RECORD_KINDS.address }).bytes)).toBe('taken')
    expect(book.ofKind(RECORD_KINDS.address)).toHaveLength(1)
  })

  test('is refused when anybody but its author signed it, for another network, or with any bit turned', () => {
    const book = bookOf(1)
    expect(reason(book, record({}, 3).bytes)).toBe('record-forged')
    const elsewhere = signRecord(
      record(),
      networkId.map((byte) => byte ^ 1),
      secretKeyOf(2),
      suite,
    )
    expect(reason(book, elsewhere.bytes)).toBe('record-forged')
    expect(reason(book, record({ member: 9 }, 2).bytes)).toBe('record-unknown-member')
    const { bytes } = record({ epoch: 77, version: 300, content: new Uint8Array(20) })
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = bytes.slice()
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      expect(reason(book, flipped), `bit ${bit}`).toMatch(/^record-(forged|unsound|unknown-member)$/)
    }
    expect(book.count()).toBe(0)
    expect(book.digest()).toBe(0)
  })

  test('has a bound, and a kind that is known', () => {
    const content = new Uint8Array(MAX_RECORD_BYTES)
    expect(() => record({ content })).toThrow('invariant')
    const most = record({ content: content.subarray(0, 400) })
    expect(reason(bookOf(1), most.bytes)).toBe('taken')
    const fields = (decodeCbor(most.bytes, { maxBytes: 1_000 }) as unknown as { value: CborValue[] }).value
    for (const [at, value] of [
      [1, 9],
      [2, -1],
      [3, 2 ** 48],
      [4, 'text'],
      [5, new Uint8Array(63)],
      [4, content],
    ] as const)
      expect(reason(bookOf(1), encodeCbor(fields.with(at, value)))).toBe('record-unsound')
    expect(reason(bookOf(1), encodeCbor([...fields, 0]))).toBe('record-unsound')
  })

  test('may not come too often of one author and kind, and what was too often is taken later', () => {
    const book = bookOf(1, { burst: 3, perSecond: 2 })
    const results = [1, 2, 3, 4, 5].map((version) => reason(book, record({ version }).bytes, 0))
    expect(results).toEqual(['taken', 'taken', 'taken', 'record-too-often', 'record-too-often'])
    expect(reason(book, record({ member: 3 }).bytes, 0)).toBe('taken')
    expect(reason(book, record({ version: 5 }).bytes, 600)).toBe('taken')
  })

  test('of an earlier life that had a later clock is outdone', () => {
    const book = bookOf(2)
    book.begin(5)
    const own = book.publish(RECORD_KINDS.state, Uint8Array.of(7))
    expect(own.epoch).toBe(5)
    expect(reason(book, record({ epoch: 900, version: 40 }).bytes)).toBe('record-old')
    expect(book.get(2, RECORD_KINDS.state)).toMatchObject({ epoch: 901, content: Uint8Array.of(7) })
  })

  test('held by two in any order gives both the same digest; another set gives another', () => {
    const random = createRandom(3)
    const all = [2, 3, 4].flatMap((member) =>
      [1, 2, 3].flatMap((version) =>
        [RECORD_KINDS.state, RECORD_KINDS.address].map((kind) => record({ member, version, kind })),
      ),
    )
    const twins = [
      record({ version: 3, content: Uint8Array.of(8) }),
      record({ version: 3, content: Uint8Array.of(9) }),
    ]
    const digests = new Set<number>()
    for (let i = 0; i < 20; i++) {
      const book = bookOf(1)
      const rest = [...all, ...twins]
      while (rest.length > 0) book.offer(rest.splice(random.below(rest.length), 1)[0]!.bytes, 0)
      digests.add(book.digest())
    }
    expect(digests.size).toBe(1)
    const other = bookOf(1)
    for (const each of all) other.offer(each.bytes, 0)
    expect(digests.has(other.digest())).toBe(false)
  })
})

const frames = (machine: ReturnType<typeof createMachine>): readonly Said[] => machine.take().said

describe('exchange', () => {
  test('a new own record goes to every link once, a missed one is found by the digest', () => {
    const machine = createMachine(4)
    for (const link of [2, 3, 4]) machine.join(link, 0)
    machine.take()
    machine.gossip.congested(4, true)
    const own = machine.gossip.publish(RECORD_KINDS.state, Uint8Array.of(1))
    const said = frames(machine)
    expect(said.map(({ link }) => link)).toEqual([2, 3])
    expect(said[0]!.frame).toEqual({ kind: 'records', records: [own.bytes] })
    machine.gossip.congested(4, false)
    const [told] = frames(machine)
    expect(told).toMatchObject({ link: 4, frame: { kind: 'status' } })
    expect((told!.frame as { recordsDigest: number }).recordsDigest).not.toBe(0)
  })

  test('who holds other records is told the versions, gets what it lacks, and says what it has', () => {
    const machine = createMachine(4)
    machine.join(2, 0)
    machine.take()
    const own = machine.gossip.publish(RECORD_KINDS.state, Uint8Array.of(1))
    machine.take()
    machine.hear(2, { ...status([]), recordsDigest: 99 } as ReturnType<typeof status>, 1_000)
    expect(frames(machine)).toEqual([])
    for (let now = 1_000; now < 1_500; now += 10) machine.gossip.tick(now)
    const { member, kind, epoch, version } = own
    expect(frames(machine).filter(({ frame }) => frame.kind === 'versions')).toEqual([
      { link: 2, frame: { kind: 'versions', answer: false, versions: [{ member, kind, epoch, version }] } },
    ])
    const theirs = record({ member: 3 })
    machine.hear(2, { kind: 'versions', answer: true, versions: [theirs] }, 1_600)
    expect(frames(machine)).toEqual([{ link: 2, frame: { kind: 'records', records: [own.bytes] } }])
    machine.hear(2, { kind: 'records', records: [theirs.bytes] }, 1_700)
    expect(machine.take().rest).toEqual([{ kind: 'record', record: theirs }])
    expect(machine.gossip.record(3, RECORD_KINDS.state)).toEqual(theirs)
    machine.hear(2, { kind: 'versions', answer: false, versions: [{ ...theirs, version: 2 }] }, 2_700)
    expect(frames(machine).map(({ frame }) => frame.kind)).toEqual(['records', 'versions'])
  })

  test('a forged record closes the link that brought it; an old one does not', () => {
    const machine = createMachine(4)
    machine.join(2, 0)
    machine.hear(2, { kind: 'records', records: [record({ version: 2 }).bytes, record().bytes] }, 1)
    expect(machine.take().rest.map(({ kind }) => kind)).toEqual(['record', 'record-refused'])
    machine.hear(2, { kind: 'records', records: [record({ version: 3 }, 3).bytes] }, 2)
    expect(machine.take().rest).toContainEqual({ kind: 'close', link: 2, fault: 'invalid-record' })
  })

  test('who asks for versions again and again is answered seldom', () => {
    const machine = createMachine(4)
    machine.join(2, 0)
    machine.gossip.publish(RECORD_KINDS.state, Uint8Array.of(1))
    machine.take()
    for (let now = 0; now < 1_000; now += 50)
      machine.hear(2, { kind: 'versions', answer: false, versions: [] }, now)
    expect(frames(machine).filter(({ frame }) => frame.kind === 'records')).toHaveLength(2)
  })
})

test('contents are read back; what is not sound is not read', () => {
  const state = {
    software: 'hearsay/1',
    decidedRound: 2 ** 40,
    ledgerHash: new Uint8Array(32).fill(3),
    transactions: 5,
    transactionsPerSecond: -1,
    finalityP50Ms: 12,
    finalityP99Ms: 99,
    loopLagMs: 0,
    poolTransactions: 1,
    peers: 15,
  }
  expect(decodeNodeState(encodeNodeState(state))).toEqual(state)
  expect(decodeNodeState(encodeNodeState({ ...state, peers: -2 }))).toBeUndefined()
  expect(decodeNodeState(encodeNodeState({ ...state, ledgerHash: new Uint8Array(31) }))).toBeUndefined()
  expect(decodeNodeState(Uint8Array.of(0xff))).toBeUndefined()
  expect(decodeNodeAddress(encodeNodeAddress({ host: 'ada.example', port: 8840 }))).toEqual({
    host: 'ada.example',
    port: 8840,
  })
  for (const host of ['', 'a b', 'a/b', 'x\n', 'ü'])
    expect(decodeNodeAddress(encodeNodeAddress({ host, port: 1 }))).toBeUndefined()
  expect(decodeNodeAddress(encodeNodeAddress({ host: 'a', port: 65_536 }))).toBeUndefined()
})

describe('aggregates', () => {
  test('of honest members alone are within what they say, and nobody is left out of the mean without need', () => {
    const reports = [1, 2, 3, 4].map((value) => ({ value, weight: 1 }))
    expect(aggregate(reports, 4)).toEqual({ min: 2, median: 2, mean: 2.5, max: 3 })
    expect(aggregate([{ value: 7, weight: 5 }], 5)).toEqual({ min: 7, median: 7, mean: 7, max: 7 })
    expect(aggregate(reports.slice(0, 2), 4)).toBeUndefined()
    expect(aggregate([], 4)).toBeUndefined()
  })

  test('liars of less than a third of the weight cannot move anything out of the honest range', () => {
    const random = createRandom(8)
    for (let trial = 0; trial < 5_000; trial++) {
      const count = 4 + random.below(16)
      const all = Array.from({ length: count }, () => ({
        value: 100 + random.below(50),
        weight: 1 + random.below(5),
      }))
      const total = all.reduce((sum, { weight }) => sum + weight, 0)
      let lying = 0
      const reports = all.map((each) => {
        if (3 * (lying + each.weight) >= total) return { ...each, isLie: false }
        lying += each.weight
        return { ...each, value: [-1e9, 1e9, 0, 1e15][random.below(4)]!, isLie: true }
      })
      const honest = reports.filter((each) => !each.isLie).map(({ value }) => value)
      // Some honest members may not report, as long as more than two thirds do.
      const found = aggregate(reports, total)
      expect(found).toBeDefined()
      for (const value of Object.values(found!)) {
        expect(value, `trial ${trial}`).toBeGreaterThanOrEqual(Math.min(...honest))
        expect(value, `trial ${trial}`).toBeLessThanOrEqual(Math.max(...honest))
      }
    }
  })
})
