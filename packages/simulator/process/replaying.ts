/**
 * I4 and I12, when a world has ended: all its events, put into engines of their own in other orders, must give the order that the
 * members came to; and an engine that begins with a snapshot must go on to the same.
 */
import { decodeEvent, toHex, trustVerified, type EventKey } from '@hearsay/dag'
import type { Block } from '@hearsay/consensus'
import { createOrderer } from '@hearsay/node'
import type { KnownEvent } from '../src/checks.ts'
import type { Random } from '../src/random.ts'
import type { World } from './world.ts'

/** A random order in which parents come first. */
function shuffledTopologically(events: readonly KnownEvent[], random: Random): KnownEvent[] {
  const known = new Map(events.map((event) => [event.key, event]))
  const waitsFor = new Map<EventKey, number>()
  const children = new Map<EventKey, KnownEvent[]>()
  const ready: KnownEvent[] = []
  for (const event of events) {
    const parents = event.parents.filter(({ key }) => known.has(key))
    waitsFor.set(event.key, parents.length)
    if (parents.length === 0) ready.push(event)
    for (const { key } of parents) {
      const list = children.get(key)
      if (list === undefined) children.set(key, [event])
      else list.push(event)
    }
  }
  const order: KnownEvent[] = []
  // Mostly near the front, so that the orders differ without anybody being ancient before it comes.
  while (ready.length > 0) {
    const [event] = ready.splice(random.integer(0, Math.min(ready.length - 1, 12)), 1) as [KnownEvent]
    order.push(event)
    for (const child of children.get(event.key) ?? []) {
      const left = waitsFor.get(child.key)! - 1
      waitsFor.set(child.key, left)
      if (left === 0) ready.push(child)
    }
  }
  return order
}

export function replayOrders(world: World): void {
  const { checks, genesis, networkId, suite } = world
  const random = world.random.stream('replay')
  // What no honest member has linked is not part of it.
  const events = shuffledTopologically(checks.events(), random)
  const blocks: Block[] = []
  const orderer = createOrderer({
    genesis,
    networkId,
    sha256: suite.sha256,
    onLinked: () => undefined,
    onBlock: (block) => void blocks.push(block),
  })
  for (const { bytes } of events) {
    const decoded = decodeEvent(bytes, networkId, suite.sha256)
    if (decoded.ok) orderer.offer(trustVerified(decoded.event), 0)
  }
  for (const block of blocks) {
    const hash = toHex(block.hash)
    const expected = checks.hashAt(block.round)
    if (expected !== undefined && expected !== hash)
      return checks.report(
        'I4',
        `in another order of arrival round ${block.round} is ${hash}, not ${expected}`,
      )
  }
  if (blocks.length < checks.rounds())
    checks.report(
      'I4',
      `in another order of arrival ${blocks.length} of ${checks.rounds()} rounds are decided`,
    )
}
