// Decides how the orders that a running testnet is given are carried out. Nodes dial each other directly until the first order about
// links; from then on through proxies (link-mesh.ts), so that a testnet on which nothing was done pays nothing for it.
import { once } from 'node:events'
import type {
  Address,
  DoneOrder,
  LinkChange,
  NetMember,
  NetOrder,
  NetState,
  PlannedNode,
} from '../src/index.ts'
import { linkChanges, MOST_DONE, OPEN_LINK, pairsOf, undoing } from '../src/index.ts'
import { type LinkMesh, startLinkMesh } from './link-mesh.ts'
import type { PeersMessage } from './parent.ts'
import { forkMember } from './testnet-fork.ts'
import type { TestnetNode } from './testnet-nodes.ts'

/** What runs, for whoever does something to it. */
export interface RunningTestnet {
  readonly dir: string
  readonly networkId: string
  /** One for each member, in the order of their ids; a node that was started again takes the place of the one before. */
  readonly nodes: TestnetNode[]
  /** Starts a process for that member and puts it in its place. */
  start(plan: PlannedNode): TestnetNode
  say(line: string): void
  /** Ends the testnet. */
  down(): void
}

export interface TestnetFaults {
  state(): NetState
  /** Rejects with a sentence if it cannot be done. */
  carryOut(order: NetOrder): Promise<void>
  /** A node has started: it is told where to dial. */
  started(node: TestnetNode): void
  stop(): Promise<void>
}

/** An address at which nobody is. */
export const NOWHERE: Address = { host: '127.0.0.1', port: 1 }

export function createFaults(testnet: RunningTestnet): TestnetFaults {
  const { nodes } = testnet
  const names = nodes.map(({ plan }) => plan.name)
  const timers = new Set<NodeJS.Timeout>()
  const paused = new Set<TestnetNode>()
  let mesh: Promise<LinkMesh> | undefined
  const done: DoneOrder[] = []
  let conduct = new Map<string, typeof OPEN_LINK>()

  const node = (name: string): TestnetNode => {
    const found = nodes.find(({ plan }) => plan.name === name)
    if (found === undefined) throw new Error(`no node ${name}`)
    return found
  }

  function tellPeers(to: TestnetNode, links: LinkMesh): void {
    const { name } = to.plan
    const peers = names.filter((each) => each !== name).map((each) => [each, links.addressFor(name, each)])
    const message: PeersMessage = { kind: 'peers', peers: Object.fromEntries(peers) as PeersMessage['peers'] }
    if (to.child.connected) to.child.send(message)
  }

  function openMesh(): Promise<LinkMesh> {
    mesh ??= startLinkMesh({
      names,
      target: (to) => node(to).plan.gossip,
      seed: 1,
    }).then((links) => {
      for (const each of nodes) if (!each.hasExited) tellPeers(each, links)
      return links
    })
    return mesh
  }

  async function change(changes: readonly LinkChange[]): Promise<void> {
    if (changes.length === 0) return
    const links = await openMesh()
    const next = new Map(conduct)
    for (const { link, change: wanted } of changes) {
      links.set(link[0], link[1], wanted)
      next.set(link.join(), { ...(next.get(link.join()) ?? OPEN_LINK), ...wanted })
    }
    conduct = next
  }

  async function kill(name: string): Promise<void> {
    const running = node(name)
    if (running.hasExited) return
    running.isAsked = true
    const gone = once(running.child, 'exit')
    running.child.kill('SIGKILL')
    paused.delete(running)
    await gone
  }

  function pause(name: string): void {
    const running = node(name)
    if (running.hasExited) throw new Error(`${name} does not run`)
    running.child.kill('SIGSTOP')
    paused.add(running)
  }

  function start(name: string): void {
    const there = node(name)
    if (paused.delete(there)) there.child.kill('SIGCONT')
    else if (there.hasExited) testnet.start(there.plan)
  }

  function remember(order: NetOrder, atMs: number, isOver: boolean): void {
    done.push({ atMs, order, isOver })
    if (done.length > MOST_DONE) done.shift()
  }

  async function fork(there: TestnetNode): Promise<void> {
    const links = await openMesh()
    await forkMember({
      testnet,
      node: there,
      others: nodes.filter((each) => each !== there && !each.hasExited && !paused.has(each)),
      links,
      restore: () => {
        for (const each of nodes) if (!each.hasExited) tellPeers(each, links)
      },
    })
  }

  async function perform(order: NetOrder): Promise<void> {
    switch (order.do) {
      case 'kill':
        await Promise.all(order.nodes.map(kill))
        break
      case 'pause':
        order.nodes.forEach(pause)
        break
      case 'start':
        order.nodes.forEach(start)
        break
      case 'fork':
        await fork(node(order.node))
        break
      case 'down':
        setImmediate(testnet.down)
        break
      default:
        await change(linkChanges(order, names))
    }
  }

  async function carryOut(order: NetOrder): Promise<void> {
    const atMs = Date.now()
    await perform(order)
    remember(order, atMs, false)
    if ('forMs' in order && order.forMs !== undefined) later(order, order.forMs)
  }

  function later(order: NetOrder, afterMs: number): void {
    const back = undoing(order, names)
    const timer = setTimeout(() => {
      timers.delete(timer)
      const undone = 'do' in back ? perform(back) : change(back)
      undone.then(
        () => {
          remember(order, Date.now(), true)
          testnet.say(`net: ${order.do} is over`)
        },
        (error: unknown) => testnet.say(`net: ${order.do} could not be taken back: ${String(error)}`),
      )
    }, afterMs)
    timers.add(timer)
  }

  const memberState = (each: TestnetNode): NetMember => ({
    name: each.plan.name,
    state: each.hasExited ? 'stopped' : paused.has(each) ? 'paused' : 'running',
    pid: each.hasExited ? null : (each.child.pid ?? null),
    api: each.plan.api,
    gossip: each.plan.gossip,
  })

  return {
    state: () => ({
      hearsay: 'net',
      networkId: testnet.networkId,
      nodes: nodes.map(memberState),
      links: pairsOf(names).map((link) => {
        const { state, delayMs, jitterMs, lossShare } = conduct.get(link.join()) ?? OPEN_LINK
        return { link, state, delayMs, jitterMs, lossShare }
      }),
      done: [...done],
    }),
    carryOut,
    started: (each) => {
      // Until the links are there it dials directly, like the others.
      void mesh?.then((links) => tellPeers(each, links))
    },
    stop: async () => {
      for (const timer of timers) clearTimeout(timer)
      for (const each of paused) each.child.kill('SIGCONT')
      const links = await mesh
      await links?.stop()
    },
  }
}
