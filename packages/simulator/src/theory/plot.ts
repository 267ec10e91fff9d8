/**
 * A plot as data, and drawn as SVG: measured values as discs, laws as lines. Complete in itself, without scripts; what is
 * drawn is decided by the data alone, so one seed gives the same bytes everywhere.
 */
import { exp, ln, LN10, power } from './numbers.ts'

export type Point = readonly [x: number, y: number]

export interface Series {
  readonly name: string
  /** Measured values are points, laws are lines. */
  readonly kind: 'points' | 'line'
  readonly points: readonly Point[]
}

export interface Axis {
  readonly label: string
  readonly isLog?: boolean
}

export interface Plot {
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly Series[]
}

/** A law over a range, as a line. */
export function curve(
  name: string,
  from: number,
  to: number,
  law: (x: number) => number,
  isLog = false,
): Series {
  const steps = 80
  const ratio = isLog ? ln(to / from) / steps : 0
  const at = (i: number): number => (isLog ? from * exp(ratio * i) : from + ((to - from) * i) / steps)
  return {
    name,
    kind: 'line',
    points: Array.from({ length: steps + 1 }, (_, i): Point => [at(i), law(at(i))]),
  }
}

const WIDTH = 460
const HEIGHT = 300
const LEFT = 62
const RIGHT = 14
const TOP = 30
const BOTTOM = 46
const COLOURS = ['#1b6ca8', '#c1440e', '#3a7d44', '#7b4fa3', '#a37c00', '#4a4a4a']

const STYLE = [
  'text{font:11px ui-sans-serif,sans-serif;fill:#333}',
  '.title{font-weight:bold;font-size:13px}',
  '.grid{stroke:#e6e6e6}',
  '.frame{fill:none;stroke:#999}',
].join('')

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
export const escaped = (text: string): string => text.replace(/[&<>"]/g, (found) => ESCAPES[found]!)

/** A number as people write it: four digits that count, no zeros behind. */
export function figure(value: number): string {
  if (value === 0) return '0'
  if (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6) return String(Number(value.toPrecision(4)))
  return value.toExponential(2).replace(/\.?0*e/, 'e')
}

/** One direction of a plot: where a value stands between 0 and 1, and which values have a line. */
interface Scale {
  readonly at: (value: number) => number
  readonly ticks: readonly number[]
}

/** 1, 2 or 5 times a power of ten: about five of them in the range. */
function stepOf(range: number): number {
  const exponent = Math.floor(ln(range / 5) / LN10 + 1e-9)
  const unit = exponent < 0 ? 1 / power(10, -exponent) : power(10, exponent)
  return unit * ([1, 2, 5].find((factor) => factor * unit * 5.5 >= range) ?? 10)
}

function scaleOf({ isLog = false }: Axis, values: readonly number[]): Scale {
  const seen = values.filter((value) => Number.isFinite(value) && (!isLog || value > 0))
  const place = (value: number): number => (isLog ? ln(value) / LN10 : value)
  const least = seen.reduce((low, value) => Math.min(low, place(value)), Infinity)
  const most = seen.reduce((high, value) => Math.max(high, place(value)), -Infinity)
  if (!Number.isFinite(least)) return { at: () => 0, ticks: [] }
  const range = most > least ? most - least : Math.max(1, Math.abs(most))
  const step = isLog ? Math.max(1, stepOf(range)) : stepOf(range)
  const low = Math.floor(least / step + 1e-9)
  const high = Math.max(low + 1, Math.ceil(most / step - 1e-9))
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => low + i)
  const valueOf = (tick: number): number =>
    isLog ? (tick * step < 0 ? 1 / power(10, -tick * step) : power(10, tick * step)) : tick * step
  return { at: (value) => (place(value) / step - low) / (high - low), ticks: ticks.map(valueOf) }
}

/** Pixels to a tenth: what differs by less looks the same. */
const px = (value: number): string => String(Math.round(value * 10) / 10)

export function drawPlot({ title, x, y, series }: Plot): string {
  const points = series.flatMap((each) => each.points)
  const across = scaleOf(
    x,
    points.map(([value]) => value),
  )
  const up = scaleOf(
    y,
    points.map(([, value]) => value),
  )
  const xAt = (value: number): string => px(LEFT + across.at(value) * (WIDTH - LEFT - RIGHT))
  const yAt = (value: number): string => px(HEIGHT - BOTTOM - up.at(value) * (HEIGHT - TOP - BOTTOM))
  const isShown = ([px, py]: Point): boolean =>
    Number.isFinite(px) && Number.isFinite(py) && (x.isLog !== true || px > 0) && (y.isLog !== true || py > 0)
  const drawn = series.map(({ kind, points: all }, i) => {
    const colour = COLOURS[i % COLOURS.length]!
    const shown = all.filter(isShown)
    if (kind === 'points')
      return shown
        .map(([px, py]) => `<circle cx="${xAt(px)}" cy="${yAt(py)}" r="3" fill="${colour}"/>`)
        .join('')
    const path = shown.map(([px, py]) => `${xAt(px)},${yAt(py)}`).join(' ')
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.6"/>`
  })
  const legend = series.map(({ name, kind }, i) => {
    const row = TOP + 12 + 14 * i
    const colour = COLOURS[i % COLOURS.length]!
    const mark =
      kind === 'points'
        ? `<circle cx="${LEFT + 14}" cy="${row - 4}" r="3" fill="${colour}"/>`
        : `<path d="M${LEFT + 6} ${row - 4}h16" stroke="${colour}" stroke-width="1.6"/>`
    return `${mark}<text x="${LEFT + 28}" y="${row}">${escaped(name)}</text>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}">`,
    `<title>${escaped(title)}</title><style>${STYLE}</style><rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...across.ticks.map(
      (tick) =>
        `<path class="grid" d="M${xAt(tick)} ${TOP}V${HEIGHT - BOTTOM}"/><text x="${xAt(tick)}" y="${HEIGHT - BOTTOM + 15}" text-anchor="middle">${figure(tick)}</text>`,
    ),
    ...up.ticks.map(
      (tick) =>
        `<path class="grid" d="M${LEFT} ${yAt(tick)}H${WIDTH - RIGHT}"/><text x="${LEFT - 6}" y="${yAt(tick)}" dy="4" text-anchor="end">${figure(tick)}</text>`,
    ),
    `<rect class="frame" x="${LEFT}" y="${TOP}" width="${WIDTH - LEFT - RIGHT}" height="${HEIGHT - TOP - BOTTOM}"/>`,
    `<text class="title" x="${LEFT}" y="18">${escaped(title)}</text>`,
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${escaped(x.label)}</text>`,
    `<text transform="translate(14 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${escaped(y.label)}</text>`,
    ...drawn,
    ...legend,
    '</svg>',
    '',
  ].join('\n')
}
