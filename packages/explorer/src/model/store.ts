/**
 * The hashgraph as the page holds it: columns of numbers, about 60 bytes an event, so that a million events fit. An event's
 * row is one more than the highest of its parents', so lines go upwards and long silences take no room; its lane is its
 * creator's, or a further one beside it where the creator has branched. What was known when is derived: a round counts as
 * decided from the event on that decided it, so that going back in time shows what one could know then.
 */
import { bytes16, bytes8, createGrowing, double, grow, type Growing, signed, whole } from './chunks.ts'
import type { Batch, Branching, LinkedBatch, Refusal, ShownMember, ShownRound } from './messages.ts'
import { createDensity, type Density } from './density.ts'

/** Further lanes of one member; more branches than this share the last one. */
const MOST_BRANCH_LANES = 6

const NONE = -1

/** What an event is, as one number for drawing. */
export type EventState = 'undecided' | 'ordered' | 'stale'
export type Fame = 'none' | 'famous' | 'not-famous' | 'undecided'

export interface Lane {
  readonly member: number
  /** 0 for the member's own lane, from 1 for its branches. */
  readonly branch: number
  /** Events by ascending row. */
  readonly events: Growing
  readonly density: Density
}

/** A decided round without its events. */
export interface RoundRow {
  readonly round: number
  readonly hash: string
  readonly decidedAt: number
  readonly decidedTime: number
  readonly judges: Uint32Array
  readonly firstOrder: number
  readonly events: number
  readonly firstPosition: number
}

export interface GraphStore {
  readonly members: readonly ShownMember[]
  apply(batch: Batch): void
  count(): number
  lanes(): readonly Lane[]
  /** Changes whenever lanes are added. */
  laneVersion(): number
  laneOf(index: number): number
  rowOf(index: number): number
  timeOf(index: number): number
  /** The latest own time of it and all that came before. */
  latestOf(index: number): number
  roundOf(index: number): number
  isWitness(index: number): boolean
  selfParentOf(index: number): number
  /** Calls back for each other-parent. */
  othersOf(index: number, visit: (parent: number) => void): void
  transactionsOf(index: number): number
  sizeOf(index: number): number
  /** The first sixteen digits of its id. */
  idStart(index: number): string
  /** The newest event whose id begins like that, of at most sixteen digits, or -1. */
  findId(start: string): number
  /** With what was known when `shown` events were. */
  stateOf(index: number, shown: number): EventState
  fameOf(index: number, shown: number): Fame
  /** Round that received the event, 0 if none. */
  receivedOf(index: number): number
  /** Consensus time of its first transaction, and position of that. */
  consensusTimeOf(index: number): number
  positionOf(index: number): number
  orderOf(index: number): number
  /** The event at a place of the order. */
  ordered(order: number): number
  orderedCount(): number
  /** Transactions in the order so far. */
  transactions(): number
  /** Place in the order of the event that carries the transaction at a position. */
  orderOfPosition(position: number): number
  decided(): number
  roundRow(round: number): RoundRow | undefined
  /** Least row of a witness of the round. */
  roundStart(round: number): number
  highestRound(): number
  maxRow(): number
  /** Index of the last event whose own time is not after it, by the order in which they came. */
  indexAtTime(time: number): number
  evidence(): readonly Branching[]
  refusals(): readonly Refusal[]
  bytes(): number
}

/** The first i in 0 … n for which it holds, if it holds for all later ones; n if for none. */
function first(n: number, holds: (i: number) => boolean): number {
  let low = 0
  let high = n
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}

const eight = (value: number): string => value.toString(16).padStart(8, '0')

const TIME_STEP = 64
const WITNESS = 1
const STALE = 2
const JUDGE = 4

export function createStore(members: readonly ShownMember[]): GraphStore {
  const lane = bytes16()
  const row = whole()
  const time = double()
  /** Of every so many events the latest own time so far. */
  const latest = double()
  const selfParent = signed()
  const otherStart = whole()
  const others = signed()
  const round = whole()
  const flags = bytes8()
  const order = signed()
  const transactions = bytes16()
  const size = whole()
  const idHigh = whole()
  const idLow = whole()
  const orderEvents = whole()
  const orderPosition = whole()
  const orderTime = double()
  const columns = [
    lane,
    row,
    time,
    latest,
    selfParent,
    otherStart,
    others,
    round,
    flags,
    order,
    transactions,
    size,
    idHigh,
    idLow,
  ]
  const orderColumns = [orderEvents, orderPosition, orderTime]
  const lanes: Lane[] = []
  let laneVersion = 0
  /** Member → its lanes. */
  const byMember: number[][] = members.map(() => [])
  /** Lane → its newest event. */
  const tips: number[] = []
  const rows: RoundRow[] = []
  const starts = new Map<number, number>()
  const evidence: Branching[] = []
  const refusals: Refusal[] = []
  let highest = 0
  let maxRow = 0
  let position = 0
  let newest = 0

  for (const member of members.keys()) addLane(member)

  function addLane(member: number): number {
    const own = byMember[member]!
    const last = own.length > 0 && own.length > MOST_BRANCH_LANES
    if (last) return own.at(-1)!
    lanes.push({ member, branch: own.length, events: createGrowing(), density: createDensity() })
    own.push(lanes.length - 1)
    tips.push(NONE)
    laneVersion += 1
    return lanes.length - 1
  }

  /** The lane of its self-parent, as long as it goes on where that lane ends; else it is a branch, with a lane of its own. */
  function chooseLane(member: number, parent: number): number {
    const own = byMember[member]!
    if (parent === NONE) return tips[own[0]!] === NONE ? own[0]! : ownLaneWithoutParent(member)
    const at = lane.get(parent)
    return tips[at] === parent ? at : addLane(member)
  }

  /** Its self-parent is ancient or not held: it goes on in the member's own lane if that is where it can come from. */
  function ownLaneWithoutParent(member: number): number {
    return byMember[member]!.length === 1 && count() > 0 ? byMember[member]![0]! : addLane(member)
  }

  const count = (): number => lane.length()

  function link(batch: LinkedBatch): void {
    if (batch.first !== count()) throw new Error(`invariant: event ${batch.first} after ${count()}`)
    for (let i = 0; i < batch.count; i++) {
      const index = batch.first + i
      const parent = batch.selfParent[i]!
      const from = batch.otherStart[i]!
      const to = batch.otherStart[i + 1]!
      let at = parent === NONE ? 0 : row.get(parent) + 1
      for (let k = from; k < to; k++) {
        const other = batch.others[k]!
        if (other !== NONE) at = Math.max(at, row.get(other) + 1)
      }
      const where = chooseLane(batch.member[i]!, parent)
      // Rows of a lane rise, so that an event is found in it by its row.
      const before = tips[where]!
      if (before !== NONE) at = Math.max(at, row.get(before) + 1)
      tips[where] = index
      lane.push(where)
      row.push(at)
      maxRow = Math.max(maxRow, at)
      const stamp = batch.timestamp[i]!
      time.push(stamp)
      newest = Math.max(newest, stamp)
      latest.set(Math.floor(index / TIME_STEP), newest)
      selfParent.push(parent)
      otherStart.push(others.length())
      for (let k = from; k < to; k++) others.push(batch.others[k]!)
      round.push(0)
      flags.push(0)
      order.push(NONE)
      transactions.push(Math.min(65_535, batch.transactionCount[i]!))
      size.push(batch.sizeBytes[i]!)
      idHigh.push(batch.idHigh[i]!)
      idLow.push(batch.idLow[i]!)
      grow(lanes[where]!.events, index)
      lanes[where]!.density.add(at)
    }
  }

  function settle(shown: ShownRound): void {
    rows.push({
      round: shown.round,
      hash: shown.hash,
      decidedAt: shown.decidedAt,
      decidedTime: shown.decidedTime,
      judges: shown.judges,
      firstOrder: orderEvents.length(),
      events: shown.events.length,
      firstPosition: shown.firstPosition,
    })
    position = shown.firstPosition
    for (const [i, index] of shown.events.entries()) {
      order.set(index, orderEvents.length())
      orderEvents.push(index)
      orderPosition.push(position)
      orderTime.push(shown.timestamps[i]!)
      position += transactions.get(index)
    }
    for (const judge of shown.judges) flags.set(judge, flags.get(judge) | JUDGE)
    for (const index of shown.stale) flags.set(index, flags.get(index) | STALE)
  }

  function othersOf(index: number, visit: (parent: number) => void): void {
    const to = index + 1 < count() ? otherStart.get(index + 1) : others.length()
    for (let k = otherStart.get(index); k < to; k++) {
      const parent = others.get(k)
      if (parent !== NONE) visit(parent)
    }
  }

  const idStart = (index: number): string => eight(idHigh.get(index)) + eight(idLow.get(index))

  const roundRow = (wanted: number): RoundRow | undefined => rows[wanted - 1]
  const isDecided = (wanted: number, shown: number): boolean => {
    const found = roundRow(wanted)
    return found !== undefined && found.decidedAt <= shown
  }
  const receivedOf = (index: number): number => {
    const place = order.get(index)
    // Its round is the last one that begins at or before its place.
    return place === NONE ? 0 : first(rows.length, (i) => rows[i]!.firstOrder > place)
  }

  return {
    members,
    apply: (batch) => {
      link(batch.linked)
      const { index, round: newRounds, witness } = batch.changes
      for (const [i, event] of index.entries()) {
        round.set(event, newRounds[i]!)
        const isWitness = witness[i] === 1
        flags.set(event, isWitness ? flags.get(event) | WITNESS : flags.get(event) & ~WITNESS)
        highest = Math.max(highest, newRounds[i]!)
        if (isWitness)
          starts.set(newRounds[i]!, Math.min(starts.get(newRounds[i]!) ?? Infinity, row.get(event)))
      }
      for (const shown of batch.rounds) settle(shown)
      evidence.push(...batch.branchings)
      refusals.push(...batch.refusals)
    },
    count,
    lanes: () => lanes,
    laneVersion: () => laneVersion,
    laneOf: (index) => lane.get(index),
    rowOf: (index) => row.get(index),
    timeOf: (index) => time.get(index),
    latestOf: (index) => {
      const step = Math.floor(index / TIME_STEP)
      let found = step === 0 ? 0 : latest.get(step - 1)
      for (let i = step * TIME_STEP; i <= index; i++) found = Math.max(found, time.get(i))
      return found
    },
    roundOf: (index) => round.get(index),
    isWitness: (index) => (flags.get(index) & WITNESS) !== 0,
    selfParentOf: (index) => selfParent.get(index),
    othersOf,
    transactionsOf: (index) => transactions.get(index),
    sizeOf: (index) => size.get(index),
    idStart,
    findId: (start) => {
      for (let index = count() - 1; index >= 0; index--) if (idStart(index).startsWith(start)) return index
      return NONE
    },
    stateOf: (index, shown) => {
      const received = receivedOf(index)
      if (received > 0) return isDecided(received, shown) ? 'ordered' : 'undecided'
      return (flags.get(index) & STALE) !== 0 ? 'stale' : 'undecided'
    },
    fameOf: (index, shown) => {
      if ((flags.get(index) & WITNESS) === 0) return 'none'
      if (!isDecided(round.get(index), shown)) return 'undecided'
      return (flags.get(index) & JUDGE) !== 0 ? 'famous' : 'not-famous'
    },
    receivedOf,
    consensusTimeOf: (index) => (order.get(index) === NONE ? 0 : orderTime.get(order.get(index))),
    positionOf: (index) => (order.get(index) === NONE ? NONE : orderPosition.get(order.get(index))),
    orderOf: (index) => order.get(index),
    ordered: (place) => orderEvents.get(place),
    orderedCount: () => orderEvents.length(),
    transactions: () => position,
    orderOfPosition: (wanted) => {
      const after = first(orderEvents.length(), (i) => orderPosition.get(i) > wanted)
      for (let place = after - 1; place >= 0; place--) {
        const held = transactions.get(orderEvents.get(place))
        if (orderPosition.get(place) + held > wanted) return place
        if (held > 0) return NONE
      }
      return NONE
    },
    decided: () => rows.length,
    roundRow,
    roundStart: (wanted) => starts.get(wanted) ?? NONE,
    highestRound: () => highest,
    maxRow: () => maxRow,
    indexAtTime: (wanted) => {
      const step = first(latest.length(), (i) => latest.get(i) > wanted)
      let index = step * TIME_STEP
      while (index < count() && time.get(index) <= wanted) index += 1
      return index - 1
    },
    evidence: () => evidence,
    refusals: () => refusals,
    bytes: () => {
      let sum = 0
      for (const column of [...columns, ...orderColumns]) sum += column.bytes()
      for (const { events, density } of lanes) sum += events.values.byteLength + density.bytes()
      for (const { judges } of rows) sum += judges.byteLength + 200
      return sum + 24 * starts.size
    },
  }
}
