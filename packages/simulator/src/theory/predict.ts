/**
 * What theory says before anything is run: how far, how fast and at what cost gossip spreads. The checks beside this file
 * hold each law to measurement; `hearsay tune` and `hearsay sim epidemic` print from it.
 *
 * Everywhere: `members` all in all; `fanout` different partners a member contacts in a round; `loss` the share of contacts that
 * fail, each on its own. Rounds are synchronous, partners uniform among the others.
 */
import { exp, ln, logTo, power, rootOf } from './numbers.ts'

/** Who sends in a contact: the caller, the one who is called, or both. */
export type Mode = 'push' | 'pull' | 'push-pull'

export interface Spread {
  readonly mode: Mode
  readonly members: number
  readonly fanout: number
  readonly loss: number
}

/**
 * Rounds until the last member knows, without the open constant.
 * Push: log(1+F) n + ln n / F (Pittel 1987, On spreading a rumor; Frieze, Grimmett 1985). Pull: log(1+F) n + log(1+F) ln n.
 * Push-pull: log(1+2F) n + log(1+F) ln n (Karp, Schindelhauer, Shenker, Vöcking 2000, Randomized rumor spreading, section 2).
 * Without loss; for figures see `predictRounds`.
 */
export function roundsLaw({ mode, members, fanout }: Pick<Spread, 'mode' | 'members' | 'fanout'>): number {
  if (mode === 'push') return logTo(1 + fanout, members) + ln(members) / fanout
  const growth = mode === 'pull' ? 1 + fanout : 1 + 2 * fanout
  return logTo(growth, members) + logTo(1 + fanout, ln(members))
}

/**
 * The share that knows after one more round, where x knows before (mean field: exact for infinitely many members; for n it is what
 * is expected of one round). Demers et al. 1987, Epidemic algorithms for replicated database maintenance, section 1.3.
 */
export function nextShare(
  { mode, fanout, loss, members }: Pick<Spread, 'mode' | 'fanout' | 'loss'> & { readonly members?: number },
  x: number,
): number {
  const reached = fanout * (1 - loss)
  const others = members === undefined ? 1 : members / (members - 1)
  const missed =
    members === undefined ? -reached : members * ln(Math.max(1e-300, 1 - reached / (members - 1)))
  const notPushed = mode === 'pull' ? 1 : exp(missed * x)
  const notPulled = mode === 'push' ? 1 : power(1 - (1 - loss) * Math.min(1, others * x), fanout)
  return 1 - (1 - x) * notPushed * notPulled
}

/**
 * Rounds until the last member knows, mean: the sum over all rounds of the probability that somebody does not know yet, which is
 * 1 - e^(-nu) when nu are expected not to. While few know, their number grows by chance more slowly than its mean: with
 * growth m and variance v of what one member makes of itself in a round, by v / 2m(m-1) ln m rounds in all (the logarithm of
 * the branching process's limit, to second order). Within 5 % of simulation for 16 members and more, up to 30 % loss.
 */
export function predictRounds(spread: Spread): number {
  const { mode, members, fanout, loss } = spread
  const reached = fanout * (1 - loss)
  let rounds = 0
  let x = 1 / members
  for (let isLeft = 1; isLeft > 1e-6 && rounds < 10_000; rounds += isLeft) {
    isLeft = 1 - exp(-members * (1 - x))
    x = nextShare(spread, x)
  }
  const growth = 1 + (mode === 'push-pull' ? 2 : 1) * reached
  const variance = (mode === 'push' ? 0 : reached) + (mode === 'pull' ? 0 : reached * loss)
  return rounds + variance / (2 * growth * (growth - 1) * ln(growth))
}

/** The share that knows after each round, from one member on, by mean field. */
export function coverageCurve(spread: Spread, rounds: number): readonly number[] {
  const curve = [1 / spread.members]
  while (curve.length <= rounds) curve.push(nextShare(spread, curve.at(-1)!))
  return curve
}

/**
 * Infect and die: every member that learns it tells `fanout` others, once. The share that knows in the end: r = 1 - e^(-Fr)
 * (Kermack, McKendrick 1927; Eugster et al. 2004, Epidemic information dissemination in distributed systems).
 */
export function finalCoverage(fanout: number, loss = 0): number {
  const reached = fanout * (1 - loss)
  return reached <= 1 ? 0 : rootOf((r) => r - 1 + exp(-reached * r), 1e-9, 1)
}

/** Infect and die: the probability that nobody is left out, exp(-n(1 - F/(n-1))^(n-1)), which for F = ln n + c nears exp(-e^-c). */
export function everyoneReached(members: number, fanout: number, loss = 0): number {
  const missed = 1 - (fanout * (1 - loss)) / (members - 1)
  return missed <= 0 ? 1 : exp(-members * power(missed, members - 1))
}

/** The smallest fan-out with which everyone is reached with this probability. */
export function fanoutFor(members: number, probability: number, loss = 0): number {
  for (let fanout = 1; fanout < members - 1; fanout++)
    if (everyoneReached(members, fanout, loss) >= probability) return fanout
  return members - 1
}

/** What decides cost and latency of events in a full mesh of members. Times in milliseconds, rates per member. */
export interface Mesh {
  readonly members: number
  readonly eventsPerSecond: number
  /** Of one event on the wire, with what frames it. */
  readonly eventBytes: number
  /** One way, mean. */
  readonly delayMs: number
  /** The share of pushes that do not arrive. */
  readonly loss: number
  /** How often one random peer is told the frontier. */
  readonly advertEveryMs: number
  /** Of a frame that tells it. */
  readonly advertBytes: number
  /** How long something missing may be on its way by itself. */
  readonly graceMs: number
}

export interface MeshForecast {
  /** The share of (event, receiver) pairs that the push alone serves. */
  readonly coverageByPush: number
  /** Mean time from an event's making until a receiver has it: by push, by repair, and over all. */
  readonly pushMs: number
  readonly repairMs: number
  readonly meanMs: number
  /** Bytes per second that one member sends, and receives: events once to every peer, adverts. */
  readonly eventBytesPerSecond: number
  readonly advertBytesPerSecond: number
}

/**
 * Direct push with repair (gossip design, section 2.4). A lost push is noticed by its receiver when a child of the event arrives, or
 * an advert: the creator makes its next event at rate r from the start, and the n - 2 others do as soon as they have the event
 * themselves, one delay later; adverts come at rate 1/advertEvery. Then it waits for the grace and asks: two delays.
 */
export function predictMesh(mesh: Mesh): MeshForecast {
  const { members: n, eventsPerSecond, eventBytes, delayMs, loss, advertEveryMs, advertBytes, graceMs } = mesh
  const rate = eventsPerSecond / 1_000
  const first = rate === 0 ? delayMs : (1 - exp(-rate * delayMs)) / rate
  const noticed = first + exp(-rate * delayMs) / (rate * (n - 1) + 1 / advertEveryMs)
  const repairMs = noticed + delayMs + graceMs + 2 * delayMs
  return {
    coverageByPush: 1 - loss,
    pushMs: delayMs,
    repairMs,
    meanMs: (1 - loss) * delayMs + loss * repairMs,
    eventBytesPerSecond: eventsPerSecond * (n - 1) * eventBytes,
    advertBytesPerSecond: (1_000 / advertEveryMs) * advertBytes,
  }
}
