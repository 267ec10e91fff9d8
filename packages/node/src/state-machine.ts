/**
 * An application driven by the ledger: block after block, each transaction once (once.ts), with a hash for the state
 * after each round. What comes out is the same on every member that has seen the same ledger.
 */
import type { Block } from '@hearsay/consensus'
import {
  ascii,
  concatBytes,
  createByteWriter,
  decodeCbor,
  encodeCbor,
  openSealed,
  payloadOf,
  readUint32,
  readUint48,
  type CborValue,
  type Genesis,
  type Sha256,
  type VerifiedEvent,
} from '@hearsay/dag'
import type { Application, AppliedTransaction, Outcome, TransactionView } from './application.ts'
import { createOnceWindow, type OnceWindow, type VoidReason } from './once.ts'

/** Of a state that is a CBOR value. */
const STATE_LIMITS = { maxBytes: 256 * 1024 * 1024 }
const LENGTH_BYTES = 4
const DOMAIN = ascii('hearsay.state.1\n')
const NO_STATE = new Uint8Array(32)

export interface StateMachineOptions<S> {
  /** Without one, transactions are only ordered, and sealed ones judged. */
  readonly application: Application<S> | undefined
  readonly genesis: Genesis
  readonly sha256: Sha256
  readonly decodeText: (bytes: Uint8Array) => string
  /** A sealed transaction has its place; `reason` if it is void there. */
  readonly onSealed: (id: Uint8Array, position: number, reason: VoidReason | undefined) => void
}

export interface StateMachine<S> {
  /**
   * Applies the next block; `events` are those of its entries. Gives what became of its transactions by position: of each
   * if there is an application, else only of those that are void.
   */
  apply(block: Block, events: readonly VerifiedEvent[]): ReadonlyMap<number, Outcome>
  check(bytes: Uint8Array): string | undefined
  query(path: string, data: Uint8Array): CborValue
  state(): S | undefined
  /** The last round applied; 0 before the first. */
  round(): number
  /** Hash of the state after the last round; undefined without an application. */
  hash(): Uint8Array | undefined
  /**
   * What members sign of a round beside its block: SHA-256 of "hearsay.state.1\n" ‖ hash of the ids that are remembered (once.ts) ‖
   * hash of the application's state, or zeros without one.
   */
  signedHash(): Uint8Array
  /** All that `restore` needs: the round, what is remembered of sealed transactions, the state. */
  snapshot(): Uint8Array
  restore(bytes: Uint8Array): void
}

export function createStateMachine<S>(options: StateMachineOptions<S>): StateMachine<S> {
  const { application, sha256, decodeText } = options
  // Without an application nobody looks at it.
  let state = application?.init(options.genesis) as S
  let window: OnceWindow = createOnceWindow()
  let round = 0
  /** Until a transaction changes the state. */
  let known: Uint8Array | undefined

  function encodeState(): Uint8Array {
    if (application?.snapshot !== undefined) return application.snapshot(state)
    try {
      return encodeCbor(state as CborValue)
    } catch (error) {
      throw new Error(
        'E_APP_SNAPSHOT: the state is not a CBOR value, so the application needs `snapshot` and `restore`',
        { cause: error },
      )
    }
  }

  function decodeState(bytes: Uint8Array): S {
    if (application?.restore !== undefined) return application.restore(bytes)
    const decoded = decodeCbor(bytes, STATE_LIMITS)
    if (!decoded.ok) throw new Error(`E_APP_SNAPSHOT: not a state: ${decoded.reason}`)
    return decoded.value as S
  }

  function applyOne(
    whole: Uint8Array,
    at: Omit<AppliedTransaction, keyof TransactionView>,
  ): Outcome | undefined {
    const sealed = openSealed(whole)
    if (sealed !== undefined) {
      const id = sha256(whole)
      const reason = window.judge(id, sealed.expires, at.timestamp)
      options.onSealed(id, at.position, reason)
      if (reason !== undefined) return { kind: 'void', reason }
    }
    if (application === undefined) return undefined
    const bytes = sealed?.body ?? whole
    const step = application.apply(state, { ...at, bytes, text: decodeText(bytes) })
    known = undefined
    state = step.state
    if (step.rejected !== undefined) return { kind: 'rejected', reason: step.rejected }
    return { kind: 'applied', result: step.result }
  }

  function apply(block: Block, events: readonly VerifiedEvent[]): ReadonlyMap<number, Outcome> {
    if (block.round !== round + 1)
      throw new Error(`invariant: round ${block.round} for a state after round ${round}`)
    const outcomes = new Map<number, Outcome>()
    let position = block.firstPosition
    for (const [i, entry] of block.entries.entries()) {
      if (entry.transactionCount === 0) continue
      const { creator } = events[i]!
      const payload = payloadOf(events[i]!)
      let timestamp = entry.timestamp
      // By hand, without an object for each transaction: where there is no application, only sealed ones are looked at.
      for (let at = 0; at < payload.length; position += 1, timestamp += 1) {
        const start = at + LENGTH_BYTES
        at = start + readUint32(payload, at)
        if (application === undefined && (at === start || payload[start] !== 0)) continue
        const bytes = payload.subarray(start, at)
        const outcome = applyOne(bytes, { position, round: block.round, timestamp, creator })
        if (outcome !== undefined) outcomes.set(position, outcome)
      }
    }
    round = block.round
    return outcomes
  }

  function hash(): Uint8Array | undefined {
    if (application === undefined) return undefined
    known ??= application.hash?.(state) ?? sha256(encodeState())
    return known
  }

  return {
    apply,
    check: (whole) => {
      const bytes = openSealed(whole)?.body ?? whole
      return application?.check?.(state, { bytes, text: decodeText(bytes) })
    },
    query: (path, data) => {
      if (application?.query === undefined) throw new Error('the application answers no queries')
      return application.query(state, path, data)
    },
    state: () => (application === undefined ? undefined : state),
    round: () => round,
    hash,
    signedHash: () => sha256(concatBytes(DOMAIN, window.digest(sha256), hash() ?? NO_STATE)),
    snapshot: () => {
      const head = createByteWriter(10)
      const remembered = window.encode()
      head.uint48(round)
      head.uint32(remembered.length)
      const rest = application === undefined ? new Uint8Array(0) : encodeState()
      return concatBytes(head.finish(), remembered, rest)
    },
    restore: (bytes) => {
      const end = 10 + readUint32(bytes, 6)
      window = createOnceWindow(bytes.subarray(10, end))
      if (application !== undefined) state = decodeState(bytes.slice(end))
      round = readUint48(bytes, 0)
      known = undefined
    },
  }
}
