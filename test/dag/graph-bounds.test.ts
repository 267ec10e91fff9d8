/** What a graph keeps: long chains, floods, and what is ancient. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import type { Graph, LinkedEvent } from '@hearsay/dag'
import { drain, MEMBERS, newGraph, offer } from './graphing.ts'
import { createMaker, refer, unsigned } from './making.ts'

const maker = createMaker(MEMBERS, unsigned)

const idOf = (number: number): Uint8Array => {
  const id = new Uint8Array(32)
  new DataView(id.buffer).setUint32(0, number)
  return id
}

describe('chains', () => {
  const COUNT = 100_000
  const chain = [maker.event({ creator: 1 })]
  while (chain.length < COUNT) chain.push(maker.child(chain.at(-1)!))

  test('a chain delivered in reverse waits within the bounds, and is linked when it is offered again', () => {
    const graph = newGraph()
    for (let i = COUNT - 1; i > 0; i--) graph.offer(chain[i]!, 2)
    expect(drain(graph)).toEqual([])
    expect(graph.waitingCount()).toBe(4_096)
    expect(graph.evictedCount()).toBe(COUNT - 1 - 4_096)
    expect(graph.missing(2, 10)).toEqual([refer(chain[0]!)])
    graph.offer(chain[0]!, 2)
    // No stack holds that many; and the first of them brings all that still waits.
    expect(drain(graph)).toHaveLength(4_097)
    for (const event of chain) offer(graph, event, 2)
    expect(graph.linkedCount()).toBe(COUNT)
    expect(graph.waitingCount()).toBe(0)
    expect(graph.waitingBytes()).toBe(0)
    expect(graph.sequenceOf(1)).toBe(COUNT)
  })

  test('with room for all of it one event releases a hundred thousand', () => {
    const graph = newGraph({ eventsPerSource: COUNT, bytesPerSource: 2 ** 40, bytesTotal: 2 ** 40 })
    for (let i = COUNT - 1; i > 0; i--) graph.offer(chain[i]!, 2)
    expect(graph.waitingCount()).toBe(COUNT - 1)
    expect(graph.offer(chain[0]!, 2)).toBe('ready')
    const linked = drain(graph)
    expect(linked).toHaveLength(COUNT)
    expect(linked.every((each, i) => each.event === chain[i] && each.selfParent === i - 1)).toBe(true)
  })
})

test('200,000 events leave no more behind than are not ancient', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const graph = newGraph()
  const tips = [1, 2, 3, 4].map((creator) => maker.event({ creator }))
  for (const tip of tips) offer(graph, tip)
  let early: WeakRef<LinkedEvent> | undefined
  let most = 0
  for (let round = 2; round < 2_000; round++) {
    graph.advance(Math.max(1, round - 25), round)
    for (let i = 0; i < 100; i++) {
      const slot = i % 4
      const others = [tips[(slot + 1) % 4]!]
      tips[slot] = maker.child(tips[slot]!, others, { birthRound: round })
      if (graph.offer(tips[slot], 1 + slot) !== 'ready') throw new Error(`round ${round}: not ready`)
      const linked = graph.next()!
      if (round === 50) early ??= new WeakRef(linked)
      most = Math.max(most, graph.linkedCount())
    }
  }
  expect(graph.sequenceOf(1)).toBe(1 + 25 * 1_998)
  expect(most).toBe(26 * 100)
  // Within one turn of the loop a weak reference keeps what it was asked for.
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  expect(early!.deref()).toBeUndefined()
})

describe('floods', () => {
  const first = maker.event({ creator: 1 })
  const second = maker.child(first)
  const third = maker.child(second)
  const flood = (graph: Graph, source: number, count: number, parents = 1): void => {
    for (let i = 0; i < count; i++) {
      const otherParents = Array.from({ length: parents }, (_, p) => ({
        creator: 100 + p,
        birthRound: 1,
        id: idOf(1_000_000 + i * parents + p),
      }))
      graph.offer(maker.event({ creator: 4, otherParents }), source)
    }
  }

  test('cost the flooder its own place and nobody else an event', () => {
    const graph = newGraph()
    for (const event of [third, second]) expect(offer(graph, event)).toBe('waiting')
    flood(graph, 4, 10_000)
    expect(graph.waitingCount()).toBe(4_096 + 2)
    expect(graph.evictedCount()).toBe(10_000 - 4_096)
    graph.offer(first, 1)
    expect(drain(graph).map((each) => each.event)).toEqual([first, second, third])
  })

  test('are bounded in total as well; the fullest source pays', () => {
    const limits = { eventsPerSource: 1_000, bytesPerSource: 2 ** 30, bytesTotal: 2_000_000 }
    const graph = newGraph(limits)
    for (const event of [third, second]) offer(graph, event)
    for (let source = 10; source < 60; source++) {
      flood(graph, source, 200)
      expect(graph.waitingBytes()).toBeLessThanOrEqual(2_000_000)
    }
    graph.offer(first, 1)
    expect(drain(graph).map((each) => each.event)).toEqual([first, second, third])
  })

  test('count what they wait for: references take memory as well', () => {
    const graph = newGraph({ bytesPerSource: 1_000_000 })
    flood(graph, 4, 500, 127)
    expect(graph.waitingBytes()).toBeLessThanOrEqual(1_000_000)
    // Some 5 KB of references a piece, and ten times as much to remember who waits for whom.
    expect(graph.waitingCount()).toBeLessThan(20)
  })

  test('do not push out an event that somebody else brought too', () => {
    const graph = newGraph()
    expect(offer(graph, second, 4)).toBe('waiting')
    expect(offer(graph, second, 1)).toBe('duplicate')
    expect(graph.offerAgain(second.key, 2)).toBe(true)
    flood(graph, 4, 5_000)
    expect(graph.has(second.key)).toBe(true)
    expect(offer(graph, second, 4)).toBe('duplicate')
    flood(graph, 4, 5_000)
    graph.offer(first, 2)
    expect(drain(graph).map((each) => each.event)).toEqual([first, second])
    expect(graph.offerAgain(second.key, 2)).toBe(false)
    expect(graph.offerAgain(third.key, 2)).toBe(false)
  })

  test('what was pushed out is taken in when it comes again', () => {
    const graph = newGraph()
    expect(offer(graph, second, 4)).toBe('waiting')
    flood(graph, 4, 4_096)
    expect(graph.has(second.key)).toBe(false)
    expect(offer(graph, second, 4)).toBe('waiting')
    graph.offer(first, 1)
    expect(drain(graph).map((each) => each.event)).toEqual([first, second])
  })

  test('do not hide what is really missing from whom it is missing', () => {
    const graph = newGraph()
    flood(graph, 4, 1_000)
    // The same parent under a wrong name, and under a birth round that will soon be ancient.
    const wrong = [
      { creator: 2, birthRound: 1, id: first.id },
      { creator: 3, birthRound: 1, id: first.id },
    ]
    expect(offer(graph, maker.event({ creator: 4, otherParents: wrong }), 4)).toBe('waiting')
    expect(offer(graph, second, 1)).toBe('waiting')
    expect(graph.missing(1, 64)).toEqual([refer(first)])
    expect(graph.missing(2, 64)).toEqual([])
    expect(graph.missing(4, 64)).toHaveLength(64)
    // An event that waits here because of another is the source's to bring, until it has.
    expect(offer(graph, third, 2)).toBe('waiting')
    expect(graph.missing(2, 64)).toEqual([refer(second)])
    expect(offer(graph, second, 2)).toBe('duplicate')
    expect(graph.missing(2, 64)).toEqual([refer(first)])
    offer(graph, first, 3)
    for (const source of [1, 2, 3]) expect(graph.missing(source, 64)).toEqual([])
  })
})
