/**
 * States in which a crash could have left a real run's disk, and whether a node comes back from each of them. Four nodes run in this
 * process on real files, clocks, sockets and signatures; the first one's file operations are recorded. Then for many points
 * of the recording a simulated disk is brought there, loses power, and the node is started on what is left. Asked is that
 *
 *  - it starts, and reports no damage;
 *  - every own event that was called durable by then, which others may have seen, is there, and is the same event;
 *  - its ledger is the beginning of the ledger that the run came to, block by block;
 *  - every transaction that was final to its client by then is at the place of its receipt, if the ledger reaches so far. It need not:
 *    what decided it is durable with those who made it, here it may still have been on its way to the disk. The transaction
 *    itself is in an own event, which must be there.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeEvent, type Genesis, networkIdOf, peekEvent, toHex } from '@hearsay/dag'
import { createNativeSuite } from '@hearsay/dag/native'
import { startTransport, type Transport } from '@hearsay/gossip/ws'
import { createMember, type MemberOptions, RECORD_EVENT } from '@hearsay/node'
import { type Files, nodeFiles, verifyJournal } from '@hearsay/node/disk'
import {
  assembleNode,
  type AssembledNode,
  type NodeTransport,
  type NodeWorld,
  systemClock,
  type Timer,
} from '@hearsay/node/process'
import { createSimulatedDisk, type SimulatedDisk, type Survival } from '@hearsay/simulator'
import { genesisOf } from '../genesis.ts'
import { seeded } from '../seeded.ts'
import { createReenactment, type Operation, recordingFiles } from './recording.ts'
import { filesOf } from './simulated-files.ts'

const HOST = '127.0.0.1'
const SEGMENT_BYTES = 48 * 1024
const SNAPSHOT_ROUNDS = 24
const SURVIVALS: readonly Survival[] = ['none', 'prefix', 'any', 'all']

const NOBODY: NodeTransport = {
  send: () => undefined,
  bufferedBytes: () => 0,
  close: () => undefined,
  counters: () => ({}),
  stop: () => Promise.resolve(),
}

type Member = ReturnType<typeof createMember>

interface Recording {
  readonly world: Omit<NodeWorld, 'files' | 'openTransport' | 'createMember' | 'clock'>
  readonly operations: readonly Operation[]
  /** Own events by sequence number, and after how many operations each was called durable. */
  readonly own: readonly { readonly sequence: number; readonly key: string; readonly after: number }[]
  readonly finals: readonly { readonly text: string; readonly position: number; readonly after: number }[]
  /** Hashes of all blocks, round 1 first. */
  readonly blocks: readonly string[]
}

export interface CrashStates {
  readonly operations: number
  readonly bytes: number
  readonly ownEvents: number
  readonly receipts: number
  readonly rounds: number
  readonly states: number
  readonly tornTails: number
  readonly failures: readonly string[]
}

export interface CrashOptions {
  readonly seed: number
  readonly transactions: number
  readonly states: number
  /** For tests of this test: a disk interface that forgets something. */
  readonly spoil?: (files: Files) => Files
}

export async function runCrashStates(options: CrashOptions): Promise<CrashStates> {
  const root = mkdtempSync(join(tmpdir(), 'hearsay-recorded-'))
  try {
    const recording = await record(root, options)
    return await rebuild(recording, options)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

async function record(
  root: string,
  { seed, transactions, spoil = (files) => files }: CrashOptions,
): Promise<Recording> {
  const chance = seeded(seed)
  const bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => chance() * 256)
  const suite = createNativeSuite()
  const secretKeys = [1, 2, 3, 4].map(() => bytes(32))
  const genesis = genesisOf(suite, secretKeys, bytes(16))
  const networkId = networkIdOf(genesis, suite.sha256)
  const operations: Operation[] = []
  const own: { sequence: number; key: string; after: number }[] = []
  const finals: { text: string; position: number; after: number }[] = []
  const blocks: string[] = []
  const keys = new Map<number, string>()

  function watched(options: MemberOptions): Member {
    const member = createMember(options)
    return {
      ...member,
      step: (input, now) => {
        if (input.kind === 'durable') {
          const key = keys.get(input.sequence)
          if (key !== undefined) own.push({ sequence: input.sequence, key, after: operations.length })
        }
        const effects = member.step(input, now)
        for (const effect of effects) {
          if (effect.kind === 'deliver') blocks.push(toHex(effect.block.hash))
          if (effect.kind !== 'append' || effect.key === undefined) continue
          const { creator, sequence } = peekEvent(effect.bytes)
          if (creator === 1) keys.set(sequence, effect.key)
        }
        return effects
      },
    }
  }

  const worldOf = (i: number): Recording['world'] => ({
    dir: join(root, `m${i + 1}`),
    genesis,
    networkId,
    self: genesis.members[i]!,
    secretKey: secretKeys[i]!,
    suite,
    random: chance,
    randomBytes: bytes,
    narrate: () => undefined,
    segmentBytes: SEGMENT_BYTES,
    snapshotRounds: SNAPSHOT_ROUNDS,
  })
  const nodes: AssembledNode[] = []
  const transports: Transport[] = []
  try {
    for (const [i] of secretKeys.entries()) {
      const world = worldOf(i)
      nodeFiles.makeDirectory(world.dir)
      const files =
        i === 0 ? spoil(recordingFiles(nodeFiles, (operation) => operations.push(operation))) : nodeFiles
      const openTransport = (onEvent: Parameters<NodeWorld['openTransport']>[0]): Promise<Transport> =>
        listen(genesis, secretKeys, i, onEvent, transports)
      nodes.push(
        await assembleNode(
          {
            ...world,
            files,
            clock: systemClock,
            createMember: i === 0 ? watched : createMember,
            openTransport,
          },
          [],
        ),
      )
    }
    introduce(genesis, transports)
    await load(nodes, transactions, chance, (text, position) =>
      finals.push({ text, position, after: operations.length }),
    )
  } finally {
    for (const node of nodes) await node.stop()
  }
  return { world: worldOf(0), operations, own, finals, blocks }
}

async function listen(
  genesis: Genesis,
  secretKeys: readonly Uint8Array[],
  i: number,
  onEvent: Parameters<NodeWorld['openTransport']>[0],
  transports: Transport[],
): Promise<Transport> {
  const { id, publicKey } = genesis.members[i]!
  const transport = await startTransport({
    memberId: id,
    secretKey: secretKeys[i]!,
    publicKey,
    listen: { host: HOST, port: 0 },
    peers: genesis.members
      .filter((member) => member.id !== id)
      .map((member) => ({ memberId: member.id, publicKey: member.publicKey, host: HOST, port: 9 })),
    onEvent,
  })
  transports.push(transport)
  return transport
}

/** Ports are known when all listen. */
function introduce(genesis: Genesis, transports: readonly Transport[]): void {
  for (const [i, transport] of transports.entries()) {
    const peers = genesis.members.flatMap(({ id, publicKey }, at) =>
      at === i ? [] : [{ memberId: id, publicKey, host: HOST, port: transports[at]!.address().port }],
    )
    transport.setPeers(peers)
  }
}

/** Bursts of every size at random nodes, and now and then silence. Only what the recorded node promises counts. */
async function load(
  nodes: readonly AssembledNode[],
  transactions: number,
  chance: () => number,
  onFinal: (text: string, position: number) => void,
): Promise<void> {
  const open: Promise<unknown>[] = []
  for (let n = 0; n < transactions;) {
    const node = nodes[Math.floor(chance() * nodes.length)]!
    for (let burst = 1 + Math.floor(chance() * 12); burst > 0 && n < transactions; burst--, n++) {
      const text = `${n}: ${'x'.repeat(Math.floor(chance() * 400))}`
      const taken = node.submit(new TextEncoder().encode(text))
      if (!taken.ok) throw new Error(`submission ${n}: ${taken.message}`)
      open.push(taken.submission.final.then(({ position }) => node === nodes[0] && onFinal(text, position)))
    }
    await new Promise((resolve) => setTimeout(resolve, chance() < 0.1 ? 150 : chance() * 25))
  }
  await Promise.all(open)
}

async function rebuild(recording: Recording, { seed, states }: CrashOptions): Promise<CrashStates> {
  const chance = seeded(seed + 1)
  const { operations, own, finals, blocks } = recording
  const failures: string[] = []
  let tornTails = 0
  for (let i = 0; i < states; i++) {
    const at = Math.floor((operations.length * (i + chance())) / states)
    const survival = SURVIVALS[i % SURVIVALS.length]!
    const disk = createSimulatedDisk({ random: chance })
    const reenact = createReenactment(disk)
    for (const operation of operations.slice(0, at)) reenact(operation)
    disk.powerCut(survival)
    const problem = await comeBack(recording, disk, at, () => void (tornTails += 1))
    if (problem !== undefined)
      failures.push(`operation ${at} of ${operations.length}, ${survival}: ${problem}`)
  }
  return {
    operations: operations.length,
    bytes: operations.reduce((sum, each) => sum + (each.kind === 'write' ? each.bytes.length : 0), 0),
    ownEvents: own.length,
    receipts: finals.length,
    rounds: blocks.length,
    states,
    tornTails,
    failures,
  }
}

/** What is wrong with the node that starts on this disk, in words. */
async function comeBack(
  recording: Recording,
  disk: SimulatedDisk,
  at: number,
  onTornTail: () => void,
): Promise<string | undefined> {
  const cleanup: (() => void | Promise<void>)[] = []
  try {
    const node = await assembleNode(
      {
        ...recording.world,
        files: filesOf(disk),
        // Nothing happens by itself, and nobody is there.
        clock: { ...systemClock, setTimer: () => ({}) as Timer, clearTimer: () => undefined },
        narrate: (line) => line.includes('unfinished bytes') && onTornTail(),
        createMember,
        openTransport: () => Promise.resolve(NOBODY),
      },
      cleanup,
    )
    const problem = lostOwnEvent(recording, disk, at) ?? (await wrongLedger(recording, node, at))
    await node.stop()
    return problem
  } catch (error) {
    for (const step of cleanup.toReversed()) await step()
    return `it does not start: ${String(error)}`
  }
}

/** An own event that others may have seen and that the journal has not, or has another of its number. */
function lostOwnEvent({ world, own }: Recording, disk: SimulatedDisk, at: number): string | undefined {
  const found = new Map<number, string>()
  const { networkId, suite } = world
  if (disk.list(`${world.dir}/journal`).length > 0) {
    verifyJournal(
      world.dir,
      (kind, payload) => {
        if (kind !== RECORD_EVENT || peekEvent(payload).creator !== world.self.id) return
        const decoded = decodeEvent(payload.slice(), networkId, suite.sha256)
        if (decoded.ok) found.set(decoded.event.sequence, decoded.event.key)
      },
      filesOf(disk),
    )
  }
  const lost = own.find(({ sequence, key, after }) => after <= at && found.get(sequence) !== key)
  return lost === undefined ? undefined : `own event ${lost.sequence} was durable and is not there`
}

async function wrongLedger(
  { finals, blocks }: Recording,
  node: AssembledNode,
  at: number,
): Promise<string | undefined> {
  const { round, ledgerHash, transactions } = node.status()
  if (round > 0 && blocks[round - 1] !== toHex(ledgerHash)) return `round ${round} is another one`
  const texts = (await node.log(0, transactions)).map(({ bytes }) => new TextDecoder().decode(bytes))
  const promised = finals.filter(({ after }) => after <= at)
  const moved = promised.find(({ text, position }) => position < texts.length && texts[position] !== text)
  return moved && `position ${moved.position} was final to its client with another text`
}
