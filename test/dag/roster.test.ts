import { expect, test } from 'vitest'
import {
  genesisFaults,
  isSupermajority,
  MAX_MEMBERS,
  MAX_TOTAL_WEIGHT,
  networkIdOf,
  toHex,
  type Genesis,
  type Member,
} from '@hearsay/dag'
import { genesisOf, seedOf, suite } from './making.ts'

const sound = genesisOf(3)
const withMember = (change: Partial<Member>): Genesis => ({
  ...sound,
  members: [sound.members[0]!, { ...sound.members[1]!, ...change }, sound.members[2]!],
})

test('a sound genesis has no faults, and its id covers every field', () => {
  expect(genesisFaults(sound)).toEqual([])
  const variants: Genesis[] = [
    sound,
    { ...sound, coinFrequency: 13 },
    { ...sound, roundsNonAncient: 27 },
    { ...sound, salt: new Uint8Array(16) },
    { ...sound, members: sound.members.slice(0, 2) },
    withMember({ weight: 2 }),
    withMember({ name: 'm22' }),
    withMember({ publicKey: seedOf(77) }),
    { ...sound, members: sound.members.map((member) => ({ ...member, id: member.id + 1 })) },
  ]
  const ids = variants.map((genesis) => toHex(networkIdOf(genesis, suite.sha256)))
  expect(new Set(ids).size).toBe(variants.length)
})

test('every fault is named', () => {
  const cases: readonly (readonly [Genesis, RegExp])[] = [
    [{ ...sound, members: [] }, /^0 members/],
    [genesisOf(MAX_MEMBERS + 1), /^129 members/],
    [{ ...sound, coinFrequency: 1 }, /^coinFrequency 1/],
    [{ ...sound, coinFrequency: 2.5 }, /^coinFrequency 2.5/],
    [{ ...sound, coinFrequency: 1001 }, /^coinFrequency 1001/],
    [{ ...sound, roundsNonAncient: 3 }, /^roundsNonAncient 3/],
    [{ ...sound, roundsNonAncient: Number.NaN }, /^roundsNonAncient NaN/],
    [{ ...sound, salt: new Uint8Array(15) }, /^salt of 15/],
    [withMember({ name: '' }), /names are/],
    [withMember({ name: 'Ada' }), /names are/],
    [withMember({ name: 'a'.repeat(33) }), /names are/],
    [withMember({ name: 'a\n' }), /names are/],
    [withMember({ name: 'm1' }), /name stands twice/],
    [withMember({ id: 1 }), /id 1 is not/],
    [withMember({ id: 2.5 }), /id 2.5 is not/],
    [withMember({ id: Number.NaN }), /id NaN is not/],
    [{ ...sound, members: [{ ...sound.members[0]!, id: 2 ** 32 }] }, /id 4294967296/],
    [withMember({ weight: 0 }), /weight 0/],
    [withMember({ weight: -1 }), /weight -1/],
    [withMember({ weight: 1.5 }), /weight 1.5/],
    [withMember({ weight: 2 ** 53 }), /weight 9007199254740992/],
    [withMember({ weight: MAX_TOTAL_WEIGHT }), /^total weight/],
    [withMember({ publicKey: new Uint8Array(31) }), /31 bytes/],
    [withMember({ publicKey: sound.members[0]!.publicKey }), /key stands twice/],
  ]
  for (const [genesis, fault] of cases) {
    expect(genesisFaults(genesis)).toContainEqual(expect.stringMatching(fault))
    expect(() => networkIdOf(genesis, suite.sha256)).toThrow('invariant')
  }
})

test('more than two thirds, exactly, up to the greatest weights', () => {
  for (let total = 1; total <= 60; total++) {
    for (let weight = 0; weight <= total; weight++) {
      expect(isSupermajority(weight, total)).toBe(BigInt(weight) * 3n > BigInt(total) * 2n)
    }
  }
  for (const total of [MAX_TOTAL_WEIGHT, MAX_TOTAL_WEIGHT - 1, MAX_TOTAL_WEIGHT - 2]) {
    for (let off = -2; off <= 2; off++) {
      const weight = Math.floor((2 * total) / 3) + off
      expect(isSupermajority(weight, total)).toBe(BigInt(weight) * 3n > BigInt(total) * 2n)
    }
  }
})
