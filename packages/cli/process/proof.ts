// Decides what `verify` and `replay` read and print: both derive the order again, from signed events or from a bare graph.
import { toHex } from '@hearsay/dag'
import {
  agreementLine,
  type Audit,
  auditFault,
  auditTable,
  CommandError,
  type CommonOptions,
  seconds,
} from '../src/index.ts'
import { dataDirectories } from './data-directories.ts'
import { withInterchange } from './interchange-file.ts'
import { createTerminal } from './terminal.ts'

export async function verify(dirs: readonly string[], options: CommonOptions): Promise<void> {
  const terminal = createTerminal(options)
  const all = [...new Set(dirs.flatMap(dataDirectories))]
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
      tornTail: each.tornTail,
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

const LINE_LENGTH = 100_000

export async function replay(file: string, options: CommonOptions): Promise<void> {
  const terminal = createTerminal(options)
  const { replayInterchange } = await import('@hearsay/consensus')
  const result = await withInterchange(file, replayInterchange)
  // A line for some rounds at a time: the text of all of them takes as much memory as the events.
  let line = `{"decidedRound":${result.decidedRound},"rounds":[`
  for (const [i, round] of result.rounds.entries()) {
    line += (i === 0 ? '' : ',') + JSON.stringify(round)
    if (line.length < LINE_LENGTH) continue
    await terminal.out(line)
    line = ''
  }
  await terminal.out(`${line}]}`)
}
