/**
 * Starts one node on its data directory: takes the lock, reads the small files, and assembles the node on the system's files,
 * clocks and network. Stopping goes the same way back.
 */
import { randomBytes } from 'node:crypto'
import { networkIdOf, type Genesis, type Member as RosterMember } from '@hearsay/dag'
import { createBestSuite } from '@hearsay/dag/native'
import { PROFILES } from '@hearsay/gossip'
import { startTransport, type PeerAddress, type Transport } from '@hearsay/gossip/ws'
import { lockDirectory, nodeFiles } from '../disk/index.ts'
import type { NodeConfig } from '../src/config.ts'
import { OperatorError } from '../src/errors.ts'
import { createMember } from '../src/member.ts'
import { assembleNode } from './assembly.ts'
import { systemClock } from './clock.ts'
import { findSelf, readConfig, readGenesis, readSecretKey } from './data-directory.ts'
import { asOperatorError } from './operator-errors.ts'
import type { StartedNode, StartOptions } from './types.ts'

/** A number from 0 to below 1 from the system's randomness. */
const random = (): number => randomBytes(4).readUInt32BE() / 2 ** 32

function addressesOf(genesis: Genesis, self: RosterMember, config: NodeConfig): PeerAddress[] {
  const peers: PeerAddress[] = []
  for (const { id, name, publicKey } of genesis.members) {
    if (id === self.id) continue
    const address = config.peers[name]
    if (address === undefined) {
      throw new OperatorError(
        'E_BAD_CONFIG',
        `config.json: no address for member ${name}`,
        78,
        `add peers.${name}`,
      )
    }
    peers.push({ memberId: id, publicKey, ...address })
  }
  return peers
}

/**
 * Starts the node. Rejects with an `OperatorError` (code, message, hint, exitCode) when it cannot; nothing is left running or
 * locked then.
 */
export async function startNode(options: StartOptions): Promise<StartedNode> {
  const narrate = options.narrate ?? ((): void => undefined)
  const cleanup: (() => void | Promise<void>)[] = []
  try {
    return await assemble(options, narrate, cleanup)
  } catch (error) {
    for (const step of cleanup.toReversed()) await step()
    throw asOperatorError(error)
  }
}

async function assemble(
  options: StartOptions,
  narrate: (line: string) => void,
  cleanup: (() => void | Promise<void>)[],
): Promise<StartedNode> {
  const { dir } = options
  const genesis = readGenesis(dir)
  const config: NodeConfig = { ...readConfig(dir), ...options.overrides }
  const lock = lockDirectory(dir)
  cleanup.push(() => lock.release())
  const secretKey = readSecretKey(dir)
  const { suite, reason } = createBestSuite()
  narrate(`signatures: ${reason}`)
  const self = findSelf(genesis, config, secretKey, suite)
  const networkId = networkIdOf(genesis, suite.sha256)
  const opened = Promise.withResolvers<Transport>()
  const node = await assembleNode(
    {
      dir,
      genesis,
      networkId,
      self,
      secretKey,
      suite,
      files: nodeFiles,
      clock: systemClock,
      random,
      randomBytes,
      narrate,
      application: options.application,
      replayAll: options.replayAll,
      createMember: (wishes) => createMember({ ...wishes, gossip: PROFILES[config.profile ?? 'lan'] }),
      openTransport: async (onEvent) => {
        const transport = await startTransport({
          memberId: self.id,
          secretKey,
          publicKey: self.publicKey,
          listen: config.gossip,
          peers: addressesOf(genesis, self, config),
          onEvent,
        })
        opened.resolve(transport)
        return transport
      },
    },
    cleanup,
  )
  const transport = await opened.promise
  let stopping: Promise<void> | undefined
  return {
    ...node,
    config,
    gossipAddress: transport.address(),
    setPeers: (peers) =>
      transport.setPeers(addressesOf(genesis, self, { ...config, peers: { ...config.peers, ...peers } })),
    stop: () => (stopping ??= node.stop().finally(() => lock.release())),
  }
}
