/**
 * Every gossip graph of three members up to a size, the last of whom branches, and the unanimous fast path
 * (packages/consensus/FAST-PATH.md) on each of them: scripts/exhaust-fast-path.ts says what is looked at. Asked are the reference
 * model, which says what every later witness votes, and the engines, with the path and without it.
 */
import { createEngine, NO_EVENT } from '@hearsay/consensus'
import type { Engine } from '@hearsay/consensus'
import { createElection } from './election.ts'
import type { Election, Vertex } from './election.ts'

const BRANCHER = 2
/** Below this depth the model's memory is thrown away with each subtree. */
const SUBTREE = 5
/** Up to this size the engines are asked as well. */
const ENGINE_EVENTS = 9

export interface Search {
  readonly weights: readonly number[]
  readonly coinFrequency: number
  /** Whose first votes have to be there and alike. */
  readonly premise: readonly number[]
  readonly events: number
  /** Stop at the first contradiction. */
  readonly untilFound: boolean
}

export const SEARCH: Search = {
  weights: [9, 5, 6],
  coinFrequency: 3,
  premise: [0, 1, 2],
  events: 10,
  untilFound: false,
}

/** What the path must not do without: each of these is contradicted by some graph of 10 events. */
export const CONTROLS: readonly [string, Partial<Search>][] = [
  ['without the first member', { premise: [1, 2], untilFound: true }],
  ['a brancher of more than a third', { weights: [6, 6, 8], untilFound: true }],
  ['coinFrequency 2', { coinFrequency: 2, untilFound: true }],
]

interface Node {
  readonly vertex: Vertex
  readonly self: number
  readonly other: number
  readonly level: number
  /** Bit set of indices, itself included. */
  readonly ancestors: number
}

export interface Found {
  graphs: number
  fired: number
  checked: number
  /** Votes of witnesses that counted votes of both kinds. */
  divided: number
  asked: number
  contradictions: number
  example: string
}

function newElection({ weights, coinFrequency }: Search): Election {
  return createElection({
    decidedRound: 0,
    judges: [],
    roster: new Map(weights.map((weight, id) => [id, BigInt(weight)])),
    coinFrequency,
    isOrdered: () => false,
    isAncient: () => false,
    mark: () => {},
  })
}

/** Every coin is a no: the votes that matter are yes. */
function vertexOf(index: number, creator: number, self: Vertex | null, other: Vertex | null): Vertex {
  return {
    id: (index + 1).toString(16).padStart(2, '0').repeat(32),
    creator,
    selfParent: self,
    otherParents: other === null ? [] : [other],
    birthRound: 1,
    timestamp: 1000 + index,
    coin: 0,
    transactionCount: 0,
  }
}

function inWords(nodes: readonly Node[]): string {
  const name = (at: number): string => (at < 0 ? '-' : `${'abc'[nodes[at]!.vertex.creator]}${at}`)
  return nodes.map((node, at) => `${name(at)}(${name(node.self)};${name(node.other)})`).join(' ')
}

/** The engine's judges of round 1; undefined while it is open. */
function judgesByEngine(nodes: readonly Node[], search: Search, fastPath: boolean): string | undefined {
  const members = search.weights.map((weight, id) => ({ id, weight }))
  const engine: Engine = createEngine(
    {
      config: { coinFrequency: search.coinFrequency, roundsNonAncient: 26 },
      rosters: [{ fromRound: 1, members }],
      fastPath,
    },
    { capacity: 16 },
  )
  for (const { vertex, self, other } of nodes) {
    engine.insert({
      ...vertex,
      id: new Uint8Array(32).fill(Number.parseInt(vertex.id.slice(0, 2), 16)),
      selfParent: self < 0 ? NO_EVENT : self,
      otherParents: other < 0 ? [] : [other],
    })
  }
  return engine
    .takeDecidedRounds()[0]
    ?.judges.map((id) => id[0]!)
    .join()
}

export function explore(search: Search): Found {
  const found: Found = {
    graphs: 0,
    fired: 0,
    checked: 0,
    divided: 0,
    asked: 0,
    contradictions: 0,
    example: '',
  }
  const nodes: Node[] = []
  let election = newElection(search)
  let forks = 0
  const candidates: Vertex[] = []
  const first: Vertex[][] = search.weights.map(() => [])
  const later: Vertex[] = []

  const voteOf = (voter: Vertex, c: Vertex): boolean => election.vote(voter, c).yes

  /** First votes, one of each member of the premise, that are alike on every candidate, with a yes among them; null if there are none. */
  function unanimous(): Vertex | null {
    let voters: readonly Vertex[] = []
    for (const m of search.premise) {
      const like = first[m]!.find((w) =>
        candidates.every((c) => voters.every((v) => voteOf(v, c) === voteOf(w, c))),
      )
      if (like === undefined) return null
      voters = [...voters, like]
    }
    const one = voters[0]!
    return candidates.some((c) => voteOf(one, c)) ? one : null
  }

  function contradict(what: string): void {
    found.contradictions += 1
    if (found.example === '') found.example = `${what}: ${inWords(nodes)}`
  }

  function check(isFirstVote: boolean): void {
    const verdict = unanimous()
    if (verdict === null) return
    found.fired += 1
    if (later.length > 0) found.checked += 1
    for (const voter of later) {
      for (const c of candidates) {
        const vote = election.vote(voter, c)
        const distance = election.round(voter) - 1
        if (!vote.strong) found.divided += 1
        if (vote.yes !== voteOf(verdict, c))
          contradict(`${c.id.slice(0, 2)} gets ${vote.yes ? 'a yes' : 'a no'}`)
        else if (distance > 2 && !vote.strong) contradict(`${c.id.slice(0, 2)} is not decided`)
      }
    }
    if (!isFirstVote || search.premise.length < 3 || nodes.length > ENGINE_EVENTS) return
    if (search.coinFrequency < 3) return
    found.asked += 1
    const wanted = candidates
      .filter((c) => voteOf(verdict, c))
      .sort((a, b) => a.creator - b.creator)
      .map((c) => Number.parseInt(c.id.slice(0, 2), 16))
      .join()
    const fast = judgesByEngine(nodes, search, true)
    const exact = judgesByEngine(nodes, search, false)
    if (fast !== wanted) contradict(`the engine's judges are ${fast ?? 'open'}, not ${wanted}`)
    if (exact !== undefined && exact !== wanted) contradict(`the rule's judges are ${exact}, not ${wanted}`)
  }

  /** Adds one event, looks at the graph and at all larger ones, and takes it away again. */
  function visit(node: Node, fork: number): void {
    const { vertex } = node
    nodes.push(node)
    forks += fork
    found.graphs += 1
    let place: Vertex[] | null = null
    if (nodes.length === search.events - SUBTREE) renew()
    election.divideRounds(vertex)
    if (election.isWitness(vertex)) {
      const round = election.round(vertex)
      place = round === 1 ? candidates : round === 2 ? first[vertex.creator]! : later
      place.push(vertex)
      check(round === 2)
    }
    if (nodes.length < search.events && !(search.untilFound && found.contradictions > 0)) extend()
    place?.pop()
    forks -= fork
    nodes.pop()
  }

  function renew(): void {
    election = newElection(search)
    for (const { vertex } of nodes) election.divideRounds(vertex)
  }

  /** Every graph has one order of its events that is sorted by level, creator, self-parent and other-parent. */
  function isInOrder(level: number, creator: number, self: number, other: number): boolean {
    const last = nodes.at(-1)
    if (last === undefined) return true
    const { creator: lastCreator } = last.vertex
    return (level - last.level || creator - lastCreator || self - last.self || other - last.other) > 0
  }

  function extend(): void {
    const count = nodes.length
    for (let creator = 0; creator < 3; creator++) {
      const own = nodes.map((_, at) => at).filter((at) => nodes[at]!.vertex.creator === creator)
      const selfs = creator === BRANCHER ? [-1, ...own] : [own.at(-1) ?? -1]
      for (const self of selfs) {
        const extended = self < 0 ? own.length > 0 : nodes.some((node) => node.self === self)
        const fork = extended ? 1 : 0
        if (forks + fork > 1) continue
        const known = self < 0 ? 0 : nodes[self]!.ancestors
        for (let other = self < 0 ? -1 : 0; other < count; other++) {
          if (self < 0 && creator !== BRANCHER && other >= 0) continue
          const parent = other < 0 ? null : nodes[other]!
          if (parent !== null && (parent.vertex.creator === creator || ((known >>> other) & 1) === 1))
            continue
          const level = 1 + Math.max(self < 0 ? -1 : nodes[self]!.level, parent?.level ?? -1)
          if (!isInOrder(level, creator, self, other)) continue
          const selfVertex = self < 0 ? null : nodes[self]!.vertex
          const vertex = vertexOf(count, creator, selfVertex, parent?.vertex ?? null)
          const ancestors = known | (parent?.ancestors ?? 0) | (1 << count)
          visit({ vertex, self, other, level, ancestors }, fork)
        }
      }
    }
  }

  extend()
  return found
}
