/**
 * The event map as SVG: complete in itself, without scripts or fonts of its own. An event is a disc in the colour of its
 * round, full when it is received and dim as long as it is not; a witness has a ring, a famous one a filled ring, one that
 * is not famous a broken ring, a judge a golden ring around that.
 */
import {
  factsOf,
  lookOf,
  mapEvents,
  plainLabel,
  shortId,
  type DrawingOptions,
  type DrawnEvent,
  type Edge,
  type EventMap,
  type Spot,
} from './render.ts'

const LANE_PX = 130
const ROW_PX = 46
const MARGIN_PX = 70
const DISC_PX = 8
const RING_PX = 12
const JUDGE_PX = 15
const LEGEND =
  'colour = round · full = received, dim = not yet · ring = witness, filled = famous, broken = not famous · gold = judge'

const STYLE = [
  'text{font:10px ui-monospace,monospace;fill:#333;paint-order:stroke;stroke:#fff;stroke-width:3px}',
  '.lane{font:bold 13px ui-sans-serif,sans-serif;text-anchor:middle}',
  '.in{font-size:9px;text-anchor:middle;stroke:none}',
  '.self{stroke:#555;stroke-width:2.2}',
  '.other{stroke:#a8a8a8;stroke-width:1}',
  '.cut{stroke:#a8a8a8;stroke-width:1.5;stroke-dasharray:2 3}',
  '.track{stroke:#efefef;stroke-width:1}',
].join('')

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escaped = (text: string): string => plainLabel(text).replace(/[&<>"']/g, (found) => ESCAPES[found]!)

interface Frame {
  readonly width: number
  readonly height: number
  readonly x: (lane: number) => number
  readonly y: (row: number) => number
}

function frameOf({ lanes, rows }: EventMap): Frame {
  const width = Math.max(760, 2 * MARGIN_PX + LANE_PX * Math.max(0, lanes.length - 1))
  const height = 2 * MARGIN_PX + ROW_PX * Math.max(0, rows - 1)
  return {
    width,
    height,
    x: (lane) => MARGIN_PX + LANE_PX * lane,
    y: (row) => height - MARGIN_PX - ROW_PX * row,
  }
}

function line(kind: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${kind}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`
}

function edgeLine({ child, parent, isSelf }: Edge, { x, y }: Frame): string {
  return line(isSelf ? 'self' : 'other', x(child.lane), y(child.row), x(parent.lane), y(parent.row))
}

/** Witness, fame and judge: what stands around the disc. */
function rings(event: DrawnEvent, at: string, colour: string): string {
  const judge = event.judge
    ? `<circle ${at} r="${JUDGE_PX}" fill="none" stroke="#c8960c" stroke-width="2.5"/>`
    : ''
  if (!event.witness && event.fame === null) return judge
  const fill = event.fame === 'famous' ? colour : '#ffffff'
  const dashes = event.fame === 'not famous' ? ' stroke-dasharray="3 2"' : ''
  return `${judge}<circle ${at} r="${RING_PX}" fill="${fill}" stroke="${colour}" stroke-width="1.5"${dashes}/>`
}

function spotGroup({ event, lane, row }: Spot, { x, y }: Frame): string {
  const { fill, colour, ink } = lookOf(event)
  const at = `cx="${x(lane)}" cy="${y(row)}"`
  const edge = event.fame === 'famous' ? '#ffffff' : colour
  const order = event.order === null ? '' : ` #${event.order}`
  return [
    `<g><title>${event.id}: ${factsOf(event).join(', ')}</title>`,
    rings(event, at, colour),
    `<circle ${at} r="${DISC_PX}" fill="${fill}" stroke="${edge}"/>`,
    `<text class="in" x="${x(lane)}" y="${y(row) + 3}" style="fill:${ink}">${event.round ?? '·'}</text>`,
    `<text x="${x(lane) + JUDGE_PX + 4}" y="${y(row) + 3}">${shortId(event.id)}${order}</text></g>`,
  ].join('')
}

/** Events whose self-parent is not drawn hang from a broken line. */
function cutLines({ spots, edges }: EventMap, { x, y }: Frame): string[] {
  const whole = new Set(edges.filter(({ isSelf }) => isSelf).map(({ child }) => child))
  return spots
    .filter((spot) => spot.event.selfParent !== null && !whole.has(spot))
    .map(({ lane, row }) => line('cut', x(lane), y(row), x(lane), y(row) + ROW_PX / 2))
}

/** The event map as one SVG document. Parents stand before their children in `events`. */
export function renderSvg(events: readonly DrawnEvent[], options: DrawingOptions = {}): string {
  const map = mapEvents(events, options)
  const frame = frameOf(map)
  const { width, height, x, y } = frame
  const lanes = map.lanes.flatMap(({ label }, lane) => [
    line('track', x(lane), y(map.rows - 1) - 24, x(lane), y(0) + 24),
    `<text class="lane" x="${x(lane)}" y="26">${escaped(label)}</text>`,
    `<text class="lane" x="${x(lane)}" y="${height - 28}">${escaped(label)}</text>`,
  ])
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>Event map of ${events.length} events</title>`,
    `<style>${STYLE}</style>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...lanes,
    ...cutLines(map, frame),
    ...map.edges.filter(({ isSelf }) => !isSelf).map((edge) => edgeLine(edge, frame)),
    ...map.edges.filter(({ isSelf }) => isSelf).map((edge) => edgeLine(edge, frame)),
    ...map.spots.map((spot) => spotGroup(spot, frame)),
    `<text x="16" y="${height - 8}">${LEGEND}</text>`,
    '</svg>',
    '',
  ].join('\n')
}
