// The checker at work: takes frames of events from any number of sources, has their signatures checked, feeds them to the engine and
// tells the page what came of it, in pieces that keep it moving.
import { explanationText } from '@hearsay/consensus'
import { verifyProof } from '@hearsay/client/verify'
import { openSealed, payloadOf, toHex, transactionsOf, type DecodedEvent, type Genesis } from '@hearsay/dag'
import type { Frame } from '../src/model/frames.ts'
import { createChecker } from '../src/verify/checker.ts'
import { createKept, type ReadAt } from './kept.ts'
import type { Detail, FromChecker, Proved, SourceState, TransactionView } from './protocol.ts'
import type { SignatureChecker } from './signatures.ts'

const POST_EVERY_MS = 60
const POST_EVENTS = 4_096
/** Signatures that are checked at once. */
const AT_ONCE = 256
/** A preview of a transaction: the rest is there to be asked for. */
const SHOWN_BYTES = 2_048

export interface Checking {
  take(frames: readonly Frame[], source: number, name: string): Promise<void>
  post(force: boolean): void
  linkedCount(): number
  detail(index: number, reasons: boolean): Promise<Detail | undefined>
  prove(proof: unknown): Proved
}

export interface CheckingOptions {
  readonly genesis: Genesis
  readonly signatures: SignatureChecker
  readonly isSigned: boolean
  readonly readers: readonly ReadAt[]
  readonly sources: () => readonly SourceState[]
  readonly post: (message: FromChecker) => void
}

const iso = (micros: number): string => new Date(micros / 1_000).toISOString().slice(11, 23)

function transactionsIn(event: DecodedEvent): TransactionView[] {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  return transactionsOf(payloadOf(event)).map((bytes) => {
    const sealed = openSealed(bytes)
    const body = sealed?.body ?? bytes
    const shown = body.subarray(0, SHOWN_BYTES)
    let text: string | null = null
    try {
      text = decoder.decode(shown)
    } catch {
      text = null
    }
    return { text, hex: toHex(shown), bytes: body.length, sealed: sealed !== undefined }
  })
}

export function createChecking(options: CheckingOptions): Checking {
  const { genesis, signatures, isSigned, post } = options
  const kept = createKept(options.readers)
  const publicKeys = new Map(genesis.members.map(({ id, publicKey }) => [id, publicKey]))
  const names = new Map(genesis.members.map(({ id, name }) => [id, name]))
  const nameOf = (id: number): string => names.get(id) ?? String(id)
  /** Event key → where it came from, until it is linked. */
  const arrivals = new Map<string, { source: number; before: number }>()
  const checker = createChecker({
    genesis,
    suite: signatures.suite,
    onLinked: (event, index) => {
      const { source, before } = arrivals.get(event.key) ?? { source: 0, before: 0 }
      arrivals.delete(event.key)
      kept.keep(index, event.bytes, source, before)
    },
  })
  let postedCount = 0
  let postedMs = 0

  function tell(force: boolean): void {
    const now = performance.now()
    const fresh = checker.linkedCount() - postedCount
    if (!force && fresh < POST_EVENTS && now - postedMs < POST_EVERY_MS) return
    postedMs = now
    postedCount = checker.linkedCount()
    post({
      kind: 'batch',
      batch: checker.drain(),
      sources: options.sources(),
      waiting: checker.waitingCount(),
    })
  }

  async function check(events: readonly DecodedEvent[]): Promise<readonly boolean[]> {
    if (!isSigned) return events.map(() => true)
    return signatures.check(
      events.map((event) => ({
        publicKey: publicKeys.get(event.creator) ?? new Uint8Array(32),
        message: event.bytes.subarray(0, event.bodyBytes),
        signature: event.bytes.subarray(event.bodyBytes, event.bodyBytes + 64),
      })),
    )
  }

  async function take(frames: readonly Frame[], source: number, name: string): Promise<void> {
    for (let at = 0; at < frames.length; at += AT_ONCE) {
      const events: DecodedEvent[] = []
      for (const { bytes, before } of frames.slice(at, at + AT_ONCE)) {
        const decoded = checker.decode(bytes)
        if (!decoded.ok) {
          checker.refuse(bytes, decoded.reason, name)
          continue
        }
        if (!arrivals.has(decoded.event.key)) arrivals.set(decoded.event.key, { source, before })
        events.push(decoded.event)
      }
      const verdicts = await check(events)
      for (const [i, event] of events.entries()) {
        const known = checker.indexOf(event.id) !== undefined
        checker.take(event, verdicts[i]!, name)
        if (known) arrivals.delete(event.key)
      }
      if (arrivals.size > 100_000) arrivals.clear()
      tell(false)
    }
  }

  async function detail(index: number, reasons: boolean): Promise<Detail | undefined> {
    const bytes = await kept.bytesOf(index)
    const decoded = bytes === undefined ? undefined : checker.decode(bytes)
    if (decoded?.ok !== true) return undefined
    const { event } = decoded
    const [signed] = reasons ? await check([event]) : [true]
    const explanation = reasons ? checker.explain(event.id) : undefined
    return {
      index,
      id: toHex(event.id),
      creator: nameOf(event.creator),
      sequence: event.sequence,
      birthRound: event.birthRound,
      timestamp: event.timestamp,
      sizeBytes: event.bytes.length,
      selfParent: event.selfParent === undefined ? null : toHex(event.selfParent.id),
      otherParents: event.otherParents.map(({ id, creator }) => ({
        id: toHex(id),
        creator: nameOf(creator),
      })),
      transactions: transactionsIn(event),
      signature: isSigned && signed === true ? 'good' : 'none',
      why: explanation === undefined ? null : explanationText(explanation, { member: nameOf, time: iso }),
    }
  }

  return {
    take,
    post: tell,
    linkedCount: checker.linkedCount,
    detail,
    prove: (proof) => {
      const found = verifyProof(proof, genesis)
      if (!found.ok) return { ok: false, reason: found.reason, signers: [], event: '', index: 0 }
      const { proved } = found
      return {
        ok: true,
        reason: '',
        signers: proved.signers,
        event: proved.kind === 'transaction' ? proved.event : '',
        index: proved.kind === 'transaction' ? proved.index : 0,
      }
    },
  }
}
