/** Random gossip as a file would have it: somebody has heard of somebody's newest event and makes one on it. From a seed, so always the same. */
import { createEngine } from '@hearsay/consensus'
import {
  coinOf,
  createEvent,
  networkIdOf,
  type CryptoSuite,
  type Genesis,
  type VerifiedEvent,
} from '@hearsay/dag'
import { seeded } from '../seeded.ts'

export interface Gossip {
  readonly genesis: Genesis
  readonly events: Iterable<Uint8Array>
}

const secret = (member: number): Uint8Array => new Uint8Array(32).fill(member + 1)

const refer = ({ event }: { event: VerifiedEvent }) => ({
  creator: event.creator,
  birthRound: event.birthRound,
  id: event.id,
})

/** Every fourth event carries a transaction. */
export function gossip(size: number, count: number, suite: CryptoSuite): Gossip {
  const genesis: Genesis = {
    coinFrequency: 12,
    roundsNonAncient: 26,
    salt: new Uint8Array(16),
    members: Array.from({ length: size }, (_, id) => ({
      id,
      name: `m${id}`,
      weight: 1,
      publicKey: suite.publicKey(secret(id)),
    })),
  }
  return { genesis, events: eventsOf(genesis, count, suite) }
}

function* eventsOf(genesis: Genesis, count: number, suite: CryptoSuite): Generator<Uint8Array> {
  const { members, coinFrequency, roundsNonAncient } = genesis
  const networkId = networkIdOf(genesis, suite.sha256)
  const draw = seeded(7)
  const engine = createEngine({
    config: { coinFrequency, roundsNonAncient },
    rosters: [{ fromRound: 1, members: members.map(({ id, weight }) => ({ id, weight })) }],
    fastPath: true,
  })
  const tips: { event: VerifiedEvent; handle: number }[] = []
  const text = new TextEncoder().encode('a transaction of about forty bytes, or so')
  const size = members.length
  for (let i = 0; i < count; i++) {
    const creator = i < size ? i : Math.floor(draw() * size)
    const own = tips[creator]
    const other = i < size ? undefined : tips[(creator + 1 + Math.floor(draw() * (size - 1))) % size]
    const event = createEvent(
      {
        creator,
        sequence: (own?.event.sequence ?? 0) + 1,
        birthRound: engine.decidedRound() + 1,
        timestamp: 1_790_000_000_000_000 + 1_000 * i,
        salt: Uint8Array.from({ length: 16 }, () => Math.floor(draw() * 256)),
        selfParent: own === undefined ? undefined : refer(own),
        otherParents: other === undefined ? [] : [refer(other)],
        transactions: i % 4 === 0 ? [text] : [],
      },
      networkId,
      secret(creator),
      suite,
    )
    const handle = engine.insert({
      id: event.id,
      creator,
      selfParent: own?.handle ?? -1,
      otherParents: other === undefined ? [] : [other.handle],
      birthRound: event.birthRound,
      timestamp: event.timestamp,
      coin: coinOf(event),
      transactionCount: event.transactionCount,
    })
    engine.takeDecidedRounds()
    tips[creator] = { event, handle }
    yield event.bytes
  }
}
