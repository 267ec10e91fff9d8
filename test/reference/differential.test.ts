/**
 * 1,000 seeded graphs, engine against model: as made, in another insertion order, and from the snapshot of every
 * decided round; and all that with the unanimous fast path, which must decide the same rounds and none later. More of them: `node scripts/differential.ts --seeds 20000`.
 */
import { describe, expect, it } from 'vitest'
import { runSeed, MUST_HAPPEN } from './differential.ts'
import type { Coverage } from './differential.ts'
import { orderByEngine } from './engine.ts'

const GRAPHS = 1000
const BATCH = 100

describe('the engine orders as the reference model does', () => {
  const coverage: Coverage = new Map()
  let graphs = 0
  let fastRounds = 0
  for (let from = 1; from <= GRAPHS; from += BATCH) {
    it(`seeds ${from} to ${from + BATCH - 1}`, () => {
      const failures: string[] = []
      for (let seed = from; seed < from + BATCH && failures.length < 3; seed++) {
        const { failure, ...outcome } = runSeed(seed, orderByEngine, coverage)
        if (failure !== null) failures.push(failure)
        fastRounds += outcome.fastRounds
        graphs++
      }
      expect(failures.join('\n')).toBe('')
    })
  }

  it('and the graphs met everything that they are there for', () => {
    expect(graphs).toBe(GRAPHS)
    expect(MUST_HAPPEN.filter((name) => !coverage.has(name))).toEqual([])
    expect(fastRounds).toBeGreaterThan(1000)
  })
})
