// Decides what `peers` and `net` print: what one node knows of the others and of the network.
import type { NetJson, PeerJson, PeersJson } from '@hearsay/node'
import { type NodeOptions, table } from '../src/index.ts'
import { askJson } from './api-client.ts'
import { findNode } from './find-node.ts'
import { createTerminal } from './terminal.ts'

async function show<T>(options: NodeOptions, path: string, text: (answer: T) => string): Promise<void> {
  const terminal = createTerminal(options)
  const { address } = await findNode(options)
  const answer = (await askJson(address, path)) as T
  await terminal.out(terminal.isJson ? JSON.stringify(answer) : text(answer))
}

const orDash = (value: number | string | null): string => (value === null ? '-' : String(value))

function peerRow({ name, liveness, hasBranched, says, sent, received, ...peer }: PeerJson): string[] {
  return [
    name,
    hasBranched ? `${liveness}, has branched` : liveness,
    orDash(peer.roundTripMs),
    orDash(says?.decidedRound ?? null),
    orDash(peer.heardThrough),
    ...[sent, received].flatMap((counts) => [
      orDash(counts?.payload ?? null),
      orDash(counts?.header ?? null),
      orDash(counts?.control ?? null),
    ]),
    orDash(received?.duplicate ?? null),
    orDash(says?.software ?? null),
  ]
}

export function peers(options: NodeOptions): Promise<void> {
  const out = ['payload out', 'header out', 'control out']
  const head = [
    'peer',
    'state',
    'rtt ms',
    'round',
    'through',
    ...out,
    'payload in',
    'header in',
    'control in',
  ]
  return show<PeersJson>(options, '/v1/peers', (answer) =>
    table([[...head, 'twice', 'software'], ...answer.peers.map(peerRow)], [2, 3, 5, 6, 7, 8, 9, 10, 11]),
  )
}

function netText(net: NetJson): string {
  const figures = [
    ['round', net.decidedRound],
    ['rounds behind', net.roundLag],
    ['transactions', net.transactions],
    ['transactions/s', net.transactionsPerSecond],
    ['finality p50 ms', net.finalityP50Ms],
    ['finality p99 ms', net.finalityP99Ms],
    ['loop lag ms', net.loopLagMs],
  ] as const
  const rows = figures.map(([name, figure]) =>
    figure === null
      ? [name, '-', '-', '-', '-']
      : [name, String(figure.min), String(figure.median), figure.mean.toFixed(1), String(figure.max)],
  )
  const head = [`${net.reportingMembers} of ${net.members} report`, 'min', 'median', 'mean', 'max']
  return table([head, ...rows], [1, 2, 3, 4])
}

export function net(options: NodeOptions): Promise<void> {
  return show<NetJson>(options, '/v1/net', netText)
}
