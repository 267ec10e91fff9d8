/** What is taken in of one member beyond its open events: by repairs a window of rounds, else a trickle. */
import { expect, test } from 'vitest'
import { createPaceGuard, MAX_OPEN_EVENTS } from '@hearsay/node'

test('up to the bound everything comes, beyond it 4,096 a window by repairs and four a second', () => {
  let open = MAX_OPEN_EVENTS - 1
  let round = 1
  const guard = createPaceGuard(
    () => open,
    () => 10,
    () => round,
    26,
  )
  const takeAll = (request: number, nowMs: number, most = 10_000): number => {
    let taken = 0
    for (; taken < most && guard.mayCome(7, request, nowMs); taken++) guard.take(7, request, nowMs)
    return taken
  }
  expect(takeAll(0, 0, 500)).toBe(500)
  open = MAX_OPEN_EVENTS
  expect(takeAll(0, 0)).toBe(8)
  expect(takeAll(0, 0)).toBe(0)
  expect(takeAll(0, 1_000)).toBe(4)
  expect(takeAll(0, 100_000)).toBe(8)
  expect(takeAll(1, 100_000)).toBe(4_096)
  expect(takeAll(1, 101_000)).toBe(4)
  // Another member has its own.
  expect(guard.mayCome(8, 0, 101_000)).toBe(true)
  round = 26
  expect(takeAll(1, 101_000)).toBe(0)
  round = 27
  expect(takeAll(1, 101_000)).toBe(4_096)
  open = 0
  expect(takeAll(0, 101_000, 300)).toBe(300)
})

test('what waits for parents is at most so far ahead', () => {
  const guard = createPaceGuard(
    () => 0,
    () => 10,
    () => 1,
    26,
  )
  expect([11, 1_034, 1_035].map((sequence) => guard.mayWait(7, sequence))).toEqual([true, true, false])
})
