/** Takes the journal of a data directory through the explainer, so that of each of its events the reasons are known. */
import { createExplainer, type Explainer } from '@hearsay/consensus'
import { coinOf, networkIdOf } from '@hearsay/dag'
import { createBestSuite } from '@hearsay/dag/native'
import { engineOptionsOf } from '../src/orderer.ts'
import { readGenesis } from './data-directory.ts'
import { orderJournal } from './journal-reading.ts'

export interface ExplainedJournal {
  readonly explainer: Explainer
  /** Of all events, parents before children. */
  readonly ids: readonly Uint8Array[]
  /** Names of the members by their ids. */
  readonly names: ReadonlyMap<number, string>
}

/** Reads only, and needs no lock. Every event is verified before it is explained. */
export function explainJournal(dir: string): ExplainedJournal {
  const { suite } = createBestSuite()
  const genesis = readGenesis(dir)
  const explainer = createExplainer(engineOptionsOf(genesis))
  const ids: Uint8Array[] = []
  orderJournal(
    { dir, genesis, networkId: networkIdOf(genesis, suite.sha256), suite },
    {
      onLinked: ({ event, index, selfParent, otherParents }) => {
        const { id, creator, birthRound, timestamp, transactionCount } = event
        const coin = coinOf(event)
        const handle = explainer.insert({
          id,
          creator,
          selfParent,
          otherParents,
          birthRound,
          timestamp,
          coin,
          transactionCount,
        })
        if (handle !== index) throw new Error(`invariant: event ${index} of the graph is ${handle} here`)
        ids.push(id)
      },
      onBlock: () => undefined,
    },
  )
  return { explainer, ids, names: new Map(genesis.members.map(({ id, name }) => [id, name])) }
}
