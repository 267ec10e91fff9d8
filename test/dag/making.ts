/**
 * Events for tests: a genesis from fixed seeds and signed events of its members, with any field bent as a test wants.
 * `createMaker` signs for real; the `unsigned` suite stands zeros in for signatures where only the graph is tested.
 */
import {
  createEvent,
  networkIdOf,
  type CryptoSuite,
  type EventFields,
  type EventReference,
  type Genesis,
  type VerifiedEvent,
} from '@hearsay/dag'
import { createNativeSuite } from '@hearsay/dag/native'

export const suite: CryptoSuite = createNativeSuite()

/** Makes events that are not signed: ten times faster, for the graph alone. */
export const unsigned: CryptoSuite = { ...suite, sign: () => new Uint8Array(64) }

/** A secret key (or any 32 bytes) that is nothing but its number. */
export const seedOf = (number: number): Uint8Array => new Uint8Array(32).fill(number)

export function genesisOf(members: number, salt = 7): Genesis {
  return {
    coinFrequency: 12,
    roundsNonAncient: 26,
    salt: new Uint8Array(16).fill(salt),
    members: Array.from({ length: members }, (_, i) => ({
      id: i + 1,
      name: `m${i + 1}`,
      publicKey: suite.publicKey(seedOf(i + 1)),
      weight: 1,
    })),
  }
}

export type Wishes = Partial<EventFields> & { readonly creator: number }

/** What an event says of this one as its parent. */
export const refer = (event: VerifiedEvent): EventReference => ({
  creator: event.creator,
  birthRound: event.birthRound,
  id: event.id,
})

export interface Maker {
  readonly genesis: Genesis
  readonly networkId: Uint8Array
  readonly keyOf: (creator: number) => Uint8Array | undefined
  /** A first event unless told otherwise; the salt is a running number. */
  event(wishes: Wishes): VerifiedEvent
  /** The event after `parent` by the same creator. */
  child(
    parent: VerifiedEvent,
    others?: readonly VerifiedEvent[],
    wishes?: Partial<EventFields>,
  ): VerifiedEvent
}

export function createMaker(members: number, signer: CryptoSuite = suite, salt = 7): Maker {
  const genesis = genesisOf(members, salt)
  const networkId = networkIdOf(genesis, suite.sha256)
  const keys = new Map(genesis.members.map((member) => [member.id, member.publicKey]))
  let made = 0

  function event(wishes: Wishes): VerifiedEvent {
    made += 1
    const salted = new Uint8Array(16)
    new DataView(salted.buffer).setUint32(0, made)
    const fields: EventFields = {
      sequence: 1,
      birthRound: 1,
      timestamp: 1_000_000 + made,
      salt: salted,
      selfParent: undefined,
      otherParents: [],
      transactions: [],
      ...wishes,
    }
    return createEvent(fields, networkId, seedOf(fields.creator), signer)
  }

  return {
    genesis,
    networkId,
    keyOf: (creator) => keys.get(creator),
    event,
    child: (parent, others = [], wishes = {}) =>
      event({
        creator: parent.creator,
        sequence: parent.sequence + 1,
        birthRound: Math.max(parent.birthRound, ...others.map((other) => other.birthRound)),
        timestamp: parent.timestamp + 1,
        selfParent: refer(parent),
        otherParents: others.map(refer),
        ...wishes,
      }),
  }
}
