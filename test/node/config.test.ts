import { describe, expect, test } from 'vitest'
import { networkIdOf } from '@hearsay/dag'
import { configFromJson, genesisFromJson, genesisToJson } from '@hearsay/node'
import { genesisOf, suite } from '../dag/making.ts'

type Json = Record<string, unknown>

const genesis = genesisOf(3)
const written = (): Json => JSON.parse(JSON.stringify(genesisToJson(genesis))) as Json

describe('genesis.json', () => {
  test('is read as it was written', () => {
    const read = genesisFromJson(written())
    expect(read).toEqual({ ok: true, value: genesis })
    if (read.ok) expect(networkIdOf(read.value, suite.sha256)).toEqual(networkIdOf(genesis, suite.sha256))
  })

  const member = (change: Json): Json => {
    const json = written()
    const members = json['members'] as Json[]
    return { ...json, members: [{ ...members[0], ...change }, ...members.slice(1)] }
  }
  const cases: readonly (readonly [string, unknown, RegExp])[] = [
    ['no object', 5, /not a Hearsay genesis/],
    ['null', null, /not a Hearsay genesis/],
    ['an array', [], /not a Hearsay genesis/],
    ['another file', { hearsay: 'config' }, /not a Hearsay genesis/],
    ['a later version', { ...written(), version: 2 }, /version 2 is not known/],
    ['a version that is text', { ...written(), version: '1' }, /version 1 is not known/],
    ['no members', { ...written(), members: [] }, /0 members/],
    ['members that are no list', { ...written(), members: { length: 1 } }, /0 members/],
    ['a member that is null', { ...written(), members: [null] }, /members\[0\]: needs/],
    ['a key that is no hexadecimal', member({ publicKey: 'zz' }), /members\[0\]: needs/],
    ['a key that is short', member({ publicKey: 'aa' }), /public key of 1 bytes/],
    ['a name that is a number', member({ name: 7 }), /members\[0\]: needs/],
    ['an id that is text', member({ id: '1' }), /id NaN/],
    ['an id that is null', member({ id: null }), /id NaN/],
    ['an id that is a list', member({ id: [1] }), /id NaN/],
    ['no weight', member({ weight: undefined }), /weight NaN/],
    ['a weight that is true', member({ weight: true }), /weight NaN/],
    ['a coinFrequency that is text', { ...written(), coinFrequency: '12' }, /coinFrequency NaN/],
    ['no roundsNonAncient', { ...written(), roundsNonAncient: undefined }, /roundsNonAncient NaN/],
    ['a salt that is short', { ...written(), salt: '00' }, /salt of 1 bytes/],
    ['no salt', { ...written(), salt: undefined }, /salt: 32 hex digits/],
  ]
  for (const [name, json, fault] of cases) {
    test(`${name} is said`, () => {
      const read = genesisFromJson(json)
      expect(read.ok).toBe(false)
      if (!read.ok) expect(read.faults.join('; ')).toMatch(fault)
    })
  }

  test('everything that is wrong is said at once', () => {
    const read = genesisFromJson({ ...written(), coinFrequency: 0, salt: 'x', members: [null] })
    expect(!read.ok && read.faults.length).toBeGreaterThanOrEqual(3)
  })
})

const address = (port: unknown = 4000, host: unknown = '127.0.0.1'): Json => ({ host, port })

describe('config.json', () => {
  const sound = { name: 'ada', gossip: address(), api: address(0), peers: { bob: address(65_535, '::1') } }

  test('is read', () => {
    expect(configFromJson(sound)).toEqual({ ok: true, value: sound })
    const { peers: _peers, ...alone } = sound
    expect(configFromJson(alone)).toEqual({ ok: true, value: { ...alone, peers: {} } })
    expect(configFromJson({ ...sound, profile: 'wan' })).toEqual({
      ok: true,
      value: { ...sound, profile: 'wan' },
    })
    expect(configFromJson({ ...sound, more: 1 })).toEqual({ ok: true, value: sound })
  })

  const cases: readonly (readonly [string, unknown, RegExp])[] = [
    ['no object', 'x', /not an object/],
    ['no name', { ...sound, name: undefined }, /^name/],
    ['no gossip address', { ...sound, gossip: undefined }, /^gossip/],
    ['a port as text', { ...sound, api: address('80') }, /^api/],
    ['a port beyond', { ...sound, api: address(65_536) }, /^api/],
    ['a port below', { ...sound, api: address(-1) }, /^api/],
    ['half a port', { ...sound, api: address(1.5) }, /^api/],
    ['an empty host', { ...sound, api: address(1, '') }, /^api/],
    ['a peer without address', { ...sound, peers: { bob: 5 } }, /^peers\.bob/],
    ['peers that are a list', { ...sound, peers: [5] }, /^peers/],
    ['a profile from nowhere', { ...sound, profile: 'toString' }, /^profile: one of local, lan, wan/],
    ['peers that are text', { ...sound, peers: 'bob' }, /^peers/],
  ]
  for (const [name, json, fault] of cases) {
    test(`${name} is said`, () => {
      const read = configFromJson(json)
      expect(read.ok).toBe(false)
      if (!read.ok) expect(read.faults.join('; ')).toMatch(fault)
    })
  }

  test('no name of a peer reaches a prototype', () => {
    const json: unknown = JSON.parse(
      '{"name":"ada","gossip":{"host":"h","port":1},"api":{"host":"h","port":1},"peers":{"__proto__":{"host":"evil","port":7}}}',
    )
    const read = configFromJson(json)
    if (!read.ok) throw new Error(read.faults.join())
    expect(Object.keys(read.value.peers)).toEqual(['__proto__'])
    expect(read.value.peers['constructor']).toBeUndefined()
    expect(read.value.peers['host']).toBeUndefined()
    expect(({} as Json)['host']).toBeUndefined()
  })
})
