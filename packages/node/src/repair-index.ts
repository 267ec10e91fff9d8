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

export interface RepairIndex {
  /** An event has been appended (or replayed) at this offset. */
  note(offset: number, event: Uint8Array): void
  startFor(want: WantFrame): number
  markCount(): number
}

export function createRepairIndex(members: readonly number[]): RepairIndex {
  const slots = new Map(members.map((id, slot) => [id, slot]))
  const marks: Mark[] = [{ offset: 0, frontier: new Float64Array(members.length), birthRound: 0 }]
  const frontier = new Float64Array(members.length)
  let highestBirthRound = 0

  function note(offset: number, event: Uint8Array): void {
    if (offset - marks[marks.length - 1]!.offset >= BYTES_PER_MARK) {
      marks.push({ offset, frontier: frontier.slice(), birthRound: highestBirthRound })
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

  return { note, startFor, markCount: () => marks.length }
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
