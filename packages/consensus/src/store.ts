/**
 * Where the engine keeps its events. Nothing here decides anything; it is laid out so that the code that does decide
 * reads flat typed arrays, makes no garbage, and needs memory for the undecided window only.
 *
 * - An event has an *index*: handles and indices count up together, handle = handleBase + index. Indices stay below
 *   2^30; before they would not, `renumber` moves handleBase up (spec: handles grow for ever).
 * - An event's scalars live in a ring: slot = index & mask. The ring spans tail … next−1, from the oldest event that
 *   still can be ordered (or is a judge of the base) to the newest. What lies before the tail is forgotten: as a
 *   parent, a forgotten event is absent, which is what the spec wants of ancient ones, and the same as a parent that
 *   is ordered, because an ordered event has no round (§2) and is not ordered twice (§5).
 * - What takes space proportional to the roster is kept in *rows*, which only held events have.
 *
 * A class because it is one hot record of fixed shape.
 */
import type { EngineEvent } from './types.ts'

/** Not ordered and not ancient. */
export const LIVE = 1
/** Received by the round that is being ordered at this moment. */
export const RECEIVED = 2
/** Ordered or ancient: has no round, unless it is a judge of the base. */
export const GONE = 0

function grownInt32(old: Int32Array, mask: number, from: number, to: number, size: number): Int32Array {
  const grown = new Int32Array(size)
  for (let i = from; i < to; i++) grown[i & (size - 1)] = old[i & mask]!
  return grown
}

function grownFloat64(old: Float64Array, mask: number, from: number, to: number, size: number): Float64Array {
  const grown = new Float64Array(size)
  for (let i = from; i < to; i++) grown[i & (size - 1)] = old[i & mask]!
  return grown
}

function grownUint8(old: Uint8Array, mask: number, from: number, to: number, size: number): Uint8Array {
  const grown = new Uint8Array(size)
  for (let i = from; i < to; i++) grown[i & (size - 1)] = old[i & mask]!
  return grown
}

const NO_ID = new Uint8Array(0)

export class EventStore {
  handleBase = 0
  tail = 0
  next = 0
  mask: number

  // What the event says. Times, birth rounds and counts may be as large as 2^53.
  ids: Uint8Array[]
  creator: Float64Array
  birthRound: Float64Array
  timestamp: Float64Array
  transactionCount: Float64Array
  coin: Uint8Array
  selfParent: Int32Array
  parentStart: Int32Array
  parentCount: Int32Array
  /** Indices of parents, self-parent first, in a ring of its own; only those that could have a round or be ordered. */
  parents: Int32Array
  parentMask: number
  parentNext = 0
  /** Which event last had a parent by each member: to notice two by one. */
  stamps: Float64Array = new Float64Array(16)
  stamp = 0

  // Where it stands.
  state: Uint8Array
  /** 1 for a judge of the base round. */
  judge: Uint8Array
  /** Place of the creator in the ruling roster, or −1. */
  member: Int32Array

  // Relative to the election base (spec sections 2 and 3). Rounds are counted from the engine's round offset; 0 = none.
  round: Int32Array
  parentRound: Int32Array
  generation: Int32Array
  firstSelfWitness: Int32Array
  firstWitness: Int32Array
  /** How many bits the event's set of seen witnesses has. */
  seenCount: Int32Array
  /** Of a witness: its tag (frame.ts). */
  tag: Uint8Array
  /** Every held event has a row (frame.ts) and, most of them, a lane (lanes.ts). */
  row: Int32Array
  lane: Int32Array
  /** Of an event with a lane: the event before it there; −1, or one that is gone, if it is the oldest. */
  below: Int32Array
  /** Where the votes of this witness are. */
  vote: Int32Array
  /** For the code that orders a round: 0 between rounds. */
  mark: Int32Array

  constructor(capacity: number) {
    this.mask = capacity - 1
    this.parentMask = capacity * 4 - 1
    this.ids = Array.from({ length: capacity }, () => NO_ID)
    this.creator = new Float64Array(capacity)
    this.birthRound = new Float64Array(capacity)
    this.timestamp = new Float64Array(capacity)
    this.transactionCount = new Float64Array(capacity)
    this.coin = new Uint8Array(capacity)
    this.selfParent = new Int32Array(capacity)
    this.parentStart = new Int32Array(capacity)
    this.parentCount = new Int32Array(capacity)
    this.parents = new Int32Array(capacity * 4)
    this.state = new Uint8Array(capacity)
    this.judge = new Uint8Array(capacity)
    this.member = new Int32Array(capacity)
    this.round = new Int32Array(capacity)
    this.parentRound = new Int32Array(capacity)
    this.generation = new Int32Array(capacity)
    this.firstSelfWitness = new Int32Array(capacity)
    this.firstWitness = new Int32Array(capacity)
    this.seenCount = new Int32Array(capacity)
    this.tag = new Uint8Array(capacity)
    this.row = new Int32Array(capacity)
    this.lane = new Int32Array(capacity)
    this.below = new Int32Array(capacity)
    this.vote = new Int32Array(capacity)
    this.mark = new Int32Array(capacity)
  }
}

function grow(s: EventStore): void {
  const { mask, tail, next } = s
  const size = (mask + 1) * 2
  const ids: Uint8Array[] = Array.from({ length: size }, () => NO_ID)
  for (let i = tail; i < next; i++) ids[i & (size - 1)] = s.ids[i & mask]!
  s.ids = ids
  s.creator = grownFloat64(s.creator, mask, tail, next, size)
  s.birthRound = grownFloat64(s.birthRound, mask, tail, next, size)
  s.timestamp = grownFloat64(s.timestamp, mask, tail, next, size)
  s.transactionCount = grownFloat64(s.transactionCount, mask, tail, next, size)
  s.coin = grownUint8(s.coin, mask, tail, next, size)
  s.state = grownUint8(s.state, mask, tail, next, size)
  s.judge = grownUint8(s.judge, mask, tail, next, size)
  s.selfParent = grownInt32(s.selfParent, mask, tail, next, size)
  s.parentStart = grownInt32(s.parentStart, mask, tail, next, size)
  s.parentCount = grownInt32(s.parentCount, mask, tail, next, size)
  s.member = grownInt32(s.member, mask, tail, next, size)
  s.round = grownInt32(s.round, mask, tail, next, size)
  s.parentRound = grownInt32(s.parentRound, mask, tail, next, size)
  s.generation = grownInt32(s.generation, mask, tail, next, size)
  s.firstSelfWitness = grownInt32(s.firstSelfWitness, mask, tail, next, size)
  s.firstWitness = grownInt32(s.firstWitness, mask, tail, next, size)
  s.seenCount = grownInt32(s.seenCount, mask, tail, next, size)
  s.tag = grownUint8(s.tag, mask, tail, next, size)
  s.row = grownInt32(s.row, mask, tail, next, size)
  s.lane = grownInt32(s.lane, mask, tail, next, size)
  s.below = grownInt32(s.below, mask, tail, next, size)
  s.vote = grownInt32(s.vote, mask, tail, next, size)
  s.mark = grownInt32(s.mark, mask, tail, next, size)
  s.mask = size - 1
}

function growParents(s: EventStore, needed: number): void {
  const from = s.next > s.tail ? s.parentStart[s.tail & s.mask]! : s.parentNext
  let size = s.parentMask + 1
  while (s.parentNext + needed - from > size) size *= 2
  if (size === s.parentMask + 1) return
  s.parents = grownInt32(s.parents, s.parentMask, from, s.parentNext, size)
  s.parentMask = size - 1
}

/** Is the event at this index live, or a judge of the base? */
export function isHeld(s: EventStore, index: number): boolean {
  return index >= s.tail && (s.state[index & s.mask] !== GONE || s.judge[index & s.mask] === 1)
}

/** An index that is held: inside the ring, and able to matter as a parent; −1 for every other handle. */
function heldParent(s: EventStore, handle: number): number {
  const index = handle - s.handleBase
  if (index < s.tail) return -1
  if (index >= s.next) throw new Error(`invariant: no event has the handle ${handle}`)
  const slot = index & s.mask
  return s.state[slot] === GONE && s.judge[slot] === 0 ? -1 : index
}

function checkEvent(event: EngineEvent): void {
  const { id, creator, birthRound, timestamp, transactionCount } = event
  if (id.length !== 32) throw new Error(`invariant: the id of an event by ${creator} has ${id.length} bytes`)
  if (!Number.isSafeInteger(birthRound) || birthRound < 1) {
    throw new Error(`invariant: birthRound ${birthRound} of an event by ${creator}`)
  }
  if (!Number.isSafeInteger(timestamp) || timestamp < 0) {
    throw new Error(`invariant: timestamp ${timestamp} of an event by ${creator}`)
  }
  if (!Number.isSafeInteger(transactionCount) || transactionCount < 0) {
    throw new Error(`invariant: transactionCount ${transactionCount} of an event by ${creator}`)
  }
}

function checkParent(s: EventStore, event: EngineEvent, parent: number, own: boolean): void {
  const slot = parent & s.mask
  if (event.birthRound < s.birthRound[slot]!) {
    throw new Error(
      `invariant: birth round ${event.birthRound} of an event by ${event.creator} is before a parent's`,
    )
  }
  if (own !== (s.creator[slot] === event.creator)) {
    throw new Error(
      `invariant: ${own ? 'self-parent' : 'other-parent'} of an event by ${event.creator} is by ${s.creator[slot]}`,
    )
  }
  if (own && event.timestamp <= s.timestamp[slot]!) {
    throw new Error(`invariant: an event by ${event.creator} is not later than its self-parent`)
  }
}

/** Is a parent by the same creator listed already, between `start` and `end`? */
function isRepeated(s: EventStore, parent: number, start: number, end: number): boolean {
  const member = s.member[parent & s.mask]!
  if (member >= 0) {
    if (member >= s.stamps.length) {
      const stamps = new Float64Array(2 * member + 8)
      stamps.set(s.stamps)
      s.stamps = stamps
    }
    if (s.stamps[member] === s.stamp) return true
    s.stamps[member] = s.stamp
    return false
  }
  const creator = s.creator[parent & s.mask]!
  for (let k = start; k < end; k++) {
    if (s.creator[s.parents[k & s.parentMask]! & s.mask] === creator) return true
  }
  return false
}

/** Puts an event at the end of the ring, without a round. Returns its index. */
export function append(s: EventStore, event: EngineEvent, member: number): number {
  checkEvent(event)
  const others = event.otherParents
  if (s.next - s.tail > s.mask) grow(s)
  growParents(s, others.length + 1)
  const index = s.next
  const slot = index & s.mask
  const start = s.parentNext
  let end = start
  s.stamp += 1
  const self = event.selfParent < 0 ? -1 : heldParent(s, event.selfParent)
  if (self >= 0) {
    checkParent(s, event, self, true)
    s.parents[end++ & s.parentMask] = self
  }
  for (let i = 0; i < others.length; i++) {
    const handle = others[i]!
    if (handle < 0) continue
    const other = heldParent(s, handle)
    if (other < 0) continue
    checkParent(s, event, other, false)
    if (isRepeated(s, other, start, end)) {
      throw new Error(
        `invariant: two parents of an event by ${event.creator} are by ${s.creator[other & s.mask]}`,
      )
    }
    s.parents[end++ & s.parentMask] = other
  }
  s.parentNext = end
  s.parentStart[slot] = start
  s.parentCount[slot] = end - start
  s.selfParent[slot] = self
  s.ids[slot] = event.id
  s.creator[slot] = event.creator
  s.birthRound[slot] = event.birthRound
  s.timestamp[slot] = event.timestamp
  s.transactionCount[slot] = event.transactionCount
  s.coin[slot] = event.coin
  s.state[slot] = LIVE
  s.judge[slot] = 0
  s.member[slot] = member
  s.round[slot] = 0
  s.mark[slot] = 0
  s.next = index + 1
  return index
}

/** Forgets what comes before `tail`. */
export function forgetBefore(s: EventStore, tail: number): void {
  for (let i = s.tail; i < tail; i++) s.ids[i & s.mask] = NO_ID
  s.tail = tail
}

/**
 * Moves all indices down, so that they stay small numbers. Slots stay where they are, because the shift is a
 * multiple of the ring. Everything that is relative to the election base must be computed afresh afterwards.
 * Returns the shift.
 */
export function renumber(s: EventStore): number {
  const shift = s.tail & ~s.mask
  const parentFrom = s.next > s.tail ? s.parentStart[s.tail & s.mask]! : s.parentNext
  const parentShift = parentFrom & ~s.parentMask
  for (let i = s.tail; i < s.next; i++) {
    const slot = i & s.mask
    s.selfParent[slot] = Math.max(-1, s.selfParent[slot]! - shift)
    const start = s.parentStart[slot]!
    for (let k = start; k < start + s.parentCount[slot]!; k++) {
      s.parents[k & s.parentMask] = Math.max(-1, s.parents[k & s.parentMask]! - shift)
    }
    s.parentStart[slot] = start - parentShift
  }
  s.tail -= shift
  s.next -= shift
  s.parentNext -= parentShift
  s.handleBase += shift
  return shift
}
