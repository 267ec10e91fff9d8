/**
 * Graphs by hand. Events are named by a letter (the creator) and a number; `layer` adds one event for each of some
 * members, each with the events of the layer before as parents:
 *
 *   a2  b2  c2      layer 2: every event sees, by way of layer 1, all of layer 0
 *   | X | X |       through everybody, so layers 0, 2, 4, … hold the witnesses of
 *   a1  b1  c1      rounds 1, 2, 3, …, and the first event of layer 2(r + 1) decides round r.
 *   | X | X |
 *   a0  b0  c0      layer 0: the first events
 */
import type { Dag, DagConfig, DagEvent, DagRoster } from './dag.ts'
import { createRandom } from './random.ts'

export interface Drawing {
  /** Parents by name, blank between them; the one with the same letter is the self-parent. */
  event(name: string, parents: string, extra?: Partial<DagEvent>): void
  layer(members: string, extra?: (name: string) => Partial<DagEvent>): void
  layers(count: number, members: string): void
  id(name: string): string
  /** What the ids are called here. */
  names(ids: readonly string[]): string
  /** The events in the order in which they were drawn. */
  dag(): Dag
}

/** Time of an event of a layer when nothing else is said: members are 10 apart, layers 1000. */
export function timeOf(layer: number, letter: string): number {
  return 1_000_000 + 1000 * layer + 10 * memberOf(letter)
}

export function memberOf(name: string): number {
  return name.charCodeAt(0) - 'a'.charCodeAt(0)
}

export function createDrawing(
  weights: Readonly<Record<string, number>>,
  config: Partial<DagConfig> = {},
  laterRosters: readonly DagRoster[] = [],
  numberOf: (letter: string) => number = memberOf,
): Drawing {
  const events: DagEvent[] = []
  const byName = new Map<string, DagEvent>()
  const nameOf = new Map<string, string>()
  /** Of every letter the event drawn last. */
  const lastOf = new Map<string, string>()
  let layers = 0

  function event(name: string, parents: string, extra: Partial<DagEvent> = {}): void {
    if (byName.has(name)) throw new Error(`${name} is drawn twice`)
    const letter = name[0]!
    const named = parents.split(' ').filter((p) => p !== '')
    const self = named.find((p) => p[0] === letter)
    const made = named.map((p) => byName.get(p)!)
    const id = extra.id ?? createRandom(seedOf(name)).id()
    const result: DagEvent = {
      creator: numberOf(letter),
      selfParent: self === undefined ? null : byName.get(self)!.id,
      otherParents: named.filter((p) => p !== self).map((p) => byName.get(p)!.id),
      birthRound: Math.max(1, ...made.map((p) => p.birthRound)),
      timestamp: Math.max(1_000_000, ...made.map((p) => p.timestamp)) + 1,
      coin: (Number.parseInt(id.slice(-1), 16) & 1) as 0 | 1,
      transactionCount: 1,
      ...extra,
      id,
    }
    events.push(result)
    byName.set(name, result)
    nameOf.set(id, name)
    lastOf.set(letter, name)
  }

  function layer(members: string, extra: (name: string) => Partial<DagEvent> = () => ({})): void {
    const before = [...members].map((letter) => lastOf.get(letter)).filter((name) => name !== undefined)
    const birthRound = Math.max(1, Math.floor((layers - 1) / 2))
    for (const letter of members) {
      const name = `${letter}${layers}`
      const parents = layers === 0 ? '' : before.join(' ')
      event(name, parents, { timestamp: timeOf(layers, letter), birthRound, ...extra(name) })
    }
    layers++
  }

  const members = Object.entries(weights).map(([letter, weight]) => ({ id: numberOf(letter), weight }))
  return {
    event,
    layer,
    layers: (count, members) => {
      for (let i = 0; i < count; i++) layer(members)
    },
    id: (name) => byName.get(name)!.id,
    names: (ids) => ids.map((id) => nameOf.get(id) ?? '?').join(' '),
    dag: () => ({
      name: 'drawn',
      config: { coinFrequency: 12, roundsNonAncient: 26, ...config },
      rosters: [{ fromRound: 1, members }, ...laterRosters],
      snapshot: null,
      events: [...events],
    }),
  }
}

function seedOf(name: string): number {
  return [...name].reduce((sum, letter) => sum * 256 + letter.charCodeAt(0), 7)
}

/** The same DAG, given in another order: the events of these ids come just before another one. */
export function delaying(dag: Dag, ids: readonly string[], before: string): Dag {
  const late = dag.events.filter((e) => ids.includes(e.id))
  const rest = dag.events.filter((e) => !ids.includes(e.id))
  const at = rest.findIndex((e) => e.id === before)
  return { ...dag, events: [...rest.slice(0, at), ...late, ...rest.slice(at)] }
}
