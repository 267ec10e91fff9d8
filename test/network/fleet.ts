/**
 * Nodes as single processes (`hearsay up`), each with a directory of its own and with proxies for peers, so that a runner can
 * kill, pause, damage and part them one by one. Whoever ends a node says so; any other end of a process is remembered.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toHex, type Genesis } from '@hearsay/dag'
import { createNativeSuite } from '@hearsay/dag/native'
import { genesisToJson, type StatusJson } from '@hearsay/node'
import { type LinkMesh, startLinkMesh } from '../../packages/cli/process/link-mesh.ts'
import { freeBlock, hasEnded, type Run, type Running, start, until } from './command.ts'

const NAMES = ['ada', 'bob', 'cat', 'dan', 'eve', 'fay', 'gus']

export interface FleetNode {
  readonly name: string
  readonly dir: string
  readonly url: string
  readonly apiPort: number
  readonly gossipPort: number
  /** Names one life of its process: `ada#3`. */
  life(): string
  isRunning(): boolean
  pid(): number | undefined
}

/** A process that ended although nobody asked it to. */
export interface UnexpectedEnd {
  readonly name: string
  readonly life: string
  readonly run: Run
}

export interface Fleet {
  readonly dir: string
  readonly names: readonly string[]
  readonly links: LinkMesh
  readonly unexpected: readonly UnexpectedEnd[]
  node(name: string): FleetNode
  /** Starts the process; resolves when it says that it is up, or with its end. */
  start(name: string): Promise<Run | 'up'>
  /** Starts the process and waits for nothing. */
  spawn(name: string): void
  /** A second process on the same directory, to its end. */
  startSecond(name: string): Promise<Run>
  kill(name: string, signal?: 'SIGKILL' | 'SIGTERM'): Promise<Run | undefined>
  signal(name: string, signal: 'SIGSTOP' | 'SIGCONT'): void
  status(name: string): Promise<StatusJson>
  /** Ends all, politely; codes by name. */
  stop(): Promise<ReadonlyMap<string, number | null>>
  dispose(): Promise<void>
  /** Kills what runs and keeps the directories. */
  end(): Promise<void>
  hasOwnDisk(name: string): boolean
}

export interface FleetOptions {
  readonly count: number
  readonly seed: number
  /** The folder of all directories; a new one under the system's if it is not given. */
  readonly dir?: string
  /** For the process of a node. */
  readonly env?: (name: string) => Readonly<Record<string, string>>
  /** Where compiled code is kept, so that a start costs a third; shared by the fleets of a run. */
  readonly cache?: string
  /** Before the directory of a node is made: may put it on a file system of its own, and says how to take that away. */
  readonly disk?: (name: string, dir: string) => (() => void) | undefined
}

interface Member extends FleetNode {
  running: Running | undefined
  lives: number
}

/** Writes genesis, keys and configurations of all. */
function found(members: readonly Member[], links: LinkMesh): void {
  const suite = createNativeSuite()
  const keys = members.map(() => new Uint8Array(randomBytes(32)))
  const genesis: Genesis = {
    coinFrequency: 12,
    roundsNonAncient: 26,
    salt: new Uint8Array(randomBytes(16)),
    members: members.map(({ name }, id) => ({ id, name, weight: 1, publicKey: suite.publicKey(keys[id]!) })),
  }
  for (const [i, { name, dir, apiPort, gossipPort }] of members.entries()) {
    const others = members.filter((each) => each.name !== name)
    const config = {
      name,
      gossip: { host: '127.0.0.1', port: gossipPort },
      api: { host: '127.0.0.1', port: apiPort },
      peers: Object.fromEntries(others.map((to) => [to.name, links.addressFor(name, to.name)])),
    }
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    writeFileSync(join(dir, 'genesis.json'), JSON.stringify(genesisToJson(genesis)))
    writeFileSync(join(dir, 'config.json'), JSON.stringify(config))
    writeFileSync(join(dir, 'key'), `${toHex(keys[i]!)}\n`, { mode: 0o600 })
  }
}

export async function createFleet(options: FleetOptions): Promise<Fleet> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'hearsay-fleet-'))
  const names = NAMES.slice(0, options.count)
  const first = await freeBlock()
  const members = names.map((name, i): Member => {
    const member: Member = {
      name,
      dir: join(dir, name),
      apiPort: first + i,
      gossipPort: first + 100 + i,
      url: `http://127.0.0.1:${first + i}`,
      running: undefined,
      lives: 0,
      life: () => `${name}#${member.lives}`,
      isRunning: () => member.running !== undefined && !hasEnded(member.running.child),
      pid: () => (member.isRunning() ? member.running?.pid : undefined),
    }
    return member
  })
  const member = (name: string): Member => {
    const found = members.find((each) => each.name === name)
    if (found === undefined) throw new Error(`no node ${name}`)
    return found
  }
  const target = (name: string): { host: string; port: number } => ({
    host: '127.0.0.1',
    port: member(name).gossipPort,
  })
  const links = await startLinkMesh({ names, target, seed: options.seed })
  const disks = new Map<string, () => void>()
  for (const { name, dir: path } of members) {
    const release = options.disk?.(name, path)
    if (release !== undefined) disks.set(name, release)
  }
  found(members, links)
  const cache = options.cache ?? join(dir, 'cache')
  const unexpected: UnexpectedEnd[] = []
  const asked = new WeakSet<Running>()

  function spawn(name: string): void {
    const node = member(name)
    if (node.isRunning()) throw new Error(`${name} runs already`)
    const env = { ...options.env?.(name), NODE_COMPILE_CACHE: cache }
    const running = start(['up', '--dir', node.dir, '--json'], { env })
    node.running = running
    node.lives += 1
    const life = node.life()
    void running.ended.then((run) => {
      if (!asked.has(running)) unexpected.push({ name, life, run })
    })
  }

  /** For a start that may end by itself, which is then for the caller to judge. */
  async function startNode(name: string): Promise<Run | 'up'> {
    spawn(name)
    const running = member(name).running!
    asked.add(running)
    await until(`${name} is up`, () => running.out().includes('\n') || hasEnded(running.child), 600_000)
    if (!running.out().includes('\n')) return running.ended
    asked.delete(running)
    return 'up'
  }

  // What is killed writes no cache: one start that ends politely does.
  if (!existsSync(cache)) {
    const ended = await startNode(names[0]!)
    if (ended !== 'up') throw new Error(`${names[0]} does not start: ${ended.code} ${ended.err}`)
    await kill(names[0]!, 'SIGTERM')
  }

  async function kill(name: string, signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<Run | undefined> {
    const { running } = member(name)
    if (running === undefined || hasEnded(running.child)) return undefined
    asked.add(running)
    running.child.kill(signal)
    return running.ended
  }

  async function stop(): Promise<ReadonlyMap<string, number | null>> {
    const ends = members.map(async ({ name }) => [name, await kill(name, 'SIGTERM')] as const)
    const codes = (await Promise.all(ends)).flatMap(([name, run]) =>
      run === undefined ? [] : [[name, run.code] as const],
    )
    return new Map(codes)
  }

  async function end(): Promise<void> {
    await Promise.all(names.map((name) => kill(name)))
    await links.stop()
    for (const [name, release] of disks) {
      // What is on it is kept, where the directory was.
      cpSync(member(name).dir, `${member(name).dir}.kept`, { recursive: true })
      release()
      rmSync(member(name).dir, { recursive: true, force: true })
      renameSync(`${member(name).dir}.kept`, member(name).dir)
    }
    disks.clear()
  }

  return {
    dir,
    names,
    links,
    unexpected,
    node: member,
    start: startNode,
    spawn,
    startSecond: (name) => start(['up', '--dir', member(name).dir]).ended,
    kill,
    signal: (name, signal) => void member(name).running?.child.kill(signal),
    status: async (name) =>
      (await (
        await fetch(`${member(name).url}/v1/status`, { signal: AbortSignal.timeout(10_000) })
      ).json()) as StatusJson,
    stop,
    hasOwnDisk: (name) => disks.has(name),
    end,
    dispose: async () => {
      await end()
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
