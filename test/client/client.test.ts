/** The client against real nodes, over connections that break: in this process, and in a real browser. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import {
  createClient,
  NotFinalError,
  type Client,
  type LogPage,
  type LogTransaction,
  type NodeStatus,
  type Receipt,
} from '@hearsay/client'
import { encodePayload, genesisToJson } from '@hearsay/dag'
import type { LogPageJson, ReceiptJson, StatusJson } from '@hearsay/node'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CHROMIUM, openBrowser } from '../explorer/browser.ts'
import { until } from '../network/command.ts'
import { startNetwork, type Network } from '../network/network.ts'
import { createCertifiedLedger, GENESIS } from './certified-ledger.ts'
import { type Draft, forgeries } from './forgeries.ts'
import { startProxy, type Proxy } from './proxy.ts'

let network: Network
let proxies: Proxy[]
const address = ({ port }: Proxy): string => `http://127.0.0.1:${port}`

beforeAll(async () => {
  network = await startNetwork()
  proxies = await Promise.all(network.nodes.slice(0, 2).map(({ api }) => startProxy(api.port)))
})

afterAll(async () => {
  for (const proxy of proxies) await proxy.close()
  await network.dispose()
})

/** What the node itself says, without the client. Its type is the node's, and the compiler holds the client's to it. */
async function wholeLog(): Promise<{ position: number; text: string | null }[]> {
  const { api } = network.nodes[2]!
  const found: { position: number; text: string | null }[] = []
  for (let from = 0; ;) {
    const answer = await fetch(`http://127.0.0.1:${api.port}/v1/log?from=${from}&limit=1000`)
    const page: LogPage = (await answer.json()) as LogPageJson
    for (const { position, text } of page.transactions) found.push({ position, text })
    from = page.next
    if (from >= page.total) return found
  }
}

test('submits once and follows without gap or repeat while connections break and nodes are out of reach', async () => {
  const [ada, bob] = proxies as [Proxy, Proxy]
  const client: Client = createClient({ nodes: [address(ada), address(bob)] })
  const seen: LogTransaction[] = []
  const stop = new AbortController()
  const following = (async () => {
    for await (const transaction of client.follow({ signal: stop.signal })) seen.push(transaction)
  })()
  const receipts = []
  for (let i = 0; i < 12; i++) {
    if (i % 4 === 1) ada.cut()
    if (i % 4 === 3) {
      ada.mend()
      bob.cut()
    }
    const work = client.submit(`number ${i}`)
    if (i % 4 === 2) bob.cut()
    if (i % 4 === 2) ada.mend()
    if (i % 4 === 0) bob.mend()
    receipts.push(await work)
  }
  ada.mend()
  bob.mend()
  expect(receipts.map(({ state }) => state)).toEqual(Array.from({ length: 12 }, () => 'ordered'))
  // A copy of the same bytes that somebody else sends changes nothing.
  const texts = (await wholeLog()).map(({ text }) => text)
  expect(texts.filter((text) => text?.startsWith('number '))).toEqual(receipts.map((_, i) => `number ${i}`))
  await until('the follower has all', async () => seen.length === (await wholeLog()).length)
  stop.abort()
  await following
  expect(seen.map(({ position, text }) => ({ position, text }))).toEqual(await wholeLog())
  expect(ada.connections() + bob.connections()).toBeGreaterThan(4)
  for (const { id, position } of receipts) {
    const { state, ...known } = await client.transaction(id)
    expect(['ordered', 'certified']).toContain(state)
    expect(known).toMatchObject({ position })
    expect(await client.transaction(position)).toMatchObject({ position })
  }
  const said: StatusJson = await network.status('ada')
  const status: NodeStatus = { ...said }
  expect(Object.keys(await client.status()).toSorted()).toEqual(Object.keys(status).toSorted())
  expect(await client.transaction('0'.repeat(64))).toEqual({ state: 'unknown', reason: null })
})

test('many transactions in one request stand one after the other', async () => {
  const pack = encodePayload(['p0', 'p1', 'p2'].map((text) => new TextEncoder().encode(text)))
  const { api } = network.nodes[3]!
  const answer = await fetch(`http://127.0.0.1:${api.port}/v1/tx/batch?timeout=30s`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/octet-stream' },
    body: pack as Uint8Array<ArrayBuffer>,
  })
  const receipt: Receipt & { readonly count: number } = (await answer.json()) as ReceiptJson & {
    count: number
  }
  expect([answer.status, receipt.state, receipt.count]).toEqual([200, 'ordered', 3])
  await until('another node has them', async () => (await wholeLog()).some(({ text }) => text === 'p2'))
  const found = (await wholeLog()).filter(({ text }) => text?.startsWith('p') === true && text.length === 2)
  expect(found).toEqual([0, 1, 2].map((i) => ({ position: receipt.position + i, text: `p${i}` })))
})

test('with the genesis a receipt is proved before it is believed, from the node that is asked', async () => {
  const genesis: unknown = JSON.parse(readFileSync(join(network.dir, 'net/ada/genesis.json'), 'utf8'))
  const nodes = network.nodes.map(({ api }) => `http://127.0.0.1:${api.port}`)
  const client = createClient({ nodes, genesis })
  const receipt = await client.submit('with a proof')
  const { proved } = receipt
  expect(receipt.state).toBe('certified')
  expect(proved).toMatchObject({ position: receipt.position, timestamp: receipt.timestamp, id: receipt.id })
  expect(new TextDecoder().decode(proved!.bytes)).toBe('with a proof')
  expect(proved!.signers.length).toBeGreaterThanOrEqual(3)
  expect(await client.prove(receipt.position + 1)).toMatchObject({ kind: 'absence' })
})

test('a node that is too busy to read what was sent is not asked again first', async () => {
  let asked = 0
  const busy = createServer((request, response) => {
    asked += 1
    request.resume()
    response.writeHead(408, { Connection: 'close' }).end()
  })
  await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = busy.address() as AddressInfo
    const nodes = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${network.nodes[2]!.api.port}`]
    expect(await createClient({ nodes }).submit('past the busy one')).toMatchObject({ state: 'ordered' })
    expect(asked).toBeGreaterThan(0)
  } finally {
    busy.close()
  }
})

test('out of reach until the time is up: says so, with what is needed to go on', async () => {
  const [ada] = proxies as [Proxy]
  const client = createClient({ nodes: [address(ada)] })
  ada.cut()
  const fault = await client.submit('later', { timeoutMs: 300 }).catch((error: unknown) => error)
  ada.mend()
  expect(fault).toBeInstanceOf(NotFinalError)
  const { sealed, id } = fault as NotFinalError
  expect(await client.resubmit(sealed)).toMatchObject({ state: 'ordered', id })
  expect(await client.resubmit(sealed)).toMatchObject({ state: 'ordered', id })
  expect((await wholeLog()).filter(({ text }) => text === 'later').length).toBe(1)
})

type InPage = { hearsay: typeof import('@hearsay/client'); location: { origin: string } }

/** The page's own transaction, believed with a proof of the running network only. */
async function provedInPage(page: Page): Promise<unknown> {
  const genesis = readFileSync(join(network.dir, 'net/ada/genesis.json'), 'utf8')
  return page.evaluate(async (text) => {
    const { hearsay, location } = globalThis as unknown as InPage
    const client = hearsay.createClient({ nodes: [location.origin], genesis: JSON.parse(text) })
    const { state, proved } = await client.submit('proved in the page')
    return {
      state,
      text: new TextDecoder().decode(proved?.bytes),
      enough: (proved?.signers.length ?? 0) >= 3,
    }
  }, genesis)
}

/** What the page's client says of the good proof and of each forged one, all as the answers of its node. */
async function verdictsInPage(page: Page, url: string): Promise<string[]> {
  const good = createCertifiedLedger().inclusion(20, 3)
  const proofs = [
    good,
    ...forgeries.map(([, , change]) => {
      const forged = structuredClone(good) as Draft
      change(forged)
      return forged
    }),
  ]
  let next = 0
  await page.route(url, (route) => route.fulfill({ json: proofs[next++] }))
  return page.evaluate(
    async ([genesis, count]) => {
      const { hearsay, location } = globalThis as unknown as InPage
      const client = hearsay.createClient({ nodes: [location.origin], genesis: JSON.parse(genesis) })
      const verdicts: string[] = []
      for (let i = 0; i < count; i++)
        verdicts.push(
          await client.prove(20).then(
            () => 'proved',
            (error: unknown) =>
              error instanceof hearsay.ClientError ? `${error.code}: ${error.message}` : String(error),
          ),
        )
      return verdicts
    },
    [JSON.stringify(genesisToJson(GENESIS)), proofs.length] as const,
  )
}

async function inBrowser(): Promise<void> {
  const [ada] = proxies as [Proxy]
  const bundle = join(network.dir, 'client.js')
  execFileSync(process.execPath, [join(import.meta.dirname, '../../scripts/bundle-sizes.ts'), bundle])
  const script = readFileSync(bundle, 'utf8')
  const browser = await openBrowser()
  try {
    const page = await browser.newPage()
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(error.message))
    // The page is of the node's own origin; everything but these two files comes from the node.
    await page.route(`${address(ada)}/page/`, (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: '<script type="module">import * as hearsay from "./client.js"; window.hearsay = hearsay</script>',
      }),
    )
    await page.route(`${address(ada)}/page/client.js`, (route) =>
      route.fulfill({ contentType: 'text/javascript', body: script }),
    )
    await page.goto(`${address(ada)}/page/`)
    await page.waitForFunction(() => 'hearsay' in globalThis)
    await page.evaluate(() => {
      const { createClient: create } = (
        globalThis as unknown as { hearsay: { createClient: typeof createClient } }
      ).hearsay
      const client = create({
        nodes: [(globalThis as unknown as { location: { origin: string } }).location.origin],
      })
      const seen: [number, string | null][] = []
      Object.assign(globalThis, { client, seen })
      void (async () => {
        for await (const { position, text } of client.follow()) seen.push([position, text])
      })()
    })
    const submit = (text: string): Promise<string> =>
      page.evaluate(
        async (data) => (await (globalThis as unknown as { client: Client }).client.submit(data)).state,
        text,
      )
    const countSeen = (): Promise<number> =>
      page.evaluate(() => (globalThis as unknown as { seen: unknown[] }).seen.length)
    expect(await submit('from the page')).toBe('ordered')
    await until('the page has seen it', async () => (await countSeen()) === (await wholeLog()).length)
    const before = ada.connections()
    for (let i = 0; i < 3; i++) {
      ada.cut()
      // What the page does not see now, it must see later.
      expect(await network.submit('cat', `while cut ${i}`)).toMatchObject({ status: 200 })
      const work = submit(`page ${i}`)
      ada.mend()
      expect(await work).toBe('ordered')
    }
    await until('the page has seen all', async () => (await countSeen()) === (await wholeLog()).length)
    const seen = await page.evaluate(
      () => (globalThis as unknown as { seen: [number, string | null][] }).seen,
    )
    expect(seen).toEqual((await wholeLog()).map(({ position, text }) => [position, text]))
    expect(ada.connections()).toBeGreaterThan(before + 2)
    expect(await provedInPage(page)).toEqual({ state: 'certified', text: 'proved in the page', enough: true })
    expect(await verdictsInPage(page, `${address(ada)}/v1/tx/20/proof`)).toEqual([
      'proved',
      ...forgeries.map(([, reason]) => `E_PROOF: the proof for position 20 proves nothing: ${reason}`),
    ])
    expect(complaints).toEqual([])
  } finally {
    await browser.close()
  }
}

// .ci/run brings one along where it can (Debian: apt-get install chromium).
if (CHROMIUM === undefined) console.warn('no Chromium here: what a page does in a browser is not tested')
else
  test(
    'a page in a real browser submits, follows across a broken connection, has its receipt proved, refuses 40 kinds of forged proofs',
    inBrowser,
  )
