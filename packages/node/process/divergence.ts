/**
 * What is kept when this node's ledger or state is not that of the others: `evidence/divergence-<round>.json`, with the signed
 * statements of both sides, which anybody who holds the genesis can check (dag: certificate.ts says what is signed).
 */
import { join } from 'node:path'
import { equalBytes, toHex, type Genesis } from '@hearsay/dag'
import type { Files } from '../disk/index.ts'
import type { Divergence } from '../src/certifier.ts'
import { OperatorError } from '../src/errors.ts'
import type { SignedRound } from '../src/signed-round.ts'

const statementToJson = ({ round, blockHash, stateHash, signature }: SignedRound) => ({
  round,
  blockHash: toHex(blockHash),
  stateHash: toHex(stateHash),
  signature: toHex(signature),
})

export function keepDivergence(
  world: {
    readonly dir: string
    readonly files: Files
    readonly genesis: Genesis
    readonly networkId: Uint8Array
    readonly self: { readonly id: number; readonly name: string }
  },
  { round, blockHash, own, others }: Divergence,
): OperatorError {
  const { files, dir, genesis, self } = world
  const nameOf = (id: number): string =>
    genesis.members.find((member) => member.id === id)?.name ?? String(id)
  const evidence = {
    hearsay: 'divergence',
    version: 1,
    networkId: toHex(world.networkId),
    round,
    own: {
      memberId: self.id,
      name: self.name,
      blockHash: toHex(blockHash),
      statement: own === undefined ? null : statementToJson(own),
    },
    others: others.map(({ memberId, statement }) => ({
      memberId,
      name: nameOf(memberId),
      statement: statementToJson(statement),
    })),
  }
  const path = join(dir, 'evidence', `divergence-${round}.json`)
  const bytes = new TextEncoder().encode(`${JSON.stringify(evidence, null, 2)}\n`)
  const kept = write(files, join(dir, 'evidence'), path, bytes)
  const isLedger = others.some(({ statement }) => !equalBytes(statement.blockHash, blockHash))
  const names = others.map(({ memberId }) => nameOf(memberId)).join(', ')
  return new OperatorError(
    'E_DIVERGED',
    `round ${round}: ${names} signed another ${isLedger ? 'ledger' : 'state of the application'} than this node has; ${kept}`,
    3,
    isLedger
      ? 'keep this directory; compare directories with: hearsay verify DIR…'
      : 'the application gave another state for the same transactions: compare its version, and what it reads beside them',
  )
}

/** Says where the evidence is; that it could not be written must not hide what it is about. */
function write(files: Files, directory: string, path: string, bytes: Uint8Array): string {
  try {
    files.makeDirectory(directory)
    const fd = files.open(path, 'recreate')
    try {
      for (let written = 0; written < bytes.length;) {
        const n = files.write(fd, bytes, written, bytes.length, written)
        if (n === 0) throw new Error('nothing was written')
        written += n
      }
      files.sync(fd)
    } finally {
      files.close(fd)
    }
    files.syncDirectory(directory)
    return `the signed statements are in ${path}`
  } catch (error) {
    return `the signed statements could not be written to ${path} (${(error as Error).message})`
  }
}
