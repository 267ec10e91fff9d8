// Decides how a member of a testnet is made to contradict itself, with nothing but honest nodes: the same key runs twice, on two
// copies of its directory, each linked with one half of the others, and both make an event for the same place. That is what happens
// when somebody starts a node from an old copy. Both notice and stop; the others keep the proof (`hearsay evidence`).
import { once } from 'node:events'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { EvidenceJson } from '@hearsay/node'
import type { Address } from '../src/index.ts'
import { ask, askJson, askStatus } from './api-client.ts'
import type { LinkMesh } from './link-mesh.ts'
import type { PeersMessage } from './parent.ts'
import { firstFree } from './ports.ts'
import { NOWHERE, type RunningTestnet } from './testnet-faults.ts'
import { startNodeProcess, type TestnetNode } from './testnet-nodes.ts'

const TWIN = '.twin'
const POLL_MS = 50
/** So long the two may take to start, and the others to find the contradiction. */
const WITHIN_MS = 30_000

export interface ForkParts {
  readonly testnet: RunningTestnet
  readonly node: TestnetNode
  readonly links: LinkMesh
  readonly detours: Map<string, Address>
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const endMs = performance.now() + WITHIN_MS
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not within ${WITHIN_MS / 1_000} s: ${what}`)
    await pause(POLL_MS)
  }
}

async function end(node: TestnetNode): Promise<void> {
  if (node.hasExited) return
  node.isAsked = true
  const gone = once(node.child, 'exit')
  node.child.disconnect()
  await gone
}

export async function forkMember({ testnet, node, links, detours }: ForkParts): Promise<void> {
  const { name } = node.plan
  const others = testnet.nodes.filter((each) => each !== node && !each.hasExited).map(({ plan }) => plan.name)
  if (others.length < 2) throw new Error('two other nodes have to run')
  const far = new Set(others.slice(Math.ceil(others.length / 2)))
  await end(node)
  const dir = join(testnet.dir, name)
  const twinDir = `${dir}${TWIN}`
  cpSync(dir, twinDir, { recursive: true, filter: (path) => !/lock\.(db|pid)/.test(path) })
  const [apiPort, gossipPort] = await firstFree(2)
  const plan = {
    name: `${name}${TWIN}`,
    api: { host: '127.0.0.1', port: apiPort! },
    gossip: { host: '127.0.0.1', port: gossipPort! },
  }
  // What one half hears must not reach the other before both have spoken.
  const between = others
    .filter((each) => !far.has(each))
    .flatMap((near) => [...far].map((each) => [near, each] as const))
  for (const [a, b] of between) links.set(a, b, { state: 'cut' })
  const twin = startNodeProcess(
    testnet.dir,
    plan,
    {},
    { onChange: () => undefined, onLine: () => undefined },
    true,
  )
  const first = testnet.start(node.plan)
  try {
    await until(
      'both run',
      () => (twin.up !== undefined && first.up !== undefined) || twin.hasExited || first.hasExited,
    )
    for (const other of far) detours.set(`${other}>${name}`, plan.gossip)
    tell(first, others, (other) => (far.has(other) ? NOWHERE : links.addressFor(name, other)))
    tell(twin, others, (other) =>
      far.has(other) ? testnet.nodes.find((each) => each.plan.name === other)!.plan.gossip : NOWHERE,
    )
    for (const other of others) links.reset(name, other)
    const halves = [
      {
        self: first,
        half: testnet.nodes.filter(({ plan }) => others.includes(plan.name) && !far.has(plan.name)),
      },
      { self: twin, half: testnet.nodes.filter(({ plan }) => far.has(plan.name)) },
    ]
    for (const { self, half } of halves)
      await until(`${self.plan.name} is linked with its half`, async () => {
        const { reachableMembers } = await askStatus(self.plan.api)
        return reachableMembers === half.length + 1
      })
    await Promise.all(halves.map(({ self, half }) => speak(self, half[0]!)))
    for (const [a, b] of between) links.set(a, b, { state: 'open' })
    await until(`the others have a proof against ${name}`, async () => {
      const witness = testnet.nodes.find((each) => each !== first && !each.hasExited)
      if (witness === undefined) return true
      const { evidence } = (await askJson(witness.plan.api, '/v1/evidence')) as EvidenceJson
      return evidence.length > 0
    })
    testnet.say(`net: ${name} has contradicted itself; see: hearsay evidence`)
  } finally {
    detours.clear()
    for (const [a, b] of between) links.set(a, b, { state: 'open' })
    await end(twin)
    rmSync(twinDir, { recursive: true, force: true, maxRetries: 5 })
    for (const other of others) links.reset(name, other)
  }
}

/** Submits there, until one of its half has heard of it. */
async function speak(self: TestnetNode, hearer: TestnetNode): Promise<void> {
  const { transactions } = await askStatus(hearer.plan.api)
  const body = new TextEncoder().encode(`said by ${self.plan.name}`)
  await ask(self.plan.api, { method: 'POST', path: '/v1/tx?until=accepted', body })
  await until(`${hearer.plan.name} has heard`, async () => {
    const now = await askStatus(hearer.plan.api)
    return now.undecidedEvents > 0 || now.transactions > transactions
  })
}

function tell(node: TestnetNode, others: readonly string[], addressOf: (other: string) => Address): void {
  const peers = Object.fromEntries(others.map((other) => [other, addressOf(other)]))
  const message: PeersMessage = { kind: 'peers', peers }
  if (node.child.connected) node.child.send(message)
}
