/** Decides what an audit of data directories means: what is printed of it, and the status that the command exits with. */
import { type Fault, EXIT } from './faults.ts'
import { counted, grouped, shortHash, table } from './format.ts'

/** One audited directory, hashes in hexadecimal. */
export interface AuditedNode {
  readonly dir: string
  readonly name: string
  readonly networkId: string
  readonly events: number
  readonly round: number
  readonly transactions: number
  readonly ledgerHash: string
  /** Unfinished bytes at the end of a journal file, as a crash leaves them. */
  readonly tornTail: { readonly file: string; readonly offset: number; readonly bytes: number } | null
  readonly branchedMembers: readonly string[]
}

export interface AuditFailureLine {
  readonly dir: string
  readonly kind: 'corrupt' | 'wrong'
  readonly message: string
}

export interface Audit {
  readonly audited: readonly AuditedNode[]
  readonly failures: readonly AuditFailureLine[]
  readonly commonRound: number
  readonly commonTransactions: number
  readonly commonHash: string | null
  readonly agree: boolean
}

function tornTailText({ file, offset, bytes }: NonNullable<AuditedNode['tornTail']>): string {
  return `${counted(bytes, 'unfinished byte')} at the end of ${file} (from byte ${offset})`
}

export function auditTable(audit: Audit): string {
  const furthest = Math.max(0, ...audit.audited.map((each) => each.round))
  return table(
    audit.audited.map((each) => [
      each.name,
      `events ${grouped(each.events)}`,
      'signatures ok',
      `round ${grouped(each.round)}`,
      counted(each.transactions, 'transaction'),
      `ledger ${shortHash(each.ledgerHash)}`,
      [
        ...(each.round < furthest ? [`a prefix, ${counted(furthest - each.round, 'round')} behind`] : []),
        ...(each.tornTail === null ? [] : [tornTailText(each.tornTail)]),
        ...(each.branchedMembers.length > 0 ? [`branched: ${each.branchedMembers.join(', ')}`] : []),
      ].join('; '),
    ]),
  )
}

export function agreementLine(audit: Audit): string {
  const { length } = audit.audited
  const nodes = length === 1 ? '1 node proves' : `${length} nodes agree on`
  return `${nodes} ${counted(audit.commonTransactions, 'transaction')}, ledger ${audit.commonHash ?? '-'}`
}

/** What is wrong, or undefined if all is well. Contradiction weighs more than damage. */
export function auditFault(audit: Audit): Fault | undefined {
  const wrong = audit.failures.find((failure) => failure.kind === 'wrong')
  if (wrong !== undefined)
    return {
      code: 'E_NOT_VERIFIED',
      message: `${wrong.dir}: ${wrong.message}`,
      hint: 'keep the directory as evidence; let this member join again from its peers',
      exitCode: EXIT.notVerified,
    }
  if (!audit.agree && audit.audited.length > 1)
    return {
      code: 'E_DISAGREEMENT',
      message: `the ledgers of ${audit.audited.map((each) => each.name).join(', ')} are not equal`,
      hint: 'check that all directories are of one network; if they are, keep them all as evidence and report it',
      exitCode: EXIT.notVerified,
    }
  const corrupt = audit.failures[0]
  if (corrupt === undefined) return undefined
  return {
    code: 'E_CORRUPT',
    message: corrupt.message.includes(corrupt.dir) ? corrupt.message : `${corrupt.dir}: ${corrupt.message}`,
    hint: 'keep the file as evidence and restore it from a back-up, or let this member join again from its peers',
    exitCode: EXIT.corrupt,
  }
}
