/** A client of the SDK in the recorded history: it may ask any node and send again, so one submission is sure to take effect once. */
import { createClient as createSdkClient, NotFinalError } from '@hearsay/client'
import type { Recorder } from './client.ts'
import { sessionOf, type SubmitRow } from './history.ts'

export interface Roamer {
  submit(timeoutMs: number): Promise<SubmitRow>
}

export interface Nodes {
  readonly names: readonly string[]
  node(name: string): { readonly url: string }
}

export function createRoamer(name: string, nodes: Nodes, first: number, recorder: Recorder): Roamer {
  const { names } = nodes
  const order = names.map((_, i) => names[(first + i) % names.length]!)
  const sdk = createSdkClient({ nodes: order.map((each) => nodes.node(each).url) })
  let made = 0
  return {
    submit: async (timeoutMs) => {
      const tx = `${name} ${made++}`
      const base = { client: name, node: 'any', session: sessionOf(name, 'any'), op: 'submit' as const, tx }
      const invokeMs = recorder.nowMs()
      const finish = (rest: Pick<SubmitRow, 'outcome' | 'place'>): SubmitRow => {
        const row = { ...base, invokeMs, returnMs: recorder.nowMs(), ...rest }
        recorder.record(row)
        return row
      }
      try {
        const { state, position, timestamp, round, event, index } = await sdk.submit(tx, { timeoutMs })
        if (state !== 'ordered' && state !== 'certified') throw new Error(`${tx}: ${state} is no end for it`)
        return finish({ outcome: 'ok', place: { position, timestamp, round, event, index } })
      } catch (error) {
        if (error instanceof NotFinalError) return finish({ outcome: 'info' })
        throw error
      }
    },
  }
}
