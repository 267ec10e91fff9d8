/** Proofs: every transaction of a ledger is provable, and no change of a proof, nor a proof of something else, is believed. */
import { MAX_LINKS, verifyProof, type Verdict } from '@hearsay/client/verify'
import { createPortableSuite, toHex } from '@hearsay/dag'
import { createBestSuite } from '@hearsay/dag/native'
import { MAX_PROOF_LINKS } from '@hearsay/node'
import { expect, test } from 'vitest'
import { createCertifiedLedger, GENESIS, NETWORK_ID, SEALED } from './certified-ledger.ts'
import { type Draft, flip, forgeries, stranger } from './forgeries.ts'

const { suite } = createBestSuite()
const ledger = createCertifiedLedger()
const verify = (proof: unknown): Verdict => verifyProof(proof, GENESIS, suite)
const LAST = ledger.transactions.length - 1

test('every transaction is proved, by the certificate of its round or of a later one', () => {
  for (const [position, { bytes, block, event, timestamp }] of ledger.transactions.entries()) {
    const isSealed = bytes === SEALED
    for (let round = block.round; round <= 3; round++) {
      const verdict = verify(JSON.parse(JSON.stringify(ledger.inclusion(position, round))))
      expect(verdict, `${position} at ${round}`).toEqual({
        ok: true,
        proved: {
          kind: 'transaction',
          networkId: toHex(NETWORK_ID),
          position,
          round: block.round,
          certifiedRound: round,
          signers: ['ada', 'bob', 'dan'],
          stateHash: '05'.repeat(32),
          timestamp,
          creator: GENESIS.members[event.creator]!.name,
          event: toHex(event.id),
          index: expect.any(Number) as number,
          bytes: isSealed ? bytes.subarray(32) : bytes,
          id: isSealed ? toHex(suite.sha256(bytes)) : undefined,
        },
      })
    }
  }
})

test('that a position is not there yet is proved, and never of one that is', () => {
  expect(verify(ledger.absence(LAST + 1, 3))).toMatchObject({
    ok: true,
    proved: { kind: 'absence', certifiedRound: 3 },
  })
  expect(verify(ledger.absence(LAST, 2))).toMatchObject({ ok: true, proved: { round: 2 } })
  expect(verify(ledger.absence(LAST, 3))).toEqual({ ok: false, reason: 'position' })
})

test('the portable suite, which browsers have, comes to the same', () => {
  const portable = createPortableSuite()
  expect(verifyProof(ledger.inclusion(7, 3), GENESIS, portable)).toMatchObject({ ok: true })
  expect(verifyProof(ledger.inclusion(7, 3, [0, 1]), GENESIS)).toEqual({
    ok: false,
    reason: 'certificate-weight',
  })
  expect(MAX_LINKS).toBe(MAX_PROOF_LINKS)
})

test.each(forgeries)('refused: %s (%s)', (_what, reason, change) => {
  const proof = structuredClone(ledger.inclusion(20, 3)) as Draft
  expect(verify(proof)).toMatchObject({ ok: true })
  change(proof)
  expect(verify(proof)).toEqual({ ok: false, reason })
})

test('a proof of one network proves nothing in another', () => {
  expect(verifyProof(ledger.inclusion(20, 3), stranger, suite)).toEqual({
    ok: false,
    reason: 'other-network',
  })
})

test('no single changed digit is believed, and nothing that is no proof throws', () => {
  const text = JSON.stringify(ledger.inclusion(20, 3))
  let changed = 0
  for (let at = 0; at < text.length; at += 7) {
    if (!/[0-9a-f]/.test(text[at]!)) continue
    let proof: unknown
    try {
      proof = JSON.parse(flip(text, at))
    } catch {
      continue
    }
    changed += 1
    expect(verify(proof).ok, text.slice(at - 20, at + 5)).toBe(false)
  }
  expect(changed).toBeGreaterThan(500)
  for (const nothing of [
    undefined,
    null,
    1,
    '',
    [],
    {},
    { hearsay: 'proof' },
    { hearsay: 'proof', version: 1, position: 0 },
  ])
    expect(verify(nothing).ok).toBe(false)
})
