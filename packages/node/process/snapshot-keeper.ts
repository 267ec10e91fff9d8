/**
 * When a snapshot is taken, and when it is written: taken between two steps, when rounds or journal have grown enough since the
 * last one; written when the journal is durable as far as it was then, and the ledger behind it. So no snapshot on disk
 * ever speaks of what a crash could take away.
 */
import type { Journal } from '../disk/index.ts'
import { DiskError, DiskFull, systemCode } from '../disk/index.ts'
import type { JournalFloor } from '../src/journal-floor.ts'
import type { Member } from '../src/member-types.ts'
import type { RepairIndex } from '../src/repair-index.ts'
import type { NodeSnapshot } from '../src/snapshot.ts'
import type { ApplicationHost } from './application-host.ts'
import type { LedgerStore } from './ledger-store.ts'
import type { SnapshotStore } from './snapshot-store.ts'

/** A snapshot is due after so many rounds, or when the journal has grown by so many bytes. */
const ROUNDS_PER_SNAPSHOT = 512
const BYTES_PER_SNAPSHOT: number = 8 * 1024 * 1024

export interface SnapshotKeeper {
  /** A block of this round has been delivered. */
  delivered(round: number): void
  /** Takes one if it is due. */
  consider(): void
  /** Takes one if anything was decided since the last. */
  take(): void
  /** The journal is durable up to here: writes what may be written. */
  settle(durableEnd: number): Promise<void>
  /** The round of the last one that is on disk; 0 if there is none. */
  lastRound(): number
}

export interface SnapshotKeeperParts {
  readonly store: SnapshotStore
  readonly member: Member
  readonly journal: Journal
  readonly ledger: LedgerStore
  readonly index: RepairIndex
  readonly floor: JournalFloor
  readonly host: ApplicationHost
  readonly restored: NodeSnapshot | undefined
  /** In place of the usual number of rounds. */
  readonly rounds: number | undefined
  readonly narrate: (line: string) => void
  /** A snapshot is on disk. */
  readonly onWritten: () => void
}

export function createSnapshotKeeper(parts: SnapshotKeeperParts): SnapshotKeeper {
  const { member, journal, ledger, store } = parts
  let takenRound = parts.restored?.member.orderer.head.round ?? 0
  let round = takenRound
  let takenEnd = parts.restored?.journalEnd ?? 0
  let writtenRound = takenRound
  let waiting: NodeSnapshot | undefined
  let writing: Promise<void> | undefined

  function take(): void {
    if (round === takenRound) return
    if (parts.host.machine.round() !== round)
      throw new Error(`invariant: the state is that of round ${parts.host.machine.round()}, not of ${round}`)
    const end = journal.end()
    waiting = {
      member: member.snapshot(),
      journalFrom: parts.floor.from(end),
      journalEnd: end,
      ledgerFrom: 0,
      marks: parts.index.save(),
      application: parts.host.machine.snapshot(),
    }
    takenRound = round
    takenEnd = end
  }

  async function write(snapshot: NodeSnapshot, durableEnd: number): Promise<void> {
    const { round } = snapshot.member.orderer.head
    try {
      ledger.settle(durableEnd)
      const ledgerFrom = ledger.offsetOf(round)
      if (ledgerFrom === undefined)
        throw new Error(`invariant: round ${round} is durable and not in the ledger`)
      await ledger.sync()
      await store.write({ ...snapshot, ledgerFrom })
    } catch (error) {
      // What the system refuses for a snapshot costs nothing but time: the next one is due later, and a restart has more to read
      // until then. The ledger's own errors are those of a file that must not fail.
      const isRefused = !(error instanceof DiskError) && systemCode(error) !== undefined
      if (!isRefused && !(error instanceof DiskFull)) throw error
      const reason = error instanceof Error ? error.message : String(error)
      parts.narrate(`snapshot of round ${round}: ${store.path(round)} could not be written: ${reason}`)
      return
    }
    writtenRound = round
    parts.onWritten()
  }

  return {
    delivered: (delivered) => void (round = delivered),
    consider: () => {
      const isDue =
        journal.end() - takenEnd >= BYTES_PER_SNAPSHOT ||
        round - takenRound >= (parts.rounds ?? ROUNDS_PER_SNAPSHOT)
      if (isDue) take()
    },
    take,
    settle: async (durableEnd) => {
      await writing
      if (waiting === undefined || durableEnd < waiting.journalEnd) return
      const snapshot = waiting
      waiting = undefined
      writing = write(snapshot, durableEnd).finally(() => (writing = undefined))
      await writing
    },
    lastRound: () => writtenRound,
  }
}
