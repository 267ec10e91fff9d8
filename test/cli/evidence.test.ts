/** `evidence verify` believes what proves a branch, and says with the status of a failed verification that another file proves nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { branchProof, evidenceToJson, genesisToJson } from '@hearsay/dag'
import { expect, test } from 'vitest'
import { createMaker } from '../dag/making.ts'
import { run } from '../network/command.ts'

test('evidence in a file: believed, or not', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'hearsay-evidence-'))
  const file = join(dir, 'evidence.json')
  const genesis = join(dir, 'genesis.json')
  const verify = (...more: string[]) => run(['evidence', 'verify', file, '--genesis', genesis, ...more])
  try {
    const maker = createMaker(4)
    writeFileSync(genesis, JSON.stringify(genesisToJson(maker.genesis)))
    const proof = branchProof(maker.event({ creator: 3 }), maker.event({ creator: 3 }))
    const json = evidenceToJson([proof], maker.genesis, maker.networkId)
    writeFileSync(file, JSON.stringify(json))
    expect(await verify()).toMatchObject({
      code: 0,
      out: 'OK   m3 has signed two different events with the number 1\n',
    })
    expect(JSON.parse((await verify('--json')).out)).toEqual({
      branches: [{ memberId: 3, name: 'm3', sequence: 1 }],
    })
    writeFileSync(file, JSON.stringify({ ...json, evidence: [] }))
    const forged = await verify()
    expect([forged.code, forged.err]).toEqual([3, expect.stringContaining('E_EVIDENCE')])
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
