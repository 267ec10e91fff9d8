// Decides how the nodes of a testnet run as processes of their own: how they are started, how it is noticed that one has died, and
// how all are stopped in time.
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { createLineSplitter } from '@hearsay/node/http'
import { type Fault, formatAddress, type PlannedNode } from '../src/index.ts'
import { asNodeMessage, type NodeMessage } from './parent.ts'

export interface TestnetNode {
  readonly plan: PlannedNode
  readonly child: ChildProcess
  /** What it said when it was up. */
  up: Extract<NodeMessage, { kind: 'up' }> | undefined
  fault: Fault | undefined
  /** The last line that it wrote to standard error. */
  lastWords: string
  hasExited: boolean
  /** Its end was wanted. */
  isAsked: boolean
  /** Called once when it has ended and its last words are read. */
  onEnd: () => void
}

export interface NodeEvents {
  /** A node is up, or has died. */
  readonly onChange: (node: TestnetNode) => void
  readonly onLine: (node: TestnetNode, line: string) => void
}

/** Nodes that have not stopped by themselves after this time are killed. */
const GRACE_MS = 1_500
const MAX_LINE_BYTES = 8_192

export interface NodeProcessOptions {
  readonly isVerbose?: boolean
  /** An application for it. */
  readonly app?: string | undefined
}

export function startNodeProcess(
  dir: string,
  plan: PlannedNode,
  { isVerbose, app }: NodeProcessOptions,
  events: NodeEvents,
  /** Its addresses are not those of its config.json. */
  isElsewhere = false,
  /** Whose pages may ask it: those of the other nodes. */
  origins: readonly string[] = [],
): TestnetNode {
  const entry = process.argv[1]
  if (entry === undefined) throw new Error('invariant: no entry file')
  const addresses = ['--api', formatAddress(plan.api), '--gossip', formatAddress(plan.gossip)]
  const more = [
    ...(isVerbose === true ? ['--verbose'] : []),
    ...(app === undefined ? [] : ['--app', app]),
    ...(isElsewhere ? addresses : []),
  ]
  const allowed = origins.flatMap((origin) => ['--allow-origin', origin])
  const args = ['up', '--dir', join(dir, plan.name), '--with-parent', ...more, ...allowed]
  const child = fork(entry, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  const node: TestnetNode = {
    plan,
    child,
    up: undefined,
    fault: undefined,
    lastWords: '',
    hasExited: false,
    isAsked: false,
    onEnd: () => undefined,
  }
  const splitter = createLineSplitter(MAX_LINE_BYTES)
  child.stderr?.on('data', (piece: Uint8Array) => {
    for (const { bytes } of splitter.push(piece)) {
      const line = bytes === undefined ? '…' : Buffer.from(bytes).toString('utf8')
      if (line.trim() !== '') node.lastWords = line.trim()
      events.onLine(node, line)
    }
  })
  child.on('message', (value) => {
    const message = asNodeMessage(value)
    if (message?.kind === 'up') {
      node.up = message
      events.onChange(node)
    } else if (message?.kind === 'fault') {
      node.fault = message.fault
    }
  })
  const end = (): void => {
    if (node.hasExited) return
    node.hasExited = true
    events.onChange(node)
    node.onEnd()
  }
  // Its last words may be read after it has exited. (`close` cannot be waited for: it does not come when this side has ended the
  // channel.)
  child.once('exit', () => {
    if (child.stderr === null || child.stderr.closed) end()
    else child.stderr.once('close', end)
  })
  child.once('error', (error) => {
    node.lastWords = error.message
    if (child.pid === undefined) end()
  })
  return node
}

/** How a node has ended, for people. */
export function describeDeath({ plan, child, fault, lastWords }: TestnetNode): string {
  const how = child.signalCode === null ? `exit status ${child.exitCode}` : `killed by ${child.signalCode}`
  const why = fault === undefined ? lastWords : `${fault.code}  ${fault.message}`
  return `${plan.name} has stopped (${how})${why === '' ? '' : `: ${why}`}`
}

/** Stops all nodes; resolves when none is left. */
export async function stopNodes(nodes: readonly TestnetNode[], tell: (line: string) => void): Promise<void> {
  const living = nodes.filter((node) => !node.hasExited)
  const exits = living.map(
    (node) =>
      new Promise<void>((resolve) => {
        node.onEnd = resolve
      }),
  )
  for (const { child } of living) if (child.connected) child.disconnect()
  const overdue = setTimeout(() => {
    for (const node of living) {
      if (node.hasExited) continue
      tell(`${node.plan.name} is killed: it has not stopped within ${GRACE_MS / 1_000} s`)
      node.child.kill('SIGKILL')
    }
  }, GRACE_MS)
  await Promise.all(exits)
  clearTimeout(overdue)
}
