// The client: submits so that a repetition is harmless, follows without gaps, and believes a node no more than it proves.
import {
  createPortableSuite,
  genesisFromJson,
  networkIdOf,
  sealTransaction,
  toHex,
  transactionId,
  type Genesis,
} from '@hearsay/dag'
import { verifyProof, type ProvedAbsence, type ProvedTransaction } from '../src/index.ts'
import { followLog } from './follow.ts'
import { createNodes, pause, type Nodes } from './nodes.ts'
import {
  ClientError,
  type LogPage,
  type LogTransaction,
  type NodeStatus,
  NotFinalError,
  type Pending,
  type Receipt,
  type Result,
  type Unknown,
} from './types.ts'

const TIMEOUT_MS = 30_000
const LIFETIME_MS = 120_000
const POLL_MS = 200

export interface ClientOptions {
  /** Addresses of nodes, like `http://127.0.0.1:8740`; in a browser the page's own origin, or ones that allow it. */
  readonly nodes: readonly string[]
  /** Content of `genesis.json`, from where you trust it. With it, receipts are believed only when they are proved. */
  readonly genesis?: unknown
  /** false: believe what the node says although there is a genesis. */
  readonly verify?: boolean
  readonly token?: string
  /** For everything that is asked, unless told otherwise. */
  readonly timeoutMs?: number
}

export interface WaitOptions {
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface SubmitOptions extends WaitOptions {
  /** After so long it can no longer take effect. */
  readonly lifetimeMs?: number
}

export interface SubmittedReceipt extends Receipt {
  readonly id: string
  /** What was proved of it; undefined if nothing is verified. */
  readonly proved: ProvedTransaction | undefined
}

export interface Client {
  /** Resolves when the transaction is final, and proved if there is a genesis. Tries all nodes; takes effect once. */
  submit(data: string | Uint8Array, options?: SubmitOptions): Promise<SubmittedReceipt>
  /** Goes on with a transaction whose end was not seen (`NotFinalError.sealed`). */
  resubmit(sealed: Uint8Array, options?: WaitOptions): Promise<SubmittedReceipt>
  /** The log from a position on, across broken connections, until the signal aborts. */
  follow(options?: { readonly from?: number; readonly signal?: AbortSignal }): AsyncIterable<LogTransaction>
  log(from: number, limit?: number, options?: WaitOptions): Promise<LogPage>
  /** By position or id. */
  transaction(name: number | string, options?: WaitOptions): Promise<Receipt | Pending | Unknown>
  query(path: string, options?: WaitOptions): Promise<Result>
  status(options?: WaitOptions): Promise<NodeStatus>
  /** What stands at a position, or that nothing does, verified against the genesis. Waits for a certificate. */
  prove(position: number, options?: WaitOptions): Promise<ProvedTransaction | ProvedAbsence>
}

interface Context {
  readonly nodes: Nodes
  readonly genesis: Genesis | undefined
  readonly verifies: boolean
  readonly timeoutMs: number
}

const suite = createPortableSuite()

export function createClient(options: ClientOptions): Client {
  const parsed = options.genesis === undefined ? undefined : genesisFromJson(options.genesis)
  if (parsed?.ok === false) throw new TypeError(`the genesis is not sound: ${parsed.faults.join('; ')}`)
  const context: Context = {
    nodes: createNodes(options.nodes, options.token),
    genesis: parsed?.value,
    verifies: parsed !== undefined && options.verify !== false,
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
  }
  const get = async <T>(path: string, wait: WaitOptions | undefined): Promise<T> => {
    const response = await context.nodes.ask({ path, signal: deadline(context, wait) })
    return (await response.json()) as T
  }
  return {
    submit: (data, wait = {}) => submitSealed(context, seal(data, wait.lifetimeMs ?? LIFETIME_MS), wait),
    resubmit: (sealed, wait = {}) => submitSealed(context, sealed, wait),
    follow: ({ from = 0, signal } = {}) =>
      followLog(context.nodes, from, signal ?? new AbortController().signal),
    log: (from, limit = 100, wait) => get(`/v1/log?from=${from}&limit=${limit}`, wait),
    transaction: (name, wait) => get(`/v1/tx/${name}`, wait),
    query: async (path, wait) =>
      (await get<{ result: Result }>(`/v1/query?path=${encodeURIComponent(path)}`, wait)).result,
    status: (wait) => get('/v1/status', wait),
    prove: (position, wait) => prove(context, position, deadline(context, wait)),
  }
}

function deadline({ timeoutMs }: Pick<Context, 'timeoutMs'>, wait: WaitOptions | undefined): AbortSignal {
  const time = AbortSignal.timeout(wait?.timeoutMs ?? timeoutMs)
  return wait?.signal === undefined ? time : AbortSignal.any([time, wait.signal])
}

function seal(data: string | Uint8Array, lifetimeMs: number): Uint8Array {
  const nonce = crypto.getRandomValues(new Uint8Array(16))
  const body = typeof data === 'string' ? new TextEncoder().encode(data) : data
  return sealTransaction({ nonce, expires: Math.floor((Date.now() + lifetimeMs) * 1_000), body })
}

async function submitSealed(
  context: Context,
  sealed: Uint8Array,
  wait: WaitOptions,
): Promise<SubmittedReceipt> {
  const id = toHex(transactionId(sealed, suite.sha256))
  const signal = deadline(context, wait)
  try {
    const receipt = await untilFinal(context, sealed, signal)
    const isProvable = context.verifies && (receipt.state === 'ordered' || receipt.state === 'certified')
    const proved = isProvable ? await proveReceipt(context, receipt, id, signal) : undefined
    return { ...receipt, id, proved }
  } catch (error) {
    if (signal.aborted) throw new NotFinalError(id, sealed, error)
    throw error
  }
}

/** The same bytes are the same transaction at every node, so they are sent again until one says how it ended. */
async function untilFinal(context: Context, sealed: Uint8Array, signal: AbortSignal): Promise<Receipt> {
  for (;;) {
    // Who verifies needs the certificate as well, and by then it is there.
    const path = `/v1/tx?timeout=10s&until=${context.verifies ? 'certified' : 'ordered'}`
    const response = await context.nodes.ask({ path, method: 'POST', body: sealed, signal })
    const receipt = (await response.json()) as Receipt | Pending
    if ('position' in receipt) return receipt
    // It cannot make it final: another one may be in a better place.
    context.nodes.leave()
    await pause(POLL_MS, signal)
    signal.throwIfAborted()
  }
}

async function proveReceipt(
  context: Context,
  receipt: Receipt,
  id: string,
  signal: AbortSignal,
): Promise<ProvedTransaction> {
  const proved = await prove(context, receipt.position, signal)
  if (proved.kind === 'transaction' && proved.id === id && proved.timestamp === receipt.timestamp)
    return proved
  throw new ClientError(
    'E_PROOF',
    `what is proved for position ${receipt.position} is not what the receipt says`,
    0,
  )
}

async function prove(
  context: Context,
  position: number,
  signal: AbortSignal,
): Promise<ProvedTransaction | ProvedAbsence> {
  const { genesis, nodes } = context
  if (genesis === undefined)
    throw new ClientError('E_NO_GENESIS', 'a proof is checked against the genesis', 0)
  const response = await nodes.ask({ path: `/v1/tx/${position}/proof`, signal, again: [425] })
  const verdict = verifyProof(await response.json(), genesis, suite)
  if (!verdict.ok)
    throw new ClientError(
      'E_PROOF',
      `the proof for position ${position} proves nothing: ${verdict.reason}`,
      0,
    )
  if (verdict.proved.position === position) return verdict.proved
  throw new ClientError('E_PROOF', `a proof for position ${verdict.proved.position} came for ${position}`, 0)
}

/** The id of the network that a genesis founds, to compare it with what others say. */
export function networkIdOfGenesis(genesis: unknown): string {
  const parsed = genesisFromJson(genesis)
  if (!parsed.ok) throw new TypeError(`the genesis is not sound: ${parsed.faults.join('; ')}`)
  return toHex(networkIdOf(parsed.value, suite.sha256))
}
