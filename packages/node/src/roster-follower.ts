/**
 * Holds the roster of the ordered log (consensus: membership.ts) beside the graph: finds roster transactions in decided rounds, and says
 * whose events are valid. An event counts by the roster of its birth round: its creator must be in it, and have signed with the key
 * that it has there. An event is linked when the round before its birth round is decided, so that roster is known to all alike by then; one that
 * came earlier was checked by what was known then, and is checked again if its creator has changed since.
 */
import { createMembership, type Membership } from '@hearsay/consensus'
import {
  FUTURE_HORIZON_ROUNDS,
  isRosterTransaction,
  payloadOf,
  readUint32,
  verifyEvent,
  type CryptoSuite,
  type Genesis,
  type NumberedRoster,
  type VerifiedEvent,
} from '@hearsay/dag'

const LENGTH_BYTES = 4

export interface RosterFollowerParts {
  readonly genesis: Genesis
  readonly networkId: Uint8Array
  readonly suite: CryptoSuite
  readonly state?: Uint8Array
}

export interface RosterFollower {
  readonly membership: Membership
  /** Those that rule the round after the snapshot and later ones. */
  readonly rosters: readonly NumberedRoster[]
  /** Ids of all that were ever added to the genesis, ascending. */
  readonly added: readonly number[]
  /** The next round is decided, with these events in their order: the roster that was agreed in it, if one was. */
  decided(round: number, events: readonly VerifiedEvent[]): NumberedRoster | undefined
  /** Of an event that may be linked otherwise. */
  admits(event: VerifiedEvent): boolean
}

/** The key with which a member signs events of a birth round, as far as is known. */
export function keyAt(membership: Membership, memberId: number, birthRound: number): Uint8Array | undefined {
  return membership.rosterOf(birthRound).members.find(({ id }) => id === memberId)?.publicKey
}

export function createRosterFollower(parts: RosterFollowerParts, snapshotRound = 0): RosterFollower {
  const { genesis, networkId, suite, state } = parts
  const membership = createMembership({ genesis, networkId, sha256: suite.sha256, verifier: suite, state })
  const steps = membership.steps()
  const ruling = membership.rosterOf(snapshotRound + 1)
  const later = steps.flatMap(({ roster }) => (roster.number > ruling.number ? [roster] : []))
  const nextId = genesis.members.at(-1)!.id + 1
  const added = steps.flatMap(({ member: { id } }) => (id >= nextId ? [id] : []))
  /** Member → first rounds of the rosters that changed it. */
  const changed = new Map<number, number[]>()
  for (const { member, roster } of steps) noteChange(member.id, roster.fromRound)

  function noteChange(memberId: number, fromRound: number): void {
    const rounds = changed.get(memberId) ?? []
    changed.set(memberId, rounds)
    rounds.push(fromRound)
  }

  function decided(round: number, events: readonly VerifiedEvent[]): NumberedRoster | undefined {
    const before = membership.latest().number
    for (const event of events) {
      const payload = payloadOf(event)
      for (let at = 0; at < payload.length;) {
        const start = at + LENGTH_BYTES
        at = start + readUint32(payload, at)
        const bytes = payload.subarray(start, at)
        if (isRosterTransaction(bytes)) membership.apply(round, event.creator, bytes)
      }
    }
    const roster = membership.latest()
    if (roster.number === before) return undefined
    noteChange(membership.steps().at(-1)!.member.id, roster.fromRound)
    return roster
  }

  /** No event that was here before the change was agreed is born later than this after it. */
  const mayBeOlder = ({ creator, birthRound }: VerifiedEvent): boolean =>
    changed
      .get(creator)
      ?.some((from) => from <= birthRound && birthRound <= from + FUTURE_HORIZON_ROUNDS + 1) === true

  return {
    membership,
    rosters: [ruling, ...later],
    added: [...new Set(added)].sort((a, b) => a - b),
    decided,
    admits: (event) => {
      const key = keyAt(membership, event.creator, event.birthRound)
      if (key === undefined) return false
      return !mayBeOlder(event) || verifyEvent(event, () => key, suite).ok
    },
  }
}
