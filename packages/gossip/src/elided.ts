/**
 * Own events on the wire without what the peer can put back: the payload's commitment and count follow from the payload,
 * the self-parent is the sender's event one number earlier, other-parents are named by creator and sequence number, and
 * numbers are told as differences to the last event on this link (gossip design 1.7: reference elision). What is left
 * of a header is salt, signature and about ten bytes.
 *
 * An elided event is not ambiguous, only possibly not restorable: the receiver puts its own event of that creator and number
 * in, and the signature, which covers full ids, holds or does not. If it does not (the creator has branched, and
 * the two hold different events), or the parent is not there, the event is asked for in full like any that is missing
 * (repair.ts), so elision never decides what is valid. A sender names parents of members that it knows to have branched in full.
 *
 *   frame   2, then events
 *   event   flags: number of other-parents (bits 0–4, 31: a varint follows), 32: not relative to the last one,
 *           64: the birth round has moved (its difference follows), 128: other-parents are packed (then bits 0–4 are zero)
 *           32 set:   sequence, birth round, timestamp
 *           32 clear: [birth round difference,] timestamp difference
 *           other-parents (elided-parents.ts); payload length; salt 16; signature 64; payload
 *
 * Differences are taken to what earlier events on this link said.
 */
import {
  assembleEvent,
  eventParts,
  MAX_OTHER_PARENTS,
  MAX_PAYLOAD_BYTES,
  MAX_UINT48,
  SALT_BYTES,
  type DecodedEvent,
  type EventReference,
  type Sha256,
} from '@hearsay/dag'
import { packParents, readPacked, readParent, writeParents, type ElidedParent } from './elided-parents.ts'
import { createByteSink, createByteSource, type ByteSource } from './varint.ts'

/** The first byte of such a frame; frames in CBOR are arrays and begin with 0x80 or more. */
export const ELIDED_FRAME = 2
/** Elided events in one frame. */
export const MAX_ELIDED_EVENTS = 128

const COUNT_FOLLOWS = 31
const ABSOLUTE = 32
const BIRTH_MOVED = 64
const PACKED = 128
const SIGNATURE_BYTES = 64
export interface ElidedEvent {
  readonly creator: number
  readonly sequence: number
  readonly birthRound: number
  readonly timestamp: number
  readonly otherParents: readonly ElidedParent[]
  readonly salt: Uint8Array
  readonly signature: Uint8Array
  readonly payload: Uint8Array
}

/** What the last event on this link said, on both sides of it alike. */
interface Base {
  sequence: number
  birthRound: number
  timestamp: number
  /** By slot: the highest number that was named of that member. */
  readonly named: Float64Array
}

export interface ElidedWriter {
  /** One frame with one event, which follows the last written one or stands for itself. */
  write(
    event: DecodedEvent,
    sequenceOf: (parent: EventReference) => number | undefined,
    mayPack?: boolean,
  ): Uint8Array
  /** An event was not sent on this link: the next one stands for itself. */
  interrupt(): void
}

/** For the own events of one member on one link. `members` by ascending id. */
export function createElidedWriter(members: readonly number[]): ElidedWriter {
  const slots = new Map(members.map((id, slot) => [id, slot]))
  const slotOf = (creator: number): number => slots.get(creator)!
  let base: Base | undefined
  return {
    interrupt: () => void (base = undefined),
    write: (event, sequenceOf, mayPack = true) => {
      const { sequence, birthRound, timestamp, otherParents, salt, signature, payload } = eventParts(event)
      const follows = base !== undefined && base.sequence + 1 === sequence
      const from: Base =
        follows && base !== undefined
          ? base
          : { sequence: 0, birthRound: 0, timestamp: 0, named: new Float64Array(members.length) }
      const moved = follows && birthRound !== from.birthRound
      const sink = createByteSink()
      sink.byte(ELIDED_FRAME)
      const packed =
        mayPack && follows
          ? packParents(otherParents, slotOf(event.creator), from.named, slotOf, sequenceOf)
          : undefined
      const count = packed === undefined ? Math.min(otherParents.length, COUNT_FOLLOWS) : 0
      sink.byte(
        count + (follows ? 0 : ABSOLUTE) + (moved ? BIRTH_MOVED : 0) + (packed === undefined ? 0 : PACKED),
      )
      if (count === COUNT_FOLLOWS) sink.varint(otherParents.length)
      if (!follows) sink.varint(sequence)
      if (!follows || moved) sink.varint(birthRound - from.birthRound)
      sink.varint(timestamp - from.timestamp)
      if (packed === undefined) writeParents(sink, otherParents, from.named, slotOf, sequenceOf)
      else packed(sink)
      sink.varint(payload.length)
      sink.bytes(salt)
      sink.bytes(signature)
      sink.bytes(payload)
      base = { sequence, birthRound, timestamp, named: from.named }
      return sink.finish()
    },
  }
}

export interface ElidedReader {
  /** The events of a frame, as views of it; undefined if it is none. */
  read(frame: Uint8Array): readonly ElidedEvent[] | undefined
}

/** For the own events of `creator` on one link. */
export function createElidedReader(members: readonly number[], creator: number): ElidedReader {
  let base: Base | undefined
  const ownSlot = members.indexOf(creator)

  function readList(source: ByteSource, count: number, named: Float64Array): ElidedParent[] | undefined {
    const parents: ElidedParent[] = []
    for (let i = 0, lastSlot = -1; i < count; i++) {
      const read = readParent(source, lastSlot, named, members)
      if (read === undefined) return undefined
      parents.push(read.parent)
      lastSlot = read.slot
    }
    return parents
  }

  function readEvent(source: ByteSource): ElidedEvent | undefined {
    const flags = source.byte()
    const isAbsolute = (flags & ABSOLUTE) !== 0
    if (!isAbsolute && base === undefined) return undefined
    const isPacked = (flags & PACKED) !== 0
    if (isAbsolute && ((flags & BIRTH_MOVED) !== 0 || isPacked)) return undefined
    const shortCount = flags & COUNT_FOLLOWS
    const count = shortCount === COUNT_FOLLOWS ? source.varint() : shortCount
    if (count > MAX_OTHER_PARENTS || (isPacked && count > 0)) return undefined
    const from: Base =
      isAbsolute || base === undefined
        ? { sequence: 0, birthRound: 0, timestamp: 0, named: new Float64Array(members.length) }
        : base
    const sequence = isAbsolute ? source.varint() : from.sequence + 1
    const hasBirth = isAbsolute || (flags & BIRTH_MOVED) !== 0
    const birthRound = from.birthRound + (hasBirth ? source.varint() : 0)
    const timestamp = from.timestamp + source.varint()
    const otherParents = isPacked
      ? readPacked(source, ownSlot, from.named, members)
      : readList(source, count, from.named)
    if (otherParents === undefined) return undefined
    const payloadBytes = source.varint()
    if (payloadBytes > MAX_PAYLOAD_BYTES) return undefined
    const salt = source.bytes(SALT_BYTES)
    const signature = source.bytes(SIGNATURE_BYTES)
    const payload = source.bytes(payloadBytes)
    const isInBounds =
      sequence >= 1 && sequence <= MAX_UINT48 && birthRound <= MAX_UINT48 && Number.isSafeInteger(timestamp)
    if (source.failed || !isInBounds || timestamp === Number.MAX_SAFE_INTEGER) return undefined
    base = { sequence, birthRound, timestamp, named: from.named }
    return { creator, sequence, birthRound, timestamp, otherParents, salt, signature, payload }
  }

  return {
    read: (frame) => {
      const source = createByteSource(frame, 1)
      const events: ElidedEvent[] = []
      do {
        const event = readEvent(source)
        if (event === undefined || events.length >= MAX_ELIDED_EVENTS) return undefined
        events.push(event)
      } while (source.rest > 0)
      return events
    },
  }
}

/** What an elided event stands for, or the parent that is not here to put back. */
export type Restored =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly creator: number; readonly sequence: number }

/** `find` gives the only event of a member with a number, if there is one and the member is not known to have branched. */
export function restoreEvent(
  event: ElidedEvent,
  find: (creator: number, sequence: number) => EventReference | undefined,
  networkId: Uint8Array,
  sha256: Sha256,
): Restored {
  const { creator, sequence } = event
  let selfParent: EventReference | undefined
  if (sequence > 1) {
    selfParent = find(creator, sequence - 1)
    if (selfParent === undefined) return { ok: false, creator, sequence: sequence - 1 }
  }
  const otherParents: EventReference[] = []
  for (const parent of event.otherParents) {
    const found = 'id' in parent ? parent : find(parent.creator, parent.sequence)
    if (found === undefined)
      return { ok: false, creator: parent.creator, sequence: 'id' in parent ? 0 : parent.sequence }
    otherParents.push(found)
  }
  return { ok: true, bytes: assembleEvent({ ...event, selfParent, otherParents }, networkId, sha256) }
}
