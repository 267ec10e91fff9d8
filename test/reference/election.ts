/**
 * Sections 2-4 of the ordering rule, transcribed: rounds, seeing and fame relative to one base (the judges of the
 * last decided round). Naive on purpose: every function of the page is a function here, with a memo. Events are
 * taken in the order in which they were added, so every memo of a parent is filled before a child asks for it, and
 * nothing recurses over the graph.
 */

/** An event with its parents resolved. A parent that is not held is absent here. */
export interface Vertex {
  readonly id: string
  readonly creator: number
  readonly selfParent: Vertex | null
  readonly otherParents: readonly Vertex[]
  readonly birthRound: number
  readonly timestamp: number
  readonly coin: 0 | 1
  readonly transactionCount: number
}

export interface Base {
  /** D, the last decided round; the election is that of round D + 1. */
  readonly decidedRound: number
  readonly judges: readonly Vertex[]
  /** The roster of round D + 1: member id to weight. */
  readonly roster: ReadonlyMap<number, bigint>
  readonly coinFrequency: number
  readonly isOrdered: (x: Vertex) => boolean
  readonly isAncient: (x: Vertex) => boolean
  /** Counts what happened, for coverage. */
  readonly mark: (name: string) => void
}

export type Fame = 'famous' | 'not famous' | 'undecided'

export interface Election {
  /** Rounds and seeing of one event (section 2 and 3); all its parents were given before. */
  divideRounds(x: Vertex): void
  /** What the event does in the election (section 4). */
  decideFame(x: Vertex): void
  isDecided(): boolean
  famous(): readonly Vertex[]
  /** NO_ROUND if it has none. */
  round(x: Vertex): number
  isWitness(x: Vertex): boolean
  /** Only for a witness of the election's round by a member of the roster; otherwise null. */
  fame(x: Vertex): Fame | null
  candidates(): readonly Vertex[]
  vote(v: Vertex, c: Vertex): { readonly yes: boolean; readonly strong: boolean }
  stronglySeen(x: Vertex, m: number): Vertex | null
}

/** "None" among rounds: lower than every round. */
export const NO_ROUND = -1

export function isSupermajority(weight: bigint, total: bigint): boolean {
  return 3n * weight > 2n * total
}

export function sumOfWeights(roster: ReadonlyMap<number, bigint>): bigint {
  let sum = 0n
  for (const weight of roster.values()) sum += weight
  return sum
}

/** parents(x): self-parent first, then the other-parents in their order, without those that are ancient. */
export function parentsOf(x: Vertex, isAncient: (x: Vertex) => boolean): readonly Vertex[] {
  const all = x.selfParent === null ? x.otherParents : [x.selfParent, ...x.otherParents]
  return all.filter((p) => !isAncient(p))
}

interface Seeing {
  divideRounds(x: Vertex): void
  round(x: Vertex | null): number
  isWitness(x: Vertex): boolean
  firstSeen(x: Vertex | null, m: number): Vertex | null
  firstSelfWitness(x: Vertex | null): Vertex | null
  firstWitness(x: Vertex): Vertex | null
  stronglySeen(x: Vertex | null, m: number): Vertex | null
}

/** Sections 2 and 3. */
function createSeeing(base: Base): Seeing {
  const { decidedRound, roster, isAncient, mark } = base
  const members = [...roster.keys()]
  const total = sumOfWeights(roster)
  const judges = new Set(base.judges)

  // An event without a round is in none of these maps.
  const roundMemo = new Map<Vertex, number>()
  const parentRoundMemo = new Map<Vertex, number>()
  const generationMemo = new Map<Vertex, number>()
  const lastSeenMemo = new Map<Vertex, Map<number, Vertex | null>>()
  const firstSelfWitnessMemo = new Map<Vertex, Vertex | null>()
  const firstWitnessMemo = new Map<Vertex, Vertex | null>()
  const stronglySeenMemo = new Map<Vertex, Map<number, Vertex | null>>()

  const round = (x: Vertex | null): number => (x === null ? NO_ROUND : (roundMemo.get(x) ?? NO_ROUND))
  const parentRound = (x: Vertex): number => parentRoundMemo.get(x) ?? NO_ROUND
  const generation = (x: Vertex): number => generationMemo.get(x) ?? 0
  const lastSeen = (x: Vertex, m: number): Vertex | null => lastSeenMemo.get(x)?.get(m) ?? null
  const firstSelfWitness = (x: Vertex | null): Vertex | null =>
    x === null ? null : (firstSelfWitnessMemo.get(x) ?? null)
  const firstWitness = (x: Vertex): Vertex | null => firstWitnessMemo.get(x) ?? null
  const firstSeen = (x: Vertex | null, m: number): Vertex | null =>
    x === null ? null : firstSelfWitness(lastSeen(x, m))
  const stronglySeen = (x: Vertex | null, m: number): Vertex | null =>
    x === null ? null : (stronglySeenMemo.get(x)?.get(m) ?? null)

  function findLastSeen(x: Vertex, m: number, parents: readonly Vertex[]): Vertex | null {
    if (x.creator === m) return x
    let best: Vertex | null = null
    let via: Vertex | null = null
    for (const p of parents) {
      const c = lastSeen(p, m)
      if (c === null) continue
      if (best !== null && firstSeen(p, m) !== firstSeen(via, m) && round(c) === round(best))
        mark('branch passed over')
      if (
        best === null ||
        round(c) > round(best) ||
        (generation(c) > generation(best) && firstSeen(p, m) === firstSeen(via, m))
      ) {
        best = c
        via = p
      }
    }
    return best
  }

  function seenThrough(x: Vertex, m: number, m2: number): Vertex | null {
    if (m === m2 && m === x.creator) return firstSelfWitness(x.selfParent)
    const y = lastSeen(x, m2)
    return firstSeen(y, m)
  }

  function findStronglySeen(x: Vertex, m: number, parents: readonly Vertex[]): Vertex | null {
    for (const p of parents) {
      if (parentRound(p) === parentRound(x) && stronglySeen(p, m) !== null) return stronglySeen(p, m)
    }
    const w = seenThrough(x, m, m)
    if (w === null || round(w) !== parentRound(x)) return null
    let weight = 0n
    for (const [m3, weight3] of roster) if (seenThrough(x, m, m3) === w) weight += weight3
    return isSupermajority(weight, total) ? w : null
  }

  /** The round of an event whose parents' memos are filled; fills its own lastSeen and stronglySeen on the way. */
  function findRound(x: Vertex, parents: readonly Vertex[]): number {
    const greatest = Math.max(NO_ROUND, ...parents.map((p) => round(p)))
    if (judges.has(x) && greatest === NO_ROUND) return decidedRound
    if (base.isOrdered(x) || isAncient(x)) return NO_ROUND
    if (greatest === NO_ROUND) {
      if (decidedRound > 0 && parents.length === 0) mark('parentless after genesis')
      return decidedRound === 0 && parents.length === 0 ? 1 : NO_ROUND
    }
    if (judges.has(x)) mark('judge descending from a judge')
    parentRoundMemo.set(x, greatest)
    const strongly = new Map<number, Vertex | null>()
    lastSeenMemo.set(x, new Map(members.map((m) => [m, findLastSeen(x, m, parents)])))
    for (const m of members) strongly.set(m, findStronglySeen(x, m, parents))
    stronglySeenMemo.set(x, strongly)
    let weight = 0n
    for (const [m, weightOfMember] of roster) if (strongly.get(m) !== null) weight += weightOfMember
    return isSupermajority(weight, total) ? greatest + 1 : greatest
  }

  function divideRounds(x: Vertex): void {
    const parents = parentsOf(x, isAncient)
    const r = findRound(x, parents)
    if (r === NO_ROUND) return
    roundMemo.set(x, r)
    generationMemo.set(x, 1 + Math.max(0, ...parents.filter((p) => round(p) !== NO_ROUND).map(generation)))
    if (!lastSeenMemo.has(x))
      lastSeenMemo.set(x, new Map(members.map((m) => [m, findLastSeen(x, m, parents)])))
    firstSelfWitnessMemo.set(x, r > round(x.selfParent) ? x : firstSelfWitness(x.selfParent))
    const first = r > parentRound(x) ? x : parents.find((p) => round(p) === r)!
    firstWitnessMemo.set(x, first === x ? x : firstWitness(first))
  }

  const isWitness = (x: Vertex): boolean =>
    round(x) !== NO_ROUND && (x.selfParent === null || round(x.selfParent) !== round(x))

  return { divideRounds, round, isWitness, firstSeen, firstSelfWitness, firstWitness, stronglySeen }
}

interface Vote {
  readonly yes: boolean
  readonly strong: boolean
}

/** Section 4. */
export function createElection(base: Base): Election {
  const { roster, coinFrequency, mark } = base
  const total = sumOfWeights(roster)
  const seeing = createSeeing(base)
  const { round, isWitness, firstSeen, firstSelfWitness, firstWitness, stronglySeen } = seeing
  const E = base.decidedRound + 1

  const fameOf = new Map<Vertex, Fame>()
  const candidates: Vertex[] = []
  const voteMemo = new Map<Vertex, Map<Vertex, Vote>>()
  let tooLateForCandidates = false
  /** Witnesses by member and round, for coverage only. */
  const witnesses = new Map<string, number>()

  function firstVote(v: Vertex, c: Vertex): Vote {
    let u = firstSeen(v, c.creator)
    while (u !== null && round(u) >= round(v) && u.selfParent !== null) u = firstSelfWitness(u.selfParent)
    return { yes: u === c, strong: false }
  }

  function laterVote(v: Vertex, c: Vertex, d: number): Vote {
    let yes = 0n
    let no = 0n
    for (const [m, weight] of roster) {
      const s = stronglySeen(firstWitness(v), m)
      if (s === null) continue
      if (vote(s, c).yes) yes += weight
      else no += weight
    }
    const strong = isSupermajority(yes > no ? yes : no, total)
    if (yes === no) mark('vote on a tie')
    if (d % coinFrequency !== 0) return { yes: yes >= no, strong }
    mark(d >= 12 ? 'coin round at distance >= 12' : 'coin round')
    if (strong) return { yes: yes >= no, strong }
    mark(d >= 12 ? 'coin used at distance >= 12' : 'coin used')
    if ((v.coin === 1) !== yes >= no) mark('coin against the majority')
    return { yes: v.coin === 1, strong }
  }

  /** Of a witness v of a round above E on a candidate c. The votes of one round rest on those of the round below. */
  function vote(v: Vertex, c: Vertex): Vote {
    let votes = voteMemo.get(v)
    if (votes === undefined) voteMemo.set(v, (votes = new Map()))
    let result = votes.get(c)
    if (result === undefined) {
      const d = round(v) - E
      result = d === 1 ? firstVote(v, c) : laterVote(v, c, d)
      votes.set(c, result)
    }
    return result
  }

  function decideFame(x: Vertex): void {
    if (!isWitness(x)) return
    const d = round(x) - E
    const isMember = roster.has(x.creator)
    if (!isMember) mark('witness of a stranger')
    const key = `${x.creator} ${d}`
    const count = (witnesses.get(key) ?? 0) + 1
    witnesses.set(key, count)
    if (count === 10) mark('ten witnesses of one creator in one round')
    if (count === 2 && d > 16) mark('two witnesses of one creator at distance > 16')
    if (isMember && d === 0) {
      if (tooLateForCandidates) mark('late witness')
      else candidates.push(x)
      fameOf.set(x, tooLateForCandidates ? 'not famous' : 'undecided')
    }
    if (d >= 2) tooLateForCandidates = true
    if (!isMember || d < 1) return
    for (const c of candidates) {
      if (fameOf.get(c) !== 'undecided') continue
      const { yes, strong } = vote(x, c)
      if (d === 1 || !strong || d % coinFrequency === 0) continue
      fameOf.set(c, yes ? 'famous' : 'not famous')
      mark(`decided ${yes ? 'famous' : 'not famous'}`)
      if (d >= 4) mark('decided at distance >= 4')
    }
  }

  return {
    divideRounds: seeing.divideRounds,
    decideFame,
    isDecided: () => candidates.length > 0 && candidates.every((c) => fameOf.get(c) !== 'undecided'),
    famous: () => candidates.filter((c) => fameOf.get(c) === 'famous'),
    round,
    isWitness,
    fame: (x) => fameOf.get(x) ?? null,
    candidates: () => candidates,
    vote,
    stronglySeen,
  }
}
