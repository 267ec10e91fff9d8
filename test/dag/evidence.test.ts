/** Evidence as a file: believed with nothing but the genesis, and every forgery of it refused. */
import { describe, expect, test } from 'vitest'
import {
  branchProof,
  evidenceToJson,
  headerOf,
  networkIdOf,
  toHex,
  verifyEvidence,
  type BranchProof,
} from '@hearsay/dag'
import { createMaker, genesisOf, suite } from './making.ts'

const maker = createMaker(4)
const { genesis, networkId } = maker
const [one, two] = [maker.event({ creator: 3 }), maker.event({ creator: 3 })]
const third = maker.child(one)
const others = maker.event({ creator: 2 })
const elsewhere = createMaker(4, suite, 9)
const foreign = [elsewhere.event({ creator: 3 }), elsewhere.event({ creator: 3 })] as const
const proof = branchProof(one, two)

interface Entry {
  readonly memberId: number
  readonly name: string
  readonly sequence: number
  readonly first: string
  readonly second: string
}
interface Json {
  readonly hearsay: string
  readonly version: number
  readonly networkId: string
  readonly evidence: readonly Entry[]
}
const jsonOf = (...proofs: readonly BranchProof[]): Json => evidenceToJson(proofs, genesis, networkId) as Json
const sound = jsonOf(proof)
const entry = sound.evidence[0]!
const withEntry = (changes: Record<string, unknown>): unknown => ({
  ...sound,
  evidence: [{ ...entry, ...changes }],
})
const flipped = (hex: string, byte: number): string => {
  const bytes = Buffer.from(hex, 'hex')
  bytes[byte < 0 ? bytes.length + byte : byte]! ^= 1
  return bytes.toString('hex')
}

test('two signed events with one number are believed, and say whose they are', () => {
  const read: unknown = JSON.parse(JSON.stringify(sound))
  expect(verifyEvidence(read, genesis, suite)).toEqual({
    ok: true,
    branches: [{ memberId: 3, name: 'm3', sequence: 1 }],
  })
})

describe('forgeries', () => {
  const cases: Readonly<Record<string, unknown>> = {
    'nothing at all': null,
    'another kind of file': { ...sound, hearsay: 'proof' },
    'a later version': { ...sound, version: 2 },
    'another network named': { ...sound, networkId: toHex(elsewhere.networkId) },
    'no entries': { ...sound, evidence: [] },
    'entries that are no list': { ...sound, evidence: entry },
    'an entry that is text': { ...sound, evidence: [toHex(proof.first)] },
    'the same entry twice': { ...sound, evidence: [entry, entry] },
    'more entries than members': { ...sound, evidence: Array.from({ length: 5 }, () => entry) },
    'a second entry that is none': { ...sound, evidence: [entry, {}] },
    'one header for both': withEntry({ second: entry.first }),
    'a header missing': withEntry({ second: undefined }),
    'a header that is no hexadecimal': withEntry({ second: `${entry.second.slice(0, -2)}zz` }),
    'a header cut short': withEntry({ second: entry.second.slice(0, -2) }),
    'a header with more behind it': withEntry({ second: `${entry.second}00` }),
    'a bit of the body turned': withEntry({ second: flipped(entry.second, 40) }),
    'a bit of the signature turned': withEntry({ second: flipped(entry.second, -1) }),
    'an event with its payload': withEntry({
      first: toHex(maker.event({ creator: 3, transactions: [Uint8Array.of(1)] }).bytes),
    }),
    'events of two members': withEntry({ second: toHex(headerOf(others)) }),
    'two events of one line': withEntry({ second: toHex(headerOf(third)) }),
    'a branch in another network': withEntry({
      first: toHex(headerOf(foreign[0])),
      second: toHex(headerOf(foreign[1])),
    }),
    'a proof against one member in the name of another': withEntry({ memberId: 2, name: 'm2' }),
    'the name of another member': withEntry({ name: 'm2' }),
    'another number': withEntry({ sequence: 2 }),
  }
  for (const [name, json] of Object.entries(cases))
    test(name, () => {
      expect(verifyEvidence(json, genesis, suite)).toMatchObject({ ok: false })
    })

  test('a sound file against the genesis of another network', () => {
    const other = genesisOf(4, 8)
    expect(networkIdOf(other, suite.sha256)).not.toEqual(networkId)
    expect(verifyEvidence(sound, other, suite)).toMatchObject({ ok: false })
  })
})
