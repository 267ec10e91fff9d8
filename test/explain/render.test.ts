/**
 * Drawings: the same events give the same bytes in whatever order they come, every event and edge is there once, names do no
 * harm, and 500 events are drawn in time.
 */
import { readFileSync } from 'node:fs'
import { drawnEvent, renderDot, renderMermaid, renderSvg, type DrawnEvent } from '@hearsay/consensus'
import { describe, expect, test } from 'vitest'
import { shuffled } from '../reference/insertion.ts'
import { createRandom } from '../reference/random.ts'
import { goldenDrawing } from './golden.ts'
import { caseNames, drawn, explainAll, readCase } from './reading.ts'

const count = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length

const edgesOf = (events: readonly DrawnEvent[]): number => {
  const ids = new Set(events.map(({ id }) => id))
  const parents = events.flatMap(({ selfParent, otherParents }) => [selfParent, ...otherParents])
  return parents.filter((id) => id !== null && ids.has(id)).length
}

/** Every tag that is opened is closed, in order, and nothing else stands between `<` and `>`. */
function checkXml(text: string): void {
  const open: string[] = []
  const pattern = /<(\/?)([a-z]+)((?: [a-zA-Z]+\d?(?:-[a-z]+)*="[^"<>]*")*)(\/?)>/g
  for (const [, closes, name, , isEmpty] of text.matchAll(pattern)) {
    if (closes === '/') expect(open.pop()).toBe(name)
    else if (isEmpty !== '/') open.push(name!)
  }
  expect(open).toEqual([])
  expect(text.replaceAll(pattern, '')).not.toMatch(/[<>]|&(?!(?:amp|lt|gt|quot|#39);)/)
}

/** Statements of DOT, one a line: attributes in pairs of name and value. */
function checkDot(text: string): void {
  const lines = text.trimEnd().split('\n')
  expect([lines[0], lines.at(-1)]).toEqual(['digraph events {', '}'])
  const attribute = /[a-z]+=(?:"(?:[^"\\]|\\.)*"|[a-z0-9.]+)/.source
  const statement = new RegExp(`^  [a-z]+\\d*(?: -> e\\d+)? \\[${attribute}(?:, ${attribute})*\\]$`)
  for (const line of lines.slice(1, -1)) expect(line).toMatch(statement)
}

function checkMermaid(text: string): void {
  const forms = [
    /^flowchart TB$/,
    /^ {2}subgraph lane\d+\["[^"]*"\]$/,
    /^ {4}e\d+(?:\("[^"]*"\)|\(\("[^"]*"\)\)|\(\(\("[^"]*"\)\)\))$/,
    /^ {2}end$/,
    /^ {2}e\d+ (?:==>|-->) e\d+$/,
    /^ {2}classDef r\w+ fill:#\w{6},color:#\w{6},stroke:#\w{6},stroke-width:\dpx(?:,stroke-dasharray:3 2)?$/,
    /^ {2}class e\d+(?:,e\d+)* r\w+$/,
  ]
  for (const line of text.trimEnd().split('\n'))
    expect(
      forms.some((form) => form.test(line)),
      line,
    ).toBe(true)
  expect(count(text, /^ {2}subgraph /gm)).toBe(count(text, /^ {2}end$/gm))
}

describe.each(caseNames)('%s', (name) => {
  const dag = readCase(name)
  const events = drawn(dag)

  test('every event and every edge once, in sound languages', () => {
    const svg = renderSvg(events)
    checkXml(svg)
    expect(count(svg, /<g>/g)).toBe(events.length)
    expect(count(svg, /<line class="(?:self|other)"/g)).toBe(edgesOf(events))
    for (const { id } of events) expect(svg).toContain(`<title>${id}: `)
    const dot = renderDot(events)
    checkDot(dot)
    expect(count(dot, /^ {2}e\d+ \[/gm)).toBe(events.length)
    expect(count(dot, / -> /g)).toBe(edgesOf(events))
    const mermaid = renderMermaid(events)
    checkMermaid(mermaid)
    expect(count(mermaid, /^ {4}e\d+\(/gm)).toBe(events.length)
    expect(count(mermaid, /(?:==>|-->)/g)).toBe(edgesOf(events))
  })

  test('the same bytes for the same events', () => {
    const byId = new Map(events.map((event) => [event.id, event]))
    const other = shuffled(createRandom(7), dag.events).map(({ id }) => byId.get(id)!)
    for (const render of [renderSvg, renderDot, renderMermaid]) expect(render(other)).toBe(render(events))
  })
})

test('branches stand in lanes of their own', () => {
  const events = drawn(readCase('coins-4-branching.json'))
  const svg = renderSvg(events)
  const branched = new Set([...svg.matchAll(/>(member \d+) \(\d+\)</g)].map(([, name]) => name))
  const children = new Map<string, number>()
  for (const { selfParent } of events)
    if (selfParent !== null) children.set(selfParent, (children.get(selfParent) ?? 0) + 1)
  const branchers = events.filter(({ id }) => (children.get(id) ?? 0) > 1).map(({ creator }) => creator)
  expect(branched).toEqual(new Set(branchers.map((creator) => `member ${creator}`)))
  // Nothing stands on anything else.
  const places = [...svg.matchAll(/<text class="in" (x="\d+" y="\d+")/g)].map(([, place]) => place)
  expect(new Set(places).size).toBe(events.length)
})

test('names do no harm', () => {
  const events = drawn(readCase('genesis-4.json')).slice(0, 20)
  const names = [
    '</text><script>alert(1)</script>',
    '"];x->y;["\\',
    'a\n\u0000\u202eb\ud800',
    '#quot;"]---`*&<>',
  ]
  const options = { nameOf: (member: number): string => names[member]! }
  const svg = renderSvg(events, options)
  checkXml(svg)
  expect(svg).not.toContain('<script')
  expect(svg.isWellFormed()).toBe(true)
  expect(svg).not.toContain('\u202e')
  checkDot(renderDot(events, options))
  checkMermaid(renderMermaid(events, options))
  expect(renderSvg(events, { nameOf: () => 'x'.repeat(10_000) }).length).toBeLessThan(30_000)
})

test('what is cut off hangs from a broken line, and nothing at all is drawn as nothing', () => {
  const events = drawn(readCase('genesis-4.json')).slice(-30)
  const svg = renderSvg(events)
  checkXml(svg)
  const ids = new Set(events.map(({ id }) => id))
  const cut = events.filter(({ selfParent }) => selfParent !== null && !ids.has(selfParent))
  expect(cut.length).toBeGreaterThan(0)
  expect(count(svg, /class="cut"/g)).toBe(cut.length)
  checkXml(renderSvg([]))
  checkDot(renderDot([]))
  expect(renderMermaid([])).toBe('flowchart TB\n')
})

test('a small map, to the byte', () => {
  expect(goldenDrawing()).toBe(readFileSync(new URL('golden.svg', import.meta.url), 'utf8'))
})

test('500 events as SVG in under a second', () => {
  const { of } = explainAll(readCase('ancient-4.json'))
  const { events } = readCase('ancient-4.json')
  expect(events).toHaveLength(500)
  const startedMs = performance.now()
  const svg = renderSvg(events.map(({ id }) => drawnEvent(of(id))))
  const tookMs = performance.now() - startedMs
  console.log(`500 events: ${svg.length} bytes of SVG in ${tookMs.toFixed(1)} ms`)
  expect(tookMs).toBeLessThan(5_000)
})
