/** Decides how results look to people. Everything here gives text without a newline at its end. */
import type { ReceiptJson, StatusJson, TransactionJson } from '@hearsay/node'
import type { Fault } from './faults.ts'

/** Colours, or nothing where they are not wanted. */
export interface Paint {
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly dim: (text: string) => string
}

const colour =
  (code: number) =>
  (text: string): string =>
    `\u001b[${code}m${text}\u001b[0m`

const asIs = (text: string): string => text

export const createPaint = (isColoured: boolean): Paint =>
  isColoured ? { good: colour(32), bad: colour(31), dim: colour(2) } : { good: asIs, bad: asIs, dim: asIs }

/** 20413 as 20,413. */
export function grouped(value: number): string {
  return value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

export const counted = (value: number, one: string, many: string = `${one}s`): string =>
  `${grouped(value)} ${value === 1 ? one : many}`

/** The ends of a long hexadecimal text. */
export const shortHash = (hex: string): string =>
  hex.length <= 8 ? hex : `${hex.slice(0, 4)}…${hex.slice(-2)}`

export const seconds = (ms: number, digits: number): string => `${(ms / 1_000).toFixed(digits)} s`

const isPrintable = (code: number): boolean =>
  code >= 0x20 &&
  (code < 0x7f || code > 0x9f) &&
  // Separators and marks that turn the direction of writing: they make a line look like what it is not.
  !(code >= 0x2028 && code <= 0x202e) &&
  !(code >= 0x2066 && code <= 0x2069) &&
  code !== 0x200e &&
  code !== 0x200f &&
  code !== 0xfeff

/** Text that stays on its line and does nothing to a terminal: what others sent is never printed as it came. */
export function printable(text: string): string {
  let shown = ''
  for (const character of text) {
    const code = character.codePointAt(0)!
    if (character === '\\') shown += '\\\\'
    else if (character === '\n') shown += '\\n'
    else if (character === '\r') shown += '\\r'
    else if (character === '\t') shown += '\\t'
    else if (isPrintable(code)) shown += character
    else shown += `\\u{${code.toString(16)}}`
  }
  return shown
}

export function receiptLine(receipt: ReceiptJson, paint: Paint): string {
  const event = `${shortHash(receipt.event)}.${receipt.index}`
  return [
    `${paint.good(receipt.state === 'certified' ? 'certified' : 'final')}  #${receipt.position}`,
    `round ${receipt.round}`,
    receipt.time,
    `event ${event}`,
    `in ${seconds(receipt.latencyMs, 3)}`,
  ].join('  ')
}

/** Of many receipts: how many, between which positions, how long it took. */
export function summaryLine(count: number, first: number, last: number, tookMs: number): string {
  return `${counted(count, 'transaction')} final  #${first}…#${last}  in ${seconds(tookMs, 1)}`
}

export function logLine(transaction: TransactionJson): string {
  const { position, round, time, creator, text, hex } = transaction
  return `#${position}  round ${round}  ${time}  ${creator}  ${text === null ? `0x${hex}` : printable(text)}`
}

/** Columns as wide as they need to be; those named in `right` are aligned to the right. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths: number[] = []
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  const lines = rows.map((row) =>
    row
      .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  )
  return lines.join('\n')
}

/** One node in detail. */
export function statusText(status: StatusJson): string {
  const { finalityP50Ms: p50, finalityP99Ms: p99 } = status
  const reach = `${status.reachableMembers} of ${status.members} within reach, weight ${status.reachableWeight} of ${status.totalWeight}`
  const rows = [
    ['node', status.name],
    ['state', status.state],
    ...(status.reason === null ? [] : [['reason', status.reason]]),
    ['network', status.networkId],
    ['round', grouped(status.round)],
    ['ordered', counted(status.transactions, 'transaction')],
    ['ledger', status.ledgerHash],
    ...(status.lastTime === null ? [] : [['last', status.lastTime]]),
    ['members', reach],
    ...status.peers.map((peer) => ['', peerText(peer)]),
    ['waiting', `${counted(status.poolTransactions, 'transaction')}, ${counted(status.poolBytes, 'byte')}`],
    ['events', `${grouped(status.knownEvents)} known, ${grouped(status.ownEvents)} own`],
    ...(p50 === null || p99 === null ? [] : [['finality', `p50 ${seconds(p50, 3)}  p99 ${seconds(p99, 3)}`]]),
  ]
  return table(rows)
}

function peerText(peer: StatusJson['peers'][number]): string {
  const round = peer.decidedRound === null ? '' : `, round ${grouped(peer.decidedRound)}`
  const branched = peer.hasBranched ? ', has branched' : ''
  return `${peer.name}: ${peer.connected ? 'linked' : 'out of reach'}${round}${branched}`
}

/** Where a node of a table is, whether it answers or not. */
export interface NodeRow {
  readonly name: string
  readonly api: string
  /** Undefined if it does not answer. */
  readonly status: StatusJson | undefined
}

export function statusTable(rows: readonly NodeRow[]): string {
  const head = ['node', 'api', 'state', 'round', 'ordered', 'ledger', 'reach', 'reason']
  const body = rows.map(({ name, api, status }) =>
    status === undefined
      ? [name, api, 'unreachable', '', '', '', '', 'it does not answer']
      : [
          name,
          api,
          status.state,
          grouped(status.round),
          grouped(status.transactions),
          shortHash(status.ledgerHash),
          `${status.reachableMembers}/${status.members}`,
          status.reason ?? '',
        ],
  )
  return table([head, ...body], [3, 4])
}

/** What stands under a running testnet. */
export function testnetLine(statuses: readonly StatusJson[], members: number): string {
  const furthest = statuses.reduce((a, b) => (b.round > a.round ? b : a))
  const equal = statuses.filter(
    (each) => each.round === furthest.round && each.ledgerHash === furthest.ledgerHash,
  )
  const p50 = furthest.finalityP50Ms
  const p99 = furthest.finalityP99Ms
  const trouble = statuses.find((each) => each.reason !== null)
  return [
    `round ${grouped(furthest.round)}`,
    `ordered ${grouped(furthest.transactions)}`,
    `${equal.length}/${members} equal (ledger ${shortHash(furthest.ledgerHash)})`,
    ...(p50 === null || p99 === null ? [] : [`finality p50 ${seconds(p50, 2)} p99 ${seconds(p99, 2)}`]),
    ...(trouble === undefined ? [] : [`${trouble.name}: ${trouble.reason}`]),
  ].join(' · ')
}

export function faultText(fault: Fault, paint: Paint): string {
  const head = `${paint.bad('✖')} ${fault.code}  ${fault.message}`
  return fault.hint === undefined ? head : `${head}\n  ${fault.hint}`
}

/** A fault for programs: one line. */
export function faultJson(fault: Fault): string {
  const { code, message, exitCode } = fault
  return JSON.stringify({ error: { code, message, hint: fault.hint ?? null, exitCode } })
}
