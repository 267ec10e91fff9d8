/**
 * Where the own chain of events stands, and how events of another life of this member join it: those that its directory does
 * not have, because it is an old copy or was wiped clean, and others still do. They are taken over until own events are made
 * again; after that one that nobody here has made is another process with the same key, or a copy found too late.
 */
import { bytesKey, type DecodedEvent, type LinkedEvent, type VerifiedEvent } from '@hearsay/dag'
import { RECORD_ADOPTED, RECORD_EVENT, type MemberEffect } from './member-types.ts'
import type { OwnTransactions } from './own-transactions.ts'
import type { Batch } from './pool.ts'
import type { OwnTip } from './snapshot.ts'

/** A made event that is not durable yet. */
export interface Unsynced {
  readonly event: VerifiedEvent
  readonly batch: Batch
}

export interface OwnChainParts {
  readonly memberId: number
  readonly tip: OwnTip | undefined
  readonly own: OwnTransactions
  /** Own events are not made yet. */
  readonly isObserving: () => boolean
  readonly unsynced: () => Unsynced | undefined
  /** The newest own event is one that this life has not made: it sees what this says. */
  readonly onFound: (linked: LinkedEvent) => void
  readonly emit: (effect: MemberEffect) => void
  readonly fail: (code: string, message: string) => void
}

export interface OwnChain {
  tip(): OwnTip | undefined
  /** Durable here, or held by others: the next own event comes after this one, linked or not. */
  note(event: DecodedEvent): void
  /** An own event has been linked. */
  linked(linked: LinkedEvent): void
  /** Whether an own event that has come from another member is taken in. */
  adopts(event: DecodedEvent, from: number): boolean
  /** The journal says that this event is of another life. */
  replayedAdopted(id: Uint8Array): void
  start(): void
}

export function appendOf({ bytes, key, birthRound }: VerifiedEvent): MemberEffect {
  return { kind: 'append', recordKind: RECORD_EVENT, bytes, key, birthRound }
}

export function createOwnChain(parts: OwnChainParts): OwnChain {
  const { own, emit } = parts
  /** Taken in from others and not linked yet. */
  const adopting = new Set<string>()
  /** In replay. */
  const adopted = new Set<string>()
  let tip = parts.tip
  let started = false

  function foreign(sequence: number, from: number): false {
    parts.fail(
      'E_DOUBLE_RUN',
      `an event of this member's key that this data directory does not know came from member ${from} ` +
        `(sequence ${sequence}, own newest ${tip?.sequence ?? 0}): the key is in use elsewhere, or the directory is an old copy`,
    )
    return false
  }

  function note({ creator, birthRound, id, sequence, timestamp }: DecodedEvent): void {
    if (tip !== undefined && sequence < tip.sequence) return
    tip = { reference: { creator, birthRound, id }, sequence, timestamp }
  }

  function linked(found: LinkedEvent): void {
    const { event } = found
    const isAdopted = adopting.delete(event.key)
    if (isAdopted && !parts.isObserving()) return void foreign(event.sequence, parts.memberId)
    if (isAdopted) append(event)
    note(event)
    if (!started || isAdopted) parts.onFound(found)
    const unsynced = parts.unsynced()
    const made = unsynced?.event === event ? unsynced.batch.transactions : undefined
    own.linked(event, isAdopted || adopted.has(event.key) ? [] : made)
  }

  /** Said before and after the event: one of them is there whatever a crash or a snapshot leaves of the journal. */
  function append(event: VerifiedEvent): void {
    const { id: bytes } = event
    const mark: MemberEffect = {
      kind: 'append',
      recordKind: RECORD_ADOPTED,
      bytes,
      key: undefined,
      birthRound: 0,
    }
    emit(mark)
    emit(appendOf(event))
    emit(mark)
  }

  return {
    tip: () => tip,
    note,
    linked,
    adopts: (event, from) => {
      if (!parts.isObserving() || event.sequence <= (tip?.sequence ?? 0)) return foreign(event.sequence, from)
      adopting.add(event.key)
      return true
    },
    replayedAdopted: (id) => {
      adopted.add(bytesKey(id))
      own.adopted(bytesKey(id))
    },
    start: () => {
      started = true
      adopted.clear()
    },
  }
}
