// Reads the published and own Ed25519 vectors in one shape, each with the STRICT verdict and where it comes from.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Vector {
  readonly source: 'speccheck' | 'cctv' | 'wycheproof' | 'own'
  /** Number within the source. */
  readonly id: number
  /** Class within the source: flags of the publisher, or the verdicts of other rules. */
  readonly label: string
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
  /** The STRICT verdict if the source states it; for CCTV it is known only as a count. */
  readonly strict: boolean | undefined
}

const folder = join(import.meta.dirname, '../vectors/ed25519')
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

/** "Taming the many EdDSAs": cases 0 to 11, V accept, X reject. */
export const SPECCHECK_STRICT = 'XXXVXXXXXXXX'

export const readSpeccheck = (): Vector[] => {
  const cases = JSON.parse(read('speccheck.cases.json')) as {
    message: string
    pub_key: string
    signature: string
  }[]
  return cases.map((each, id) => ({
    source: 'speccheck',
    id,
    label: String(id),
    publicKey: hex(each.pub_key),
    message: hex(each.message),
    signature: hex(each.signature),
    strict: SPECCHECK_STRICT[id] === 'V',
  }))
}

export const readCctv = (): Vector[] => {
  type Case = { number: number; key: string; sig: string; msg: string; flags: string[] | null }
  return (JSON.parse(read('cctv.ed25519vectors.json')) as Case[]).map((each) => ({
    source: 'cctv',
    id: each.number,
    label: (each.flags ?? []).join(' '),
    publicKey: hex(each.key),
    message: Uint8Array.from(Buffer.from(each.msg, 'utf8')),
    signature: hex(each.sig),
    strict: undefined,
  }))
}

export const readWycheproof = (): Vector[] => {
  type Case = { tcId: number; flags: string[]; msg: string; sig: string; result: string }
  type Group = { publicKey: { pk: string }; tests: Case[] }
  const groups = (JSON.parse(read('wycheproof.ed25519_test.json')) as { testGroups: Group[] }).testGroups
  return groups.flatMap((group) =>
    group.tests.map((each) => ({
      source: 'wycheproof' as const,
      id: each.tcId,
      label: each.flags.join(' '),
      publicKey: hex(group.publicKey.pk),
      message: hex(each.msg),
      signature: hex(each.sig),
      strict: each.result === 'valid',
    })),
  )
}

export const readOwn = (): Vector[] => {
  type Case = {
    id: number
    pk: string
    msg: string
    sig: string
    strict: boolean
    zip215: boolean
    openssl_ref10: boolean
  }
  return read('own.adversarial-1500.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Case)
    .map((each) => ({
      source: 'own' as const,
      id: each.id,
      label: `zip215=${each.zip215} ref10=${each.openssl_ref10}`,
      publicKey: hex(each.pk),
      message: hex(each.msg),
      signature: hex(each.sig),
      strict: each.strict,
    }))
}
