/**
 * Twins, exhaustively: four members, one of which runs twice with one key, and every schedule of partitions over a few rounds (the
 * method of Bano and others, "Twins: BFT systems made robust", 2022). In each round all five instances make an event and then
 * exchange all that they know within their part of the network; after the schedule everybody hears everybody. The honest
 * members' orders must be one, and must have moved on.
 *
 *   node scripts/sim-twins.ts               rounds 1 to 4: all 16 ways to part five instances in two, in every round
 *   node scripts/sim-twins.ts --rounds 5    about a million schedules
 */
import { createHash } from 'node:crypto'
import { parseArgs } from 'node:util'
import { createEngine, type DecidedRound, type Engine } from '../packages/consensus/src/index.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '4' }, calm: { type: 'string', default: '10' } },
})
const rounds = Number(values.rounds)
const calm = Number(values.calm)
const INSTANCES = 5
const HONEST = 3
/** Instances 0, 1, 2 are members 1, 2, 3; instances 3 and 4 are both member 4. */
const memberOf = (instance: number): number => Math.min(instance, 3) + 1
const WAYS = 2 ** (INSTANCES - 1)

interface Made {
  readonly id: Uint8Array
  readonly creator: number
  readonly sequence: number
  readonly birthRound: number
  readonly timestamp: number
  readonly parents: readonly number[]
  readonly hasSelf: boolean
}

interface Instance {
  readonly engine: Engine
  /** Event → its handle here. */
  readonly handles: Map<number, number>
  readonly decided: string[]
  last: number
}

/** The ids are the same in every schedule: hashed once. */
const ids: Uint8Array[] = []
const idOf = (event: number): Uint8Array =>
  (ids[event] ??= new Uint8Array(createHash('sha256').update(`twins ${event}`).digest()))

const nameOf = (round: DecidedRound): string =>
  `${round.round} ${round.events.map(({ id, timestamp }) => `${Buffer.from(id).toString('hex', 0, 6)}@${timestamp}`).join(' ')}`

/** Instance 0 is always in the first part; bit i − 1 says where instance i is. */
const isFirst = (way: number, index: number): boolean => index === 0 || (way & (1 << (index - 1))) !== 0

function runSchedule(schedule: readonly number[]): string | undefined {
  const events: Made[] = []
  const members = [1, 2, 3, 4].map((id) => ({ id, weight: 1 }))
  const instances: Instance[] = Array.from({ length: INSTANCES }, () => ({
    engine: createEngine({
      config: { coinFrequency: 3, roundsNonAncient: 26 },
      rosters: [{ fromRound: 1, members }],
    }),
    handles: new Map(),
    decided: [],
    last: -1,
  }))

  function take(instance: Instance, event: number): void {
    if (instance.handles.has(event)) return
    const { id, creator, birthRound, timestamp, parents, hasSelf } = events[event]!
    const handles = parents.map((parent) => instance.handles.get(parent)!)
    const handle = instance.engine.insert({
      id,
      creator,
      selfParent: hasSelf ? handles[0]! : -1,
      otherParents: hasSelf ? handles.slice(1) : handles,
      birthRound,
      timestamp,
      coin: (id[0]! & 1) as 0 | 1,
      transactionCount: 1,
    })
    instance.handles.set(event, handle)
    for (const round of instance.engine.takeDecidedRounds()) instance.decided.push(nameOf(round))
  }

  function make(index: number, round: number): void {
    const instance = instances[index]!
    const tips = new Map<number, number>()
    for (const event of instance.handles.keys()) {
      const { creator, sequence } = events[event]!
      const tip = tips.get(creator)
      if (creator !== memberOf(index) && (tip === undefined || sequence > events[tip]!.sequence))
        tips.set(creator, event)
    }
    const hasSelf = instance.last >= 0
    const parents = [...(hasSelf ? [instance.last] : []), ...[...tips.values()].sort((a, b) => a - b)]
    events.push({
      id: idOf(events.length),
      creator: memberOf(index),
      sequence: hasSelf ? events[instance.last]!.sequence + 1 : 1,
      birthRound: instance.engine.decidedRound() + 1,
      timestamp: 1_000 * round + index,
      parents,
      hasSelf,
    })
    instance.last = events.length - 1
    take(instance, instance.last)
  }

  function exchange(way: number): void {
    for (const side of [true, false]) {
      const part = instances.filter((_, index) => isFirst(way, index) === side)
      const known = new Set(part.flatMap(({ handles }) => [...handles.keys()]))
      const inOrder = [...known].sort((a, b) => a - b)
      for (const instance of part) for (const event of inOrder) take(instance, event)
    }
  }

  for (let round = 1; round <= schedule.length + calm; round++) {
    for (let index = 0; index < INSTANCES; index++) make(index, round)
    exchange(schedule[round - 1] ?? WAYS - 1)
  }
  const honest = instances.slice(0, HONEST)
  const longest = honest.reduce((a, b) => (b.decided.length > a.decided.length ? b : a)).decided
  for (const [i, { decided }] of honest.entries()) {
    const at = decided.findIndex((round, j) => round !== longest[j])
    if (at >= 0) return `member ${i + 1} has round ${decided[at]}, another one ${longest[at]}`
    if (decided.length === 0) return `member ${i + 1} has decided nothing after ${calm} calm rounds`
  }
  return undefined
}

let cases = 0
const beganMs = performance.now()
for (let length = 1; length <= rounds; length++) {
  for (let number = 0; number < WAYS ** length; number++) {
    const schedule: number[] = []
    for (let left = number, i = 0; i < length; i++, left = Math.floor(left / WAYS)) schedule.push(left % WAYS)
    const wrong = runSchedule(schedule)
    cases += 1
    if (wrong !== undefined) {
      console.error(`schedule ${schedule.join(',')}: ${wrong}`)
      process.exit(1)
    }
  }
  const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1)
  console.log(
    `${length} rounds: all ${WAYS ** length} schedules, one order and progress (${seconds} s so far)`,
  )
}
console.log(`${cases} schedules, no violation`)
