/**
 * How an elided event names its other-parents: by slot (members by ascending id) and number, told as the difference to the
 * highest number of that member that was named on this link before. There are two forms, and the shorter one is taken:
 *
 *   list     a byte a parent: slot difference (high four bits, from 1) and number difference (low four bits, from 1), or
 *            zero: slot, then 2·number, or 1, birth round and id (32)
 *   packed   bits, the highest first, padded with zeros: of each other member in turn as many ones as its step costs, and a
 *            zero. A step of one number costs nothing, none at all (no parent) one, two numbers two, three three, and so on
 *
 * Where everybody makes events at the same pace nearly every step is one, and fifteen parents take two bytes. It is a
 * unary code (Golomb 1966 with m = 1) over steps ordered by how often they come.
 */
import { MAX_UINT48, type EventReference } from '@hearsay/dag'
import type { ByteSink, ByteSource } from './varint.ts'

/** A parent by its creator and number, or in full. */
export type ElidedParent = { readonly creator: number; readonly sequence: number } | EventReference

/** Above this a difference does not fit the short form of the list. */
const SHORT = 15
/** The largest step that is packed: more ones than this are no parent. */
const MOST_PACKED = 24

/** Ones before the zero, by step. */
const costOf = (step: number): number => (step === 1 ? 0 : step === 0 ? 1 : step)

/** The steps of all other members, or undefined if a parent cannot be told that way. */
function stepsOf(
  parents: readonly EventReference[],
  ownSlot: number,
  named: Float64Array,
  slotOf: (creator: number) => number,
  sequenceOf: (parent: EventReference) => number | undefined,
): Uint8Array | undefined {
  const steps = new Uint8Array(named.length)
  let lastSlot = -1
  for (const parent of parents) {
    const slot = slotOf(parent.creator)
    const sequence = sequenceOf(parent)
    const step = sequence === undefined ? Infinity : sequence - named[slot]!
    // Others come in another order, or two of one member: only a list tells that.
    if (slot <= lastSlot || slot === ownSlot || step < 1 || step > MOST_PACKED) return undefined
    steps[slot] = step
    lastSlot = slot
  }
  return steps
}

function packedBytes(steps: Uint8Array, ownSlot: number): number {
  let bits = 0
  for (let slot = 0; slot < steps.length; slot++) if (slot !== ownSlot) bits += costOf(steps[slot]!) + 1
  return Math.ceil(bits / 8)
}

function writeSteps(sink: ByteSink, steps: Uint8Array, ownSlot: number): void {
  let byte = 0
  let bits = 0
  const bit = (value: number): void => {
    byte = byte * 2 + value
    bits += 1
    if (bits < 8) return
    sink.byte(byte)
    byte = 0
    bits = 0
  }
  for (let slot = 0; slot < steps.length; slot++) {
    if (slot === ownSlot) continue
    for (let i = costOf(steps[slot]!); i > 0; i--) bit(1)
    bit(0)
  }
  if (bits > 0) sink.byte(byte * 2 ** (8 - bits))
}

/** How to write the parents packed; undefined if they cannot be told that way in fewer bytes than a list takes. */
export function packParents(
  parents: readonly EventReference[],
  ownSlot: number,
  named: Float64Array,
  slotOf: (creator: number) => number,
  sequenceOf: (parent: EventReference) => number | undefined,
): ((sink: ByteSink) => void) | undefined {
  const steps = stepsOf(parents, ownSlot, named, slotOf, sequenceOf)
  if (steps === undefined || packedBytes(steps, ownSlot) >= parents.length) return undefined
  return (sink) => {
    writeSteps(sink, steps, ownSlot)
    for (let slot = 0; slot < steps.length; slot++) named[slot]! += steps[slot]!
  }
}

/** Undefined if this is not how parents are packed. */
export function readPacked(
  source: ByteSource,
  ownSlot: number,
  named: Float64Array,
  members: readonly number[],
): ElidedParent[] | undefined {
  const parents: ElidedParent[] = []
  let byte = 0
  let left = 0
  const bit = (): number => {
    if (left === 0) {
      byte = source.byte()
      left = 8
    }
    left -= 1
    return (byte >> left) & 1
  }
  for (let slot = 0; slot < members.length; slot++) {
    if (slot === ownSlot) continue
    let ones = 0
    while (bit() === 1) if (++ones > MOST_PACKED) return undefined
    if (ones === 1) continue
    named[slot]! += Math.max(1, ones)
    parents.push({ creator: members[slot]!, sequence: named[slot]! })
  }
  // One frame for one event: nothing is hidden in the padding.
  const padding = byte & (2 ** left - 1)
  return source.failed || padding !== 0 ? undefined : parents
}

export function writeParents(
  sink: ByteSink,
  parents: readonly EventReference[],
  named: Float64Array,
  slotOf: (creator: number) => number,
  sequenceOf: (parent: EventReference) => number | undefined,
): void {
  let lastSlot = -1
  for (const parent of parents) {
    const slot = slotOf(parent.creator)
    const sequence = sequenceOf(parent)
    const slotStep = slot - lastSlot
    const sequenceStep = sequence === undefined ? Infinity : sequence - named[slot]!
    if (slotStep >= 1 && slotStep <= SHORT && sequenceStep >= 1 && sequenceStep <= SHORT) {
      sink.byte(slotStep * 16 + sequenceStep)
    } else {
      sink.byte(0)
      sink.varint(slot)
      if (sequence === undefined) {
        sink.varint(1)
        sink.varint(parent.birthRound)
        sink.bytes(parent.id)
      } else sink.varint(2 * sequence)
    }
    lastSlot = slot
    if (sequence !== undefined) named[slot] = sequence
  }
}

export function readParent(
  source: ByteSource,
  lastSlot: number,
  named: Float64Array,
  members: readonly number[],
): { readonly slot: number; readonly parent: ElidedParent } | undefined {
  const short = source.byte()
  const slot = short === 0 ? source.varint() : lastSlot + (short >> 4)
  const creator = members[slot]
  if (creator === undefined || source.failed) return undefined
  if (short !== 0) {
    if (short >> 4 === 0 || (short & SHORT) === 0) return undefined
    named[slot]! += short & SHORT
    return { slot, parent: { creator, sequence: named[slot]! } }
  }
  const form = source.varint()
  if (form === 1) {
    const birthRound = source.varint()
    if (birthRound > MAX_UINT48) return undefined
    return { slot, parent: { creator, birthRound, id: source.bytes(32) } }
  }
  if (form % 2 !== 0 || form === 0 || form / 2 > MAX_UINT48) return undefined
  named[slot] = form / 2
  return { slot, parent: { creator, sequence: form / 2 } }
}
