/**
 * Proves data directories from their signed events alone: reads every byte of the journal against its checksums, checks
 * every signature and payload, derives the order anew with the engine, compares it with the stored ledger, and then the
 * nodes with one another. Changes nothing and needs no lock, so it may look at a running node.
 */
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import type { Block } from '@hearsay/consensus'
import { decodeEvent, equalBytes, networkIdOf, toHex, verifyEvent, type Genesis } from '@hearsay/dag'
import { createBestSuite } from '@hearsay/dag/native'
import { JournalDamaged, verifyJournal, verifyLedgerFile } from '../disk/index.ts'
import { RECORD_EVENT, RECORD_RESUBMITTED } from '../src/member-types.ts'
import { createOrderer, type Orderer } from '../src/orderer.ts'
import { readConfig, readGenesis } from './data-directory.ts'
import { decodeStored } from './ledger-store.ts'
import type { AuditedDirectory, AuditFailure, AuditReport } from './types.ts'

type Suite = ReturnType<typeof createBestSuite>['suite']

/** Sound data that does not prove what it says. */
class AuditWrong extends Error {}

interface Derived {
  readonly orderer: Orderer
  /** Hashes of the blocks by round, 32 bytes each, round 1 first. */
  readonly hashes: readonly Uint8Array[]
  readonly events: number
  readonly tornTailBytes: number
}

function deriveFromJournal(dir: string, genesis: Genesis, networkId: Uint8Array, suite: Suite): Derived {
  const keys = new Map(genesis.members.map((member) => [member.id, member.publicKey]))
  const hashes: Uint8Array[] = []
  let events = 0
  const orderer = createOrderer({
    genesis,
    networkId,
    sha256: suite.sha256,
    onLinked: () => undefined,
    onBlock: (block: Block) => void hashes.push(block.hash),
  })
  const { tornTail } = verifyJournal(dir, (kind, payload, offset) => {
    const where = `${dir}/journal at offset ${offset}`
    if (kind === RECORD_RESUBMITTED) return
    if (kind !== RECORD_EVENT) throw new AuditWrong(`${where}: a record of unknown kind ${kind}`)
    const decoded = decodeEvent(payload.slice(), networkId, suite.sha256)
    if (!decoded.ok) throw new AuditWrong(`${where}: not an event of this network: ${decoded.reason}`)
    const checked = verifyEvent(decoded.event, (id) => keys.get(id), suite)
    if (!checked.ok) throw new AuditWrong(`${where}: event ${toHex(decoded.event.id)}: ${checked.reason}`)
    const result = orderer.offer(checked.event, 0)
    if (result !== 'ready' && result !== 'waiting') {
      throw new AuditWrong(`${where}: event ${toHex(decoded.event.id)} does not fit: ${result}`)
    }
    events += 1
  })
  if (orderer.graph.waitingCount() > 0) {
    throw new AuditWrong(
      `${dir}/journal: ${orderer.graph.waitingCount()} events lack parents that stand nowhere before them`,
    )
  }
  return { orderer, hashes, events, tornTailBytes: tornTail?.bytes ?? 0 }
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
      throw new AuditWrong(`${dir}/ledger at offset ${offset}: not a block of this network`)
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
      throw new AuditWrong(`${where}: round ${round} does not follow from the journal`)
    if (equalBytes(hash, expected)) continue
    throw new AuditWrong(
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
    tornTailBytes: derived.tornTailBytes,
    branchedMembers: genesis.members
      .filter((member) => graph.hasBranched(member.id))
      .map((member) => member.name),
  }
}

function describeFailure(dir: string, error: unknown): AuditFailure {
  if (error instanceof JournalDamaged) return { dir, kind: 'corrupt', message: error.message }
  if (error instanceof AuditWrong) return { dir, kind: 'wrong', message: error.message }
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
