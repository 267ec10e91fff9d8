/** A real browser for the page: the system's Chromium, as its clients' tests find it. */
import { existsSync } from 'node:fs'
import { chromium, type Browser, type Page } from 'playwright-core'

export const CHROMIUM: string | undefined = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => existsSync(path))

/** Works as root and without a graphics card. */
const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--ignore-gpu-blocklist',
]

export const openBrowser = (): Promise<Browser> => chromium.launch({ executablePath: CHROMIUM!, args: FLAGS })

export interface Watched {
  readonly page: Page
  /** What went wrong in the page, and what its policy refused. */
  readonly complaints: string[]
}

export async function openPageAt(
  browser: Browser,
  url: string,
  width: number = 1400,
  height: number = 900,
): Promise<Watched> {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: 'dark' })
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    // A proof that is not there yet, a node that is away: the page says so itself.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text()))
      complaints.push(message.text())
  })
  await page.goto(url)
  return { page, complaints }
}

const DEADLINE_MS = 60_000

export async function badgeIs(page: Page, state: string, withinMs: number = DEADLINE_MS): Promise<string> {
  await page.waitForSelector(`#badge[data-state="${state}"]`, { timeout: withinMs })
  return (await page.textContent('#badge')) ?? ''
}

export const eventsShown = async (page: Page): Promise<number> =>
  Number(await page.getAttribute('#counts', 'data-events'))
