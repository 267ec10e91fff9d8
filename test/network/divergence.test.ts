/** A node whose ledger, or whose application's state, is made to differ stops with the evidence; the others go on. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  fromHex,
  genesisFromJson,
  networkIdOf,
  roundStatement,
  type CryptoSuite,
  type Genesis,
} from '@hearsay/dag'
import { createNativeSuite } from '@hearsay/dag/native'
import { startTransport } from '@hearsay/gossip/ws'
import { createCounter, createMember, type Application } from '@hearsay/node'
import { nodeFiles } from '@hearsay/node/disk'
import {
  assembleNode,
  createNode,
  startNode,
  systemClock,
  type AssembledNode,
  type EmbeddedNode,
} from '@hearsay/node/process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from './command.ts'
import { startNetwork } from './network.ts'

const NAMES = ['ada', 'bob', 'cat', 'dan']
const suite = createNativeSuite()
let folder: string
const dirOf = (name: string): string => join(folder, 'net', name)
const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hearsay-divergence-'))
  // Founds four members; the nodes are the test's.
  const network = await startNetwork({ dir: folder })
  await network.stop()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

interface Evidence {
  readonly round: number
  readonly own: { readonly name: string; readonly statement: Statement | null }
  readonly others: readonly { readonly name: string; readonly statement: Statement }[]
}
interface Statement {
  readonly round: number
  readonly blockHash: string
  readonly stateHash: string
  readonly signature: string
}

function genesisOf(name: string): Genesis {
  const parsed = genesisFromJson(readJson(join(dirOf(name), 'genesis.json')))
  if (!parsed.ok) throw new Error(parsed.faults.join('; '))
  return parsed.value
}

/** Every statement of the file, checked by its signature. */
function evidenceOf(name: string, message: string): Evidence {
  const path = /evidence\/divergence-\d+\.json/.exec(message)?.[0]
  expect(path).toBeDefined()
  const evidence = readJson(join(dirOf(name), path!)) as Evidence
  const genesis = genesisOf(name)
  const networkId = networkIdOf(genesis, suite.sha256)
  for (const { name: of, statement } of [evidence.own, ...evidence.others]) {
    if (statement === null) continue
    const { publicKey } = genesis.members.find((member) => member.name === of)!
    const bytes = roundStatement(
      {
        round: statement.round,
        blockHash: fromHex(statement.blockHash)!,
        stateHash: fromHex(statement.stateHash)!,
      },
      networkId,
    )
    expect(suite.verify(publicKey, bytes, fromHex(statement.signature)!)).toBe(true)
  }
  return evidence
}

test('an application that counts otherwise on one node: that node stops, with both statements', async () => {
  const sound: Application<number> = createCounter()
  const other: Application<number> = {
    ...sound,
    apply: (sum, tx) => ({ state: sum + 2 * Number(tx.text), result: sum }),
  }
  const nodes: EmbeddedNode<number>[] = await Promise.all(
    NAMES.map((name) => createNode({ dir: dirOf(name), app: name === 'dan' ? other : sound })),
  )
  try {
    await nodes[0]!.submit('5')
    const failure = await nodes[3]!.running.failed
    expect([failure.code, failure.exitCode]).toEqual(['E_DIVERGED', 3])
    expect(failure.message).toContain('state of the application')
    const { own, others } = evidenceOf('dan', failure.message)
    expect(own.name).toBe('dan')
    expect(own.statement?.blockHash).toBe(others[0]!.statement.blockHash)
    expect(own.statement?.stateHash).not.toBe(others[0]!.statement.stateHash)
    expect(others.length).toBeGreaterThanOrEqual(2)
    // The three others are more than two thirds, agree, and go on.
    await until('a certificate without dan', () => nodes[0]!.status().certifiedRound > 0)
    expect((await nodes[1]!.submit('6')).result).toBe(11)
    expect(nodes.map((node) => node.status().state)).toEqual(['active', 'active', 'active', 'failed'])
  } finally {
    for (const node of nodes) await node.stop()
  }
})

/** The member of a directory with what is given in place of its cryptography. */
async function startWith(name: string, crooked: CryptoSuite): Promise<AssembledNode> {
  const genesis = genesisOf(name)
  const self = genesis.members.find((member) => member.name === name)!
  const secretKey = Buffer.from(readFileSync(join(dirOf(name), 'key'), 'utf8').trim(), 'hex')
  const config = readJson(join(dirOf(name), 'config.json')) as {
    gossip: { host: string; port: number }
    peers: Record<string, { host: string; port: number }>
  }
  return assembleNode(
    {
      dir: dirOf(name),
      genesis,
      networkId: networkIdOf(genesis, suite.sha256),
      self,
      secretKey,
      suite: crooked,
      files: nodeFiles,
      clock: systemClock,
      random: Math.random,
      randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
      narrate: () => undefined,
      createMember,
      openTransport: (onEvent) =>
        startTransport({
          memberId: self.id,
          secretKey,
          publicKey: self.publicKey,
          listen: config.gossip,
          peers: genesis.members
            .filter(({ id }) => id !== self.id)
            .map(({ id, name: peer, publicKey }) => ({ memberId: id, publicKey, ...config.peers[peer]! })),
          onEvent,
        }),
    },
    [],
  )
}

test('a ledger that differs in one node from some round on: that node stops ordering, with both statements', async () => {
  const domain = Buffer.from('hearsay.block.1\n')
  const crooked: CryptoSuite = {
    ...suite,
    sha256: (bytes) => {
      const hash = suite.sha256(bytes)
      // The blocks of this node have another hash from its third round on.
      const isBlock = Buffer.from(bytes.subarray(0, domain.length)).equals(domain)
      if (isBlock && Buffer.from(bytes).readUIntBE(48, 6) >= 3) hash[0]! ^= 1
      return hash
    },
  }
  const others = await Promise.all(NAMES.slice(0, 3).map((name) => startNode({ dir: dirOf(name) })))
  const dan = await startWith('dan', crooked)
  try {
    for (let i = 0; i < 4; i++) {
      const result = others[0]!.submit(Buffer.from(`number ${i}`))
      if (!result.ok) throw new Error(result.message)
      await result.submission.final
    }
    const failure = await dan.failed
    expect([failure.code, failure.exitCode]).toEqual(['E_DIVERGED', 3])
    expect(failure.message).toContain('another ledger')
    const evidence = evidenceOf('dan', failure.message)
    expect(evidence.round).toBeGreaterThanOrEqual(3)
    const { round } = dan.status()
    await until('a certificate without dan', () => others[1]!.certifiedRound() >= evidence.round)
    expect(dan.status()).toMatchObject({ state: 'failed', round })
    for (const name of NAMES.slice(0, 3)) expect(existsSync(join(dirOf(name), 'evidence'))).toBe(false)
  } finally {
    for (const node of [...others, dan]) await node.stop()
  }
})
