// Decides how files of JSON are read that somebody else has written: a proof, evidence, the genesis that they are held against.
import { readFileSync } from 'node:fs'
import { genesisFromJson, type Genesis } from '@hearsay/dag'
import { CommandError, EXIT } from '../src/index.ts'

export function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8'))
  } catch (error) {
    throw new CommandError(
      {
        code: 'E_NOT_JSON',
        message: `${file === '-' ? 'standard input' : file} cannot be read: ${(error as Error).message}`,
        hint: 'name a file that hearsay proof or hearsay evidence export has written',
        exitCode: EXIT.corrupt,
      },
      { cause: error },
    )
  }
}

export function readGenesis(file: string): Genesis {
  const genesis = genesisFromJson(readJson(file))
  if (genesis.ok) return genesis.value
  throw new CommandError({
    code: 'E_BAD_CONFIG',
    message: `${file}: ${genesis.faults.join('; ')}`,
    hint: 'use the genesis of the network, from where you trust it',
    exitCode: EXIT.badConfig,
  })
}
