/** The audit of a data directory against journals that a sound node can leave behind, and one that it cannot. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createEvent,
  decodeEvent,
  networkIdOf,
  type EventReference,
  type Genesis,
  type VerifiedEvent,
  verifyEvent,
} from '@hearsay/dag'
import { createNativeSuite } from '@hearsay/dag/native'
import { genesisToJson, RECORD_EVENT } from '@hearsay/node'
import { openJournal } from '@hearsay/node/disk'
import { auditDirectories } from '@hearsay/node/process'
import { afterAll, expect, test } from 'vitest'
import { createOrderer } from '../../packages/node/src/orderer.ts'

const suite = createNativeSuite()
const keys = [1, 2, 3, 4].map((byte) => new Uint8Array(32).fill(byte))
const genesis: Genesis = {
  coinFrequency: 12,
  roundsNonAncient: 4,
  salt: new Uint8Array(16),
  members: keys.map((key, id) => ({ id, name: `m${id}`, weight: 1, publicKey: suite.publicKey(key) })),
}
const networkId = networkIdOf(genesis, suite.sha256)
const root = mkdtempSync(join(tmpdir(), 'hearsay-audit-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

interface Wanted {
  readonly creator: number
  readonly sequence: number
  readonly birthRound: number
  readonly timestamp: number
  readonly selfParent?: EventReference
  readonly otherParents?: readonly EventReference[]
}

function make(wanted: Wanted): VerifiedEvent {
  const { creator, selfParent, otherParents = [], ...rest } = wanted
  const unsigned = { ...rest, creator, salt: new Uint8Array(16), selfParent, otherParents, transactions: [] }
  const made = createEvent(unsigned, networkId, keys[creator]!, suite)
  const decoded = decodeEvent(made.bytes, networkId, suite.sha256)
  if (!decoded.ok) throw new Error(decoded.reason)
  const checked = verifyEvent(decoded.event, (id) => genesis.members[id]?.publicKey, suite)
  if (!checked.ok) throw new Error(checked.reason)
  return checked.event
}

const reference = ({ creator, birthRound, id }: VerifiedEvent): EventReference => ({
  creator,
  birthRound,
  id,
})

/** Three of four members, each event over the newest of the others, until the first rounds are ancient. */
function threeGoOn(): { events: VerifiedEvent[]; ancientThreshold: number } {
  const orderer = createOrderer({
    genesis,
    networkId,
    sha256: suite.sha256,
    onLinked: () => undefined,
    onBlock: () => undefined,
  })
  const events: VerifiedEvent[] = []
  const tips = new Map<number, VerifiedEvent>()
  for (let i = 0; orderer.ancientThreshold() < 3; i++) {
    const creator = i % 3
    const self = tips.get(creator)
    const others = [...tips.values()].filter((tip) => tip.creator !== creator)
    const event = make({
      creator,
      sequence: (self?.sequence ?? 0) + 1,
      birthRound: orderer.decidedRound() + 1,
      timestamp: 1_000 + i,
      ...(self === undefined ? {} : { selfParent: reference(self) }),
      otherParents: others.map(reference).toSorted((a, b) => a.creator - b.creator),
    })
    expect(orderer.offer(event, creator)).toBe('ready')
    events.push(event)
    tips.set(creator, event)
  }
  return { events, ancientThreshold: orderer.ancientThreshold() }
}

async function directoryOf(name: string, events: readonly VerifiedEvent[]): Promise<string> {
  const dir = join(root, name)
  mkdirSync(dir)
  writeFileSync(join(dir, 'genesis.json'), JSON.stringify(genesisToJson(genesis)))
  const journal = openJournal({ dir, networkId })
  for (const { bytes } of events) journal.append(RECORD_EVENT, bytes)
  await journal.sync()
  await journal.close()
  return dir
}

/**
 * A node writes its own event, makes it durable and links it; what comes from others meanwhile is linked before it and stands
 * behind it in the journal. When the own event decides a round, what was just not ancient is so for whoever reads the journal.
 */
test('an event that had come while an own event waited for its flush may be ancient where it stands', async () => {
  const { events, ancientThreshold } = threeGoOn()
  const late = make({ creator: 3, sequence: 1, birthRound: ancientThreshold - 1, timestamp: 5_000 })
  const last = events.at(-1)!
  const asLinked = await directoryOf('as-linked', [...events.slice(0, -1), late, last])
  const asWritten = await directoryOf('as-written', [...events.slice(0, -1), last, late])
  const report = await auditDirectories([asLinked, asWritten])
  expect(report.failures).toEqual([])
  expect(report.agree).toBe(true)
  expect(report.audited.map(({ events: count }) => count)).toEqual([events.length + 1, events.length + 1])
  expect(report.audited[0]!.round).toBeGreaterThan(1)
})

test('an event of which a parent stands nowhere is told', async () => {
  const { events } = threeGoOn()
  const gap = await directoryOf('gap', events.toSpliced(events.length - 5, 1))
  const report = await auditDirectories([gap])
  expect(report.failures).toMatchObject([{ kind: 'wrong', message: expect.stringContaining('lack parents') }])
})
