/** What clients were told, and what logs pass over, held against portable proofs: the nodes' word counts for nothing here. */
import { genesisFromJson, verifyProof, type ProvedTransaction } from '@hearsay/client/verify'
import type { Genesis } from '@hearsay/dag'
import { createNativeSuite } from '@hearsay/dag/native'
import type { Place, ReadEntry, Row, SubmitRow } from '../history/history.ts'
import type { Fleet } from '../network/fleet.ts'

const PATIENCE_MS = 60_000
const suite = createNativeSuite()
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const textOf = (proved: ProvedTransaction): string => new TextDecoder().decode(proved.bytes)
const shown = ({ position, timestamp, round, event, index }: Place): string =>
  JSON.stringify({ position, timestamp, round, event, index })

export interface Prover {
  /** By transaction, what is wrong with its receipt, `undefined` if nothing is; of so many receipts, evenly spread. */
  receipts(rows: readonly Row[], count: number): Promise<Map<string, string | undefined>>
  /** What stands where the log of a node has nothing. */
  voids(entries: readonly ReadEntry[]): Promise<Map<number, string>>
}

export async function createProver(fleet: Fleet): Promise<Prover> {
  const urls = fleet.names.map((name) => fleet.node(name).url)
  const parsed = genesisFromJson(await (await fetch(`${urls[0]}/v1/genesis`)).json())
  if (!parsed.ok) throw new Error(parsed.faults.join('; '))
  const genesis: Genesis = parsed.value
  let asked = 0

  /** From another node each time; waits for the certificate. */
  async function prove(position: number): Promise<ProvedTransaction | string> {
    const url = `${urls[asked++ % urls.length]}/v1/tx/${position}/proof`
    for (const beganMs = performance.now(); ; await pause(100)) {
      const answer = await fetch(url)
      if (answer.status === 425 && performance.now() - beganMs < PATIENCE_MS) continue
      const verdict = verifyProof(await answer.json(), genesis, suite)
      if (!verdict.ok) return `${answer.status}: ${verdict.reason}`
      return verdict.proved.kind === 'transaction' ? verdict.proved : 'nothing stands at its position'
    }
  }

  async function receipts(rows: readonly Row[], count: number): Promise<Map<string, string | undefined>> {
    const verdicts = new Map<string, string | undefined>()
    const acknowledged = rows.filter((row): row is SubmitRow => row.op === 'submit' && row.outcome === 'ok')
    const step = Math.max(1, acknowledged.length / Math.max(1, count))
    for (let at = 0; at < acknowledged.length && verdicts.size < count; at += step) {
      const { tx, place } = acknowledged[Math.floor(at)]!
      const proved = await prove(place!.position)
      if (typeof proved === 'string') verdicts.set(tx, proved)
      else if (textOf(proved) === tx && shown(proved) === shown(place!)) verdicts.set(tx, undefined)
      else verdicts.set(tx, `proved is ${textOf(proved)} at ${shown(proved)}, told was ${shown(place!)}`)
    }
    return verdicts
  }

  async function voids(entries: readonly ReadEntry[]): Promise<Map<number, string>> {
    const found = new Map<number, string>()
    let next = 0
    for (const { position } of entries) {
      for (; next < position; next++) {
        const proved = await prove(next)
        // What is not proved is none: the checker then finds the gap.
        if (typeof proved !== 'string') found.set(next, textOf(proved))
      }
      next = position + 1
    }
    return found
  }

  return { receipts, voids }
}
