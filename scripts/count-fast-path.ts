/**
 * How often the unanimous fast path (packages/consensus/FAST-PATH.md) decides a round, and how much earlier: an engine with it and one
 * without are given the same events in the same order. One JSON line for each kind of gossip; one-way delays and times are those of a
 * simulated network, so the figures are the same on every machine.
 *
 *   node scripts/count-fast-path.ts
 *
 * push: everybody sends an event to everybody as soon as it is made, takes all that is new as other-parents, and makes one when the new
 * ones hold a quorum of members, half a delay after its last one at the earliest; delays are 1 ± 5 % or ± 60 %. "away": the last member makes nothing. random: one event after the other, by anybody, on
 * the newest events of one or three others.
 */
import { createEngine } from '../packages/consensus/src/index.ts'
import type { Engine, EngineEvent } from '../packages/consensus/src/index.ts'
import { createGossip, seeded } from '../test/consensus/gossip.ts'

/** Nobody makes two events within this time, in one-way delays. */
const GAP = 0.5

interface Arrival {
  readonly at: number
  readonly event: EngineEvent
}

function enginesOf(n: number): readonly Engine[] {
  const members = Array.from({ length: n }, (_, id) => ({ id, weight: 1 }))
  const options = {
    config: { coinFrequency: 12, roundsNonAncient: 26 },
    rosters: [{ fromRound: 1, members }],
  }
  return [createEngine({ ...options, fastPath: true }), createEngine(options)]
}

function print(name: string, n: number, arrivals: readonly Arrival[]): void {
  const engines = enginesOf(n)
  const decidedAt: number[][] = engines.map(() => [0])
  for (const { at, event } of arrivals) {
    for (const [i, engine] of engines.entries()) {
      engine.insert(event)
      while (decidedAt[i]!.length <= engine.decidedRound()) decidedAt[i]!.push(at)
      engine.takeDecidedRounds()
    }
  }
  const [fast, exact] = decidedAt as [number[], number[]]
  const rounds = exact.length - 1
  const gains = exact.slice(1).map((at, i) => at - fast[i + 1]!)
  const earlier = gains.filter((gain) => gain > 0)
  const sum = earlier.reduce((a, b) => a + b, 0)
  console.log(
    JSON.stringify({
      gossip: name,
      n,
      rounds,
      decidedEarlier: earlier.length,
      share: Number((earlier.length / rounds).toFixed(3)),
      meanGain: earlier.length === 0 ? 0 : Number((sum / earlier.length).toFixed(2)),
      gainIn: name.startsWith('push') ? 'one-way delays' : 'events',
    }),
  )
}

/** What member 0 gets to know, in the order in which it does. */
function push(n: number, jitter: number, away: number, events: number): Arrival[] {
  const random = seeded(n * 100 + jitter * 10 + away)
  const quorum = Math.floor((2 * n) / 3) + 1
  const id = (): Uint8Array => Uint8Array.from({ length: 32 }, () => Math.floor(random() * 256))
  const tips = Array.from({ length: n }, () => -1)
  const fresh = Array.from({ length: n }, () => new Map<number, number>())
  const madeAt = Array.from({ length: n }, () => -Infinity)
  const queue: { at: number; to: number; by: number; handle: number }[] = []
  const made: EngineEvent[] = []
  const known: { at: number; handle: number }[] = []
  function make(by: number, now: number): void {
    const others = [...fresh[by]!.values()]
    fresh[by]!.clear()
    const handle = made.length
    made.push({
      id: id(),
      creator: by,
      selfParent: tips[by]!,
      otherParents: others,
      birthRound: 1,
      timestamp: Math.floor(now * 1000) + handle,
      coin: random() < 0.5 ? 1 : 0,
      transactionCount: 1,
    })
    tips[by] = handle
    madeAt[by] = now
    for (let to = 0; to < n; to++) {
      const at = to === by ? now : now + 1 + (2 * random() - 1) * jitter
      queue.push({ at, to, by, handle })
    }
  }
  for (let m = 0; m < n - away; m++) make(m, random() * 0.05)
  while (known.length < events) {
    queue.sort((a, b) => b.at - a.at)
    const { at, to, by, handle } = queue.pop()!
    if (to === 0) known.push({ at, handle })
    if (to === by || to >= n - away) continue
    const before = fresh[to]!.get(by)
    if (before === undefined || before < handle) fresh[to]!.set(by, handle)
    if (fresh[to]!.size + 1 >= quorum && at >= madeAt[to]! + GAP) make(to, at)
  }
  return inCausalOrder(known, made)
}

/** An event waits for its parents, as a node lets it; handles are given anew, in that order. */
function inCausalOrder(
  known: readonly { at: number; handle: number }[],
  made: readonly EngineEvent[],
): Arrival[] {
  const given = new Map<number, number>([[-1, -1]])
  const arrivals: Arrival[] = []
  let waiting: number[] = []
  for (const { at, handle } of known) {
    waiting.push(handle)
    for (let again = true; again;) {
      const ready = waiting.filter((each) =>
        [made[each]!.selfParent, ...made[each]!.otherParents].every((parent) => given.has(parent)),
      )
      for (const each of ready) {
        const event = made[each]!
        const otherParents = event.otherParents.map((parent) => given.get(parent)!)
        given.set(each, arrivals.length)
        arrivals.push({ at, event: { ...event, selfParent: given.get(event.selfParent)!, otherParents } })
      }
      waiting = waiting.filter((each) => !ready.includes(each))
      again = ready.length > 0
    }
  }
  return arrivals
}

function random(n: number, otherParents: number, branchers: number, events: number): Arrival[] {
  const next = createGossip({ seed: n, members: n, otherParents, branchers, branches: 3 })
  return next(events, 1).map((event, at) => ({ at, event }))
}

for (const n of [4, 10, 16]) {
  for (const jitter of [0.05, 0.6]) print(`push, delays ± ${jitter * 100} %`, n, push(n, jitter, 0, 100 * n))
  print('push, one away', n, push(n, 0.05, 1, 60 * n))
  for (const others of [1, 3]) print(`random, ${others} other-parents`, n, random(n, others, 0, 400 * n))
  print('random, 1 other-parent, branching', n, random(n, 1, Math.ceil(n / 3) - 1, 400 * n))
}
