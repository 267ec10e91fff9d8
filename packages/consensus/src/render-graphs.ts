/**
 * The event map in the languages of graph drawing programs. DOT places every event itself (Graphviz then draws lanes, time
 * upwards); Mermaid places the events, so there the lanes are boxes.
 */
import {
  factsOf,
  lookOf,
  mapEvents,
  plainLabel,
  shortId,
  type DrawingOptions,
  type DrawnEvent,
} from './render.ts'

const quoted = (text: string): string => `"${plainLabel(text).replace(/[\\"]/g, (found) => `\\${found}`)}"`

const orderText = ({ order }: DrawnEvent): string => (order === null ? '' : ` #${order}`)

const roundText = ({ round }: DrawnEvent): string => (round === null ? '-' : `r${round}`)

/** In inches. */
const at = (lane: number, row: number): string => `${(lane * 1.6).toFixed(2)},${(row * 0.8).toFixed(2)}!`

/** Borders: a witness has two, a judge a thick golden one, one that is not famous a broken one. */
function dotNode(event: DrawnEvent, name: string, position: string): string {
  const { fill, colour, ink } = lookOf(event)
  const styles = ['filled', ...(event.fame === 'not famous' ? ['dashed'] : [])]
  const attributes = [
    `label="${shortId(event.id)}\\n${roundText(event)}${orderText(event)}"`,
    `pos="${position}"`,
    `style="${styles.join(',')}"`,
    `fillcolor="${fill}"`,
    `fontcolor="${ink}"`,
    `color="${event.judge ? '#c8960c' : colour}"`,
    `peripheries=${event.witness ? 2 : 1}`,
    `penwidth=${event.judge ? 3 : event.fame === 'famous' ? 2 : 1}`,
    `tooltip="${event.id}: ${factsOf(event).join(', ')}"`,
  ]
  return `  ${name} [${attributes.join(', ')}]`
}

/** The event map for Graphviz. Parents stand before their children in `events`. */
export function renderDot(events: readonly DrawnEvent[], options: DrawingOptions = {}): string {
  const { lanes, spots, edges, rows } = mapEvents(events, options)
  return [
    'digraph events {',
    '  graph [layout=neato, splines=line, outputorder=edgesfirst]',
    '  node [shape=circle, fixedsize=true, width=0.66, fontname="monospace", fontsize=8]',
    '  edge [arrowsize=0.5]',
    ...lanes.map(
      ({ label }, lane) =>
        `  lane${lane} [shape=plaintext, fixedsize=false, fontsize=12, label=${quoted(label)}, pos="${at(lane, rows)}"]`,
    ),
    ...spots.map(({ event, index, lane, row }) => dotNode(event, `e${index}`, at(lane, row))),
    ...edges.map(
      ({ child, parent, isSelf }) =>
        `  e${child.index} -> e${parent.index} [${isSelf ? 'color="#555555", penwidth=2' : 'color="#a8a8a8"'}]`,
    ),
    '}',
    '',
  ].join('\n')
}

const MERMAID_ESCAPES: Readonly<Record<string, string>> = { '"': 'quot', '<': 'lt', '>': 'gt', '&': 'amp' }

/** In Mermaid's own way, between hash and semicolon; what could be read as Markdown too. */
const mermaidText = (text: string): string =>
  plainLabel(text).replace(
    /["<>&#;`*_\\[\]{}()|]/g,
    (found) => `#${MERMAID_ESCAPES[found] ?? found.charCodeAt(0)};`,
  )

/** A witness is a circle, a famous one a double circle, every other event a rounded box. */
function mermaidNode(event: DrawnEvent, index: number): string {
  const text = `"${shortId(event.id)}<br/>${roundText(event)}${orderText(event).replace('#', '#35;')}"`
  if (event.fame === 'famous') return `e${index}(((${text})))`
  return event.witness ? `e${index}((${text}))` : `e${index}(${text})`
}

/** Events that look alike share a class. */
function mermaidClass(event: DrawnEvent): { readonly name: string; readonly style: string } {
  const { fill, colour, ink } = lookOf(event)
  const facts = [
    `r${event.round ?? 'none'}`,
    ...(event.receivedRound === null ? ['dim'] : []),
    ...(event.judge ? ['judge'] : []),
    ...(event.fame === 'not famous' ? ['unfamous'] : []),
  ]
  const border = event.judge ? 'stroke:#c8960c,stroke-width:4px' : `stroke:${colour},stroke-width:1px`
  const dashes = event.fame === 'not famous' ? ',stroke-dasharray:3 2' : ''
  return { name: facts.join(''), style: `fill:${fill},color:${ink},${border}${dashes}` }
}

/** The event map as a Mermaid flowchart. Parents stand before their children in `events`. */
export function renderMermaid(events: readonly DrawnEvent[], options: DrawingOptions = {}): string {
  const { lanes, spots, edges } = mapEvents(events, options)
  const classes = new Map<string, { readonly style: string; readonly names: string[] }>()
  for (const { event, index } of spots) {
    const { name, style } = mermaidClass(event)
    const known = classes.get(name) ?? { style, names: [] }
    classes.set(name, known)
    known.names.push(`e${index}`)
  }
  return [
    'flowchart TB',
    ...lanes.flatMap(({ label }, lane) => [
      `  subgraph lane${lane}["${mermaidText(label)}"]`,
      // Newest first: it is drawn from the top.
      ...spots
        .filter((spot) => spot.lane === lane)
        .toReversed()
        .map(({ event, index }) => `    ${mermaidNode(event, index)}`),
      '  end',
    ]),
    ...edges.map(
      ({ child, parent, isSelf }) => `  e${child.index} ${isSelf ? '==>' : '-->'} e${parent.index}`,
    ),
    ...[...classes].flatMap(([name, { style, names }]) => [
      `  classDef ${name} ${style}`,
      `  class ${names.join(',')} ${name}`,
    ]),
    '',
  ].join('\n')
}
