import { describe, expect, test } from 'vitest'
import { MAX_PAYLOAD_BYTES, MAX_TRANSACTION_BYTES, MAX_TRANSACTIONS } from '@hearsay/dag'
import { encodePayload } from '@hearsay/dag'
import { createPool, type Pool, type Pooled } from '@hearsay/node'
import { createRandom } from '../dag/random.ts'

const pooled = (ticket: number, size = 10): Pooled => ({ ticket, bytes: new Uint8Array(size) })
const tickets = (transactions: readonly Pooled[]): (number | undefined)[] =>
  transactions.map((each) => each.ticket)

function takeAll(pool: Pool): Pooled[][] {
  const batches: Pooled[][] = []
  for (let batch = pool.takeBatch(); batch.transactions.length > 0; batch = pool.takeBatch())
    batches.push([...batch.transactions])
  return batches
}

describe('bounds', () => {
  test('of number and bytes: what does not fit is refused, what is taken makes room', () => {
    const pool = createPool({ transactions: 3, bytes: 100 })
    for (const ticket of [1, 2, 3]) expect(pool.add(pooled(ticket))).toBe(true)
    expect(pool.add(pooled(4, 0))).toBe(false)
    expect([pool.size(), pool.bytes()]).toEqual([3, 30])
    expect(tickets(pool.takeBatch().transactions)).toEqual([1, 2, 3])
    expect([pool.size(), pool.bytes()]).toEqual([0, 0])
    expect(pool.add(pooled(5, 100))).toBe(true)
    expect(pool.add(pooled(6, 1))).toBe(false)
    expect(pool.add(pooled(7, 0))).toBe(true)
  })

  test('of one event: bytes with their prefixes, and number', () => {
    const pool = createPool()
    const large = MAX_TRANSACTION_BYTES - 4
    for (let i = 0; i < 9; i++) pool.add(pooled(i, large))
    expect(takeAll(pool).map((batch) => batch.length)).toEqual([4, 4, 1])
    expect(4 * (large + 4)).toBe(MAX_PAYLOAD_BYTES)
    for (let i = 0; i < 2 * MAX_TRANSACTIONS + 1; i++) pool.add(pooled(i, 1))
    expect(takeAll(pool).map((batch) => batch.length)).toEqual([MAX_TRANSACTIONS, MAX_TRANSACTIONS, 1])
  })

  test('a transaction that no event can carry is a mistake of the caller, and blocks nobody', () => {
    const pool = createPool()
    expect(() => pool.add(pooled(1, MAX_TRANSACTION_BYTES + 1))).toThrow('invariant')
    expect(pool.add(pooled(2, MAX_TRANSACTION_BYTES))).toBe(true)
    expect(takeAll(pool)).toHaveLength(1)
  })
})

const group = (id: number, ...of: readonly Pooled[]) => ({
  staleId: new Uint8Array(32).fill(id),
  transactions: of,
})

describe('stale events', () => {
  test('go first, in their order, each whole into one event, with their ids', () => {
    const pool = createPool()
    pool.add(pooled(9))
    pool.restore(group(1, pooled(1), pooled(2)))
    pool.restore(group(2, pooled(3)))
    expect(pool.size()).toBe(4)
    const batch = pool.takeBatch()
    expect(tickets(batch.transactions)).toEqual([1, 2, 3, 9])
    expect(batch.staleIds.map((id) => id[0])).toEqual([1, 2])
    expect([pool.size(), pool.bytes()]).toEqual([0, 0])
  })

  test('that do not fit with others wait for the next event, and nothing overtakes them', () => {
    const pool = createPool()
    const four = Array.from({ length: 4 }, (_, i) => pooled(i, MAX_TRANSACTION_BYTES - 4))
    pool.restore(group(1, pooled(100)))
    pool.restore(group(2, ...four))
    pool.restore(group(3, ...Array.from({ length: MAX_TRANSACTIONS }, (_, i) => pooled(i, 0))))
    pool.add(pooled(200))
    expect(takeAll(pool).map((batch) => batch.length)).toEqual([1, 4, MAX_TRANSACTIONS, 1])
  })

  test('are never refused: they were taken in once', () => {
    const pool = createPool({ transactions: 1, bytes: 10 })
    pool.add(pooled(1))
    pool.restore(group(1, pooled(2, 1_000)))
    expect(pool.size()).toBe(2)
    expect(pool.add(pooled(3, 0))).toBe(false)
    expect(takeAll(pool)).toHaveLength(1)
  })
})

test('everything that was taken in comes out once, in order, within the bounds of an event', () => {
  for (let seed = 1; seed <= 8; seed++) {
    const random = createRandom(seed)
    const pool = createPool({ transactions: 3_000, bytes: 3_000_000 })
    const added: number[] = []
    const taken: (number | undefined)[] = []
    let bytes = 0
    for (let i = 0; i < 20_000; i++) {
      if (random.below(400) > 0) {
        const each = pooled(
          i,
          random.below(20) === 0 ? random.below(MAX_TRANSACTION_BYTES) : random.below(100),
        )
        if (!pool.add(each)) continue
        added.push(i)
        bytes += each.bytes.length
      } else {
        const { transactions } = pool.takeBatch()
        taken.push(...tickets(transactions))
        const size = transactions.reduce((sum, each) => sum + 4 + each.bytes.length, 0)
        bytes -= size - 4 * transactions.length
        expect(size).toBeLessThanOrEqual(MAX_PAYLOAD_BYTES)
        expect(transactions.length).toBeLessThanOrEqual(MAX_TRANSACTIONS)
      }
      if (i % 100 === 0) expect(pool.bytes()).toBe(bytes)
    }
    for (const batch of takeAll(pool)) taken.push(...tickets(batch))
    expect(taken, `seed ${seed}`).toEqual(added)
  }
})

const packed = (ticket: number, count: number): Pooled => ({
  ticket,
  count,
  bytes: encodePayload(Array.from({ length: count }, () => Uint8Array.of(ticket))),
})

test('packed transactions stay together, and count as many as they are', () => {
  const pool = createPool({ transactions: 8_000 })
  expect(pool.add({ ticket: 1, bytes: Uint8Array.of(7) })).toBe(true)
  expect(pool.add(packed(2, 5_000))).toBe(true)
  expect(pool.add(packed(3, 3_000))).toBe(false)
  expect(pool.add(packed(4, 2_999))).toBe(true)
  expect(pool.size()).toBe(8_000)
  expect(pool.takeBatch().transactions.map(({ ticket }) => ticket)).toEqual([1, 2, 4])
  expect([pool.size(), pool.bytes()]).toEqual([0, 0])
  for (const ticket of [5, 6]) expect(pool.add(packed(ticket, 4_000))).toBe(true)
  pool.restore({ staleId: new Uint8Array(32), transactions: [packed(7, 5_000)] })
  expect(pool.size()).toBe(13_000)
  expect(pool.takeBatch().transactions.map(({ ticket }) => ticket)).toEqual([7])
  expect(pool.takeBatch().transactions.map(({ ticket }) => ticket)).toEqual([5, 6])
})
