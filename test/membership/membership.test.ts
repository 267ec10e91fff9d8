/** The roster as the ordered log decides it: who must approve, what is refused, what is kept. */
import { describe, expect, test } from 'vitest'
import {
  createMembership,
  MAX_CHECKED_OF_CREATOR,
  MAX_PROPOSALS_OF_MEMBER,
  type Membership,
} from '@hearsay/consensus'
import {
  bytesKey,
  concatBytes,
  decodeRosterTransaction,
  isRosterTransaction,
  isSupermajority,
  stayingWeight,
  totalWeight,
  type Member,
  type MemberChange,
} from '@hearsay/dag'
import { createRandom } from '../dag/random.ts'
import { seedOf, suite } from '../dag/making.ts'
import { createParties, type Parties } from './parties.ts'

const WINDOW = 26
const idsOf = (membership: Membership, round: number): number[] =>
  membership.rosterOf(round).members.map(({ id }) => id)

describe('a change', () => {
  test('is agreed with more than two thirds of the weight, and rules a window of rounds later', () => {
    const { membership, change, approval } = createParties([1, 1, 1, 1])
    const joins = change({ id: 5 }, seedOf(5))
    expect(membership.apply(7, 1, approval(joins, 1))).toBeUndefined()
    expect(membership.apply(8, 1, approval(joins, 2))).toBeUndefined()
    expect(membership.latest().number).toBe(0)
    expect(membership.proposals().map(({ approvedBy }) => approvedBy)).toEqual([[1, 2]])
    expect(membership.apply(9, 1, approval(joins, 4))).toBeUndefined()
    expect(membership.latest()).toMatchObject({ number: 1, fromRound: 9 + WINDOW, nextId: 6, identities: 5 })
    expect(membership.proposals()).toEqual([])
    expect(idsOf(membership, 8 + WINDOW)).toEqual([1, 2, 3, 4])
    expect(idsOf(membership, 9 + WINDOW)).toEqual([1, 2, 3, 4, 5])
  })

  test('counts weight, not heads', () => {
    const { membership, change, agree } = createParties([5, 1, 1, 1])
    const less = change({ id: 1, weight: 4 })
    agree(less, [2, 3, 4], 1)
    expect(membership.latest().number).toBe(0)
    agree(less, [1], 2)
    expect(membership.latest().number).toBe(1)
  })

  const refused: readonly (readonly [string, readonly number[], (parties: Parties) => unknown, string])[] = [
    ['of nothing', [1, 1, 1, 1], (p) => p.change({ id: 2 }), 'changes-nothing'],
    ['of a stranger', [1, 1, 1, 1], (p) => p.change({ id: 9 }, seedOf(9)), 'unknown-member'],
    ['that removes a stranger', [1, 1, 1, 1], (p) => p.change({ id: 5, weight: 0 }), 'unknown-member'],
    [
      'with a name that is taken',
      [1, 1, 1, 1],
      (p) => p.change({ id: 5, name: 'm2' }, seedOf(5)),
      'bad-name',
    ],
    ['of a name', [1, 1, 1, 1], (p) => p.change({ id: 2, name: 'eve', weight: 2 }), 'bad-name'],
    ['with a key that is taken', [1, 1, 1, 1], (p) => p.change({ id: 5 }, seedOf(2)), 'bad-key'],
    [
      'with a key that nobody holds',
      [1, 1, 1, 1],
      (p) => ({ ...p.change({ id: 5 }, seedOf(5)), keyProof: new Uint8Array(64) }),
      'key-not-proved',
    ],
    [
      'with a key proved for another name',
      [1, 1, 1, 1],
      (p) => ({
        ...p.change({ id: 5 }, seedOf(5)),
        keyProof: p.change({ id: 5, name: 'x' }, seedOf(5)).keyProof,
      }),
      'key-not-proved',
    ],
    [
      'of key and weight',
      [1, 1, 1, 1],
      (p) => p.change({ id: 2, weight: 2 }, seedOf(9)),
      'changes-two-things',
    ],
    [
      'that makes one member a third',
      [1, 1, 1, 1],
      (p) => p.change({ id: 5, weight: 2 }, seedOf(5)),
      'changes-too-much',
    ],
    [
      'that leaves less than two thirds',
      [1, 1, 1],
      (p) => p.change({ id: 1, weight: 0 }),
      'changes-too-much',
    ],
    ['of the key of one in three', [1, 1, 1], (p) => p.change({ id: 1 }, seedOf(9)), 'changes-too-much'],
    ['that adds one to two', [1, 1], (p) => p.change({ id: 3 }, seedOf(3)), 'changes-too-much'],
    ['that removes the only one', [1], (p) => p.change({ id: 1, weight: 0 }), 'changes-too-much'],
  ]
  test.each(refused)('%s is refused', (_, weights, changeOf, reason) => {
    const parties = createParties(weights)
    const wanted = changeOf(parties) as Parameters<Parties['approval']>[0]
    expect(parties.membership.apply(1, 1, parties.approval(wanted, 1))).toBe(reason)
    expect(parties.membership.proposals()).toEqual([])
  })

  test.each([
    ['one of four leaves', [1, 1, 1, 1], (p: Parties) => p.change({ id: 4, weight: 0 })],
    ['one joins three', [1, 1, 1], (p: Parties) => p.change({ id: 4 }, seedOf(4))],
    ['one of four gets a new key', [1, 1, 1, 1], (p: Parties) => p.change({ id: 4 }, seedOf(9))],
    ['a light one joins a heavy one', [10], (p: Parties) => p.change({ id: 2, weight: 4 }, seedOf(2))],
  ] as const)('%s', (_, weights, changeOf) => {
    const parties = createParties(weights)
    parties.agree(
      changeOf(parties),
      parties.genesis.members.map(({ id }) => id),
      1,
    )
    expect(parties.membership.latest().number).toBe(1)
  })
})

describe('approvals', () => {
  test('count once, and only of members with their own signature', () => {
    const { membership, change, approval } = createParties([1, 1, 1, 1])
    const joins = change({ id: 5 }, seedOf(5))
    membership.apply(1, 1, approval(joins, 1))
    expect(membership.apply(2, 2, approval(joins, 1))).toBe('known-already')
    expect(membership.apply(2, 2, approval(joins, 5))).toBe('no-member')
    expect(membership.apply(2, 2, approval(joins, 2, seedOf(1)))).toBe('bad-signature')
    expect(membership.proposals()[0]!.approvedBy).toEqual([1])
  })

  test('of two proposals one is agreed, and the other is void for ever', () => {
    const { membership, change, approval, agree, handOver } = createParties([1, 1, 1, 1])
    const joins = change({ id: 5 }, seedOf(5))
    const rival = change({ id: 5, name: 'rival' }, seedOf(6))
    agree(joins, [1, 2], 1)
    agree(rival, [1, 3, 4], 1)
    const late = approval(joins, 3)
    expect(membership.apply(1, 3, late)).toBe('other-base')
    expect(membership.latest().members.at(-1)!.name).toBe('rival')
    handOver([1, 2, 3], 2)
    for (const id of [3, 4]) expect(membership.apply(2 + WINDOW, id, approval(joins, id))).toBe('other-base')
    expect(membership.latest().number).toBe(1)
  })

  test('are not replayed after the same member has left and come again', () => {
    const { membership, change, approval, agree, handOver } = createParties([1, 1, 1, 1])
    const leaves = change({ id: 4, weight: 0 })
    const old = [1, 2, 3].map((id) => approval(leaves, id))
    old.forEach((each, i) => void membership.apply(1, i, each))
    handOver([1, 2, 3], 2)
    agree(change({ id: 5, name: 'm4' }, seedOf(4)), [1, 2, 3], 40)
    handOver([1, 2, 3], 41)
    for (const each of old) expect(membership.apply(90, 1, each)).toBe('other-base')
    expect(idsOf(membership, 1_000)).toEqual([1, 2, 3, 5])
  })

  test('of a member that was removed are void, and so are those that it gave before', () => {
    const { membership, change, approval, agree, handOver } = createParties([1, 1, 1, 1, 1])
    const joins = change({ id: 6 }, seedOf(6))
    agree(joins, [5, 1], 1)
    agree(change({ id: 5, weight: 0 }), [1, 2, 3, 4], 1)
    handOver([1, 2, 3, 4], 2)
    const again = { ...joins, base: membership.latest().hash }
    expect(membership.apply(40, 1, approval(again, 5))).toBe('no-member')
    expect(membership.proposals()).toEqual([])
  })

  test('wait until the roster before rules and is handed over', () => {
    const { membership, change, approval, agree, handOver } = createParties([1, 1, 1, 1])
    agree(change({ id: 5 }, seedOf(5)), [1, 2, 3], 1)
    const next = approval(change({ id: 5, weight: 0 }), 1)
    expect(membership.apply(WINDOW, 1, next)).toBe('change-under-way')
    expect(membership.apply(1 + WINDOW, 1, next)).toBe('change-under-way')
    handOver([1, 2, 3], 1 + WINDOW)
    expect(membership.apply(1 + WINDOW, 1, next)).toBeUndefined()
  })

  test('of more proposals than a member may support take the place of its oldest', () => {
    const { membership, change, approval } = createParties([1, 1, 1, 1])
    const many = Array.from({ length: MAX_PROPOSALS_OF_MEMBER + 1 }, (_, i) =>
      change({ id: 5, name: `n${i}` }, seedOf(10 + i)),
    )
    membership.apply(1, 2, approval(many[0]!, 2))
    many.forEach((each, i) => expect(membership.apply(2 + i, 1, approval(each, 1))).toBeUndefined())
    expect(
      membership.proposals().map(({ change: { member }, approvedBy }) => [member.name, approvedBy]),
    ).toEqual([
      ['n0', [2]],
      ['n1', [1]],
      ['n2', [1]],
      ['n3', [1]],
      ['n4', [1]],
    ])
  })

  test('are checked so many times a round and creator', () => {
    const { membership, change, approval } = createParties([1, 1, 1, 1])
    const joins = change({ id: 5 }, seedOf(5))
    const forged = approval(joins, 2, seedOf(1))
    for (let i = 0; i < MAX_CHECKED_OF_CREATOR; i++)
      expect(membership.apply(3, 1, forged)).toBe('bad-signature')
    expect(membership.apply(3, 1, approval(joins, 2))).toBe('too-many')
    expect(membership.apply(3, 2, approval(joins, 2))).toBeUndefined()
    expect(membership.apply(4, 1, approval(joins, 1))).toBeUndefined()
  })
})

describe('endorsements', () => {
  test('hand over with more than two thirds of the old weight, by the old keys', () => {
    const { membership, change, agree, endorsement } = createParties([1, 1, 1, 1])
    agree(change({ id: 4 }, seedOf(9)), [1, 2, 3], 1)
    expect(membership.apply(2, 1, endorsement(4, seedOf(9)))).toBe('bad-signature')
    for (const id of [4, 2]) expect(membership.apply(2, id, endorsement(id))).toBeUndefined()
    expect(membership.apply(2, 2, endorsement(2))).toBe('known-already')
    expect(membership.steps()[0]!.isHandedOver).toBe(false)
    expect(membership.apply(3, 1, endorsement(1))).toBeUndefined()
    expect(membership.steps()[0]).toMatchObject({ isHandedOver: true, agreedRound: 1 })
    expect(membership.steps()[0]!.endorsements.map(({ memberId }) => memberId)).toEqual([1, 2, 4])
    expect(membership.apply(3, 3, endorsement(3))).toBe('known-already')
  })

  test('of nothing, or of a newcomer, are void', () => {
    const { membership, change, agree, endorsement } = createParties([1, 1, 1, 1])
    expect(membership.apply(1, 1, endorsement(1))).toBe('other-base')
    agree(change({ id: 5 }, seedOf(5)), [1, 2, 3], 1)
    expect(membership.apply(2, 5, endorsement(5))).toBe('no-member')
  })
})

test('bytes that are not exactly a roster transaction are none, and are not the application’s', () => {
  const { membership, change, approval } = createParties([1, 1, 1, 1])
  const sound = approval(change({ id: 5 }, seedOf(5)), 1)
  expect(decodeRosterTransaction(sound)?.kind).toBe('approve')
  for (let length = 8; length < sound.length; length++) {
    const cut = sound.slice(0, length)
    expect(isRosterTransaction(cut)).toBe(true)
    expect(membership.apply(1, 1, cut)).toBe('malformed')
  }
  expect(membership.apply(1, 1, concatBytes(sound, Uint8Array.of(0)))).toBe('malformed')
  expect(isRosterTransaction(sound.subarray(1))).toBe(false)
})

/** Any transactions in any order: rosters stay sound, and a state taken anywhere goes on alike. */
test.each([1, 2, 3, 4])('random changes, seed %i', (seed) => {
  const random = createRandom(seed)
  const parties = createParties(Array.from({ length: 3 + random.below(5) }, () => 1 + random.below(4)))
  const { membership, options } = parties
  let other = createMembership(options)
  const secrets = new Map(
    parties.genesis.members.map(({ id, publicKey }) => [bytesKey(publicKey), seedOf(id)]),
  )
  const secretOf = ({ publicKey }: Member): Uint8Array => secrets.get(bytesKey(publicKey))!
  const waiting: Uint8Array[] = []

  function wish(): MemberChange {
    const roster = membership.latest()
    const { id } = roster.members[random.below(roster.members.length)]!
    const secret = seedOf(40 + random.below(200))
    secrets.set(bytesKey(suite.publicKey(secret)), secret)
    const kind = random.below(4)
    if (kind === 0) return parties.change({ id: roster.nextId, weight: 1 + random.below(3) }, secret)
    return kind === 1 ? parties.change({ id }, secret) : parties.change({ id, weight: random.below(6) })
  }

  let round = 1
  for (let step = 0; step < 40; step++) {
    const roster = membership.latest()
    const wanted = wish()
    for (const member of roster.members) {
      if (random.below(8) > 0) waiting.push(parties.approval(wanted, member.id, secretOf(member)))
      if (roster.number > 0) waiting.push(parties.endorsement(member.id, secretOf(member)))
    }
    while (waiting.length > random.below(5)) {
      const [bytes] = waiting.splice(random.below(waiting.length), 1)
      const before = membership.latest()
      const creator = random.below(9)
      expect(other.apply(round, creator, bytes!)).toBe(membership.apply(round, creator, bytes!))
      const after = membership.latest()
      if (after.number === before.number) continue
      expect(after.fromRound).toBe(round + WINDOW)
      const stays = stayingWeight(before.members, after.members)
      for (const { members } of [before, after])
        expect(isSupermajority(stays, totalWeight(members))).toBe(true)
    }
    round += 1 + random.below(20)
    other = createMembership({ ...options, state: other.encode() })
    expect(bytesKey(other.encode())).toBe(bytesKey(membership.encode()))
  }
  expect(membership.latest().number).toBeGreaterThan(0)
})
