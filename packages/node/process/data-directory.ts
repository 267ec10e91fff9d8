/** Reads and writes the small files of a data directory; says what is wrong with them and what to do. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bytesKey, fromHex, isAcceptableKey, type CryptoSuite, type Genesis, type Member } from '@hearsay/dag'
import { KeyPermissions, readPrivateFile } from '../disk/index.ts'
import { configFromJson, genesisFromJson, type NodeConfig, type Parsed } from '../src/config.ts'
import { OperatorError } from '../src/errors.ts'

const EXIT_BAD_CONFIG = 78
const EXIT_PERMISSIONS = 77

function badConfig(file: string, what: string, hint: string): OperatorError {
  return new OperatorError('E_BAD_CONFIG', `${file}: ${what}`, EXIT_BAD_CONFIG, hint)
}

function readJson<T>(file: string, parse: (json: unknown) => Parsed<T>, hint: string): T {
  if (!existsSync(file)) throw badConfig(file, 'is not there', hint)
  let json: unknown
  try {
    json = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw badConfig(
      file,
      `cannot be read as JSON (${(error as Error).message})`,
      'mend it or restore it from a copy',
    )
  }
  const parsed = parse(json)
  if (!parsed.ok) throw badConfig(file, parsed.faults.join('; '), 'mend it; the README describes the fields')
  return parsed.value
}

export function readGenesis(dir: string): Genesis {
  const file = join(dir, 'genesis.json')
  const genesis = readJson(file, genesisFromJson, 'make one with: hearsay genesis new')
  for (const member of genesis.members) {
    if (!isAcceptableKey(member.publicKey)) {
      throw badConfig(
        file,
        `the public key of ${member.name} is not a sound Ed25519 key`,
        'ask that member for its key',
      )
    }
  }
  return genesis
}

export function readConfig(dir: string): NodeConfig {
  return readJson(join(dir, 'config.json'), configFromJson, 'a node needs config.json beside genesis.json')
}

export function readSecretKey(dir: string): Uint8Array {
  const file = join(dir, 'key')
  let text: string
  try {
    text = Buffer.from(readPrivateFile(file)).toString('latin1').trim()
  } catch (error) {
    if (error instanceof KeyPermissions) {
      throw new OperatorError(error.code, error.message, EXIT_PERMISSIONS, `chmod 600 ${file}`, {
        cause: error,
      })
    }
    throw badConfig(file, (error as Error).message, 'make one with: hearsay keygen')
  }
  const key = fromHex(text)
  if (key === undefined || key.length !== 32) {
    throw badConfig(file, 'is not a secret key (64 hex digits)', 'restore it from a copy')
  }
  return key
}

/** The member of the genesis that the key belongs to; config and key must name the same one. */
export function findSelf(
  genesis: Genesis,
  config: NodeConfig,
  secretKey: Uint8Array,
  suite: CryptoSuite,
): Member {
  const publicKey = bytesKey(suite.publicKey(secretKey))
  const self = genesis.members.find((member) => bytesKey(member.publicKey) === publicKey)
  if (self === undefined) {
    throw badConfig('key', 'belongs to no member of genesis.json', 'use the key that the genesis names')
  }
  if (self.name !== config.name) {
    throw badConfig(
      'config.json',
      `name is ${config.name}, but the key is that of ${self.name}`,
      `set name to ${self.name}`,
    )
  }
  return self
}
