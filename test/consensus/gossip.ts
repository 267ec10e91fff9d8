/** Seeded random gossip for engine tests: members, several of whom may keep many branches and show them to different others. */
import type { EngineEvent } from '@hearsay/consensus'

/** mulberry32: the seed is all there is to know about a failure. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

export interface GossipOptions {
  readonly seed: number
  readonly members: number
  readonly otherParents: number
  /** How many members branch (those with the lowest ids), and how many branches each may keep. */
  readonly branchers: number
  readonly branches: number
  /** How much less often the last member makes events than the others: 1 = as often. */
  readonly laziness?: number
}

/** Makes events whose handles are 0, 1, 2 …: no engine may refuse one as ancient. */
export function createGossip(options: GossipOptions): (count: number, birthRound: number) => EngineEvent[] {
  const { members, otherParents, branchers, branches, laziness = 1 } = options
  const random = seeded(options.seed)
  const pick = (below: number): number => Math.floor(random() * below)
  const tips: number[][] = Array.from({ length: members }, () => [])
  const before: number[][] = Array.from({ length: members }, () => [])
  let handle = 0
  let time = 1_700_000_000_000_000
  function one(birthRound: number): EngineEvent {
    let creator = pick(members)
    if (creator === members - 1 && random() * laziness > 1) creator = pick(members - 1)
    const own = tips[creator]!
    const branch = creator < branchers && own.length > 0 ? pick(own.length) : 0
    let selfParent = own[branch] ?? -1
    const others: number[] = []
    for (let tries = 0; tries < otherParents; tries++) {
      const other = (creator + 1 + pick(members - 1)) % members
      const tip = tips[other]![creator % Math.max(1, tips[other]!.length)]
      if (tip !== undefined && !others.some((parent) => creatorOf[parent] === other)) others.push(tip)
    }
    const id = Uint8Array.from({ length: 32 }, () => pick(256))
    time += pick(3) === 0 ? 1 : pick(50) + 1
    if (creator < branchers && own.length > 0 && pick(6) === 0) {
      selfParent = before[creator]![branch]!
      const place = own.length < branches ? own.length : pick(branches)
      own[place] = handle
      before[creator]![place] = selfParent
    } else {
      own[branch] = handle
      before[creator]![branch] = selfParent
    }
    creatorOf.push(creator)
    handle += 1
    const coin = pick(2) === 1 ? 1 : 0
    return {
      id,
      creator,
      selfParent,
      otherParents: others,
      birthRound,
      timestamp: time,
      coin,
      transactionCount: pick(4),
    }
  }
  const creatorOf: number[] = []
  return (count, birthRound) => Array.from({ length: count }, () => one(birthRound))
}
