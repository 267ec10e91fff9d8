/** Clients of real nodes over HTTP, and the record of what they did and saw. What is not certain is written down as uncertain. */
import { appendFileSync } from 'node:fs'
import type { BatchLineJson, LogPageJson, ReceiptJson, TransactionJson } from '@hearsay/node'
import { type Place, type ReadEntry, type Row, sessionOf, type SubmitRow } from './history.ts'

export interface Recorder {
  readonly rows: readonly Row[]
  /** Milliseconds on the one clock of the history. */
  nowMs(): number
  record(row: Row): void
  /** Writes what has not been written yet, one row a line. */
  save(): void
}

export function createRecorder(file?: string): Recorder {
  const rows: Row[] = []
  const beganMs = performance.now()
  let saved = 0
  return {
    rows,
    nowMs: () => performance.now() - beganMs,
    record: (row) => void rows.push(row),
    save: () => {
      if (file === undefined || saved === rows.length) return
      appendFileSync(
        file,
        `${rows
          .slice(saved)
          .map((row) => JSON.stringify(row))
          .join('\n')}\n`,
      )
      saved = rows.length
    },
  }
}

/** Where a client finds its node. */
export interface Endpoint {
  readonly name: string
  readonly url: string
  life(): string
}

export interface Client {
  /** One transaction, waited for until final or the time is up. */
  submit(timeoutMs: number): Promise<SubmitRow>
  /** Several in one request. */
  batch(count: number, timeoutMs: number): Promise<void>
  /** The next page behind what was read so far; whether there was one. */
  read(limit: number): Promise<boolean>
}

const placeOf = ({ position, timestamp, round, event, index }: ReceiptJson | TransactionJson): Place => ({
  position,
  timestamp,
  round,
  event,
  index,
})

const entryOf = (each: TransactionJson): ReadEntry => ({ ...placeOf(each), tx: each.text ?? each.hex })

/** Nothing was sent: nobody listened. */
function isRefused(error: unknown): boolean {
  const cause = (error as { cause?: { code?: unknown } }).cause
  return cause?.code === 'ECONNREFUSED'
}

/** What a client waits longer than the node was asked to, before it gives up. */
const PATIENCE_MS = 3_000

export function createClient(name: string, endpoint: Endpoint, recorder: Recorder): Client {
  let made = 0
  let cursor = 0

  const begin = (): { client: string; node: string; session: string; invokeMs: number } => ({
    client: name,
    node: endpoint.name,
    session: sessionOf(name, endpoint.life()),
    invokeMs: recorder.nowMs(),
  })
  const nextTx = (): string => `${name} ${made++}`

  async function submit(timeoutMs: number): Promise<SubmitRow> {
    const base = { ...begin(), op: 'submit' as const, tx: nextTx() }
    const finish = (rest: Pick<SubmitRow, 'outcome' | 'place' | 'taken'>): SubmitRow => {
      const row = { ...base, returnMs: recorder.nowMs(), ...rest }
      recorder.record(row)
      return row
    }
    try {
      const answer = await fetch(`${endpoint.url}/v1/tx?timeout=${timeoutMs}ms`, {
        method: 'POST',
        body: base.tx,
        signal: AbortSignal.timeout(timeoutMs + PATIENCE_MS),
      })
      const body: unknown = await answer.json()
      if (answer.status === 200) return finish({ outcome: 'ok', place: placeOf(body as ReceiptJson) })
      if (answer.status === 202) return finish({ outcome: 'info', taken: true })
      return finish({ outcome: 'fail' })
    } catch (error) {
      return finish({ outcome: isRefused(error) ? 'fail' : 'info' })
    }
  }

  async function batch(count: number, timeoutMs: number): Promise<void> {
    const base = { ...begin(), op: 'submit' as const }
    const open = new Map(Array.from({ length: count }, (_, i) => [i + 1, nextTx()]))
    const lines = [...open.values()].map((tx) => `${JSON.stringify(tx)}\n`).join('')
    const finish = (line: number, rest: Pick<SubmitRow, 'outcome' | 'place' | 'taken'>): void => {
      const tx = open.get(line)
      if (tx === undefined) throw new Error(`${endpoint.name} answered line ${line}, which is not open`)
      open.delete(line)
      recorder.record({ ...base, tx, returnMs: recorder.nowMs(), ...rest })
    }
    let outcome: 'fail' | 'info' = 'info'
    try {
      const answer = await fetch(`${endpoint.url}/v1/tx/batch`, {
        method: 'POST',
        body: lines,
        signal: AbortSignal.timeout(timeoutMs + PATIENCE_MS),
      })
      if (answer.status !== 200) outcome = 'fail'
      else for await (const line of linesOf(answer)) settle(JSON.parse(line) as BatchLineJson)
    } catch (error) {
      if (isRefused(error)) outcome = 'fail'
    }
    for (const line of open.keys()) finish(line, { outcome })

    function settle(line: BatchLineJson | { readonly type: string }): void {
      // The stream ends with a problem when the node stops.
      if (!('line' in line)) return
      if (line.state === 'ordered') finish(line.line, { outcome: 'ok', place: placeOf(line) })
      else if (line.state === 'refused') finish(line.line, { outcome: 'fail' })
      else finish(line.line, { outcome: 'info', taken: true })
    }
  }

  async function read(limit: number): Promise<boolean> {
    const base = { ...begin(), op: 'read' as const, from: cursor }
    let page: LogPageJson
    try {
      const answer = await fetch(`${endpoint.url}/v1/log?from=${cursor}&limit=${limit}`, {
        signal: AbortSignal.timeout(10_000),
      })
      if (answer.status !== 200) return false
      page = (await answer.json()) as LogPageJson
    } catch {
      // Nothing was seen, so there is nothing to write down.
      return false
    }
    const entries = page.transactions.map(entryOf)
    recorder.record({ ...base, returnMs: recorder.nowMs(), entries, total: page.total })
    const isMore = page.next > cursor
    cursor = page.next
    return isMore
  }

  return { submit, batch, read }
}

async function* linesOf(answer: Response): AsyncGenerator<string> {
  let rest = ''
  for await (const piece of (answer.body ?? new ReadableStream<Uint8Array>()).pipeThrough(
    new TextDecoderStream(),
  )) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}

/** The whole log of a node. */
export async function readAll(url: string): Promise<ReadEntry[]> {
  const entries: ReadEntry[] = []
  for (let from = 0; ;) {
    const answer = await fetch(`${url}/v1/log?from=${from}&limit=1000`)
    const page = (await answer.json()) as LogPageJson
    if (page.next === from) return entries
    from = page.next
    for (const each of page.transactions) entries.push(entryOf(each))
  }
}
