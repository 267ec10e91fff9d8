// Decides which events `graph` draws, and where the drawing goes.
import { writeFileSync } from 'node:fs'
import { drawnEvent, type DrawnEvent, renderDot, renderMermaid, renderSvg } from '@hearsay/consensus'
import { counted, type GraphFormat, type GraphOptions, usageError } from '../src/index.ts'
import { type ExplainedGraph, readGraph } from './explained-graph.ts'
import { createTerminal } from './terminal.ts'

/** How many are drawn if nothing is said: more is hard to look at. */
const DEFAULT_LAST = 500

/** Mermaid refuses larger flowcharts unless it is told otherwise. */
const MERMAID_EDGES = 500

const RENDERERS: Readonly<Record<GraphFormat, typeof renderSvg>> = {
  svg: renderSvg,
  dot: renderDot,
  mermaid: renderMermaid,
}

function chooseEvents(graph: ExplainedGraph, options: GraphOptions): readonly DrawnEvent[] {
  const { fromRound, toRound, last } = options
  const all = graph.ids.map((id) => drawnEvent(graph.explainer.explain(id)!))
  const hasRange = fromRound !== undefined || toRound !== undefined
  const inRange = hasRange
    ? all.filter(
        ({ round }) =>
          round !== null && round >= (fromRound ?? 0) && round <= (toRound ?? Number.MAX_SAFE_INTEGER),
      )
    : all
  const most = last ?? (hasRange ? undefined : DEFAULT_LAST)
  return most === undefined ? inRange : inRange.slice(Math.max(0, inRange.length - most))
}

export async function graph(options: GraphOptions): Promise<void> {
  const { fromRound, toRound, format, out } = options
  if (fromRound !== undefined && toRound !== undefined && fromRound > toRound)
    throw usageError(`--from-round ${fromRound} is after --to-round ${toRound}`)
  const terminal = createTerminal(options)
  const read = await readGraph(options)
  const events = chooseEvents(read, options)
  const drawing = terminal.isJson
    ? JSON.stringify({ events })
    : RENDERERS[format](events, { nameOf: read.nameOf }).trimEnd()
  if (out === undefined) await terminal.out(drawing)
  else writeFileSync(out, `${drawing}\n`)
  const where = out === undefined ? '' : ` to ${out}`
  terminal.say(`drew ${events.length} of ${counted(read.ids.length, 'event')}${where}`)
  const edges = events.reduce((sum, { otherParents }) => sum + otherParents.length + 1, 0)
  if (format === 'mermaid' && edges > MERMAID_EDGES && !terminal.isJson)
    terminal.say(
      `about ${edges} edges: Mermaid draws ${MERMAID_EDGES} unless its maxEdges is raised; see --last`,
    )
}
