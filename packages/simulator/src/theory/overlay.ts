/** Partial views of a large network, and who ends up in them: what the checks E22 and E23 measure. */
import type { Random } from '../random.ts'
import { below, otherThan, othersThan } from './partners.ts'

interface Entry {
  readonly id: number
  age: number
}

type View = Entry[]

export interface Overlay {
  readonly members: number
  readonly view: number
  /** Entries that a shuffle exchanges. */
  readonly exchanged: number
  /** The first of the members lie. */
  readonly liars: number
}

/** Everybody's view is of so many others, drawn at random. */
export function randomViews(random: Random, members: number, view: number): number[][] {
  return Array.from({ length: members }, (_, self) => {
    const chosen: number[] = []
    othersThan(random, members, self, view, chosen)
    return chosen
  })
}

/**
 * Cyclon (Voulgaris, Gavidia, van Steen 2005, section 2): each round everybody shuffles with the oldest of their view, who is
 * replaced by a fresh entry of oneself. A liar answers a shuffle with entries of liars alone, and forges one shuffle a round.
 */
export function createCyclon(
  random: Random,
  options: Overlay,
): { round(): void; views(): readonly (readonly number[])[] } {
  const { members, view: size, exchanged, liars } = options
  const views: View[] = randomViews(random, members, size).map((ids) => ids.map((id) => ({ id, age: 0 })))
  const isLiar = (id: number): boolean => id < liars
  const forged = (): Entry[] =>
    Array.from({ length: exchanged }, () => ({ id: below(random, liars), age: 0 }))

  /** So many of a view at random, moved to its end. */
  function take(view: View, count: number): Entry[] {
    const taken = Math.min(count, view.length)
    for (let i = 0; i < taken; i++) {
      const last = view.length - 1 - i
      const j = below(random, last + 1)
      const held = view[last]!
      view[last] = view[j]!
      view[j] = held
    }
    return view.slice(view.length - taken)
  }

  /** What is new fills empty places, then those of entries that were sent. */
  function merge(self: number, sent: readonly Entry[], received: readonly Entry[]): void {
    const view = views[self]!
    const replaceable = [...sent]
    for (const { id, age } of received) {
      if (id === self || view.some((entry) => entry.id === id)) continue
      if (view.length < size) {
        view.push({ id, age })
        continue
      }
      const out = replaceable.pop()
      if (out === undefined) return
      const place = view.indexOf(out)
      if (place >= 0) view[place] = { id, age }
    }
  }

  function shuffleOf(self: number): void {
    const view = views[self]!
    if (view.length === 0) return
    let oldest = 0
    for (const [i, entry] of view.entries()) {
      entry.age++
      if (entry.age > view[oldest]!.age) oldest = i
    }
    const { id: partner } = view[oldest]!
    view.splice(oldest, 1)
    const sent = take(view, exchanged - 1)
    if (isLiar(partner)) return merge(self, sent, forged())
    const answer = take(views[partner]!, exchanged)
    merge(partner, answer, [{ id: self, age: 0 }, ...sent])
    merge(self, sent, answer)
  }

  function attack(): void {
    const target = liars + below(random, members - liars)
    merge(target, take(views[target]!, exchanged), forged())
  }

  return {
    round: () => {
      const order = random.shuffled(Array.from({ length: members }, (_, i) => i))
      for (const self of order) {
        if (isLiar(self)) attack()
        else shuffleOf(self)
      }
    },
    views: () => views.map((view) => view.map(({ id }) => id)),
  }
}

export interface MinWise {
  readonly members: number
  readonly slots: number
  readonly liars: number
  /** Views of liars alone that each liar sends in a round to random others. */
  readonly flood: number
  readonly rounds: number
  /** Every so many rounds, so many slots begin anew. */
  readonly reseedEvery: number
  readonly reseeded: number
}

/** A well-mixed 32-bit hash of a slot's seed and an id (murmur3's last step, twice). */
function rank(seed: number, id: number): number {
  let h = seed ^ Math.imul(id + 0x9e3779b9, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/**
 * Min-wise slots (Bortnikov et al. 2009, Brahms; Auvolat et al. 2023, Basalt): each keeps the id that its seed ranks lowest of all
 * that it was ever told, so telling it one more often helps nobody. Everybody exchanges views with the slot used least.
 */
export function minWiseViews(random: Random, options: MinWise): readonly (readonly number[])[] {
  const { members, slots, liars, flood, rounds, reseedEvery, reseeded } = options
  const newSeed = (): number => Math.floor(random.next() * 0x1_0000_0000)
  const seeds = Array.from({ length: members }, () => Int32Array.from({ length: slots }, newSeed))
  const ids = randomViews(random, members, slots)
  const used = Array.from({ length: members }, () => new Uint32Array(slots))
  const lies = Array.from({ length: Math.min(slots, liars) }, (_, i) => i)

  function hear(self: number, told: readonly number[]): void {
    const own = ids[self]!
    const seed = seeds[self]!
    for (let slot = 0; slot < slots; slot++) {
      let best = rank(seed[slot]!, own[slot]!)
      for (const id of told) {
        const ranked = rank(seed[slot]!, id)
        if (ranked >= best || id === self) continue
        best = ranked
        own[slot] = id
        used[self]![slot] = 0
      }
    }
  }

  function exchange(self: number): void {
    const uses = used[self]!
    let least = below(random, slots)
    for (let slot = 0; slot < slots; slot++) if (uses[slot]! < uses[least]!) least = slot
    uses[least]!++
    const partner = ids[self]![least]!
    if (partner < liars) return hear(self, random.shuffled(lies))
    const sent = [self, ...ids[self]!]
    hear(self, [...ids[partner]!])
    hear(partner, sent)
  }

  for (let round = 1; round <= rounds; round++) {
    for (let self = liars; self < members; self++) {
      if (round % reseedEvery === 0) {
        for (let i = 0; i < reseeded; i++) {
          const slot = ((round / reseedEvery) * reseeded + i) % slots
          seeds[self]![slot] = newSeed()
          hear(self, [...ids[self]!])
        }
      }
      exchange(self)
    }
    for (let i = 0; i < liars * flood; i++)
      hear(otherThan(random, members - liars, -1) + liars, liesOf(random, liars, slots))
  }
  return ids
}

/** A view of random liars. */
const liesOf = (random: Random, liars: number, slots: number): number[] =>
  Array.from({ length: slots }, () => below(random, liars))

/** Of the views of honest members: the share of entries that are liars, and how many have nobody else. */
export function poison(
  views: readonly (readonly number[])[],
  liars: number,
): { readonly share: number; readonly isolated: number } {
  let entries = 0
  let lies = 0
  let isolated = 0
  for (const view of views.slice(liars)) {
    const bad = view.filter((id) => id < liars).length
    entries += view.length
    lies += bad
    if (bad === view.length) isolated++
  }
  return { share: lies / entries, isolated }
}

export interface Shape {
  /** Standard deviation of the number of views that a member is in. */
  readonly inDegreeDeviation: number
  /** Without regard to direction: how many of two neighbours of a member are neighbours, and the mean distance of two members. */
  readonly clustering: number
  readonly pathLength: number
}

export function shapeOf(views: readonly (readonly number[])[]): Shape {
  const n = views.length
  const inDegree = new Float64Array(n)
  const neighbours = views.map(() => new Set<number>())
  for (const [self, view] of views.entries()) {
    for (const id of view) {
      inDegree[id]!++
      neighbours[self]!.add(id)
      neighbours[id]!.add(self)
    }
  }
  const lists = neighbours.map((set) => [...set])
  const mean = inDegree.reduce((sum, value) => sum + value, 0) / n
  const squares = inDegree.reduce((sum, value) => sum + (value - mean) * (value - mean), 0)
  return {
    inDegreeDeviation: Math.sqrt(squares / n),
    clustering: clusteringOf(lists, neighbours),
    pathLength: pathLengthOf(lists),
  }
}

function clusteringOf(
  lists: readonly (readonly number[])[],
  neighbours: readonly ReadonlySet<number>[],
): number {
  let sum = 0
  for (const list of lists) {
    let closed = 0
    for (let i = 0; i < list.length; i++)
      for (let j = i + 1; j < list.length; j++) if (neighbours[list[i]!]!.has(list[j]!)) closed++
    sum += list.length < 2 ? 0 : (2 * closed) / (list.length * (list.length - 1))
  }
  return sum / lists.length
}

/** Mean distance of all pairs that reach each other. */
function pathLengthOf(lists: readonly (readonly number[])[]): number {
  const n = lists.length
  const distance = new Int32Array(n)
  const queue = new Int32Array(n)
  let sum = 0
  let pairs = 0
  for (let start = 0; start < n; start++) {
    distance.fill(-1)
    distance[start] = 0
    queue[0] = start
    let end = 1
    for (let at = 0; at < end; at++) {
      const self = queue[at]!
      for (const other of lists[self]!) {
        if (distance[other]! >= 0) continue
        distance[other] = distance[self]! + 1
        sum += distance[other]!
        queue[end++] = other
      }
    }
    pairs += end - 1
  }
  return sum / pairs
}
