/** `verify-proof` says what a proof proves, and with the status of a failed verification that it proves nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { genesisToJson } from '@hearsay/dag'
import { expect, test } from 'vitest'
import { createCertifiedLedger, GENESIS } from '../client/certified-ledger.ts'
import { run } from '../network/command.ts'

test('a proof in a file: believed, or not', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'hearsay-proof-'))
  const file = join(dir, 'proof.json')
  const genesis = join(dir, 'genesis.json')
  const verify = (...more: string[]) => run(['verify-proof', file, '--genesis', genesis, ...more])
  try {
    writeFileSync(genesis, JSON.stringify(genesisToJson(GENESIS)))
    const ledger = createCertifiedLedger()
    writeFileSync(file, JSON.stringify(ledger.inclusion(0, 3)))
    expect(await verify()).toMatchObject({
      code: 0,
      out: 'OK   #0  round 1  ada  "first"  signed by ada, bob, dan for round 3\n',
    })
    expect(JSON.parse((await verify('--json')).out)).toMatchObject({
      position: 0,
      hex: '6669727374',
      signers: ['ada', 'bob', 'dan'],
    })
    writeFileSync(file, JSON.stringify(ledger.absence(ledger.transactions.length, 3)))
    expect((await verify()).out).toMatch(/^OK {3}no transaction #\d+ up to round 3/)
    writeFileSync(file, JSON.stringify({ ...ledger.inclusion(0, 3), position: 1 }))
    const forged = await verify()
    expect([forged.code, forged.err]).toEqual([3, expect.stringContaining('E_PROOF')])
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
