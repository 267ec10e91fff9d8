/** What a world of members offers to a test, and what it knows of each of them. */
import type { Block } from '@hearsay/consensus'
import type { Genesis } from '@hearsay/dag'
import type { JournalFloor, Member, MemberEffect, MemberInput, MemberOptions } from '@hearsay/node'

export interface Stored {
  readonly kind: number
  readonly bytes: Uint8Array
}

export interface Node {
  readonly id: number
  member: Member
  alive: boolean
  /** Counts restarts: what was under way for an earlier life is dropped. */
  life: number
  /** All records; the first `durable` of them survive a kill. */
  records: Stored[]
  durable: number
  durableSequence: number
  blocks: Block[]
  finals: Extract<MemberEffect, { kind: 'final' }>[]
  failure: string | undefined
  tickAtMs: number | undefined
  /** How often it was called for a tick. */
  ticks: number
  /** Over all of its records, offsets being their places in the list. */
  floor: JournalFloor
  /** Encoded; counts on the records as far as `durable` was when it was taken. */
  snapshot: { readonly bytes: Uint8Array; readonly blocks: number; readonly from: number } | undefined
}

export interface WorldOptions {
  readonly seed: number
  readonly members: number
  readonly weights?: readonly number[]
  readonly delayMs?: readonly [number, number]
  readonly syncMs?: readonly [number, number]
  readonly roundsNonAncient?: number
  readonly coinFrequency?: number
  readonly member?: Pick<MemberOptions, 'creator' | 'carrySeconds'>
  readonly observe?: (id: number, effect: MemberEffect) => void
}

/** A member that is played by the test: it says what it likes and does nothing of itself. */
export interface Puppet {
  /** Opens a link with every member that runs. */
  connect(): void
  send(to: number, frame: Uint8Array): void
}

export interface World {
  readonly genesis: Genesis
  node(id: number): Node
  nodes(): readonly Node[]
  start(id: number): void
  startAll(): void
  kill(id: number): void
  cut(a: number, b: number): void
  heal(a: number, b: number): void
  submit(id: number, text: string): number
  run(forMs: number): void
  readonly random: () => number
  now(): number
  /** Why links were closed by members, in order. */
  readonly closedLinks: readonly string[]
  createdEvents(): number
  input(id: number, what: MemberInput): void
  secretKey(id: number): Uint8Array
  /** From now on making events durable takes this long there. */
  slowDisk(id: number, syncMs: number): void
  /** The member must not be started; `receive` gets what others send it. */
  puppet(id: number, receive: (from: number, frame: Uint8Array) => void): Puppet
  /** Takes a snapshot as soon as all that it counts on is durable; the next start goes on from it. */
  snapshot(id: number): void
  /** Runs something later in the world's time. */
  after(delayMs: number, run: () => void): void
}
