/**
 * Brings a member back from its data directory: from the newest sound snapshot and the end of the journal behind it, from an
 * older snapshot if the newest is not sound, and from the whole journal if there is none or when that is asked for. What is
 * passed over is said.
 */
import { equalBytes } from '@hearsay/dag'
import { JournalDamaged, openJournal, type Journal } from '../disk/index.ts'
import { OperatorError } from '../src/errors.ts'
import { createJournalFloor } from '../src/journal-floor.ts'
import type { Member } from '../src/member-types.ts'
import { createRepairIndex, type RepairIndex } from '../src/repair-index.ts'
import type { NodeSnapshot } from '../src/snapshot.ts'
import { createApplicationHost, type ApplicationHost } from './application-host.ts'
import type { NodeWorld } from './assembly.ts'
import { createCertificateStore, type CertificateStore } from './certificate-store.ts'
import { keepDivergence } from './divergence.ts'
import { createDriver, type Driver, type DriverParts } from './driver.ts'
import { openLedgerStore, type LedgerStore } from './ledger-store.ts'
import { readPruned } from './pruned.ts'
import { createRepairServer, type RepairServer } from './repair-server.ts'
import { createSnapshotKeeper } from './snapshot-keeper.ts'
import { createSnapshotStore, type SnapshotStore } from './snapshot-store.ts'
import { SOFTWARE } from './status.ts'
import { createSubmissions, type Submissions } from './submissions.ts'

export interface RecoveredNode {
  readonly member: Member
  readonly ledger: LedgerStore
  readonly index: RepairIndex
  readonly host: ApplicationHost
  readonly journal: Journal
  readonly driver: Driver
  readonly parts: DriverParts
  readonly submissions: Submissions
  readonly repair: RepairServer
  readonly certificates: CertificateStore
}

export type RecoveryListener = Pick<DriverParts, 'onGrowth' | 'onFailure'>

/** Throws what stops a start; everything that was opened is closed then. */
export function recover(world: NodeWorld, listener: RecoveryListener): RecoveredNode {
  const { narrate } = world
  const store = createSnapshotStore(world.dir, world.networkId, world.suite.sha256, world.files)
  for (const round of world.replayAll === true ? [] : store.rounds()) {
    const read = store.read(round)
    const opened = read.ok ? open(world, listener, store, read.snapshot) : read.reason
    if (typeof opened !== 'string') return opened
    narrate(`snapshot: ${store.path(round)} is passed over: ${opened}`)
  }
  const opened = open(world, listener, store, undefined)
  if (typeof opened === 'string') throw new Error(`invariant: without a snapshot: ${opened}`)
  return opened
}

/** Why the snapshot does not fit, or the member that goes on from it. */
function open(
  world: NodeWorld,
  listener: RecoveryListener,
  store: SnapshotStore,
  snapshot: NodeSnapshot | undefined,
): RecoveredNode | string {
  const { dir, genesis, networkId, suite, files, clock, narrate, self } = world
  const head = snapshot?.member.orderer.head
  const pruned = readPruned(dir, files)
  if (snapshot === undefined && pruned.journal > 1) {
    throw new OperatorError(
      'E_NO_SNAPSHOT',
      `${dir}: the beginning of the journal was pruned, and no snapshot is sound to go on from`,
      65,
      'restore a back-up, or move journal, ledger and snapshots away: the node then catches up from its peers',
    )
  }
  let ledger: LedgerStore
  try {
    const from = snapshot === undefined ? {} : { from: snapshot.ledgerFrom }
    const range = { firstSegment: pruned.ledger, ...from }
    ledger = openLedgerStore(dir, networkId, suite.sha256, files, range, world.segmentBytes)
  } catch (error) {
    if (snapshot === undefined || !(error instanceof JournalDamaged)) throw error
    return error.message
  }
  if (
    head !== undefined &&
    !equalBytes(ledger.block(head.round)?.block.hash ?? new Uint8Array(0), head.hash)
  ) {
    ledger.abandon()
    return `the ledger has another round ${head.round}`
  }
  const member = world.createMember({
    genesis,
    memberId: self.id,
    secretKey: world.secretKey,
    suite,
    software: SOFTWARE,
    random: world.random,
    randomBytes: world.randomBytes,
    snapshot: snapshot?.member,
  })
  const host = createApplicationHost({ application: world.application, genesis, sha256: suite.sha256 })
  if (snapshot !== undefined) host.machine.restore(snapshot.application)
  const submissions = createSubmissions(host.outcome)
  const index = createRepairIndex(
    genesis.members.map((each) => each.id),
    snapshot?.marks,
  )
  // The journal gives its records while it opens; the driver needs it before that for nothing else.
  let journal: Journal | undefined
  const opened = (): Journal => {
    if (journal === undefined) throw new Error('invariant: the journal is not open yet')
    return journal
  }
  const lazy = lazyJournal(opened)
  const floor = createJournalFloor()
  const repair = createRepairServer({
    clock,
    journal: lazy,
    index,
    memberId: self.id,
    durableSequence: () => member.view().durableSequence,
    send: (link, frame) => parts.transport?.send(link, frame),
    bufferedBytes: (link) => parts.transport?.bufferedBytes(link) ?? 0,
    onError: (error) =>
      listener.onFailure(new OperatorError('E_JOURNAL_READ', String(error), 65, undefined, { cause: error })),
  })
  const keeper = createSnapshotKeeper({
    store,
    member,
    journal: lazy,
    ledger,
    index,
    floor,
    host,
    restored: snapshot,
    rounds: world.snapshotRounds,
    narrate,
    onWritten: () => undefined,
  })
  const certificates = createCertificateStore({
    ...world,
    onError: (error) =>
      listener.onFailure(
        new OperatorError('E_DISK', `${dir}/certificates: ${String(error)}`, 1, undefined, { cause: error }),
      ),
  })
  const parts: DriverParts = {
    clock,
    member,
    journal: lazy,
    ledger,
    index,
    floor,
    keeper,
    certificates,
    repair,
    host,
    submissions,
    transport: undefined,
    keepDivergence: (divergence) => keepDivergence(world, divergence),
    ...listener,
  }
  const driver = createDriver(parts)
  try {
    journal = openJournal({
      dir,
      networkId,
      repairTail: true,
      onRecord: driver.replay,
      files,
      ...(world.segmentBytes === undefined ? {} : { segmentBytes: world.segmentBytes }),
      range: {
        firstSegment: pruned.journal,
        ...(snapshot === undefined ? {} : { from: snapshot.journalFrom }),
      },
    })
  } catch (error) {
    ledger.abandon()
    throw error
  }
  const problem = snapshot === undefined ? undefined : misfit(member, journal, snapshot)
  if (problem !== undefined) {
    journal.abandon()
    ledger.abandon()
    return problem
  }
  tell(world, journal, member, snapshot)
  ledger.settle(journal.durableEnd())
  return { member, ledger, index, host, journal, driver, parts, submissions, repair, certificates }
}

function misfit(member: Member, journal: Journal, snapshot: NodeSnapshot): string | undefined {
  if (journal.end() < snapshot.journalEnd)
    return `the journal ends at ${journal.end()}, before ${snapshot.journalEnd}, where it was durable`
  if (!member.isRestored()) return 'the journal does not hold the events that it begins with'
  return undefined
}

function tell(world: NodeWorld, journal: Journal, member: Member, snapshot: NodeSnapshot | undefined): void {
  const { recovered } = journal
  if (recovered !== null) {
    world.narrate(
      `journal: cut ${recovered.droppedBytes} unfinished bytes off ${recovered.file} at ${recovered.offset}`,
    )
  }
  const { linkedEvents, round, transactions } = member.view()
  const from =
    snapshot === undefined ? '' : `from the snapshot of round ${snapshot.member.orderer.head.round}: `
  world.narrate(`journal: ${from}${linkedEvents} events, round ${round}, ${transactions} transactions`)
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
    begin: () => opened().begin(),
    segmentOf: (offset) => opened().segmentOf(offset),
    prune: (firstSegment) => opened().prune(firstSegment),
    close: () => opened().close(),
    abandon: () => opened().abandon(),
  }
}
