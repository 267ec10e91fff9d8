/**
 * Where in the journal to begin to read for a peer: every so many bytes a mark is kept of how far each member's events
 * were by then. Everything before a mark that the peer's frontier covers is known to the peer (but for branches, which are
 * asked for by birth round), and what is ancient to the peer is of no use to it. So memory stays at a few numbers a mark and no event needs an entry of its own.
 */
import { peekEvent } from '@hearsay/dag'
import type { WantFrame } from '@hearsay/gossip'

interface Mark {
  readonly offset: number
  /** By member slot: highest sequence number before the mark. */
  readonly frontier: Float64Array
  /** Highest birth round before the mark. */
  readonly birthRound: number
}

export const BYTES_PER_MARK: number = 512 * 1024
/** When there are more marks than this, every second one goes, and new ones come half as often. */
export const MAX_MARKS = 4_096

export interface RepairIndex {
  /** An event has been appended (or replayed) at this offset. */
  note(offset: number, event: Uint8Array): void
  startFor(want: WantFrame): number
  markCount(): number
  /** All that is known, for a snapshot. */
  save(): Uint8Array
  /** The journal begins at this offset now: what came before was pruned. */
  prune(begin: number): void
}

/** An index of an empty journal, or the one that `save` gave. */
export function createRepairIndex(members: readonly number[], saved?: Uint8Array): RepairIndex {
  const slots = new Map(members.map((id, slot) => [id, slot]))
  const width = members.length + 2
  const numbers = saved === undefined ? new Float64Array(2 * width) : numbersOf(saved)
  if (numbers.length % width !== 0 || numbers.length < 2 * width)
    throw new Error('invariant: a saved repair index of other members')
  const rows: Mark[] = []
  for (let at = 0; at < numbers.length; at += width) {
    const [offset, birthRound] = numbers.subarray(at, at + 2)
    rows.push({ offset: offset!, birthRound: birthRound!, frontier: numbers.slice(at + 2, at + width) })
  }
  // The last row is how far everything has come; its offset is the distance of marks.
  const now = rows.pop()!
  let marks = rows
  const { frontier } = now
  let highestBirthRound = now.birthRound
  let spacing = Math.max(BYTES_PER_MARK, now.offset)
  /** What is before it in the journal is in the index already: it is replayed once more after a restart. */
  let noted = marks[marks.length - 1]!.offset

  function save(): Uint8Array {
    const all = [...marks, { offset: spacing, birthRound: highestBirthRound, frontier }]
    const bytes = new Uint8Array(8 * width * all.length)
    const view = new DataView(bytes.buffer)
    for (const [i, mark] of all.entries()) {
      const row = [mark.offset, mark.birthRound, ...mark.frontier]
      for (const [k, number] of row.entries()) view.setFloat64(8 * (i * width + k), number)
    }
    return bytes
  }

  function thin(): void {
    marks = marks.filter((_, i) => i % 2 === 0)
    spacing *= 2
  }

  function note(offset: number, event: Uint8Array): void {
    if (offset - noted >= spacing) {
      marks.push({ offset, frontier: frontier.slice(), birthRound: highestBirthRound })
      noted = offset
      if (marks.length > MAX_MARKS) thin()
    }
    const { creator, sequence, birthRound } = peekEvent(event)
    const slot = slots.get(creator)
    if (slot !== undefined && sequence > frontier[slot]!) frontier[slot] = sequence
    if (birthRound > highestBirthRound) highestBirthRound = birthRound
  }

  /** Whether nothing before the mark is wanted. */
  function covers(want: WantFrame, mark: Mark): boolean {
    if (mark.birthRound < want.ancientThreshold) return true
    for (const [slot, creator] of members.entries()) {
      if (mark.frontier[slot]! > (want.frontier.get(creator) ?? 0)) return false
    }
    return want.missing.every((each) => mark.birthRound < each.birthRound)
  }

  function startFor(want: WantFrame): number {
    // The marks that are covered come first: frontiers and birth rounds only grow.
    let low = 0
    let high = marks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (covers(want, marks[middle]!)) low = middle
      else high = middle - 1
    }
    return marks[low]!.offset
  }

  function prune(begin: number): void {
    const first = marks.findIndex((mark) => mark.offset >= begin)
    // The mark that covers the beginning stays, from where the journal begins now.
    const kept = marks.slice(first < 0 ? marks.length : first)
    const before = marks[(first < 0 ? marks.length : first) - 1]
    marks = before === undefined || kept[0]?.offset === begin ? kept : [{ ...before, offset: begin }, ...kept]
  }

  return { note, startFor, markCount: () => marks.length, save, prune }
}

function numbersOf(bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Float64Array.from({ length: bytes.length >> 3 }, (_, i) => view.getFloat64(8 * i))
}

/** Why a want asks for an event: it is beyond the frontier, or it may be a parent that is named. */
export type Wanted = 'beyond' | 'named' | undefined

/**
 * Whether a want asks for this event. A name stands for all events of its creator from its birth round on: the ancestors
 * of a missing branch are most likely missing as well.
 */
export function wantedAs(want: WantFrame, event: Uint8Array): Wanted {
  const { creator, sequence, birthRound } = peekEvent(event)
  if (birthRound < want.ancientThreshold) return undefined
  if (sequence > (want.frontier.get(creator) ?? 0)) return 'beyond'
  const isNamed = want.missing.some((each) => each.creator === creator && birthRound >= each.birthRound)
  return isNamed ? 'named' : undefined
}

export const isWanted = (want: WantFrame, event: Uint8Array): boolean => wantedAs(want, event) !== undefined
