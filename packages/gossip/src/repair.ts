/**
 * Whom to ask for what is missing: one request brings all that the peer has and we lack, parents first (gossip design,
 * section 0.3). Peers that are due take turns, the one that was not asked for longest first, after those that were asked in vain.
 * There is one request at a time, but who lets us wait longer than `hedgeMs` for a sign of life, or has not ended after
 * `repairTimeoutMs`, does not keep us from asking somebody else as well; and who drips is given up.
 *
 * A repair is a stream: when half of what was asked for has come and something of it was new, as much again is granted, so a long
 * one never waits for a round trip; what was granted bounds what comes, whoever sends it.
 *
 * What a peer says of its frontier is believed only as far as it harms nobody else: a lie makes it get too little, or
 * makes us ask it for what it cannot send, which costs one request with a deadline and then a pause that grows for this
 * member alone, whatever else is linked meanwhile. What it says that it has and does not send when asked for all of it (its
 * events that are ancient here, or a lie) is not asked for again for a while.
 *
 * A frontier says all unless a member has branched. So when a peer has sent all beyond the frontier and parents of events that
 * it brought are still missing, it is asked for these by name: who holds an event holds its ancestors.
 *
 * And a member may have decided a round by branches that no event names which could be linked here: what it makes from then on
 * is of a birth round that is not due here, and by frontiers nothing is missing. So who has been ahead by a round for
 * `aheadMs` is asked for all events, not ancient here, of the members that are known to have branched.
 */
import { bytesKey, type EventKey, type EventReference } from '@hearsay/dag'
import type { CreditFrame, Frontier, WantFrame } from './frames.ts'
import type { GossipTuning, GossipView } from './options.ts'

/** Missing parents that one request names. */
const NAMED_PARENTS = 64

export interface Repairs {
  /** The link's member has greeted. */
  opened(link: number, memberId: number, takesCredit?: boolean): void
  closed(link: number, nowMs: number): void
  heardStatus(link: number, decidedRound: number, frontier: Frontier, nowMs: number): void
  /** The link's member holds this event, as something that it sent says, and it is not here. */
  lacking(link: number, creator: number, sequence: number, nowMs: number): void
  heardEvents(link: number, request: number, bytes: number, nowMs: number): void
  heardEnd(link: number, request: number, complete: boolean, nowMs: number): void
  /** The link brought an event whose parents are missing. */
  orphan(link: number, nowMs: number): void
  tick(nowMs: number): void
  nextTickMs(nowMs: number): number | undefined
}

/** How a member has answered so far; outlives its links. */
interface Standing {
  /** How often in a row it was asked in vain, and before when it is not asked again. */
  vain: number
  notBeforeMs: number
  askedMs: number
}

interface Peer {
  readonly link: number
  readonly memberId: number
  readonly standing: Standing
  readonly takesCredit: boolean
  frontier: Map<number, number> | undefined
  /** As it says; and since when we have stood behind it in a round, or undefined. */
  decidedRound: number
  behind: { readonly round: number; readonly sinceMs: number } | undefined
  /** Since when it has events that we lack, or undefined. */
  lackingSinceMs: number | undefined
  /**
   * Since when parents of events that it brought may be missing, or undefined; and which: when only others are missing by
   * the time that these are due, the others are new, and on their way by themselves.
   */
  orphanSinceMs: number | undefined
  missing: ReadonlySet<EventKey>
  lookedMs: number
  /** The frontier alone has not helped: the missing parents are named as well. */
  names: boolean
  /** By creator what it said that it has and did not send, and until when that counts. */
  excused: Map<number, number>
  excusedUntilMs: number
}

/** The request that is under way. */
interface Repair {
  readonly peer: Peer
  readonly request: number
  readonly versionBefore: number
  readonly startedMs: number
  heardMs: number
  bytes: number
  /** How much it may bring by now, and the view's version when that was last said. */
  granted: number
  versionGranted: number
}

export function createRepairs(
  tuning: GossipTuning,
  view: GossipView,
  random: () => number,
  send: (link: number, want: WantFrame | CreditFrame) => void,
  graceOf: (creator: number) => number = () => tuning.graceMs,
): Repairs {
  const peers = new Map<number, Peer>()
  const standings = new Map<number, Standing>()
  /** Requests under way, by link; all but one of them have been silent for too long. */
  const under = new Map<number, Repair>()
  let nextRequest = 1

  function opened(link: number, memberId: number, takesCredit = false): void {
    const standing = standings.get(memberId) ?? { vain: 0, notBeforeMs: -Infinity, askedMs: -Infinity }
    standings.set(memberId, standing)
    peers.set(link, {
      link,
      memberId,
      standing,
      takesCredit,
      frontier: undefined,
      decidedRound: 0,
      behind: undefined,
      lackingSinceMs: undefined,
      orphanSinceMs: undefined,
      missing: new Set(),
      lookedMs: -Infinity,
      names: false,
      excused: new Map(),
      excusedUntilMs: -Infinity,
    })
  }

  /** Of which creators the peer says that it has more than we have, as far as asking may help. */
  function lackedCreators(peer: Peer, nowMs: number): [creator: number, sequence: number][] {
    const isExcused = nowMs < peer.excusedUntilMs
    return [...(peer.frontier ?? [])].filter(
      ([creator, sequence]) =>
        sequence > view.sequenceOf(creator) && !(isExcused && sequence <= (peer.excused.get(creator) ?? 0)),
    )
  }

  const lacks = (peer: Peer, nowMs: number): boolean => lackedCreators(peer, nowMs).length > 0

  /** When a peer that has decided more than we have is to be asked for branches; Infinity: it has not, or there are none. */
  function aheadDueMs(peer: Peer, nowMs: number): number {
    const round = view.decidedRound()
    if (peer.decidedRound <= round || view.branchedMembers().length === 0) return Infinity
    if (peer.behind?.round !== round) peer.behind = { round, sinceMs: nowMs }
    return peer.behind.sinceMs + tuning.aheadMs
  }

  /** Everything of a member from the oldest round on that is not ancient here: what a name stands for, without an id. */
  const allOf = (creator: number): EventReference => ({
    creator,
    birthRound: view.ancientThreshold(),
    id: new Uint8Array(32),
  })

  /** What a want names: branches for who is ahead, missing parents where the frontier alone has not helped. */
  function namesFor(peer: Peer, nowMs: number): readonly EventReference[] {
    const isAhead = aheadDueMs(peer, nowMs) <= nowMs
    const branched = isAhead ? view.branchedMembers().slice(0, NAMED_PARENTS).map(allOf) : []
    const missing = peer.names ? view.missing(peer.memberId, NAMED_PARENTS - branched.length) : []
    return [...branched, ...missing]
  }

  const missingNow = (peer: Peer): ReadonlySet<EventKey> =>
    new Set(view.missing(peer.memberId, NAMED_PARENTS).map((each) => bytesKey(each.id)))

  function orphan(link: number, nowMs: number): void {
    const peer = peers.get(link)
    if (peer === undefined || peer.orphanSinceMs !== undefined) return
    peer.orphanSinceMs = nowMs
    // To look is work for who is sent many; then it is done when the grace is over, which then begins again.
    peer.missing = nowMs - peer.lookedMs >= tuning.graceMs ? missingNow(peer) : new Set()
    peer.lookedMs = nowMs
  }

  /** Whether a parent that was missing when last looked is still missing. */
  function isStuck(peer: Peer, nowMs: number): boolean {
    const before = peer.missing
    peer.missing = missingNow(peer)
    for (const parent of peer.missing) if (before.has(parent)) return true
    peer.orphanSinceMs = peer.missing.size === 0 ? undefined : nowMs
    peer.names = false
    return false
  }

  function heardStatus(link: number, decidedRound: number, frontier: Frontier, nowMs: number): void {
    const peer = peers.get(link)
    if (peer === undefined) return
    peer.decidedRound = decidedRound
    const isFirst = peer.frontier === undefined
    if (!lacks(peer, nowMs)) peer.lackingSinceMs = undefined
    peer.frontier = new Map(frontier)
    // After a reconnection nothing is on its way by itself: ask at once.
    if (lacks(peer, nowMs)) peer.lackingSinceMs ??= isFirst ? nowMs - tuning.graceMs : nowMs
    tick(nowMs)
  }

  function lacking(link: number, creator: number, sequence: number, nowMs: number): void {
    const peer = peers.get(link)
    if (peer === undefined) return
    peer.frontier ??= new Map()
    if ((peer.frontier.get(creator) ?? 0) < sequence) peer.frontier.set(creator, sequence)
    if (lacks(peer, nowMs)) peer.lackingSinceMs ??= nowMs
  }

  function heardEnd(link: number, request: number, complete: boolean, nowMs: number): void {
    const repair = under.get(link)
    if (repair === undefined || repair.request !== request) return
    const { peer, versionBefore } = repair
    under.delete(link)
    if (complete || view.version() === versionBefore) conclude(peer, complete, nowMs)
    // Otherwise there is more of it: this peer's next turn.
    tick(nowMs)
  }

  function conclude(peer: Peer, complete: boolean, nowMs: number): void {
    const stuck = isStuck(peer, nowMs)
    if (stuck && !peer.names) {
      peer.names = true
      peer.orphanSinceMs ??= nowMs - tuning.graceMs
      return
    }
    if (stuck) pause(peer, nowMs)
    else if (peer.missing.size === 0) settle(peer, complete, nowMs)
    // Until it says something new.
    peer.lackingSinceMs = undefined
  }

  /** Nothing is missing of what it brought: what it still has more of by its own word, it does not send. */
  function settle(peer: Peer, complete: boolean, nowMs: number): void {
    const lacked = lackedCreators(peer, nowMs)
    if (lacked.length === 0 && aheadDueMs(peer, nowMs) > nowMs) {
      peer.standing.vain = 0
      return
    }
    pause(peer, nowMs)
    if (!complete) return
    if (nowMs >= peer.excusedUntilMs) {
      peer.excused = new Map()
      peer.excusedUntilMs = nowMs + tuning.excuseMs
    }
    for (const [creator, sequence] of lacked) peer.excused.set(creator, sequence)
  }

  /** Nothing came of asking this peer: it waits before it is asked again, and others are asked. */
  function pause({ standing }: Peer, nowMs: number): void {
    standing.vain += 1
    const pauseMs = Math.min(tuning.pauseMaxMs, tuning.graceMs * 2 ** Math.min(standing.vain, 16))
    standing.notBeforeMs = nowMs + Math.max(pauseMs, nowMs - standing.askedMs)
  }

  function ask(peer: Peer, nowMs: number): void {
    const request = nextRequest++
    peer.standing.askedMs = nowMs
    peer.missing = missingNow(peer)
    under.set(peer.link, {
      peer,
      request,
      versionBefore: view.version(),
      startedMs: nowMs,
      heardMs: nowMs,
      bytes: 0,
      granted: tuning.repairBytes,
      versionGranted: view.version(),
    })
    send(peer.link, {
      kind: 'want',
      request,
      frontier: view.frontier(),
      missing: namesFor(peer, nowMs),
      maxBytes: tuning.repairBytes,
      ancientThreshold: view.ancientThreshold(),
    })
  }

  function heardEvents(link: number, request: number, bytes: number, nowMs: number): void {
    const repair = under.get(link)
    if (repair?.request !== request) return
    repair.heardMs = nowMs
    repair.bytes += bytes
    const half = tuning.repairBytes / 2
    if (!repair.peer.takesCredit || repair.granted - repair.bytes > half) return
    // What brings nothing new ends, and nobody keeps its turn for ever.
    const isNew = view.version() !== repair.versionGranted
    if (!isNew || nowMs - repair.startedMs >= tuning.repairMaxMs / 2) return
    repair.granted += half
    repair.versionGranted = view.version()
    send(link, { kind: 'credit', request, bytes: half })
  }

  /** From when on this peer is to be asked; undefined if there is nothing to ask it for. */
  function dueMs(peer: Peer, nowMs: number): number | undefined {
    const { orphanSinceMs, standing } = peer
    const dueSinceMs = Math.min(
      lackingDueMs(peer, nowMs),
      (orphanSinceMs ?? Infinity) + tuning.graceMs,
      aheadDueMs(peer, nowMs),
    )
    return dueSinceMs === Infinity ? undefined : Math.max(dueSinceMs, standing.notBeforeMs)
  }

  /** What is on its way by itself from a far creator is waited for longer. */
  function lackingDueMs(peer: Peer, nowMs: number): number {
    if (peer.lackingSinceMs === undefined) return Infinity
    let longest = 0
    for (const [creator] of lackedCreators(peer, nowMs)) longest = Math.max(longest, graceOf(creator))
    return peer.lackingSinceMs + longest
  }

  /** Whether what the peer was due for is still missing. */
  function isStillDue(peer: Peer, nowMs: number): boolean {
    if (peer.lackingSinceMs !== undefined && !lacks(peer, nowMs)) peer.lackingSinceMs = undefined
    const sinceMs = peer.orphanSinceMs
    const isOrphanDue = sinceMs !== undefined && nowMs - sinceMs >= tuning.graceMs && isStuck(peer, nowMs)
    return isOrphanDue || lackingDueMs(peer, nowMs) <= nowMs || aheadDueMs(peer, nowMs) <= nowMs
  }

  /** Of the peers that are due the one asked in vain least often in a row, then not for longest; a random one of equals. */
  function choose(nowMs: number): Peer | undefined {
    let candidates: Peer[] = []
    for (const peer of peers.values()) {
      if (under.has(peer.link) || (dueMs(peer, nowMs) ?? Infinity) > nowMs || !isStillDue(peer, nowMs))
        continue
      const best = candidates[0]?.standing
      const order =
        best === undefined ? -1 : peer.standing.vain - best.vain || peer.standing.askedMs - best.askedMs
      if (order < 0) candidates = [peer]
      else if (order === 0) candidates.push(peer)
    }
    return candidates[Math.floor(random() * candidates.length)]
  }

  /** Who drips is given up as well: after a second it must have brought some kilobytes for each. */
  function endsMs({ heardMs, startedMs, bytes }: Repair): number {
    const earnedMs = (bytes / tuning.repairLeastPerSecond) * 1_000
    return Math.min(
      heardMs + tuning.repairTimeoutMs,
      startedMs + tuning.repairTimeoutMs + earnedMs,
      startedMs + tuning.repairMaxMs,
    )
  }

  /** When whoever is asked has been silent, or has dripped, for too long to be the only one; never if enough are asked. */
  function hedgedMs(): number {
    if (under.size >= tuning.repairsMost) return Infinity
    let at = -Infinity
    for (const { heardMs, startedMs } of under.values())
      at = Math.max(at, Math.min(heardMs + tuning.hedgeMs, startedMs + tuning.repairTimeoutMs))
    return at
  }

  function tick(nowMs: number): void {
    for (const repair of under.values()) {
      if (nowMs < endsMs(repair)) continue
      pause(repair.peer, nowMs)
      under.delete(repair.peer.link)
    }
    if (hedgedMs() > nowMs) return
    const peer = choose(nowMs)
    if (peer !== undefined) ask(peer, nowMs)
  }

  function nextTickMs(nowMs: number): number | undefined {
    let due = Infinity
    for (const peer of peers.values()) {
      if (!under.has(peer.link)) due = Math.min(due, dueMs(peer, nowMs) ?? Infinity)
    }
    let next = Math.max(due, hedgedMs())
    for (const repair of under.values()) next = Math.min(next, endsMs(repair))
    return next === Infinity ? undefined : next
  }

  return {
    opened,
    closed: (link, nowMs) => {
      peers.delete(link)
      const repair = under.get(link)
      if (repair === undefined) return
      under.delete(link)
      pause(repair.peer, nowMs)
    },
    heardStatus,
    lacking,
    heardEvents,
    heardEnd,
    orphan,
    tick,
    nextTickMs,
  }
}
