/** A real browser for the page: the system's Chromium, as its clients' tests find it. */
import { existsSync } from 'node:fs'
import { chromium, type Browser, type CDPSession, type Page } from 'playwright-core'

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
  // Software draws every pixel of it.
  width: number = 1000,
  height: number = 640,
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

/** Bytes of heap and array buffers of one thread, after a collection. */
interface HeapUsage {
  readonly usedSize: number
  readonly backingStorageSize?: number
}
const bytesOf = ({ usedSize, backingStorageSize = 0 }: HeapUsage): number => usedSize + backingStorageSize

/** What the page and its checker's thread hold together, as the DevTools protocol tells. */
export async function heldBytes(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.collectGarbage')
  const own = (await session.send('Runtime.getHeapUsage')) as HeapUsage
  return bytesOf(own) + bytesOf(await checkerUsage(session))
}

async function checkerUsage(session: CDPSession): Promise<HeapUsage> {
  const worker = Promise.withResolvers<string>()
  const answer = Promise.withResolvers<HeapUsage>()
  session.on('Target.attachedToTarget', ({ sessionId }) => worker.resolve(sessionId))
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { id, result } = JSON.parse(message) as { id?: number; result?: HeapUsage }
    if (id === 2 && result !== undefined) answer.resolve(result)
  })
  await session.send('Target.setAutoAttach', {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  })
  const timer = setTimeout(() => worker.reject(new Error('no checker to ask')), DEADLINE_MS)
  const sessionId = await worker.promise
  clearTimeout(timer)
  const ask = (id: number, method: string): Promise<unknown> =>
    session.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method }) })
  await ask(1, 'HeapProfiler.collectGarbage')
  await ask(2, 'Runtime.getHeapUsage')
  return answer.promise
}
