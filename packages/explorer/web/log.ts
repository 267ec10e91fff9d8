// Decides which transactions the log shows, gets what they say out of the events themselves, and has their proofs checked.
import { effect } from '@preact/signals'
import type { LogRow, ProofState, State } from '../src/view/state.ts'
import type { Detail, Proved } from './protocol.ts'

const ROWS = 50
/** Proofs that are asked for at a time, and how soon again where there was none yet. */
const PROOFS_AT_ONCE = 3
const AGAIN_MS = 1_000
const MOST_PROOFS = 2_000
const REFRESH_MS = 150
/** While a file is being checked, thousands of new ones come at a time. */
const CHECKING_MS = 1_500

export interface Log {
  refresh(): void
  /** Shows from a position on; -1 follows the end. */
  to(from: number): void
  reset(): void
}

export interface LogOptions {
  readonly state: State
  readonly detail: (index: number) => Promise<Detail | undefined>
  readonly prove: (proof: unknown) => Promise<Proved>
  /** Address of the node that is asked for proofs; undefined for a file. */
  readonly base: () => string | undefined
  readonly token: () => string
}

export function createLog({ state, detail, prove, base, token }: LogOptions): Log {
  const texts = new Map<number, readonly string[]>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let asking = 0
  let generation = 0
  let isBuilding = false
  let isStale = false

  async function textsOf(index: number): Promise<readonly string[]> {
    const found = texts.get(index)
    if (found !== undefined) return found
    const event = await detail(index)
    if (event === undefined) return []
    const list = event.transactions.map(({ text, hex }) => text ?? hex)
    texts.set(index, list)
    if (texts.size > 500)
      for (const oldest of texts.keys()) {
        texts.delete(oldest)
        break
      }
    return list
  }

  async function rows(): Promise<LogRow[]> {
    const store = state.store.value
    if (store === undefined) return []
    const total = store.transactions()
    const from =
      state.logFrom.value === -1
        ? Math.max(0, total - ROWS)
        : Math.min(state.logFrom.value, Math.max(0, total - 1))
    const found: LogRow[] = []
    let order = total === 0 ? -1 : store.orderOfPosition(from)
    for (; order >= 0 && order < store.orderedCount() && found.length < ROWS; order++) {
      const index = store.ordered(order)
      const held = store.transactionsOf(index)
      if (held === 0) continue
      const said = await textsOf(index)
      const first = store.positionOf(index)
      for (let nth = Math.max(0, from - first); nth < held && found.length < ROWS; nth++) {
        found.push({
          position: first + nth,
          order,
          index,
          nth,
          round: store.receivedOf(index),
          time: store.consensusTimeOf(index) + nth,
          creator: store.members[store.lanes()[store.laneOf(index)]!.member]!.name,
          text: (said[nth] ?? '').slice(0, 160),
        })
      }
    }
    // The newest on top when it follows.
    return state.logFrom.value === -1 ? found.toReversed() : found
  }

  function note(position: number, proof: ProofState): void {
    const next = new Map(state.proofs.value)
    next.set(position, proof)
    if (next.size > MOST_PROOFS)
      for (const oldest of next.keys()) {
        next.delete(oldest)
        break
      }
    state.proofs.value = next
  }

  async function proveOne(row: LogRow, url: string): Promise<void> {
    note(row.position, 'asked')
    const headers: Record<string, string> = token() === '' ? {} : { Authorization: `Bearer ${token()}` }
    try {
      const answer = await fetch(`${url}/v1/tx/${row.position}/proof`, { headers })
      if (!answer.ok) {
        await answer.body?.cancel()
        return note(row.position, 'not-yet')
      }
      const proved = await prove(await answer.json())
      // What the members had signed does not reach as far as the order that was derived here: nothing stood there yet.
      if (proved.ok && proved.event === '' && proved.certifiedRound < row.round)
        return note(row.position, 'not-yet')
      const store = state.store.value
      const isThis =
        proved.ok &&
        store !== undefined &&
        proved.event.startsWith(store.idStart(row.index)) &&
        proved.index === row.nth
      note(row.position, isThis ? 'proved' : 'wrong')
    } catch (error) {
      console.info(`proof of ${row.position}: ${String(error)}`)
      note(row.position, 'not-yet')
    }
  }

  function proveSome(): void {
    const url = base()
    if (url === undefined || document.hidden) return
    for (const row of state.log.value) {
      if (asking >= PROOFS_AT_ONCE) return
      const known = state.proofs.value.get(row.position)
      if (known === 'proved' || known === 'wrong' || known === 'asked') continue
      if (known === 'not-yet' && Math.random() < 0.5) continue
      asking += 1
      void proveOne(row, url).finally(() => {
        asking -= 1
      })
    }
  }

  async function build(): Promise<void> {
    const of = generation
    const found = await rows()
    if (of !== generation) return
    state.log.value = found
    proveSome()
  }

  /** One at a time, and only for whoever looks at it: what it says is read again from where it came. */
  function refresh(): void {
    if (state.tab.value !== 'log') return
    isStale = true
    if (timer !== undefined || isBuilding) return
    timer = setTimeout(() => void run(), state.share.value < 1 ? CHECKING_MS : REFRESH_MS)
  }

  async function run(): Promise<void> {
    const of = generation
    timer = undefined
    isBuilding = true
    isStale = false
    await build()
    if (of !== generation) return
    isBuilding = false
    if (isStale) refresh()
  }

  effect(() => {
    if (state.tab.value === 'log') refresh()
  })
  setInterval(proveSome, AGAIN_MS)
  return {
    refresh,
    to: (from) => {
      state.logFrom.value = from
      refresh()
    },
    reset: () => {
      generation += 1
      clearTimeout(timer)
      timer = undefined
      isBuilding = false
      texts.clear()
    },
  }
}
