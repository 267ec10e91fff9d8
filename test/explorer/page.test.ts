/** The page as files: its size, its policy, that nothing is inline and nothing comes from elsewhere; and files that are opened in it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { genesisToJson } from '@hearsay/dag'
import { createBestSuite } from '@hearsay/dag/native'
import { openPage, serveFile, writeEventFile } from '@hearsay/explorer'
import { chooseScenario, type Scenario } from '@hearsay/simulator'
import { runScenario } from '@hearsay/simulator/process'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run, start, until } from '../network/command.ts'
import { badgeIs, CHROMIUM, eventsShown, openBrowser, openPageAt } from './browser.ts'
import { gossip } from './gossip.ts'

const BUDGET_BYTES = 60 * 1024
const EVENTS = 2_000
const folder = mkdtempSync(join(tmpdir(), 'hearsay-page-'))
const cases = join(import.meta.dirname, '../conformance/cases')
let browser: Browser
beforeAll(async () => {
  if (CHROMIUM !== undefined) browser = await openBrowser()
})
afterAll(async () => {
  if (CHROMIUM !== undefined) await browser.close()
  rmSync(folder, { recursive: true, force: true })
})

test('all but the engine is at most 60 kB, gzipped; no inline script or style, nothing from elsewhere', async () => {
  const page = openPage({
    nodes: [{ name: 'bob', url: 'http://127.0.0.1:8741' }],
    control: { url: 'http://127.0.0.1:9/v1/net', token: 't' },
    file: null,
  })
  let total = 0
  for (const name of ['', 'style.css', 'main.js', 'icon.svg']) {
    const { bytes } = (await page.find(`/explorer/${name}`))!
    total += gzipSync(bytes, { level: 9 }).length
  }
  expect(total).toBeLessThanOrEqual(BUDGET_BYTES)
  const html = (await page.find('/explorer/'))!
  const text = Buffer.from(html.bytes).toString('utf8')
  expect(text).not.toMatch(/<script(?![^>]* src="\.\/)|<style|\son\w+=|\sstyle=|https?:/)
  expect(html.headers['Content-Security-Policy']).toBe(
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' http://127.0.0.1:8741 http://127.0.0.1:9; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  )
  for (const name of ['main.js', 'engine.js']) {
    const script = Buffer.from((await page.find(`/explorer/${name}`))!.bytes).toString('utf8')
    expect(script, name).not.toMatch(/\beval\(|new Function\(/)
  }
  expect(await page.find('/explorer/../package.json')).toBe(undefined)
  expect(await page.find('/explorer/constructor')).toBe(undefined)
})

/** Half of the weight is silent, so nothing becomes final: a promise that nobody could keep, broken in every run alike. */
function failing(): Scenario {
  const scenario = chooseScenario({ seed: 5, members: [4, 4], kinds: ['cut'], stormMs: 1_500 })
  // Nothing is wrong with it, but so soon after the storm not everything can be settled yet.
  return { ...scenario, calmMs: 100 }
}

async function files(): Promise<void> {
  // An abstract graph with the order that it expects.
  const graph = await serveFile(join(cases, 'branching-7.json'))
  const first = await openPageAt(browser, graph.url)
  expect(await badgeIs(first.page, 'unsigned')).toContain('as the file expects')
  expect(await eventsShown(first.page)).toBeGreaterThan(100)
  expect(first.complaints).toEqual([])
  // On a phone.
  await first.page.setViewportSize({ width: 390, height: 844 })
  const wide = await first.page.evaluate('document.documentElement.scrollWidth <= innerWidth')
  expect(wide, 'on a phone nothing is cut off').toBe(true)
  await first.page.close()
  await graph.stop()

  // A failing case of the simulator, opened by the command at the step where the promise broke.
  const scenario = failing()
  const { violation } = await runScenario(scenario)
  expect(violation?.invariant).toBe('I3')
  const file = join(folder, 'sim-5.json')
  writeFileSync(
    file,
    JSON.stringify({ invariant: violation!.invariant, message: violation!.message, scenario }),
  )
  const command = start(['explorer', file])
  await until('the page is served', () => command.out().includes('http://'))
  const { page, complaints } = await openPageAt(browser, command.out().trim())
  await page.waitForSelector('#violation')
  expect(await page.textContent('#violation')).toContain('I3 is broken')
  await page.waitForSelector('html[data-loaded]')
  const at = await page.getAttribute('#violation', 'data-at')
  expect(Number(at)).toBe(await eventsShown(page))
  expect(await page.inputValue('#scrub')).toBe(at)
  // Back and on, step by step.
  await page.click('[aria-label="One event back"]')
  expect(Number(await page.inputValue('#scrub'))).toBe(Number(at) - 1)
  expect(complaints).toEqual([])
  await page.close()
  command.child.kill('SIGINT')
  await command.ended

  // The same, written to a file.
  const out = join(folder, 'sim-5.hsx')
  const written = await run(['explorer', file, '--out', out])
  expect(written.code, written.err).toBe(0)
  const exported = await serveFile(out)
  const third = await openPageAt(browser, `${exported.url}?flat`)
  await third.page.waitForSelector('#violation')
  expect(await third.page.getAttribute('#map', 'data-renderer')).toBe('canvas')
  await third.page.close()
  await exported.stop()
}

/** A file large enough to be looked at before it is checked, and the same with a child before its parents. */
async function large(): Promise<void> {
  const { genesis, events } = gossip(4, EVENTS, createBestSuite().suite)
  const inOrder = [...events]
  // Nothing of these two is as the first look has it.
  const swapped = inOrder.toSpliced(700, 2, inOrder[701]!, inOrder[700]!)
  const header = { genesis: genesisToJson(genesis), title: 'gossip' }
  const hashes: (string | null)[] = []
  for (const [i, each] of [inOrder, swapped, inOrder.with(900, forged(inOrder[900]!))].entries()) {
    const path = join(folder, `gossip-${i}.hsx`)
    writeEventFile({ path, header, events: each })
    const served = await serveFile(path)
    const { page, complaints } = await openPageAt(browser, served.url)
    await page.waitForSelector('html[data-loaded]')
    if (i === 2) {
      expect(await badgeIs(page, 'differs')).toContain('serves a forged event')
    } else {
      expect(await page.getAttribute('html', 'data-loaded')).toMatch(new RegExp(`^${EVENTS} `))
      expect(await badgeIs(page, 'agrees')).toContain('signatures checked and order derived here')
      hashes.push(await page.getAttribute('#counts', 'data-hash'))
      // The reasons of the beginning are there as well: they are read again.
      await page.fill('#jump', '#20')
      await page.press('#jump', 'Enter')
      await page.waitForSelector('#event .why .heading')
      expect(await page.textContent('#event')).toMatch(/received in round \d+/)
    }
    if (i === 0) expect(await page.getAttribute('html', 'data-drafted')).toMatch(new RegExp(`^${EVENTS} `))
    expect(complaints).toEqual([])
    await page.close()
    await served.stop()
  }
  expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/)
  expect(hashes[1]).toBe(hashes[0])
}

function forged(event: Uint8Array): Uint8Array {
  const other = event.slice()
  other[132 + 42 * (other[130]! + other[131]!) + 40]! ^= 1
  return other
}

if (CHROMIUM !== undefined)
  test('a large file: seen at once, then checked; explained from its beginning', large)
if (CHROMIUM !== undefined)
  test(
    'files open in the page: a graph, a failing case of the simulator at the step of the violation, an exported one',
    files,
  )
