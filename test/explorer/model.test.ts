/** The page's own arithmetic, without a browser: graph, lanes, scene and order, on the published cases. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  createColumn,
  createSceneMaker,
  createStore,
  eventAt,
  laneXs,
  NO_HIGHLIGHT,
  openAbstract,
  series,
  sightOf,
  yOf,
  type GraphStore,
  type View,
} from '@hearsay/explorer/graph'
import { createExplainer, feedInterchange, NO_EVENT } from '@hearsay/consensus'
import { expect, test } from 'vitest'
import { seeded } from '../seeded.ts'

const cases = join(import.meta.dirname, '../conformance/cases')
const read = (name: string): unknown => JSON.parse(readFileSync(join(cases, name), 'utf8'))

function opened(name: string): { store: GraphStore; file: { events: { id: string; creator: number }[] } } {
  const file = read(name) as { events: { id: string; creator: number }[] }
  const graph = openAbstract(file)
  expect(graph.asExpected).toBe(true)
  const store = createStore(graph.members)
  store.apply(graph.batch)
  return { store, file }
}

const NAMES = readdirSync(cases).filter((name) => name.endsWith('.json'))

test.each(NAMES)(
  '%s: the order as expected, every lane a chain, every event found where it is drawn',
  (name) => {
    const { store } = opened(name)
    expect(store.count()).toBeGreaterThan(0)
    for (const lane of store.lanes()) {
      const events = Array.from({ length: lane.events.length() }, (_, i) => lane.events.get(i))
      for (const [i, index] of events.entries()) {
        expect(store.laneOf(index)).toBe(store.lanes().indexOf(lane))
        const parents = [store.selfParentOf(index)]
        store.othersOf(index, (parent) => parents.push(parent))
        for (const parent of parents)
          if (parent >= 0) expect(store.rowOf(parent)).toBeLessThan(store.rowOf(index))
        if (i > 0) expect(store.rowOf(events[i - 1]!)).toBeLessThan(store.rowOf(index))
      }
    }
    const index = store.count() - 1
    const view: View = {
      width: 900,
      height: 600,
      bottom: store.rowOf(index) - 8,
      scale: 24,
      shown: store.count(),
    }
    const scene = createSceneMaker(store).make(view, NO_HIGHLIGHT)
    expect(scene.pointCount).toBeGreaterThan(0)
    const x = laneXs(store, view.width)[store.laneOf(index)]!
    expect(eventAt(store, view, x + 1, yOf(view, store.rowOf(index)) - 1)).toBe(index)
  },
)

test('a frame takes up what is in sight, however much there is', () => {
  const { store } = opened('branching-7.json')
  const make = createSceneMaker(store).make
  const near: View = { width: 900, height: 600, bottom: 0, scale: 24, shown: store.count() }
  expect(make(near, NO_HIGHLIGHT).pointCount).toBeLessThan(store.lanes().length * 40)
  const far = make({ ...near, scale: 0.5 }, NO_HIGHLIGHT)
  expect([far.isStrips, far.pointCount]).toEqual([true, 0])
  expect(far.lineCount).toBeGreaterThan(0)
})

test('going back in time shows what could be known then', () => {
  const { store } = opened('genesis-4.json')
  const round = store.roundRow(1)!
  const judge = round.judges[0]!
  expect(store.fameOf(judge, round.decidedAt - 1)).toBe('undecided')
  expect(store.fameOf(judge, round.decidedAt)).toBe('famous')
  const first = store.ordered(0)
  expect(store.stateOf(first, store.roundRow(store.receivedOf(first))!.decidedAt - 1)).toBe('undecided')
  expect(store.stateOf(first, store.count())).toBe('ordered')
})

test('what is marked as strongly seen is what the explainer says (without branches: with them its words decide)', () => {
  for (const name of ['genesis-4.json', 'seven-two-parents.json']) {
    const { store, file } = opened(name)
    const ids: string[] = []
    const explainer = feedInterchange(
      file,
      (options) => createExplainer(options),
      (_, handle, id) => {
        if (handle !== NO_EVENT) ids[handle] = id
      },
    )
    let compared = 0
    for (let index = Math.max(0, store.count() - 60); index < store.count(); index++) {
      const round = explainer.explain(Buffer.from(ids[index]!, 'hex'))?.round
      if (
        round === undefined ||
        round === null ||
        round.parentRound === null ||
        round.baseJudge ||
        round.parentRound <= round.base.round
      )
        continue
      const { strong } = sightOf(store, index)
      for (const { witness } of round.stronglySees) {
        expect(strong.has(ids.indexOf(witness)), `${name}: event ${index} strongly sees ${witness}`).toBe(
          true,
        )
        compared += 1
      }
    }
    expect(compared, name).toBeGreaterThan(5)
  }
})

test('figures over time: all transactions are counted once', () => {
  const { store } = opened('genesis-4.json')
  let held = 0
  for (let index = 0; index < store.count(); index++) held += store.transactionsOf(index)
  const span = store.timeOf(store.count() - 1) - store.timeOf(0) + 1_000_000
  const found = series(store, store.count(), span, 40)
  const total = found.transactionsPerSecond.reduce((sum, rate) => sum + (rate * span) / 40 / 1e6, 0)
  expect(Math.round(total)).toBe(held)
  for (const [i, p50] of found.p50.entries())
    if (p50 !== null) expect(found.p99[i]!).toBeGreaterThanOrEqual(p50)
})

test('a branching member has more than one lane, all others one', () => {
  const { store } = opened('branching-7.json')
  const lanes = store.members.map(
    (_, member) => store.lanes().filter((lane) => lane.member === member).length,
  )
  expect(Math.max(...lanes)).toBeGreaterThan(1)
  expect(lanes.filter((count) => count === 1).length).toBeGreaterThan(3)
})

test('a column gives what was put in, however far apart the numbers lie', () => {
  const draw = seeded(3)
  const times = [1, 100, 30_000, 1e9, 1.7e15]
  for (const along of [false, true]) {
    const column = createColumn(along)
    const plain: number[] = []
    for (let i = 0; i < 40_000; i++) {
      // From chunk to chunk, and within them, ever further apart; now and then there is none.
      const reach = times[Math.floor(i / 7_000) % times.length]!
      const value = draw() < 0.2 ? -1 : Math.floor(draw() * reach) + (along ? i : 0)
      column.push(value)
      plain.push(value)
      const at = Math.floor(draw() * plain.length)
      if (draw() < 0.1) {
        column.set(at, value)
        plain[at] = value
      }
    }
    expect(column.length()).toBe(plain.length)
    expect(plain.findIndex((value, i) => column.get(i) !== value)).toBe(-1)
  }
  const narrow = createColumn(true)
  for (let i = 0; i < 100_000; i++) narrow.push(i - Math.floor(draw() * 100))
  // Numbers that run along with their place take a byte.
  expect(narrow.bytes()).toBeLessThan(2 * 100_000)
})
