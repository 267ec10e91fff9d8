/**
 * Orders an abstract graph, a file of the interchange format (packages/consensus/spec/dag-interchange.md): without signatures
 * and contents, and with an order that it may expect.
 */
import { createEngine, feedInterchange, NO_EVENT, type DecidedRound, type Engine } from '@hearsay/consensus'
import { fromHex, toHex } from '@hearsay/dag'
import type { Batch, ShownMember, ShownRound } from '../model/messages.ts'
import { createBatchMaker } from './batch.ts'

/** More rounds than any such file has: it is small, and everything in it can be asked for. */
const EXPLAINED_ROUNDS = 100_000

export interface AbstractGraph {
  readonly members: readonly ShownMember[]
  readonly batch: Batch
  readonly ids: readonly string[]
  readonly engine: Engine
  /** What the file expects, compared; undefined if it expects nothing. */
  readonly asExpected: boolean | undefined
}

interface FileShape {
  readonly rosters?: readonly {
    readonly members?: readonly { readonly id: number; readonly weight: number }[]
  }[]
  readonly expected?: {
    readonly rounds?: readonly { readonly events?: readonly { readonly id: string }[] }[]
  }
}

/** Throws an Error that names event and field if the file is malformed. */
export function openAbstract(file: unknown): AbstractGraph {
  const shape = file as FileShape
  const ids: string[] = []
  const slots = new Map<number, number>()
  const members: ShownMember[] = []
  for (const roster of shape.rosters ?? [])
    for (const { id, weight } of roster.members ?? []) {
      if (slots.has(id)) continue
      slots.set(id, members.length)
      members.push({ id, name: `m${id}`, weight })
    }
  let maker: ReturnType<typeof createBatchMaker> | undefined
  const undecided = new Map<number, number>()
  const order: string[] = []
  let position = 0
  const counts: number[] = []

  function settle(decided: DecidedRound, decidedTime: number): void {
    const stale: number[] = []
    const firstPosition = position
    for (const { handle } of decided.events) {
      undecided.delete(handle)
      order.push(ids[handle]!)
      position += counts[handle]!
    }
    for (const [index, birthRound] of undecided) if (birthRound < decided.ancientThreshold) stale.push(index)
    for (const index of stale) undecided.delete(index)
    const byId = new Map(ids.map((id, i) => [id, i]))
    const shown: ShownRound = {
      round: decided.round,
      hash: '',
      decidedAt: ids.length,
      decidedTime,
      judges: Uint32Array.from(decided.judges.flatMap((id) => byId.get(toHex(id)) ?? [])),
      events: Uint32Array.from(decided.events, ({ handle }) => handle),
      timestamps: Float64Array.from(decided.events, ({ timestamp }) => timestamp),
      firstPosition,
      stale: Uint32Array.from(stale),
    }
    maker?.decided(shown)
  }

  const engine = feedInterchange(
    file,
    (options) => {
      const inner = createEngine({ ...options, explain: { rounds: EXPLAINED_ROUNDS } })
      const made = createBatchMaker(inner)
      maker = made
      return {
        ...inner,
        insert: (event) => {
          const handle = inner.insert(event)
          if (handle === NO_EVENT) return handle
          ids[handle] = toHex(event.id)
          counts[handle] = event.transactionCount
          undecided.set(handle, event.birthRound)
          made.linked({
            id: event.id,
            member: slots.get(event.creator) ?? 0,
            selfParent: event.selfParent,
            otherParents: event.otherParents.filter((parent) => parent !== NO_EVENT),
            timestamp: event.timestamp,
            transactionCount: event.transactionCount,
            sizeBytes: 0,
          })
          for (const decided of inner.takeDecidedRounds()) settle(decided, event.timestamp)
          return handle
        },
      }
    },
    () => undefined,
  )
  const expected = shape.expected?.rounds?.flatMap(({ events }) => (events ?? []).map(({ id }) => id))
  return {
    members,
    batch: { ...maker!.drain(undecided), refusals: [], branchings: [] },
    ids,
    engine,
    asExpected: expected === undefined ? undefined : expected.join() === order.join(),
  }
}

export const idBytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array(32)
