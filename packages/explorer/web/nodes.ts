// Asks every node how it is and what it says of the ledger, and holds that against what was derived here. Each second, and less often
// while the page is out of sight.
import { batch } from '@preact/signals'
import {
  judgeClaim,
  lieOfClaim,
  lieOfEntry,
  type Claim,
  type Lie,
  type Logged,
  type Standing,
} from '../src/verify/verdict.ts'
import type { GraphStore } from '../src/model/store.ts'
import type { LinkRow, Liveness, NodeRow, State } from '../src/view/state.ts'
import type { Source } from './protocol.ts'

const EVERY_MS = 1_000
const WITHIN_MS = 4_000
const MOST_LIES = 20
const PAGE = 200

interface StatusAnswer {
  readonly name: string
  readonly state: string
  readonly reason: string | null
  readonly round: number
  readonly transactions: number
  readonly ledgerHash: string
  readonly waitingEvents: number
  readonly finalityP50Ms: number | null
  readonly finalityP99Ms: number | null
  readonly versions: Readonly<Record<string, string>>
  readonly memory?: { readonly residentBytes?: number }
}

interface PeersAnswer {
  readonly peers: readonly {
    readonly name: string
    readonly liveness: Liveness
    readonly roundTripMs: number | null
    readonly silentMs: number | null
    readonly says: { readonly decidedRound: number; readonly ledgerHash: string } | null
  }[]
}

export interface Asking {
  start(): void
  stop(): void
}

export interface AskingOptions {
  readonly sources: readonly Source[]
  readonly token: () => string
  readonly state: State
}

function memoryOf(text: string): number | null {
  const [, bytes] = /^(?:hearsay|process)_resident(?:_memory)?_bytes (\S+)$/m.exec(text) ?? []
  return bytes === undefined ? null : Number(bytes) / 2 ** 20
}

export function createAsking({ sources, token, state }: AskingOptions): Asking {
  const lies: Lie[] = []
  const told = new Set<string>()
  /** By node: what of its log was compared. */
  const compared = new Map<string, number>()
  /** A node that was found out stays so. */
  const liars = new Set<string>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let isOver = false

  async function get<T>(url: string): Promise<T> {
    const headers: Record<string, string> = token() === '' ? {} : { Authorization: `Bearer ${token()}` }
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(WITHIN_MS) })
    if (!answer.ok) throw new Error(`${url}: ${answer.status}`)
    return (await answer.json()) as T
  }

  function convict(lie: Lie, key: string): void {
    liars.add(lie.node)
    if (told.has(key) || lies.length >= MOST_LIES) return
    told.add(key)
    lies.push(lie)
  }

  function hashOf(round: number): string | undefined {
    const store = state.store.value
    return round === 0 ? undefined : store?.roundRow(round)?.hash
  }

  function judge(claim: Claim): Standing {
    const standing = judgeClaim(claim, hashOf)
    if (standing === 'differs') {
      const own = hashOf(claim.round)!
      convict(lieOfClaim(claim, own), `${claim.node} hash`)
    }
    return standing
  }

  /** The next entries of the node's log against the order that was derived here. */
  async function compareLog(source: Source, store: GraphStore): Promise<void> {
    const from = compared.get(source.name) ?? 0
    const derived = store.transactions()
    if (from >= derived) return
    const page = await get<{ next: number; transactions: readonly Logged[] }>(
      `${source.url}/v1/log?from=${from}&limit=${Math.min(PAGE, derived - from)}`,
    )
    for (const said of page.transactions) {
      const order = store.orderOfPosition(said.position)
      if (order < 0) continue
      const index = store.ordered(order)
      const nth = said.position - store.positionOf(index)
      const own = {
        position: said.position,
        event: store.idStart(index),
        index: nth,
        timestamp: store.consensusTimeOf(index) + nth,
      }
      const lie = lieOfEntry(source.name, said, own)
      if (lie !== undefined) convict(lie, `${source.name} log`)
    }
    compared.set(source.name, page.next)
  }

  async function metrics(source: Source): Promise<string> {
    const headers: Record<string, string> = token() === '' ? {} : { Authorization: `Bearer ${token()}` }
    const answer = await fetch(`${source.url}/metrics`, { headers, signal: AbortSignal.timeout(WITHIN_MS) })
    return answer.ok ? answer.text() : ''
  }

  async function askOne(source: Source): Promise<{ row: NodeRow; links: LinkRow[] }> {
    const before = state.nodes.value.find(({ name }) => name === source.name)
    try {
      const began = performance.now()
      const status = await get<StatusAnswer>(`${source.url}/v1/status`)
      const tookMs = performance.now() - began
      const [peers, figures] = await Promise.all([
        get<PeersAnswer>(`${source.url}/v1/peers`),
        metrics(source),
      ])
      const store = state.store.value
      if (store !== undefined) await compareLog(source, store)
      const standing = judge({
        node: source.name,
        by: source.name,
        round: status.round,
        hash: status.ledgerHash,
      })
      for (const { name, says } of peers.peers)
        if (says !== null && !sources.some((each) => each.name === name))
          judge({ node: name, by: source.name, round: says.decidedRound, hash: says.ledgerHash })
      const row: NodeRow = {
        name: source.name,
        url: source.url,
        answers: true,
        state: status.state,
        reason: status.reason,
        round: status.round,
        transactions: status.transactions,
        ledgerHash: status.ledgerHash,
        standing: liars.has(source.name)
          ? 'differs'
          : standing === 'ahead' && before?.standing === 'agrees'
            ? 'agrees'
            : standing,
        roundTripMs: tookMs,
        memoryMiB: memoryOf(figures),
        version: status.versions['hearsay'] ?? '',
        finalityP50Ms: status.finalityP50Ms,
        finalityP99Ms: status.finalityP99Ms,
        waiting: status.waitingEvents,
      }
      const links = peers.peers.map(({ name, liveness, roundTripMs, silentMs }): LinkRow => ({
        from: source.name,
        to: name,
        state: liveness,
        roundTripMs,
        silentMs,
      }))
      return { row, links }
    } catch (error) {
      return { row: silent(source, before, error), links: [] }
    }
  }

  function silent(source: Source, before: NodeRow | undefined, error: unknown): NodeRow {
    return {
      name: source.name,
      url: source.url,
      round: before?.round ?? 0,
      transactions: before?.transactions ?? 0,
      ledgerHash: before?.ledgerHash ?? '',
      version: before?.version ?? '',
      answers: false,
      state: 'silent',
      reason: error instanceof Error ? error.message : String(error),
      standing: liars.has(source.name) ? 'differs' : 'silent',
      roundTripMs: null,
      memoryMiB: null,
      finalityP50Ms: null,
      finalityP99Ms: null,
      waiting: 0,
    }
  }

  async function ask(): Promise<void> {
    const answers = await Promise.all(sources.map(askOne))
    if (isOver) return
    batch(() => {
      state.nodes.value = answers.map(({ row }) => row)
      state.links.value = answers.flatMap(({ links }) => links)
      const known = state.lies.value.filter(({ what }) => what.includes('forged'))
      if (known.length + lies.length !== state.lies.value.length) state.lies.value = [...known, ...lies]
    })
    timer = setTimeout(() => void ask(), document.hidden ? 5 * EVERY_MS : EVERY_MS)
  }

  return {
    start: () => void ask(),
    stop: () => {
      isOver = true
      clearTimeout(timer)
    },
  }
}
