/** An own event between being made and being durable: the world may have moved on by then. */
import { expect, test } from 'vitest'
import { createWorld, orderedTexts, selfBranches } from './world.ts'

test('an own event that is ancient before it is durable is never branched from', () => {
  const world = createWorld({ seed: 51, members: 4, roundsNonAncient: 4 })
  world.startAll()
  world.run(100)
  world.slowDisk(1, 4_000)
  world.submit(1, 'on a slow disk')
  world.run(10)
  expect(world.node(1).member.view().ownSequence).toBe(1)
  for (let i = 0; i < 40; i++) {
    world.submit(2 + (i % 3), `meanwhile ${i}`)
    world.run(100)
  }
  world.slowDisk(1, 1)
  world.run(1_000)
  const { ancientThreshold } = world.node(1).member.view()
  expect(ancientThreshold).toBeGreaterThan(1)
  world.submit(1, 'next')
  world.run(10_000)
  expect(selfBranches(world)).toBe(0)
  expect(orderedTexts(world, 2).filter((text) => text === 'on a slow disk')).toHaveLength(1)
  expect(orderedTexts(world, 2).filter((text) => text === 'next')).toHaveLength(1)
  expect(world.closedLinks).toEqual([])
  // Started again, it knows which event is its newest, and that its transactions are in another one.
  world.kill(1)
  world.start(1)
  world.submit(1, 'after the start')
  world.run(3_000)
  expect(world.node(1).failure).toBeUndefined()
  expect(selfBranches(world)).toBe(0)
  expect(orderedTexts(world, 2)).toHaveLength(43)
  for (const node of world.nodes()) expect(node.member.view().branched).toEqual([])
})
