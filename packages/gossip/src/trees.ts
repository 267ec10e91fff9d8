/**
 * Who gets whose events through whom. The rule is that a member gets each other's events from the other itself, and then this
 * file does nothing. Where that link is missing, or its events come by repairs all the time, the receiver picks one peer that
 * has them and says GRAFT: from then on the peer passes this creator's events on as soon as it has verified them. One
 * upstream a creator, so one copy; one Plumtree (Leitão et al. 2007) a creator, steered by the receiver (gossip design 2.2).
 *
 * Which peer has them needs no announcements: whoever sends an event holds its ancestors, and who sends one first whose
 * parent is not here has a shorter way to that parent's creator. A choice is kept for a while, unless its link closes.
 */
import { MAX_FRONTIER, type Frame } from './frames.ts'

/** In memory when somebody says GRAFT: what it lacks of them is sent, at most so many. */
const MAX_GRAFTED_EVENTS = 64
/** Repairs in a row that bring a creator's events before another way is looked for. */
const REPAIRS_BEFORE_GRAFT = 2
/** GRAFTs said in one second, over all creators: a flapping network must not become a storm of them. */
const GRAFTS_PER_SECOND = 128

export interface TreeTuning {
  /** How long a choice is kept though it seems bad. */
  readonly graftKeepMs: number
}

export interface Trees {
  /** The link's member has greeted: its own events come from itself now. */
  opened(link: number, memberId: number): void
  closed(link: number): void
  /** The link's member holds this creator's event, and it is not here. */
  lacking(link: number, creator: number, nowMs: number): void
  /** An event has come: by this repair, or by none (0), and it was new or not. */
  arrived(link: number, creator: number, repair: number, isNew: boolean, nowMs: number): void
  graft(link: number, creator: number, sequence: number): void
  prune(link: number, creator: number): void
  /** A new event is to be passed on to whoever gets this creator's events from here. */
  relay(creator: number, event: Uint8Array, fromMember: number): void
  /** Of each creator that is not heard directly: through which member. */
  upstreams(): ReadonlyMap<number, number>
}

interface Link {
  readonly link: number
  readonly memberId: number
  /** Whose events it gets from here. */
  readonly creators: Set<number>
}

interface Upstream {
  readonly link: number
  readonly memberId: number
  readonly sinceMs: number
}

export interface TreeParts {
  readonly self: number
  readonly tuning: TreeTuning
  readonly isMember: (creator: number) => boolean
  readonly sequenceOf: (creator: number) => number
  readonly eventsFrom: (creator: number, sequence: number, limit: number) => readonly Uint8Array[]
  readonly send: (link: number, frame: Frame) => void
}

export function createTrees(parts: TreeParts): Trees {
  const { self, tuning, send } = parts
  const links = new Map<number, Link>()
  const directs = new Map<number, number>()
  const upstreams = new Map<number, Upstream>()
  /** By creator: repairs in a row that brought something new of it, however much, and the last of them. */
  const repairs = new Map<number, { readonly count: number; readonly last: number }>()
  let grafts = 0
  let graftsSinceMs = -Infinity

  function mayGraft(nowMs: number): boolean {
    if (nowMs - graftsSinceMs >= 1_000) {
      graftsSinceMs = nowMs
      grafts = 0
    }
    grafts += 1
    return grafts <= GRAFTS_PER_SECOND
  }

  function choose(link: Link, creator: number, nowMs: number): void {
    const older = upstreams.get(creator)
    if (older?.link === link.link || !mayGraft(nowMs)) return
    if (older !== undefined) send(older.link, { kind: 'prune', creator })
    upstreams.set(creator, { link: link.link, memberId: link.memberId, sinceMs: nowMs })
    repairs.delete(creator)
    send(link.link, { kind: 'graft', creator, sequence: parts.sequenceOf(creator) + 1 })
  }

  const isOpen = (id: number, creator: number): Link | undefined => {
    const link = links.get(id)
    const isOthers = creator !== self && creator !== link?.memberId && parts.isMember(creator)
    return isOthers ? link : undefined
  }

  function lacking(id: number, creator: number, nowMs: number): void {
    const link = isOpen(id, creator)
    if (link === undefined || directs.has(creator) || upstreams.has(creator)) return
    choose(link, creator, nowMs)
  }

  function arrived(id: number, creator: number, repair: number, isNew: boolean, nowMs: number): void {
    const link = links.get(id)
    if (link === undefined) return
    if (isNew && repair === 0) return void repairs.delete(creator)
    if (!isNew) {
      // Twice the same: directly and through the tree. The direct way stays.
      const upstream = upstreams.get(creator)
      if (upstream === undefined || !directs.has(creator) || nowMs - upstream.sinceMs < tuning.graftKeepMs)
        return
      upstreams.delete(creator)
      return send(upstream.link, { kind: 'prune', creator })
    }
    const upstream = upstreams.get(creator)
    const before = repairs.get(creator)
    const count = (before?.count ?? 0) + (before?.last === repair ? 0 : 1)
    repairs.set(creator, { count, last: repair })
    if (count < REPAIRS_BEFORE_GRAFT || isOpen(id, creator) === undefined) return
    if (upstream === undefined || nowMs - upstream.sinceMs >= tuning.graftKeepMs) choose(link, creator, nowMs)
  }

  function drop(creator: number): void {
    const upstream = upstreams.get(creator)
    if (upstream === undefined) return
    upstreams.delete(creator)
    if (links.has(upstream.link)) send(upstream.link, { kind: 'prune', creator })
  }

  return {
    opened: (link, memberId) => {
      links.set(link, { link, memberId, creators: new Set() })
      directs.set(memberId, link)
      repairs.delete(memberId)
      drop(memberId)
    },
    closed: (id) => {
      const link = links.get(id)
      links.delete(id)
      if (link === undefined) return
      if (directs.get(link.memberId) === id) directs.delete(link.memberId)
      for (const [creator, upstream] of upstreams) if (upstream.link === id) upstreams.delete(creator)
    },
    lacking,
    arrived,
    graft: (id, creator, sequence) => {
      const link = isOpen(id, creator)
      if (link === undefined || link.creators.size >= MAX_FRONTIER) return
      link.creators.add(creator)
      for (const event of parts.eventsFrom(creator, sequence, MAX_GRAFTED_EVENTS))
        send(id, { kind: 'events', request: 0, events: [event] })
    },
    prune: (id, creator) => void links.get(id)?.creators.delete(creator),
    relay: (creator, event, fromMember) => {
      for (const link of links.values()) {
        if (link.memberId === fromMember || !link.creators.has(creator)) continue
        send(link.link, { kind: 'events', request: 0, events: [event] })
      }
    },
    upstreams: () => new Map([...upstreams].map(([creator, { memberId }]) => [creator, memberId])),
  }
}
