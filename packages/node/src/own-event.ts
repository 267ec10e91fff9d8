/** The next own event: after the last one, with all fresh tips as other-parents and a batch of the pool. */
import { createEvent, SALT_BYTES, type VerifiedEvent } from '@hearsay/dag'
import { freshTips } from './fresh-tips.ts'
import type { MemberOptions } from './member-types.ts'
import type { Orderer } from './orderer.ts'
import type { Batch } from './pool.ts'
import type { OwnTip } from './snapshot.ts'

export function nextOwnEvent(
  { genesis, memberId, secretKey, suite, randomBytes }: MemberOptions,
  networkId: Uint8Array,
  { graph, decidedRound }: Orderer,
  tip: OwnTip | undefined,
  batch: Batch,
  wallMicros: number,
): VerifiedEvent {
  return createEvent(
    {
      creator: memberId,
      sequence: (tip?.sequence ?? 0) + 1,
      birthRound: decidedRound() + 1,
      timestamp: Math.max(wallMicros, (tip?.timestamp ?? 0) + 1),
      salt: randomBytes(SALT_BYTES),
      selfParent: tip?.reference,
      otherParents: freshTips(graph, genesis.members, memberId),
      transactions: batch.transactions.map(({ bytes, count }) =>
        count === undefined ? bytes : { payload: bytes, count },
      ),
    },
    networkId,
    secretKey,
    suite,
  )
}
