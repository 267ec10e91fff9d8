/** Interchange files, and what the explainer says of each of their events. */
import { readdirSync, readFileSync } from 'node:fs'
import {
  createExplainer,
  drawnEvent,
  feedInterchange,
  type DrawnEvent,
  type Explainer,
  type Explanation,
} from '@hearsay/consensus'
import { fromHex } from '@hearsay/dag'
import type { Dag } from '../reference/dag.ts'

/** The published graphs and the small ones on which each thing worth testing happens. */
const folders = ['../conformance/cases/', '../reference/cases/']

const files = new Map(
  folders.flatMap((folder) => {
    const url = new URL(folder, import.meta.url)
    const names = readdirSync(url).filter((name) => name.endsWith('.json'))
    return names.toSorted().map((name) => [name, new URL(name, url)] as const)
  }),
)

export const caseNames: readonly string[] = [...files.keys()]

export function readCase(name: string): Dag {
  return JSON.parse(readFileSync(files.get(name)!, 'utf8')) as Dag
}

export interface Explained {
  readonly explainer: Explainer
  readonly of: (id: string) => Explanation
}

export function explainAll(dag: Dag): Explained {
  const explainer = feedInterchange(dag, createExplainer, () => undefined)
  const of = (id: string): Explanation => {
    const found = explainer.explain(fromHex(id)!)
    if (found === undefined) throw new Error(`${id} is not known`)
    return found
  }
  return { explainer, of }
}

export function drawn(dag: Dag): DrawnEvent[] {
  const { of } = explainAll(dag)
  return dag.events.map(({ id }) => drawnEvent(of(id)))
}
