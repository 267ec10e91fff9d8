/**
 * Events of others as they come in: known ones, ancient ones and those that do not hold are told apart at the least cost
 * (reliability: M6, M7), of what one member makes too much of no more is taken for now (M2, M11), the rest goes to the orderer and on to whoever gets it from here. What is not valid by itself is the
 * fault of who sent it, for nobody honest passes it on; but an event that was put back together here may have been put
 * together wrongly, and is asked for in full.
 */
import {
  decodeEvent,
  peekEvent,
  verifyEvent,
  type CryptoSuite,
  type DecodedEvent,
  type Member as RosterMember,
} from '@hearsay/dag'
import type { Gossip, GossipEffect } from '@hearsay/gossip'
import { createBranchGuard } from './branch-guard.ts'
import type { Moment } from './member-types.ts'
import type { Orderer } from './orderer.ts'
import { createPaceGuard } from './pace-guard.ts'

export type EventsEffect = Extract<GossipEffect, { kind: 'events' }>

export interface IntakeParts {
  readonly memberId: number
  readonly roundsNonAncient: number
  readonly members: readonly RosterMember[]
  readonly networkId: Uint8Array
  readonly suite: CryptoSuite
  readonly gossip: Pick<Gossip, 'took' | 'unrestorable' | 'orphan' | 'closed'>
  readonly orderer: Orderer
  readonly count: (reason: string) => void
  readonly close: (link: number) => void
  /** Whether an own event that was not made here is taken in. */
  readonly adopts: (event: DecodedEvent, from: number) => boolean
}

/** Takes the events of one frame in. */
export function createIntake(parts: IntakeParts): (effect: EventsEffect, now: Moment) => void {
  const { networkId, suite, gossip, orderer, count } = parts
  const { graph } = orderer
  const guard = createBranchGuard(graph, orderer.ancientThreshold, parts.roundsNonAncient)
  const pace = createPaceGuard(
    orderer.openEvents,
    graph.sequenceOf,
    orderer.ancientThreshold,
    parts.roundsNonAncient,
  )
  const keys = new Map(parts.members.map((member) => [member.id, member.publicKey]))

  /** Whether to go on with the frame. */
  function refuse({ link, restored }: EventsEffect, bytes: Uint8Array, reason: string, now: Moment): boolean {
    if (restored) {
      count('event-unrestorable')
      gossip.unrestorable(link, peekEvent(bytes).sequence, now.monotonicMs)
      return true
    }
    count(reason)
    parts.close(link)
    count('link-invalid-event')
    gossip.closed(link, now.monotonicMs)
    return false
  }

  function takeIn(effect: EventsEffect, bytes: Uint8Array, now: Moment): boolean {
    const { link, memberId: from, request, restored } = effect
    // A copy: the view would keep the whole frame alive.
    const decoded = decodeEvent(restored ? bytes : bytes.slice(), networkId, suite.sha256)
    if (!decoded.ok) return refuse(effect, bytes, decoded.reason, now)
    const { event } = decoded
    const took = (isNew: boolean): void =>
      gossip.took(link, event.creator, event.bytes, { request, isNew }, now.monotonicMs)
    if (graph.has(event.key)) {
      count('event-duplicate')
      took(false)
      if (graph.offerAgain(event.key, from)) gossip.orphan(link, now.monotonicMs)
      return true
    }
    if (event.birthRound < orderer.ancientThreshold()) {
      count('event-ancient')
      return true
    }
    if (!guard.admits(event, request)) {
      count('event-further-branch')
      return true
    }
    // What its creator has branched with is the branch guard's affair.
    const isPaced = event.creator !== parts.memberId && graph.at(event.creator, event.sequence) === undefined
    if (isPaced && !pace.mayCome(event.creator, request, now.monotonicMs)) {
      count('event-too-many')
      return true
    }
    const checked = verifyEvent(event, (id) => keys.get(id), suite, restored)
    if (!checked.ok) return refuse(effect, bytes, checked.reason, now)
    const isOwn = event.creator === parts.memberId
    if (isOwn && !parts.adopts(event, from)) return false
    if (!isOwn && !pace.mayWait(event.creator, event.sequence) && graph.lacksParents(checked.event)) {
      count('event-too-many')
      return true
    }
    guard.take(event)
    if (isPaced) pace.take(event.creator, request, now.monotonicMs)
    const result = orderer.offer(checked.event, from)
    // A mismatch is the creator's lie, not the sender's: a member for whom the parent is ancient already holds the event in good
    // faith, and so will this one, once the parent is ancient here.
    if (result !== 'ready' && result !== 'waiting') {
      count(`event-${result}`)
      return true
    }
    if (result === 'waiting') gossip.orphan(link, now.monotonicMs)
    took(true)
    return true
  }

  return (effect, now) => {
    for (const bytes of effect.events) if (!takeIn(effect, bytes, now)) return
  }
}
