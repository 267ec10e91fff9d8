// Decides how many transactions go to a node at once: one connection that sends lines and reads receipts at the same time. The
// node holds the sending back; here it is counted what was sent, what is final and what was refused, so that the end can be told
// exactly, whichever way it comes.
import { isUtf8 } from 'node:buffer'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { BatchLineJson, ReceiptJson } from '@hearsay/node'
import {
  type Address,
  CommandError,
  counted,
  EXIT,
  formatAddress,
  grouped,
  receiptLine,
  summaryLine,
} from '../src/index.ts'
import { answerTo, linesOf, openRequest, problemError, readJson } from './api-client.ts'
import { notFinal, watchQuorum } from './submit.ts'
import type { Terminal } from './terminal.ts'

/** Refused lines that are named one by one. */
const NAMED_REFUSALS = 10
const PROGRESS_MS = 200

export interface BatchOptions {
  readonly terminal: Terminal
  readonly address: Address
  /** As many at a time as the input gives. */
  readonly transactions: AsyncIterable<readonly Uint8Array[]>
  readonly waits: boolean
  /** How long to wait for the next receipt. */
  readonly timeoutMs: number
  /** Print each receipt, not their sum. */
  readonly isListed: boolean
}

interface Progress {
  sent: number
  answered: number
  final: number
  refused: number
  /** The lowest and the highest position of a final one. */
  first: number
  last: number
  /** A receipt, to print if there is but one. */
  only: ReceiptJson | undefined
  /** What ends the input before its time. */
  inputFault: unknown
  /** What ends the connection before its time. */
  fault: unknown
}

export async function submitBatch(options: BatchOptions): Promise<void> {
  const { terminal, address, waits } = options
  const startedMs = performance.now()
  const progress: Progress = {
    sent: 0,
    answered: 0,
    final: 0,
    refused: 0,
    first: Number.MAX_SAFE_INTEGER,
    last: 0,
    only: undefined,
    inputFault: undefined,
    fault: undefined,
  }
  const path = `/v1/tx/batch?until=${waits ? 'ordered' : 'accepted'}`
  const request = openRequest(
    address,
    { method: 'POST', path, accept: 'application/x-ndjson' },
    { 'Content-Type': 'application/x-ndjson' },
  )
  const answered = answerTo(request, address)
  request.flushHeaders()
  const quorum = waits ? watchQuorum(terminal, address) : undefined
  const patience = watchPatience(options, progress, request)
  const ticker = setInterval(() => {
    terminal.progress(`${grouped(progress.answered)} of ${grouped(progress.sent)} sent …`)
  }, PROGRESS_MS)
  try {
    // Sending ends with a fault of the input, reading with one of the connection; either way the other is waited for.
    const sending = sendLines(options, progress, request)
    await readReceipts(options, progress, await answered)
    await sending
  } catch (error) {
    progress.fault ??= error
  } finally {
    clearInterval(ticker)
    clearInterval(patience)
    quorum?.stop()
    terminal.progress('')
    request.destroy()
  }
  await conclude(options, progress, performance.now() - startedMs)
}

/** Breaks off when something is sent and nothing comes back for too long. */
function watchPatience(options: BatchOptions, progress: Progress, request: ClientRequest): NodeJS.Timeout {
  const { timeoutMs } = options
  let answered = 0
  let sinceMs = performance.now()
  return setInterval(
    () => {
      const nowMs = performance.now()
      if (progress.answered !== answered || progress.sent === progress.answered) {
        answered = progress.answered
        sinceMs = nowMs
      } else if (nowMs - sinceMs >= timeoutMs) {
        progress.fault ??= 'timeout'
        request.destroy()
      }
    },
    Math.min(100, timeoutMs),
  )
}

async function sendLines(options: BatchOptions, progress: Progress, request: ClientRequest): Promise<void> {
  try {
    for await (const several of options.transactions) {
      if (request.destroyed) return
      if (several.length === 0) continue
      progress.sent += several.length
      if (!request.write(several.map(lineOf).join(''))) await drained(request)
    }
  } catch (error) {
    progress.inputFault = error
  }
  request.end()
}

function lineOf(bytes: Uint8Array): string {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const json = isUtf8(view) ? view.toString('utf8') : { base64: view.toString('base64') }
  return `${JSON.stringify(json)}\n`
}

/** Resolves when the connection can take more, or is no more. */
function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      request.off('drain', settle).off('close', settle)
      resolve()
    }
    request.on('drain', settle).on('close', settle)
  })
}

async function readReceipts(
  options: BatchOptions,
  progress: Progress,
  response: IncomingMessage,
): Promise<void> {
  const { terminal, address, isListed } = options
  if (response.statusCode !== 200) throw problemError(await readJson(response, address), address)
  for await (const bytes of linesOf(response)) {
    const text = bytes.toString('utf8')
    const answer = JSON.parse(text) as BatchLineJson
    progress.answered += 1
    if (terminal.isJson) await terminal.out(text)
    if (answer.state === 'ordered') {
      progress.final += 1
      progress.first = Math.min(progress.first, answer.position)
      progress.last = Math.max(progress.last, answer.position)
      progress.only = answer
      if (isListed && !terminal.isJson) await terminal.out(receiptLine(answer, terminal.paint))
    } else if (answer.state === 'refused') {
      progress.refused += 1
      if (progress.refused <= NAMED_REFUSALS) terminal.say(`line ${answer.line} refused: ${answer.message}`)
    } else if (isListed && !terminal.isJson) {
      await terminal.out(`${answer.state}  submitted, not final yet`)
    }
  }
}

/** Says what has become of all that was read, and throws if that is not what was wanted. */
async function conclude(options: BatchOptions, progress: Progress, tookMs: number): Promise<void> {
  const { terminal, address, waits, isListed, timeoutMs } = options
  const { sent, answered, final, refused, fault, inputFault } = progress
  const pending = answered - final - refused
  if (final > 0 && !isListed) {
    const line =
      final === 1 && progress.only !== undefined
        ? receiptLine(progress.only, terminal.paint)
        : summaryLine(final, progress.first, progress.last, tookMs)
    if (terminal.isJson) terminal.say(line)
    else await terminal.out(line)
  }
  if (pending > 0 && !waits && !isListed) {
    const line = `${counted(pending, 'transaction')} submitted, not final yet`
    if (terminal.isJson) terminal.say(line)
    else await terminal.out(line)
  }
  if (fault === 'timeout') throw await notFinal(address, timeoutMs, openLines(progress))
  if (fault instanceof CommandError && sent === 0) throw fault
  if (fault !== undefined || answered < sent || (waits && pending > 0))
    throw new CommandError(
      {
        code: 'E_BATCH_BROKEN',
        message: `${formatAddress(address)} ended the batch after ${counted(final, 'final transaction')}`,
        hint: `${openLines(progress)}: look with hearsay log which of them are there before submitting any of them again`,
        exitCode: EXIT.noQuorum,
      },
      { cause: fault },
    )
  if (inputFault !== undefined) throw inputFault
  if (refused > 0)
    throw new CommandError({
      code: 'E_REFUSED',
      message: `${grouped(refused)} of ${counted(sent, 'transaction')} refused`,
      hint: 'these are not submitted; all others are',
      exitCode: EXIT.rejected,
    })
  if (sent === 0) terminal.say('nothing to submit: the input is empty')
}

/** Which lines may be submitted without being final. */
function openLines({ answered, sent, final, refused }: Progress): string {
  const unanswered = sent - answered
  const pending = answered - final - refused
  const known = pending > 0 ? `${counted(pending, 'line')} taken in and not final` : ''
  const from = grouped(answered + 1)
  const open =
    unanswered === 0
      ? ''
      : unanswered === 1
        ? `line ${from} is sent and not answered`
        : `lines ${from} to ${grouped(sent)} are sent and not answered`
  return [known, open].filter(Boolean).join('; ') || 'nothing is open'
}
