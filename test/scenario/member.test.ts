import { expect, test } from 'vitest'
import { createWorld, orderedTexts, selfBranches, type World } from './world.ts'

function sorted(texts: readonly string[]): string[] {
  return texts.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

function expectSameLedger(world: World): void {
  const hashes = world.nodes().map((node) => node.blocks.at(-1)?.round)
  expect(new Set(hashes).size, `rounds ${hashes.join(' ')}`).toBe(1)
  // No honest member ever gives another a reason to close the link.
  expect(world.closedLinks).toEqual([])
}

test('an idle network makes no events; one submission wakes it, becomes final, and it is quiet again', () => {
  const world = createWorld({ seed: 1, members: 4 })
  world.startAll()
  world.run(60_000)
  expect(world.createdEvents()).toBe(0)
  world.submit(2, 'wake up')
  world.run(2_000)
  expect(world.node(2).finals).toHaveLength(1)
  const after = world.createdEvents()
  world.run(60_000)
  expect(world.createdEvents()).toBe(after)
  for (const { id } of world.nodes()) expect(orderedTexts(world, id)).toEqual(['wake up'])
  expectSameLedger(world)
})

for (const members of [1, 2, 3, 4, 7, 10]) {
  test(`${members} members order what all of them submit, each transaction once`, () => {
    const world = createWorld({ seed: 100 + members, members })
    world.startAll()
    const texts: string[] = []
    for (let i = 0; i < 60; i++) {
      texts.push(`tx ${i}`)
      world.submit(1 + (i % members), `tx ${i}`)
      world.run(7)
    }
    world.run(5_000)
    for (const { id } of world.nodes()) expect(sorted(orderedTexts(world, id))).toEqual(sorted(texts))
    expect(world.nodes().flatMap((node) => node.finals)).toHaveLength(60)
    expectSameLedger(world)
    expect(selfBranches(world)).toBe(0)
  })
}

test('with one of four members missing submissions become final; with two missing nothing does, until one returns', () => {
  const world = createWorld({ seed: 5, members: 4 })
  for (const id of [1, 2, 3]) world.start(id)
  world.run(200)
  world.submit(1, 'three are enough')
  world.run(2_000)
  expect(world.node(1).finals).toHaveLength(1)
  world.kill(3)
  world.submit(1, 'two are not')
  world.submit(2, 'nor here')
  world.run(30_000)
  expect(world.node(1).finals).toHaveLength(1)
  expect(world.node(2).finals).toHaveLength(0)
  const stuck = world.createdEvents()
  world.run(120_000)
  // Two that cannot decide do not fill their disks.
  expect(world.createdEvents() - stuck).toBeLessThan(30)
  world.start(4)
  world.run(5_000)
  expect(world.node(1).finals).toHaveLength(2)
  expect(world.node(2).finals).toHaveLength(1)
  world.start(3)
  world.run(5_000)
  expectSameLedger(world)
  expect(selfBranches(world)).toBe(0)
})

for (const seed of [11, 12, 13, 14, 15, 16]) {
  test(`members are killed at random and come back from what was durable (seed ${seed})`, () => {
    const world = createWorld({ seed, members: 4, roundsNonAncient: 8 })
    world.startAll()
    const submitted: string[] = []
    for (let i = 0; i < 120; i++) {
      const id = 1 + Math.floor(world.random() * 4)
      if (world.node(id).alive) {
        submitted.push(`tx ${i}`)
        world.submit(id, `tx ${i}`)
      }
      world.run(10 + world.random() * 40)
      const down = world.nodes().filter((node) => !node.alive)
      if (down.length > 0 && world.random() < 0.2) world.start(down[0]!.id)
      else if (down.length === 0 && world.random() < 0.1) world.kill(1 + Math.floor(world.random() * 4))
    }
    for (const node of world.nodes()) world.start(node.id)
    world.run(20_000)
    expectSameLedger(world)
    expect(selfBranches(world)).toBe(0)
    const texts = orderedTexts(world, 1)
    expect(new Set(texts).size, 'a transaction twice').toBe(texts.length)
    // What a killed member had not yet made durable is lost with it, and was never acknowledged.
    for (const node of world.nodes())
      for (const final of node.finals) expect(texts.length).toBeGreaterThan(final.position)
    expect(submitted.length - texts.length).toBeLessThan(12)
    for (const node of world.nodes()) expect(node.failure).toBeUndefined()
  })
}

test('an own event that went stale while a member was cut off is resubmitted once, also over a restart', () => {
  // With a window of 4 rounds the event that carries the transaction anew, made while the last of what was missed is still on
  // its way, can itself be ancient before the others have it; with 8 it is in time.
  const world = createWorld({ seed: 21, members: 4, roundsNonAncient: 8 })
  world.startAll()
  world.run(100)
  for (const other of [2, 3, 4]) world.cut(1, other)
  world.submit(1, 'cut off')
  world.run(100)
  for (let i = 0; i < 40; i++) {
    world.submit(2 + (i % 3), `meanwhile ${i}`)
    world.run(100)
  }
  for (const other of [2, 3, 4]) world.heal(1, other)
  world.run(5_000)
  expect(world.node(1).member.view().staleOwnEvents).toBe(1)
  expect(orderedTexts(world, 3).filter((text) => text === 'cut off')).toHaveLength(1)
  world.kill(1)
  world.start(1)
  world.run(5_000)
  expect(orderedTexts(world, 3).filter((text) => text === 'cut off')).toHaveLength(1)
  expect(orderedTexts(world, 3)).toHaveLength(41)
  expectSameLedger(world)
})

test('a member whose directory was wiped takes its own events over from the others before it makes one', () => {
  const world = createWorld({ seed: 31, members: 4 })
  world.startAll()
  world.submit(1, 'first')
  world.run(2_000)
  const before = world.node(1).member.view().durableSequence
  expect(before).toBeGreaterThan(0)
  // An old copy of the directory: everything is forgotten, the key is the same.
  world.kill(1)
  world.node(1).durable = 0
  world.start(1)
  world.submit(1, 'second')
  world.run(5_000)
  expect(world.node(1).failure).toBeUndefined()
  expect(selfBranches(world)).toBe(0)
  expect(world.node(1).member.view().durableSequence).toBeGreaterThan(before)
  // What its earlier life had submitted is not submitted again, also not by the life after.
  world.kill(1)
  world.start(1)
  world.submit(1, 'third')
  world.run(5_000)
  expect(orderedTexts(world, 3)).toEqual(['first', 'second', 'third'])
  expect(selfBranches(world)).toBe(0)
  expectSameLedger(world)
})

test('without a quorum of answers a wiped member makes no event, and what is submitted waits', () => {
  const world = createWorld({ seed: 32, members: 4 })
  world.startAll()
  world.submit(1, 'first')
  world.run(2_000)
  world.kill(1)
  world.node(1).durable = 0
  world.cut(1, 3)
  world.cut(1, 4)
  world.cut(2, 3)
  world.cut(2, 4)
  world.start(1)
  world.submit(1, 'second')
  world.run(10_000)
  expect(world.node(1).member.view().observing).toMatchObject({ answeredWeight: 2 })
  expect(world.node(1).member.view().poolTransactions).toBe(1)
  for (const a of [1, 2]) for (const b of [3, 4]) world.heal(a, b)
  world.run(10_000)
  expect(orderedTexts(world, 3)).toEqual(['first', 'second'])
  expect([world.node(1).member.view().observing, selfBranches(world)]).toEqual([undefined, 0])
})

test('an event of its own key that nobody of the quorum knew stops a member as soon as it comes', () => {
  const world = createWorld({ seed: 33, members: 5 })
  world.startAll()
  world.run(1_000)
  for (const other of [3, 4, 5]) for (const a of [1, 2]) world.cut(a, other)
  world.submit(1, 'known to one')
  world.run(1_000)
  expect(world.node(2).member.view().linkedEvents).toBeGreaterThan(0)
  world.kill(1)
  world.node(1).durable = 0
  world.cut(1, 2)
  for (const other of [3, 4, 5]) world.heal(1, other)
  world.start(1)
  world.submit(1, 'of the new life')
  world.run(3_000)
  expect(world.node(1).failure).toBeUndefined()
  world.heal(1, 2)
  world.run(3_000)
  expect(world.node(1).failure).toBe('E_DOUBLE_RUN')
})

test('partitions heal: a minority makes no progress, afterwards all have one ledger', () => {
  const world = createWorld({ seed: 41, members: 7 })
  world.startAll()
  world.run(100)
  for (const a of [1, 2]) for (const b of [3, 4, 5, 6, 7]) world.cut(a, b)
  for (let i = 0; i < 20; i++) {
    world.submit(1 + (i % 7), `tx ${i}`)
    world.run(50)
  }
  world.run(3_000)
  expect(world.node(1).finals).toHaveLength(0)
  expect(world.node(3).finals.length).toBeGreaterThan(0)
  for (const a of [1, 2]) for (const b of [3, 4, 5, 6, 7]) world.heal(a, b)
  world.run(10_000)
  expect(new Set(orderedTexts(world, 1)).size).toBe(20)
  expectSameLedger(world)
})
