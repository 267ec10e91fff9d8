/**
 * Whether everybody says what was found here: each node's hash of the ledger against the one that was derived from the signed
 * events, and each transaction of its log. What a node has not caught up with is not held against it, and neither is what was
 * not derived here yet.
 */
import type { Refusal } from '../model/messages.ts'

/** What a node says of its ledger. */
export interface Claim {
  readonly node: string
  /** By itself, or told of it by another node. */
  readonly by: string
  readonly round: number
  readonly hash: string
}

export interface Logged {
  readonly position: number
  readonly event: string
  readonly index: number
  readonly timestamp: number
}

export interface Lie {
  readonly node: string
  readonly what: string
  /** What it says, and what follows from the signed events. */
  readonly says: string
  readonly derived: string
}

export type Standing = 'agrees' | 'ahead' | 'differs' | 'silent'

export interface Verdict {
  readonly state: 'waiting' | 'agrees' | 'differs' | 'unsigned'
  readonly agreeing: readonly string[]
  readonly lies: readonly Lie[]
}

const short = (hash: string): string => `${hash.slice(0, 8)}…${hash.slice(-4)}`

export function judgeClaim(claim: Claim, hashOf: (round: number) => string | undefined): Standing {
  if (claim.round === 0) return 'ahead'
  const own = hashOf(claim.round)
  if (own === undefined) return 'ahead'
  return own === claim.hash ? 'agrees' : 'differs'
}

export function lieOfClaim(claim: Claim, own: string): Lie {
  const told = claim.by === claim.node ? '' : ` (as ${claim.by} tells)`
  return {
    node: claim.node,
    what: `${claim.node}${told} has another ledger at round ${claim.round}`,
    says: `ledger hash ${short(claim.hash)}`,
    derived: `ledger hash ${short(own)} follows from the signed events`,
  }
}

/** What is wrong with an entry of a node's log; `own` is undefined where nothing is derived yet. */
export function lieOfEntry(node: string, said: Logged, own: Logged | undefined): Lie | undefined {
  if (own === undefined) return undefined
  // Of its own the page keeps the first digits.
  if (said.event.startsWith(own.event) && said.index === own.index && said.timestamp === own.timestamp)
    return undefined
  const words = ({ event, index, timestamp }: Logged): string =>
    `event ${short(event)}.${index} at ${timestamp} µs`
  return {
    node,
    what: `${node} serves another transaction at position ${said.position}`,
    says: words(said),
    derived: words(own),
  }
}

export function lieOfRefusal({ source, reason, creator, sequence, id }: Refusal): Lie {
  const whose = creator === '' ? 'bytes that are no event' : `an event as ${creator}'s number ${sequence}`
  const why =
    reason === 'event-signature'
      ? 'the signature is not by that member'
      : reason === 'event-payload'
        ? 'its transactions are not the ones that were signed'
        : `it is refused: ${reason}`
  return {
    node: source,
    what: `${source} serves a forged event`,
    says: `${whose}${id === '' ? '' : ` (${short(id)})`}`,
    derived: why,
  }
}

export function verdict(
  standings: ReadonlyMap<string, Standing>,
  lies: readonly Lie[],
  isSigned: boolean,
): Verdict {
  const agreeing = [...standings].flatMap(([node, standing]) => (standing === 'agrees' ? [node] : []))
  if (lies.length > 0) return { state: 'differs', agreeing, lies }
  if (!isSigned) return { state: 'unsigned', agreeing, lies }
  const waits = [...standings.values()].some((standing) => standing === 'ahead') || agreeing.length === 0
  return { state: waits && agreeing.length === 0 ? 'waiting' : 'agrees', agreeing, lies }
}
