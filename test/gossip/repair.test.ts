import { describe, expect, test } from 'vitest'
import { DEFAULT_TUNING } from '@hearsay/gossip'
import { createMachine, ends, networkId, status, wants } from './harness.ts'

/** A parent that is known by its number. */
const parent = (number: number) => ({ creator: 3, birthRound: 4, id: new Uint8Array(32).fill(number) })

describe('repair', () => {
  const { graceMs, repairTimeoutMs, hedgeMs, aheadMs } = DEFAULT_TUNING

  test('asks at once after a reconnection, later only after the grace, and never twice at a time while something comes', () => {
    const machine = createMachine(4)
    for (const link of [2, 3, 4]) machine.join(link, 0)
    machine.take()
    machine.hear(2, status([[2, 5]]), 10)
    const [want] = wants(machine)
    expect(want).toMatchObject({ link: 2, frontier: machine.held.frontier, missing: [], ancientThreshold: 1 })
    for (const link of [2, 3, 4])
      machine.hear(
        link,
        status([
          [2, 6],
          [3, 9],
        ]),
        20,
      )
    for (let now = 20; now < 900; now += 10) {
      machine.hear(2, { kind: 'events', request: want!.request, events: [] }, now)
      machine.gossip.tick(now)
    }
    expect(wants(machine)).toEqual([])
    machine.grow(2, 6)
    machine.grow(3, 9)
    machine.hear(2, ends(want!.request), 900)
    expect(wants(machine)).toEqual([])
    machine.hear(2, status([[2, 7]]), 3_100)
    expect(wants(machine)).toEqual([])
    machine.gossip.tick(3_100 + graceMs - 1)
    expect(wants(machine)).toEqual([])
    machine.gossip.tick(3_100 + graceMs)
    expect(wants(machine)).toHaveLength(1)
  })

  test('an answer to another request ends nothing', () => {
    const machine = createMachine(3)
    for (const link of [2, 3]) machine.join(link, 0)
    machine.hear(2, status([[2, 5]]), 0)
    const [want] = wants(machine)
    machine.hear(3, status([[3, 5]]), 0)
    machine.hear(3, ends(want!.request), 10)
    machine.hear(2, ends(want!.request + 1), 10)
    machine.gossip.tick(hedgeMs - 1)
    expect(wants(machine)).toEqual([])
    machine.hear(2, ends(want!.request), hedgeMs - 1)
    expect(wants(machine)).toMatchObject([{ link: 3 }])
  })

  test('goes on while there is more of it, and others have their turns in between', () => {
    const machine = createMachine(3)
    for (const link of [2, 3]) machine.join(link, 0)
    machine.hear(2, status([[2, 500]]), 0)
    machine.hear(3, status([[3, 500]]), 0)
    const asked: number[] = []
    for (let now = 1; now <= 40; now++) {
      for (const want of wants(machine)) {
        asked.push(want.link)
        machine.grow(want.link, machine.held.frontier.get(want.link)! + 10)
        machine.hear(want.link, ends(want.request, false), now)
      }
    }
    expect(asked).toHaveLength(40)
    for (const [i, link] of asked.entries()) if (i > 1) expect(link).toBe(asked[i - 2])
  })

  test('a peer that does not answer, or drips, costs its time and then another is asked', () => {
    for (const drips of [false, true]) {
      const machine = createMachine(3)
      for (const link of [2, 3]) machine.join(link, 0)
      machine.hear(2, status([[2, 5]]), 0)
      machine.hear(3, status([[2, 5]]), 0)
      const [first] = wants(machine)
      let now = 0
      let second: { readonly link: number } | undefined
      while (second === undefined && now < 60_000) {
        now += 50
        // Something always comes, and the graph grows by others' pushes.
        if (drips) machine.hear(first!.link, { kind: 'events', request: first!.request, events: [] }, now)
        if (drips) machine.held.version += 1
        machine.gossip.tick(now)
        second = wants(machine)[0]
      }
      expect(now).toBe(drips ? repairTimeoutMs : hedgeMs)
      expect(second!.link).not.toBe(first!.link)
    }
  })

  test('a peer whose link closes under way is not asked at once again', () => {
    const machine = createMachine(3)
    machine.join(2, 0)
    machine.hear(2, status([[2, 5]]), 0)
    expect(wants(machine)).toHaveLength(1)
    let asked = 0
    for (let now = 1; now < 5_000; now += 1) {
      machine.gossip.closed(2, now)
      machine.join(2, now)
      machine.hear(2, status([[2, 5]]), now)
      asked += wants(machine).length
    }
    expect(asked).toBeLessThan(10)
  })

  test('a liar that says that it has everything is asked seldom, and nobody else waits for it', () => {
    const machine = createMachine(4)
    for (const link of [2, 3, 4]) machine.join(link, 0)
    machine.take()
    let liesAsked = 0
    let honestAsked = 0
    let sequence = 0
    let lie = 2 ** 47
    let longest = 0
    let since = 0
    for (let now = 0; now < 120_000; now += 10) {
      machine.held.version += 1
      if (now % 100 === 0) {
        machine.hear(
          2,
          status([
            [1, lie],
            [2, lie],
            [3, lie],
            [4, lie++],
          ]),
          now,
        )
        machine.gossip.orphan(2, now)
        machine.held.missing.set(2, [{ creator: 3, birthRound: 1, id: networkId }])
      }
      // An event of member 4 is pushed to 3 only, and 3 says so.
      if (now % 1_000 === 0) {
        sequence += 1
        since = now
        machine.hear(3, status([[4, sequence]]), now)
      }
      machine.gossip.tick(now)
      for (const want of wants(machine)) {
        if (want.link === 2) {
          liesAsked += 1
          machine.hear(2, ends(want.request, liesAsked % 2 === 0), now)
        } else {
          honestAsked += 1
          longest = Math.max(longest, now - since)
          machine.grow(4, sequence)
          machine.hear(3, ends(want.request), now)
        }
      }
    }
    expect(honestAsked).toBe(120)
    expect(longest).toBeLessThanOrEqual(graceMs + 20)
    // Its pause has grown to the longest.
    expect(liesAsked).toBeLessThan(60)
  })

  test('silent liars in any number delay a repair by a turn each at most', () => {
    const liars = [3, 4, 5, 6]
    const machine = createMachine(6, 1, { repairTimeoutMs: 1_000 })
    for (const link of [2, ...liars]) machine.join(link, 0)
    machine.take()
    let waited = 0
    for (let now = 0; now < 60_000; now += 10) {
      if (now % 250 === 0) for (const liar of liars) machine.hear(liar, status([[liar, 2 ** 40 + now]]), now)
      if (now % 10_000 === 0) machine.hear(2, status([[2, 1 + now]]), now)
      machine.gossip.tick(now)
      for (const want of wants(machine)) {
        if (want.link !== 2) continue
        waited = Math.max(waited, now % 10_000)
        machine.grow(2, 1 + now)
        machine.hear(2, ends(want.request), now)
      }
    }
    expect(waited).toBeLessThanOrEqual(liars.length * 1_000 + graceMs + 10)
    expect(machine.held.frontier.get(2)).toBeGreaterThan(50_000)
  })

  test('what a peer has and does not send is not asked for again, what is new is', () => {
    const machine = createMachine(3)
    machine.join(2, 0)
    let asked = 0
    const hearAll = (now: number, sequence: number): void => {
      machine.hear(2, status([[3, sequence]]), now)
      machine.gossip.tick(now + graceMs)
      for (const want of wants(machine)) {
        asked += 1
        machine.hear(2, ends(want.request), now + graceMs)
      }
    }
    for (let now = 0; now < 20_000; now += 200) hearAll(now, 9)
    expect(asked).toBe(1)
    hearAll(20_000, 10)
    expect(asked).toBe(2)
    for (let now = 21_000; now < 29_000; now += 200) hearAll(now, 10)
    expect(asked).toBe(2)
    // After a while it is given another chance.
    hearAll(40_000, 10)
    expect(asked).toBe(3)
  })

  test('parents that a complete repair did not bring are named to the peer that brought their children', () => {
    const machine = createMachine(3)
    for (const link of [2, 3]) machine.join(link, 0)
    machine.take()
    const lost = parent(7)
    machine.held.missing.set(2, [lost])
    machine.gossip.orphan(2, 0)
    machine.gossip.orphan(99, 0)
    machine.gossip.tick(graceMs - 1)
    expect(wants(machine)).toEqual([])
    machine.gossip.tick(graceMs)
    const [first] = wants(machine)
    expect(first).toMatchObject({ link: 2, missing: [] })
    // The graph grows by what others push: that says nothing of this repair.
    machine.grow(1, 7)
    machine.hear(2, ends(first!.request), 100)
    const [second] = wants(machine)
    expect(second).toMatchObject({ link: 2, missing: [lost] })
    machine.held.missing.clear()
    machine.hear(2, ends(second!.request), 110)
    machine.gossip.tick(5_000)
    expect(wants(machine)).toEqual([])
    expect(machine.gossip.nextTickMs(5_000)).toBeGreaterThan(5_000)
  })

  test('who stays a round ahead is asked for all of those who have branched, and seldom when it brings nothing', () => {
    const machine = createMachine(4)
    machine.join(2, 0)
    machine.take()
    machine.held.ancientThreshold = 3
    // Nobody has branched: whoever is ahead will be caught up with by what is on its way.
    machine.hear(2, status([], 7), 0)
    machine.gossip.tick(10_000)
    expect(wants(machine)).toEqual([])
    machine.held.branched = [3]
    machine.hear(2, status([], 7), 10_000)
    machine.gossip.tick(10_000)
    machine.gossip.tick(10_000 + aheadMs - 1)
    // A round was decided here meanwhile: it goes on by itself.
    machine.held.decidedRound = 6
    machine.gossip.tick(10_000 + aheadMs)
    expect(wants(machine)).toEqual([])
    machine.gossip.tick(10_000 + 2 * aheadMs)
    const [first] = wants(machine)
    expect(first).toMatchObject({ link: 2, missing: [{ creator: 3, birthRound: 3 }] })
    // It brings nothing, ever: the pauses grow.
    let asked = 0
    machine.hear(2, ends(first!.request), 11_010)
    for (let now = 11_020; now < 71_020; now += 20) {
      machine.gossip.tick(now)
      for (const want of wants(machine)) {
        asked += 1
        machine.hear(2, ends(want.request), now)
      }
    }
    expect(asked).toBeGreaterThan(4)
    expect(asked).toBeLessThan(16)
    machine.held.decidedRound = 7
    machine.gossip.tick(100_000)
    expect(wants(machine)).toEqual([])
  })

  test('children that come a little before their parents are no reason to ask', () => {
    const machine = createMachine(3)
    machine.join(2, 0)
    machine.take()
    // At any time some parent is missing, none for long.
    for (let now = 0; now < 10_000; now += 10) {
      const newest = Math.floor(now / 10)
      machine.held.missing.set(
        2,
        [newest - 1, newest].map((number) => parent(number & 255)),
      )
      machine.gossip.orphan(2, now)
      machine.gossip.tick(now)
    }
    expect(wants(machine)).toEqual([])
  })

  test('a parent that stays missing is named, whatever else comes and goes', () => {
    const machine = createMachine(3)
    machine.join(2, 0)
    machine.take()
    const named: boolean[] = []
    for (let now = 0; now < 1_000; now += 10) {
      machine.held.missing.set(2, [1 + (Math.floor(now / 10) % 200), 255].map(parent))
      machine.held.version += 1
      machine.gossip.orphan(2, now)
      machine.gossip.tick(now)
      for (const want of wants(machine)) {
        named.push(want.missing.some((each) => each.id[0] === 255))
        machine.hear(2, ends(want.request), now)
        for (const again of wants(machine)) {
          named.push(again.missing.some((each) => each.id[0] === 255))
          machine.hear(2, ends(again.request), now)
        }
      }
    }
    expect(named.slice(0, 2)).toEqual([false, true])
    // It is not sent, so the pauses grow.
    expect(named.length).toBeLessThan(12)
  })
})

describe('repair among liars', () => {
  const { repairTimeoutMs } = DEFAULT_TUNING

  test('who drips is given up after a second, and asked after others next time', () => {
    for (const bytes of [100, 2_000]) {
      const machine = createMachine(2)
      machine.join(2, 0)
      machine.hear(2, status([[2, 5]]), 0)
      const [want] = wants(machine)
      let givenUpMs = 0
      for (let now = 0; now < 3_000 && givenUpMs === 0; now += 100) {
        machine.hear(2, { kind: 'events', request: want!.request, events: [new Uint8Array(bytes)] }, now)
        machine.gossip.tick(now)
        // It still says that it has more; while it is waited for, that changes nothing.
        if (wants(machine).length > 0) givenUpMs = now
      }
      if (bytes === 100) expect(givenUpMs).toBeGreaterThan(repairTimeoutMs)
      else expect(givenUpMs).toBe(0)
    }
    const machine = createMachine(3)
    machine.join(2, 0)
    machine.hear(2, status([[2, 5]]), 0)
    expect(wants(machine)).toMatchObject([{ link: 2 }])
    machine.gossip.tick(2 * repairTimeoutMs)
    machine.join(3, 60_000)
    machine.hear(3, status([[2, 5]]), 60_000)
    expect(wants(machine)).toMatchObject([{ link: 3 }])
  })

  test('one more than may lie are asked at once while those asked are silent', () => {
    const members = 16
    const machine = createMachine(members)
    for (let link = 2; link <= members; link++) {
      machine.join(link, 0)
      machine.hear(link, status([[2, 5]]), 0)
    }
    let asked = wants(machine).length
    for (let now = 0; now < repairTimeoutMs; now += 10) {
      machine.gossip.tick(now)
      asked += wants(machine).length
    }
    expect(asked).toBe(6)
  })
})
