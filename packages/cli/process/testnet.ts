// Decides how a testnet runs: its ports, when it is ready, what is said while it runs, and how it ends. The nodes go on when one of
// them dies; they all end with this process, however it ends.
import { relative, resolve } from 'node:path'
import { openPage } from '@hearsay/explorer'
import type { StatusJson } from '@hearsay/node'
import {
  CommandError,
  counted,
  EXIT,
  FIRST_API_PORT,
  formatAddress,
  GOSSIP_OFFSET,
  grouped,
  maxFirstPort,
  type NetNode,
  planNodes,
  type PlannedNode,
  portBlocks,
  seconds,
  shortHash,
  TESTNET_DIR,
  type TestnetOptions,
  testnetLine,
  usageError,
} from '../src/index.ts'
import { askStatus } from './api-client.ts'
import { describeOwner, firstBusy } from './ports.ts'
import { commandName, createTerminal, type Terminal } from './terminal.ts'
import type { PageMessage } from './parent.ts'
import { type Control, startControl } from './testnet-control.ts'
import { createFaults, type TestnetFaults } from './testnet-faults.ts'
import { openFolder, type TestnetFolder, writeConfigs, writeNetFile } from './testnet-folder.ts'
import { describeDeath, startNodeProcess, stopNodes, type TestnetNode } from './testnet-nodes.ts'

const POLL_MS = 50
const STATUS_LINE_MS = 1_000
/** After this time it is said what the readiness waits for. */
const SLOW_START_MS = 10_000

export async function testnet(count: number | undefined, options: TestnetOptions): Promise<void> {
  const terminal = createTerminal(options)
  const stop = watchSignals()
  const folder = openFolder({
    dir: resolve(options.dir),
    count,
    isFresh: options.fresh === true,
    firstPort: options.port ?? FIRST_API_PORT,
  })
  try {
    await runTestnet(terminal, folder, options, stop)
  } finally {
    folder.lock.release()
  }
}

/** Aborts at the first signal; the second one ends the process. */
function watchSignals(): AbortSignal {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => {
      if (stopping.signal.aborted) process.exit(EXIT.interrupted)
      stopping.abort()
    })
  return stopping.signal
}

async function runTestnet(
  terminal: Terminal,
  folder: TestnetFolder,
  options: TestnetOptions,
  signalled: AbortSignal,
): Promise<void> {
  const { dir, names, networkId } = folder
  const shown = relative(process.cwd(), dir) || '.'
  const what = folder.isNew ? counted(names.length, 'new key') : `continuing ${counted(names.length, 'node')}`
  terminal.say(`${terminal.errorPaint.good('✔')} ${what}, genesis ${shortHash(networkId)}  (${shown})`)
  const plans = await choosePorts(terminal, names, options.port)
  writeConfigs(dir, plans)
  const how = { isVerbose: terminal.isVerbose, app: options.app }
  const nodes: TestnetNode[] = []
  const downed = new AbortController()
  const stop = AbortSignal.any([signalled, downed.signal])
  let isStopping = false
  let faults: TestnetFaults | undefined
  let control: Control | undefined
  const note = (pid: number | null): void => {
    writeNetFile(dir, { networkId, pid, nodes: nodes.map(toNetNode) })
  }
  const events = {
    onChange: (node: TestnetNode): void => {
      if (node.up !== undefined && !node.hasExited) {
        faults?.started(node)
        tellPage(node)
      }
      if (!node.hasExited || isStopping) return
      note(process.pid)
      if (node.isAsked) return terminal.say(`  ${node.plan.name} has been stopped`)
      terminal.say(`${terminal.errorPaint.bad('✖')} ${describeDeath(node)}`)
      terminal.say(`  ${node.fault?.hint ?? `start it again with: hearsay net start ${node.plan.name}`}`)
    },
    onLine: (node: TestnetNode, line: string): void => terminal.detail(`${node.plan.name}  ${line}`),
  }
  const pages = plans.map(({ name, api }) => ({ name, url: `http://${formatAddress(api)}` }))
  const tellPage = ({ child }: TestnetNode): void => {
    if (control === undefined || !child.connected) return
    const { url, token } = control.control
    const message: PageMessage = { kind: 'page', nodes: pages, control: { url, token } }
    child.send(message)
  }
  const startNode = (plan: PlannedNode): TestnetNode => {
    const others = pages.filter(({ name }) => name !== plan.name).map(({ url }) => url)
    return startNodeProcess(dir, plan, how, events, false, others)
  }
  try {
    for (const plan of plans) nodes.push(startNode(plan))
    faults = createFaults({
      dir,
      networkId,
      nodes,
      start: (plan) => {
        const node = startNode(plan)
        nodes[plans.findIndex(({ name }) => name === plan.name)] = node
        note(process.pid)
        return node
      },
      say: (line) => terminal.say(line),
      down: () => downed.abort(),
    })
    await setConditions(faults, options)
    control = await startControl(dir, faults)
    nodes.forEach(tellPage)
    note(process.pid)
    if (await untilReady(terminal, nodes, stop)) {
      await announce(terminal, folder, nodes)
      // In a checkout the page is built once, while nobody waits for it; a failure is told to whoever asks for the page.
      openPage()
        .warm()
        .catch((error: unknown) => terminal.detail(String(error)))
      await watch(terminal, nodes, options.exitAfter, stop)
    }
  } finally {
    terminal.progress('')
    isStopping = true
    await control?.stop()
    await faults?.stop()
    await stopNodes(nodes, (line) => terminal.detail(line))
    note(null)
  }
  terminal.say(`stopped; the ledger is kept in ${shown}`)
}

/** How the links are from the start, if that was said. */
async function setConditions(faults: TestnetFaults, { latency, loss }: TestnetOptions): Promise<void> {
  if (latency !== undefined) await faults.carryOut({ do: 'delay', ...latency })
  if (loss !== undefined) await faults.carryOut({ do: 'drop', share: loss })
}

const toNetNode = ({ plan, child, hasExited }: TestnetNode): NetNode => ({
  ...plan,
  pid: hasExited ? null : (child.pid ?? null),
})

const portsOf = (plans: readonly PlannedNode[]): number[] =>
  plans.flatMap(({ api, gossip }) => [api.port, gossip.port])

async function choosePorts(
  terminal: Terminal,
  names: readonly string[],
  wanted: number | undefined,
): Promise<readonly PlannedNode[]> {
  if (wanted !== undefined) {
    const most = maxFirstPort(names.length)
    if (wanted > most)
      throw usageError(`--port ${wanted}: at most ${most} for ${counted(names.length, 'node')}`)
    const plans = planNodes(names, wanted)
    const busy = await firstBusy(portsOf(plans))
    if (busy === undefined) return plans
    throw new CommandError({
      code: 'E_PORT_IN_USE',
      message: `port ${busy} ${describeOwner(busy)}`,
      hint: `the testnet needs ports ${wanted} to ${wanted + names.length - 1} and the same ${GOSSIP_OFFSET} above: leave out --port, or choose another`,
      exitCode: EXIT.unavailable,
    })
  }
  let busyAtFirst: number | undefined
  for (const first of portBlocks(names.length)) {
    const plans = planNodes(names, first)
    const busy = await firstBusy(portsOf(plans))
    if (busy === undefined) {
      if (busyAtFirst !== undefined)
        terminal.say(`  port ${busyAtFirst} ${describeOwner(busyAtFirst)}: taking ports from ${first} on`)
      return plans
    }
    busyAtFirst ??= busy
  }
  throw new CommandError({
    code: 'E_PORT_IN_USE',
    message: `no free block of ports from ${FIRST_API_PORT} on`,
    hint: 'name one: --port NUMBER',
    exitCode: EXIT.unavailable,
  })
}

const livingOf = (nodes: readonly TestnetNode[]): TestnetNode[] => nodes.filter((node) => !node.hasExited)

/** Statuses of the nodes that answer. */
async function statusesOf(nodes: readonly TestnetNode[], stop: AbortSignal): Promise<StatusJson[]> {
  const asked = livingOf(nodes)
    .filter((node) => node.up !== undefined)
    // A node that dies while it is asked is reported by its end, not here.
    .map((node) => askStatus(node.plan.api, POLL_MS * 40).catch(() => undefined))
  const answers = await orAborted(Promise.all(asked), stop)
  return (answers ?? []).filter((status) => status !== undefined)
}

/** Waits until all living nodes are active and linked with each other; false if they are to stop before. */
async function untilReady(
  terminal: Terminal,
  nodes: readonly TestnetNode[],
  stop: AbortSignal,
): Promise<boolean> {
  let isSlow = false
  while (!stop.aborted) {
    const living = livingOf(nodes)
    if (living.length === 0) throw noneLeft(nodes)
    const statuses = await statusesOf(nodes, stop)
    const missing = living.length - statuses.filter((each) => isLinked(each, living.length)).length
    if (missing === 0) return true
    terminal.progress(`starting: ${living.length - missing} of ${nodes.length} ready`)
    if (!isSlow && performance.now() > SLOW_START_MS) {
      isSlow = true
      const why = statuses.find((each) => each.reason !== null)
      const reason = why === undefined ? 'not all have answered' : `${why.name}: ${why.reason}`
      terminal.say(`still waiting for ${counted(missing, 'node')} (${reason})`)
    }
    await sleep(POLL_MS, stop)
  }
  return false
}

/** A network without quorum is as ready as it can be when those that are there have found each other. */
const isLinked = ({ state, reachableMembers }: StatusJson, living: number): boolean =>
  (state === 'active' || state === 'no-quorum') && reachableMembers >= living

function noneLeft(nodes: readonly TestnetNode[]): CommandError {
  const fault = nodes.find((node) => node.fault !== undefined)?.fault
  return new CommandError({
    code: 'E_NO_NODE_LEFT',
    message: 'all nodes have stopped',
    hint: 'see above why; hearsay testnet continues the same ledger',
    exitCode: fault?.exitCode ?? EXIT.unexpected,
  })
}

async function announce(
  terminal: Terminal,
  folder: TestnetFolder,
  nodes: readonly TestnetNode[],
): Promise<void> {
  const living = livingOf(nodes)
  const readyMs = Math.round(performance.now())
  const round = Math.max(...living.map((node) => node.up?.round ?? 0))
  const transactions = Math.max(...living.map((node) => node.up?.transactions ?? 0))
  terminal.progress('')
  if (terminal.isJson) {
    const { networkId, dir } = folder
    await terminal.out(
      JSON.stringify({ networkId, dir, readyMs, round, transactions, nodes: living.map(toNetNode) }),
    )
    return
  }
  const { plan } = living[0]!
  const width = Math.max(...nodes.map((node) => node.plan.name.length))
  for (const node of living)
    await terminal.out(`${node.plan.name.padEnd(width)}  http://${formatAddress(node.plan.api)}`)
  const good = terminal.errorPaint.good('✔')
  terminal.say(`  see   http://${formatAddress(plan.api)}/explorer/`)
  if (!folder.isNew && transactions > 0)
    terminal.say(
      `${good} continues the same ledger at round ${grouped(round)}, ${counted(transactions, 'transaction')}`,
    )
  terminal.say(
    `${good} ready in ${seconds(readyMs, 1)}: ${living.length} of ${nodes.length} nodes, linked with each other`,
  )
  const where = folder.dir === resolve(TESTNET_DIR) ? '' : ` --api ${plan.api.port}`
  terminal.say(
    `  try   ${commandName} submit "hello"${where}      stop  Ctrl-C  (data kept; --fresh to wipe)`,
  )
}

/** Returns when it is time to stop. */
async function watch(
  terminal: Terminal,
  nodes: readonly TestnetNode[],
  exitAfter: number | undefined,
  stop: AbortSignal,
): Promise<void> {
  const isAsking = terminal.isWatched || exitAfter !== undefined
  while (!stop.aborted) {
    if (nodes.every(({ hasExited, isAsked }) => hasExited && !isAsked)) throw noneLeft(nodes)
    if (isAsking) {
      const statuses = await statusesOf(nodes, stop)
      if (statuses.length > 0) {
        terminal.progress(testnetLine(statuses, nodes.length))
        if (exitAfter !== undefined && statuses.every((each) => each.transactions >= exitAfter)) return
      }
    }
    await sleep(exitAfter === undefined ? STATUS_LINE_MS : POLL_MS, stop)
  }
}

/** Until the time is over, or it is time to stop. */
async function sleep(ms: number, stop: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  await orAborted(promise, stop)
  clearTimeout(timer)
}

/** What is promised, or undefined as soon as it is time to stop. */
function orAborted<T>(promised: Promise<T>, stop: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => resolve(undefined)
    stop.addEventListener('abort', onAbort)
    promised.then(resolve, reject).finally(() => stop.removeEventListener('abort', onAbort))
    if (stop.aborted) onAbort()
  })
}
