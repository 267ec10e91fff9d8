/**
 * Nodes that lie to the page, in a real browser: one serves a reordered ledger, one a forged event. They are a real node whose
 * answers are changed on their way out; the page comes from the honest one and asks all three.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { genesisToJson, toHex, type Genesis } from '@hearsay/dag'
import { createBestSuite } from '@hearsay/dag/native'
import { openPage } from '@hearsay/explorer'
import type { EventPage, OrderedTransaction, RunningNode } from '@hearsay/node'
import { type Api, startApi } from '@hearsay/node/http'
import { startNode, type StartedNode } from '@hearsay/node/process'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { badgeIs, CHROMIUM, openBrowser, openPageAt } from './browser.ts'

const dir = mkdtempSync(join(tmpdir(), 'hearsay-lies-'))
const secret = new Uint8Array(32).fill(9)
let node: StartedNode
let browser: Browser | undefined
const apis: Api[] = []

function found(): Genesis {
  const { suite } = createBestSuite()
  const genesis: Genesis = {
    coinFrequency: 12,
    roundsNonAncient: 26,
    salt: new Uint8Array(16).fill(1),
    members: [{ id: 0, name: 'ada', weight: 1, publicKey: suite.publicKey(secret) }],
  }
  const config = {
    name: 'ada',
    gossip: { host: '127.0.0.1', port: 0 },
    api: { host: '127.0.0.1', port: 0 },
    peers: {},
  }
  writeFileSync(join(dir, 'genesis.json'), JSON.stringify(genesisToJson(genesis)))
  writeFileSync(join(dir, 'config.json'), JSON.stringify(config))
  writeFileSync(join(dir, 'key'), `${toHex(secret)}\n`, { mode: 0o600 })
  return genesis
}

const page = openPage()
async function serve(as: RunningNode, origins: readonly string[] = []): Promise<string> {
  const api = await startApi({
    node: as,
    genesis: genesisToJson(found()),
    host: '127.0.0.1',
    port: 0,
    allowedOrigins: origins,
    page,
  })
  apis.push(api)
  return `http://127.0.0.1:${api.address.port}`
}

/** The same ledger with two transactions in each other's place, and its own hash for it. */
const reordering = (honest: RunningNode): RunningNode => ({
  ...honest,
  status: () => ({ ...honest.status(), name: 'rex', ledgerHash: new Uint8Array(32).fill(3) }),
  log: async (from, limit) => {
    const read = await honest.log(from, limit)
    const swapped = (each: OrderedTransaction): OrderedTransaction => {
      const other = each.position === 0 ? 1 : each.position === 1 ? 0 : undefined
      const there = read.find(({ position }) => position === other)
      return there === undefined ? each : { ...there, position: each.position, timestamp: each.timestamp }
    }
    return read.map(swapped)
  },
})

/** One byte of what was said in the second event with a transaction is another one. */
const forging = (honest: RunningNode): RunningNode => ({
  ...honest,
  status: () => ({ ...honest.status(), name: 'fox' }),
  events: (from, maxBytes): EventPage | undefined => {
    const read = honest.events(from, maxBytes)
    return (
      read && {
        ...read,
        events: read.events.map(({ bytes, next }) => {
          const text = Buffer.from(bytes).indexOf('second')
          if (text < 0) return { bytes, next }
          const forged = bytes.slice()
          forged[text]! ^= 1
          return { bytes: forged, next }
        }),
      }
    )
  },
})

/** A signature that is not the member's. */
const misSigning = (honest: RunningNode): RunningNode => ({
  ...forging(honest),
  events: (from, maxBytes) => {
    const read = honest.events(from, maxBytes)
    return (
      read && {
        ...read,
        events: read.events.map(({ bytes, next }, i) => {
          if (from > 0 || i !== 1) return { bytes, next }
          const forged = bytes.slice()
          const at = 132 + 42 * (forged[130]! + forged[131]!)
          forged[at + 40]! ^= 1
          return { bytes: forged, next }
        }),
      }
    )
  },
})

beforeAll(async () => {
  if (CHROMIUM === undefined) return
  found()
  node = await startNode({ dir })
  for (const text of ['first', 'second', 'third']) {
    const result = node.submit(Buffer.from(text))
    if (!result.ok) throw new Error(result.message)
    await result.submission.final
  }
  browser = await openBrowser()
})

afterAll(async () => {
  await browser?.close()
  for (const api of apis) await api.stop()
  await node?.stop()
  rmSync(dir, { recursive: true, force: true })
})

async function watch(
  name: string,
  liar: (honest: RunningNode) => RunningNode,
  ...told: readonly string[]
): Promise<{ badge: string; evidence: string }> {
  const honest = await serve(node)
  const lying = await serve(liar(node), [honest])
  page.configure({ nodes: [{ name, url: lying }], control: null, file: null })
  const { page: shown, complaints } = await openPageAt(browser!, `${honest}/explorer/`)
  const badge = await badgeIs(shown, 'differs')
  await shown.click('#badge')
  for (const words of told) await shown.waitForSelector(`#evidence .lie:has-text("${words}")`)
  const evidence = (await shown.textContent('#evidence')) ?? ''
  expect(complaints).toEqual([])
  await shown.close()
  return { badge, evidence }
}

async function reordered(): Promise<void> {
  const { badge, evidence } = await watch('rex', reordering, 'another ledger', 'another transaction')
  expect(badge).toMatch(/rex lies/)
  expect(evidence).toMatch(/rex has another ledger at round \d+/)
  expect(evidence).toMatch(/rex serves another transaction at position [01]/)
  expect(evidence).toContain('Derived here: event')
  expect(evidence).not.toMatch(/ada (has|serves)/)
}

async function forged(): Promise<void> {
  const { badge, evidence } = await watch('fox', forging, 'forged event')
  expect(badge).toMatch(/fox lies: fox serves a forged event/)
  expect(evidence).toContain('its transactions are not the ones that were signed')
  const signed = await watch('fox', misSigning, 'forged event')
  expect(signed.evidence).toContain('the signature is not by that member')
  expect(signed.evidence).not.toMatch(/ada serves/)
}

if (CHROMIUM === undefined) {
  test('what is forged is refused without a browser too: see test/dag', () =>
    expect(CHROMIUM).toBeUndefined())
} else {
  test('a node that serves a reordered ledger: the page turns red and says which and why', reordered)
  test('a node that serves a forged event: the page turns red and says which and why', forged)
}
