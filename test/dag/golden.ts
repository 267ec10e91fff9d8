/**
 * What the golden vectors are made of: fixed members, one event with parents and transactions, one first event, one
 * block. The bytes stand in golden.json, which only scripts/make-golden.ts writes.
 */
import { EMPTY_LEDGER, encodeBlock, extendLedger } from '@hearsay/consensus'
import { createEvent, networkIdOf, toHex, type EventFields, type Genesis } from '@hearsay/dag'
import { seedOf, suite } from './making.ts'

export const goldenGenesis: Genesis = {
  coinFrequency: 12,
  roundsNonAncient: 26,
  salt: Uint8Array.from({ length: 16 }, (_, i) => i),
  members: [
    { id: 1, name: 'ada', publicKey: suite.publicKey(seedOf(1)), weight: 1 },
    { id: 7, name: 'bob-2', publicKey: suite.publicKey(seedOf(7)), weight: 1_000_000 },
    { id: 4_294_967_295, name: 'z', publicKey: suite.publicKey(seedOf(9)), weight: 3 },
  ],
}

export const goldenNetworkId: Uint8Array = networkIdOf(goldenGenesis, suite.sha256)

const salt = Uint8Array.from({ length: 16 }, (_, i) => 0xf0 + i)

const firstFields: EventFields = {
  creator: 1,
  sequence: 1,
  birthRound: 1,
  timestamp: 0,
  salt,
  selfParent: undefined,
  otherParents: [],
  transactions: [],
}

const laterFields: EventFields = {
  creator: 7,
  sequence: 0x0102_0304_0506,
  birthRound: 0x0a0b_0c0d_0e0f,
  timestamp: 1_700_000_000_123_456,
  salt,
  selfParent: { creator: 7, birthRound: 0x0a0b_0c0d_0e0e, id: seedOf(0x11) },
  otherParents: [
    { creator: 4_294_967_295, birthRound: 3, id: seedOf(0x22) },
    { creator: 1, birthRound: 0x0a0b_0c0d_0e0f, id: seedOf(0x33) },
  ],
  // Two chunks, an empty transaction among them.
  transactions: [
    Uint8Array.of(1, 2, 3),
    new Uint8Array(0),
    new Uint8Array(2_040).fill(0xab),
    Uint8Array.of(9),
  ],
}

const later = createEvent(laterFields, goldenNetworkId, seedOf(7), suite)
const first = createEvent(firstFields, goldenNetworkId, seedOf(1), suite)

const { block } = extendLedger(
  { ...EMPTY_LEDGER, round: 41, hash: seedOf(0x44), nextOrder: 1_000, nextPosition: 5_000_000_000 },
  {
    round: 42,
    judges: [seedOf(0x55), seedOf(0x66)],
    ancientThreshold: 17,
    lastTimestamp: 1_700_000_000_200_003,
    entries: [
      { id: first.id, timestamp: 1_700_000_000_100_000, transactionCount: 0 },
      { id: later.id, timestamp: 1_700_000_000_200_000, transactionCount: 4 },
    ],
  },
  goldenNetworkId,
  suite.sha256,
)

export const golden: Readonly<Record<string, string>> = {
  networkId: toHex(goldenNetworkId),
  firstEvent: toHex(first.bytes),
  firstEventId: toHex(first.id),
  laterEvent: toHex(later.bytes),
  laterEventId: toHex(later.id),
  block: toHex(encodeBlock(block, goldenNetworkId, suite.sha256)),
  blockHash: toHex(block.hash),
}
