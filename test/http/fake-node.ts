// A node of one member in memory, whose ordering the test drives: for what the HTTP API promises about limits, order and pace.
import type { NodeStatus, OrderedTransaction, Receipt, RunningNode, Submission } from '@hearsay/node'

export interface FakeNode extends RunningNode {
  /** Makes everything that waits in the pool final. */
  order(): void
  /** From now on, transactions become final by themselves, a turn of the loop after they came. */
  orderAlways(): void
  setStatus(change: Partial<NodeStatus>): void
  /** Bytes of everything that was ever taken in, in order. */
  readonly taken: readonly Uint8Array[]
  readonly forgotten: () => number
  /** How often `log` was called. */
  readonly reads: () => number
}

export function createFakeNode(poolCapacity: number = Number.MAX_SAFE_INTEGER): FakeNode {
  const ledger: OrderedTransaction[] = []
  const taken: Uint8Array[] = []
  const listeners = new Set<(transactions: number) => void>()
  let pool: { bytes: Uint8Array; settle: (receipt: Receipt) => void }[] = []
  let status = fakeStatus()
  let isAutomatic = false
  let isPlanned = false
  let forgotten = 0
  let reads = 0

  const order = (): void => {
    const batch = pool
    pool = []
    const eventId = new Uint8Array(32).fill(ledger.length % 251)
    for (const [index, { bytes, settle }] of batch.entries()) {
      const position = ledger.length
      const timestamp = 1_700_000_000_000_000 + position
      const round = status.round + 1
      const where = { position, round, timestamp, eventId, index }
      ledger.push({ ...where, creator: 0, creatorName: 'ada', bytes })
      settle({ state: 'ordered', ...where, latencyMs: 1 })
    }
    status = { ...status, round: status.round + 1, transactions: ledger.length }
    for (const listener of listeners) listener(ledger.length)
  }
  const forget = (): void => {
    forgotten += 1
  }
  const plan = (): void => {
    if (!isAutomatic || isPlanned || pool.length === 0) return
    isPlanned = true
    setImmediate(() => {
      isPlanned = false
      order()
    })
  }
  return {
    taken,
    order,
    forgotten: () => forgotten,
    reads: () => reads,
    orderAlways() {
      isAutomatic = true
      plan()
    },
    setStatus(change) {
      status = { ...status, ...change }
    },
    submit(bytes) {
      if (status.state === 'stopping')
        return { ok: false, reason: 'stopping', message: 'the node is stopping' }
      if (pool.length >= poolCapacity) return { ok: false, reason: 'pool-full', message: 'the pool is full' }
      let state: ReturnType<Submission['state']> = 'pending'
      const final = new Promise<Receipt>((resolve) => {
        const settle = (receipt: Receipt): void => {
          state = 'ordered'
          resolve(receipt)
        }
        pool.push({ bytes, settle })
      })
      taken.push(bytes)
      plan()
      return { ok: true, submission: { ticket: taken.length, state: () => state, final, forget } }
    },
    log(from, limit) {
      reads += 1
      return Promise.resolve(ledger.slice(from, from + limit))
    },
    events: (from) => {
      if (from > 3) return undefined
      const events = [Uint8Array.of(1), Uint8Array.of(2, 2), Uint8Array.of(3, 3, 3)]
        .slice(from)
        .map((bytes, i) => ({ bytes, next: from + i + 1 }))
      return { events, begin: from, next: 3 }
    },
    submitPacked: () => ({ ok: false, reason: 'malformed', message: 'not here' }),
    lookup: () => ({ state: 'unknown' }),
    receiptAt: (position) => {
      const found = ledger[position]
      return found === undefined ? undefined : { state: 'ordered', ...found, latencyMs: 0 }
    },
    proof: () => undefined,
    certifiedRound: () => 0,
    onCertified: () => () => undefined,
    query: (path) => Promise.resolve(`asked for ${path}`),
    positionOfRound: (round) => ledger.find((transaction) => transaction.round >= round)?.position,
    onGrowth(listener) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    status: () => status,
    network: () => ({
      peers: { peers: [] },
      net: {
        members: 1,
        totalWeight: 1,
        reportingMembers: 0,
        reportingWeight: 0,
        decidedRound: null,
        transactions: null,
        transactionsPerSecond: null,
        finalityP50Ms: null,
        finalityP99Ms: null,
        loopLagMs: null,
        roundLag: null,
      },
      evidence: { evidence: [] },
    }),
    stop: () => Promise.resolve(),
    failed: new Promise(() => undefined),
  }
}

function fakeStatus(): NodeStatus {
  return {
    name: 'ada',
    memberId: 0,
    networkId: new Uint8Array(32).fill(7),
    state: 'active',
    reason: undefined,
    round: 0,
    certifiedRound: 0,
    ledgerHash: new Uint8Array(32),
    transactions: 0,
    orderedEvents: 0,
    lastTimestamp: 0,
    reachableWeight: 1,
    totalWeight: 1,
    members: 1,
    reachableMembers: 1,
    poolTransactions: 0,
    poolBytes: 0,
    undecidedEvents: 0,
    ownEvents: 0,
    knownEvents: 0,
    waitingEvents: 0,
    journalBytes: 0,
    finalityP50Ms: undefined,
    finalityP99Ms: undefined,
    uptimeMs: 0,
    peers: [],
    counters: {},
    versions: {},
  }
}
