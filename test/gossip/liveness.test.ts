/** Who is held for alive: whole members in virtual time, some of them frozen, dead, cut off from a few, or slandered. */
import { describe, expect, test } from 'vitest'
import { encodeFrame, encodeSuspicions, RECORD_KINDS, signRecord, type Liveness } from '@hearsay/gossip'
import { createMachine, networkId, secretKeyOf, suite } from './harness.ts'
import { createNet, percentile, type Net } from './net.ts'

const stateOf = (net: Net, at: number, of: number): Liveness =>
  net.nodes[at - 1]!.member.view()
    .gossip(net.now())
    .liveness.find(({ memberId }) => memberId === of)!.state

const others = (net: Net, of: number): number[] => net.nodes.map(({ id }) => id).filter((id) => id !== of)

/** When all others hold it for suspected or down, in milliseconds from now on. */
function allNotice(net: Net, of: number, states: readonly Liveness[], withinMs: number): number {
  const startMs = net.now()
  while (net.now() < startMs + withinMs) {
    net.run(10)
    if (others(net, of).every((id) => states.includes(stateOf(net, id, of)))) return net.now() - startMs
  }
  return Infinity
}

function idleNet(seed: number, members = 7): Net {
  const net = createNet({ seed, members, latencyMs: () => 0.5, jitterMs: 1 })
  net.submit(1, 10)
  net.run(4_000 + seed * 61)
  return net
}

describe('a member that', () => {
  test('freezes is suspected by all within 1.2 s, and down when that has stood for a while', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const net = idleNet(seed)
      net.stall(3, 1e6)
      expect(allNotice(net, 3, ['suspected', 'down'], 5_000), `seed ${seed}`).toBeLessThanOrEqual(1_200)
      expect(allNotice(net, 3, ['down'], 5_000), `seed ${seed}`).toBeLessThanOrEqual(1_500)
    }
  })

  test('dies is suspected within 0.3 s', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const net = idleNet(seed)
      net.kill(2)
      expect(allNotice(net, 2, ['suspected', 'down'], 5_000), `seed ${seed}`).toBeLessThanOrEqual(300)
    }
  })

  test('stalls for a second is never down, and is up again when it goes on', () => {
    const net = idleNet(6)
    for (let i = 0; i < 10; i++) {
      net.stall(4, 1_000)
      for (let ms = 0; ms < 4_000; ms += 20) {
        net.run(20)
        for (const id of others(net, 4)) expect(stateOf(net, id, 4)).not.toBe('down')
      }
      for (const id of others(net, 4)) expect(stateOf(net, id, 4)).toBe('up')
    }
  })

  test('has lost the link to one other is not down for it: the rest vouch with its own signature, or say nothing', () => {
    const net = idleNet(7)
    net.block(1, 5)
    for (let ms = 0; ms < 10_000; ms += 50) {
      net.run(50)
      expect(stateOf(net, 1, 5)).not.toBe('down')
      expect(stateOf(net, 2, 5)).toBe('up')
    }
  })

  test('is idle costs its peers few bytes', () => {
    const net = idleNet(8, 4)
    net.run(5_000)
    const control = (): number =>
      [...net.nodes[0]!.member.view().gossip(net.now()).traffic.values()].reduce(
        (sum, { sent, received }) => sum + sent.control + received.control,
        0,
      )
    const before = control()
    net.run(120_000)
    expect((control() - before) / 120 / 3).toBeLessThanOrEqual(40)
  })
})

const slander = (by: number, target: number, version: number): Uint8Array =>
  encodeFrame({
    kind: 'records',
    records: [
      signRecord(
        {
          member: by,
          kind: RECORD_KINDS.suspicions,
          epoch: 1,
          version,
          content: encodeSuspicions([{ target, sequence: 2 ** 40, epoch: 2 ** 40, version: 0 }]),
        },
        networkId,
        secretKeyOf(by),
        suite,
      ).bytes,
    ],
  })

/** Seven members, of which this machine is the first. Who says what is the test's affair. */
function heardFrom(slanderers: readonly number[], isHeard: boolean): Liveness {
  const machine = createMachine(7, 1, { pingAfterMs: 400, reopenMs: 200, confirmMs: 1_000 })
  for (const id of [2, 3, 4, 5, 6, 7]) machine.join(id, 0)
  for (let now = 0; now < 20_000; now += 50) {
    machine.gossip.tick(now)
    for (const { link, frame } of machine.take().said)
      if (frame.kind === 'ping' && (link !== 7 || isHeard))
        machine.hear(link, { kind: 'pong', nonce: frame.nonce }, now)
    if (now % 1_000 === 0)
      for (const by of slanderers) machine.gossip.frame(by, slander(by, 7, 1 + now / 1_000), now)
  }
  return machine.gossip.liveness(20_000).find(({ memberId }) => memberId === 7)!.state
}

describe('slander', () => {
  test('of f members does not make a member down, whether it is heard here or not; of f + 1 it does, if it is not', () => {
    expect(heardFrom([2, 3], true)).toBe('up')
    expect(heardFrom([2, 3, 4, 5], true)).toBe('up')
    expect(heardFrom([2], false)).toBe('suspected')
    expect(heardFrom([2, 3], false)).toBe('down')
  })
})

test('where six of ten pairs have no link, events still come once each, by few hops', () => {
  const members = 10
  const net = createNet({ seed: 4, members, latencyMs: () => 50, eventEveryMs: 100 })
  let blocked = 0
  for (let a = 1; a <= members; a++)
    for (let b = a + 1; b <= members; b++) {
      // A ring stays.
      if (b === a + 1 || (a === 1 && b === members) || (a * 7 + b * 3) % 10 < 2) continue
      net.block(a, b)
      blocked += 1
    }
  expect(blocked).toBeGreaterThanOrEqual(27)
  net.load(100, 50)
  net.run(4_000)
  const before = { arrivals: net.arrivals.length, duplicates: net.duplicates() }
  net.run(4_000)
  const arrivals = net.arrivals.slice(before.arrivals)
  expect(arrivals.length).toBeGreaterThan(2_500)
  expect((net.duplicates() - before.duplicates) / arrivals.length).toBeLessThanOrEqual(0.1)
  expect(
    percentile(
      arrivals.map(({ latencyMs }) => latencyMs),
      0.99,
    ),
  ).toBeLessThanOrEqual(300)
  net.stopLoad()
  net.run(4_000)
  const held = net.nodes.map(({ id }) => net.heldBy(id).size)
  expect(new Set(held).size).toBe(1)
  expect(net.failures).toEqual([])
}, 60_000)
