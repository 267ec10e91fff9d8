/** A member that makes valid events without end (reliability: M11): little of it is held, and nobody honest is kept from going on. */
import { expect, test } from 'vitest'
import { MAX_FRAME_BYTES } from '@hearsay/gossip'
import { peekEvent, type VerifiedEvent } from '@hearsay/dag'
import { MAX_OPEN_EVENTS } from '@hearsay/node'
import { createLiar } from './liar.ts'
import { createWorld, orderedTexts } from './world.ts'

const EVENTS = 1_200

for (const backwards of [false, true]) {
  test(`${EVENTS} events of one member, ${backwards ? 'the last first' : 'in their order'}`, () => {
    const world = createWorld({ seed: 5, members: 4 })
    const chain: VerifiedEvent[] = []
    let answers = false
    // Later it answers when it is asked for more, as one does who wants to be heard.
    const liar = createLiar(world, 4, (from, frame) => {
      if (frame.kind !== 'want' || !answers) return
      const beyond = chain.filter(({ sequence }) => sequence > (frame.frontier.get(4) ?? 0)).slice(0, 100)
      liar.send(from, { kind: 'events', request: frame.request, events: beyond.map(({ bytes }) => bytes) })
      liar.send(from, { kind: 'want-end', request: frame.request, complete: true })
    })
    // Two of four and it: nothing can be decided, so nothing is renewed.
    for (const id of [1, 2]) world.start(id)
    world.run(200)
    chain.push(liar.event({}))
    while (chain.length < EVENTS) chain.push(liar.after(chain.at(-1)!))
    const bytes = chain.reduce((sum, event) => sum + event.bytes.length, 0)
    expect(bytes).toBeLessThan(MAX_FRAME_BYTES)
    const told = backwards ? chain.toReversed() : chain
    for (let i = 0; i < EVENTS; i += 100) for (const to of [1, 2]) liar.push(to, ...told.slice(i, i + 100))
    world.run(60)
    const heldOf4 = (id: number): number =>
      world.node(id).records.filter(({ kind, bytes: each }) => kind === 1 && peekEvent(each).creator === 4)
        .length
    for (const id of [1, 2]) {
      const { counters, waitingEvents } = world.node(id).member.view()
      // In order: the bound and the burst. Backwards: those that waited go in at once, and no more of them than may wait.
      const most = backwards ? 1_024 : MAX_OPEN_EVENTS + 8
      expect(heldOf4(id) + waitingEvents).toBe(most)
      expect(counters.get('event-too-many')).toBe(EVENTS - most)
    }
    answers = true
    world.start(3)
    world.run(100)
    liar.status(3, new Map([[4, EVENTS]]))
    for (const id of [1, 2, 3]) world.submit(id, `from ${id}`)
    world.run(20_000)
    const texts = orderedTexts(world, 1)
    expect(texts.toSorted()).toEqual(['from 1', 'from 2', 'from 3'])
    for (const id of [2, 3]) expect(orderedTexts(world, id)).toEqual(texts)
    expect(world.closedLinks).toEqual([])
  }, 60_000)
}
