/** What theory computes with, against `Math` and against values that are known. */
import { createRandom } from '@hearsay/simulator'
import { expect, test } from 'vitest'
import {
  exp,
  ln,
  normalTail,
  normalTailPoint,
  power,
  quantileOf,
  rootOf,
} from '../../packages/simulator/src/theory/numbers.ts'

const random = createRandom(3, 'numbers')
const relative = (value: number, reference: number): number => Math.abs(value / reference - 1)

test('logarithm and exponential are those of Math', () => {
  let worst = 0
  for (let i = 0; i < 20_000; i++) {
    const x = random.between(-700, 700)
    const y = Math.exp(random.between(-300, 300))
    const error = Math.abs(ln(y) - Math.log(y)) / Math.max(1, Math.abs(Math.log(y)))
    worst = Math.max(worst, relative(exp(x), Math.exp(x)), error)
  }
  expect(worst).toBeLessThan(1e-15)
  expect([exp(0), exp(-800), exp(800), ln(1), ln(0), ln(-1)]).toEqual([1, 0, Infinity, 0, -Infinity, NaN])
})

test('powers are exact where they can be', () => {
  expect(power(2, 52)).toBe(2 ** 52)
  expect(power(3, 33)).toBe(3 ** 33)
  expect(power(5, 0)).toBe(1)
})

// Abramowitz and Stegun, Handbook of Mathematical Functions, tables 26.1 and 26.2.
test.for([
  [0, 0.5],
  [1, 0.15865525393145707],
  [1.959963984540054, 0.025],
  [3, 0.0013498980316301],
  [5.612001244174789, 1e-8],
] as const)('normal tail beyond %f', ([z, probability]) => {
  expect(relative(normalTail(z), probability)).toBeLessThan(2e-6)
  expect(Math.abs(normalTailPoint(probability) - z)).toBeLessThan(1e-5)
})

test('the normal tail has no step where its two ways of computing meet', () => {
  expect(relative(normalTail(3 - 1e-12), normalTail(3))).toBeLessThan(1e-10)
})

test('roots and quantiles', () => {
  expect(rootOf((x) => x * x - 2, 0, 2)).toBeCloseTo(Math.SQRT2, 14)
  expect(rootOf((x) => 2 - x * x, 0, 2)).toBeCloseTo(Math.SQRT2, 14)
  expect(quantileOf([3, 1, 2, 4], 0.5)).toBe(2)
  expect(quantileOf([3, 1, 2, 4], 0.99)).toBe(4)
})
