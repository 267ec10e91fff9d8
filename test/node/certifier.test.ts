/** Which rounds a member signs and when, and what it makes of what others have signed. */
import type { Block } from '@hearsay/consensus'
import { certificateFault, roundStatement, type RoundCertificate } from '@hearsay/dag'
import { createNativeSuite } from '@hearsay/dag/native'
import {
  createCertifier,
  KEPT_SIGNATURES,
  QUIET_MS,
  SIGN_EVERY_MS,
  type Certifier,
  type CertifierEffect,
  type Divergence,
} from '@hearsay/node'
import { describe, expect, test } from 'vitest'
import { seeded } from '../seeded.ts'

const suite = createNativeSuite()
const networkId = new Uint8Array(32).fill(3)
const secretOf = (id: number): Uint8Array => new Uint8Array(32).fill(id)
const rosterOf = (weights: readonly number[]) =>
  weights.map((weight, i) => ({
    id: i + 1,
    name: `m${i + 1}`,
    weight,
    publicKey: suite.publicKey(secretOf(i + 1)),
  }))

const hashOf = (round: number): Uint8Array => suite.sha256(Uint8Array.of(round & 255, round >> 8))
const STATE = new Uint8Array(32).fill(9)

const blockAt = (round: number, seconds: number): Block => ({
  round,
  previous: hashOf(round - 1),
  ancientThreshold: 1,
  lastTimestamp: Math.round(seconds * 1_000_000),
  firstOrder: 0,
  firstPosition: 0,
  transactionCount: 0,
  judges: [],
  entries: [],
  hash: hashOf(round),
})

interface Desk {
  readonly certifier: Certifier
  readonly published: Uint8Array[]
  readonly asked: number[]
  readonly certificates: RoundCertificate[]
  readonly counted: string[]
  readonly divergences: Divergence[]
  readonly carried: number[]
}

/** A certifier whose questions for the state are answered at once. */
function deskOf(memberId: number, weights: readonly number[]): Desk {
  const desk = {
    published: [],
    asked: [],
    certificates: [],
    counted: [],
    carried: [],
    divergences: [],
  } as Omit<Desk, 'certifier'>
  const waiting: number[] = []
  const certifier = createCertifier({
    members: rosterOf(weights),
    memberId,
    networkId,
    secretKey: secretOf(memberId),
    suite,
    publish: (content) => void desk.published.push(content),
    count: (reason) => void desk.counted.push(reason),
    carry: ({ round }) => void desk.carried.push(round),
    carrySeconds: 3,
    emit: (effect: CertifierEffect) => {
      if (effect.kind === 'certified') desk.certificates.push(effect.certificate)
      else if (effect.kind === 'diverged') desk.divergences.push(effect)
      else waiting.push(effect.round)
    },
  })
  const answer = (): void => {
    for (const round of waiting.splice(0)) {
      desk.asked.push(round)
      certifier.stateHash(round, STATE)
    }
  }
  return {
    ...desk,
    certifier: {
      ...certifier,
      decided: (block) => {
        certifier.decided(block)
        answer()
      },
      consider: (isQuiet, nowMs) => {
        certifier.consider(isQuiet, nowMs)
        answer()
      },
    },
  }
}

/** What a member publishes that decides one round and then has nothing to do. */
function contentOf(
  memberId: number,
  weights: readonly number[],
  round: number,
  hash = hashOf(round),
): Uint8Array {
  const { certifier, published } = deskOf(memberId, weights)
  certifier.begin({ round, hash }, 0)
  certifier.consider(true, 0)
  certifier.consider(true, QUIET_MS)
  certifier.consider(true, QUIET_MS)
  return published[0]!
}

test('the first round of each second of consensus time is signed, and told at a bounded pace', () => {
  const desk = deskOf(1, [1, 1, 1, 1])
  desk.certifier.begin({ round: 0, hash: new Uint8Array(32) }, 0)
  // 100 rounds a second for five seconds.
  for (let round = 1; round <= 500; round++) {
    desk.certifier.consider(false, 10 * round)
    desk.certifier.decided(blockAt(round, 1_000 + round / 100))
  }
  expect(desk.asked).toEqual([1, 100, 200, 300, 400, 500])
  expect(desk.published).toHaveLength(5)
  // The seconds are 1,000 to 1,005: with 1,002 and 1,005 another three begin.
  expect(desk.carried).toEqual([1, 200, 500])
})

test('who catches up signs no more than one round in half a second, however many seconds it goes through', () => {
  const desk = deskOf(1, [1, 1, 1, 1])
  desk.certifier.begin({ round: 0, hash: new Uint8Array(32) }, 0)
  for (let round = 1; round <= 1_000; round++) {
    desk.certifier.consider(false, round)
    desk.certifier.decided(blockAt(round, round))
  }
  expect(desk.asked).toEqual([1, 1 + SIGN_EVERY_MS])
})

test('the last round is signed when there has been no work for a moment, once, and then nothing is due', () => {
  const desk = deskOf(1, [1, 1, 1, 1])
  desk.certifier.begin({ round: 0, hash: new Uint8Array(32) }, 5_000_000)
  desk.certifier.decided(blockAt(1, 5))
  desk.certifier.consider(true, 1_000)
  expect(desk.certifier.nextMs()).toBe(1_000 + QUIET_MS)
  // Another round is decided meanwhile: the moment begins again.
  desk.certifier.decided(blockAt(2, 5))
  desk.certifier.consider(true, 1_020)
  desk.certifier.consider(true, 1_000 + QUIET_MS)
  expect(desk.asked).toEqual([])
  desk.certifier.consider(true, 1_020 + QUIET_MS)
  desk.certifier.consider(true, 1_021 + QUIET_MS)
  expect([desk.asked, desk.published.length]).toEqual([[2], 1])
  expect(desk.certifier.nextMs()).toBeUndefined()
})

test('a certificate needs more than two thirds of the weight, for the same block and state', () => {
  const weights = [3, 2, 2, 2]
  const desk = deskOf(1, weights)
  desk.certifier.begin({ round: 7, hash: hashOf(7) }, 0)
  desk.certifier.consider(true, 0)
  desk.certifier.consider(true, QUIET_MS)
  desk.certifier.heard(2, contentOf(2, weights, 7))
  // Twice does not count twice.
  desk.certifier.heard(2, contentOf(2, weights, 7))
  expect(desk.certificates).toHaveLength(0)
  desk.certifier.heard(4, contentOf(4, weights, 7))
  expect(desk.certificates).toHaveLength(1)
  const [certificate] = desk.certificates
  expect(certificate!.signatures.map(({ memberId }) => memberId)).toEqual([1, 2, 4])
  expect(certificateFault(certificate!, networkId, rosterOf(weights), suite)).toBeUndefined()
})

test('signatures of a round that is not decided here yet wait for it', () => {
  const weights = [1, 1, 1, 1]
  const desk = deskOf(1, weights)
  desk.certifier.begin({ round: 6, hash: hashOf(6) }, 0)
  for (const id of [2, 3, 4]) desk.certifier.heard(id, contentOf(id, weights, 7))
  expect(desk.certificates).toHaveLength(0)
  desk.certifier.decided(blockAt(7, 0))
  expect(desk.certificates.map(({ round }) => round)).toEqual([7])
})

test('a forged signature, a stranger and what is not sound count for nothing; a member is remembered up to its bound', () => {
  const weights = [1, 1, 1, 1]
  const desk = deskOf(1, weights)
  desk.certifier.begin({ round: 7, hash: hashOf(7) }, 0)
  const sound = contentOf(2, weights, 7)
  const forged = sound.slice()
  forged[forged.length - 40]! ^= 1
  desk.certifier.heard(2, forged)
  desk.certifier.heard(3, sound)
  desk.certifier.heard(9, sound)
  desk.certifier.heard(2, sound.subarray(1))
  expect(desk.counted).toEqual([
    'round-signature-forged',
    'round-signature-forged',
    'round-signature-unsound',
    'round-signature-unsound',
  ])
  // Many rounds of one member push out its own oldest ones, and nobody else's.
  desk.certifier.heard(3, contentOf(3, weights, 7))
  desk.certifier.heard(4, contentOf(4, weights, 7))
  for (let round = 100; round < 100 + KEPT_SIGNATURES; round++)
    desk.certifier.heard(2, contentOf(2, weights, round))
  desk.certifier.consider(true, 0)
  desk.certifier.consider(true, QUIET_MS)
  expect(desk.certificates.map(({ signatures }) => signatures.map(({ memberId }) => memberId))).toEqual([
    [1, 3, 4],
  ])
  expect(
    suite.verify(
      rosterOf(weights)[0]!.publicKey,
      roundStatement(desk.certificates[0]!, networkId),
      desk.certificates[0]!.signatures[0]!.signature,
    ),
  ).toBe(true)
})

describe('members that have another ledger', () => {
  const other = new Uint8Array(32).fill(1)

  test('of more than a third of the weight, are the alarm, with what both sides signed; of a third they are not', () => {
    const weights = [3, 2, 2, 2]
    const desk = deskOf(1, weights)
    desk.certifier.begin({ round: 7, hash: hashOf(7) }, 0)
    desk.certifier.consider(true, 0)
    desk.certifier.consider(true, QUIET_MS)
    desk.certifier.heard(2, contentOf(2, weights, 7, other))
    expect(desk.divergences).toHaveLength(0)
    desk.certifier.heard(4, contentOf(4, weights, 7, other))
    expect(desk.certificates).toHaveLength(0)
    const [{ round, own, others }] = desk.divergences as [Divergence]
    expect([round, others.map(({ memberId }) => memberId)]).toEqual([7, [2, 4]])
    const roster = rosterOf(weights)
    for (const { memberId, statement } of [{ memberId: 1, statement: own! }, ...others])
      expect(
        suite.verify(
          roster[memberId - 1]!.publicKey,
          roundStatement(statement, networkId),
          statement.signature,
        ),
      ).toBe(true)
  })

  test('exactly a third of the weight stops nobody', () => {
    const weights = [2, 1, 1, 1, 1]
    const desk = deskOf(1, weights)
    desk.certifier.begin({ round: 7, hash: hashOf(7) }, 0)
    desk.certifier.heard(2, contentOf(2, weights, 7, other))
    desk.certifier.heard(3, contentOf(3, weights, 7, other))
    expect(desk.divergences).toHaveLength(0)
    desk.certifier.heard(4, contentOf(4, weights, 7, other))
    expect(desk.divergences).toHaveLength(1)
  })

  test('are noticed also when the round is decided here only afterwards', () => {
    const weights = [1, 1, 1, 1]
    const desk = deskOf(1, weights)
    desk.certifier.begin({ round: 6, hash: hashOf(6) }, 0)
    for (const id of [2, 3]) desk.certifier.heard(id, contentOf(id, weights, 7, other))
    expect(desk.divergences).toHaveLength(0)
    desk.certifier.decided(blockAt(7, 0))
    expect(desk.divergences).toHaveLength(1)
  })
})

test('what is due at a time is done at that time, whatever the fractions: the clock may stand still until then', () => {
  const random = seeded(20)
  for (let i = 0; i < 200; i++) {
    const { certifier, published } = deskOf(1, [1])
    const startMs = (random() * 10_000) / 3
    certifier.begin({ round: 0, hash: hashOf(0) }, 0)
    certifier.consider(false, startMs)
    certifier.decided(blockAt(1, 1))
    certifier.consider(false, startMs)
    certifier.decided(blockAt(2, 2))
    certifier.consider(true, startMs + QUIET_MS * random())
    for (let due = certifier.nextMs(), ticks = 0; due !== undefined; due = certifier.nextMs(), ticks++) {
      expect(ticks, `begun at ${startMs}`).toBeLessThan(6)
      certifier.consider(true, due)
    }
    expect(published).toHaveLength(2)
  }
})
