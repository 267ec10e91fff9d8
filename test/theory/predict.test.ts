/** Predictions at their ends, where no check measures them. */
import {
  coverageCurve,
  everyoneReached,
  fanoutFor,
  finalCoverage,
  predictMesh,
  predictRounds,
} from '@hearsay/simulator'
import { expect, test } from 'vitest'

test('without enough contacts an epidemic does not spread', () => {
  expect(finalCoverage(1)).toBe(0)
  expect(finalCoverage(2, 0.5)).toBe(0)
  expect(finalCoverage(3)).toBeCloseTo(0.9405, 4)
  expect(finalCoverage(4, 0.25)).toBeCloseTo(finalCoverage(3), 12)
})

test('the fan-out for a probability is the least one', () => {
  for (const [members, probability] of [
    [64, 0.9],
    [1024, 0.99],
  ] as const) {
    const fanout = fanoutFor(members, probability)
    expect(everyoneReached(members, fanout)).toBeGreaterThanOrEqual(probability)
    expect(everyoneReached(members, fanout - 1)).toBeLessThan(probability)
    expect(fanoutFor(members, probability, 0.2)).toBeGreaterThan(fanout)
  }
  expect(fanoutFor(3, 1)).toBe(2)
})

test('a curve begins with one member and ends with all', () => {
  const curve = coverageCurve({ mode: 'push', members: 64, fanout: 1, loss: 0 }, 40)
  expect(curve[0]).toBe(1 / 64)
  expect(curve.at(-1)).toBeGreaterThan(0.999)
  for (const [i, share] of curve.entries()) if (i > 0) expect(share).toBeGreaterThan(curve[i - 1]!)
})

test('rounds grow with members and loss, and fall with fan-out', () => {
  const base = { mode: 'push-pull', members: 100, fanout: 1, loss: 0 } as const
  const rounds = predictRounds(base)
  expect(predictRounds({ ...base, members: 1_000 })).toBeGreaterThan(rounds)
  expect(predictRounds({ ...base, loss: 0.2 })).toBeGreaterThan(rounds)
  expect(predictRounds({ ...base, fanout: 3 })).toBeLessThan(rounds)
})

test('a mesh without loss is as fast as its links', () => {
  const mesh = {
    members: 16,
    eventsPerSecond: 10,
    eventBytes: 600,
    delayMs: 50,
    loss: 0,
    advertEveryMs: 250,
    advertBytes: 100,
    graceMs: 40,
  }
  const forecast = predictMesh(mesh)
  expect(forecast).toMatchObject({ coverageByPush: 1, pushMs: 50, meanMs: 50, eventBytesPerSecond: 90_000 })
  expect(forecast.advertBytesPerSecond).toBe(400)
  expect(predictMesh({ ...mesh, loss: 0.1 }).meanMs).toBeGreaterThan(50)
  // Adverts alone: noticed after the delay and 250 ms, on its way 50, grace 40, asked and answered 100.
  expect(predictMesh({ ...mesh, loss: 1, eventsPerSecond: 0 }).meanMs).toBeCloseTo(
    50 + 250 + 50 + 40 + 100,
    6,
  )
})
