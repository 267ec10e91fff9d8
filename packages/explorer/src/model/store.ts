/**
 * The hashgraph as the page holds it: columns of numbers, some 40 bytes an event, so that a million events fit. An event's
 * row is one more than the highest of its parents', so lines go upwards and long silences take no room; its lane is its
 * creator's, or a further one beside it where the creator has branched. What was known when is derived: a round counts as
 * decided from the event on that decided it, so that going back in time shows what one could know then.
 */
import { createColumn, createWords, firstOf, hexOf, type Column } from './chunks.ts'
import type { Batch, Branching, LinkedBatch, Refusal, ShownMember, ShownRound } from './messages.ts'
import { createDensity, type Density } from './density.ts'
import { createRoundColumns, type RoundRow } from './rounds.ts'

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
  readonly events: Column
  readonly density: Density
}

export interface GraphStore {
  readonly members: readonly ShownMember[]
  /** Takes in what was checked. False if it is not what the first look said: then this graph is to be made anew, without one. */
  apply(batch: Batch): boolean
  /** Takes in what a first look at a file has found; the checks follow. */
  sketch(linked: LinkedBatch): void
  count(): number
  /** The first so many were checked. */
  checked(): number
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
  /** Position of the first transaction that is ordered at that time or later, or -1. */
  positionAtTime(micros: number): number
  /** Place in the order of the event that carries the transaction at a position. */
  orderOfPosition(position: number): number
  decided(): number
  roundRow(round: number): RoundRow | undefined
  /** Events that there were when the round was decided; infinite for one that is not. */
  decidedAt(round: number): number
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

const TIME_STEP = 64
const WITNESS = 1
const STALE = 2
const JUDGE = 4

export function createStore(members: readonly ShownMember[]): GraphStore {
  const lane = createColumn()
  const row = createColumn()
  const time = createColumn()
  /** Of every so many events the latest own time so far. */
  const latest = createColumn()
  const selfParent = createColumn(true)
  const otherStart = createColumn(true)
  /** How far each lies before its child. */
  const others = createColumn()
  const round = createColumn()
  const flags = createColumn()
  const order = createColumn(true)
  const transactions = createColumn()
  const size = createColumn()
  /** Two words an event. */
  const ids = createWords()
  const orderEvents = createColumn(true)
  const orderPosition = createColumn()
  const orderTime = createColumn()
  /** Least row of a witness of each round, from 0 on. */
  const starts = createColumn()
  const rounds = createRoundColumns()
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
    ids,
    orderEvents,
    orderPosition,
    orderTime,
    starts,
    rounds,
  ]
  const lanes: Lane[] = []
  let laneVersion = 0
  /** Member → its lanes. */
  const byMember: number[][] = members.map(() => [])
  /** Lane → its newest event. */
  const tips: number[] = []
  const evidence: Branching[] = []
  const refusals: Refusal[] = []
  let highest = 0
  let maxRow = 0
  let position = 0
  let newest = 0
  let checked = 0

  for (const member of members.keys()) addLane(member)

  function addLane(member: number): number {
    const own = byMember[member]!
    const last = own.length > 0 && own.length > MOST_BRANCH_LANES
    if (last) return own.at(-1)!
    lanes.push({ member, branch: own.length, events: createColumn(), density: createDensity() })
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
      for (let k = from; k < to; k++) others.push(batch.others[k] === NONE ? NONE : index - batch.others[k]!)
      round.push(NONE)
      flags.push(0)
      order.push(NONE)
      transactions.push(batch.transactionCount[i]!)
      size.push(batch.sizeBytes[i]!)
      ids.push(batch.idHigh[i]!)
      ids.push(batch.idLow[i]!)
      lanes[where]!.events.push(index)
      lanes[where]!.density.add(at)
    }
  }

  /** Whether what was checked is what stands here already. A parent that is ancient for the checker may be known here. */
  function confirm(batch: LinkedBatch): boolean {
    for (let i = 0; i < batch.count; i++) {
      const index = batch.first + i
      const parent = batch.selfParent[i]!
      const isSame =
        index < count() &&
        ids.get(2 * index) === batch.idHigh[i] &&
        ids.get(2 * index + 1) === batch.idLow[i] &&
        lanes[lane.get(index)]!.member === batch.member[i] &&
        (parent === NONE || parent === selfParent.get(index))
      if (!isSame) return false
    }
    return true
  }

  function settle(shown: ShownRound): void {
    rounds.push(shown, orderEvents.length())
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
      const back = others.get(k)
      if (back !== NONE) visit(index - back)
    }
  }

  const idStart = (index: number): string => hexOf(ids.get(2 * index)) + hexOf(ids.get(2 * index + 1))

  /** The newest event whose id begins like that: whole words are compared as numbers, for there may be a million. */
  function findId(start: string): number {
    const wanted = parseInt(start.slice(0, 8).padEnd(8, '0'), 16)
    const end = parseInt(start.slice(0, 8).padEnd(8, 'f'), 16)
    for (let index = count() - 1; index >= 0; index--) {
      const high = ids.get(2 * index)
      if (high >= wanted && high <= end && (start.length <= 8 || idStart(index).startsWith(start)))
        return index
    }
    return NONE
  }

  const isDecided = (wanted: number, shown: number): boolean => rounds.decidedAt(wanted) <= shown
  const receivedOf = (index: number): number => {
    const place = order.get(index)
    return place === NONE ? 0 : rounds.ofPlace(place)
  }

  function noteStart(wanted: number, at: number): void {
    while (starts.length() <= wanted) starts.push(NONE)
    const before = starts.get(wanted)
    if (before === NONE || at < before) starts.set(wanted, at)
  }

  return {
    members,
    sketch: link,
    checked: () => checked,
    apply: (batch) => {
      const { first, count: added } = batch.linked
      if (first < count() && !confirm(batch.linked)) return false
      if (first >= count()) link(batch.linked)
      checked = first + added
      const { index, round: newRounds, witness } = batch.changes
      for (const [i, event] of index.entries()) {
        round.set(event, newRounds[i]!)
        const isWitness = witness[i] === 1
        flags.set(event, isWitness ? flags.get(event) | WITNESS : flags.get(event) & ~WITNESS)
        highest = Math.max(highest, newRounds[i]!)
        if (isWitness) noteStart(newRounds[i]!, row.get(event))
      }
      for (const shown of batch.rounds) settle(shown)
      evidence.push(...batch.branchings)
      refusals.push(...batch.refusals)
      return true
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
    roundOf: (index) => Math.max(0, round.get(index)),
    isWitness: (index) => (flags.get(index) & WITNESS) !== 0,
    selfParentOf: (index) => selfParent.get(index),
    othersOf,
    transactionsOf: (index) => transactions.get(index),
    sizeOf: (index) => size.get(index),
    idStart,
    findId,
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
    positionAtTime: (micros) => {
      // Consensus times rise along the order.
      const place = firstOf(orderTime.length(), (i) => orderTime.get(i) >= micros)
      const found = place < orderTime.length() ? orderPosition.get(place) : position
      return found < position ? found : NONE
    },
    orderOfPosition: (wanted) => {
      const after = firstOf(orderEvents.length(), (i) => orderPosition.get(i) > wanted)
      for (let place = after - 1; place >= 0; place--) {
        const held = transactions.get(orderEvents.get(place))
        if (orderPosition.get(place) + held > wanted) return place
        if (held > 0) return NONE
      }
      return NONE
    },
    decided: rounds.count,
    roundRow: rounds.row,
    decidedAt: rounds.decidedAt,
    roundStart: (wanted) => (wanted < starts.length() ? starts.get(wanted) : NONE),
    highestRound: () => highest,
    maxRow: () => maxRow,
    indexAtTime: (wanted) => {
      const step = firstOf(latest.length(), (i) => latest.get(i) > wanted)
      let index = step * TIME_STEP
      while (index < count() && time.get(index) <= wanted) index += 1
      return index - 1
    },
    evidence: () => evidence,
    refusals: () => refusals,
    bytes: () => {
      let sum = 0
      for (const column of columns) sum += column.bytes()
      for (const { events, density } of lanes) sum += events.bytes() + density.bytes()
      return sum
    },
  }
}
