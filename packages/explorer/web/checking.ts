// The checker at work: takes frames of events from any number of sources, has their signatures checked, feeds them to the engine and
// tells the page what came of it, in pieces that keep it moving.
import { explanationText } from '@hearsay/consensus'
import { verifyProof } from '@hearsay/client/verify'
import { openSealed, payloadOf, toHex, transactionsOf, type DecodedEvent, type Genesis } from '@hearsay/dag'
import { createFrameReader, FRAME_HEAD, type Frame } from '../src/model/frames.ts'
import { createChecker } from '../src/verify/checker.ts'
import { createKept, KEPT_BYTES, type ReadAt } from './kept.ts'
import type { Detail, FromChecker, Proved, SourceState, TransactionView } from './protocol.ts'
import { createReasons } from './reasons.ts'
import type { SignatureChecker } from './signatures.ts'

/** Whichever comes first. Of a file nobody waits for the next event, and each telling has the page drawn anew. */
const LIVE_POST = { everyMs: 60, events: 4_096 }
const FILE_POST = { everyMs: 1_000, events: 65_536 }
/** Signatures that are checked at once. */
const AT_ONCE = 256
/** Events of a file that lie before others that were linked earlier. */
const MOST_EARLY = 10_000
/** Decided rounds of a live network whose reasons are kept. */
const EXPLAINED_ROUNDS = 32
/** A preview of a transaction: the rest is there to be asked for. */
const SHOWN_BYTES = 2_048

/** Frames whose signatures are being checked. */
export interface Taken {
  readonly name: string
  readonly events: readonly DecodedEvent[]
  readonly verdicts: Promise<readonly boolean[]>
}

export interface Checking {
  /** Takes frames apart and has their signatures checked, which goes on beside whatever else is done. */
  begin(frames: readonly Frame[], source: number, name: string): Taken
  /** Takes them into the graph, in the order in which they were begun. */
  finish(taken: Taken): Promise<void>
  take(frames: readonly Frame[], source: number, name: string): Promise<void>
  /** Where an event lies that was only looked at. */
  place(index: number, before: number): void
  post(force: boolean): void
  linkedCount(): number
  /** Events whose parents have not come. */
  waitingCount(): number
  detail(index: number, reasons: boolean): Promise<Detail | undefined>
  prove(proof: unknown): Proved
}

export interface CheckingOptions {
  readonly genesis: Genesis
  readonly signatures: SignatureChecker
  readonly isSigned: boolean
  /** It lies there whole: nothing of it need be kept. */
  readonly isFile: boolean
  readonly readers: readonly ReadAt[]
  readonly sources: () => readonly SourceState[]
  /** How much of a file is checked, from 0 to 1. */
  readonly share?: () => number
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
  const byFile = createReasons(genesis)
  const kept = createKept(options.readers, options.isFile ? 0 : KEPT_BYTES)
  const publicKeys = new Map(genesis.members.map(({ id, publicKey }) => [id, publicKey]))
  const names = new Map(genesis.members.map(({ id, name }) => [id, name]))
  const nameOf = (id: number): string => names.get(id) ?? String(id)
  /** Event key → where it came from, until it is linked. */
  const arrivals = new Map<string, { source: number; before: number }>()
  const checker = createChecker({
    genesis,
    suite: signatures.suite,
    explainedRounds: options.isFile ? 0 : EXPLAINED_ROUNDS,
    onLinked: (event, index) => {
      const { source, before } = arrivals.get(event.key) ?? { source: 0, before: 0 }
      arrivals.delete(event.key)
      kept.keep(index, event.bytes, source, before)
    },
    ...(options.isFile ? { onDecided: byFile.decided } : {}),
  })
  let postedCount = 0
  let postedMs = 0

  function tell(force: boolean): void {
    const now = performance.now()
    const fresh = checker.linkedCount() - postedCount
    const rest = options.isFile ? FILE_POST : LIVE_POST
    if (!force && fresh < rest.events && now - postedMs < rest.everyMs) return
    postedMs = now
    postedCount = checker.linkedCount()
    post({
      kind: 'batch',
      batch: checker.drain(),
      sources: options.sources(),
      waiting: checker.waitingCount(),
      share: options.share?.() ?? 1,
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

  function begin(frames: readonly Frame[], source: number, name: string): Taken {
    const events: DecodedEvent[] = []
    for (const { bytes, before } of frames) {
      const decoded = checker.decode(bytes)
      if (!decoded.ok) {
        checker.refuse(bytes, decoded.reason, name)
        continue
      }
      if (!arrivals.has(decoded.event.key)) arrivals.set(decoded.event.key, { source, before })
      events.push(decoded.event)
    }
    return { name, events, verdicts: check(events) }
  }

  async function finish({ name, events, verdicts }: Taken): Promise<void> {
    const good = await verdicts
    for (const [i, event] of events.entries()) {
      const known = checker.indexOf(event.id) !== undefined
      checker.take(event, good[i]!, name)
      if (known) arrivals.delete(event.key)
    }
    if (arrivals.size > 100_000) arrivals.clear()
    tell(false)
  }

  async function take(frames: readonly Frame[], source: number, name: string): Promise<void> {
    for (let at = 0; at < frames.length; at += AT_ONCE)
      await finish(begin(frames.slice(at, at + AT_ONCE), source, name))
  }

  /** The linked events from an index on, read again from the file. */
  async function* eventsFrom(from: number): AsyncGenerator<DecodedEvent> {
    const reader = (await options.readers[0]!(kept.cursorOf(from))).getReader()
    const frames = createFrameReader(0)
    const early = new Map<number, Uint8Array>()
    let index = from
    let cursor = kept.cursorOf(from)
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        for (const { bytes } of frames.push(value)) {
          // What was refused, or stands there twice, is none of them; what came before its parents was linked later.
          early.set(cursor, bytes)
          cursor += FRAME_HEAD + bytes.length
          if (early.size > MOST_EARLY) return
          for (;;) {
            const next = index < checker.linkedCount() ? early.get(kept.cursorOf(index)) : undefined
            const decoded = next === undefined ? undefined : checker.decode(next)
            if (decoded?.ok !== true) break
            early.delete(kept.cursorOf(index))
            index += 1
            yield decoded.event
          }
          if (index >= checker.linkedCount()) return
        }
      }
    } finally {
      await reader.cancel()
    }
  }

  async function detail(index: number, reasons: boolean): Promise<Detail | undefined> {
    const bytes = await kept.bytesOf(index)
    const decoded = bytes === undefined ? undefined : checker.decode(bytes)
    if (decoded?.ok !== true) return undefined
    const { event } = decoded
    const [signed] = reasons ? await check([event]) : [true]
    const explanation = !reasons
      ? undefined
      : !options.isFile
        ? checker.explain(event.id)
        : index < checker.linkedCount()
          ? await byFile.explain(index, eventsFrom)
          : undefined
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
    begin,
    finish,
    take,
    place: (index, before) => kept.keep(index, new Uint8Array(0), 0, before),
    post: tell,
    linkedCount: checker.linkedCount,
    waitingCount: checker.waitingCount,
    detail,
    prove: (proof) => {
      const found = verifyProof(proof, genesis)
      if (!found.ok)
        return { ok: false, reason: found.reason, signers: [], event: '', index: 0, certifiedRound: 0 }
      const { proved } = found
      return {
        ok: true,
        reason: '',
        signers: proved.signers,
        event: proved.kind === 'transaction' ? proved.event : '',
        index: proved.kind === 'transaction' ? proved.index : 0,
        certifiedRound: proved.certifiedRound,
      }
    },
  }
}
