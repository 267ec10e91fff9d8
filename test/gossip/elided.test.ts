/** Elided events: what comes out is byte for byte what went in, or it is known not to be there; nothing else is ever taken. */
import { describe, expect, test } from 'vitest'
import {
  createEvent,
  decodeEvent,
  equalBytes,
  verifyEvent,
  type EventReference,
  type VerifiedEvent,
} from '@hearsay/dag'
import { createElidedReader, createElidedWriter, restoreEvent } from '@hearsay/gossip'
import { createRandom, type Random } from '../dag/random.ts'
import { networkId, secretKeyOf, suite } from './harness.ts'

const MEMBERS = Array.from({ length: 16 }, (_, i) => i + 1)

interface Chains {
  readonly all: VerifiedEvent[]
  grow(creator: number, payloadBytes: number, isDense?: boolean): VerifiedEvent
  find(creator: number, sequence: number): EventReference | undefined
  numberOf(parent: EventReference): number | undefined
}

const referenceOf = ({ creator, birthRound, id }: VerifiedEvent): EventReference => ({
  creator,
  birthRound,
  id,
})

/** Members that make events over some of each other's newest ones. */
function createChains(random: Random): Chains {
  const chains = new Map<number, VerifiedEvent[]>(MEMBERS.map((id) => [id, []]))
  const all: VerifiedEvent[] = []
  return {
    all,
    grow: (creator, payloadBytes, isDense = false) => {
      const chain = chains.get(creator)!
      const self = chain.at(-1)
      const others = MEMBERS.filter(
        (id) => id !== creator && chains.get(id)!.length > 0 && (isDense || random.below(4) === 0),
      )
      const parents = others.map((id) => chains.get(id)!.at(-1)!)
      const event = createEvent(
        {
          creator,
          sequence: chain.length + 1,
          birthRound:
            Math.max(1, ...[...parents, ...(self ? [self] : [])].map((each) => each.birthRound)) +
            (random.below(9) === 0 ? 1 : 0),
          timestamp: (self?.timestamp ?? 1.7e15) + 1 + random.below(200_000),
          salt: Uint8Array.from({ length: 16 }, () => random.below(256)),
          selfParent: self && referenceOf(self),
          otherParents: parents.map(referenceOf),
          transactions: payloadBytes === 0 ? [] : [new Uint8Array(payloadBytes).fill(7)],
        },
        networkId,
        secretKeyOf(creator),
        suite,
      )
      chain.push(event)
      all.push(event)
      return event
    },
    find: (creator, sequence) => {
      const event = chains.get(creator)?.[sequence - 1]
      return event && referenceOf(event)
    },
    numberOf: (parent) => all.find((event) => equalBytes(event.id, parent.id))?.sequence,
  }
}

describe('an elided event', () => {
  test('is restored byte for byte, whatever was skipped before, in few bytes', () => {
    const random = createRandom(5)
    const chains = createChains(random)
    const writer = createElidedWriter(MEMBERS)
    const reader = createElidedReader(MEMBERS, 1)
    let followed = 0
    let header = 0
    let isFollowing = false
    for (let i = 0; i < 1_500; i++) {
      const creator = MEMBERS[random.below(16)]!
      const event = chains.grow(creator, creator === 1 ? random.below(300) : 0)
      if (creator !== 1) continue
      if (random.below(10) === 0) {
        writer.interrupt()
        isFollowing = false
        continue
      }
      // Some parents' creators are held for branched: they are named in full.
      const isInFull = random.below(20) === 0
      const frame = writer.write(event, isInFull ? () => undefined : chains.numberOf)
      const read = reader.read(frame)
      expect(read).toHaveLength(1)
      const restored = restoreEvent(read![0]!, chains.find, networkId, suite.sha256)
      expect(restored.ok && equalBytes(restored.bytes, event.bytes)).toBe(true)
      if (isFollowing && !isInFull) {
        followed += 1
        header += frame.length - (event.bytes.length - event.bodyBytes - 64)
      }
      isFollowing = true
    }
    expect(followed).toBeGreaterThan(30)
    // Four other-parents on average here.
    expect(header / followed).toBeLessThanOrEqual(96)
  })

  test('of sixteen members at one pace has a header of 90 bytes at most, with fifteen other-parents', () => {
    const random = createRandom(11)
    const chains = createChains(random)
    const writer = createElidedWriter(MEMBERS)
    const reader = createElidedReader(MEMBERS, 4)
    const headers: number[] = []
    for (let i = 0; i < 60; i++) {
      // One of the others now and then makes two between two of member 4.
      for (const creator of MEMBERS) {
        for (let more = creator !== 4 && random.below(12) === 0 ? 2 : 1; more > 0; more--) {
          const event = chains.grow(creator, 100, true)
          if (creator !== 4) continue
          const frame = writer.write(event, chains.numberOf)
          const [read] = reader.read(frame) ?? []
          const restored = restoreEvent(read!, chains.find, networkId, suite.sha256)
          expect(restored.ok && equalBytes(restored.bytes, event.bytes)).toBe(true)
          if (event.otherParents.length === 15) headers.push(frame.length - 104)
        }
      }
    }
    expect(headers.length).toBeGreaterThan(20)
    const mean = headers.slice(1).reduce((sum, bytes) => sum + bytes, 0) / (headers.length - 1)
    expect(mean).toBeLessThanOrEqual(90)
  })

  test('from who does not pack is read as well, and what is packed has one form', () => {
    const chains = createChains(createRandom(12))
    for (let i = 0; i < 80; i++) chains.grow(MEMBERS[i % 16]!, 0, true)
    const events = chains.all.filter(({ creator }) => creator === 2)
    const packing = createElidedWriter(MEMBERS)
    const listing = createElidedWriter(MEMBERS)
    const fromPacked = createElidedReader(MEMBERS, 2)
    const fromListed = createElidedReader(MEMBERS, 2)
    for (const [i, event] of events.entries()) {
      const packed = packing.write(event, chains.numberOf)
      const listed = listing.write(event, chains.numberOf, false)
      expect(fromPacked.read(packed)).toEqual(fromListed.read(listed))
      if (i === 0) continue
      expect(listed.length - packed.length).toBeGreaterThanOrEqual(12)
      // A bit of the padding set: the same parents otherwise told are not taken.
      const reader = createElidedReader(MEMBERS, 2)
      reader.read(listing.write(events[i - 1]!, chains.numberOf, false))
      const at = packed.length - 81 - 1
      const padded = packed.slice()
      padded[at]! |= 1
      expect(reader.read(padded)).toBeUndefined()
    }
  })

  test('says which parent is not there', () => {
    const chains = createChains(createRandom(6))
    for (let i = 0; i < 60; i++) chains.grow(MEMBERS[i % 16]!, 0)
    const event = chains.all.findLast(
      ({ creator, otherParents }) => creator === 3 && otherParents.length > 0,
    )!
    const frame = createElidedWriter(MEMBERS).write(event, chains.numberOf)
    const [read] = createElidedReader(MEMBERS, 3).read(frame)!
    const missing = event.otherParents[0]!
    const number = chains.numberOf(missing)!
    const without = (creator: number, sequence: number): EventReference | undefined =>
      creator === missing.creator && sequence === number ? undefined : chains.find(creator, sequence)
    expect(restoreEvent(read!, without, networkId, suite.sha256)).toEqual({
      ok: false,
      creator: missing.creator,
      sequence: number,
    })
  })

  test('over another branch is another event, whose signature does not hold', () => {
    const chains = createChains(createRandom(7))
    for (let i = 0; i < 60; i++) chains.grow(MEMBERS[i % 16]!, 0)
    const event = chains.all.findLast(
      ({ creator, otherParents }) => creator === 3 && otherParents.length > 0,
    )!
    const [read] = createElidedReader(MEMBERS, 3).read(
      createElidedWriter(MEMBERS).write(event, chains.numberOf),
    )!
    const branched = event.otherParents[0]!.creator
    const other = (creator: number, sequence: number): EventReference | undefined => {
      const found = chains.find(creator, sequence)
      return found && creator === branched ? { ...found, id: found.id.map((byte) => byte ^ 1) } : found
    }
    const restored = restoreEvent(read!, other, networkId, suite.sha256)
    const decoded = restored.ok ? decodeEvent(restored.bytes, networkId, suite.sha256) : undefined
    expect(
      decoded?.ok && verifyEvent(decoded.event, (id) => suite.publicKey(secretKeyOf(id)), suite),
    ).toEqual({
      ok: false,
      reason: 'event-signature',
    })
  })

  test('with any bit turned is none, cannot be restored, or does not verify; nothing ever throws', () => {
    const random = createRandom(8)
    const chains = createChains(random)
    for (let i = 0; i < 100; i++) chains.grow(MEMBERS[random.below(16)]!, 0)
    chains.grow(1, 0)
    const first = chains.all.at(-1)!
    const second = chains.grow(1, 20, true)
    const writer = createElidedWriter(MEMBERS)
    const frames = [writer.write(first, chains.numberOf), writer.write(second, chains.numberOf)]
    for (const [at, event] of [first, second].entries()) {
      for (let bit = 8; bit < frames[at]!.length * 8; bit++) {
        const reader = createElidedReader(MEMBERS, 1)
        if (at === 1) reader.read(frames[0]!)
        const frame = frames[at]!.slice()
        frame[bit >> 3]! ^= 1 << (bit & 7)
        for (const read of reader.read(frame) ?? []) {
          const restored = restoreEvent(read, chains.find, networkId, suite.sha256)
          if (!restored.ok) continue
          expect(equalBytes(restored.bytes, event.bytes), `bit ${bit}`).toBe(false)
          const decoded = decodeEvent(restored.bytes, networkId, suite.sha256)
          if (!decoded.ok) continue
          expect(
            verifyEvent(decoded.event, (id) => suite.publicKey(secretKeyOf(id)), suite).ok,
            `bit ${bit}`,
          ).toBe(false)
        }
      }
    }
  })

  test('20,000 mutants and a reader that has seen anything: bounded, and never an exception', () => {
    const random = createRandom(9)
    const chains = createChains(random)
    for (let i = 0; i < 200; i++) chains.grow(MEMBERS[random.below(16)]!, random.below(40))
    const own = chains.all.filter(({ creator }) => creator === 2)
    const writer = createElidedWriter(MEMBERS)
    const frames = own.map((event) => writer.write(event, chains.numberOf))
    let reader = createElidedReader(MEMBERS, 2)
    let read = 0
    for (let i = 0; i < 20_000; i++) {
      if (i % 100 === 0) reader = createElidedReader(MEMBERS, 2)
      const frame = frames[random.below(frames.length)]!.slice(
        0,
        random.below(3) === 0 ? 1 + random.below(120) : undefined,
      )
      for (let flips = random.below(4); flips > 0; flips--)
        frame[1 + random.below(frame.length - 1 || 1)] = random.below(256)
      for (const event of reader.read(frame) ?? []) {
        read += 1
        expect(event.otherParents.length).toBeLessThan(128)
        const restored = restoreEvent(event, chains.find, networkId, suite.sha256)
        if (restored.ok) decodeEvent(restored.bytes, networkId, suite.sha256)
      }
    }
    expect(read).toBeGreaterThan(100)
  })
})
