// Decides what `verify` and `replay` read and print: both derive the order again, from signed events or from a bare graph.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { toHex } from '@hearsay/dag'
import {
  agreementLine,
  type Audit,
  auditFault,
  auditTable,
  CommandError,
  type CommonOptions,
  EXIT,
  faultInJson,
  type Place,
  seconds,
  usageError,
} from '../src/index.ts'
import { createTerminal } from './terminal.ts'

/** The data directories that are meant: a directory itself, or those in the folder of a testnet. */
function expand(dir: string): readonly string[] {
  if (!existsSync(dir))
    throw usageError(`${dir} does not exist`, 'name data directories, or the folder of a testnet')
  if (!statSync(dir).isDirectory())
    throw usageError(`${dir} is not a directory`, 'name the data directory it is in')
  if (existsSync(join(dir, 'config.json'))) return [dir]
  const inside = readdirSync(dir)
    .toSorted()
    .map((name) => join(dir, name))
    .filter((each) => existsSync(join(each, 'config.json')))
  if (inside.length === 0)
    throw usageError(
      `${dir} is no data directory and holds none`,
      'a data directory has genesis.json and config.json',
    )
  return inside
}

export async function verify(dirs: readonly string[], options: CommonOptions): Promise<void> {
  const terminal = createTerminal(options)
  const all = [...new Set(dirs.flatMap(expand))]
  const { auditDirectories } = await import('@hearsay/node/process')
  const startedMs = performance.now()
  const report = await auditDirectories(all, (line) => terminal.progress(line))
  terminal.progress('')
  const audit: Audit = {
    ...report,
    audited: report.audited.map((each) => ({
      dir: each.dir,
      name: each.name,
      events: each.events,
      round: each.round,
      transactions: each.transactions,
      tornTailBytes: each.tornTailBytes,
      branchedMembers: each.branchedMembers,
      networkId: toHex(each.networkId),
      ledgerHash: toHex(each.ledgerHash),
    })),
    commonHash: report.commonHash === undefined ? null : toHex(report.commonHash),
  }
  if (terminal.isJson) await terminal.out(JSON.stringify(audit))
  else if (audit.audited.length > 0) await terminal.out(auditTable(audit))
  const fault = auditFault(audit)
  if (fault !== undefined) {
    for (const { dir, message } of audit.failures)
      if (!fault.message.includes(message)) terminal.say(`${dir}: ${message}`)
    throw new CommandError(fault)
  }
  if (terminal.isJson) return
  const took = seconds(performance.now() - startedMs, 1)
  await terminal.out(`${terminal.paint.good('OK')}   ${agreementLine(audit)}  in ${took}`)
}

export async function replay(file: string, options: CommonOptions): Promise<void> {
  const terminal = createTerminal(options)
  const name = file === '-' ? 'standard input' : file
  const text = file === '-' ? await readStandardInput() : readFileSync(file, 'utf8')
  const { replayInterchange } = await import('@hearsay/consensus')
  const malformed = (error: unknown, place: Place | undefined): CommandError =>
    new CommandError(
      {
        code: 'E_MALFORMED',
        message: [
          name,
          ...(place === undefined ? [] : [`line ${place.line}, column ${place.column}`]),
          error instanceof Error ? error.message : String(error),
        ].join(': '),
        hint: 'the format is described in packages/consensus/spec/dag-interchange.md',
        exitCode: EXIT.corrupt,
      },
      { cause: error },
    )
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw malformed(error, faultInJson(text))
  }
  let result: unknown
  try {
    result = replayInterchange(json)
  } catch (error) {
    // A broken invariant is a fault of ours, everything else one of the file.
    if (error instanceof Error && error.message.startsWith('invariant')) throw error
    throw malformed(error, undefined)
  }
  await terminal.out(JSON.stringify(result))
}

async function readStandardInput(): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of process.stdin as AsyncIterable<Uint8Array>) pieces.push(piece)
  return Buffer.concat(pieces).toString('utf8')
}
