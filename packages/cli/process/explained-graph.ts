// Decides where `explain` and `graph` have their events from: a file, or the journal of a node.
import { createExplainer, feedInterchange, type Explainer } from '@hearsay/consensus'
import { fromHex } from '@hearsay/dag'
import { explainJournal } from '@hearsay/node/process'
import { type GraphSource, printable, TESTNET_DIR, usageError } from '../src/index.ts'
import { dataDirectories } from './data-directories.ts'
import { withInterchange } from './interchange-file.ts'

export interface ExplainedGraph {
  readonly explainer: Explainer
  /** Of all events, parents before children. */
  readonly ids: readonly Uint8Array[]
  /** What a member is called, fit to be printed. */
  readonly nameOf: (member: number) => string
  /** What was read. */
  readonly source: string
  /** Nothing came before the first event, so positions of transactions can be counted. */
  readonly isWhole: boolean
}

export async function readGraph({ file, dir }: GraphSource): Promise<ExplainedGraph> {
  if (file !== undefined && dir !== undefined)
    throw usageError('--file and --dir were both given', 'name one of them')
  if (file !== undefined) return readFile(file)
  const [first] = dataDirectories(dir ?? TESTNET_DIR)
  return readDirectory(first!)
}

function readDirectory(dir: string): ExplainedGraph {
  const { explainer, ids, names } = explainJournal(dir)
  const nameOf = (member: number): string => printable(names.get(member) ?? `member ${member}`)
  return { explainer, ids, nameOf, source: dir, isWhole: true }
}

async function readFile(file: string): Promise<ExplainedGraph> {
  const ids: Uint8Array[] = []
  let isWhole = true
  const explainer = await withInterchange(file, (json) =>
    feedInterchange(
      json,
      (options) => {
        isWhole = options.snapshot === undefined
        return createExplainer(options)
      },
      (_, _handle, id) => void ids.push(fromHex(id)!),
    ),
  )
  const source = file === '-' ? 'standard input' : file
  return { explainer, ids, nameOf: (member) => `member ${member}`, source, isWhole }
}
