/**
 * Starts one node on its data directory: takes the lock, reads the small files, replays the journal through the member,
 * listens, and from then on drives it. Stopping goes the same way back.
 */
import { randomBytes } from 'node:crypto'
import { MAX_TRANSACTION_BYTES, networkIdOf, type Genesis, type Member as RosterMember } from '@hearsay/dag'
import { createBestSuite } from '@hearsay/dag/native'
import { startTransport, type PeerAddress, type Transport } from '@hearsay/gossip/ws'
import { lockDirectory, openJournal, type Journal } from '../disk/index.ts'
import type { NodeConfig } from '../src/config.ts'
import type { NodeStatus, SubmitResult } from '../src/api-types.ts'
import { OperatorError } from '../src/errors.ts'
import { createMember } from '../src/member.ts'
import { createRepairIndex } from '../src/repair-index.ts'
import { findSelf, readConfig, readGenesis, readSecretKey } from './data-directory.ts'
import { createDriver, type DriverParts } from './driver.ts'
import { openLedgerStore } from './ledger-store.ts'
import { createLogReader } from './log-reader.ts'
import { asOperatorError } from './operator-errors.ts'
import { createRepairServer } from './repair-server.ts'
import { describeStatus, SOFTWARE } from './status.ts'
import { createSubmissions } from './submissions.ts'
import type { StartedNode, StartOptions } from './types.ts'

/** A number from 0 to below 1 from the system's randomness. */
const random = (): number => randomBytes(4).readUInt32BE() / 2 ** 32

function addressesOf(genesis: Genesis, self: RosterMember, config: NodeConfig): PeerAddress[] {
  const peers: PeerAddress[] = []
  for (const { id, name, publicKey } of genesis.members) {
    if (id === self.id) continue
    const address = config.peers[name]
    if (address === undefined) {
      throw new OperatorError(
        'E_BAD_CONFIG',
        `config.json: no address for member ${name}`,
        78,
        `add peers.${name}`,
      )
    }
    peers.push({ memberId: id, publicKey, ...address })
  }
  return peers
}

/**
 * Starts the node. Rejects with an `OperatorError` (code, message, hint, exitCode) when it cannot; nothing is left running or
 * locked then.
 */
export async function startNode(options: StartOptions): Promise<StartedNode> {
  const narrate = options.narrate ?? ((): void => undefined)
  const cleanup: (() => void | Promise<void>)[] = []
  try {
    return await assemble(options, narrate, cleanup)
  } catch (error) {
    for (const step of cleanup.toReversed()) await step()
    throw asOperatorError(error)
  }
}

async function assemble(
  options: StartOptions,
  narrate: (line: string) => void,
  cleanup: (() => void | Promise<void>)[],
): Promise<StartedNode> {
  const { dir } = options
  const startedMs = performance.now()
  const genesis = readGenesis(dir)
  const config: NodeConfig = { ...readConfig(dir), ...options.overrides }
  const lock = lockDirectory(dir)
  cleanup.push(() => lock.release())
  const secretKey = readSecretKey(dir)
  const { suite, reason } = createBestSuite()
  narrate(`signatures: ${reason}`)
  const self = findSelf(genesis, config, secretKey, suite)
  const networkId = networkIdOf(genesis, suite.sha256)
  const member = createMember({
    genesis,
    memberId: self.id,
    secretKey,
    suite,
    software: SOFTWARE,
    random,
    randomBytes,
  })
  const ledger = openLedgerStore(dir, networkId, suite.sha256)
  cleanup.push(() => ledger.close())
  const submissions = createSubmissions()
  const index = createRepairIndex(genesis.members.map((each) => each.id))
  const growth = new Set<(transactions: number) => void>()
  const failure = Promise.withResolvers<{ code: string; message: string; exitCode: number }>()
  let state: NodeStatus['state'] = 'replaying'
  let failureReason: string | undefined

  // The journal gives its records while it opens; the driver needs it before that for nothing else.
  let journal: Journal | undefined
  const opened = (): Journal => {
    if (journal === undefined) throw new Error('invariant: the journal is not open yet')
    return journal
  }
  const lazy = lazyJournal(opened)
  const repair = createRepairServer({
    journal: lazy,
    index,
    memberId: self.id,
    durableSequence: () => member.view().durableSequence,
    send: (link, frame) => parts.transport?.send(link, frame),
    bufferedBytes: (link) => parts.transport?.bufferedBytes(link) ?? 0,
    onError: (error) =>
      parts.onFailure(new OperatorError('E_JOURNAL_READ', String(error), 65, undefined, { cause: error })),
  })
  const parts: DriverParts = {
    member,
    journal: lazy,
    ledger,
    index,
    repair,
    submissions,
    transport: undefined,
    onGrowth: (transactions) => {
      for (const listener of growth) listener(transactions)
    },
    onFailure: (error) => {
      state = 'failed'
      failureReason = error.message
      submissions.rejectAll(error)
      failure.resolve({ code: error.code, message: error.message, exitCode: error.exitCode })
    },
  }
  const driver = createDriver(parts)
  journal = openJournal({ dir, networkId, repairTail: true, onRecord: driver.replay })
  cleanup.push(() => opened().close())
  const { recovered } = journal
  if (recovered !== null) {
    narrate(
      `journal: cut ${recovered.droppedBytes} unfinished bytes off ${recovered.file} at ${recovered.offset}`,
    )
  }
  const replayed = member.view()
  narrate(
    `journal: ${replayed.linkedEvents} events, round ${replayed.round}, ${replayed.transactions} transactions`,
  )
  ledger.settle(journal.durableEnd())
  const transport: Transport = await startTransport({
    memberId: self.id,
    secretKey,
    publicKey: self.publicKey,
    listen: config.gossip,
    peers: addressesOf(genesis, self, config),
    onEvent: driver.transportEvent,
  })
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

  function submit(transaction: Uint8Array): SubmitResult {
    if (state === 'stopping' || state === 'failed')
      return { ok: false, reason: 'stopping', message: 'the node is stopping' }
    if (transaction.length > MAX_TRANSACTION_BYTES) {
      const message = `${transaction.length} bytes; a transaction has at most ${MAX_TRANSACTION_BYTES}`
      return { ok: false, reason: 'too-large', message }
    }
    if (driver.isDiskFull()) return { ok: false, reason: 'disk-full', message: `no space left for ${dir}` }
    const { submission, ticket } = submissions.open(performance.now())
    driver.dispatch({ kind: 'submit', ticket, bytes: transaction })
    if (submissions.wasRefused(ticket)) {
      return { ok: false, reason: 'pool-full', message: 'too many transactions wait here; try again shortly' }
    }
    return { ok: true, submission }
  }

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
      await opened().close()
      await ledger.close()
    } catch (error) {
      // What could not be written was never sent or acknowledged: the next start goes on from what is there.
      narrate(`stopped without writing everything: ${(error as Error).message}`)
      opened().abandon()
    } finally {
      lock.release()
    }
  }

  return {
    config,
    gossipAddress: transport.address(),
    submit,
    log: async (from, limit) => readLog(from, limit),
    positionOfRound: (round) => ledger.firstPositionOf(round),
    onGrowth: (listener) => {
      growth.add(listener)
      return () => void growth.delete(listener)
    },
    status: () =>
      describeStatus({
        self,
        genesis,
        networkId,
        view: member.view(),
        state,
        failureReason,
        isDiskFull: driver.isDiskFull(),
        journalBytes: opened().end(),
        submissions,
        uptimeMs: performance.now() - startedMs,
        transportCounters: transport.counters(),
      }),
    stop: () => (stopping ??= stop()),
    failed: failure.promise,
  }
}

/** The journal's methods, resolved when they are called: it opens after the driver that replays it was made. */
function lazyJournal(opened: () => Journal): Journal {
  return {
    get recovered() {
      return opened().recovered
    },
    append: (kind, payload) => opened().append(kind, payload),
    flush: () => opened().flush(),
    sync: () => opened().sync(),
    readFrom: (offset, maxBytes) => opened().readFrom(offset, maxBytes),
    end: () => opened().end(),
    durableEnd: () => opened().durableEnd(),
    bufferedBytes: () => opened().bufferedBytes(),
    close: () => opened().close(),
    abandon: () => opened().abandon(),
  }
}
