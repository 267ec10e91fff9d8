// Draws what lies under the events: round bands with their numbers, times, what happened when, and the members' names.
import type { Mark } from '../src/model/frames.ts'
import { firstAtRow, GUTTER, HEAD, laneXs, rowAt, yOf, type Scene, type View } from '../src/model/scene.ts'
import type { GraphStore } from '../src/model/store.ts'
import { clock } from '../src/view/format.ts'
import { paletteFor } from './palette.ts'

export interface Ground {
  readonly canvas: HTMLCanvasElement
  readonly store: GraphStore
  readonly scene: Scene
  readonly view: View
  readonly ratio: number
  readonly isDark: boolean
  readonly marks: readonly Mark[]
}

export function drawGround(ground: Ground): void {
  const { canvas, view: size, ratio } = ground
  const [w, h] = [Math.round(size.width * ratio), Math.round(size.height * ratio)]
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w
    canvas.height = h
  }
  const pen = canvas.getContext('2d')!
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, size.width, size.height)
  pen.font = '11px ui-monospace, monospace'
  drawBands(pen, ground)
  drawTimes(pen, ground)
  drawUnchecked(pen, ground)
  drawMarks(pen, ground)
  drawNames(pen, ground)
}

function drawBands(
  pen: CanvasRenderingContext2D,
  { scene: { bands }, view: size, isDark: dark }: Ground,
): void {
  let lastLabel = Infinity
  for (const { round, top, bottom: low, decided, isShaded } of bands) {
    if (isShaded && low - top >= 1) {
      pen.fillStyle = dark ? 'rgba(120,150,200,.075)' : 'rgba(40,80,150,.055)'
      pen.fillRect(0, top, size.width, low - top)
    }
    if (low > size.height + 40 || lastLabel - low < 15) continue
    lastLabel = low
    pen.fillStyle = dark ? (decided ? '#9fb1c7' : '#77869a') : decided ? '#47566a' : '#6a7787'
    pen.fillText(`${round}${decided ? '' : '…'}`, 8, Math.min(size.height - 6, low - 4))
  }
}

function drawTimes(pen: CanvasRenderingContext2D, { store, view, view: size, isDark: dark }: Ground): void {
  pen.fillStyle = dark ? '#77869a' : '#6a7787'
  pen.textAlign = 'right'
  const longest = store
    .lanes()
    .reduce((best, lane) => (lane.events.length() > best.events.length() ? lane : best))
  for (let y = size.height - 24; y > HEAD + 20; y -= 96) {
    const row = rowAt(view, y)
    const at = firstAtRow(store, longest.events, row)
    if (row < 0 || at >= longest.events.length()) continue
    pen.fillText(clock(store.timeOf(longest.events.get(at))), size.width - 6, y + 4)
  }
  pen.textAlign = 'left'
}

/** Above this only a first look was taken: hatched, because colour is taken. */
function drawUnchecked(pen: CanvasRenderingContext2D, { store, view, isDark: dark }: Ground): void {
  const checked = store.checked()
  if (checked >= store.count()) return
  const y = Math.min(view.height, yOf(view, checked === 0 ? -1 : store.rowOf(checked - 1) + 0.5))
  if (y <= HEAD) return
  pen.strokeStyle = dark ? 'rgba(174,186,202,.22)' : 'rgba(71,86,106,.2)'
  pen.beginPath()
  for (let x = -view.height; x < view.width; x += 24) {
    pen.moveTo(Math.max(x, 0), Math.max(HEAD, y + Math.min(x, 0)))
    pen.lineTo(x + y - HEAD, HEAD)
  }
  pen.stroke()
  pen.fillStyle = dark ? '#aebaca' : '#47566a'
  pen.fillText('not checked yet', GUTTER, Math.max(HEAD + 14, y - 6))
}

function drawMarks(
  pen: CanvasRenderingContext2D,
  { store, view, view: size, isDark: dark, marks }: Ground,
): void {
  const colours = {
    fault: dark ? '#ff9a5c' : '#b34700',
    repair: dark ? '#2fc79a' : '#007a5a',
    violation: '#ff4057',
    note: '#8b98a9',
  }
  /** Height of the words before, and where they end: what happened at one time stands side by side. */
  let last = Infinity
  let x = 0
  for (const { at, kind, text } of marks) {
    if (at > view.shown) continue
    const row = at === 0 ? 0 : store.rowOf(Math.min(at, store.count()) - 1) + 0.5
    const y = yOf(view, row)
    if (y < 0 || y > size.height + 12) continue
    pen.strokeStyle = colours[kind]
    pen.setLineDash(kind === 'violation' ? [] : [6, 4])
    pen.beginPath()
    pen.moveTo(GUTTER - 20, y)
    pen.lineTo(size.width - 4, y)
    pen.stroke()
    pen.setLineDash([])
    const isBeside = Math.abs(last - y) < 13
    const from = isBeside ? x : GUTTER - 18
    const width = pen.measureText(text).width + 10
    if (from + width > size.width) continue
    if (!isBeside) last = y
    x = from + width + 4
    pen.fillStyle = dark ? 'rgba(14,17,22,.88)' : 'rgba(255,255,255,.9)'
    pen.fillRect(from, last - 15, width, 14)
    pen.fillStyle = colours[kind]
    pen.fillText(text, from + 5, last - 4)
  }
}

function drawNames(pen: CanvasRenderingContext2D, { store, view: size, isDark: dark }: Ground): void {
  pen.fillStyle = dark ? 'rgba(14,17,22,.9)' : 'rgba(255,255,255,.92)'
  pen.fillRect(0, 0, size.width, HEAD)
  pen.textAlign = 'center'
  pen.font = '600 12px system-ui, sans-serif'
  const xs = laneXs(store, size.width)
  const palette = paletteFor(dark)
  for (const [i, { member, branch }] of store.lanes().entries()) {
    const [r, g, b] = palette[branch > 0 ? 14 : member % 8]!
    pen.fillStyle = `rgb(${r * 255} ${g * 255} ${b * 255})`
    pen.fillText(`${store.members[member]!.name}${branch > 0 ? `/${branch}` : ''}`, xs[i]!, 17)
  }
  pen.textAlign = 'left'
  pen.font = '11px ui-monospace, monospace'
}
