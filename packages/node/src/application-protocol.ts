/**
 * What a node and an application in another process say to each other: six questions of the node, one JSON object a line (NDJSON,
 * UTF-8), and for each an answer with the same `id`, in the order of the questions. The application keeps its own state and the
 * cursor that belongs to it, and stores both in one step: the node asks for the cursor whenever either side has started, and sends
 * what follows it. So every transaction takes effect once, whichever side dies whenever.
 *
 *   hello     → { cursor, hash }           where the state stands: the position after the last transaction that is in it
 *   apply     → { results, hash }          the next transactions; `from` is the cursor before, `cursor` the one after them
 *   check     → { } or { rejected }        whether to take a transaction in; decides nothing about the order
 *   query     → { result }
 *   snapshot  → { cursor, hash, hex }      the state as bytes
 *   restore   → { cursor, hash }           the state is these bytes now
 *
 * What it does not know it answers with { unsupported: true }; what has failed with { error }, and the node ends the connection.
 */
import { toHex, type CborValue } from '@hearsay/dag'
import type { Outcome } from './application.ts'

/** One line, either way, at most: 4 MiB of transactions as text and in hexadecimal, with escapes. */
export const MAX_APPLICATION_LINE_BYTES: number = 64 * 1024 * 1024

export interface AppliedJson {
  readonly position: number
  readonly timestamp: number
  readonly creator: string
  /** Null if it is not UTF-8. */
  readonly text: string | null
  readonly hex: string
}

export type ApplicationQuestion =
  | { readonly hello: { readonly protocol: 1; readonly networkId: string; readonly name: string } }
  | {
      readonly apply: {
        readonly round: number
        readonly from: number
        readonly cursor: number
        readonly transactions: readonly AppliedJson[]
      }
    }
  | { readonly check: { readonly text: string | null; readonly hex: string } }
  | { readonly query: { readonly path: string; readonly hex: string } }
  | { readonly snapshot: Readonly<Record<string, never>> }
  | { readonly restore: { readonly cursor: number; readonly hex: string } }

/** Where the state of an application stands. */
export interface ApplicationPlace {
  readonly cursor: number
  /** For people and tests: equal states have equal hashes. */
  readonly hash: string | null
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export type ApplicationAnswer =
  | { readonly kind: 'answer'; readonly id: number; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly kind: 'unsupported'; readonly id: number }
  | { readonly kind: 'failed'; readonly why: string }

export function answerFromJson(json: unknown): ApplicationAnswer {
  if (!isRecord(json)) return { kind: 'failed', why: 'an answer is a JSON object on a line of its own' }
  if (json['error'] !== undefined)
    return { kind: 'failed', why: `it says: ${String(json['error']).slice(0, 500)}` }
  const id = json['id']
  if (typeof id !== 'number') return { kind: 'failed', why: 'an answer without the id of its question' }
  return json['unsupported'] === true ? { kind: 'unsupported', id } : { kind: 'answer', id, fields: json }
}

/** The place that an answer to `hello`, `apply`, `snapshot` or `restore` names; a sentence if it names none. */
export function placeOf(
  fields: Readonly<Record<string, unknown>>,
  cursor: unknown = fields['cursor'],
): ApplicationPlace | string {
  if (typeof cursor !== 'number' || !Number.isSafeInteger(cursor) || cursor < 0)
    return 'cursor: a position from 0 on'
  const hash = fields['hash'] ?? null
  if (hash !== null && (typeof hash !== 'string' || hash.length > 200)) return 'hash: text, or null'
  return { cursor, hash }
}

/** A JSON value of an application as a value that goes into receipts. */
export function valueOfJson(json: unknown): CborValue | undefined {
  if (json === undefined || json === null) return undefined
  if (typeof json === 'string' || typeof json === 'boolean' || typeof json === 'number') return json
  if (Array.isArray(json)) return json.map((each) => valueOfJson(each) ?? null)
  return new Map(Object.entries(json as object).map(([key, value]) => [key, valueOfJson(value) ?? null]))
}

/** What became of the transactions that were applied, one for each; a sentence if that is not what it is. */
export function outcomesOf(results: unknown, count: number): readonly Outcome[] | string {
  if (!Array.isArray(results) || results.length !== count)
    return `results: a list of ${count}, one for each transaction`
  const outcomes: Outcome[] = []
  for (const each of results as unknown[]) {
    const { rejected, result } = isRecord(each) ? each : { rejected: undefined, result: each }
    if (rejected !== undefined) outcomes.push({ kind: 'rejected', reason: String(rejected).slice(0, 500) })
    else outcomes.push({ kind: 'applied', result: valueOfJson(result) })
  }
  return outcomes
}

export interface ToApply {
  readonly position: number
  readonly timestamp: number
  readonly creatorName: string
  readonly bytes: Uint8Array
}

/** `text` is the bytes as UTF-8, or null: this room has no decoder. */
export const appliedJson = (
  { position, timestamp, creatorName, bytes }: ToApply,
  text: string | null,
): AppliedJson => ({
  position,
  timestamp,
  creator: creatorName,
  text,
  hex: toHex(bytes),
})
