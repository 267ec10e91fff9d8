// Decides what `log`, `tail` and `status` print.
import type { StatusJson, TransactionJson } from '@hearsay/node'
import {
  type Address,
  CommandError,
  EXIT,
  formatAddress,
  logLine,
  type LogOptions,
  type NodeRow,
  statusTable,
  statusText,
  type StatusOptions,
} from '../src/index.ts'
import { askStatus, linesOf, openStream } from './api-client.ts'
import { findNode, testnetNodes } from './find-node.ts'
import { createTerminal, type Terminal } from './terminal.ts'

export async function log(options: LogOptions): Promise<void> {
  const terminal = createTerminal(options)
  const { address } = await findNode(options)
  const query = new URLSearchParams({ from: options.from ?? '0' })
  if (options.limit !== undefined) query.set('limit', String(options.limit))
  await printLines(terminal, address, `/v1/log?${query}`)
}

export async function tail(options: LogOptions): Promise<void> {
  const terminal = createTerminal(options)
  const { address, status } = await findNode(options)
  process.once('SIGINT', () => process.exit(EXIT.ok))
  terminal.detail(`following ${status.name} at ${formatAddress(address)}, stop with Ctrl-C`)
  const next = await printLines(terminal, address, `/v1/log?follow=1&from=${options.from ?? 'end'}`)
  throw new CommandError({
    code: 'E_STREAM_ENDED',
    message: `${status.name} at ${formatAddress(address)} has stopped`,
    hint: next === undefined ? 'follow another node: --node NAME' : `go on with: hearsay tail --from ${next}`,
    exitCode: EXIT.noQuorum,
  })
}

/** Prints transactions as they come; returns the position after the last one. */
async function printLines(terminal: Terminal, address: Address, path: string): Promise<number | undefined> {
  const response = await openStream(address, path)
  let next: number | undefined
  try {
    for await (const line of linesOf(response)) {
      const text = line.toString('utf8')
      const transaction = JSON.parse(text) as TransactionJson
      await terminal.out(terminal.isJson ? text : logLine(transaction))
      next = transaction.position + 1
    }
    return next
  } catch (error) {
    throw new CommandError(
      {
        code: 'E_STREAM_BROKEN',
        message: `the connection to ${formatAddress(address)} broke off`,
        hint: next === undefined ? 'see: hearsay status --all' : `go on with --from ${next}`,
        exitCode: EXIT.noQuorum,
      },
      { cause: error },
    )
  }
}

export async function status(options: StatusOptions): Promise<void> {
  const terminal = createTerminal(options)
  if (options.all !== true) {
    const found = await findNode(options)
    await terminal.out(terminal.isJson ? JSON.stringify(found.status) : statusText(found.status))
    return
  }
  const nodes = testnetNodes(options.dir)
  const asked = nodes.map(async ({ name, api }): Promise<NodeRow & { fault: unknown }> => {
    const row = { name, api: formatAddress(api) }
    try {
      return { ...row, status: await askStatus(api), fault: undefined }
    } catch (error) {
      return { ...row, status: undefined, fault: error }
    }
  })
  const rows = await Promise.all(asked)
  if (terminal.isJson) {
    for (const { name, api, status } of rows) await terminal.out(JSON.stringify(status ?? silent(name, api)))
  } else {
    await terminal.out(statusTable(rows))
  }
  if (rows.every((row) => row.status === undefined)) throw rows[0]?.fault
}

const silent = (name: string, api: string): Pick<StatusJson, 'name'> & { state: string; api: string } => ({
  name,
  state: 'unreachable',
  api,
})
