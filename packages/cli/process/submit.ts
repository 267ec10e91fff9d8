// Decides what `submit` sends, how long it waits, and what it says about transactions that are not final when it ends. Nothing is
// ever sent a second time by itself: the same bytes twice are two transactions.
import { createReadStream } from 'node:fs'
import type { PendingJson, ReceiptJson, StatusJson } from '@hearsay/node'
import { createLineSplitter, type Line } from '@hearsay/node/http'
import {
  type Address,
  CommandError,
  EXIT,
  formatAddress,
  receiptLine,
  seconds,
  type SubmitOptions,
  usageError,
} from '../src/index.ts'
import { ask, askStatus, problemError } from './api-client.ts'
import { findNode, type FoundNode } from './find-node.ts'
import { submitBatch } from './submit-batch.ts'
import { createTerminal, type Terminal } from './terminal.ts'

/** As the members' rules have it; a longer line is not even read. */
const MAX_TRANSACTION_BYTES = 65_536
/** How often a wait looks whether there still is a quorum. */
const WATCH_MS = 1_000
/** What the node may need beyond the time that it was told to wait. */
const SLACK_MS = 5_000

export async function submit(texts: readonly string[], options: SubmitOptions): Promise<void> {
  const terminal = createTerminal(options)
  const isStandardInput = texts.length === 1 && texts[0] === '-'
  if (texts.length === 0 && options.file === undefined)
    throw usageError('nothing to submit', 'give texts, - for the lines of standard input, or --file FILE')
  if (texts.length > 0 && options.file !== undefined)
    throw usageError('texts and --file exclude each other', 'submit them one after the other')
  const only = texts[0]
  if (texts.length === 1 && only !== undefined && !isStandardInput) {
    const bytes = transactionOf(Buffer.from(only, 'utf8'), options.hex === true, 'the text')
    return submitOne(terminal, await findNode(options), bytes, options)
  }
  const fromFile = isStandardInput || options.file === '-' ? '-' : options.file
  const transactions =
    fromFile === undefined
      ? fromTexts(texts, options.hex === true)
      : fromLines(fromFile, options.hex === true)
  const node = await findNode(options)
  warnWithoutQuorum(terminal, node.status)
  await submitBatch({
    terminal,
    address: node.address,
    transactions,
    waits: options.wait,
    timeoutMs: options.timeout,
    isListed: fromFile === undefined,
  })
}

function transactionOf(bytes: Uint8Array, isHex: boolean, what: string): Uint8Array {
  if (!isHex) return bytes
  const text = Buffer.from(bytes).toString('latin1')
  if (/^(?:[0-9a-fA-F]{2})*$/.test(text)) return Buffer.from(text, 'hex')
  throw new CommandError({
    code: 'E_BAD_HEX',
    message: `${what} is not hexadecimal`,
    hint: 'give an even number of the digits 0-9 and a-f',
    exitCode: what === 'the text' ? EXIT.usage : EXIT.corrupt,
  })
}

async function* fromTexts(texts: readonly string[], isHex: boolean): AsyncGenerator<Uint8Array[]> {
  yield texts.map((text) => transactionOf(Buffer.from(text, 'utf8'), isHex, 'the text'))
}

/** Each line of a file, without its newline and otherwise as it is; as many at a time as are read at a time. */
async function* fromLines(file: string, isHex: boolean): AsyncGenerator<Uint8Array[]> {
  const name = file === '-' ? 'standard input' : file
  const stream = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 256 * 1024 })
  const splitter = createLineSplitter(isHex ? 2 * MAX_TRANSACTION_BYTES : MAX_TRANSACTION_BYTES)
  let count = 0
  const check = ({ bytes }: Line): Uint8Array => {
    count += 1
    if (bytes !== undefined) return transactionOf(bytes, isHex, `line ${count} of ${name}`)
    throw new CommandError({
      code: 'E_TOO_LARGE',
      message: `line ${count} of ${name} is too long: a transaction has at most ${MAX_TRANSACTION_BYTES} bytes`,
      hint: 'the lines before it are submitted, from it on nothing is',
      exitCode: EXIT.rejected,
    })
  }
  /** What is before a line that is none is handed on all the same. */
  function* checked(lines: readonly Line[]): Generator<Uint8Array[]> {
    const good: Uint8Array[] = []
    try {
      for (const line of lines) good.push(check(line))
    } finally {
      yield good
    }
  }
  for await (const piece of stream as AsyncIterable<Uint8Array>) yield* checked(splitter.push(piece))
  const last = splitter.end()
  if (last !== undefined) yield* checked([last])
}

/** Says at once why nothing is going to become final for now. */
export function warnWithoutQuorum(terminal: Terminal, status: StatusJson): boolean {
  if (status.state !== 'no-quorum') return false
  terminal.say(`${terminal.errorPaint.bad('!')} ${noQuorumText(status)}; it becomes final when one returns`)
  return true
}

const noQuorumText = (status: StatusJson): string =>
  `no quorum: ${status.reachableMembers} of ${status.members} members within reach, ` +
  'more than two thirds of the weight is needed'

async function submitOne(
  terminal: Terminal,
  { address, status }: FoundNode,
  bytes: Uint8Array,
  options: SubmitOptions,
): Promise<void> {
  const { wait, timeout } = options
  const isWarned = warnWithoutQuorum(terminal, status)
  const watch = isWarned || !wait ? undefined : watchQuorum(terminal, address)
  try {
    const { status: code, json } = await ask(address, {
      method: 'POST',
      path: wait ? `/v1/tx?timeout=${timeout}ms` : '/v1/tx?until=accepted',
      body: bytes,
      silenceMs: timeout + SLACK_MS,
    })
    if (code !== 200 && code !== 202) throw problemError(json, address)
    if (terminal.isJson) await terminal.out(JSON.stringify(json))
    if (code === 200) {
      if (!terminal.isJson) await terminal.out(receiptLine(json as ReceiptJson, terminal.paint))
      return
    }
    const { state, reason } = json as PendingJson
    if (wait) throw await notFinal(address, timeout, `it is submitted (${state})`)
    if (!terminal.isJson)
      await terminal.out(`${state}  submitted, not final yet${reason === null ? '' : `: ${reason}`}`)
  } finally {
    watch?.stop()
  }
}

/** Looks from time to time whether the quorum has gone while something waits, and says so once. */
export function watchQuorum(terminal: Terminal, address: Address): { stop(): void } {
  let isAsking = false
  const timer = setInterval(() => {
    if (isAsking) return
    isAsking = true
    askStatus(address)
      .then((status) => {
        if (warnWithoutQuorum(terminal, status)) clearInterval(timer)
      })
      // Whether the node is still there shows where its answer is waited for.
      .catch((error: unknown) => terminal.detail(String(error)))
      .finally(() => {
        isAsking = false
      })
  }, WATCH_MS)
  return { stop: () => clearInterval(timer) }
}

/** The time is up. `what` says what has been submitted all the same. */
export async function notFinal(address: Address, timeoutMs: number, what: string): Promise<CommandError> {
  const status = await askStatus(address)
  const within = seconds(timeoutMs, timeoutMs % 1_000 === 0 ? 0 : 1)
  const again = 'submitting it again makes a second transaction'
  if (status.state === 'no-quorum')
    return new CommandError({
      code: 'E_NO_QUORUM',
      message: `not final within ${within}: ${noQuorumText(status)}`,
      hint: `${what} and becomes final when a member returns; ${again}\n  see: hearsay status --all`,
      exitCode: EXIT.noQuorum,
    })
  return new CommandError({
    code: 'E_NOT_FINAL',
    message: `not final within ${within} at ${status.name}, ${formatAddress(address)}`,
    hint: `${what} and may still become final: look with hearsay log before submitting again, since ${again}`,
    exitCode: EXIT.notFinal,
  })
}
