/**
 * Gossip by telephone: members with secrets, and with numbers of each other, call in pairs and exchange all they have. What the checks
 * E21 and E21b measure (Hajnal, Milner, Szemerédi 1972; van Ditmarsch et al. 2018, Dynamic gossip).
 */
import type { Random } from '../random.ts'
import { below } from './partners.ts'

/** Who knows what as bits: bit n*i + j if i knows j. At most 5 members fit. */
type Relation = number

const rowOf = (relation: Relation, n: number, i: number): number => (relation >> (n * i)) & ((1 << n) - 1)
const has = (relation: Relation, n: number, i: number, j: number): boolean =>
  ((relation >> (n * i + j)) & 1) === 1
const everything = (n: number): Relation => 2 ** (n * n) - 1

function identity(n: number): Relation {
  let relation = 0
  for (let i = 0; i < n; i++) relation |= 1 << (n * i + i)
  return relation
}

function afterCall(relation: Relation, n: number, i: number, j: number): Relation {
  const both = rowOf(relation, n, i) | rowOf(relation, n, j)
  return relation | (both << (n * i)) | (both << (n * j))
}

/** The least number of calls after which everybody knows all secrets, found by trying all calls. */
export function leastCalls(n: number): number {
  let reached = new Set([identity(n)])
  for (let calls = 0; ; calls++) {
    if (reached.has(everything(n))) return calls
    const next = new Set<Relation>()
    for (const relation of reached)
      for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) next.add(afterCall(relation, n, i, j))
    reached = next
  }
}

/** ANY: anybody calls anybody. CO: each pair at most once. LNS: only whose secret the caller does not know. */
export type Protocol = 'ANY' | 'CO' | 'LNS'

/** Calls, drawn at random from those that the protocol allows, until everybody knows all secrets. All numbers are known. */
export function randomCalls(random: Random, n: number, protocol: Protocol): number {
  const knows = Array.from({ length: n }, (_, i) => new Uint8Array(n).fill(1, i, i + 1))
  const done = new Uint8Array(n * n)
  let known = n
  for (let calls = 0; ;) {
    if (known === n * n) return calls
    const i = below(random, n)
    const j = below(random, n)
    if (i === j || (protocol === 'LNS' && knows[i]![j] === 1)) continue
    const pair = Math.min(i, j) * n + Math.max(i, j)
    if (protocol === 'CO' && done[pair] === 1) continue
    done[pair] = 1
    calls++
    for (let k = 0; k < n; k++) {
      if (knows[i]![k] === knows[j]![k]) continue
      knows[i]![k] = 1
      knows[j]![k] = 1
      known++
    }
  }
}

export interface Ends {
  /** Some maximal sequence of calls ends with everybody knowing all. */
  readonly may: boolean
  /** Every one does. */
  readonly must: boolean
}

/**
 * Learn New Secrets with numbers that spread as well: i may call j if i has j's number and not j's secret. Tries all sequences
 * of calls from a graph of numbers; what is found of a state is kept in `seen`.
 */
export function learnNewSecrets(
  n: number,
  numbers: Relation,
  secrets: Relation,
  seen: Map<number, Ends>,
): Ends {
  const key = numbers * 2 ** (n * n) + secrets
  const known = seen.get(key)
  if (known !== undefined) return known
  let may = false
  let must = true
  let isOver = true
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      if (i === j || !has(numbers, n, i, j) || has(secrets, n, i, j)) continue
      isOver = false
      const ends = learnNewSecrets(n, afterCall(numbers, n, i, j), afterCall(secrets, n, i, j), seen)
      may ||= ends.may
      must &&= ends.must
    }
  }
  if (isOver) {
    may = secrets === everything(n)
    must = may
  }
  const ends = { may, must }
  seen.set(key, ends)
  return ends
}

/** Members reached from one over the arrows, back and forth if `bothWays`; only over members that `inside` has. */
function reachOf(n: number, numbers: Relation, from: number, inside: number, bothWays: boolean): number {
  let reached = 1 << from
  for (let before = 0; before !== reached;) {
    before = reached
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        if (((inside >> i) & (inside >> j) & 1) === 0 || !has(numbers, n, i, j)) continue
        if ((reached >> i) & 1) reached |= 1 << j
        if (bothWays && (reached >> j) & 1) reached |= 1 << i
      }
    }
  }
  return reached
}

export const isWeaklyConnected = (n: number, numbers: Relation): boolean =>
  reachOf(n, numbers, 0, 2 ** n - 1, true) === 2 ** n - 1

/** A sun graph: weakly connected, and strongly so without the members that have nobody's number. */
export function isSunGraph(n: number, numbers: Relation): boolean {
  if (!isWeaklyConnected(n, numbers)) return false
  let inside = 0
  for (let i = 0; i < n; i++) if (rowOf(numbers, n, i) !== 1 << i) inside |= 1 << i
  for (let i = 0; i < n; i++)
    if ((inside >> i) & 1 && reachOf(n, numbers, i, inside, false) !== inside) return false
  return true
}

/** Every directed graph of n members, everybody having their own number. */
export function* allGraphs(n: number): Generator<Relation> {
  const own = identity(n)
  for (let graph = 0; graph < 2 ** (n * n); graph++) if ((graph & own) === own) yield graph
}

export const ownSecrets: (n: number) => Relation = identity
