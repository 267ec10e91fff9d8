/**
 * What must hold in a world, looked at after every step of an honest member (design: reliability, section 3.2):
 *
 *   I1  agreement: everybody's blocks are one chain           I2  integrity: what is ordered was made, and stands once
 *   I3  validity: what was taken in becomes final             I4  the order does not depend on the order of arrival
 *   I5  time: strictly rising, within what honest clocks said  I6  decided rounds never change, not over restarts either
 *   I7  durability: what was acknowledged stays                I8  nobody honest ever branches
 *   I9  memory stays within its bounds                        I10 nobody honest is ever cut off for a fault
 *   I11 parents come before children, the window never falls  I12 a snapshot and what follows give the whole
 *
 * I0 is a member that stops by itself without a reason. I4 and I12 are looked at when the world ends (replaying.ts). Each
 * event and block is looked into once, by whoever brings it first; all others are compared with that by id or hash.
 */
import type { Block } from '@hearsay/consensus'
import {
  bytesKey,
  decodeEvent,
  payloadOf,
  toHex,
  transactionsOf,
  type EventKey,
  type Sha256,
} from '@hearsay/dag'

export interface Violation {
  readonly invariant: string
  readonly message: string
  readonly atMs: number
}

export interface KnownEvent {
  readonly key: EventKey
  readonly creator: number
  readonly sequence: number
  readonly birthRound: number
  readonly timestamp: number
  readonly parents: readonly { readonly key: EventKey; readonly birthRound: number }[]
  readonly transactions: readonly string[]
  readonly bytes: Uint8Array
}

/** What a client was told of one transaction. */
export interface Sent {
  readonly name: string
  readonly member: number
  readonly sentMs: number
  state: 'taken' | 'gossiped' | 'final' | 'lost'
  position: number | undefined
  finalMs: number | undefined
}

export interface Checks {
  violation(): Violation | undefined
  report(invariant: string, message: string): void
  /**
   * An honest member has written this event to its journal (`fresh`), or reads it there. Its own events count as made only when
   * others may have them: what never left may be forgotten.
   */
  appended(machine: number, bytes: Uint8Array, key: EventKey, fresh: boolean, isOwn: boolean): void
  /** An own event is about to be shown to others. */
  shown(key: EventKey): void
  delivered(machine: number, block: Block): void
  /** The machine begins again, with nothing or with its journal. */
  restarted(machine: number): void
  closedLink(member: number, peer: number, fault: string): void
  submitted(name: string, member: number): Sent | undefined
  final(sent: Sent, position: number, timestamp: number): void
  /** A lie with transactions: they may be ordered too. */
  known(key: EventKey): KnownEvent | undefined
  rounds(): number
  hashAt(round: number): string | undefined
  positionOf(name: string): number | undefined
  transactions(): readonly string[]
  sent(): readonly Sent[]
  lyingBranches(): number
  branchesOf(member: number): number
  /** All that is known, parents first. */
  events(): readonly KnownEvent[]
}

export interface ChecksOptions {
  readonly networkId: Uint8Array
  readonly sha256: Sha256
  readonly now: () => number
  /** Whether this member may break promises about its own past: a liar, or one that lost its disk. */
  readonly isSuspect: (member: number) => boolean
  readonly isLiar: (member: number) => boolean
  /** The least and the greatest wall clock reading, microseconds, that honest members can have had so far. */
  readonly honestTimes: () => readonly [number, number]
}

const TIME_SLACK_MICROS = 2_000_000

export function createChecks(options: ChecksOptions): Checks {
  const events = new Map<EventKey, KnownEvent>()
  const list: KnownEvent[] = []
  /** `creator/sequence` → its event, of honest creators. */
  const places = new Map<string, EventKey>()
  const placed = new Set<EventKey>()
  const branches = new Map<number, number>()
  const blocks: string[] = []
  const ordered = new Set<EventKey>()
  const order: string[] = []
  const positions = new Map<string, number>()
  const byName = new Map<string, Sent>()
  const sent: Sent[] = []
  /** By machine: what its journal holds, and the round that it delivered last. */
  const journals = new Map<number, Set<EventKey>>()
  const lastRounds = new Map<number, number>()
  const decoder = new Map<string, string>()
  let violation: Violation | undefined
  let lastTimestamp = 0
  let threshold = 0
  let lastAckedPosition = -1

  function report(invariant: string, message: string): void {
    violation ??= { invariant, message, atMs: options.now() }
  }

  function learn(bytes: Uint8Array): KnownEvent | undefined {
    const decoded = decodeEvent(bytes, options.networkId, options.sha256)
    if (!decoded.ok) {
      report('I2', `a member wrote an event to its journal that is none: ${decoded.reason}`)
      return undefined
    }
    const { event } = decoded
    const known = events.get(event.key)
    if (known !== undefined) return known
    const parents = [...(event.selfParent === undefined ? [] : [event.selfParent]), ...event.otherParents]
    const made: KnownEvent = {
      key: event.key,
      creator: event.creator,
      sequence: event.sequence,
      birthRound: event.birthRound,
      timestamp: event.timestamp,
      parents: parents.map(({ id, birthRound }) => ({ key: bytesKey(id), birthRound })),
      transactions: event.transactionCount === 0 ? [] : transactionsOf(payloadOf(event)).map(nameOf),
      bytes: event.bytes,
    }
    events.set(made.key, made)
    list.push(made)
    return made
  }

  function place(event: KnownEvent): void {
    if (placed.has(event.key)) return
    placed.add(event.key)
    const at = `${event.creator}/${event.sequence}`
    const other = places.get(at)
    if (other === undefined) places.set(at, event.key)
    else if (other !== event.key) {
      branches.set(event.creator, (branches.get(event.creator) ?? 0) + 1)
      if (!options.isSuspect(event.creator))
        report(
          'I8',
          `member ${event.creator} is honest and has made two events with number ${event.sequence}`,
        )
    }
  }

  /** Transactions are told apart by their first 16 bytes. */
  function nameOf(bytes: Uint8Array): string {
    const name = bytesKey(bytes.subarray(0, 16))
    const same = decoder.get(name)
    if (same !== undefined) return same
    decoder.set(name, name)
    return name
  }

  function extend(block: Block): void {
    const [least, most] = options.honestTimes()
    if (block.ancientThreshold < threshold)
      report(
        'I11',
        `the ancient threshold falls from ${threshold} to ${block.ancientThreshold} in round ${block.round}`,
      )
    threshold = block.ancientThreshold
    for (const entry of block.entries) {
      const key = bytesKey(entry.id)
      const event = events.get(key)
      if (event === undefined) {
        report('I2', `round ${block.round} orders an event that nobody has: ${toHex(entry.id)}`)
        return
      }
      if (ordered.has(key)) report('I2', `event ${toHex(entry.id)} stands twice in the order`)
      ordered.add(key)
      if (entry.timestamp <= lastTimestamp)
        report('I5', `times do not rise in round ${block.round}: ${entry.timestamp} after ${lastTimestamp}`)
      lastTimestamp = entry.timestamp + Math.max(0, entry.transactionCount - 1)
      if (entry.timestamp < least - TIME_SLACK_MICROS || entry.timestamp > most + TIME_SLACK_MICROS)
        report(
          'I5',
          `round ${block.round} has time ${entry.timestamp}; honest clocks are in ${least}…${most}`,
        )
      for (const name of event.transactions) orderOne(name, event, block.round)
    }
    if (block.lastTimestamp < lastTimestamp)
      report(
        'I5',
        `round ${block.round} says that its last time is ${block.lastTimestamp}, not ${lastTimestamp}`,
      )
    lastTimestamp = block.lastTimestamp
    if (block.firstPosition + block.transactionCount !== order.length)
      report(
        'I2',
        `round ${block.round} counts ${block.firstPosition + block.transactionCount} transactions, not ${order.length}`,
      )
  }

  function orderOne(name: string, event: KnownEvent, round: number): void {
    const by = byName.get(name)
    if (by === undefined && !options.isLiar(event.creator))
      report('I2', `round ${round} orders a transaction that nobody submitted, of member ${event.creator}`)
    if (positions.has(name) && by !== undefined && !options.isSuspect(by.member))
      report(
        'I2',
        `a transaction of member ${by.member} is ordered twice, at ${positions.get(name)} and ${order.length}`,
      )
    positions.set(name, positions.get(name) ?? order.length)
    order.push(name)
  }

  function delivered(machine: number, block: Block): void {
    const last = lastRounds.get(machine)
    if (last !== undefined && block.round !== last + 1)
      report('I6', `machine ${machine} delivers round ${block.round} after round ${last}`)
    lastRounds.set(machine, block.round)
    const hash = toHex(block.hash)
    const same = blocks[block.round - 1]
    if (same === undefined) {
      if (block.round !== blocks.length + 1) {
        report(
          'I1',
          `machine ${machine} delivers round ${block.round}, and nobody has round ${blocks.length + 1}`,
        )
        return
      }
      blocks.push(hash)
      extend(block)
    } else if (same !== hash) {
      report('I1', `machine ${machine} has another round ${block.round}: ${hash}, not ${same}`)
    }
  }

  function appended(machine: number, bytes: Uint8Array, key: EventKey, fresh: boolean, isOwn: boolean): void {
    const event = events.get(key) ?? learn(bytes)
    if (event === undefined) return
    if (!isOwn) place(event)
    let journal = journals.get(machine)
    if (journal === undefined) journals.set(machine, (journal = new Set()))
    if (fresh && journal.has(event.key))
      report('I11', `machine ${machine} writes event ${toHex(keyBytes(event.key))} a second time`)
    journal.add(event.key)
    if (!fresh) return
    for (const parent of event.parents) {
      if (parent.birthRound >= threshold && !journal.has(parent.key) && events.has(parent.key))
        report('I11', `machine ${machine} writes an event of member ${event.creator} before its parent`)
    }
  }

  return {
    violation: () => violation,
    report,
    appended,
    shown: (key) => {
      const event = events.get(key)
      if (event === undefined) report('I8', 'a member shows an event that is not in its journal')
      else place(event)
    },
    delivered,
    restarted: (machine) => {
      journals.delete(machine)
      lastRounds.delete(machine)
    },
    closedLink: (member, peer, fault) => {
      // A greeting that does not come in time is the network's fault.
      if (fault !== 'hello-timeout' && !options.isLiar(peer))
        report('I10', `member ${member} closes its link with honest member ${peer}: ${fault}`)
    },
    submitted: (name, member) => {
      const key = nameOf(Uint8Array.from(name, (letter) => letter.charCodeAt(0)))
      if (byName.has(key)) return undefined
      const entry: Sent = {
        name: key,
        member,
        sentMs: options.now(),
        state: 'taken',
        position: undefined,
        finalMs: undefined,
      }
      byName.set(key, entry)
      sent.push(entry)
      return entry
    },
    final: (entry, position) => {
      entry.state = 'final'
      entry.position = position
      entry.finalMs = options.now()
      if (order[position] !== entry.name)
        report(
          'I7',
          `member ${entry.member} says that its transaction is at ${position}, where another one is`,
        )
      lastAckedPosition = Math.max(lastAckedPosition, position)
    },
    known: (key) => events.get(key),
    rounds: () => blocks.length,
    hashAt: (round) => blocks[round - 1],
    positionOf: (name) => positions.get(name),
    transactions: () => order,
    sent: () => sent,
    lyingBranches: () => [...branches.values()].reduce((sum, count) => sum + count, 0),
    branchesOf: (member) => branches.get(member) ?? 0,
    events: () => list,
  }
}

const keyBytes = (key: EventKey): Uint8Array => Uint8Array.from(key, (letter) => letter.charCodeAt(0))
