/** What members of a world have ordered, read back from their records. */
import {
  decodeEvent,
  networkIdOf,
  payloadOf,
  peekEvent,
  toHex,
  transactionsOf,
  type Genesis,
} from '@hearsay/dag'
import { RECORD_EVENT } from '@hearsay/node'
import { suite, type World } from './world.ts'

/** Texts of all ordered transactions of a member, in order, read back from its records. */
export function orderedTexts(world: World, id: number): string[] {
  const node = world.node(id)
  const payloads = new Map<string, string[]>()
  for (const { kind, bytes } of node.records) {
    if (kind !== RECORD_EVENT) continue
    const decoded = decodeForTest(bytes, world.genesis)
    payloads.set(decoded.id, decoded.texts)
  }
  return node.blocks.flatMap((block) =>
    block.entries.flatMap((entry) => payloads.get(toHex(entry.id)) ?? ['?']),
  )
}

function decodeForTest(bytes: Uint8Array, genesis: Genesis): { id: string; texts: string[] } {
  const decoded = decodeEvent(bytes, networkIdOf(genesis, suite.sha256), suite.sha256)
  if (!decoded.ok) throw new Error(decoded.reason)
  const texts = transactionsOf(payloadOf(decoded.event)).map((each) => new TextDecoder().decode(each))
  return { id: toHex(decoded.event.id), texts }
}

/** Counts own events that share a self-parent over all members' records: must be none. */
export function selfBranches(world: World): number {
  const seen = new Map<string, string>()
  let branches = 0
  for (const node of world.nodes()) {
    for (const { kind, bytes } of node.records) {
      if (kind !== RECORD_EVENT) continue
      const { creator, sequence } = peekEvent(bytes)
      const { id } = decodeForTest(bytes, world.genesis)
      const key = `${creator}/${sequence}`
      const other = seen.get(key)
      if (other !== undefined && other !== id) branches += 1
      seen.set(key, id)
    }
  }
  return branches
}
