/** A member that makes branch after branch: what is kept of it is bounded, and nobody honest is kept from going on. */
import { expect, test } from 'vitest'
import type { VerifiedEvent } from '@hearsay/dag'
import { createLiar } from './liar.ts'
import { createWorld, orderedTexts } from './world.ts'

const BRANCHES = 900

for (const seed of [3]) {
  test(`${BRANCHES} branches of one member, told to all, differently (seed ${seed})`, () => {
    const world = createWorld({ seed, members: 4 })
    const liar = createLiar(world, 4)
    for (const id of [1, 2, 3]) world.start(id)
    world.run(200)
    let branched = 0
    for (let i = 0; i < BRANCHES; i += 30) {
      for (const to of [1, 2, 3]) {
        const events: VerifiedEvent[] = []
        for (let k = 0; k < 10; k++, branched++) {
          const first = liar.event({})
          // Some go on: a second event over each branch.
          events.push(first, ...(k % 3 === 0 ? [liar.after(first)] : []))
        }
        liar.push(to, ...events)
      }
      if (i % 300 === 0) for (const id of [1, 2, 3]) world.submit(id, `${id}-${i}`)
      world.run(20)
    }
    world.run(10_000)
    expect(world.closedLinks).toEqual([])
    expect(branched).toBe(BRANCHES)
    const texts = orderedTexts(world, 1)
    expect(texts.length).toBe(9)
    for (const id of [2, 3]) expect(orderedTexts(world, id)).toEqual(texts)
    for (const id of [1, 2, 3]) {
      const { member, records } = world.node(id)
      const view = member.view()
      expect(view.branched).toContain(4)
      expect(member.branchProofs()).toHaveLength(1)
      // Honest members name at most one line each of a branched member.
      expect(records.filter(({ bytes }) => bytes.length > 60).length - view.orderedEvents).toBeLessThan(100)
      expect(view.waitingEvents).toBeLessThan(50)
      expect(view.counters.get('event-further-branch') ?? 0).toBeGreaterThan(250)
    }
  }, 60_000)
}
