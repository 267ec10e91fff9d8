// Decides what is said of one transaction, by its id or its position, and of the application's state.
import { fromHex } from '@hearsay/dag'
import { type KnownJson, receiptToJson, resultToJson } from '../src/api-json.ts'
import type { RunningNode } from '../src/api-types.ts'
import { type Exchange, sendJson } from './exchange.ts'
import { Problem } from './problem.ts'

const POSITION = /^\d{1,15}$/

/** A position, or the id of a sealed transaction: 64 hexadecimal digits. */
function nameOf(text: string): number | Uint8Array {
  if (POSITION.test(text)) return Number(text)
  const id = text.length === 64 ? fromHex(text) : undefined
  if (id === undefined)
    throw new Problem('E_BAD_REQUEST', `${text.slice(0, 80)}: a position, or an id of 64 hexadecimal digits`)
  return id
}

function describe(node: RunningNode, name: number | Uint8Array): KnownJson {
  if (typeof name === 'number') {
    const receipt = node.receiptAt(name)
    if (receipt === undefined)
      throw new Problem(
        'E_NOT_FOUND',
        `position ${name}: the ledger has ${node.status().transactions} transactions`,
      )
    return receiptToJson(receipt)
  }
  const known = node.lookup(name)
  const { reason } = node.status()
  if (known.state === 'unknown') return { state: 'unknown', reason: null }
  if (known.state !== 'final') return { state: known.state, reason: reason ?? null }
  const receipt = node.receiptAt(known.position)
  return receipt === undefined ? { state: 'unknown', reason: null } : receiptToJson(receipt)
}

/** GET /v1/tx/{id} */
export function getTransaction(exchange: Exchange): void {
  sendJson(exchange, 200, describe(exchange.node, nameOf(exchange.parameters['id'] ?? '')))
}

/** GET /v1/tx/{id}/proof: of the transaction there, or that the certified ledger ends before it. */
export function getProof(exchange: Exchange): void {
  const { node, parameters } = exchange
  const name = nameOf(parameters['id'] ?? '')
  const position = typeof name === 'number' ? name : positionOf(node, name)
  const proof = node.proof(position)
  if (proof === undefined)
    throw new Problem('E_NOT_CERTIFIED', `position ${position} is not covered by a certificate yet`, {
      'Retry-After': '1',
    })
  sendJson(exchange, 200, proof)
}

function positionOf(node: RunningNode, id: Uint8Array): number {
  const known = node.lookup(id)
  if (known.state === 'final') return known.position
  throw new Problem('E_NOT_FOUND', `that transaction is ${known.state}`)
}

/** GET /v1/query?path=…: the application's answer; the rest of the query is not looked at. */
export async function getQuery(exchange: Exchange): Promise<void> {
  const { node, query } = exchange
  try {
    const answer = await node.query(query.get('path') ?? '', Buffer.from(query.get('data') ?? '', 'hex'))
    sendJson(exchange, 200, { result: resultToJson(answer), position: node.status().transactions })
  } catch (error) {
    throw new Problem('E_QUERY', error instanceof Error ? error.message : String(error))
  }
}
