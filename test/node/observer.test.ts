/** Asking for one's own newest event: what answers are worth, when it is enough, and what is passed on. */
import { createEvent, createGraph, encodeCbor, networkIdOf, type Genesis, type Graph } from '@hearsay/dag'
import { headerOf, type VerifiedEvent } from '@hearsay/dag'
import { createNativeSuite } from '@hearsay/dag/native'
import { decodeFrame } from '@hearsay/gossip'
import {
  createObserver,
  KEPT_QUESTIONS,
  LATE_ANSWERS_MS,
  NOTE_ANSWER,
  NOTE_ASK,
  NOTE_SEEK,
  SEEK_AFTER_MS,
  type Observer,
} from '@hearsay/node'
import { expect, test } from 'vitest'

const suite = createNativeSuite()
const secretOf = (id: number): Uint8Array => new Uint8Array(32).fill(id)
const members = [1, 2, 3, 4].map((id) => ({
  id,
  name: `m${id}`,
  weight: 1,
  publicKey: suite.publicKey(secretOf(id)),
}))
const genesis: Genesis = { members, coinFrequency: 12, roundsNonAncient: 26, salt: new Uint8Array(16) }
const networkId = networkIdOf(genesis, suite.sha256)

interface Said {
  readonly link: number
  readonly topic: number
  readonly bytes: Uint8Array
}
interface Desk {
  readonly observer: Observer
  readonly said: Said[]
  readonly counted: string[]
  readonly graph: Graph
}

const nonceOf = (id: number): Uint8Array => new Uint8Array(16).fill(200 + id)

function deskOf(memberId: number): Desk {
  const said: Said[] = []
  const counted: string[] = []
  const graph = createGraph({ members: members.map(({ id }) => id), known: [] })
  const observer = createObserver({
    members,
    memberId,
    networkId,
    suite,
    secretKey: secretOf(memberId),
    nonce: nonceOf(memberId),
    graph,
    headers: new Map(),
    ancientThreshold: () => 1,
    count: (reason) => void counted.push(reason),
    send: (link, bytes) => {
      const frame = decodeFrame(bytes)
      if (frame?.kind !== 'note') throw new Error('not a note')
      said.push({ link, topic: frame.topic, bytes: frame.bytes.slice() })
    },
  })
  return { observer, said, counted, graph }
}

const firstEventOf = (creator: number): VerifiedEvent =>
  createEvent(
    {
      creator,
      sequence: 1,
      birthRound: 1,
      timestamp: 1_000,
      salt: new Uint8Array(16),
      selfParent: undefined,
      otherParents: [],
      transactions: [],
    },
    networkId,
    secretOf(creator),
    suite,
  )

/** Links of `a` and `b` are named by the other's id. */
const connect = (a: Desk, aId: number, b: Desk, bId: number): void => {
  a.observer.greeted(bId, bId)
  b.observer.greeted(aId, aId)
}

/** Brings everything that was said to who it was said to, until nobody says anything. */
function deliver(desks: ReadonlyMap<number, Desk>): void {
  for (let moved = true; moved;) {
    moved = false
    for (const [from, desk] of desks) {
      for (const { link, topic, bytes } of desk.said.splice(0)) {
        moved = true
        desks.get(link)?.observer.note(from, from, topic, bytes)
      }
    }
  }
}

test('new members answer each other at once, and begin', () => {
  const desks = new Map([1, 2, 3].map((id) => [id, deskOf(id)]))
  for (const [a, b] of [
    [1, 2],
    [1, 3],
    [2, 3],
  ] as const)
    connect(desks.get(a)!, a, desks.get(b)!, b)
  expect(desks.get(1)!.observer.consider(0, 0)).toEqual({ answeredWeight: 1, missing: undefined })
  deliver(desks)
  for (const { observer } of desks.values()) expect(observer.consider(0, 0)).toBeUndefined()
})

test('one that is linked and silent is waited for, and then no longer', () => {
  const desks = new Map([1, 2, 3].map((id) => [id, deskOf(id)]))
  connect(desks.get(1)!, 1, desks.get(2)!, 2)
  connect(desks.get(1)!, 1, desks.get(3)!, 3)
  const { observer } = desks.get(1)!
  observer.greeted(4, 4)
  deliver(desks)
  expect(observer.consider(0, 50)).toEqual({ answeredWeight: 3, missing: undefined })
  expect(observer.nextMs()).toBe(50 + LATE_ANSWERS_MS)
  expect(observer.consider(0, 50 + LATE_ANSWERS_MS)).toBeUndefined()
  expect(observer.nextMs()).toBeUndefined()
})

test('an own event that one of them shows is waited for until it is here', () => {
  const desks = new Map([1, 2, 3].map((id) => [id, deskOf(id)]))
  const { graph } = desks.get(3)!
  graph.offer(firstEventOf(1), 1)
  graph.next()
  connect(desks.get(1)!, 1, desks.get(2)!, 2)
  connect(desks.get(1)!, 1, desks.get(3)!, 3)
  deliver(desks)
  const { observer } = desks.get(1)!
  expect(observer.consider(0, 0)).toEqual({ answeredWeight: 3, missing: { sequence: 1, shownBy: 3 } })
  expect(observer.consider(0, 1e9)?.missing?.shownBy).toBe(3)
  expect(observer.consider(1, 1e9)).toBeUndefined()
})

test('answers with another nonce, a forged header or an event of somebody else are no answers', () => {
  const { observer, counted } = deskOf(1)
  for (const id of [2, 3, 4]) observer.greeted(id, id)
  const answer = (header: Uint8Array, nonce = nonceOf(1)): Uint8Array => new Uint8Array([...nonce, ...header])
  const own = headerOf(firstEventOf(1))
  const forged = own.slice()
  forged[60]! ^= 1
  observer.note(2, 2, NOTE_ANSWER, answer(own, nonceOf(9)))
  observer.note(3, 3, NOTE_ANSWER, answer(forged))
  observer.note(4, 4, NOTE_ANSWER, answer(headerOf(firstEventOf(4))))
  observer.note(4, 4, NOTE_ASK, new Uint8Array(3))
  observer.note(4, 4, NOTE_SEEK, new Uint8Array(3))
  // A topic of a later version, or of somebody else.
  observer.note(4, 4, 77, new Uint8Array(3))
  expect(counted).toEqual(Array.from({ length: 4 }, () => 'note-unsound'))
  expect(observer.consider(0, 0)).toEqual({ answeredWeight: 1, missing: undefined })
})

test('a question or an answer that got lost is asked for again', () => {
  const desks = new Map([1, 2, 3].map((id) => [id, deskOf(id)]))
  connect(desks.get(1)!, 1, desks.get(2)!, 2)
  connect(desks.get(1)!, 1, desks.get(3)!, 3)
  const { observer } = desks.get(1)!
  desks.get(1)!.said.length = 0
  desks.get(2)!.said.length = 0
  desks.get(3)!.said.length = 0
  observer.consider(0, 0)
  expect(observer.consider(0, SEEK_AFTER_MS)).toEqual({ answeredWeight: 1, missing: undefined })
  deliver(desks)
  expect(observer.consider(0, SEEK_AFTER_MS)).toBeUndefined()
})

test('in a chain of links the question goes to the end and the answers come back', () => {
  const desks = new Map([1, 2, 3, 4].map((id) => [id, deskOf(id)]))
  const { graph } = desks.get(4)!
  graph.offer(firstEventOf(1), 1)
  graph.next()
  for (const [a, b] of [
    [1, 2],
    [2, 3],
    [3, 4],
  ] as const)
    connect(desks.get(a)!, a, desks.get(b)!, b)
  deliver(desks)
  const { observer } = desks.get(1)!
  expect(observer.consider(0, 0)).toEqual({ answeredWeight: 2, missing: undefined })
  expect(observer.nextMs()).toBe(SEEK_AFTER_MS)
  observer.consider(0, SEEK_AFTER_MS)
  deliver(desks)
  expect(observer.consider(0, SEEK_AFTER_MS)).toEqual({
    answeredWeight: 4,
    missing: { sequence: 1, shownBy: 4 },
  })
})

test('each question is passed on once, as long as it is remembered, and never in a circle', () => {
  const { observer, said } = deskOf(1)
  for (const id of [2, 3, 4]) observer.greeted(id, id)
  said.length = 0
  const seek = (attempt: number, path: readonly number[]): void =>
    observer.note(2, 2, NOTE_SEEK, encodeCbor([nonceOf(3), attempt, [...path]]))
  seek(0, [3, 2])
  // To 4 only: not back, and not to who asks.
  expect(said.map(({ link, topic }) => [link, topic])).toEqual([[4, NOTE_SEEK]])
  seek(0, [3, 2])
  seek(1, [3, 1, 2])
  seek(1, [3, 4])
  expect(said).toHaveLength(1)
  const passedOn = (): number => said.filter(({ topic }) => topic === NOTE_SEEK).length
  for (let attempt = 1; attempt <= KEPT_QUESTIONS; attempt++) seek(attempt, [3, 2])
  expect(passedOn()).toBe(1 + KEPT_QUESTIONS)
  // Pushed out.
  seek(0, [3, 2])
  expect(passedOn()).toBe(2 + KEPT_QUESTIONS)
})

test('who asks again is answered over others as well: its link may carry nothing one way', () => {
  const { observer, said } = deskOf(1)
  for (const id of [2, 3]) observer.greeted(id, id)
  said.length = 0
  const topicsAfter = (attempt: number): number[] => {
    said.length = 0
    observer.note(2, 2, NOTE_SEEK, encodeCbor([nonceOf(3), attempt, [3, 2]]))
    return said.map(({ topic }) => topic)
  }
  expect(topicsAfter(1)).toEqual([])
  expect(topicsAfter(2)).toEqual([NOTE_SEEK + 1])
})
