/**
 * Runs the application beside the member: gives it each block, keeps what became of the transactions for as long as
 * somebody may ask, and says where the state stands. What is decided about a transaction is decided in `src`.
 */
import type { Block } from '@hearsay/consensus'
import { bytesKey, type CborValue, type Genesis, type Sha256, type VerifiedEvent } from '@hearsay/dag'
import type { Application, Outcome } from '../src/application.ts'
import { OperatorError } from '../src/errors.ts'
import { createStateMachine, type StateMachine } from '../src/state-machine.ts'
import { withoutClock } from './without-clock.ts'

/** Outcomes kept, and sealed transactions found by their id, at most. */
const KEPT_OUTCOMES = 262_144

export interface ApplicationHost {
  /** Applies the next block; gives the positions of its void transactions. */
  deliver(block: Block, events: readonly VerifiedEvent[]): readonly number[]
  /** What is signed of the state after a round, which is the last one delivered. */
  stateHash(round: number): Uint8Array
  outcome(position: number): Outcome | undefined
  /** Where the sealed transaction with that id took effect, or was found void. */
  position(id: Uint8Array): number | undefined
  /** Whether the application checks transactions before they are taken in. */
  readonly checks: boolean
  /** Why the transaction is not to be taken in. */
  check(bytes: Uint8Array): string | undefined
  query(path: string, data: Uint8Array): Promise<CborValue>
  /** The state machine, when the application runs in this process. */
  readonly machine: StateMachine<unknown>
}

/** A map that forgets its oldest entries. */
function createFifo<K, V>(capacity: number): { get(key: K): V | undefined; set(key: K, value: V): void } {
  const entries = new Map<K, V>()
  return {
    get: (key) => entries.get(key),
    set: (key, value) => {
      entries.set(key, value)
      if (entries.size <= capacity) return
      for (const oldest of entries.keys()) {
        entries.delete(oldest)
        return
      }
    },
  }
}

export function createApplicationHost(options: {
  readonly application: Application<unknown> | undefined
  readonly genesis: Genesis
  readonly sha256: Sha256
}): ApplicationHost {
  const outcomes = createFifo<number, Outcome>(KEPT_OUTCOMES)
  const positions = createFifo<string, number>(KEPT_OUTCOMES)
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const machine = createStateMachine({
    ...options,
    decodeText: (bytes) => decoder.decode(bytes),
    onSealed: (id, position, reason) => {
      const key = bytesKey(id)
      // The first copy is the one that counts, and a void one only as long as there is no other.
      if (reason !== 'duplicate' || positions.get(key) === undefined) positions.set(key, position)
    },
  })

  /** Inside of the application no clock and no chance: they would split the network, so they are refused at once. */
  function run<T>(work: () => T, where: string): T {
    if (options.application === undefined) return work()
    try {
      return withoutClock(work)
    } catch (error) {
      throw new OperatorError(
        'E_APPLICATION',
        `the application has failed at ${where}: ${error instanceof Error ? error.message : String(error)}`,
        1,
        'the ledger is sound; mend the application and start again: it is given the same transactions',
        { cause: error },
      )
    }
  }

  return {
    machine,
    deliver: (block, events) => {
      const voids: number[] = []
      const found = run(() => machine.apply(block, events), `round ${block.round}`)
      for (const [position, outcome] of found) {
        outcomes.set(position, outcome)
        if (outcome.kind === 'void') voids.push(position)
      }
      return voids
    },
    stateHash: (round) => {
      if (round !== machine.round())
        throw new Error(`invariant: the state is that of round ${machine.round()}, not of ${round}`)
      return run(() => machine.signedHash(), 'hash')
    },
    outcome: (position) => outcomes.get(position),
    position: (id) => positions.get(bytesKey(id)),
    checks: options.application?.check !== undefined,
    check: (bytes) => run(() => machine.check(bytes), 'check'),
    query: async (path, data) => machine.query(path, data),
  }
}
