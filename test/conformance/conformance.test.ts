/**
 * The published cases: the engine gives exactly the `expected` rounds, whatever order the events come in as long as
 * parents come first, and whichever of its ways of computing it takes.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { replayInterchange } from '@hearsay/consensus'
import type { EngineTuning, InterchangeResult } from '@hearsay/consensus'
import { describe, expect, test } from 'vitest'
import { seeded } from '../seeded.ts'

interface FileEvent {
  readonly id: string
  readonly selfParent: string | null
  readonly otherParents: readonly string[]
}
interface CaseFile {
  readonly events: readonly FileEvent[]
  readonly expected: InterchangeResult
}

const folder = join(import.meta.dirname, 'cases')
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .toSorted()
const read = (name: string): CaseFile => JSON.parse(readFileSync(join(folder, name), 'utf8')) as CaseFile

/** Another order in which parents come first; `depthFirst` keeps one member running ahead of the others. */
function shuffled(events: readonly FileEvent[], seed: number, depthFirst: boolean): FileEvent[] {
  const random = seeded(seed)
  const held = new Set(events.map((event) => event.id))
  const children = new Map<string, FileEvent[]>()
  const missing = new Map<string, number>()
  const ready: FileEvent[] = []
  for (const event of events) {
    const parents = [event.selfParent, ...event.otherParents].filter(
      (id) => id !== null && held.has(id),
    ) as string[]
    missing.set(event.id, parents.length)
    if (parents.length === 0) ready.push(event)
    for (const id of parents) children.set(id, [...(children.get(id) ?? []), event])
  }
  const out: FileEvent[] = []
  while (ready.length > 0) {
    const recent = depthFirst && random() < 0.8
    const at = recent ? ready.length - 1 : Math.floor(random() * ready.length)
    const [event] = ready.splice(at, 1) as [FileEvent]
    out.push(event)
    for (const child of children.get(event.id) ?? []) {
      const left = missing.get(child.id)! - 1
      missing.set(child.id, left)
      if (left === 0) ready.push(child)
    }
  }
  if (out.length !== events.length) throw new Error('the case is not a DAG')
  return out
}

const ways: readonly [string, EngineTuning][] = [
  ['as it is', {}],
  ['computing all afresh after every round', { alwaysAfresh: true }],
  ['with a small ring that is renumbered all the time', { capacity: 4, renumberAt: 50 }],
]

describe('conformance', () => {
  test('there are cases', () => expect(names.length).toBeGreaterThanOrEqual(15))

  describe.each(names)('%s', (name) => {
    const file = read(name)

    test.each(ways)('%s', (_, tuning) => {
      expect(replayInterchange(file, tuning)).toStrictEqual(file.expected)
    })

    test('in other orders of insertion', () => {
      for (let seed = 1; seed <= 24; seed++) {
        const events = shuffled(file.events, seed, seed % 2 === 0)
        const [, tuning] = ways[seed % 3]!
        expect(replayInterchange({ ...file, events }, tuning), `seed ${seed}`).toStrictEqual(file.expected)
      }
    })
  })
})
