/** What an own event says of itself, in the smallest network there is: one member that decides alone. */
import { decodeEvent, networkIdOf } from '@hearsay/dag'
import { createNativeSuite } from '@hearsay/dag/native'
import { createMember, RECORD_EVENT, type MemberInput } from '@hearsay/node'
import { expect, test } from 'vitest'
import { genesisOf } from '../genesis.ts'

const suite = createNativeSuite()
const secretKey = new Uint8Array(32).fill(5)

test('it is born in the round after the last one decided, each has the next number, and time goes on although the clock stands', () => {
  const genesis = genesisOf(suite, [secretKey], new Uint8Array(16).fill(1))
  const networkId = networkIdOf(genesis, suite.sha256)
  const member = createMember({
    genesis,
    memberId: 1,
    secretKey,
    suite,
    software: 'test',
    random: () => 0.5,
    randomBytes: (count) => new Uint8Array(count).fill(7),
  })
  const made: { readonly birthRound: number; readonly decidedBefore: number; readonly sequence: number }[] =
    []
  const timestamps: number[] = []
  let ticket = 0
  const step = (input: MemberInput, monotonicMs: number): void => {
    const decidedBefore = member.view().round
    for (const effect of member.step(input, { monotonicMs, wallMicros: 1_000_000, loopLagMs: 0 })) {
      if (effect.kind !== 'append' || effect.recordKind !== RECORD_EVENT) continue
      const decoded = decodeEvent(effect.bytes, networkId, suite.sha256)
      if (!decoded.ok) throw new Error(decoded.reason)
      const { birthRound, sequence, timestamp } = decoded.event
      made.push({ birthRound, sequence, decidedBefore })
      timestamps.push(timestamp)
      step({ kind: 'durable', sequence }, monotonicMs)
    }
  }
  step({ kind: 'start' }, 0)
  for (let i = 1; i <= 20; i++) {
    step({ kind: 'submit', ticket: ++ticket, bytes: Uint8Array.of(i) }, i * 100)
    for (let t = 0; t < 100; t += 10) step({ kind: 'tick' }, i * 100 + t)
  }
  expect(made.length).toBeGreaterThan(15)
  expect(member.view().round).toBeGreaterThan(5)
  for (const { birthRound, decidedBefore } of made) expect(birthRound).toBe(decidedBefore + 1)
  expect(made.map(({ sequence }) => sequence)).toEqual(made.map((_, i) => i + 1))
  for (let i = 1; i < timestamps.length; i++) expect(timestamps[i]).toBeGreaterThan(timestamps[i - 1]!)
})
