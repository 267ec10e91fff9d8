// Decides what `tx`, `proof` and `verify-proof` print: one transaction, why it is to be believed, and whether that is so.
import { writeFileSync } from 'node:fs'
import { verifyProof } from '@hearsay/client/verify'
import type { KnownJson } from '@hearsay/node'
import {
  type Address,
  CommandError,
  EXIT,
  type NodeOptions,
  type ProofOptions,
  receiptLine,
  type VerifyProofOptions,
} from '../src/index.ts'
import { ask, problemError } from './api-client.ts'
import { findNode } from './find-node.ts'
import { readGenesis, readJson } from './json-file.ts'
import { createTerminal } from './terminal.ts'

async function get<T>(address: Address, path: string): Promise<T> {
  const { status, json } = await ask(address, { path })
  if (status !== 200) throw problemError(json, address)
  return json as T
}

export async function transaction(name: string, options: NodeOptions): Promise<void> {
  const terminal = createTerminal(options)
  const { address } = await findNode(options)
  const known = await get<KnownJson>(address, `/v1/tx/${encodeURIComponent(name)}`)
  if (terminal.isJson) await terminal.out(JSON.stringify(known))
  else if ('position' in known) await terminal.out(receiptLine(known, terminal.paint))
  else await terminal.out(`${known.state}${known.reason === null ? '' : `: ${known.reason}`}`)
}

export async function proof(name: string, options: ProofOptions): Promise<void> {
  const terminal = createTerminal(options)
  const { address } = await findNode(options)
  const text = JSON.stringify(await get(address, `/v1/tx/${encodeURIComponent(name)}/proof`))
  if (options.out === undefined) return terminal.out(text)
  writeFileSync(options.out, `${text}\n`)
  terminal.say(`written to ${options.out}; check it with: hearsay verify-proof ${options.out} --genesis FILE`)
}

export async function verifyProofFile(file: string, options: VerifyProofOptions): Promise<void> {
  const terminal = createTerminal(options)
  const genesis = readGenesis(options.genesis)
  const verdict = verifyProof(readJson(file), genesis)
  if (!verdict.ok)
    throw new CommandError({
      code: 'E_PROOF',
      message: `${file} proves nothing: ${verdict.reason}`,
      hint: 'ask another node for the proof, and compare the genesis (hearsay genesis hash)',
      exitCode: EXIT.notVerified,
    })
  const { proved } = verdict
  if (terminal.isJson) {
    const bytes =
      proved.kind === 'transaction'
        ? { hex: Buffer.from(proved.bytes).toString('hex'), bytes: undefined }
        : {}
    return terminal.out(JSON.stringify({ ...proved, ...bytes }))
  }
  const signed = `signed by ${proved.signers.join(', ')} for round ${proved.certifiedRound}`
  const what =
    proved.kind === 'absence'
      ? `no transaction #${proved.position} up to round ${proved.certifiedRound}`
      : `#${proved.position}  round ${proved.round}  ${proved.creator}  ${JSON.stringify(Buffer.from(proved.bytes).toString('utf8'))}`
  await terminal.out(`${terminal.paint.good('OK')}   ${what}  ${signed}`)
}
