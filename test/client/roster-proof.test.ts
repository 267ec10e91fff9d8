/** Proofs over changes of the roster: believed is what the roster of the round has signed, if every roster handed over to the next. */
import { verifyProof, type ProofFault, type Verdict } from '@hearsay/client/verify'
import {
  genesisRoster,
  handoverStatement,
  nextRoster,
  toHex,
  type Member,
  type NumberedRoster,
  type RosterLink,
} from '@hearsay/dag'
import { createBestSuite } from '@hearsay/dag/native'
import { expect, test } from 'vitest'
import { createCertifiedLedger, GENESIS, NETWORK_ID } from './certified-ledger.ts'
import type { Draft } from './forgeries.ts'

const { suite } = createBestSuite()
const ledger = createCertifiedLedger()
const LAST = ledger.transactions.length - 1
const secretOf = (id: number): Uint8Array => new Uint8Array(32).fill(id + 1)
const memberOf = (id: number, name: string, weight: number): Member => ({
  id,
  name,
  weight,
  publicKey: suite.publicKey(secretOf(id)),
})

function linkOf(before: NumberedRoster, member: Member, fromRound: number, by: readonly number[]) {
  const roster = nextRoster(before, member, fromRound, suite.sha256)
  const message = handoverStatement(NETWORK_ID, roster.hash)
  const endorsements = by.map((id) => ({ memberId: id, signature: suite.sign(secretOf(id), message) }))
  return { roster, link: { fromRound, member, endorsements } satisfies RosterLink }
}

/** eve rules with the four from round 2 on, dan has left from round 3 on. */
const joined = linkOf(genesisRoster(GENESIS, NETWORK_ID), memberOf(4, 'eve', 1), 2, [0, 1, 3])
const left = linkOf(joined.roster, memberOf(3, 'dan', 0), 3, [0, 1, 2, 4])
const LINKS = [joined.link, left.link]

const verify = (proof: unknown): Verdict => verifyProof(JSON.parse(JSON.stringify(proof)), GENESIS, suite)

test('a proof is believed by the roster of its certificate, and those before need none', () => {
  expect(verify(ledger.inclusion(0, 1, [0, 1, 3]))).toMatchObject({ ok: true })
  expect(verify(ledger.inclusion(0, 2, [0, 1, 2, 4], [joined.link]))).toMatchObject({
    ok: true,
    proved: { signers: ['ada', 'bob', 'cat', 'eve'] },
  })
  for (const position of [0, 7, LAST])
    expect(verify(ledger.inclusion(position, 3, [1, 2, 4], LINKS))).toMatchObject({
      ok: true,
      proved: { position, certifiedRound: 3, signers: ['bob', 'cat', 'eve'] },
    })
})

test('an old roster, and one that has not begun, are not believed', () => {
  expect(verify(ledger.inclusion(0, 2, [0, 1, 2], [joined.link]))).toEqual({
    ok: false,
    reason: 'certificate-weight',
  })
  expect(verify(ledger.inclusion(0, 1, [0, 1, 2, 3], [joined.link]))).toEqual({
    ok: false,
    reason: 'rosters',
  })
  expect(verify(ledger.inclusion(0, 3, [0, 1, 3], LINKS))).toEqual({
    ok: false,
    reason: 'certificate-stranger',
  })
  expect(verify(ledger.inclusion(0, 3, [0, 1, 4]))).toEqual({ ok: false, reason: 'certificate-stranger' })
})

const short = linkOf(genesisRoster(GENESIS, NETWORK_ID), memberOf(4, 'eve', 1), 2, [0, 1])
const forgeries: readonly (readonly [string, ProofFault, (links: Draft[]) => unknown])[] = [
  ['a link too few', 'rosters', (links) => links.slice(1)],
  ['a link twice', 'rosters', (links) => [links[0], links[0], links[1]]],
  ['links in another order', 'rosters', (links) => links.toReversed()],
  [
    'a link that two of four have signed',
    'rosters',
    (links) => [{ ...links[0], endorsements: linkJson(short.link) }, links[1]],
  ],
  [
    'a signature twice',
    'rosters',
    (links) => change(links, (l) => l['endorsements'].splice(1, 0, l['endorsements'][0])),
  ],
  ['an earlier first round', 'rosters', (links) => change(links, (l) => (l['fromRound'] -= 1))],
  ['a greater weight', 'rosters', (links) => change(links, (l) => (l['member'].weight = 9))],
  [
    'another key',
    'rosters',
    (links) => change(links, (l) => (l['member'].publicKey = toHex(suite.publicKey(secretOf(9))))),
  ],
  ['another name', 'rosters', (links) => change(links, (l) => (l['member'].name = 'mallory'))],
  ['another id', 'rosters', (links) => change(links, (l) => (l['member'].id = 9))],
  ['a name that is none', 'malformed', (links) => change(links, (l) => (l['member'].name = 'Éve'))],
  ['a weight that is none', 'malformed', (links) => change(links, (l) => (l['member'].weight = -1))],
  ['a round that is none', 'malformed', (links) => change(links, (l) => (l['fromRound'] = 2 ** 50))],
  ['an empty list', 'malformed', () => []],
  ['no list', 'malformed', () => ({})],
]
const linkJson = ({ endorsements }: RosterLink) =>
  endorsements.map(({ memberId, signature }) => ({ memberId, signature: toHex(signature) }))
function change(links: Draft[], of: (link: Draft) => void): Draft[] {
  of(links[0]!)
  return links
}

test.each(forgeries)('%s is refused', (_, reason, forge) => {
  const proof = JSON.parse(JSON.stringify(ledger.inclusion(7, 3, [1, 2, 4], LINKS))) as Draft
  expect(verify(proof)).toMatchObject({ ok: true })
  expect(verify({ ...proof, rosters: forge(proof.rosters as unknown as Draft[]) })).toEqual({
    ok: false,
    reason,
  })
})

test('what hands over certifies nothing', () => {
  const [first] = joined.link.endorsements
  const proof = ledger.inclusion(0, 1, [0, 1, 3]) as Draft
  const signatures = proof['certificate'].signatures as { memberId: number; signature: string }[]
  const swapped = [{ memberId: 0, signature: toHex(first!.signature) }, ...signatures.slice(1)]
  const certificate = { ...proof['certificate'], signatures: swapped }
  expect(verify({ ...proof, certificate })).toEqual({ ok: false, reason: 'certificate-signature' })
})
