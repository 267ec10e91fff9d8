/**
 * A first look at a large file, before anything of it is checked: which events there are and which of them name each other, so that the
 * map of a million stands there in seconds while signatures and order are checked behind it. An id is the hash of its event, so an
 * edge that is drawn is one that the event names. What is checked later must find the same events in the same
 * order; where it does not, the first look is dropped (store.ts, `confirm`).
 */
import { decodeEvent, readUint32, type Genesis, type Sha256 } from '@hearsay/dag'
import type { LinkedBatch } from '../model/messages.ts'
import { createRows } from './batch.ts'

export interface Draft {
  /** False if a checked graph would not have this event at this place: unsound, or there already. */
  take(bytes: Uint8Array): boolean
  count(): number
  /** The events since the last call. */
  drain(): LinkedBatch
}

/** Index of an event by the first eight bytes of its id: open addressing, in two plain arrays, because there may be a million. */
function createIndex() {
  let slots = new Int32Array(1 << 14).fill(-1)
  let highs = new Uint32Array(1 << 13)
  let lows = new Uint32Array(1 << 13)
  let count = 0

  /** The slot that holds it, or the free one where it would stand. */
  function slotOf(high: number, low: number): number {
    const mask = slots.length - 1
    for (let at = (high ^ low) & mask; ; at = (at + 1) & mask) {
      const index = slots[at]!
      if (index === -1 || (highs[index] === high && lows[index] === low)) return at
    }
  }

  function grow(): void {
    const [oldHighs, oldLows] = [highs, lows]
    highs = new Uint32Array(2 * count)
    highs.set(oldHighs)
    lows = new Uint32Array(2 * count)
    lows.set(oldLows)
    slots = new Int32Array(4 * count).fill(-1)
    for (let index = 0; index < count; index++) slots[slotOf(highs[index]!, lows[index]!)] = index
  }

  return {
    find: (id: Uint8Array): number => slots[slotOf(readUint32(id, 0), readUint32(id, 4))]!,
    add: (id: Uint8Array): void => {
      if (count === highs.length) grow()
      highs[count] = readUint32(id, 0)
      lows[count] = readUint32(id, 4)
      slots[slotOf(highs[count]!, lows[count]!)] = count
      count += 1
    },
  }
}

export function createDraft(
  { members }: Pick<Genesis, 'members'>,
  networkId: Uint8Array,
  sha256: Sha256,
): Draft {
  const slots = new Map(members.map(({ id }, slot) => [id, slot]))
  const index = createIndex()
  const rows = createRows()
  return {
    take: (bytes) => {
      const decoded = decodeEvent(bytes, networkId, sha256)
      if (!decoded.ok) return false
      const { event } = decoded
      const member = slots.get(event.creator)
      if (member === undefined || index.find(event.id) !== -1) return false
      index.add(event.id)
      rows.push({
        id: event.id,
        member,
        selfParent: event.selfParent === undefined ? -1 : index.find(event.selfParent.id),
        otherParents: event.otherParents.map(({ id }) => index.find(id)).filter((parent) => parent !== -1),
        timestamp: event.timestamp,
        transactionCount: event.transactionCount,
        sizeBytes: bytes.length,
      })
      return true
    },
    count: rows.count,
    drain: rows.drain,
  }
}
