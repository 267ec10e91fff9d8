/** Members that go on from a snapshot and the end of their records are as those that replay all of it. */
import { equalBytes } from '@hearsay/dag'
import { RECORD_RESUBMITTED } from '@hearsay/node'
import { expect, test } from 'vitest'
import { createWorld, orderedTexts, selfBranches } from './world.ts'

for (const seed of [101, 102, 103, 104, 105, 106]) {
  test(`members are killed at random and come back from snapshots of random moments (seed ${seed})`, () => {
    const world = createWorld({ seed, members: 4, roundsNonAncient: 6 })
    world.startAll()
    let restored = 0
    for (let i = 0; i < 150; i++) {
      const id = 1 + Math.floor(world.random() * 4)
      if (world.node(id).alive) world.submit(id, `tx ${i}`)
      world.run(10 + world.random() * 40)
      for (const node of world.nodes())
        if (node.alive && node.blocks.length > 0 && world.random() < 0.1) world.snapshot(node.id)
      const down = world.nodes().filter((node) => !node.alive)
      if (down.length > 0 && world.random() < 0.2) {
        if (down[0]!.snapshot !== undefined) restored += 1
        world.start(down[0]!.id)
      } else if (down.length === 0 && world.random() < 0.1) world.kill(1 + Math.floor(world.random() * 4))
    }
    for (const node of world.nodes()) world.start(node.id)
    world.run(20_000)
    expect(restored).toBeGreaterThan(2)
    const rounds = world.nodes().map((node) => node.blocks.at(-1)!)
    for (const each of rounds)
      expect(equalBytes(each.hash, rounds[0]!.hash), `rounds ${each.round}`).toBe(true)
    expect(selfBranches(world)).toBe(0)
    const texts = orderedTexts(world, 1)
    expect(new Set(texts).size, 'a transaction twice').toBe(texts.length)
    for (const node of world.nodes()) {
      expect(node.failure).toBeUndefined()
      // What was ordered before the snapshot does not count as work any more: the network is quiet.
      expect(node.member.view().undecidedEvents).toBe(0)
    }
    expect(world.closedLinks).toEqual([])
  })
}

test('transactions of a stale event wait again after a restart from a snapshot, and only as long as nothing carries them', () => {
  const world = createWorld({ seed: 111, members: 4, roundsNonAncient: 4 })
  world.startAll()
  world.run(100)
  for (const other of [2, 3, 4]) world.cut(1, other)
  world.submit(1, 'cut off')
  world.run(100)
  for (let i = 0; i < 40; i++) {
    world.submit(2 + (i % 3), `meanwhile ${i}`)
    world.run(100)
  }
  world.input(1, { kind: 'creating', allowed: false })
  for (const other of [2, 3, 4]) world.heal(1, other)
  world.run(3_000)
  expect(world.node(1).member.view().staleOwnEvents).toBe(1)
  expect(world.node(1).records.some((record) => record.kind === RECORD_RESUBMITTED)).toBe(false)
  world.snapshot(1)
  world.submit(2, 'makes it durable')
  world.run(3_000)
  world.node(1).durable = world.node(1).records.length
  world.run(10)
  expect(world.node(1).snapshot).toBeDefined()
  for (let again = 0; again < 3; again++) {
    world.kill(1)
    world.start(1)
    world.run(5_000)
    expect(orderedTexts(world, 3).filter((text) => text === 'cut off')).toHaveLength(1)
    expect(selfBranches(world)).toBe(0)
    if (world.node(1).blocks.length > 0) world.snapshot(1)
  }
})
