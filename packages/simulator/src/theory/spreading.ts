/** How a rumour spreads in synchronous rounds among members who call each other at random: what the checks E1 to E8 measure. */
import { nextShare, type Spread } from './predict.ts'
import type { Random } from '../random.ts'
import { otherThan, othersThan } from './partners.ts'

export interface Spreading {
  /** Until everybody knew, or the limit. */
  readonly rounds: number
  readonly isComplete: boolean
  /** Times that the rumour itself was sent. */
  readonly sent: number
  /** How many knew after each round, the first entry before any. */
  readonly knew: readonly number[]
}

/**
 * From `initial` members on until everybody knows. Who knows what at a round's start decides what its calls carry; a caller who knows
 * sends at once, one who is called sends to a caller who does not.
 */
export function spread(random: Random, options: Spread, initial = 1, limit = 10_000): Spreading {
  const { mode, members, fanout, loss } = options
  const knows = new Uint8Array(members).fill(1, 0, initial)
  const before = new Uint8Array(members)
  const called: number[] = []
  const knew = [initial]
  let sent = 0
  while (knew.at(-1)! < members && knew.length <= limit) {
    before.set(knows)
    for (let caller = 0; caller < members; caller++) {
      if (before[caller] === 1 ? mode === 'pull' : mode === 'push') continue
      if (fanout === 1) called[0] = otherThan(random, members, caller)
      else othersThan(random, members, caller, fanout, called)
      for (const other of called) {
        if (before[caller] === 1) sent++
        if (loss > 0 && random.next() < loss) continue
        if (before[caller] === 1) knows[other] = 1
        else if (before[other] === 1) {
          sent++
          knows[caller] = 1
        }
      }
    }
    let count = 0
    for (let i = 0; i < members; i++) count += knows[i]!
    knew.push(count)
  }
  return { rounds: knew.length - 1, isComplete: knew.at(-1) === members, sent, knew }
}

/** Every member that learns the rumour tells `fanout` others, once, then never again. How many know in the end. */
export function infectAndDie(random: Random, members: number, fanout: number, loss = 0): number {
  const knows = new Uint8Array(members)
  knows[0] = 1
  const order = [0]
  const told: number[] = []
  for (let next = 0; next < order.length && order.length < members; next++) {
    othersThan(random, members, order[next]!, fanout, told)
    for (const other of told) {
      if (knows[other] === 1 || (loss > 0 && random.next() < loss)) continue
      knows[other] = 1
      order.push(other)
    }
  }
  return order.length
}

/** How far a run strays from the mean field, at most, over its rounds: sup |X - x|. */
export function strayOf(random: Random, options: Spread, share: number, rounds: number): number {
  const { knew } = spread(random, options, Math.round(options.members * share), rounds)
  let x = knew[0]! / options.members
  let most = 0
  for (let round = 1; round <= rounds; round++) {
    x = nextShare(options, x)
    most = Math.max(most, Math.abs((knew[round] ?? options.members) / options.members - x))
  }
  return most
}
