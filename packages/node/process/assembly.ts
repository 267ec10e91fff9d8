/**
 * Puts one node together and drives it: replays the journal through the member, opens the transport, takes submissions and reads
 * the log. What the world is, files, clocks, randomness, the network, is handed in: a simulated world runs the same node.
 */
import type { CryptoSuite, Genesis, Member as RosterMember } from '@hearsay/dag'
import type { TransportEvent } from '@hearsay/gossip/ws'
import type { Files } from '../disk/index.ts'
import type { NodeStatus, RunningNode } from '../src/api-types.ts'
import type { Application } from '../src/application.ts'
import { OperatorError } from '../src/errors.ts'
import type { Member, MemberOptions } from '../src/member-types.ts'
import { networkView } from '../src/network-json.ts'
import type { StateMachine } from '../src/state-machine.ts'
import type { Clock } from './clock.ts'
import type { NodeTransport } from './driver.ts'
import { createIntake } from './intake.ts'
import { createEventReader } from './event-reader.ts'
import { createLogReader } from './log-reader.ts'
import { createProver } from './prover.ts'
import { recover } from './recovery.ts'
import { describeStatus } from './status.ts'

/** One node's identity and its world. */
export interface NodeWorld {
  readonly dir: string
  readonly genesis: Genesis
  readonly networkId: Uint8Array
  readonly self: RosterMember
  readonly secretKey: Uint8Array
  readonly suite: CryptoSuite
  readonly files: Files
  readonly clock: Clock
  readonly random: () => number
  readonly randomBytes: (count: number) => Uint8Array
  readonly narrate: (line: string) => void
  /** What the ordered transactions do; without one they are only ordered. */
  readonly application?: Application<unknown> | undefined
  /** Pass over the snapshots and replay the whole journal. */
  readonly replayAll?: boolean | undefined
  readonly createMember: (options: MemberOptions) => Member
  readonly openTransport: (onEvent: (event: TransportEvent) => void) => Promise<NodeTransport>
  /** Size at which the journal and the ledger begin a new file; the usual one if left out. */
  readonly segmentBytes?: number | undefined
  /** After so many rounds a snapshot is due; the usual number if left out. */
  readonly snapshotRounds?: number | undefined
}

export interface AssembledNode extends RunningNode {
  readonly machine: StateMachine<unknown>
}

/** What `cleanup` is given is to be undone, the last first, if this rejects; `stop` does it otherwise. */
export async function assembleNode(
  world: NodeWorld,
  cleanup: (() => void | Promise<void>)[],
): Promise<AssembledNode> {
  const { dir, genesis, networkId, self, suite, clock, narrate } = world
  const startedMs = clock.monotonicMs()
  const growth = new Set<(transactions: number) => void>()
  const failure = Promise.withResolvers<{ code: string; message: string; exitCode: number }>()
  let state: NodeStatus['state'] = 'replaying'
  let failureReason: string | undefined
  const { member, ledger, host, journal, driver, parts, submissions, repair, certificates } = recover(world, {
    onGrowth: (transactions) => {
      for (const listener of growth) listener(transactions)
    },
    onFailure: (error) => {
      state = 'failed'
      failureReason = error.message
      submissions.rejectAll(error)
      failure.resolve({ code: error.code, message: error.message, exitCode: error.exitCode })
    },
  })
  cleanup.push(() => ledger.close())
  cleanup.push(() => journal.close())
  const transport = await world.openTransport(driver.transportEvent)
  parts.transport = transport
  cleanup.push(() => transport.stop())
  driver.dispatch({ kind: 'start' })
  state = 'active'
  const readLog = createLogReader({
    journal,
    ledger,
    genesis,
    networkId,
    sha256: suite.sha256,
    length: () => member.view().transactions,
  })

  const intake = createIntake({
    dir,
    sha256: suite.sha256,
    clock,
    host,
    submissions,
    dispatch: driver.dispatch,
    isDiskFull: driver.isDiskFull,
    isStopping: () => state === 'stopping' || state === 'failed',
    read: (position) => readLog(position, 1)[0],
  })

  let stopping: Promise<void> | undefined
  async function stop(): Promise<void> {
    state = state === 'failed' ? 'failed' : 'stopping'
    submissions.rejectAll(
      new OperatorError('E_STOPPING', 'the node is stopping; the transaction may still become final', 69),
    )
    repair.stop()
    await transport.stop()
    try {
      await driver.finish()
      await journal.close()
      await ledger.close()
    } catch (error) {
      // What could not be written was never sent or acknowledged: the next start goes on from what is there.
      narrate(`stopped without writing everything: ${(error as Error).message}`)
      journal.abandon()
    }
  }

  return {
    proof: createProver({ journal, ledger, certificates, networkId, sha256: suite.sha256 }),
    certifiedRound: () => Math.min(certificates.lastRound(), member.view().round),
    onCertified: certificates.onCertified,
    submit: intake.submit,
    submitPacked: intake.submitPacked,
    lookup: intake.lookup,
    receiptAt: (position) => {
      const receipt = intake.receiptAt(position)
      return receipt !== undefined && receipt.round <= certificates.lastRound()
        ? { ...receipt, state: 'certified' }
        : receipt
    },
    query: host.query,
    machine: host.machine,
    log: async (from, limit) => readLog(from, limit),
    events: createEventReader(journal),
    positionOfRound: (round) => ledger.firstPositionOf(round),
    onGrowth: (listener) => {
      growth.add(listener)
      return () => void growth.delete(listener)
    },
    network: () => networkView(member, genesis, self.id, clock.monotonicMs()),
    status: () =>
      describeStatus({
        self,
        genesis,
        networkId,
        view: member.view(),
        state,
        failureReason,
        isDiskFull: driver.isDiskFull(),
        journalBytes: journal.end(),
        submissions,
        certifiedRound: Math.min(certificates.lastRound(), member.view().round),
        uptimeMs: clock.monotonicMs() - startedMs,
        transportCounters: transport.counters(),
      }),
    stop: () => (stopping ??= stop()),
    failed: failure.promise,
  }
}
