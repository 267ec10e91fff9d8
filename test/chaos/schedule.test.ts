/** The schedule of a run: a function of the seed, with every kind in it, and never more than the rules allow. */
import { expect, test } from 'vitest'
import { ALL_KINDS } from './run.ts'
import { type Kind, schedule, type Step } from './schedule.ts'

const names = ['ada', 'bob', 'cat', 'dan', 'eve']

function steps(seed: number, count: number, kinds = ALL_KINDS): Step[] {
  const all = schedule({ seed, names, kinds, smallDisk: 'ada', longestMs: 60_000 })
  return Array.from({ length: count }, () => all.next().value as Step)
}

test('the same seed gives the same steps, another seed others', () => {
  expect(steps(1, 200)).toEqual(steps(1, 200))
  expect(steps(1, 200)).not.toEqual(steps(2, 200))
})

test('every kind comes, the shapes too, and nothing that was left out', () => {
  const faults = steps(1, 300).flatMap((step) => step.faults)
  expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(ALL_KINDS))
  const parts = faults.filter((fault) => fault.kind === 'part')
  expect(new Set(parts.map(({ shape }) => shape)).size).toBe(6)
  const few = steps(1, 50, ['kill', 'part']).flatMap((step) => step.faults)
  expect(new Set(few.map(({ kind }) => kind))).toEqual(new Set(['kill', 'part']))
})

test('one fault on processes at a time, no step above its time, damage to one only', () => {
  const onLinks = new Set<Kind>(['part', 'one-way', 'delay', 'loss', 'thin', 'corrupt'])
  for (const { faults, forMs, restMs } of steps(3, 500)) {
    expect(faults.filter(({ kind }) => !onLinks.has(kind)).length).toBeLessThanOrEqual(1)
    expect(faults.length).toBeLessThanOrEqual(2)
    expect(forMs).toBeLessThanOrEqual(60_000)
    expect(restMs).toBeLessThan(3_000)
    for (const fault of faults) {
      const pairs = 'pairs' in fault ? fault.pairs : []
      for (const [a, b] of pairs) expect(a).not.toBe(b)
      if ('pairs' in fault) expect(pairs.length).toBeGreaterThan(0)
    }
  }
})

test('in a ring everybody reaches a majority', () => {
  const rings = steps(4, 2_000)
    .flatMap(({ faults }) => faults)
    .filter((fault) => fault.kind === 'part')
    .filter(({ shape }) => shape === 'ring')
  expect(rings.length).toBeGreaterThan(5)
  for (const { pairs } of rings) {
    for (const name of names) {
      const lost = pairs.filter((pair) => pair.includes(name)).length
      expect(names.length - lost).toBeGreaterThan(names.length / 2)
      expect(lost).toBeGreaterThan(0)
    }
  }
})
