/** What one member that lies can do to the others: nothing that lasts. */
import { expect, test } from 'vitest'
import { encodeFrame } from '@hearsay/gossip'
import { createLiar } from './liar.ts'
import { createWorld, orderedTexts, suite, type World } from './world.ts'

const LIAR = 4
const HONEST = [1, 2, 3]

function startHonest(world: World): void {
  for (const id of HONEST) world.start(id)
}

/** Submits at every honest member in turn, a transaction each 50 ms. */
function submitAround(world: World, count: number, name = 'tx'): string[] {
  const texts: string[] = []
  for (let i = 0; i < count; i++) {
    texts.push(`${name} ${i}`)
    world.submit(HONEST[i % HONEST.length]!, `${name} ${i}`)
    world.run(50)
  }
  return texts
}

function expectOrdered(world: World, texts: readonly string[]): void {
  for (const id of HONEST)
    expect(orderedTexts(world, id).filter((text) => texts.includes(text))).toHaveLength(texts.length)
  expect(world.closedLinks).toEqual([])
  for (const id of HONEST) expect(world.node(id).failure).toBeUndefined()
}

test('a branch shown in two versions does not keep honest members apart, however much else the liar sends', () => {
  const world = createWorld({ seed: 71, members: 4 })
  startHonest(world)
  const liar = createLiar(world, LIAR)
  liar.connect()
  world.run(200)
  const one = liar.event({ transactions: [Uint8Array.of(1)] })
  const two = liar.event({ transactions: [Uint8Array.of(2)] })
  liar.push(1, one)
  for (const to of [2, 3]) liar.push(to, two)
  // New events all the time, that everybody can link: whoever measures progress by growth is content.
  let tip = liar.after(one)
  const noise = (): void => {
    for (const to of HONEST) liar.push(to, tip)
    tip = liar.after(tip)
    world.after(3, noise)
  }
  world.after(3, noise)
  const texts = submitAround(world, 20)
  // The liar does not answer either: whoever asks it first has lost a second.
  world.run(6_000)
  expectOrdered(world, texts)
  for (const id of HONEST) expect(world.node(id).member.view().branched).toEqual([LIAR])
})

test('a sequence number from nowhere does not hide the events before it', () => {
  const world = createWorld({ seed: 72, members: 4, roundsNonAncient: 4 })
  startHonest(world)
  const liar = createLiar(world, LIAR)
  liar.connect()
  world.run(200)
  const early = liar.event({})
  for (const to of HONEST) liar.push(to, early)
  submitAround(world, 40, 'early')
  const { ancientThreshold, round } = world.node(1).member.view()
  expect(ancientThreshold).toBeGreaterThan(3)
  // Its self-parent is ancient: whatever it says of it cannot be checked.
  const jump = liar.after(early, { sequence: 2 ** 47, birthRound: round })
  const plain = liar.after(early, { birthRound: round })
  liar.push(1, jump)
  for (const to of [2, 3]) liar.push(to, plain)
  const texts = submitAround(world, 20)
  world.run(3_000)
  expectOrdered(world, texts)
})

/** A parent that does not exist. */
const nowhere = (creator: number, number: number) => ({
  creator,
  birthRound: 1,
  id: suite.sha256(Uint8Array.of(creator, number >> 8, number & 255)),
})

test('orphans, events of the future and endless frontiers change nothing for the others', () => {
  const world = createWorld({ seed: 73, members: 4 })
  startHonest(world)
  const liar = createLiar(world, LIAR)
  liar.connect()
  world.run(100)
  let sent = 0
  const noise = (): void => {
    for (const to of HONEST) {
      sent += 1
      liar.push(
        to,
        liar.event({ otherParents: [1, 2, 3].map((creator) => nowhere(creator, sent)) }),
        liar.event({ birthRound: 2 + (sent % 2_000) }),
        liar.event({ sequence: 2, selfParent: { creator: LIAR, birthRound: 1, id: nowhere(4, sent).id } }),
      )
      liar.status(to, new Map([1, 2, 3, 4].map((creator) => [creator, 2 ** 40 + sent])), 2 ** 40)
    }
    world.after(40, noise)
  }
  noise()
  const texts = submitAround(world, 30)
  world.run(3_000)
  expectOrdered(world, texts)
  for (const id of HONEST) {
    expect(world.node(id).finals).toHaveLength(10)
    expect(world.node(id).member.view().isBehind).toBe(false)
    // Timers go off for work, not for lies.
    expect(world.node(id).ticks).toBeLessThan(3_000)
  }
})

test('a member that comes back catches up, though a liar sits on its requests', () => {
  const world = createWorld({ seed: 74, members: 7, roundsNonAncient: 8 })
  const others = [1, 2, 3, 4, 5]
  for (const id of [...others, 6]) world.start(id)
  const requests = new Map<number, number>()
  const liar = createLiar(world, 7, (from, frame) => {
    if (frame.kind === 'want') requests.set(from, frame.request)
  })
  liar.connect()
  world.run(100)
  for (const other of others) world.cut(6, other)
  // It always has more to say and never says it.
  let lie = 2 ** 40
  const drip = (): void => {
    liar.status(6, new Map([[1, lie++]]))
    liar.send(6, { kind: 'events', request: requests.get(6) ?? 0, events: [] })
    world.after(500, drip)
  }
  drip()
  for (let i = 0; i < 60; i++) {
    world.submit(1 + (i % 5), `tx ${i}`)
    world.run(50)
  }
  world.run(2_000)
  for (const other of others) world.heal(6, other)
  world.run(20_000)
  expect(orderedTexts(world, 6)).toHaveLength(60)
  expect(world.closedLinks).toEqual([])
})

test('an event that does not fit its parents is not taken, and no link is closed for it: a relay may hold them to be ancient', () => {
  const world = createWorld({ seed: 75, members: 4 })
  startHonest(world)
  const liar = createLiar(world, LIAR)
  liar.connect()
  world.run(100)
  const parent = liar.event({})
  for (const to of HONEST) liar.push(to, parent)
  world.run(100)
  const misfit = liar.after(parent, { sequence: 9 })
  const frame = encodeFrame({ kind: 'events', request: 0, events: [misfit.bytes] })
  world.input(1, { kind: 'frame', link: 2, bytes: frame })
  world.run(100)
  expect(world.closedLinks).toEqual([])
  liar.push(1, misfit)
  world.run(100)
  expect(world.closedLinks).toEqual([])
  expect(world.node(1).member.view().counters.get('event-parent-mismatch')).toBe(2)
  const texts = submitAround(world, 9)
  world.run(2_000)
  for (const id of HONEST) expect(orderedTexts(world, id).toSorted()).toEqual(texts.toSorted())
})
