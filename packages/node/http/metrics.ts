// Decides what a monitoring system reads: the text format of Prometheus, from the same figures as the status.
import { statusToJson } from '../src/api-json.ts'
import type { Exchange } from './exchange.ts'

type Kind = 'gauge' | 'counter'

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

/** GET /metrics */
export function getMetrics({ node, response }: Exchange): void {
  const status = statusToJson(node.status())
  let text = ''
  const family = (
    name: string,
    kind: Kind,
    help: string,
    samples: readonly [labels: string, value: number][],
  ): void => {
    text += `# HELP hearsay_${name} ${help}\n# TYPE hearsay_${name} ${kind}\n`
    for (const [labels, value] of samples) text += `hearsay_${name}${labels} ${value}\n`
  }
  const one = (name: string, kind: Kind, help: string, value: number): void =>
    family(name, kind, help, [['', value]])

  family('info', 'gauge', 'Constant 1; labels name the node.', [
    [
      `{name="${escaped(status.name)}",network="${status.networkId}",version="${status.versions['hearsay'] ?? ''}"}`,
      1,
    ],
  ])
  one(
    'ready',
    'gauge',
    '1 when the node is active: in quorum and not behind.',
    status.state === 'active' ? 1 : 0,
  )
  one('round', 'gauge', 'Last decided round.', status.round)
  one('certified_round', 'gauge', 'Last round whose certificate is held.', status.certifiedRound)
  one('transactions_total', 'counter', 'Ordered transactions.', status.transactions)
  one('ordered_events_total', 'counter', 'Ordered events.', status.orderedEvents)
  one('own_events_total', 'counter', 'Events that this member made.', status.ownEvents)
  one('pool_transactions', 'gauge', 'Transactions that wait for an event.', status.poolTransactions)
  one('pool_bytes', 'gauge', 'Their size in bytes.', status.poolBytes)
  one(
    'undecided_events',
    'gauge',
    'Linked events with transactions that are not ordered yet.',
    status.undecidedEvents,
  )
  one('waiting_events', 'gauge', 'Events that wait for their parents.', status.waitingEvents)
  one('journal_bytes', 'gauge', 'Size of the journal in bytes.', status.journalBytes)
  one(
    'reachable_weight',
    'gauge',
    'Weight of the members within reach, this one included.',
    status.reachableWeight,
  )
  one('total_weight', 'gauge', 'Weight of all members.', status.totalWeight)
  one('resident_bytes', 'gauge', 'Memory of the process in bytes.', process.memoryUsage.rss())
  one('uptime_seconds', 'gauge', 'Since the node was started.', status.uptimeMs / 1_000)
  const quantiles: [string, number][] = []
  if (status.finalityP50Ms !== null) quantiles.push(['{quantile="0.5"}', status.finalityP50Ms / 1_000])
  if (status.finalityP99Ms !== null) quantiles.push(['{quantile="0.99"}', status.finalityP99Ms / 1_000])
  if (quantiles.length > 0)
    family('finality_seconds', 'gauge', 'From submission here to final, of the last transactions.', quantiles)
  family(
    'peer_connected',
    'gauge',
    '1 when the peer is linked.',
    status.peers.map((peer) => [`{peer="${escaped(peer.name)}"}`, peer.connected ? 1 : 0]),
  )
  family(
    'refusals_total',
    'counter',
    'Refusals and rejections by reason.',
    Object.entries(status.counters).map(([reason, count]) => [`{reason="${escaped(reason)}"}`, count]),
  )
  response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' })
  response.end(text)
}
