import { describe, expect, test } from 'vitest'
import {
  bytesKey,
  decodeEvent,
  FUTURE_HORIZON_ROUNDS,
  verifyBranchProof,
  verifyEvent,
  type LinkedEvent,
  type VerifiedEvent,
} from '@hearsay/dag'
import { drain, MEMBERS, newGraph, offer } from './graphing.ts'
import { createMaker, refer, seedOf, suite, unsigned } from './making.ts'
import { createRandom } from './random.ts'

const signed = createMaker(MEMBERS)
const maker = createMaker(MEMBERS, unsigned)

describe('parents that are not as the event says', () => {
  const early = maker.event({ creator: 1, birthRound: 3, timestamp: 50 })
  const parent = maker.child(early, [], { birthRound: 5, timestamp: 100 })
  const other = maker.event({ creator: 2, birthRound: 5 })
  const self = refer(parent)
  const honest = {
    creator: 1,
    sequence: 3,
    birthRound: 6,
    timestamp: 101,
    selfParent: self,
    otherParents: [],
  }
  const lies = {
    'the sequence number is too high': { ...honest, sequence: 4 },
    'the sequence number is too low': { ...honest, sequence: 2 },
    'the time is not later': { ...honest, timestamp: 100 },
    'the birth round is another': { ...honest, selfParent: { ...self, birthRound: 4 } },
    'the birth round is a later one': { ...honest, selfParent: { ...self, birthRound: 6 } },
    "the self-parent is another's event": { ...honest, selfParent: { ...refer(other), creator: 1 } },
    'the other-parent is by another': { ...honest, otherParents: [{ ...refer(other), creator: 3 }] },
    'the other-parent was born in another round': {
      ...honest,
      otherParents: [{ ...refer(other), birthRound: 4 }],
    },
  }

  for (const [name, lie] of Object.entries(lies)) {
    test(`${name}: refused, before and after the parents come`, () => {
      const graph = newGraph()
      graph.advance(1, 10)
      for (const event of [early, parent, other]) expect(offer(graph, event)).toBe('ready')
      expect(offer(graph, maker.event(lie))).toBe('parent-mismatch')
      expect(offer(graph, maker.event(honest))).toBe('ready')

      const late = newGraph()
      late.advance(1, 10)
      const bent = maker.event(lie)
      expect(offer(late, bent)).toBe('waiting')
      for (const event of [early, parent, other]) offer(late, event)
      expect(late.has(bent.key)).toBe(false)
      expect(late.linkedCount()).toBe(3)
      expect(late.waitingCount()).toBe(0)
    })
  }

  test('what an ancient parent was like matters to nobody, whether it is held or not', () => {
    for (const [name, lie] of Object.entries(lies)) {
      if (name.includes('other-parent')) continue
      const event = maker.event(lie)
      const threshold = event.selfParent!.birthRound + 1
      if (threshold > event.birthRound) continue
      const holder = newGraph()
      holder.advance(1, 10)
      for (const each of [early, parent, other]) offer(holder, each)
      const stranger = newGraph()
      stranger.advance(1, 10)
      expect(offer(stranger, event)).toBe('waiting')
      for (const graph of [holder, stranger]) graph.advance(threshold, 10)
      expect(offer(holder, event), name).toBe('ready')
      drain(stranger)
      for (const graph of [holder, stranger]) {
        const linked = graph.get(event.key)!
        expect(linked.selfParent, name).toBe(-1)
        expect([...linked.seen]).toEqual([event.sequence, 0, 0, 0])
      }
    }
  })
})

describe('ancient and future', () => {
  test('ancient events are not taken in; what waited for them alone is linked without them', () => {
    const parent = maker.event({ creator: 1, birthRound: 2 })
    const other = maker.event({ creator: 2, birthRound: 6 })
    const child = maker.child(parent, [other])
    const waiting = newGraph()
    waiting.advance(1, 9)
    expect(offer(waiting, child)).toBe('waiting')
    expect(offer(waiting, other)).toBe('ready')
    expect(waiting.missing(1, 9)).toEqual([refer(parent)])
    waiting.advance(3, 9)
    expect(drain(waiting).map((each) => [each.event, each.selfParent, each.otherParents])).toEqual([
      [child, -1, [0]],
    ])
    expect(offer(waiting, parent)).toBe('ancient')
    waiting.advance(7, 9)
    expect(waiting.linkedCount()).toBe(0)
    expect(offer(waiting, child)).toBe('ancient')
    expect(waiting.sequenceOf(1)).toBe(2)
  })

  test('what waits and becomes ancient is dropped', () => {
    const graph = newGraph()
    graph.advance(1, 9)
    const orphan = maker.event({
      creator: 1,
      birthRound: 2,
      otherParents: [{ creator: 2, birthRound: 2, id: seedOf(99) }],
    })
    const child = maker.event({ creator: 3, birthRound: 5, otherParents: [refer(orphan)] })
    for (const event of [orphan, child]) expect(offer(graph, event)).toBe('waiting')
    graph.advance(3, 9)
    expect(drain(graph).map((each) => each.event)).toEqual([child])
    expect(graph.waitingCount()).toBe(0)
    expect(graph.waitingBytes()).toBe(0)
  })

  test('an event waits for its birth round, its children with it; one too far ahead is not kept', () => {
    const graph = newGraph()
    const future = maker.event({ creator: 1, birthRound: 7 })
    const child = maker.child(future)
    for (const event of [future, child]) expect(offer(graph, event)).toBe('waiting')
    expect(graph.missing(1, 9)).toEqual([])
    graph.advance(1, 6)
    expect(drain(graph)).toEqual([])
    graph.advance(1, 7)
    expect(drain(graph).map((each) => each.event)).toEqual([future, child])
    const edge = 7 + FUTURE_HORIZON_ROUNDS
    expect(offer(graph, maker.event({ creator: 2, birthRound: edge }))).toBe('waiting')
    expect(offer(graph, maker.event({ creator: 2, birthRound: edge + 1 }))).toBe('too-far-ahead')
    expect(offer(graph, maker.event({ creator: 2, birthRound: 2 ** 48 - 1 }))).toBe('too-far-ahead')
    expect(graph.waitingCount()).toBe(1)
  })

  test('twenty thousand events of the future are no more than a flood', () => {
    const graph = newGraph()
    for (let i = 0; i < 20_000; i++)
      graph.offer(maker.event({ creator: 4, birthRound: 2 + (i % FUTURE_HORIZON_ROUNDS) }), 4)
    expect(graph.waitingCount()).toBe(4_096)
  })

  test('the thresholds never fall', () => {
    const graph = newGraph()
    graph.advance(3, 7)
    expect(() => graph.advance(2, 7)).toThrow('invariant')
    expect(() => graph.advance(3, 6)).toThrow('invariant')
  })
})

test('strangers', () => {
  const graph = newGraph({}, 3)
  expect(offer(graph, maker.event({ creator: 4 }))).toBe('unknown-creator')
  expect(graph.sequenceOf(4)).toBe(Infinity)
  expect(graph.tip(4)).toBeUndefined()
  expect(graph.slotOf(4)).toBeUndefined()
})

describe('branches', () => {
  const root = signed.event({ creator: 3 })
  const left = signed.child(root)
  const right = signed.child(root, [signed.event({ creator: 1 })])

  test('are kept, proved once, and the first tip stays', () => {
    const graph = newGraph()
    const base = signed.event({ creator: 1 })
    const branch = signed.child(root, [base])
    for (const event of [root, left, base]) expect(offer(graph, event)).toBe('ready')
    expect(graph.hasBranched(3)).toBe(false)
    expect(offer(graph, branch)).toBe('ready')
    expect(offer(graph, signed.child(root))).toBe('ready')
    expect(graph.linkedCount()).toBe(5)
    expect(graph.hasBranched(3)).toBe(true)
    expect(graph.tip(3)!.event).toBe(left)
    expect(graph.branchProofs()).toHaveLength(1)
    const [proof] = graph.branchProofs()
    expect(verifyBranchProof(proof!, signed.networkId, signed.keyOf, suite)).toBe(3)
    // A branch may grow beyond the other.
    const grown = signed.child(branch)
    expect(offer(graph, grown)).toBe('ready')
    expect(graph.tip(3)!.event).toBe(grown)
    expect(graph.branchProofs()).toEqual([proof])
  })

  test('a second first event is a branch too', () => {
    const graph = newGraph()
    for (const event of [signed.event({ creator: 2 }), signed.event({ creator: 2 })]) offer(graph, event)
    expect(graph.hasBranched(2)).toBe(true)
    expect(graph.hasBranched(1)).toBe(false)
  })

  test('an event that waits for a branch names it', () => {
    const graph = newGraph()
    for (const event of [root, left]) offer(graph, event)
    const child = signed.event({ creator: 2, otherParents: [refer(right)] })
    expect(offer(graph, child)).toBe('waiting')
    expect(graph.missing(2, 64)).toEqual([refer(right)])
  })
})

test('a bad copy does not keep the good one out', () => {
  const graph = newGraph()
  const good = signed.event({ creator: 1, transactions: [Uint8Array.of(1, 2, 3)] })
  const receive = (bytes: Uint8Array): string => {
    const decoded = decodeEvent(bytes, signed.networkId, suite.sha256)
    if (!decoded.ok) return decoded.reason
    const checked = verifyEvent(decoded.event, signed.keyOf, suite)
    return checked.ok ? offer(graph, checked.event) : checked.reason
  }
  for (const at of [good.bodyBytes, good.bodyBytes + 63, good.bytes.length - 1]) {
    const bad = good.bytes.slice()
    bad[at]! ^= 1
    expect(receive(bad)).toMatch(/^event-(signature|payload)$/)
    expect(graph.has(good.key)).toBe(false)
  }
  expect(receive(good.bytes)).toBe('ready')
  expect(receive(good.bytes)).toBe('duplicate')
  expect(graph.linkedCount()).toBe(1)
})

test('random graphs in random orders through a small room are linked as they are', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = createRandom(seed)
    const events: VerifiedEvent[] = []
    const tips: VerifiedEvent[] = []
    for (let i = 0; i < 150; i++) {
      const creator = 1 + random.below(MEMBERS)
      const others = tips.filter(
        (tip) => tip !== undefined && tip.creator !== creator && random.below(3) === 0,
      )
      const parent = tips[creator]
      const event =
        parent === undefined
          ? maker.event({ creator, otherParents: others.map(refer) })
          : maker.child(parent, others)
      events.push(event)
      // Now and then two versions.
      if (parent !== undefined && random.below(20) === 0) events.push(maker.child(parent))
      tips[creator] = event
    }
    const graph = newGraph({ eventsPerSource: 20 })
    const linked: LinkedEvent[] = []
    for (let turn = 0; graph.linkedCount() < events.length; turn++) {
      expect(turn, `seed ${seed}`).toBeLessThan(200)
      const order = events.map((event) => ({ event, at: random.below(1_000) }))
      for (const { event } of order.sort((a, b) => a.at - b.at)) {
        graph.offer(event, 1 + random.below(3))
        linked.push(...drain(graph))
      }
    }
    const byKey = new Map(linked.map((each) => [each.event.key, each]))
    const ancestors = new Map<LinkedEvent, Set<LinkedEvent>>()
    for (const [index, each] of linked.entries()) {
      expect(each.index).toBe(index)
      const parents = [each.event.selfParent, ...each.event.otherParents].flatMap((reference) =>
        reference === undefined ? [] : [byKey.get(bytesKey(reference.id))!],
      )
      const own = each.event.selfParent === undefined ? -1 : parents[0]!.index
      expect(each.selfParent).toBe(own)
      expect(each.otherParents).toEqual(parents.slice(own < 0 ? 0 : 1).map((parent) => parent.index))
      const all = new Set([each, ...parents.flatMap((parent) => [...ancestors.get(parent)!])])
      ancestors.set(each, all)
      const seen = new Float64Array(MEMBERS)
      for (const { event } of all)
        seen[event.creator - 1] = Math.max(seen[event.creator - 1]!, event.sequence)
      expect(each.seen, `seed ${seed}`).toEqual(seen)
    }
    expect(graph.waitingBytes(), `seed ${seed}`).toBe(0)
    for (const source of [1, 2, 3]) expect(graph.missing(source, 9)).toEqual([])
  }
})
