/** An own event between being made and being durable: the world may have moved on by then. */
import { expect, test } from 'vitest'
import { RECORD_RESUBMITTED } from '@hearsay/node'
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

for (const [name, beyond] of [
  ['nothing', 0],
  ['the first record', 1],
  ['both records', 2],
] as const) {
  test(`transactions of a stale event are in one later event, though a power cut leaves ${name} of it`, () => {
    const world = createWorld({ seed: 61, members: 4, roundsNonAncient: 4 })
    world.startAll()
    world.run(100)
    for (const other of [2, 3, 4]) world.cut(1, other)
    world.submit(1, 'once')
    world.run(100)
    for (let i = 0; i < 40; i++) {
      world.submit(2 + (i % 3), `meanwhile ${i}`)
      world.run(100)
    }
    world.slowDisk(1, 60_000)
    for (const other of [2, 3, 4]) world.heal(1, other)
    const node = world.node(1)
    const place = () => node.records.findIndex((record) => record.kind === RECORD_RESUBMITTED)
    for (let i = 0; place() < 0 && i < 500; i++) world.run(10)
    // The event and the record that goes with it, whichever comes first.
    expect(node.member.view().ownSequence).toBe(2)
    const first = Math.min(place(), node.records.length - 2)
    node.durable = first + beyond
    world.kill(1)
    world.slowDisk(1, 1)
    world.start(1)
    world.submit(1, 'again')
    world.run(5_000)
    world.submit(2, 'last')
    world.run(5_000)
    for (const id of [1, 2, 3, 4]) {
      const texts = orderedTexts(world, id)
      expect(texts.filter((text) => text === 'once')).toHaveLength(1)
      expect(texts).toHaveLength(43)
    }
    expect(selfBranches(world)).toBe(0)
  })
}
