/**
 * What became of the transactions in one's own events: final with the block that orders the event, or back to the pool
 * when the event has become stale, which nobody will ever order (spec section 6). A journal record says that this has
 * happened, so that a restart does not do it again.
 */
import type { Block } from '@hearsay/consensus'
import { bytesKey, payloadOf, transactionsOf, type EventKey, type VerifiedEvent } from '@hearsay/dag'
import type { MemberEffect } from './member-types.ts'
import { countOf, type Pool, type Pooled, type StaleGroup } from './pool.ts'

interface OwnUndecided {
  readonly id: Uint8Array
  readonly birthRound: number
  readonly transactions: readonly Pooled[]
}

export interface OwnTransactions {
  /**
   * An own event has been linked; `transactions` are its own with their tickets, if this process made it, and none if another
   * life did, whose matter they are.
   */
  linked(event: VerifiedEvent, transactions: readonly Pooled[] | undefined): void
  ordered(block: Block): void
  advanced(ancientThreshold: number): void
  /** The journal says that this stale event's transactions go into a later one, which must follow. */
  resubmitted(staleId: Uint8Array, laterId: Uint8Array): void
  /** The journal says that this event is of another life. */
  adopted(key: EventKey): void
  /** The journal holds this event. */
  replayed(key: EventKey): void
  /** A snapshot says that these were stale, and in no later event that was durable by then. */
  restore(groups: readonly StaleGroup[]): void
  /** Ordered before the snapshot that this life began with. */
  counted(keys: readonly EventKey[]): void
  /** An own event that nobody will order: its transactions wait again. */
  stale(group: StaleGroup): void
  /** The event that carries these stale events' transactions is durable. */
  carried(staleIds: readonly Uint8Array[]): void
  /** Stale own events whose transactions are in no durable later one. */
  pending(): readonly StaleGroup[]
  /** The journal has been replayed: what is stale and was not resubmitted goes to the pool. */
  start(): void
  /** Own events with transactions that are not ordered yet. */
  undecidedEvents(): number
  staleEvents(): number
}

export function createOwnTransactions(pool: Pool, emit: (effect: MemberEffect) => void): OwnTransactions {
  const undecided = new Map<EventKey, OwnUndecided>()
  const staleInReplay = new Map<EventKey, StaleGroup>()
  /** In replay: own event that is to follow → the stale ones whose transactions it carries. */
  const resubmittedBy = new Map<EventKey, EventKey[]>()
  /** Since the start: stale and not carried by a durable event yet. */
  const waiting = new Map<EventKey, StaleGroup>()
  let started = false
  let staleEvents = 0

  function stale(group: StaleGroup): void {
    waiting.set(bytesKey(group.staleId), group)
    pool.restore(group)
  }

  function finish(own: OwnUndecided, round: number, firstTimestamp: number, firstPosition: number): void {
    let next = 0
    for (const pooled of own.transactions) {
      const { ticket } = pooled
      const index = next
      next += countOf(pooled)
      if (ticket === undefined) continue
      const position = firstPosition + index
      emit({
        kind: 'final',
        ticket,
        position,
        round,
        timestamp: firstTimestamp + index,
        eventId: own.id,
        index,
      })
    }
  }

  return {
    linked: (event, transactions) => {
      if (event.transactionCount === 0) return
      undecided.set(event.key, {
        id: event.id,
        birthRound: event.birthRound,
        transactions:
          transactions ?? transactionsOf(payloadOf(event)).map((bytes) => ({ ticket: undefined, bytes })),
      })
    },
    ordered: (block) => {
      let position = block.firstPosition
      for (const entry of block.entries) {
        const key = bytesKey(entry.id)
        const own = undecided.get(key)
        if (own !== undefined) finish(own, block.round, entry.timestamp, position)
        undecided.delete(key)
        position += entry.transactionCount
      }
    },
    advanced: (ancientThreshold) => {
      for (const [key, own] of undecided) {
        if (own.birthRound >= ancientThreshold) continue
        undecided.delete(key)
        staleEvents += 1
        if (own.transactions.length === 0) continue
        const group: StaleGroup = { staleId: own.id, transactions: own.transactions }
        if (started) stale(group)
        else staleInReplay.set(key, group)
      }
    },
    resubmitted: (staleId, laterId) => {
      const later = bytesKey(laterId)
      resubmittedBy.set(later, [...(resubmittedBy.get(later) ?? []), bytesKey(staleId)])
    },
    adopted: (key) => {
      staleInReplay.delete(key)
      const known = undecided.get(key)
      if (known !== undefined) undecided.set(key, { ...known, transactions: [] })
    },
    replayed: (key) => {
      for (const staleKey of resubmittedBy.get(key) ?? []) staleInReplay.delete(staleKey)
      resubmittedBy.delete(key)
    },
    restore: (groups) => {
      for (const group of groups) staleInReplay.set(bytesKey(group.staleId), group)
    },
    counted: (keys) => {
      for (const key of keys) undecided.delete(key)
    },
    stale,
    carried: (staleIds) => {
      for (const id of staleIds) waiting.delete(bytesKey(id))
    },
    pending: () => [...(started ? waiting : staleInReplay).values()],
    start: () => {
      started = true
      for (const group of staleInReplay.values()) stale(group)
      staleInReplay.clear()
      resubmittedBy.clear()
    },
    undecidedEvents: () => undecided.size,
    staleEvents: () => staleEvents,
  }
}
