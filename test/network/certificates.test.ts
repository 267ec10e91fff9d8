/** Certificates on a testnet of real processes: what is submitted becomes certified, and is proved with the genesis alone. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { genesisFromJson, verifyProof } from '@hearsay/client/verify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run, until } from './command.ts'
import { startNetwork, type Network } from './network.ts'

let network: Network
beforeAll(async () => void (network = await startNetwork()))
afterAll(async () => network.dispose())

const url = (name: string, path: string): string => `http://127.0.0.1:${network.node(name).api.port}${path}`

async function submitCertified(name: string, text: string) {
  const answer = await fetch(url(name, '/v1/tx?until=certified&timeout=30s'), { method: 'POST', body: text })
  return { status: answer.status, receipt: (await answer.json()) as Record<string, unknown> }
}

const genesis = () => {
  const parsed = genesisFromJson(JSON.parse(readFileSync(join(network.dir, 'net/ada/genesis.json'), 'utf8')))
  if (!parsed.ok) throw new Error(parsed.faults.join('; '))
  return parsed.value
}

const proofOf = async (name: string, position: number): Promise<unknown> =>
  (await fetch(url(name, `/v1/tx/${position}/proof`))).json()

test('a submitted transaction is certified, and every node proves it to whoever holds the genesis', async () => {
  const { status, receipt } = await submitCertified('ada', 'sign this')
  expect([status, receipt['state']]).toEqual([200, 'certified'])
  const position = receipt['position'] as number
  for (const { name } of network.nodes) {
    await until(`${name} holds a certificate`, async () => (await network.status(name)).certifiedRound > 0)
    const verdict = verifyProof(await proofOf(name, position), genesis())
    if (!verdict.ok || verdict.proved.kind !== 'transaction') throw new Error(JSON.stringify(verdict))
    expect(Buffer.from(verdict.proved.bytes).toString()).toBe('sign this')
    expect(verdict.proved.timestamp).toBe(receipt['timestamp'])
    expect(verdict.proved.signers.length).toBeGreaterThanOrEqual(3)
  }
  const absent = verifyProof(await proofOf('bob', position + 5), genesis())
  expect(absent).toMatchObject({ ok: true, proved: { kind: 'absence', position: position + 5 } })
  const known = (await (await fetch(url('cat', `/v1/tx/${position}`))).json()) as { state: string }
  expect(known.state).toBe('certified')
})

test('hearsay proof writes it, hearsay verify-proof believes it offline and nothing else', async () => {
  const { receipt } = await submitCertified('bob', 'over the command line')
  const file = join(network.dir, 'proof.json')
  const api = `127.0.0.1:${network.node('bob').api.port}`
  const made = await run(['proof', String(receipt['position']), '--api', api, '--out', file])
  expect([made.code, made.err]).toEqual([0, expect.stringContaining('written to')])
  const verify = () => run(['verify-proof', file, '--genesis', join(network.dir, 'net/ada/genesis.json')])
  const believed = await verify()
  expect([believed.code, believed.out]).toEqual([0, expect.stringContaining('over the command line')])
  const forged = JSON.parse(readFileSync(file, 'utf8')) as { position: number }
  writeFileSync(file, JSON.stringify({ ...forged, position: forged.position - 1 }))
  expect((await verify()).code).toBe(3)
})

test('certificates survive a restart: a node that is alone, and can sign nothing with anybody, proves what was before', async () => {
  const { receipt } = await submitCertified('cat', 'before the kill')
  const position = receipt['position'] as number
  const names = ['ada', 'bob', 'cat', 'dan']
  for (const name of names) {
    await until(`${name} has it certified`, async () => {
      const known = (await (await fetch(url(name, `/v1/tx/${position}`))).json()) as { state: string }
      return known.state === 'certified'
    })
  }
  await network.stop()
  await network.startNode('dan')
  expect(readdirSync(join(network.dir, 'net/dan/certificates')).length).toBeGreaterThan(0)
  const verdict = verifyProof(await proofOf('dan', position), genesis())
  expect(verdict).toMatchObject({ ok: true, proved: { kind: 'transaction', position } })
})
