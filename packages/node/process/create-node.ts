/**
 * A member with an application inside of one's own program: what `startNode` gives, in the words of whoever embeds it.
 */
import { createHash, randomBytes } from 'node:crypto'
import { openSealed, sealTransaction, toHex, transactionId, type CborValue } from '@hearsay/dag'
import type { NodeStatus, Receipt } from '../src/api-types.ts'
import type { Application } from '../src/application.ts'
import type { NodeConfig } from '../src/config.ts'
import { OperatorError } from '../src/errors.ts'
import { startNode } from './start.ts'
import type { StartedNode } from './types.ts'

/** A sealed transaction is valid for so long unless told otherwise. */
const LIFETIME_MS = 120_000
const PAGE = 256
const REMEMBERED_IDS = 65_536

export interface CreateNodeOptions<S> {
  /** Data directory with `genesis.json`, `config.json` and `key`. */
  readonly dir: string
  readonly app?: Application<S>
  readonly overrides?: Partial<NodeConfig>
  readonly narrate?: (line: string) => void
}

export interface SubmitOptions {
  /** Submitting again under the same id, with the same bytes, is the same transaction and gives the same receipt. */
  readonly id?: string
  /** `accepted` does not wait. */
  readonly until?: 'accepted' | 'ordered'
  /** Stops the waiting; the transaction stays submitted. */
  readonly signal?: AbortSignal
  /** Wall clock, milliseconds since the epoch, after which it must not take effect any more. */
  readonly expiresMs?: number
}

/** A transaction that is not final yet. */
export interface PendingReceipt {
  readonly state: 'pending' | 'gossiped'
  readonly id: string
}

/** A transaction that is final: it took effect, or it has its place in the log and never will. */
export interface FinalReceipt {
  readonly state: 'ordered' | 'rejected' | 'expired'
  readonly id: string
  readonly position: number
  readonly round: number
  /** Consensus time, microseconds since the Unix epoch. */
  readonly timestamp: number
  /** What the application answered; undefined if it answered nothing or that is too long ago. */
  readonly result: CborValue | undefined
  readonly reason: string | undefined
  readonly latencyMs: number
}

/** A transaction of the log that took effect. */
export interface LogEntry {
  readonly position: number
  readonly round: number
  readonly timestamp: number
  readonly creator: string
  /** Without the seal. */
  readonly bytes: Uint8Array
  readonly text: string
}

export interface LogOptions {
  /** First position; where one stopped is the last position plus one, on every node. */
  readonly from?: number
  /** Ends the iteration. */
  readonly signal?: AbortSignal
  /** Ends with what is there now, instead of waiting for more. */
  readonly follow?: boolean
}

export interface EmbeddedNode<S> extends AsyncDisposable {
  submit(data: string | Uint8Array, options?: SubmitOptions & { until?: 'ordered' }): Promise<FinalReceipt>
  submit(data: string | Uint8Array, options: SubmitOptions): Promise<FinalReceipt | PendingReceipt>
  log(options?: LogOptions): AsyncIterable<LogEntry>
  query(path?: string, data?: Uint8Array): CborValue
  /** The application's state as it is now; do not change it. */
  state(): Readonly<S>
  status(): NodeStatus
  stop(): Promise<void>
  /** What `startApi` serves. */
  readonly running: StartedNode
}

/** Thrown when the waiting was ended before the transaction was final: it is still submitted. */
export class NotFinalYet extends Error {
  readonly code = 'E_NOT_FINAL'
  readonly id: string

  constructor(id: string) {
    super(
      `transaction ${id} is not final yet; it stays submitted, and submitting it again under its id is safe`,
    )
    this.name = 'NotFinalYet'
    this.id = id
  }
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()

/** Starts a member on its data directory and the application with it. */
export async function createNode<S = undefined>(options: CreateNodeOptions<S>): Promise<EmbeddedNode<S>> {
  const { dir, app, overrides, narrate } = options
  const running = await startNode({
    dir,
    ...(app === undefined ? {} : { application: app as Application<unknown> }),
    ...(overrides === undefined ? {} : { overrides }),
    ...(narrate === undefined ? {} : { narrate }),
  })
  const stopping = new AbortController()
  const stop = (): Promise<void> => {
    stopping.abort()
    return running.stop()
  }
  /** Ids that the program gave → when the transaction expires, so that the same id is the same transaction. */
  const expiries = new Map<string, number>()

  function expiryOf(id: string | undefined, wanted: number | undefined): number {
    const fresh = Math.floor((wanted ?? Date.now() + LIFETIME_MS) * 1_000)
    if (id === undefined) return fresh
    const known = expiries.get(id)
    if (known !== undefined) return known
    expiries.set(id, fresh)
    if (expiries.size > REMEMBERED_IDS) {
      for (const oldest of expiries.keys()) {
        expiries.delete(oldest)
        break
      }
    }
    return fresh
  }

  function seal(data: string | Uint8Array, { id, expiresMs }: SubmitOptions): Uint8Array {
    const body = typeof data === 'string' ? Buffer.from(data, 'utf8') : data
    const nonce = id === undefined ? randomBytes(16) : sha256(Buffer.from(id, 'utf8')).subarray(0, 16)
    return sealTransaction({ nonce, expires: expiryOf(id, expiresMs), body })
  }

  async function submit(data: string | Uint8Array, wanted: SubmitOptions = {}): Promise<FinalReceipt> {
    const sealed = seal(data, wanted)
    const id = toHex(transactionId(sealed, sha256))
    const result = running.submit(sealed)
    if (!result.ok) {
      const code = `E_${result.reason.toUpperCase().replaceAll('-', '_')}`
      throw new OperatorError(code, result.message, result.reason === 'rejected' ? 6 : 69)
    }
    const { submission } = result
    if (wanted.until === 'accepted') return { state: submission.state(), id } as unknown as FinalReceipt
    return finalReceipt(id, await untilAborted(submission.final, wanted.signal, id))
  }

  return {
    submit,
    log: (wanted = {}) => {
      const signals = wanted.signal === undefined ? [stopping.signal] : [stopping.signal, wanted.signal]
      return followLog(running, wanted, AbortSignal.any(signals))
    },
    query: (path = '', data = new Uint8Array(0)) => running.machine.query(path, data),
    state: () => running.machine.state() as Readonly<S>,
    status: () => running.status(),
    stop,
    running,
    [Symbol.asyncDispose]: stop,
  }
}

function finalReceipt(id: string, { position, round, timestamp, latencyMs, outcome }: Receipt): FinalReceipt {
  const result = outcome?.kind === 'applied' ? outcome.result : undefined
  const reason = outcome === undefined || outcome.kind === 'applied' ? undefined : outcome.reason
  const state = reason === undefined ? 'ordered' : reason === 'expired' ? 'expired' : 'rejected'
  return { state, id, position, round, timestamp, result, reason, latencyMs }
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, id: string): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new NotFinalYet(id))
    signal.addEventListener('abort', giveUp, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp))
    if (signal.aborted) giveUp()
  })
}

async function* followLog(
  node: StartedNode,
  { from = 0, follow = true }: LogOptions,
  over: AbortSignal,
): AsyncGenerator<LogEntry> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let wake = Promise.withResolvers<void>()
  const ring = (): void => wake.resolve()
  const unsubscribe = node.onGrowth(ring)
  over.addEventListener('abort', ring)
  void node.failed.then(ring)
  try {
    let next = from
    while (!over.aborted) {
      // Before the read: what grows between the read and the wait has rung already.
      wake = Promise.withResolvers<void>()
      const page = await node.log(next, PAGE)
      for (const { position, round, timestamp, creatorName, bytes: whole, isVoid } of page) {
        if (over.aborted) return
        next = position + 1
        if (isVoid === true) continue
        const bytes = openSealed(whole)?.body ?? whole
        yield { position, round, timestamp, creator: creatorName, bytes, text: decoder.decode(bytes) }
      }
      if (page.length > 0) continue
      if (!follow || node.status().state === 'failed') return
      await wake.promise
    }
  } finally {
    unsubscribe()
    over.removeEventListener('abort', ring)
  }
}
