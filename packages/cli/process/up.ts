// Decides how one node runs in the foreground: what it serves, what ends it, and in which order things stop.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openPage } from '@hearsay/explorer'
import { type Api, startApi } from '@hearsay/node/http'
import { attachApplication, type RemoteApplication, type StartedNode, startNode } from '@hearsay/node/process'
import {
  CommandError,
  EXIT,
  type Fault,
  faultOf,
  formatAddress,
  grouped,
  shortHash,
  type UpOptions,
} from '../src/index.ts'
import { asPageMessage, asPeersMessage, tellParent } from './parent.ts'
import { describeOwner } from './ports.ts'
import { readTokens } from './tokens.ts'
import { createTerminal, flush, type Terminal } from './terminal.ts'

/** A node that has not stopped after this time is left to the system; its journal bears that. */
const STOP_MS = 10_000

export async function up(options: UpOptions): Promise<void> {
  const terminal = createTerminal(options)
  const ending = watchEnding(options.withParent === true)
  try {
    const node = await startNode({
      dir: options.dir,
      replayAll: options.replayAll === true,
      overrides: {
        ...(options.api === undefined ? {} : { api: options.api }),
        ...(options.gossip === undefined ? {} : { gossip: options.gossip }),
      },
      narrate: (line) => terminal.detail(line),
    })
    const page = openPage()
    let api: Api | undefined
    const attached =
      options.app === undefined
        ? undefined
        : attachApplication(node, {
            dir: options.dir,
            command: options.app,
            narrate: (line) => terminal.say(line),
          })
    try {
      api = await startApi({
        node: attached?.node ?? node,
        genesis: JSON.parse(readFileSync(join(options.dir, 'genesis.json'), 'utf8')) as object,
        host: node.config.api.host,
        port: node.config.api.port,
        allowedHosts: options.allowHost ?? [],
        allowedOrigins: options.allowOrigin ?? [],
        page,
        ...readTokens(options.dir),
        onFault: (error) => terminal.say(`API: ${error instanceof Error ? error.stack : String(error)}`),
      })
      if (options.withParent === true) {
        process.on('message', (value) => {
          const message = asPeersMessage(value)
          if (message !== undefined) node.setPeers(message.peers)
          const told = asPageMessage(value)
          if (told !== undefined) page.configure({ nodes: told.nodes, control: told.control, file: null })
        })
      }
      await announce(terminal, node, api)
      await runUntil(node, ending.requested)
    } finally {
      await stopAll(node, api, attached, terminal)
    }
  } catch (error) {
    const fault = withOwner(faultOf(error))
    await tellParent({ kind: 'fault', fault })
    throw new CommandError(fault, { cause: error })
  } finally {
    // A channel to the testnet would keep this process.
    if (process.connected) process.disconnect()
  }
}

async function announce(terminal: Terminal, node: StartedNode, { address }: Api): Promise<void> {
  const { name, networkId, round, transactions } = node.status()
  const id = Buffer.from(networkId).toString('hex')
  const gossip = node.gossipAddress
  await tellParent({ kind: 'up', api: address, gossip, round, transactions })
  if (terminal.isJson) {
    const line = { name, networkId: id, api: address, gossip, round, transactions, pid: process.pid }
    await terminal.out(JSON.stringify(line))
    return
  }
  await terminal.out(`${name}  http://${formatAddress(address)}`)
  const where = `round ${grouped(round)}, ${grouped(transactions)} transactions`
  terminal.say(`network ${shortHash(id)}, gossip ${formatAddress(gossip)}, at ${where}; stop with Ctrl-C`)
}

/** Resolves when the node is to stop, rejects when it stopped by itself. */
async function runUntil(node: StartedNode, requested: Promise<void>): Promise<void> {
  const failed = node.failed.then((fault): never => {
    throw new CommandError({
      ...fault,
      hint: 'start it again when the cause is removed: it goes on where it stopped',
    })
  })
  await Promise.race([requested, failed])
}

async function stopAll(
  node: StartedNode,
  api: Api | undefined,
  attached: RemoteApplication | undefined,
  terminal: Terminal,
): Promise<void> {
  const overdue = setTimeout(() => {
    terminal.say(`not stopped within ${STOP_MS / 1_000} s: given up, nothing that was acknowledged is lost`)
    void flush().then(() => process.exit(EXIT.unexpected))
  }, STOP_MS)
  await attached?.stop()
  await Promise.all([api?.stop(), node.stop()])
  clearTimeout(overdue)
}

/** A first signal, or the end of the testnet, asks for the end; a second signal takes it. */
function watchEnding(hasParent: boolean): { readonly requested: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  let isRequested = false
  const request = (): void => {
    if (isRequested) process.exit(EXIT.interrupted)
    isRequested = true
    resolve()
  }
  process.on('SIGTERM', request)
  if (hasParent) {
    // Ctrl-C reaches the testnet too, which then says when.
    process.on('SIGINT', () => undefined)
    process.on('disconnect', resolve)
    if (!process.connected) resolve()
  } else {
    process.on('SIGINT', request)
  }
  return { requested: promise }
}

/** Says who has the port, where the system tells. */
function withOwner(fault: Fault): Fault {
  const port = fault.code === 'E_PORT_IN_USE' ? /(?::|port )(\d{1,5})/.exec(fault.message)?.[1] : undefined
  if (port === undefined) return fault
  return {
    ...fault,
    message: `port ${port} ${describeOwner(Number(port))}`,
    hint: 'stop that program, or choose another port: --api or --gossip HOST:PORT, or in config.json',
  }
}
