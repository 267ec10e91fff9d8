/**
 * Searches all interleavings of a small world of real members: two or three, that submit, write, tick, talk over links that keep the
 * order, lose a frame, break and are made again, and crash and start again from what was durable. In every state: nobody accepts an
 * event twice, nobody stops, ledgers are prefixes of each other. And from states all over the search, when nothing fails any more,
 * everybody comes to hold the same events and to order all transactions: no deadlock (gossip design, section 1.8; explicit-state
 * search as of Holzmann, The model checker SPIN, 1997, with histories as in Mazurkiewicz traces).
 *
 * Local clocks move only by ticks, so any member may be as slow as it likes against the others.
 */
import {
  bytesKey,
  type CryptoSuite,
  type Genesis,
  payloadOf,
  decodeEvent,
  networkIdOf,
  transactionsOf,
} from '@hearsay/dag'
import { createHistories, type Happening, type Histories, type Local } from './histories.ts'
import { RECORD_EVENT } from '@hearsay/node'

/** How much of each may happen. */
export interface Budget {
  /** Submissions: the first so many members submit one transaction each. */
  readonly submitting: number
  /** For each member. */
  readonly ticks: number
  /** In all. */
  readonly losses: number
  readonly breaks: number
  readonly crashes: number
}

export interface SearchOptions {
  readonly members: 2 | 3
  readonly suite: CryptoSuite
  readonly budget: Budget
  readonly maxStates: number
  /** Every so many states, and where nothing can happen any more, it is tried whether all ends well. */
  readonly completeEvery: number
  /** Told every 50,000 states. */
  readonly onProgress?: (states: number) => void
  /** Breaks the world on purpose, for tests of the search: frames that never arrive, even when nothing fails any more. */
  readonly swallow?: (from: number, to: number, frame: Uint8Array) => boolean
}

export interface SearchReport {
  readonly states: number
  readonly transitions: number
  /** Histories of single members that were computed. */
  readonly histories: number
  /** States in which nothing could happen any more within the budget. */
  readonly ends: number
  /** States from which it was tried whether all ends well. */
  readonly completed: number
  readonly isExhausted: boolean
  readonly violation: { readonly what: string; readonly path: readonly string[] } | undefined
}

/** The world in one instant. Links are pairs, directions are two for each pair. */
interface State {
  readonly locals: readonly Local[]
  readonly queues: readonly (readonly number[])[]
  readonly up: readonly boolean[]
  readonly losses: number
  readonly breaks: number
}

interface Move {
  readonly name: string
  readonly make: (state: State) => State
}

export function searchInterleavings(options: SearchOptions): SearchReport {
  const { members, suite, budget } = options
  const { genesis, secretKeys } = foundersOf(members, suite)
  const networkId = networkIdOf(genesis, suite.sha256)
  const histories: Histories = createHistories(genesis, secretKeys, suite)
  const pairs: (readonly [number, number])[] =
    members === 2
      ? [[0, 1]]
      : [
          [0, 1],
          [0, 2],
          [1, 2],
        ]
  const pairOf = (a: number, b: number): number =>
    pairs.findIndex(([x, y]) => (x === a && y === b) || (x === b && y === a))
  const directionOf = (from: number, to: number): number => 2 * pairOf(from, to) + (from < to ? 0 : 1)
  const ends = (direction: number): readonly [from: number, to: number] => {
    const [a, b] = pairs[direction >> 1]!
    return direction % 2 === 0 ? [a, b] : [b, a]
  }

  /** Something happens to a member, and what it sends is on its way; links that it closes are closed at both ends. */
  function happen(state: State, index: number, happening: Happening): State {
    const next = histories.after(state.locals[index]!, happening)
    let result: State = { ...state, locals: state.locals.with(index, next) }
    if (happening.kind === 'crash') return result
    const queues = result.queues.map((queue) => queue)
    for (const { peer, frame } of next.sent) {
      const to = peer - 1
      if (
        !result.up[pairOf(index, to)] ||
        options.swallow?.(index + 1, peer, histories.frameBytes(frame)) === true
      )
        continue
      queues[directionOf(index, to)] = [...queues[directionOf(index, to)]!, frame]
    }
    result = { ...result, queues }
    for (const peer of next.closed) result = cut(result, index, peer - 1, false)
    return result
  }

  /** What is on its way over a link is gone with it. */
  function cut(state: State, a: number, b: number, tellFirst = true): State {
    const pair = pairOf(a, b)
    if (!state.up[pair]) return state
    const queues = state.queues.map((queue, direction) => (direction >> 1 === pair ? [] : queue))
    let result: State = { ...state, queues, up: state.up.with(pair, false) }
    if (tellFirst) result = happen(result, a, { kind: 'closed', peer: b + 1 })
    return happen(result, b, { kind: 'closed', peer: a + 1 })
  }

  function connect(state: State, pair: number): State {
    const [a, b] = pairs[pair]!
    const opened = happen({ ...state, up: state.up.with(pair, true) }, a, { kind: 'opened', peer: b + 1 })
    return happen(opened, b, { kind: 'opened', peer: a + 1 })
  }

  function deliver(state: State, direction: number): State {
    const [frame, ...rest] = state.queues[direction]!
    const [from, to] = ends(direction)
    return happen({ ...state, queues: state.queues.with(direction, rest) }, to, {
      kind: 'frame',
      peer: from + 1,
      frame: frame!,
    })
  }

  function crash(state: State, index: number): State {
    let result = state
    for (let other = 0; other < members; other++) {
      if (other === index || !result.up[pairOf(index, other)]) continue
      // The one that crashes hears of nothing.
      result = cut(result, index, other, false)
    }
    return happen(result, index, { kind: 'crash' })
  }

  /** All that may happen next. */
  function movesOf(state: State): Move[] {
    const moves: Move[] = []
    const add = (name: string, make: Move['make']): void => void moves.push({ name, make })
    const crashes = state.locals.reduce((sum, local) => sum + local.crashes, 0)
    for (const [direction, queue] of state.queues.entries()) {
      if (queue.length === 0) continue
      const [from, to] = ends(direction)
      add(`${from + 1}→${to + 1} arrives`, (at) => deliver(at, direction))
      if (state.losses < budget.losses)
        add(`${from + 1}→${to + 1} is lost`, (at) => ({
          ...at,
          losses: at.losses + 1,
          queues: at.queues.with(direction, at.queues[direction]!.slice(1)),
        }))
    }
    for (const [pair, [a, b]] of pairs.entries()) {
      if (!state.up[pair]) add(`${a + 1}-${b + 1} is made`, (at) => connect(at, pair))
      else if (state.breaks < budget.breaks)
        add(`${a + 1}-${b + 1} breaks`, (at) => ({ ...cut(at, a, b), breaks: at.breaks + 1 }))
    }
    for (const [index, local] of state.locals.entries()) {
      const happens = (kind: 'durable' | 'tick' | 'submit'): void =>
        add(`${index + 1}: ${kind}`, (at) => happen(at, index, { kind }))
      if (local.syncing !== undefined) happens('durable')
      if (local.ticks < budget.ticks && local.nextTickMs !== undefined) happens('tick')
      if (index < budget.submitting && !local.hasSubmitted) happens('submit')
      if (crashes < budget.crashes) add(`${index + 1} crashes`, (at) => crash(at, index))
    }
    return moves
  }

  function transactionsIn(local: Local): number {
    let count = 0
    for (const { kind, bytes } of local.records) {
      if (kind !== RECORD_EVENT) continue
      const decoded = decodeEvent(bytes, networkId, suite.sha256)
      if (decoded.ok) count += transactionsOf(payloadOf(decoded.event)).length
    }
    return count
  }

  /** Everybody holds the same events, and has ordered the transactions in them. */
  function isDone({ locals, queues }: State): boolean {
    if (queues.some((queue) => queue.length > 0) || locals.some(({ syncing }) => syncing !== undefined))
      return false
    const [first, ...others] = locals.map(eventsOf)
    if (others.some((events) => events.size !== first!.size || [...events].some((key) => !first!.has(key))))
      return false
    const wanted = transactionsIn(locals[0]!)
    return locals.every(({ ordered }) => ordered === wanted)
  }

  /** Nothing fails any more: everything on its way arrives, links are made, and who wants to tick first does. */
  function complete(from: State): string | undefined {
    let state = from
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      const fault = faultOf(state)
      if (fault !== undefined) return fault
      const down = state.up.indexOf(false)
      const waiting = state.queues.findIndex((queue) => queue.length > 0)
      const writing = state.locals.findIndex(({ syncing }) => syncing !== undefined)
      if (down >= 0) state = connect(state, down)
      else if (writing >= 0) state = happen(state, writing, { kind: 'durable' })
      else if (waiting >= 0) state = deliver(state, waiting)
      else if (isDone(state)) return undefined
      else {
        const wishes = state.locals.map(({ nextTickMs }) => nextTickMs ?? Infinity)
        const next = wishes.indexOf(Math.min(...wishes))
        if (wishes[next] === Infinity) return 'nobody wants to do anything, and not everybody has everything'
        state = happen(state, next, { kind: 'tick' })
      }
    }
    return `not everybody has everything after ${MAX_TURNS} turns without a fault`
  }

  return explore()

  function explore(): SearchReport {
    const first = firstState()
    const seen = new Set([keyOf(first)])
    const stack: { state: State; moves: Move[]; name: string }[] = [
      { state: first, moves: movesOf(first), name: '' },
    ]
    let transitions = 0
    let dead = 0
    let completed = 0
    let violation: SearchReport['violation']
    const blame = (what: string, last = ''): void => {
      const path = [...stack.map(({ name }) => name), last].filter((name) => name !== '')
      violation = { what, path }
    }
    while (stack.length > 0 && seen.size < options.maxStates) {
      const top = stack.at(-1)!
      const move = top.moves.pop()
      if (move === undefined) {
        stack.pop()
        continue
      }
      const state = move.make(top.state)
      transitions++
      const key = keyOf(state)
      if (seen.has(key)) continue
      seen.add(key)
      if (seen.size % 50_000 === 0) options.onProgress?.(seen.size)
      const moves = movesOf(state)
      const fault = faultOf(state)
      if (fault !== undefined) blame(fault, move.name)
      if (moves.length === 0) dead++
      if (fault === undefined && seen.size % options.completeEvery === 0) {
        completed++
        const stuck = complete(state)
        if (stuck !== undefined) blame(stuck, move.name)
      }
      if (violation !== undefined) break
      stack.push({ state, moves, name: move.name })
    }
    return {
      states: seen.size,
      transitions,
      histories: histories.count(),
      ends: dead,
      completed,
      isExhausted: stack.length === 0,
      violation,
    }
  }

  /** All links are made and greeted over. */
  function firstState(): State {
    const locals = Array.from({ length: members }, (_, i) => histories.root(i + 1))
    let state: State = {
      locals,
      queues: Array.from({ length: 2 * pairs.length }, () => []),
      up: pairs.map(() => false),
      losses: 0,
      breaks: 0,
    }
    for (const pair of pairs.keys()) state = connect(state, pair)
    for (;;) {
      const waiting = state.queues.findIndex((queue) => queue.length > 0)
      if (waiting < 0) return state
      state = deliver(state, waiting)
    }
  }
}

const keyOf = ({ locals, queues, up, losses, breaks }: State): string =>
  `${locals.map(({ id }) => id).join()}|${queues.map((queue) => queue.join('.')).join()}|${up.map(Number).join('')}${losses},${breaks}`

/** What must hold in every state. */
function faultOf({ locals }: State): string | undefined {
  const faulty = locals.find(({ fault }) => fault !== undefined)
  if (faulty !== undefined) return faulty.fault
  for (const a of locals) {
    for (const b of locals) {
      const common = Math.min(a.blocks.length, b.blocks.length)
      if (common > 0 && a.blocks[common - 1] !== b.blocks[common - 1])
        return `members ${a.member} and ${b.member} have another round ${common}`
    }
  }
  return undefined
}

const eventsOf = (local: Local): Set<string> =>
  new Set(local.records.filter(({ kind }) => kind === RECORD_EVENT).map(({ bytes }) => bytesKey(bytes)))

/** Turns within which all must end well. */
const MAX_TURNS = 3_000

function foundersOf(
  members: number,
  suite: CryptoSuite,
): { genesis: Genesis; secretKeys: readonly Uint8Array[] } {
  const secretKeys = Array.from({ length: members }, (_, i) => new Uint8Array(32).fill(i + 1))
  const genesis: Genesis = {
    coinFrequency: 12,
    roundsNonAncient: 26,
    salt: new Uint8Array(16),
    members: secretKeys.map((key, i) => ({
      id: i + 1,
      name: `m${i + 1}`,
      publicKey: suite.publicKey(key),
      weight: 1,
    })),
  }
  return { genesis, secretKeys }
}
