// Decides what `evidence`, `evidence export` and `evidence verify` print: who has branched, and whether that is proved.
import { writeFileSync } from 'node:fs'
import { verifyEvidence } from '@hearsay/dag'
import { createBestSuite } from '@hearsay/dag/native'
import type { EvidenceJson } from '@hearsay/node'
import { CommandError, EXIT, type NodeOptions, type VerifyProofOptions } from '../src/index.ts'
import { askJson } from './api-client.ts'
import { findNode } from './find-node.ts'
import { readGenesis, readJson } from './json-file.ts'
import { createTerminal } from './terminal.ts'

const NONE = 'no member is known to have branched'

export async function evidence(options: NodeOptions): Promise<void> {
  const terminal = createTerminal(options)
  const { address } = await findNode(options)
  const answer = (await askJson(address, '/v1/evidence')) as EvidenceJson
  if (terminal.isJson) return terminal.out(JSON.stringify(answer))
  const lines = answer.evidence.map((each) => JSON.stringify(each))
  await terminal.out(lines.length === 0 ? NONE : lines.join('\n'))
}

export async function exportEvidence(file: string, options: NodeOptions): Promise<void> {
  const terminal = createTerminal(options)
  const { address } = await findNode(options)
  const { networkId } = (await askJson(address, '/v1/status')) as { networkId: string }
  const { evidence: found } = (await askJson(address, '/v1/evidence')) as EvidenceJson
  if (found.length === 0) return terminal.out(NONE)
  const json = { hearsay: 'evidence', version: 1, networkId, evidence: found }
  writeFileSync(file, `${JSON.stringify(json, null, 2)}\n`)
  const names = found.map(({ name }) => name).join(', ')
  await terminal.out(terminal.isJson ? JSON.stringify({ file, members: found.length }) : `${file}: ${names}`)
  terminal.say(`check it with: hearsay evidence verify ${file} --genesis FILE`)
}

export async function verifyEvidenceFile(file: string, options: VerifyProofOptions): Promise<void> {
  const terminal = createTerminal(options)
  const genesis = readGenesis(options.genesis)
  const verdict = verifyEvidence(readJson(file), genesis, createBestSuite().suite)
  if (!verdict.ok)
    throw new CommandError({
      code: 'E_EVIDENCE',
      message: `${file} proves nothing: ${verdict.reason}`,
      hint: 'ask another node for it, and compare the genesis (hearsay genesis hash)',
      exitCode: EXIT.notVerified,
    })
  if (terminal.isJson) return terminal.out(JSON.stringify({ branches: verdict.branches }))
  for (const { name, sequence } of verdict.branches)
    await terminal.out(
      `${terminal.paint.good('OK')}   ${name} has signed two different events with the number ${sequence}`,
    )
}
