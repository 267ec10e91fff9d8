// Decides how a member of a testnet is made to contradict itself, with nothing but honest nodes: the same key runs twice, on two
// copies of its directory, and both make an event for the same place. A node that starts asks for its own newest event first, of
// more than two thirds. So the first asks all of the others, and is then left with one of them, and that one with it; only then is
// the twin let in, with the rest, who cannot know what the first says from then on. Both notice in the end and stop; the others keep
// the proof (`hearsay evidence`).
//
// Who is linked with whom is said to each node as addresses: a link whose address changes is closed and dialled anew at once, where a
// link that was cut would wait for its next attempt. What was done to the links before still holds between the others.
import { once } from 'node:events'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { peekEvent } from '@hearsay/dag'
import type { EvidenceJson, StatusJson } from '@hearsay/node'
import type { Address } from '../src/index.ts'
import { ask, askBytes, askJson, askStatus, problemError } from './api-client.ts'
import type { LinkMesh } from './link-mesh.ts'
import type { PeersMessage } from './parent.ts'
import { firstFree } from './ports.ts'
import { NOWHERE, type RunningTestnet } from './testnet-faults.ts'
import { type NodeEvents, startNodeProcess, type TestnetNode } from './testnet-nodes.ts'

const TWIN = '.twin'
const POLL_MS = 20
const SILENT: NodeEvents = { onChange: () => undefined, onLine: () => undefined }
/** So long each step may take. */
const WITHIN_MS = 30_000
/** Under load there is no quiet moment; it is waited for only so long. */
const QUIET_WITHIN_MS = 2_000
/** Of an event in the stream of a node: its length and the cursor behind it. */
const EVENT_HEAD_BYTES = 10

export interface ForkParts {
  readonly testnet: RunningTestnet
  readonly node: TestnetNode
  /** Those that can answer. */
  readonly others: readonly TestnetNode[]
  readonly links: LinkMesh
  /** Tells everybody where the others are usually found. */
  readonly restore: () => void
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  if (!(await within(WITHIN_MS, holds))) throw new Error(`not within ${WITHIN_MS / 1_000} s: ${what}`)
}

async function within(ms: number, holds: () => Promise<boolean> | boolean): Promise<boolean> {
  const endMs = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > endMs) return false
    await pause(POLL_MS)
  }
  return true
}

async function end(node: TestnetNode): Promise<void> {
  if (node.hasExited) return
  node.isAsked = true
  const gone = once(node.child, 'exit')
  // One that stops by itself has ended the channel.
  if (node.child.connected) node.child.disconnect()
  await gone
}

export async function forkMember(parts: ForkParts): Promise<void> {
  const { testnet, node, others } = parts
  const { name } = node.plan
  const members = testnet.nodes.length
  if (3 * others.length <= 2 * members)
    throw new Error(
      `beside ${name} more than two thirds of the ${members} members have to run; ${others.length} do`,
    )
  await end(node)
  const twinName = `${name}${TWIN}`
  const twinDir = join(testnet.dir, twinName)
  cpSync(join(testnet.dir, name), twinDir, {
    recursive: true,
    filter: (path) => !/lock\.(db|pid)/.test(path),
  })
  const [apiPort, gossipPort] = await firstFree(2)
  const plan = {
    name: twinName,
    api: { host: '127.0.0.1', port: apiPort! },
    gossip: { host: '127.0.0.1', port: gossipPort! },
  }
  const first = testnet.start(node.plan)
  leaveAlone(twinDir)
  const twin = startNodeProcess(testnet.dir, plan, {}, SILENT, true)
  try {
    for (const each of [first, twin])
      await until(`${each.plan.name} runs`, () => each.up !== undefined || each.hasExited)
    await contradict(parts, first, twin)
    testnet.say(`net: ${name} has contradicted itself; see: hearsay evidence`)
  } finally {
    parts.restore()
    await end(twin)
    rmSync(twinDir, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function contradict(parts: ForkParts, first: TestnetNode, twin: TestnetNode): Promise<void> {
  const { others } = parts
  const [near, ...far] = others
  arrange(parts, { first, twin, heardBy: () => first, isWhole: true })
  await until(`${nameOf(first)} has asked the others for its newest event`, () => isActive(first, others))
  // What is not final yet might never be in the smaller half, and keep its node from speaking.
  await within(QUIET_WITHIN_MS, async () => (await askStatus(first.plan.api)).undecidedEvents === 0)
  const halves = [
    { self: first, half: [near!] },
    { self: twin, half: far },
  ]
  arrange(parts, {
    first,
    twin,
    heardBy: (other) => (other === near ? first : twin),
    isWhole: false,
  })
  for (const { self, half } of halves)
    await until(`${nameOf(self)} is linked with its half`, async () =>
      isLinkedWith(half, await askStatus(self.plan.api)),
    )
  await until(`${nameOf(twin)} has asked the others, too`, () => isActive(twin, far))
  await Promise.all(halves.map(({ self, half }) => speak(self, half[0]!)))
  arrange(parts, { first, twin, heardBy: (other) => (other === near ? first : twin), isWhole: true })
  await until(`the others have a proof against ${nameOf(first)}`, async () => {
    const { evidence } = (await askJson(near!.plan.api, '/v1/evidence')) as EvidenceJson
    return evidence.length > 0
  })
}

const nameOf = ({ plan }: TestnetNode): string => plan.name

/** It finds nobody before it is told. */
function leaveAlone(dir: string): void {
  const path = join(dir, 'config.json')
  const config = JSON.parse(readFileSync(path, 'utf8')) as { peers: Record<string, Address> }
  const peers = Object.fromEntries(Object.keys(config.peers).map((name) => [name, NOWHERE]))
  writeFileSync(path, JSON.stringify({ ...config, peers }))
}

interface Arrangement {
  readonly first: TestnetNode
  readonly twin: TestnetNode
  /** Which of the two another is linked with. */
  readonly heardBy: (other: TestnetNode) => TestnetNode
  /** The others are linked with each other, too, and not only with those that hear the same of the two. */
  readonly isWhole: boolean
}

function arrange({ others, links, node }: ForkParts, { first, twin, heardBy, isWhole }: Arrangement): void {
  const member = nameOf(node)
  for (const self of [first, twin])
    tell(
      self,
      others.map((other) => [nameOf(other), heardBy(other) === self ? other.plan.gossip : NOWHERE]),
    )
  for (const from of others) {
    const addresses = others
      .filter((to) => to !== from)
      .map((to): [string, Address] => {
        const isOpen = isWhole || heardBy(to) === heardBy(from)
        return [nameOf(to), isOpen ? links.addressFor(nameOf(from), nameOf(to)) : NOWHERE]
      })
    tell(from, [...addresses, [member, heardBy(from).plan.gossip]])
  }
}

function tell({ child }: TestnetNode, addresses: readonly (readonly [string, Address])[]): void {
  const message: PeersMessage = { kind: 'peers', peers: Object.fromEntries(addresses) }
  if (child.connected) child.send(message)
}

/** Own events are made there: it has a quorum, has asked it and is not behind; and it is linked with all of these. */
async function isActive(node: TestnetNode, half: readonly TestnetNode[]): Promise<boolean> {
  const status = await askStatus(node.plan.api)
  return status.state === 'active' && isLinkedWith(half, status)
}

function isLinkedWith(half: readonly TestnetNode[], { peers }: StatusJson): boolean {
  const names = half.map(nameOf)
  return peers.every((peer) => peer.connected === names.includes(peer.name))
}

/** Submits there, until one of its half has its event. */
async function speak(self: TestnetNode, hearer: TestnetNode): Promise<void> {
  const { journalBytes: cursor } = await askStatus(hearer.plan.api)
  const { ownEvents, memberId } = await askStatus(self.plan.api)
  const body = new TextEncoder().encode(`said by ${nameOf(self)}`)
  const path = '/v1/tx?until=accepted'
  const { status, json } = await ask(self.plan.api, { method: 'POST', path, body })
  if (status >= 400) throw problemError(json, self.plan.api)
  await until(
    `${nameOf(self)} has spoken`,
    async () => (await askStatus(self.plan.api)).ownEvents > ownEvents,
  )
  await until(`${nameOf(hearer)} has heard ${nameOf(self)}`, async () =>
    (await eventsSince(hearer, cursor)).some((e) => e.creator === memberId && e.sequence > ownEvents),
  )
}

/** Those that are durable there. */
async function eventsSince(
  { plan }: TestnetNode,
  cursor: number,
): Promise<{ creator: number; sequence: number }[]> {
  const stream = await askBytes(plan.api, `/v1/events?from=${cursor}`)
  const events: { creator: number; sequence: number }[] = []
  for (let at = 0; at < stream.length;) {
    const length = stream.readUInt32BE(at)
    const start = at + EVENT_HEAD_BYTES
    at = start + length
    if (length > 0) events.push(peekEvent(stream.subarray(start, at)))
  }
  return events
}
