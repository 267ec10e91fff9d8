/** The checker of client histories: honest ones pass, and each way of lying to a client is told by name. */
import { expect, test } from 'vitest'
import { checkHistory } from './check.ts'
import type { SubmitRow } from './history.ts'
import { acknowledged, LIES, middle, tellEach } from './lies.ts'
import { figuresOf } from './windows.ts'
import { honestHistory } from './world.ts'

const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1)

test('honest histories of many seeds pass, and hold every kind of row', () => {
  const kinds = new Set<string>()
  for (const seed of SEEDS) {
    const history = honestHistory(seed)
    for (const row of history.rows)
      kinds.add(row.op === 'read' ? 'read' : `${row.outcome} ${String(row.taken)}`)
    expect(checkHistory(history), `seed ${seed}`).toEqual([])
  }
  expect([...kinds].toSorted()).toEqual(['fail undefined', 'info false', 'info true', 'ok undefined', 'read'])
})

test('a long history is checked in a moment', () => {
  const history = honestHistory(1, 4_000)
  expect(history.rows.length).toBeGreaterThan(2_000)
  expect(checkHistory(history)).toEqual([])
})

test.each(LIES)('told: $name ($check)', (lie) => {
  for (const seed of SEEDS) expect(tellEach(honestHistory(seed), [lie]), `seed ${seed}`).toEqual([])
})

test('a transaction that was submitted twice is no history', () => {
  const history = honestHistory(1)
  const rows = [...history.rows, middle(acknowledged(history))]
  expect(() => checkHistory({ ...history, rows })).toThrow('submitted twice')
})

test('figures of windows: what came of the submissions that began in each', () => {
  const history = honestHistory(3)
  const endMs = Math.max(...history.rows.map(({ invokeMs }) => invokeMs))
  const halves = [
    { name: 'first', fromMs: 0, toMs: endMs / 2 },
    { name: 'second', fromMs: endMs / 2, toMs: endMs + 1 },
  ]
  const figures = figuresOf(history.rows, halves)
  const count = (outcome: SubmitRow['outcome']): number =>
    history.rows.filter((row) => row.op === 'submit' && row.outcome === outcome).length
  for (const outcome of ['ok', 'fail', 'info'] as const)
    expect(figures[0]![outcome] + figures[1]![outcome]).toBe(count(outcome))
  expect(figures[0]!.p50Ms).toBeLessThanOrEqual(figures[0]!.p99Ms!)
})
