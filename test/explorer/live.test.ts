/** The page in a real browser against a real testnet of four processes. */
import { join } from 'node:path'
import axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run, until } from '../network/command.ts'
import { startNetwork, type Network } from '../network/network.ts'
import { badgeIs, CHROMIUM, eventsShown, openBrowser, openPageAt } from './browser.ts'

let network: Network
let browser: Browser

beforeAll(async () => {
  if (CHROMIUM === undefined) return
  network = await startNetwork()
  browser = await openBrowser()
})

afterAll(async () => {
  await browser?.close()
  await network?.dispose()
})

const address = (name: string): string => `http://127.0.0.1:${network.node(name).api.port}`

async function submitFromPage(page: Page, text: string): Promise<number> {
  await page.fill('form.submit input', text)
  await page.press('form.submit input', 'Enter')
  await page.waitForSelector('#submitted:text-matches("final as #")', { timeout: 60_000 })
  const said = (await page.textContent('#submitted')) ?? ''
  return Number(/#(\d+)/.exec(said)![1])
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly { readonly target: unknown; readonly failureSummary?: string }[]
  }[]
}

async function accessibility(page: Page): Promise<string[]> {
  const cdp = await page.context().newCDPSession(page)
  // Past the page's own policy, which refuses every script but its own.
  const { result } = await cdp.send('Runtime.evaluate', {
    expression: `(() => { ${axe.source}; return axe.run() })()`,
    awaitPromise: true,
    returnByValue: true,
  })
  const { violations } = result.value as AxeResult
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} ${JSON.stringify(target)} ${failureSummary ?? ''}`),
  )
}

async function live(): Promise<void> {
  const { page, complaints } = await openPageAt(browser, `${address('ada')}/`)
  await network.submit('bob', 'from the command')
  expect(await badgeIs(page, 'agrees')).toMatch(/nodes agree with the order derived here/)
  await until('events appear', async () => (await eventsShown(page)) > 10)

  // A submission travels to final, and its proof is checked in the page.
  const position = await submitFromPage(page, 'from the page')
  await page.waitForSelector(`#log tr:has-text("from the page")`)
  await page.waitForSelector(`.tick.proved[data-position="${position}"]`, { timeout: 60_000 })

  // The hash that the page derived is that of the nodes.
  await until('the page has the nodes’ hash', async () => {
    const { ledgerHash } = await network.status('cat')
    return (await page.getAttribute('#counts', 'data-hash')) === ledgerHash
  })

  // Found by its consensus time, too, and by its place; what is not there is said.
  const time = (await page.textContent('#log tr:has-text("from the page") td:nth-child(4)')) ?? ''
  for (const wanted of [`#${position}`, time]) {
    await page.fill('#log input', wanted)
    await page.press('#log input', 'Enter')
    await page.waitForSelector('#log tr.chosen:has-text("from the page")')
  }
  await page.fill('#jump', 'round 99999')
  await page.press('#jump', 'Enter')
  await page.waitForSelector('#failed:has-text("there is none")')

  // Why an event stands where it stands.
  await page.click('#log tr:has-text("from the page") button')
  await page.waitForSelector('#event .why .decides, #event .why .heading')
  expect(await page.textContent('#event')).toMatch(/received in round \d+/)

  const faults: string[] = []
  for (const tab of ['log', 'nodes', 'figures', 'links', 'evidence', 'testnet', 'table', 'event']) {
    await page.click(`#tab-${tab}`)
    faults.push(...(await accessibility(page)).map((fault) => `${tab}: ${fault}`))
  }
  expect(faults).toEqual([])

  // Everybody sees everybody.
  await page.click('#tab-links')
  await expect.poll(() => page.locator('#links .liveness.up').count(), { timeout: 60_000 }).toBe(12)
  expect(await page.locator('#links td:has-text("●")').count()).toBe(12)

  // Cut and heal: what is cut off lags, what is healed agrees.
  await page.click('#tab-testnet')
  await page.click('#cut')
  await page.waitForSelector('#control:has-text("done")')
  await submitFromPage(page, 'while one is cut off')
  expect(await badgeIs(page, 'agrees')).not.toBe('')
  await page.click('#heal')
  // What is done from the shell stands on the time axis as well.
  expect((await run(['net', 'delay', '1ms', '--dir', join(network.dir, 'net')])).code).toBe(0)
  const drawn = '#map[data-marks*="cut off dan; heal all links; delay 1 ms"]'
  await page.waitForSelector(drawn, { timeout: 60_000 })
  await network.submit('dan', 'after the heal')
  await page.waitForSelector('#badge[data-state="agrees"][data-agreeing="4"]', { timeout: 60_000 })

  // A member that branches: its lane splits, and the evidence opens.
  await page.click('#tab-testnet')
  await page.click('#fork-dan')
  await page.waitForSelector('#control:has-text("dan is made to branch: done")', { timeout: 60_000 })
  await page.click('#tab-evidence')
  await page.waitForSelector('#evidence details[open]:has-text("dan branched")', { timeout: 60_000 })
  expect(await page.textContent('#evidence')).toContain('Both signatures were checked here')
  expect(await page.getAttribute('#map', 'data-lanes')).toBe('5')
  await submitFromPage(page, 'the others go on')
  await badgeIs(page, 'agrees')
  expect(complaints).toEqual([])
}

// .ci/run brings one along where it can (Debian: apt-get install chromium).
if (CHROMIUM === undefined) {
  console.warn('no Chromium here (apt-get install chromium): the explorer is not tested')
  test('the page is served', async () => {
    network = await startNetwork()
    const answer = await fetch(`${address('ada')}/explorer/`)
    expect([answer.status, answer.headers.get('content-security-policy')]).toEqual([
      200,
      expect.stringContaining("default-src 'none'"),
    ])
  })
} else test('a page in a real browser shows a testnet, checks it, and does things to it', live)
