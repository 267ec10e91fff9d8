/**
 * Reads the journal of a data directory as nobody's friend would: every record against its checksums, every event against
 * its signature and payload, and orders the events anew. Changes nothing and needs no lock, so it may read that of a
 * running node.
 */
import type { Block } from '@hearsay/consensus'
import { decodeEvent, toHex, verifyEvent, type Genesis, type LinkedEvent } from '@hearsay/dag'
import type { createBestSuite } from '@hearsay/dag/native'
import { type TornTail, verifyJournal } from '../disk/index.ts'
import { RECORD_ADOPTED, RECORD_EVENT, RECORD_RESUBMITTED } from '../src/member-types.ts'
import { createOrderer, type Orderer } from '../src/orderer.ts'

export type Suite = ReturnType<typeof createBestSuite>['suite']

/** Sound data that does not prove what it says. */
export class JournalWrong extends Error {
  readonly code: string = 'E_NOT_VERIFIED'
  readonly exitCode: number = 3
  readonly hint: string = 'keep the directory as evidence; let this member join again from its peers'
}

export interface JournalSource {
  readonly dir: string
  readonly genesis: Genesis
  readonly networkId: Uint8Array
  readonly suite: Suite
}

export interface JournalListener {
  readonly onLinked: (linked: LinkedEvent) => void
  readonly onBlock: (block: Block) => void
}

export interface OrderedJournal {
  readonly orderer: Orderer
  readonly events: number
  /** What a crash left unfinished, or a damaged last record: an opening would cut it off. */
  readonly tornTail: TornTail | null
}

/** Throws JournalDamaged where bytes are not what was written, and JournalWrong where what was written is not true. */
export function orderJournal(source: JournalSource, listener: JournalListener): OrderedJournal {
  const { dir, genesis, networkId, suite } = source
  const keys = new Map(genesis.members.map((member) => [member.id, member.publicKey]))
  const orderer = createOrderer({ genesis, networkId, sha256: suite.sha256, ...listener })
  let events = 0
  const { tornTail } = verifyJournal(dir, (kind, payload, offset) => {
    const where = `${dir}/journal at offset ${offset}`
    if (kind === RECORD_RESUBMITTED || kind === RECORD_ADOPTED) return
    if (kind !== RECORD_EVENT) throw new JournalWrong(`${where}: a record of unknown kind ${kind}`)
    const decoded = decodeEvent(payload.slice(), networkId, suite.sha256)
    if (!decoded.ok) throw new JournalWrong(`${where}: not an event of this network: ${decoded.reason}`)
    const checked = verifyEvent(decoded.event, (id) => keys.get(id), suite)
    if (!checked.ok) throw new JournalWrong(`${where}: event ${toHex(decoded.event.id)}: ${checked.reason}`)
    const result = orderer.offer(checked.event, 0)
    // Ancient is sound: an own event is written before it is durable and linked after, and what was linked in between is behind it
    // here. If the own event decides a round, that may be too late here by this one round; for the order it is nothing either way.
    if (result !== 'ready' && result !== 'waiting' && result !== 'ancient') {
      throw new JournalWrong(`${where}: event ${toHex(decoded.event.id)} does not fit: ${result}`)
    }
    events += 1
  })
  if (orderer.graph.waitingCount() > 0) {
    throw new JournalWrong(
      `${dir}/journal: ${orderer.graph.waitingCount()} events lack parents that stand nowhere before them`,
    )
  }
  return { orderer, events, tornTail: tornTail ?? null }
}
