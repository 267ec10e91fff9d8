/**
 * Makes a scenario that fails smaller, as long as it still fails: fewer faults first (halves, quarters, … as in Zeller's ddmin,
 * 2002), then fewer lies, then plainer members and networks, then a shorter storm. It proposes; whoever runs worlds answers.
 */
import type { LiarPlan, MemberPlan, Scenario } from './scenario.ts'

const HONEST_HABITS: Partial<LiarPlan> = {
  branch: 0,
  withhold: 0,
  untilRound: false,
  timestamps: 'true',
  frontier: 'true',
  floods: 0,
  censored: [],
  grind: 0,
  serves: 'all',
  garbage: 0,
}

function withMember(scenario: Scenario, at: number, member: MemberPlan): Scenario {
  return { ...scenario, members: scenario.members.map((each, i) => (i === at ? member : each)) }
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

function* withFewerFaults(scenario: Scenario): Generator<Scenario> {
  const { faults } = scenario
  for (let size = faults.length; size >= 1; size = size > 1 ? Math.ceil(size / 2) : 0) {
    for (let from = 0; from < faults.length; from += size) {
      yield { ...scenario, faults: faults.filter((_, i) => i < from || i >= from + size) }
    }
  }
}

function* withFewerLies(scenario: Scenario): Generator<Scenario> {
  for (const [i, member] of scenario.members.entries()) {
    const { liar, ...honest } = member
    if (liar === undefined) continue
    yield withMember(scenario, i, honest)
    for (const [habit, value] of Object.entries(HONEST_HABITS)) {
      const tamer = { ...liar, [habit]: value }
      if (!same(tamer, liar)) yield withMember(scenario, i, { ...member, liar: tamer })
    }
    if (liar.audience !== undefined) {
      const { audience: _, ...told } = liar
      yield withMember(scenario, i, { ...member, liar: told })
    }
  }
}

function* madePlainer(scenario: Scenario): Generator<Scenario> {
  const plain = scenario.members.map((member) => ({
    ...member,
    clockOffsetMs: 0,
    clockRate: 1,
    stepMs: 0,
    segmentBytes: 64 * 1024 * 1024,
  }))
  yield { ...scenario, members: plain }
  yield { ...scenario, latency: { kind: 'uniform', lowMs: 5, highMs: 20, tail: 0, tailMs: 0 } }
  yield { ...scenario, load: { ...scenario.load, burst: 1, sizeBytes: [16, 16] } }
  yield { ...scenario, realSignatures: false }
  const lastMs = Math.max(0, ...scenario.faults.map(({ atMs, forMs }) => atMs + forMs))
  for (const stormMs of [lastMs + 100, scenario.stormMs / 2, scenario.stormMs * 0.8].map(Math.round)) {
    if (stormMs < scenario.stormMs && stormMs >= 200)
      yield { ...scenario, stormMs, faults: scenario.faults.filter(({ atMs }) => atMs < stormMs) }
  }
}

function* smallerThan(scenario: Scenario): Generator<Scenario> {
  for (const propose of [withFewerFaults, withFewerLies, madePlainer]) {
    for (const candidate of propose(scenario)) if (!same(candidate, scenario)) yield candidate
  }
}

export interface Shrinking {
  /** The next one to try; undefined: nothing smaller fails, or enough was tried. */
  next(): Scenario | undefined
  /** What became of it. */
  answer(stillFails: boolean): void
  smallest(): Scenario
  tried(): number
}

export function createShrinking(failing: Scenario, mostTries = 200): Shrinking {
  let smallest = failing
  let candidates = smallerThan(smallest)
  let proposed: Scenario | undefined
  let changed = false
  let tried = 0

  function next(): Scenario | undefined {
    if (tried >= mostTries) return undefined
    const step = candidates.next()
    if (step.done !== true) {
      proposed = step.value
      return proposed
    }
    if (!changed) return undefined
    changed = false
    candidates = smallerThan(smallest)
    return next()
  }

  return {
    next,
    answer: (stillFails) => {
      tried += 1
      if (!stillFails || proposed === undefined) return
      smallest = proposed
      changed = true
      candidates = smallerThan(smallest)
    },
    smallest: () => smallest,
    tried: () => tried,
  }
}
