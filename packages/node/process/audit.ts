/**
 * Proves data directories from their signed events alone: reads every byte of the journal against its checksums, checks
 * every signature and payload, derives the order anew with the engine, compares it with the stored ledger, and then the
 * nodes with one another. Changes nothing and needs no lock, so it may look at a running node.
 */
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import type { Block } from '@hearsay/consensus'
import { equalBytes, networkIdOf, toHex, type Genesis } from '@hearsay/dag'
import { createBestSuite } from '@hearsay/dag/native'
import { JournalDamaged, type TornTail, verifyLedgerFile } from '../disk/index.ts'
import type { Orderer } from '../src/orderer.ts'
import { readConfig, readGenesis } from './data-directory.ts'
import { JournalWrong, orderJournal, type Suite } from './journal-reading.ts'
import { decodeStored } from './ledger-store.ts'
import type { AuditedDirectory, AuditFailure, AuditReport } from './types.ts'

interface Derived {
  readonly orderer: Orderer
  /** Hashes of the blocks by round, 32 bytes each, round 1 first. */
  readonly hashes: readonly Uint8Array[]
  readonly events: number
  readonly tornTail: TornTail | null
}

function deriveFromJournal(dir: string, genesis: Genesis, networkId: Uint8Array, suite: Suite): Derived {
  const hashes: Uint8Array[] = []
  const { orderer, events, tornTail } = orderJournal(
    { dir, genesis, networkId, suite },
    { onLinked: () => undefined, onBlock: (block: Block) => void hashes.push(block.hash) },
  )
  return { orderer, hashes, events, tornTail }
}

interface StoredHash {
  readonly round: number
  readonly hash: Uint8Array
  readonly offset: number
}

/**
 * Hashes of the stored blocks. Read before the journal: a running node writes a block only when its events are durable, so
 * what the ledger has by now, the journal has as well.
 */
function readStoredHashes(dir: string, networkId: Uint8Array, suite: Suite): StoredHash[] {
  const hashes: StoredHash[] = []
  if (!existsSync(`${dir}/ledger`)) return hashes
  verifyLedgerFile(dir, (_kind, payload, offset) => {
    const stored = decodeStored(payload, networkId, suite.sha256)
    if (stored === undefined)
      throw new JournalWrong(`${dir}/ledger at offset ${offset}: not a block of this network`)
    hashes.push({ round: stored.block.round, hash: stored.block.hash, offset })
  })
  return hashes
}

/** Every stored block must be the one that the events give. */
function compareStored(dir: string, stored: readonly StoredHash[], derived: readonly Uint8Array[]): void {
  for (const { round, hash, offset } of stored) {
    const where = `${dir}/ledger at offset ${offset}`
    const expected = derived[round - 1]
    if (expected === undefined)
      throw new JournalWrong(`${where}: round ${round} does not follow from the journal`)
    if (equalBytes(hash, expected)) continue
    throw new JournalWrong(
      `${where}: round ${round} is stored as ${toHex(hash)}, the events give ${toHex(expected)}`,
    )
  }
}

function auditDirectory(dir: string, suite: Suite): AuditedDirectory {
  const genesis = readGenesis(dir)
  const networkId = networkIdOf(genesis, suite.sha256)
  const stored = readStoredHashes(dir, networkId, suite)
  const derived = deriveFromJournal(dir, genesis, networkId, suite)
  compareStored(dir, stored, derived.hashes)
  const head = derived.orderer.head()
  const { graph } = derived.orderer
  return {
    dir,
    name: existsSync(`${dir}/config.json`) ? readConfig(dir).name : basename(dir),
    networkId,
    events: derived.events,
    round: head.round,
    transactions: head.nextPosition,
    ledgerHash: head.hash,
    hashAt: (round) => (round === 0 ? new Uint8Array(32) : derived.hashes[round - 1]),
    tornTail: derived.tornTail,
    branchedMembers: genesis.members
      .filter((member) => graph.hasBranched(member.id))
      .map((member) => member.name),
  }
}

function describeFailure(dir: string, error: unknown): AuditFailure {
  if (error instanceof JournalDamaged) return { dir, kind: 'corrupt', message: error.message }
  if (error instanceof JournalWrong) return { dir, kind: 'wrong', message: error.message }
  throw error
}

/** Audits each directory and compares those that are sound. Rejects only when a directory cannot be audited at all. */
export async function auditDirectories(
  dirs: readonly string[],
  progress: (line: string) => void = () => undefined,
): Promise<AuditReport> {
  const { suite } = createBestSuite()
  const audited: AuditedDirectory[] = []
  const failures: AuditFailure[] = []
  for (const dir of dirs) {
    progress(`auditing ${dir}`)
    try {
      audited.push(auditDirectory(dir, suite))
    } catch (error) {
      failures.push(describeFailure(dir, error))
    }
    // Lets signals and output through between two directories.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { audited, failures, ...compare(audited) }
}

function compare(audited: readonly AuditedDirectory[]): Omit<AuditReport, 'audited' | 'failures'> {
  const shortest = audited.reduce<AuditedDirectory | undefined>(
    (least, each) => (least === undefined || each.round < least.round ? each : least),
    undefined,
  )
  if (shortest === undefined)
    return { commonRound: 0, commonTransactions: 0, commonHash: undefined, agree: false }
  const { round, transactions, ledgerHash, networkId } = shortest
  const agree = audited.every(
    (each) =>
      equalBytes(each.networkId, networkId) &&
      equalBytes(each.hashAt(round) ?? new Uint8Array(0), ledgerHash),
  )
  return { commonRound: round, commonTransactions: transactions, commonHash: ledgerHash, agree }
}
