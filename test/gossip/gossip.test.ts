import { describe, expect, test } from 'vitest'
import { concatBytes } from '@hearsay/dag'
import {
  DEFAULT_TUNING,
  encodeFrame,
  FEATURES,
  LINK_FAULTS,
  RECORD_KINDS,
  type Frame,
  type LinkFault,
} from '@hearsay/gossip'
import { createRandom } from '../dag/random.ts'
import { createMachine, ends, eventOf, hello, networkId, status, wants } from './harness.ts'

describe('links', () => {
  test('are greeted, and told the frontier at once', () => {
    const machine = createMachine(3)
    machine.grow(1, 4)
    machine.gossip.opened(7, 2, 0)
    expect(machine.take().said).toEqual([
      { link: 7, frame: { ...hello(1), software: 'machine', features: 15 } },
      {
        link: 7,
        frame: status([
          [1, 4],
          [2, 0],
          [3, 0],
        ]),
      },
    ])
    expect(machine.gossip.peers()).toEqual([])
    machine.hear(7, hello(2), 1)
    machine.hear(7, status([], 9), 1)
    expect(machine.gossip.peers()).toEqual([{ memberId: 2, link: 7, software: 'test', decidedRound: 9 }])
    machine.gossip.closed(7, 2)
    expect(machine.gossip.peers()).toEqual([])
    expect(machine.gossip.nextTickMs(2)).toBeUndefined()
  })

  test('are told of records alone in a few bytes, if they can read that', () => {
    for (const features of [0, FEATURES.digest]) {
      const machine = createMachine(3)
      machine.gossip.opened(7, 2, 0)
      machine.hear(7, { ...hello(2), features }, 0)
      machine.take()
      machine.gossip.publish(RECORD_KINDS.state, Uint8Array.of(1))
      machine.gossip.tick(1_000)
      const kinds = machine.take().said.map(({ frame }) => frame.kind)
      expect(kinds).toEqual(['records', features === 0 ? 'status' : 'digest'])
      machine.grow(1, 5)
      machine.gossip.tick(2_000)
      expect(machine.take().said.map(({ frame }) => frame.kind)).toEqual(['status'])
    }
  })

  test('that say only a digest are asked for the records that differ', () => {
    const machine = createMachine(3)
    machine.join(2, 0)
    machine.take()
    machine.hear(2, { kind: 'digest', recordsDigest: 77 }, 10)
    machine.gossip.tick(10 + DEFAULT_TUNING.recordGraceMs)
    expect(machine.take().said.map(({ frame }) => frame.kind)).toContain('versions')
  })

  const other = networkId.slice()
  other[31]! ^= 1
  const faults: readonly (readonly [LinkFault, string, readonly (Frame | Uint8Array)[]])[] = [
    ['wrong-network', 'another network', [{ ...hello(2), networkId: other }]],
    ['unknown-version', 'a version that does not exist yet', [{ ...hello(2), version: 2 }]],
    ['wrong-member', 'a member that is not the one of the certificate', [hello(3)]],
    ['no-hello', 'a status before the greeting', [status([])]],
    ['no-hello', 'events before the greeting', [{ kind: 'events', request: 0, events: [] }]],
    ['bad-frame', 'a second greeting', [hello(2), hello(2)]],
    ['bad-frame', 'bytes that are no frame', [hello(2), Uint8Array.of(1, 2, 3)]],
    ['bad-frame', 'bytes after a frame', [concatBytes(encodeFrame(hello(2)), Uint8Array.of(0))]],
    ['bad-frame', 'nothing', [hello(2), new Uint8Array(0)]],
  ]
  for (const [fault, name, frames] of faults) {
    test(`${fault}: ${name} closes the link, and nothing is heard of it any more`, () => {
      const machine = createMachine(3)
      machine.gossip.opened(7, 2, 0)
      for (const frame of frames)
        machine.gossip.frame(7, frame instanceof Uint8Array ? frame : encodeFrame(frame), 1)
      expect(machine.take().rest).toEqual([{ kind: 'close', link: 7, fault }])
      expect(LINK_FAULTS).toContain(fault)
      machine.hear(7, hello(2), 2)
      expect(machine.take().rest).toEqual([])
      expect(machine.gossip.peers()).toEqual([])
    })
  }

  test('that are never greeted are closed in time', () => {
    const machine = createMachine(3)
    machine.gossip.opened(7, 2, 100)
    machine.take()
    expect(machine.gossip.nextTickMs(100)).toBe(100 + DEFAULT_TUNING.helloTimeoutMs)
    machine.gossip.tick(99 + DEFAULT_TUNING.helloTimeoutMs)
    expect(machine.take().rest).toEqual([])
    machine.gossip.tick(100 + DEFAULT_TUNING.helloTimeoutMs)
    expect(machine.take().rest).toEqual([{ kind: 'close', link: 7, fault: 'hello-timeout' }])
  })

  test('bear a burst of control frames and a rate, not more; events are no control frames', () => {
    const machine = createMachine(3)
    machine.join(2, 0)
    const flood = (count: number, nowMs: number): number => {
      for (let i = 0; i < count; i++) {
        machine.hear(2, status([]), nowMs)
        if (machine.take().rest.length > 0) return i
      }
      return count
    }
    for (let i = 0; i < 5_000; i++) machine.hear(2, { kind: 'events', request: 0, events: [] }, 0)
    expect(machine.take().rest.every((effect) => effect.kind === 'events')).toBe(true)
    expect(flood(400, 0)).toBe(400)
    expect(flood(100, 1_000)).toBe(100)
    expect(flood(1_000, 2_000)).toBe(100)
    expect(machine.gossip.peers()).toEqual([])
  })
})

describe('pushes', () => {
  const event = eventOf(1)

  test('go once to everybody who has greeted', () => {
    const machine = createMachine(4)
    for (const link of [2, 3]) machine.join(link, 0)
    machine.gossip.opened(4, 4, 0)
    machine.take()
    machine.gossip.push(event)
    const { said } = machine.take()
    expect(said.map(({ link }) => link).toSorted((a, b) => a - b)).toEqual([2, 3])
    for (const { frame } of said) expect(frame).toEqual({ kind: 'events', request: 0, events: [event.bytes] })
  })

  test('in a steady stream of them nobody asks for anything', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const machine = createMachine(4, seed)
      const random = createRandom(seed)
      for (const link of [2, 3, 4]) {
        machine.join(link, 0)
        machine.hear(link, status([]), 0)
      }
      const sequences = new Map([2, 3, 4].map((creator) => [creator, 0]))
      let now = 0
      for (let i = 0; i < 500; i++) {
        now += random.below(30)
        const creator = 2 + random.below(3)
        const sequence = sequences.get(creator)! + 1
        sequences.set(creator, sequence)
        // Another peer has it and says so first; then it comes by itself, within the grace.
        const teller = 2 + random.below(3)
        machine.hear(teller, status([...sequences]), now)
        now += random.below(DEFAULT_TUNING.graceMs - 1)
        machine.grow(creator, sequence)
        machine.gossip.tick(now)
      }
      expect(wants(machine), `seed ${seed}`).toEqual([])
    }
  })

  test('pass a congested link by; it is told the frontier when it has drained', () => {
    const machine = createMachine(3)
    for (const link of [2, 3]) machine.join(link, 0)
    machine.take()
    machine.gossip.congested(2, true)
    machine.grow(1, 1)
    machine.gossip.push(event)
    expect(machine.take().said.map(({ link }) => link)).toEqual([3])
    for (let now = 0; now < 5_000; now += 50) machine.gossip.tick(now)
    expect(machine.take().said.map(({ link }) => link)).toEqual([3])
    machine.gossip.congested(2, true)
    machine.gossip.congested(2, false)
    machine.gossip.congested(2, false)
    const { said } = machine.take()
    expect(said).toHaveLength(1)
    expect(said[0]).toMatchObject({
      link: 2,
      frame: {
        kind: 'status',
        frontier: new Map([
          [1, 1],
          [2, 0],
          [3, 0],
        ]),
      },
    })
    machine.gossip.congested(99, true)
  })
})

describe('adverts', () => {
  test('one link at a time while the frontier changes, each once when it rests, then silence', () => {
    const machine = createMachine(5)
    for (const link of [2, 3, 4, 5]) machine.join(link, 0)
    machine.take()
    expect(machine.gossip.nextTickMs(0)).toBeUndefined()
    machine.grow(1, 1)
    const told: number[] = []
    let now = 0
    for (
      let next = machine.gossip.nextTickMs(now);
      next !== undefined;
      next = machine.gossip.nextTickMs(now)
    ) {
      now = next
      machine.gossip.tick(now)
      const { said } = machine.take()
      expect(said.length).toBeLessThanOrEqual(1)
      told.push(...said.map(({ link }) => link))
    }
    expect(told.toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5])
    expect(now).toBeLessThanOrEqual(4 * DEFAULT_TUNING.advertEveryMs)
  })
})

test('who ticks when it is told to never spins, whatever stands still', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = createRandom(seed)
    const machine = createMachine(6, seed)
    let now = 0
    for (let i = random.below(40); i > 0; i--) {
      now += random.below(400)
      const link = 2 + random.below(5)
      const frontier = [1, 2, 3, 4, 5, 6].map((creator) => [creator, random.below(3)] as const)
      switch (random.below(8)) {
        case 0:
          machine.gossip.opened(link, link, now)
          break
        case 1:
          machine.join(link, now)
          break
        case 2:
          machine.gossip.closed(link, now)
          break
        case 3:
          machine.hear(link, status(frontier), now)
          break
        case 4:
          machine.gossip.orphan(link, now)
          break
        case 5:
          machine.gossip.congested(link, random.below(2) === 0)
          break
        case 6:
          if (random.below(2) === 0) machine.held.missing.delete(link)
          else machine.held.missing.set(link, [{ creator: 3, birthRound: 1, id: networkId }])
          break
        default:
          machine.grow(1 + random.below(6), random.below(4))
      }
    }
    machine.take()
    const from = now
    let ticks = 0
    for (;;) {
      const next = machine.gossip.nextTickMs(now)
      if (next === undefined || next > from + 60_000) break
      expect(next, `seed ${seed}`).toBeGreaterThan(now)
      now = next
      ticks += 1
      machine.gossip.tick(now)
      // Every other peer that is asked answers that this is all.
      for (const want of wants(machine))
        if (want.link % 2 === 0) machine.hear(want.link, ends(want.request), now)
    }
    // A minute: a few adverts, timeouts and pauses.
    expect(ticks, `seed ${seed}`).toBeLessThan(200)
  }
})
