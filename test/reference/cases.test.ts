/**
 * Small graphs kept for good: on each something worth testing happens (its name says what; made by scripts/shrink-case.ts), or
 * an engine and the model once differed. They do not depend on the generators.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { compare } from './compare.ts'
import type { Dag } from './dag.ts'
import { MUST_HAPPEN } from './differential.ts'
import { orderByEngine } from './engine.ts'

const folder = new URL('./cases/', import.meta.url)
const dags = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .toSorted()
  .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Dag)

describe('graphs kept for good', () => {
  for (const dag of dags) {
    it(dag.name, () => {
      const { reference, difference } = compare(dag, orderByEngine)
      expect(difference).toBe(null)
      expect(reference.expected).toEqual(dag.expected)
      for (const mark of MUST_HAPPEN)
        if (dag.name.startsWith(`${mark} (`)) expect(reference.marks.has(mark)).toBe(true)
    })
  }

  it('show everything that must happen', () => {
    const shown = dags.map((dag) => dag.name)
    expect(MUST_HAPPEN.filter((mark) => !shown.some((name) => name.startsWith(`${mark} (`)))).toEqual([])
  })
})
