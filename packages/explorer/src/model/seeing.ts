/**
 * What one event has heard of, for pointing at it: its ancestors as far back as asked, and which witnesses it strongly sees
 * there (spec, sections 1 and 3; where members branch, what `explain` says of it counts), counted plainly over the few rounds in sight. The order never comes from here: for that there is
 * the engine, and for the reasons its `explain`.
 */
import type { GraphStore } from './store.ts'

/** Ancestors, the event included, not lower than `lowestRow`, at most `limit`. */
function ancestorsOf(store: GraphStore, index: number, lowestRow: number, limit = 20_000): Set<number> {
  const found = new Set<number>([index])
  const waiting = [index]
  for (let next = waiting.pop(); next !== undefined && found.size < limit; next = waiting.pop()) {
    const visit = (parent: number): void => {
      if (parent === -1 || found.has(parent) || store.rowOf(parent) < lowestRow) return
      found.add(parent)
      waiting.push(parent)
    }
    visit(store.selfParentOf(next))
    store.othersOf(next, visit)
  }
  return found
}

/** Members of whom it knows two branches: it sees no event of theirs. */
function unseenMembers(store: GraphStore, ancestors: ReadonlySet<number>): Set<number> {
  const lanes = store.lanes()
  const known = new Map<number, number>()
  const unseen = new Set<number>()
  // The highest event of each lane decides: two of a member of which neither is below the other are branches.
  const heights = new Map<number, number>()
  for (const index of ancestors) {
    const lane = store.laneOf(index)
    const at = heights.get(lane)
    if (at === undefined || store.rowOf(at) < store.rowOf(index)) heights.set(lane, index)
  }
  for (const [lane, tip] of heights) {
    const { member, branch } = lanes[lane]!
    const other = known.get(member)
    if (other !== undefined && (branch > 0 || lanes[store.laneOf(other)]!.branch > 0)) unseen.add(member)
    known.set(member, tip)
  }
  return unseen
}

export interface Sight {
  readonly ancestors: ReadonlySet<number>
  /** Witnesses of its own round and the one before that it strongly sees. */
  readonly strong: ReadonlySet<number>
  /** Members that it does not see, having seen them branch. */
  readonly unseen: ReadonlySet<number>
}

export function sightOf(store: GraphStore, index: number): Sight {
  const round = store.roundOf(index)
  const start = store.roundStart(Math.max(1, round - 1))
  const lowest = start === -1 ? store.rowOf(index) - 60 : start
  const ancestors = ancestorsOf(store, index, lowest)
  const unseen = unseenMembers(store, ancestors)
  const witnesses = [...ancestors].filter(
    (each) => each !== index && round > 0 && store.isWitness(each) && store.roundOf(each) >= round - 1,
  )
  const ordered = [...ancestors].sort((a, b) => a - b)
  const total = store.members.reduce((sum, { weight }) => sum + weight, 0)
  const memberOf = (each: number): number => store.lanes()[store.laneOf(each)]!.member
  const strong = new Set<number>()
  for (const witness of witnesses) {
    if (unseen.has(memberOf(witness))) continue
    const reached = new Set<number>([witness])
    const through = new Set<number>()
    for (const each of ordered) {
      if (each < witness) continue
      let reaches = each === witness || reached.has(store.selfParentOf(each))
      store.othersOf(each, (parent) => (reaches ||= reached.has(parent)))
      if (!reaches) continue
      reached.add(each)
      if (!unseen.has(memberOf(each))) through.add(memberOf(each))
    }
    let weight = 0
    for (const member of through) weight += store.members[member]!.weight
    if (3 * weight > 2 * total) strong.add(witness)
  }
  return { ancestors, strong, unseen }
}
