/**
 * From submission to final in the virtual world, with the delays between five continents, in units of the mean one-way delay; and
 * where the time goes. Run: node scripts/sim-latency.ts [members …]   (default: 4 10 30)
 */
import { FIVE_CONTINENTS, oneWayMs, type Scenario } from '../packages/simulator/src/index.ts'
import { runScenario, type World } from '../packages/simulator/process/index.ts'

const sizes = process.argv.slice(2).map(Number)
const STORM_MS = 12_000
/** What is submitted before is left out: the first round begins from nothing. */
const WARM_UP_MS = 4_000

function scenarioOf(size: number): Scenario {
  const regions = Array.from({ length: size }, (_, i) => FIVE_CONTINENTS[i % FIVE_CONTINENTS.length]!)
  return {
    seed: 1,
    coinFrequency: 12,
    roundsNonAncient: 26,
    realSignatures: false,
    latency: { kind: 'map', regions, jitter: 0.02 },
    members: regions.map(() => ({
      weight: 1,
      clockOffsetMs: 0,
      clockRate: 1,
      stepMs: 0,
      syncMs: [0.3, 1],
      segmentBytes: 64 * 1024 * 1024,
    })),
    faults: [],
    load: { perSecond: 40, burst: 1, sizeBytes: [100, 200] },
    stormMs: STORM_MS,
    calmMs: 60_000,
  }
}

function meanDelayMs({ latency, members }: Scenario): number {
  if (latency.kind !== 'map') throw new Error('invariant: a map')
  let sum = 0
  let pairs = 0
  for (let a = 0; a < members.length; a++) {
    for (let b = 0; b < members.length; b++) {
      if (a === b) continue
      sum += oneWayMs(latency.regions[a]!, latency.regions[b]!) * (1 + latency.jitter / 2)
      pairs += 1
    }
  }
  return sum / pairs
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
}

interface Times {
  madeMs: number
  leftMs: number
  heardMs: number
  hearers: number
}

/** When each event was made, was durable, and was known to more than two thirds and to all. */
function watch(world: World, times: Map<string, Times>): void {
  const { checks } = world
  const { appended, shown } = checks
  const quorum = world.genesis.members.length
  checks.appended = (machine, bytes, key, fresh, isOwn) => {
    appended(machine, bytes, key, fresh, isOwn)
    const known = times.get(key) ?? { madeMs: world.now(), leftMs: 0, heardMs: 0, hearers: 0 }
    times.set(key, known)
    known.hearers += 1
    if (known.hearers === quorum) known.heardMs = world.now()
  }
  checks.shown = (key) => {
    shown(key)
    const known = times.get(key)
    if (known !== undefined) known.leftMs = world.now()
  }
}

const figure = (value: number): string => value.toFixed(2)
const p50s: number[] = []
for (const size of sizes.length === 0 ? [4, 10, 30] : sizes) {
  const scenario = scenarioOf(size)
  const deltaMs = meanDelayMs(scenario)
  const times = new Map<string, Times>()
  let world: World | undefined
  const outcome = await runScenario(scenario, (made) => {
    world = made
    watch(made, times)
  })
  if (outcome.violation !== undefined || world === undefined)
    throw new Error(`${outcome.violation?.invariant}: ${outcome.violation?.message}`)
  const eventOf = new Map(
    world.checks.events().flatMap((event) => event.transactions.map((name) => [name, event.key] as const)),
  )
  const hops: Record<string, number[]> = {
    'waits for an event': [],
    'becomes durable': [],
    'is heard by all': [],
    'is voted on': [],
  }
  const whole: number[] = []
  for (const { name, sentMs, finalMs } of world.checks.sent()) {
    const at = times.get(eventOf.get(name) ?? '')
    if (finalMs === undefined || at === undefined || sentMs < WARM_UP_MS || sentMs > STORM_MS - 2_000)
      continue
    whole.push((finalMs - sentMs) / deltaMs)
    hops['waits for an event']!.push((at.madeMs - sentMs) / deltaMs)
    hops['becomes durable']!.push((at.leftMs - at.madeMs) / deltaMs)
    hops['is heard by all']!.push((at.heardMs - at.leftMs) / deltaMs)
    hops['is voted on']!.push((finalMs - at.heardMs) / deltaMs)
  }
  const p50 = quantile(whole, 0.5)
  p50s.push(p50)
  console.log(
    `n=${size}: mean one-way delay ${deltaMs.toFixed(1)} ms, ${whole.length} transactions; submit to final ` +
      `p50 ${figure(p50)} δ (${Math.round(p50 * deltaMs)} ms), p99 ${figure(quantile(whole, 0.99))} δ`,
  )
  for (const [hop, values] of Object.entries(hops))
    console.log(
      `   ${hop.padEnd(20)} p50 ${figure(quantile(values, 0.5))} δ   p99 ${figure(quantile(values, 0.99))} δ`,
    )
}
if (p50s.length > 1)
  console.log(`growth of p50 from first to last: ${(p50s.at(-1)! - p50s[0]!).toFixed(2)} δ`)
