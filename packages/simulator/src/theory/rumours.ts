/** Rumours that their bearers lose interest in, and epidemics with recovery: what the checks E7 and E9 measure. */
import { ln } from './numbers.ts'
import type { Random } from '../random.ts'
import { below, otherThan } from './partners.ts'

export interface Rumour {
  /** The share that never learns it. */
  readonly residue: number
  /** Times that it was sent, for each member. */
  readonly traffic: number
}

/** When a bearer may lose interest: after any contact, or after one with somebody who knew already. */
export type Interest = 'blind' | 'feedback'

/**
 * Push of a rumour, one contact after the other, each by a random bearer: with `coin`, interest is lost with probability 1/k each time
 * that it may be; else after k times.
 */
export function pushRumour(
  random: Random,
  members: number,
  k: number,
  interest: Interest,
  isCoin: boolean,
): Rumour {
  const knows = new Uint8Array(members)
  const misses = new Uint8Array(members)
  knows[0] = 1
  const bearers = [0]
  let known = 1
  let sent = 0
  while (bearers.length > 0) {
    const at = below(random, bearers.length)
    const bearer = bearers[at]!
    const other = otherThan(random, members, bearer)
    sent++
    const isNews = knows[other] === 0
    if (isNews) {
      knows[other] = 1
      known++
      bearers.push(other)
    }
    if (isNews && interest === 'feedback') continue
    const isOver = isCoin ? random.next() * k < 1 : ++misses[bearer]! >= k
    if (!isOver) continue
    bearers[at] = bearers.at(-1)!
    bearers.pop()
  }
  return { residue: (members - known) / members, traffic: sent / members }
}

/**
 * Pull of a rumour in cycles: everybody asks somebody; a bearer who was asked in a cycle, and only by members who knew, loses
 * interest after k such cycles in a row (Demers et al. 1987, section 1.4, counter with feedback and reset).
 */
export function pullRumour(random: Random, members: number, k: number): Rumour {
  const knows = new Uint8Array(members)
  const bears = new Uint8Array(members)
  const idle = new Uint8Array(members)
  const asked = new Uint8Array(members)
  knows[0] = 1
  bears[0] = 1
  let bearers = 1
  let known = 1
  let sent = 0
  const learned: number[] = []
  while (bearers > 0) {
    asked.fill(0)
    learned.length = 0
    for (let asker = 0; asker < members; asker++) {
      const other = otherThan(random, members, asker)
      if (bears[other] === 0) continue
      sent++
      if (knows[asker] === 0) {
        asked[other] = 2
        learned.push(asker)
      } else if (asked[other] === 0) asked[other] = 1
    }
    for (let i = 0; i < members; i++) {
      if (bears[i] === 0 || asked[i] === 0) continue
      idle[i] = asked[i] === 2 ? 0 : idle[i]! + 1
      if (idle[i]! < k) continue
      bears[i] = 0
      bearers--
    }
    for (const each of learned) {
      if (knows[each] === 1) continue
      knows[each] = 1
      bears[each] = 1
      known++
      bearers++
    }
  }
  return { residue: (members - known) / members, traffic: sent / members }
}

/**
 * SIS on a complete graph in continuous time, event by event (Gillespie 1977): contacts at rate `beta` for each infected member,
 * recovery at rate 1. The mean share infected between two times.
 */
export function endemicShare(
  random: Random,
  members: number,
  beta: number,
  from: number,
  until: number,
): number {
  let infected = Math.ceil(members / 2)
  let now = 0
  let area = 0
  while (now < until && infected > 0) {
    const infection = (beta * infected * (members - infected)) / (members - 1)
    const all = infection + infected
    const next = Math.min(until, now - ln(1 - random.next()) / all)
    if (next > from) area += infected * (next - Math.max(now, from))
    now = next
    infected += random.next() * all < infection ? 1 : -1
  }
  return area / (until - from) / members
}

/** SIR likewise, from one infected member: the share that was ever infected. Only the order of events matters, not their times. */
export function epidemicSize(random: Random, members: number, beta: number): number {
  let susceptible = members - 1
  let infected = 1
  while (infected > 0) {
    const infection = (beta * susceptible) / (members - 1)
    if (random.next() * (infection + 1) < infection) {
      susceptible--
      infected++
    } else infected--
  }
  return (members - susceptible) / members
}
