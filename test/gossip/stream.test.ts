/** Repairs as streams: what is granted while they run, and how long a gap takes to close. */
import { expect, test } from 'vitest'
import { peekEvent } from '@hearsay/dag'
import { DEFAULT_TUNING, FEATURES } from '@hearsay/gossip'
import { createMachine, status, wants } from './harness.ts'
import { createNet } from './net.ts'

const half = DEFAULT_TUNING.repairBytes / 2
const chunk = 64 * 1024

const isOthers = (event: Uint8Array): boolean => peekEvent(event).creator !== 4

/** A repair under way from a peer with these features, which brings as much as it is told to. */
function streaming(features: number) {
  const machine = createMachine(2)
  machine.join(2, 0, 2, features)
  machine.hear(2, status([[2, 1_000_000]]), 0)
  const [want] = wants(machine)
  const { request } = want!
  let sequence = 0
  const bring = (bytes: number, isNew: boolean, nowMs: number): number[] => {
    for (let sent = 0; sent < bytes; sent += chunk) {
      if (isNew) machine.grow(2, ++sequence)
      machine.hear(2, { kind: 'events', request, events: [new Uint8Array(chunk)] }, nowMs)
    }
    return machine.take().said.flatMap(({ frame }) => {
      if (frame.kind !== 'credit') return []
      expect(frame.request).toBe(request)
      return [frame.bytes]
    })
  }
  return bring
}

test('what brings new events is granted more before it has used up what it was granted', () => {
  const bring = streaming(FEATURES.credit)
  expect(bring(half - chunk, true, 10)).toEqual([])
  expect(bring(2 * chunk, true, 20)).toEqual([half])
  expect(bring(3 * half, true, 30)).toEqual([half, half, half])
})

test('nothing is granted for what is not new, to who does not know credits, nor for ever', () => {
  expect(streaming(FEATURES.credit)(2 * half, false, 10)).toEqual([])
  expect(streaming(FEATURES.digest)(2 * half, true, 10)).toEqual([])
  expect(streaming(FEATURES.credit)(2 * half, true, DEFAULT_TUNING.repairMaxMs / 2)).toEqual([])
})

test('a gap of several times what one request asks for closes in 1.5 round trips and the time that its bytes take', () => {
  const bytesPerSecond = 4_000_000
  const repairBytes = 3 * 1024 * 1024
  const latencyMs = 100
  const net = createNet({
    seed: 3,
    members: 4,
    latencyMs: () => latencyMs,
    bytesPerSecond,
    eventEveryMs: 10,
    tuning: { repairBytes },
  })
  // The one that is cut off has nothing to say itself: its own events would go before the credits on the way back.
  net.load(10, 8_000, [1, 2, 3])
  net.run(300)
  for (const other of [1, 2, 3]) net.block(other, 4)
  net.run(3_000)
  net.stopLoad()
  net.run(2_000)
  const [first, last] = [net.nodes[0]!, net.nodes[3]!]
  const held = net.heldBy(4)
  const gap = first.records.filter((event) => {
    const { creator, sequence } = peekEvent(event)
    return !held.has(`${creator}/${sequence}`)
  })
  const bytes = gap.reduce((sum, event) => sum + event.length, 0)
  expect(bytes).toBeGreaterThan(2 * repairBytes)
  const before = last.records.filter(isOthers).length
  const healedMs = net.now()
  for (const other of [1, 2, 3]) net.unblock(other, 4)
  while (last.records.filter(isOthers).length < before + gap.length && net.now() < healedMs + 5_000)
    net.run(1)
  const boundMs = 1.1 * (1.5 * 2 * latencyMs + (bytes * 1_000) / bytesPerSecond)
  expect(net.now() - healedMs).toBeLessThanOrEqual(boundMs)
})
