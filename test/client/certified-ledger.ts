/** A small certified ledger with real events, keys and signatures, for proofs. */
import { EMPTY_LEDGER, extendLedger, type Block, type LedgerHead } from '@hearsay/consensus'
import {
  createEvent,
  networkIdOf,
  roundStatement,
  sealTransaction,
  type Genesis,
  type ProofJson,
  type RosterLink,
  type RoundCertificate,
  type VerifiedEvent,
} from '@hearsay/dag'
import { createBestSuite } from '@hearsay/dag/native'
import { proveAbsence, proveInclusion } from '@hearsay/node'

const { suite } = createBestSuite()
const secret = (member: number): Uint8Array => new Uint8Array(32).fill(member + 1)

export const GENESIS: Genesis = {
  coinFrequency: 12,
  roundsNonAncient: 26,
  salt: new Uint8Array(16),
  members: ['ada', 'bob', 'cat', 'dan'].map((name, id) => ({
    id,
    name,
    weight: 1,
    publicKey: suite.publicKey(secret(id)),
  })),
}
export const NETWORK_ID: Uint8Array = networkIdOf(GENESIS, suite.sha256)
const STATE_HASH = new Uint8Array(32).fill(5)
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

export const SEALED: Uint8Array = sealTransaction({
  nonce: new Uint8Array(16).fill(1),
  expires: 2_000_000_000_000_000,
  body: bytes('sealed'),
})

export function certify(
  block: Block,
  signers: readonly number[],
  networkId: Uint8Array = NETWORK_ID,
): RoundCertificate {
  const statement = { round: block.round, blockHash: block.hash, stateHash: STATE_HASH }
  const message = roundStatement(statement, networkId)
  return {
    ...statement,
    signatures: signers.map((memberId) => ({ memberId, signature: suite.sign(secret(memberId), message) })),
  }
}

export interface CertifiedLedger {
  readonly blocks: readonly Block[]
  /** What is expected at each position. */
  readonly transactions: readonly {
    bytes: Uint8Array
    block: Block
    event: VerifiedEvent
    timestamp: number
  }[]
  inclusion(
    position: number,
    certifiedRound: number,
    signers?: readonly number[],
    rosters?: readonly RosterLink[],
  ): ProofJson
  absence(position: number, round: number): ProofJson
}

/** Three rounds, the second one empty; events of many chunks, of one transaction and of none. */
export function createCertifiedLedger(): CertifiedLedger {
  const contents: Uint8Array[][][] = [
    [
      [bytes('first')],
      [],
      Array.from({ length: 300 }, (_, i) => bytes(`${'x'.repeat(i)} ${i}`)),
      [bytes(''), SEALED],
    ],
    [[]],
    [[bytes('last')]],
  ]
  let head: LedgerHead = EMPTY_LEDGER
  const blocks: Block[] = []
  const transactions: { bytes: Uint8Array; block: Block; event: VerifiedEvent; timestamp: number }[] = []
  for (const [i, events] of contents.entries()) {
    const made = events.map((list, creator) => ({
      list,
      timestamp: 1_000_000_000_000 + 10_000 * (10 * i + creator),
      event: createEvent(
        {
          creator,
          sequence: 1,
          birthRound: i + 1,
          timestamp: 1_000_000_000_000 + i,
          salt: new Uint8Array(16).fill(i),
          selfParent: undefined,
          otherParents: [],
          transactions: list,
        },
        NETWORK_ID,
        secret(creator),
        suite,
      ),
    }))
    const entries = made.map(({ list, timestamp, event }) => ({
      id: event.id,
      timestamp,
      transactionCount: list.length,
    }))
    const round = {
      round: i + 1,
      judges: made.map(({ event }) => event.id),
      ancientThreshold: 1,
      lastTimestamp: 1_000_000_000_000 + 10_000 * (10 * i + 9),
      entries,
    }
    const extended = extendLedger(head, round, NETWORK_ID, suite.sha256)
    head = extended.head
    blocks.push(extended.block)
    for (const { list, timestamp, event } of made) {
      for (const [index, each] of list.entries())
        transactions.push({ bytes: each, block: extended.block, event, timestamp: timestamp + index })
    }
  }
  const partsOf = (block: Block, certifiedRound: number, signers: readonly number[]) => ({
    networkId: NETWORK_ID,
    sha256: suite.sha256,
    block,
    later: blocks.slice(block.round, certifiedRound),
    certificate: certify(blocks[certifiedRound - 1]!, signers),
  })
  return {
    blocks,
    transactions,
    inclusion: (position, certifiedRound, signers = [0, 1, 3], rosters = []) => {
      const { block, event } = transactions[position]!
      return proveInclusion({ ...partsOf(block, certifiedRound, signers), rosters }, position, event)
    },
    absence: (position, round) => proveAbsence(partsOf(blocks[round - 1]!, round, [1, 2, 3]), position),
  }
}
