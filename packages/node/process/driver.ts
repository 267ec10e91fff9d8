/**
 * Drives one member: feeds it frames, submissions and time, and carries its effects out in the order in which it gave them
 * (append, make durable, send, deliver). All I/O of a node meets here; what to do is decided in `src`.
 */
import type { Block } from '@hearsay/consensus'
import { bytesKey, toHex, type VerifiedEvent } from '@hearsay/dag'
import type { Transport, TransportEvent } from '@hearsay/gossip/ws'
import { DiskFull, type Journal } from '../disk/index.ts'
import type { Divergence } from '../src/certifier.ts'
import { OperatorError } from '../src/errors.ts'
import {
  RECORD_EVENT,
  type Member,
  type MemberEffect,
  type MemberInput,
  type Moment,
} from '../src/member-types.ts'
import type { RepairIndex } from '../src/repair-index.ts'
import type { Clock, Timer } from './clock.ts'
import type { ApplicationHost } from './application-host.ts'
import type { CertificateStore } from './certificate-store.ts'
import type { JournalFloor } from '../src/journal-floor.ts'
import type { SnapshotKeeper } from './snapshot-keeper.ts'
import type { LedgerStore } from './ledger-store.ts'
import { asOperatorError } from './operator-errors.ts'
import type { RepairServer } from './repair-server.ts'
import type { Submissions } from './submissions.ts'

/** A link with more than this in its buffer gets no more pushes until it has drained, in bytes. */
const CONGESTED_BYTES = 1024 * 1024
/** Others' events are made durable at the latest after this, when no own event does it first. */
const SYNC_WITHIN_MS = 200
/** After a full disk the next attempt. */
const DISK_RETRY_MS = 1_000
/** More than this is handed to the system at once, whenever the next sync comes. */
const FLUSH_BYTES = 8 * 1024 * 1024
/**
 * With more than this unwritten nothing is taken in any more: with what may wait for parents (64 MiB) and one frame it stays below what
 * the journal keeps in memory.
 */
const PAUSE_BYTES = 32 * 1024 * 1024

/** The transport as far as a node uses it. */
export type NodeTransport = Pick<Transport, 'send' | 'bufferedBytes' | 'close' | 'counters' | 'stop'>

export interface DriverParts {
  readonly clock: Clock
  readonly member: Member
  readonly journal: Journal
  readonly ledger: LedgerStore
  readonly index: RepairIndex
  readonly repair: RepairServer
  readonly host: ApplicationHost
  readonly submissions: Submissions
  readonly floor: JournalFloor
  readonly keeper: SnapshotKeeper
  readonly certificates: CertificateStore
  /** Set as soon as it listens. */
  transport: NodeTransport | undefined
  /** Writes the evidence down, and says what to tell. */
  readonly keepDivergence: (divergence: Divergence) => OperatorError
  readonly onGrowth: (transactions: number) => void
  readonly onFailure: (error: OperatorError) => void
}

export interface Driver {
  dispatch(input: MemberInput): void
  transportEvent(event: TransportEvent): void
  /** The offset of the record that is being replayed; its effects follow. */
  replay(recordKind: number, payload: Uint8Array, offset: number): void
  isDiskFull(): boolean
  /** Makes all durable and writes the ledger; nothing is dispatched afterwards. */
  finish(): Promise<void>
}

export function createDriver(parts: DriverParts): Driver {
  const { member, journal, ledger, submissions, clock } = parts
  /** Where in the journal an event stands that no block has yet; forgotten when it is ancient. */
  const offsets = new Map<string, { readonly offset: number; readonly birthRound: number }>()
  const congested = new Set<number>()
  const queue: MemberInput[] = []
  let running = false
  let finished = false
  let diskFull = false
  let intakePaused = false
  /** The own event that could not be made durable. */
  let unwritten: number | undefined
  let timer: Timer | undefined
  let timerAtMs = Infinity
  let syncTimer: Timer | undefined
  let retryTimer: Timer | undefined
  let replaying = false
  let loopLagMs = 0
  let replayOffset = 0

  const moment = (): Moment => ({
    monotonicMs: clock.monotonicMs(),
    wallMicros: clock.wallMicros(),
    loopLagMs,
  })

  function stopWith(error: unknown): void {
    finished = true
    const known = asOperatorError(error)
    const failure =
      known instanceof OperatorError
        ? known
        : new OperatorError(
            'E_INVARIANT',
            error instanceof Error ? (error.stack ?? error.message) : String(error),
            1,
            'this is a defect: keep the data directory and report it',
            { cause: error },
          )
    parts.onFailure(failure)
  }

  function dispatch(input: MemberInput): void {
    if (finished) return
    queue.push(input)
    if (running) return
    running = true
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        for (const effect of member.step(next, moment())) execute(effect)
        if (finished) queue.length = 0
      }
      if (!finished) {
        parts.keeper.consider()
        scheduleTick()
      }
    } catch (error) {
      stopWith(error)
    } finally {
      running = false
    }
  }

  function scheduleTick(): void {
    const now = clock.monotonicMs()
    const atMs = member.nextTickMs(now) ?? Infinity
    if (atMs === timerAtMs) return
    clock.clearTimer(timer)
    timerAtMs = atMs
    if (atMs === Infinity) return
    timer = clock.setTimer(Math.max(0, atMs - now), () => {
      // How late the timer is says how busy the loop is.
      loopLagMs = 0.8 * loopLagMs + 0.2 * Math.max(0, clock.monotonicMs() - timerAtMs - 1)
      timerAtMs = Infinity
      dispatch({ kind: 'tick' })
    })
  }

  function execute(effect: MemberEffect): void {
    switch (effect.kind) {
      case 'replayed':
        parts.floor.note(effect.birthRound, replayOffset)
        return void offsets.set(effect.key, { offset: replayOffset, birthRound: effect.birthRound })
      case 'append':
        return append(effect)
      case 'sync':
        return sync(effect.sequence)
      case 'send':
        return send(effect.link, effect.frame)
      case 'close':
        return parts.transport?.close(effect.link, effect.fault)
      case 'serve':
        return parts.repair.serve(effect.link, effect.want)
      case 'credit':
        return parts.repair.credit(effect.link, effect.request, effect.bytes)
      case 'deliver':
        return deliver(effect.block, effect.events)
      case 'state-hash':
        return void queue.push({ ...effect, hash: parts.host.stateHash(effect.round) })
      case 'certified':
        return parts.certificates.add(effect.certificate)
      case 'diverged':
        return stopWith(parts.keepDivergence(effect))
      case 'carry':
        return
      case 'gossiped':
        return submissions.gossiped(effect.tickets)
      case 'final':
        return submissions.final(effect, clock.monotonicMs())
      case 'refused':
        return submissions.refuse(effect.ticket)
      case 'fail':
        return stopWith(
          new OperatorError(
            effect.code,
            effect.message,
            78,
            'stop the other process, or keep the newer directory',
          ),
        )
    }
  }

  function append(effect: Extract<MemberEffect, { kind: 'append' }>): void {
    const offset = journal.append(effect.recordKind, effect.bytes)
    if (effect.recordKind === RECORD_EVENT && effect.key !== undefined) {
      offsets.set(effect.key, { offset, birthRound: effect.birthRound })
      parts.index.note(offset, effect.bytes)
      parts.floor.note(effect.birthRound, offset)
    }
    if (journal.bufferedBytes() > FLUSH_BYTES) relieve()
    syncTimer ??= clock.setTimer(SYNC_WITHIN_MS, () => {
      syncTimer = undefined
      sync(undefined)
    })
  }

  /** What waits in memory is bounded, also while the disk is full for long. */
  function relieve(): void {
    try {
      if (!diskFull) journal.flush()
    } catch (error) {
      if (!(error instanceof DiskFull)) throw error
      diskIsFull()
    }
    if (intakePaused || journal.bufferedBytes() <= PAUSE_BYTES) return
    intakePaused = true
    queue.push({ kind: 'intake', allowed: false })
  }

  function diskIsFull(): void {
    if (!diskFull) {
      diskFull = true
      dispatch({ kind: 'creating', allowed: false })
    }
    retryTimer ??= clock.setTimer(DISK_RETRY_MS, () => {
      retryTimer = undefined
      sync(undefined)
    })
  }

  /** Makes the journal durable; on a full disk tries again until there is space, meanwhile no new own event is made. */
  async function makeDurable(sequence: number | undefined): Promise<void> {
    const own = sequence ?? unwritten
    unwritten = undefined
    try {
      await journal.sync()
      ledger.settle(journal.durableEnd())
    } catch (error) {
      if (finished) return
      if (!(error instanceof DiskFull)) throw error
      unwritten = own ?? unwritten
      return diskIsFull()
    }
    if (diskFull) {
      diskFull = false
      dispatch({ kind: 'creating', allowed: true })
    }
    if (intakePaused && journal.bufferedBytes() <= PAUSE_BYTES / 2) {
      intakePaused = false
      dispatch({ kind: 'intake', allowed: true })
    }
    if (own !== undefined) dispatch({ kind: 'durable', sequence: own })
    if (!finished) await parts.keeper.settle(journal.durableEnd())
  }

  function sync(sequence: number | undefined): void {
    makeDurable(sequence).catch(stopWith)
  }

  function send(link: number, frame: Uint8Array): void {
    const { transport } = parts
    if (transport === undefined) return
    transport.send(link, frame)
    if (transport.bufferedBytes(link) <= CONGESTED_BYTES || congested.has(link)) return
    congested.add(link)
    queue.push({ kind: 'congested', link, congested: true })
  }

  function deliver(block: Block, events: readonly VerifiedEvent[]): void {
    const places = block.entries.map((entry) => {
      const key = bytesKey(entry.id)
      const place = offsets.get(key)
      if (place === undefined)
        throw new Error(`invariant: ordered event ${toHex(entry.id)} is not in the journal`)
      offsets.delete(key)
      return place.offset
    })
    const voids = parts.host.deliver(block, events)
    // What is being replayed is durable already.
    ledger.add(block, { offsets: places, voids }, replaying ? 0 : journal.end())
    for (const [key, { birthRound }] of offsets) if (birthRound < block.ancientThreshold) offsets.delete(key)
    parts.floor.advance(block.ancientThreshold)
    parts.keeper.delivered(block.round)
    if (block.transactionCount > 0) parts.onGrowth(block.firstPosition + block.transactionCount)
  }

  function transportEvent(event: TransportEvent): void {
    switch (event.kind) {
      case 'opened':
        return dispatch({ kind: 'opened', link: event.link, memberId: event.memberId })
      case 'frame':
        return dispatch({ kind: 'frame', link: event.link, bytes: event.bytes })
      case 'drained':
        if (congested.delete(event.link)) dispatch({ kind: 'congested', link: event.link, congested: false })
        return
      case 'closed':
        congested.delete(event.link)
        parts.repair.closed(event.link)
        return dispatch({ kind: 'closed', link: event.link })
    }
  }

  return {
    dispatch,
    transportEvent,
    replay: (recordKind, payload, offset) => {
      replaying = true
      replayOffset = offset
      if (recordKind === RECORD_EVENT) parts.index.note(offset, payload)
      for (const effect of member.step({ kind: 'replay', recordKind, bytes: payload.slice() }, moment()))
        execute(effect)
      replaying = false
    },
    isDiskFull: () => diskFull,
    finish: async () => {
      // Who has failed may be in the middle of a block: nothing is written down of that.
      const isSound = !finished
      finished = true
      clock.clearTimer(timer)
      clock.clearTimer(syncTimer)
      clock.clearTimer(retryTimer)
      await journal.sync()
      ledger.settle(journal.durableEnd())
      if (isSound) parts.keeper.take()
      await parts.keeper.settle(journal.durableEnd())
      await parts.certificates.settled()
    },
  }
}
