/**
 * An application in another process follows the ledger: it is given what comes after its own cursor, round after round, and asked
 * for results. The node orders on whether it keeps up or not; while it does not, the node says that it is not ready. When it
 * ends it is opened again, after a pause that doubles, and asked where it stands; from there it goes on.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSealed, type CborValue } from '@hearsay/dag'
import { writeFileDurable } from '../disk/index.ts'
import type { OrderedTransaction, Receipt, RunningNode, Submission, SubmitResult } from '../src/api-types.ts'
import type { Outcome } from '../src/application.ts'
import {
  appliedJson,
  type ApplicationPlace,
  type ApplicationQuestion,
  outcomesOf,
  placeOf,
  valueOfJson,
} from '../src/application-protocol.ts'
import { type ApplicationChannel, openApplication } from './application-channel.ts'

const PAGE = 1_000
/** Transactions of one `apply` at most. */
const BATCH = 1_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 10_000
/** Outcomes kept, and receipts that may wait for one. */
const KEPT_OUTCOMES = 262_144
/** After so many transactions the node asks for a snapshot. */
const SNAPSHOT_AFTER = 16_384
const SNAPSHOT_FILE = 'application.json'

export interface RemoteApplicationOptions {
  /** Data directory of the node. */
  readonly dir: string
  /** A command line, `unix:/path` or `tcp:host:port`. */
  readonly command: string
  readonly narrate?: (line: string) => void
}

/** What an application in another process adds to a node. */
export interface RemoteApplication {
  /** The node with it: what is served and asked. */
  readonly node: RunningNode
  place(): ApplicationPlace | undefined
  /** Of the process that runs it, if it is one of this machine that was started here. */
  pid(): number | undefined
  stop(): Promise<void>
}

interface Waiter {
  readonly position: number
  readonly tell: () => void
}

function settle(answered: unknown, what: string): ApplicationPlace {
  if (typeof answered === 'string') throw new Error(`${what}: ${answered}`)
  return answered as ApplicationPlace
}

async function need(
  to: ApplicationChannel,
  question: ApplicationQuestion,
): Promise<Readonly<Record<string, unknown>>> {
  const answered = await to.ask(question)
  if (answered === undefined) throw new Error(`it does not know ${Object.keys(question)[0]}`)
  return answered
}

/** Those of one round, from the front. */
function batchOf(page: readonly OrderedTransaction[]): readonly OrderedTransaction[] {
  const { round } = page[0]!
  const end = page.findIndex((each) => each.round !== round)
  return page.slice(0, Math.min(BATCH, end < 0 ? page.length : end))
}

export function attachApplication(node: RunningNode, options: RemoteApplicationOptions): RemoteApplication {
  const { dir, command } = options
  const narrate = options.narrate ?? ((): void => undefined)
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const { name, networkId } = node.status()
  const outcomes = new Map<number, Outcome>()
  const waiters = new Set<Waiter>()
  const stopping = new AbortController()
  let channel: ApplicationChannel | undefined
  let place: ApplicationPlace | undefined
  let trouble: string | undefined = 'the application has not answered yet'
  let knowsSnapshot = true
  let snapshotAt = 0
  let ring = Promise.withResolvers<void>()
  const stopListening = node.onGrowth(() => ring.resolve())
  stopping.signal.addEventListener('abort', () => ring.resolve())

  const textOf = (bytes: Uint8Array): string | null => {
    try {
      return decoder.decode(bytes)
    } catch {
      return null
    }
  }

  function advance(to: ApplicationPlace): void {
    place = to
    for (const waiter of waiters) {
      if (waiter.position >= to.cursor) continue
      waiters.delete(waiter)
      waiter.tell()
    }
  }

  /** Asks where it stands; gives it the snapshot if that is further. */
  async function greet(to: ApplicationChannel): Promise<void> {
    const hello = { protocol: 1, networkId: Buffer.from(networkId).toString('hex'), name } as const
    let at = settle(placeOf(await need(to, { hello })), 'hello')
    if (at.cursor > node.status().transactions)
      throw new Error(
        `it stands at ${at.cursor}, and the ledger has ${node.status().transactions}: it belongs to another network`,
      )
    const kept = readSnapshot()
    if (kept !== undefined && kept.cursor > at.cursor) {
      const answered = await to.ask({ restore: kept })
      if (answered !== undefined) at = settle(placeOf(answered), 'restore')
    }
    snapshotAt = at.cursor
    advance(at)
    narrate(`application: at ${at.cursor}`)
  }

  function readSnapshot(): { readonly cursor: number; readonly hex: string } | undefined {
    const path = join(dir, SNAPSHOT_FILE)
    if (!existsSync(path)) return undefined
    const { network, cursor, hex } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
    const isOurs = network === Buffer.from(networkId).toString('hex')
    return isOurs && typeof cursor === 'number' && typeof hex === 'string' ? { cursor, hex } : undefined
  }

  async function keepSnapshot(to: ApplicationChannel, at: ApplicationPlace): Promise<void> {
    snapshotAt = at.cursor
    if (!knowsSnapshot) return
    const answered = await to.ask({ snapshot: {} })
    if (answered === undefined || typeof answered['hex'] !== 'string') {
      knowsSnapshot = false
      return
    }
    const { cursor } = settle(placeOf(answered), 'snapshot')
    const kept = { network: Buffer.from(networkId).toString('hex'), cursor, hex: answered['hex'] }
    writeFileDurable(join(dir, SNAPSHOT_FILE), new TextEncoder().encode(JSON.stringify(kept)), 0o600)
  }

  async function applyNext(to: ApplicationChannel, from: ApplicationPlace): Promise<boolean> {
    const page = await node.log(from.cursor, PAGE)
    if (page.length === 0) return false
    for (let rest = page, at = from; rest.length > 0;) {
      const batch = batchOf(rest)
      const live = batch.filter((each) => each.isVoid !== true)
      const cursor = batch.at(-1)!.position + 1
      const transactions = live.map((each) => {
        const bytes = openSealed(each.bytes)?.body ?? each.bytes
        return appliedJson({ ...each, bytes }, textOf(bytes))
      })
      const { round } = batch[0]!
      const answered = await need(to, { apply: { round, from: at.cursor, cursor, transactions } })
      const found = outcomesOf(answered['results'], live.length)
      if (typeof found === 'string') throw new Error(`apply: ${found}`)
      for (const [i, outcome] of found.entries()) outcomes.set(live[i]!.position, outcome)
      for (const oldest of outcomes.keys()) {
        if (outcomes.size <= KEPT_OUTCOMES) break
        outcomes.delete(oldest)
      }
      at = settle(placeOf(answered, cursor), 'apply')
      advance(at)
      if (cursor - snapshotAt >= SNAPSHOT_AFTER) await keepSnapshot(to, at)
      rest = rest.slice(batch.length)
    }
    return true
  }

  async function follow(to: ApplicationChannel): Promise<void> {
    await greet(to)
    trouble = undefined
    while (!stopping.signal.aborted) {
      // Before the reading: what grows between it and the wait has rung already.
      ring = Promise.withResolvers<void>()
      if (await applyNext(to, place!)) continue
      const ended = await Promise.race([ring.promise, to.ended])
      if (typeof ended === 'string') throw new Error(ended)
    }
    if (place !== undefined && place.cursor > snapshotAt) await keepSnapshot(to, place)
  }

  async function run(): Promise<void> {
    const state = join(dir, 'application')
    mkdirSync(state, { recursive: true, mode: 0o700 })
    let pauseMs = FIRST_PAUSE_MS
    while (!stopping.signal.aborted) {
      try {
        const before = place?.cursor
        channel = await openApplication({
          command,
          dir: state,
          onLine: (line) => narrate(`application: ${line}`),
        })
        await follow(channel)
        if (place?.cursor !== before) pauseMs = FIRST_PAUSE_MS
      } catch (error) {
        trouble = error instanceof Error ? error.message : String(error)
        if (place !== undefined) pauseMs = Math.min(pauseMs, LONGEST_PAUSE_MS)
        if (!stopping.signal.aborted) narrate(`application: ${trouble}; again in ${pauseMs} ms`)
      }
      channel?.end()
      channel = undefined
      if (stopping.signal.aborted) return
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, pauseMs)
      stopping.signal.addEventListener('abort', () => resolve())
      await promise
      clearTimeout(timer)
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
    }
  }

  function withOutcome(receipt: Receipt): Receipt {
    const outcome = receipt.outcome ?? outcomes.get(receipt.position)
    return outcome === undefined ? receipt : { ...receipt, outcome }
  }

  /** The receipt says what the application has made of it, so it waits until that has happened. */
  async function applied(receipt: Receipt): Promise<Receipt> {
    if (receipt.outcome?.kind === 'void') return receipt
    if (place === undefined || receipt.position >= place.cursor) {
      await new Promise<void>((resolve) => {
        waiters.add({ position: receipt.position, tell: resolve })
      })
    }
    return withOutcome(receipt)
  }

  function awaiting(result: SubmitResult): SubmitResult {
    if (!result.ok) return result
    const { submission } = result
    const final = submission.final.then(applied)
    final.catch(() => undefined)
    const wrapped: Submission = { ...submission, final }
    return { ok: true, submission: wrapped }
  }

  async function admit(bytes: Uint8Array): Promise<string | undefined> {
    const body = openSealed(bytes)?.body ?? bytes
    const check = { text: textOf(body), hex: Buffer.from(body).toString('hex') }
    // Where it does not answer the transaction is taken in: what becomes of it is decided when it is ordered.
    const answered = await channel?.ask({ check }).catch(() => undefined)
    const rejected = answered?.['rejected']
    return rejected === undefined || rejected === null ? undefined : String(rejected)
  }

  async function query(path: string, data: Uint8Array): Promise<CborValue> {
    if (channel === undefined || place === undefined)
      throw new Error(trouble ?? 'the application is being opened')
    const answered = await channel.ask({ query: { path, hex: Buffer.from(data).toString('hex') } })
    if (answered === undefined) throw new Error('the application answers no queries')
    return valueOfJson(answered['result']) ?? null
  }

  const done = run()
  return {
    place: () => place,
    pid: () => channel?.pid,
    stop: async () => {
      stopping.abort()
      stopListening()
      // Whoever waits for an answer gets none any more.
      const overdue = setTimeout(() => channel?.end(), 1_000)
      await done
      clearTimeout(overdue)
    },
    node: {
      ...node,
      admit,
      submit: (transaction) => awaiting(node.submit(transaction)),
      submitPacked: (payload) => awaiting(node.submitPacked(payload)),
      receiptAt: (position) => {
        const receipt = node.receiptAt(position)
        return receipt === undefined ? undefined : withOutcome(receipt)
      },
      query,
      status: () => {
        const status = node.status()
        if (trouble === undefined || status.state !== 'active') return status
        return { ...status, state: 'behind', reason: `application: ${trouble}` }
      },
    },
  }
}
