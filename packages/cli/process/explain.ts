// Decides what `explain` prints: why an event stands where it stands, in words or as data.
import { explanationText } from '@hearsay/consensus'
import { fromHex, toHex } from '@hearsay/dag'
import { formatTime } from '@hearsay/node'
import {
  CommandError,
  counted,
  type EventName,
  EXIT,
  type ExplainOptions,
  matchEvents,
  usageError,
} from '../src/index.ts'
import { type ExplainedGraph, readGraph } from './explained-graph.ts'
import { createTerminal } from './terminal.ts'

const unknownEvent = (message: string, hint: string): CommandError =>
  new CommandError({ code: 'E_UNKNOWN_EVENT', message, hint, exitCode: EXIT.usage })

/** The event that carries the transaction at that position. */
function eventAt(graph: ExplainedGraph, position: number): Uint8Array {
  if (!graph.isWhole)
    throw usageError(
      `--position: ${graph.source} begins with a snapshot, so its transactions cannot be counted`,
      'name the event by its id',
    )
  let next = 0
  for (const { id, transactionCount } of graph.explainer.placed()) {
    next += transactionCount
    if (position < next) return id
  }
  throw unknownEvent(
    `there is no transaction ${position} in ${graph.source}: ${counted(next, 'transaction')} ordered so far`,
    'positions count from 0',
  )
}

function eventNamed(graph: ExplainedGraph, name: EventName): Uint8Array {
  const found = matchEvents(name, graph.ids.map(toHex))
  const [only, other] = found
  if (only === undefined)
    throw unknownEvent(
      `there is no event ${name.text} in ${graph.source}, which holds ${counted(graph.ids.length, 'event')}`,
      'give the id as it is printed by submit or log --json, or the position of a transaction: --position N',
    )
  if (other === undefined) return fromHex(only)!
  throw new CommandError({
    code: 'E_AMBIGUOUS_EVENT',
    message: `${counted(found.length, 'event')} of ${graph.source} are called ${name.text}`,
    hint: `give more digits: ${found.slice(0, 4).join(', ')}${found.length > 4 ? ', …' : ''}`,
    exitCode: EXIT.usage,
  })
}

export async function explain(name: EventName | undefined, options: ExplainOptions): Promise<void> {
  const { position } = options
  if ((name === undefined) === (position === undefined))
    throw usageError(
      'which event? Name it by its id or by --position N, not by both',
      'see: hearsay explain --help',
    )
  const terminal = createTerminal(options)
  const graph = await readGraph(options)
  const id = name === undefined ? eventAt(graph, position!) : eventNamed(graph, name)
  const explanation = graph.explainer.explain(id)
  if (explanation === undefined) throw new Error('invariant: an inserted event can be explained')
  if (terminal.isJson) await terminal.out(JSON.stringify(explanation))
  else await terminal.out(explanationText(explanation, { member: graph.nameOf, time: formatTime }))
}
