/**
 * Members that follow the roster, without links and clocks: in each turn everybody who may makes an event over what it has, and all
 * events come to all others some turns later, as the seed says. What a member endorses it endorses by itself.
 */
import type { Block } from '@hearsay/consensus'
import {
  approvalStatement,
  changeHash,
  createEvent,
  encodeRosterTransaction,
  equalBytes,
  handoverStatement,
  keyStatement,
  networkIdOf,
  verifyEvent,
  type EventReference,
  type Genesis,
  type Member,
  type MemberChange,
  type RosterTransaction,
  type VerifiedEvent,
} from '@hearsay/dag'
import { createOrderer, keyAt, type Orderer, type OrdererSnapshot } from '@hearsay/node'
import { genesisOf, refer, seedOf, suite } from '../dag/making.ts'
import { createRandom } from '../dag/random.ts'

export interface Party {
  readonly id: number
  orderer: Orderer
  /** All that were linked here, in that order. */
  readonly linked: VerifiedEvent[]
  readonly blocks: Block[]
  /** Events in the order of the log. */
  readonly ordered: VerifiedEvent[]
  tip: VerifiedEvent | undefined
  /** Its secrets: it signs with the one whose key the roster of the round has. */
  readonly secrets: Uint8Array[]
  /** Goes into its next event. */
  readonly wishes: Uint8Array[]
  readonly endorsed: Set<number>
  readonly inbox: { readonly at: number; readonly event: VerifiedEvent }[]
}

export interface Lockstep {
  readonly genesis: Genesis
  readonly networkId: Uint8Array
  readonly parties: Party[]
  /** An event was not taken: its key is not that of the roster of its birth round. */
  readonly refused: VerifiedEvent[]
  turns(count: number): void
  /** Begins with the genesis and all events, as somebody who has just come does. */
  join(id: number): Party
  /** From the first party's snapshot, with the events that are not ancient there. */
  restart(party: Party): void
  change(member: Partial<Member> & { readonly id: number }, secret?: Uint8Array): MemberChange
  /** These approve, each in its next event. */
  approve(change: MemberChange, by: readonly number[]): void
  /** With what it signs in a round. */
  secretAt(party: Party, round: number): Uint8Array
  /** The event of a party that it would make now, signed with this key. */
  make(party: Party, secret: Uint8Array): VerifiedEvent
}

export function createLockstep(members: number, roundsNonAncient: number, seed: number): Lockstep {
  const random = createRandom(seed)
  const genesis: Genesis = { ...genesisOf(members), roundsNonAncient }
  const networkId = networkIdOf(genesis, suite.sha256)
  const parties: Party[] = []
  const refused: VerifiedEvent[] = []
  let turn = 0

  function ordererOf(party: Party, snapshot?: OrdererSnapshot, state?: Uint8Array): Orderer {
    return createOrderer({
      genesis,
      networkId,
      sha256: suite.sha256,
      snapshot,
      roster: { suite, ...(state === undefined ? {} : { state }), onAgreed: () => undefined },
      onLinked: ({ event }) => void party.linked.push(event),
      onBlock: (block, events) => {
        party.blocks.push(block)
        party.ordered.push(...events)
      },
    })
  }

  function addParty(id: number): Party {
    const party: Party = {
      id,
      orderer: undefined as unknown as Orderer,
      linked: [],
      blocks: [],
      ordered: [],
      tip: undefined,
      secrets: [seedOf(id)],
      wishes: [],
      endorsed: new Set(),
      inbox: [],
    }
    party.orderer = ordererOf(party)
    parties.push(party)
    return party
  }
  for (let id = 1; id <= members; id++) addParty(id)

  function take(party: Party, event: VerifiedEvent): void {
    const { membership } = party.orderer
    const checked = verifyEvent(event, (id) => keyAt(membership!, id, event.birthRound), suite)
    if (checked.ok) party.orderer.offer(checked.event, event.creator)
    else refused.push(event)
  }

  function secretAt({ secrets, orderer, id }: Party, round: number): Uint8Array {
    const key = keyAt(orderer.membership!, id, round)
    return (
      secrets.find((secret) => key !== undefined && equalBytes(suite.publicKey(secret), key)) ?? secrets[0]!
    )
  }

  /** The newest of each other member that the own last event does not see. */
  function parentsOf({ orderer: { graph }, tip, id }: Party): EventReference[] {
    const own = tip === undefined ? undefined : graph.get(tip.key)
    return graph.frontier().flatMap(({ creator }, slot) => {
      const other = graph.tip(creator)
      if (creator === id || other === undefined || graph.get(other.event.key) === undefined) return []
      return (own?.seen[slot] ?? 0) >= other.event.sequence ? [] : [refer(other.event)]
    })
  }

  function make(party: Party, secret: Uint8Array): VerifiedEvent {
    const { tip, id, orderer } = party
    return createEvent(
      {
        creator: id,
        sequence: (tip?.sequence ?? 0) + 1,
        birthRound: orderer.decidedRound() + 1,
        timestamp: Math.max(1_000_000 + 1_000 * turn + id, (tip?.timestamp ?? 0) + 1),
        salt: random.bytes(16),
        selfParent: tip === undefined ? undefined : refer(tip),
        otherParents: parentsOf(party),
        transactions: party.wishes.splice(0),
      },
      networkId,
      secret,
      suite,
    )
  }

  function endorse(party: Party): void {
    const { membership } = party.orderer
    const step = membership!.steps().at(-1)
    if (step === undefined || step.isHandedOver || party.endorsed.has(step.roster.number)) return
    const { number, hash } = step.roster
    const before = membership!.rosterOf(step.roster.fromRound - 1)
    if (!before.members.some(({ id }) => id === party.id)) return
    party.endorsed.add(number)
    const signature = suite.sign(
      secretAt(party, step.roster.fromRound - 1),
      handoverStatement(networkId, hash),
    )
    party.wishes.push(encodeRosterTransaction({ kind: 'endorse', number, memberId: party.id, signature }))
  }

  function oneTurn(): void {
    turn += 1
    for (const party of parties) {
      const due = party.inbox.filter(({ at }) => at <= turn)
      const later = party.inbox.filter(({ at }) => at > turn)
      party.inbox.splice(0, Infinity, ...later)
      // In any order: who lacks a parent waits.
      while (due.length > 0) take(party, due.splice(random.below(due.length), 1)[0]!.event)
      endorse(party)
      const { orderer, id } = party
      const birthRound = orderer.decidedRound() + 1
      const isMember = keyAt(orderer.membership!, id, birthRound) !== undefined
      if (!isMember || orderer.isWaiting() || random.below(6) === 0) continue
      const event = make(party, secretAt(party, birthRound))
      party.tip = event
      orderer.offer(event, id)
      for (const other of parties)
        if (other !== party) other.inbox.push({ at: turn + 1 + random.below(3), event })
    }
  }

  /** All events that anybody has, each its maker at least. */
  const everything = (): VerifiedEvent[] => [
    ...new Map(parties.flatMap(({ linked }) => linked).map((event) => [event.key, event])).values(),
  ]

  const sign = (party: Party, statement: Uint8Array): Uint8Array =>
    suite.sign(secretAt(party, party.orderer.decidedRound() + 1), statement)

  return {
    genesis,
    networkId,
    parties,
    refused,
    make,
    secretAt,
    turns: (count) => {
      for (let i = 0; i < count; i++) oneTurn()
    },
    join: (id) => {
      const events = everything()
      const party = addParty(id)
      for (const event of events) take(party, event)
      return party
    },
    restart: (party) => {
      const { orderer } = parties[0]!
      const snapshot = orderer.snapshot()
      const threshold = orderer.ancientThreshold()
      const events = everything().filter(({ birthRound }) => birthRound >= threshold)
      party.blocks.length = 0
      party.ordered.length = 0
      party.orderer = ordererOf(party, snapshot, orderer.membership!.encode())
      for (const event of events) take(party, event)
    },
    change: (wanted, secret) => {
      const { membership } = parties[0]!.orderer
      const old = membership!.latest().members.find(({ id }) => id === wanted.id)
      const publicKey = secret === undefined ? old!.publicKey : suite.publicKey(secret)
      const name = old?.name ?? `m${wanted.id}`
      const member: Member = { name, weight: old?.weight ?? 1, publicKey, ...wanted }
      const keyProof =
        secret === undefined ? new Uint8Array(0) : suite.sign(secret, keyStatement(networkId, member))
      return { base: membership!.latest().hash, member, keyProof }
    },
    approve: (change, by) => {
      for (const party of parties.filter(({ id }) => by.includes(id))) {
        const signature = sign(party, approvalStatement(networkId, changeHash(change, suite.sha256)))
        const approval: RosterTransaction = { kind: 'approve', change, memberId: party.id, signature }
        party.wishes.push(encodeRosterTransaction(approval))
      }
    },
  }
}
