/**
 * What of the graph is to be drawn, as numbers that any renderer takes: only what is in sight, so a frame costs the same whether
 * there are a thousand events or a million. When rows come closer than events can be told apart, lanes become strips as wide
 * as events are dense.
 */
import { firstOf, type Column } from './chunks.ts'
import type { GraphStore, Lane } from './store.ts'

export interface View {
  readonly width: number
  readonly height: number
  /** Row at the lower edge; rows go upwards. */
  readonly bottom: number
  /** Pixels a row. */
  readonly scale: number
  /** Events that are shown: the first so many. */
  readonly shown: number
}

/** Set apart from the others; the rest is dimmed as long as something is. */
export interface Highlight {
  readonly selected: number
  readonly hovered: number
  readonly ancestors: ReadonlySet<number>
  readonly strong: ReadonlySet<number>
}

/** What kind of point it is, for the renderer. */
export const KIND = { pending: 0, ordered: 1, famous: 2, notFamous: 3, open: 4, stale: 5 } as const

/** Numbers a point: x, y, radius, kind, colour, strength, ring. */
export const POINT = 7
/** Numbers an end of a line: x, y, colour, strength. */
export const END = 4

export interface Band {
  readonly round: number
  readonly top: number
  readonly bottom: number
  readonly decided: boolean
  /** Every other one. */
  readonly isShaded: boolean
}

export interface Scene {
  readonly points: Float32Array
  readonly pointCount: number
  readonly lines: Float32Array
  readonly lineCount: number
  readonly bands: readonly Band[]
  readonly isStrips: boolean
}

export const NO_HIGHLIGHT: Highlight = {
  selected: -1,
  hovered: -1,
  ancestors: new Set(),
  strong: new Set(),
}

/** Below so many pixels a row events cannot be told apart. */
const STRIP_SCALE = 2.2
export const GUTTER = 64
/** Height of the line with the names, at the top. */
export const HEAD = 26
const STRIP_STEP = 3
const MOST_BANDS = 100
/** Colour of what belongs to no member. */
const NEUTRAL = 15
const RED = 14

/** x of every lane: members equally far apart, their branches close beside. */
export function laneXs(store: GraphStore, width: number): Float64Array {
  const lanes = store.lanes()
  const extra = lanes.length - store.members.length
  const room = Math.max(40, width - GUTTER - 24)
  const unit = room / (store.members.length + 0.5 * extra)
  const xs = new Float64Array(lanes.length)
  let x = GUTTER + unit / 2
  for (const member of store.members.keys()) {
    const own = lanes.flatMap((lane, i) => (lane.member === member ? [i] : []))
    for (const [i, lane] of own.entries()) {
      xs[lane] = x
      x += i === own.length - 1 ? unit : unit * 0.5
    }
  }
  return xs
}

export const yOf = (view: View, row: number): number => view.height - 18 - (row - view.bottom) * view.scale
export const rowAt = (view: View, y: number): number => view.bottom + (view.height - 18 - y) / view.scale

/** Place in the lane of the first event at this row or above. */
export const firstAtRow = (store: GraphStore, events: Column, row: number): number =>
  firstOf(events.length(), (i) => store.rowOf(events.get(i)) >= row)

const colourOf = (lane: Lane): number => (lane.branch > 0 ? RED : lane.member % 8)

/** The list itself, or one of twice its size with what was in it. */
function roomFor(list: Float32Array<ArrayBuffer>, needed: number): Float32Array<ArrayBuffer> {
  if (needed <= list.length) return list
  const more = new Float32Array(list.length * 2)
  more.set(list)
  return more
}

export interface SceneMaker {
  make(view: View, highlight: Highlight): Scene
}

export function createSceneMaker(store: GraphStore): SceneMaker {
  let points = new Float32Array(POINT * 4_096)
  let lines = new Float32Array(2 * END * 8_192)
  let pointCount = 0
  let lineCount = 0
  let xs: Float64Array = new Float64Array(0)
  let xsFor = ''

  function point(
    x: number,
    y: number,
    radius: number,
    kind: number,
    colour: number,
    strength: number,
    ring: number,
  ): void {
    const at = POINT * pointCount
    points = roomFor(points, at + POINT)
    points[at] = x
    points[at + 1] = y
    points[at + 2] = radius
    points[at + 3] = kind
    points[at + 4] = colour
    points[at + 5] = strength
    points[at + 6] = ring
    pointCount += 1
  }

  function line(x1: number, y1: number, x2: number, y2: number, colour: number, strength: number): void {
    const at = 2 * END * lineCount
    lines = roomFor(lines, at + 2 * END)
    lines[at] = x1
    lines[at + 1] = y1
    lines[at + 2] = colour
    lines[at + 3] = strength
    lines[at + 4] = x2
    lines[at + 5] = y2
    lines[at + 6] = colour
    lines[at + 7] = strength
    lineCount += 1
  }

  function kindOf(index: number, shown: number): number {
    const fame = store.fameOf(index, shown)
    if (fame === 'famous') return KIND.famous
    if (fame === 'not-famous') return KIND.notFamous
    if (fame === 'undecided') return KIND.open
    const state = store.stateOf(index, shown)
    return state === 'ordered' ? KIND.ordered : state === 'stale' ? KIND.stale : KIND.pending
  }

  function drawEvent(index: number, lane: Lane, x: number, view: View, highlight: Highlight): void {
    const y = yOf(view, store.rowOf(index))
    const focus = highlight.ancestors.size > 0
    const near = !focus || highlight.ancestors.has(index)
    const strength = near ? 1 : 0.18
    const kind = kindOf(index, view.shown)
    const radius = Math.min(9, Math.max(2, view.scale * 0.34)) * (store.isWitness(index) ? 1.25 : 1)
    const isMarked = index === highlight.selected || index === highlight.hovered
    const ring = isMarked ? 2 : highlight.strong.has(index) ? 1 : 0
    point(x, y, radius, kind, colourOf(lane), strength, ring)
    const faint = near ? 0.5 : 0.07
    const parent = store.selfParentOf(index)
    if (parent !== -1)
      line(xs[store.laneOf(parent)]!, yOf(view, store.rowOf(parent)), x, y, colourOf(lane), near ? 0.9 : 0.12)
    store.othersOf(index, (other) => {
      const onWay = focus && near ? 0.9 : faint
      line(xs[store.laneOf(other)]!, yOf(view, store.rowOf(other)), x, y, NEUTRAL, onWay)
    })
  }

  function drawEvents(view: View, highlight: Highlight): void {
    const low = rowAt(view, view.height) - 2
    const high = rowAt(view, 0) + 2
    for (const [i, lane] of store.lanes().entries()) {
      const { events } = lane
      for (let k = firstAtRow(store, events, low); k < events.length(); k++) {
        const index = events.get(k)
        if (index >= view.shown || store.rowOf(index) > high) break
        drawEvent(index, lane, xs[i]!, view, highlight)
      }
    }
  }

  function drawStrips(view: View): void {
    const lanes = store.lanes()
    const highest = view.shown === 0 ? 0 : store.rowOf(view.shown - 1) + 1
    const rows = Math.max(1, STRIP_STEP / view.scale)
    const half = Math.max(4, ((xs[1] ?? xs[0]! + 60) - xs[0]!) * 0.42)
    for (const [i, lane] of lanes.entries()) {
      for (let y = 0; y < view.height; y += STRIP_STEP) {
        const from = rowAt(view, y + STRIP_STEP)
        if (from > highest || from + rows < 0) continue
        const dense = lane.density.count(from, Math.min(from + rows, highest)) / Math.max(rows, 32)
        if (dense === 0) continue
        const reach = half * Math.min(1, 0.08 + dense)
        for (let step = 0; step < STRIP_STEP; step++)
          line(xs[i]! - reach, y + step, xs[i]! + reach, y + step, colourOf(lane), 0.75)
      }
    }
  }

  /** The first round that begins at this row or above: rounds begin ever higher. */
  const roundAt = (row: number): number =>
    1 + firstOf(store.highestRound(), (i) => store.roundStart(i + 1) >= row)

  function bandsIn(view: View): Band[] {
    const bands: Band[] = []
    const from = Math.max(1, roundAt(rowAt(view, view.height)) - 1)
    const to = Math.min(store.highestRound(), roundAt(rowAt(view, 0)))
    // Of thousands in sight some: always the same ones, so that they stay where they are when the map moves.
    let step = 1
    while ((to - from) / step > MOST_BANDS) step *= 2
    for (let round = step * Math.floor(from / step); round <= to; round += step) {
      if (round < 1) continue
      const next = store.roundStart(round + step)
      bands.push({
        round,
        bottom: yOf(view, store.roundStart(round) - 0.5),
        top: next === -1 ? 0 : yOf(view, next - 0.5),
        decided: store.decidedAt(round) <= view.shown,
        isShaded: (round / step) % 2 === 0,
      })
    }
    return bands
  }

  return {
    make: (view, highlight) => {
      const key = `${view.width} ${store.laneVersion()}`
      if (key !== xsFor) {
        xs = laneXs(store, view.width)
        xsFor = key
      }
      pointCount = 0
      lineCount = 0
      const isStrips = view.scale < STRIP_SCALE
      if (isStrips) drawStrips(view)
      else drawEvents(view, highlight)
      return { points, pointCount, lines, lineCount, bands: bandsIn(view), isStrips }
    },
  }
}

/** The event at a point of the picture, or -1. */
export function eventAt(store: GraphStore, view: View, x: number, y: number): number {
  if (view.scale < STRIP_SCALE) return -1
  const xs = laneXs(store, view.width)
  let nearest = -1
  let best = 14 * 14
  for (const [i, lane] of store.lanes().entries()) {
    if (Math.abs(xs[i]! - x) > 14) continue
    const { events } = lane
    const low = firstAtRow(store, events, rowAt(view, y) - 14 / view.scale)
    for (let k = low; k < Math.min(events.length(), low + 40); k++) {
      const index = events.get(k)
      if (index >= view.shown) break
      const dy = yOf(view, store.rowOf(index)) - y
      const dx = xs[i]! - x
      if (dx * dx + dy * dy < best) {
        best = dx * dx + dy * dy
        nearest = index
      }
    }
  }
  return nearest
}
