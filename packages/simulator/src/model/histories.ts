/**
 * What members have gone through, for the search of all interleavings (`search.ts`). A member is a function of its inputs: two
 * interleavings in which everybody got the same inputs in the same order lead to the same state of the world. So the state of a
 * member is its history, histories are kept as a tree, and each step of a history is computed once, by the real member.
 */
import { bytesKey, type CryptoSuite, type Genesis, peekEvent, toHex } from '@hearsay/dag'
import { encodeFrame } from '@hearsay/gossip'
import {
  createMember,
  isWanted,
  RECORD_EVENT,
  type Member,
  type MemberEffect,
  type MemberInput,
  type Moment,
} from '@hearsay/node'
import { createRandom } from '../random.ts'

export interface Stored {
  readonly kind: number
  readonly bytes: Uint8Array
}

/** What happens to a member. A tick comes when the member wants it: its clock moves to then, and at no other time. */
export type Happening =
  | { readonly kind: 'opened' | 'closed'; readonly peer: number }
  | { readonly kind: 'frame'; readonly peer: number; readonly frame: number }
  | { readonly kind: 'submit' }
  | { readonly kind: 'durable' }
  | { readonly kind: 'tick' }
  /** The process dies and starts again from what was durable; its links are gone. */
  | { readonly kind: 'crash' }

/** A member after its history. Records are all that it wrote; of them, what is durable survives a crash. */
export interface Local {
  readonly id: number
  readonly member: number
  readonly depth: number
  readonly parent: Local | undefined
  readonly happening: Happening | undefined
  readonly children: Map<string, Local>
  readonly nowMs: number
  readonly nextTickMs: number | undefined
  readonly records: readonly Stored[]
  readonly durable: number
  /** The own event that is being made durable, and what of the records is durable with it. */
  readonly syncing: { readonly sequence: number; readonly records: number } | undefined
  readonly ticks: number
  readonly crashes: number
  readonly hasSubmitted: boolean
  /** What the last step did to the world. */
  readonly sent: readonly { readonly peer: number; readonly frame: number }[]
  readonly closed: readonly number[]
  /** Hashes of the blocks delivered in this life, and how many transactions they order. */
  readonly blocks: readonly string[]
  readonly ordered: number
  /** What must not have happened, in words. */
  readonly fault: string | undefined
}

const FIRST_MS = 1_000
const EPOCH_MICROS = 1_700_000_000_000_000

const momentAt = (nowMs: number): Moment => ({
  monotonicMs: nowMs,
  wallMicros: EPOCH_MICROS + Math.round(nowMs * 1_000),
  loopLagMs: 0,
})

interface Born {
  readonly member: Member
  readonly nextTickMs: number | undefined
  readonly blocks: readonly string[]
  readonly ordered: number
}

export interface Histories {
  root(member: number): Local
  after(local: Local, happening: Happening): Local
  frameBytes(frame: number): Uint8Array
  count(): number
}

export function createHistories(
  genesis: Genesis,
  secretKeys: readonly Uint8Array[],
  suite: CryptoSuite,
): Histories {
  const frames: Uint8Array[] = []
  const frameIds = new Map<string, number>()
  let count = 0
  /** Instances that stand at a history and may be stepped on from there. */
  const live = new Map<Local, Member>()

  function frameId(bytes: Uint8Array): number {
    const key = bytesKey(bytes)
    const known = frameIds.get(key)
    if (known !== undefined) return known
    frames.push(bytes)
    frameIds.set(key, frames.length - 1)
    return frames.length - 1
  }

  function bear(member: number, crashes: number, records: readonly Stored[], nowMs: number): Born {
    const random = createRandom(member, `life ${crashes}`)
    const born = createMember({
      genesis,
      memberId: member,
      secretKey: secretKeys[member - 1]!,
      suite,
      software: 'model',
      random: random.next,
      randomBytes: random.bytes,
    })
    const moment = momentAt(nowMs)
    const replayed = records.flatMap(({ kind, bytes }) =>
      born.step({ kind: 'replay', recordKind: kind, bytes }, moment),
    )
    const effects = [...replayed, ...born.step({ kind: 'start' }, moment)]
    return { member: born, nextTickMs: born.nextTickMs(nowMs), ...ledgerOf([], 0, effects) }
  }

  function inputOf(local: Local, happening: Happening): MemberInput {
    switch (happening.kind) {
      case 'opened':
        return { kind: 'opened', link: happening.peer, memberId: happening.peer }
      case 'closed':
        return { kind: 'closed', link: happening.peer }
      case 'frame':
        return { kind: 'frame', link: happening.peer, bytes: frames[happening.frame]! }
      case 'submit':
        return { kind: 'submit', ticket: local.member, bytes: Uint8Array.of(local.member) }
      case 'durable':
        return { kind: 'durable', sequence: local.syncing!.sequence }
      case 'tick':
        return { kind: 'tick' }
      case 'crash':
        throw new Error('invariant: a crash is no input')
    }
  }

  const timeAfter = (local: Local, happening: Happening): number =>
    happening.kind === 'tick' ? Math.max(local.nowMs, local.nextTickMs!) : local.nowMs

  /** The real member after this history: from its last birth on, step by step. */
  function instanceAt(local: Local): Member {
    const standing = live.get(local)
    if (standing !== undefined) {
      live.delete(local)
      return standing
    }
    const path: Local[] = []
    let at = local
    while (at.parent !== undefined && at.happening!.kind !== 'crash') {
      path.push(at)
      at = at.parent
    }
    const { member } = bear(at.member, at.crashes, at.records, at.nowMs)
    for (let i = path.length - 1; i >= 0; i--) {
      const step = path[i]!
      member.step(inputOf(step.parent!, step.happening!), momentAt(step.nowMs))
    }
    return member
  }

  function crash(local: Local, happening: Happening): Local {
    const records = local.records.slice(0, local.durable)
    const { member, ...born } = bear(local.member, local.crashes + 1, records, local.nowMs)
    const next: Local = {
      ...local,
      ...born,
      id: count++,
      depth: local.depth + 1,
      parent: local,
      happening,
      children: new Map(),
      records,
      syncing: undefined,
      crashes: local.crashes + 1,
      sent: [],
      closed: [],
    }
    live.set(next, member)
    return next
  }

  function advance(local: Local, happening: Happening): Local {
    const nowMs = timeAfter(local, happening)
    const member = instanceAt(local)
    const done = effectsOf(local, happening, member.step(inputOf(local, happening), momentAt(nowMs)))
    const next: Local = {
      ...local,
      ...done,
      id: count++,
      depth: local.depth + 1,
      parent: local,
      happening,
      children: new Map(),
      nowMs,
      nextTickMs: member.nextTickMs(nowMs),
      ticks: local.ticks + (happening.kind === 'tick' ? 1 : 0),
      hasSubmitted: local.hasSubmitted || happening.kind === 'submit',
    }
    live.set(next, member)
    return next
  }

  function effectsOf(local: Local, happening: Happening, effects: readonly MemberEffect[]) {
    const records = [...local.records]
    const sent: { peer: number; frame: number }[] = []
    const closed: number[] = []
    let durable = local.durable
    let syncing = local.syncing
    let fault = local.fault
    if (happening.kind === 'durable') {
      durable = Math.max(durable, syncing!.records)
      syncing = undefined
    }
    for (const effect of effects) {
      if (effect.kind === 'append') {
        if (
          effect.recordKind === RECORD_EVENT &&
          records.some(({ bytes }) => bytesKey(bytes) === bytesKey(effect.bytes))
        )
          fault ??= `member ${local.member} accepted an event twice`
        records.push({ kind: effect.recordKind, bytes: effect.bytes })
      } else if (effect.kind === 'sync') syncing = { sequence: effect.sequence, records: records.length }
      else if (effect.kind === 'send') sent.push({ peer: effect.link, frame: frameId(effect.frame) })
      else if (effect.kind === 'serve') {
        for (const bytes of served(effect, records, local.member, durable))
          sent.push({ peer: effect.link, frame: frameId(bytes) })
      } else if (effect.kind === 'close') closed.push(effect.link)
      else if (effect.kind === 'fail') fault ??= `member ${local.member} must not go on: ${effect.code}`
    }
    return {
      records,
      durable,
      syncing,
      sent,
      closed,
      fault,
      ...ledgerOf(local.blocks, local.ordered, effects),
    }
  }

  return {
    root(member) {
      const { member: first, ...born } = bear(member, 0, [], FIRST_MS)
      const local: Local = {
        id: count++,
        member,
        depth: 0,
        parent: undefined,
        happening: undefined,
        children: new Map(),
        nowMs: FIRST_MS,
        ...born,
        records: [],
        durable: 0,
        syncing: undefined,
        ticks: 0,
        crashes: 0,
        hasSubmitted: false,
        sent: [],
        closed: [],
        fault: undefined,
      }
      live.set(local, first)
      return local
    },
    after(local, happening) {
      const key = keyOf(happening)
      const known = local.children.get(key)
      if (known !== undefined) return known
      const next = happening.kind === 'crash' ? crash(local, happening) : advance(local, happening)
      local.children.set(key, next)
      // Instances are heavy; those that were made long ago are seldom stood on again.
      if (live.size > 300) for (const old of [...live.keys()].slice(0, 150)) live.delete(old)
      return next
    },
    frameBytes: (frame) => frames[frame]!,
    count: () => count,
  }
}

function ledgerOf(blocks: readonly string[], ordered: number, effects: readonly MemberEffect[]) {
  const delivered = effects.filter((effect) => effect.kind === 'deliver')
  return {
    blocks: [...blocks, ...delivered.map(({ block }) => toHex(block.hash))],
    ordered: delivered.reduce(
      (sum, { events }) => events.reduce((all, { transactionCount }) => all + transactionCount, sum),
      ordered,
    ),
  }
}

const keyOf = (happening: Happening): string =>
  happening.kind === 'frame'
    ? `${happening.peer}:${happening.frame}`
    : 'peer' in happening
      ? `${happening.kind}${happening.peer}`
      : happening.kind

/** What a driver reads from the journal for a peer: own events only as far as they are durable. */
function served(
  { want }: Extract<MemberEffect, { kind: 'serve' }>,
  records: readonly Stored[],
  self: number,
  durable: number,
): readonly Uint8Array[] {
  const events = records
    .filter(
      ({ kind, bytes }, i) =>
        kind === RECORD_EVENT && (peekEvent(bytes).creator !== self || i < durable) && isWanted(want, bytes),
    )
    .map(({ bytes }) => bytes)
  const end = encodeFrame({ kind: 'want-end', request: want.request, complete: true })
  return events.length === 0 ? [end] : [encodeFrame({ kind: 'events', request: want.request, events }), end]
}
