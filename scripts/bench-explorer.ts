// What the explorer's map costs with 1,000 … 1,000,000 events from a file: time a frame, and memory, in a real Chromium.
// Run: node scripts/bench-explorer.ts [--counts 1000,10000,100000,1000000] [--members 4] [--seconds 4] [--signed] [--keep FOLDER]
//
// Frame cost is the CPU time of the whole Chromium process tree for each frame drawn, and the time that the page's own script takes for
// it, while the map moves by a pixel a frame at the newest end, at the usual scale and zoomed out to all. Memory is
// what is held after a collection; the process's own figure has Chromium in it, and what waits to be collected. Software GL: there is no graphics card behind these figures.
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createEngine } from '../packages/consensus/src/index.ts'
import {
  coinOf,
  createEvent,
  genesisToJson,
  networkIdOf,
  type Genesis,
  type VerifiedEvent,
} from '../packages/dag/src/index.ts'
import { createBestSuite } from '../packages/dag/native/index.ts'
import { serveFile, writeEventFile } from '../packages/explorer/process/index.ts'

const { values } = parseArgs({
  options: {
    counts: { type: 'string', default: '1000,10000,100000,1000000' },
    members: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '4' },
    keep: { type: 'string' },
    signed: { type: 'boolean', default: false },
  },
})
const counts = values.counts.split(',').map(Number)
const size = Number(values.members)
const seconds = Number(values.seconds)
const { chromium } = createRequire(join(import.meta.dirname, '../test/package.json'))(
  'playwright-core',
) as Playwright
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => existsSync(path),
)
if (executablePath === undefined) throw new Error('no Chromium here: apt-get install chromium')

const best = createBestSuite().suite
/** Making and checking a million signatures takes many minutes and changes nothing of what is drawn. */
const suite = values.signed ? best : { ...best, sign: () => new Uint8Array(64) }
const secret = (member: number): Uint8Array => new Uint8Array(32).fill(member + 1)
const genesis: Genesis = {
  coinFrequency: 12,
  roundsNonAncient: 26,
  salt: new Uint8Array(16),
  members: Array.from({ length: size }, (_, id) => ({
    id,
    name: `m${id}`,
    weight: 1,
    publicKey: suite.publicKey(secret(id)),
  })),
}
const networkId = networkIdOf(genesis, suite.sha256)

/** Seeded numbers (mulberry32). */
function createDraw(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const refer = ({ event }: { event: VerifiedEvent }) => ({
  creator: event.creator,
  birthRound: event.birthRound,
  id: event.id,
})

/** Random gossip: somebody has heard of somebody's newest event and makes one on it. */
function* gossip(count: number): Generator<Uint8Array> {
  const draw = createDraw(7)
  const engine = createEngine({
    config: { coinFrequency: 12, roundsNonAncient: 26 },
    rosters: [{ fromRound: 1, members: genesis.members.map(({ id, weight }) => ({ id, weight })) }],
    fastPath: true,
  })
  const tips: { event: VerifiedEvent; handle: number }[] = []
  const text = new TextEncoder().encode('a transaction of about forty bytes, or so')
  for (let i = 0; i < count; i++) {
    const creator = i < size ? i : Math.floor(draw() * size)
    const own = tips[creator]
    const other = i < size ? undefined : tips[(creator + 1 + Math.floor(draw() * (size - 1))) % size]
    const event = createEvent(
      {
        creator,
        sequence: (own?.event.sequence ?? 0) + 1,
        birthRound: engine.decidedRound() + 1,
        timestamp: 1_790_000_000_000_000 + 1_000 * i,
        salt: Uint8Array.from({ length: 16 }, () => Math.floor(draw() * 256)),
        selfParent: own === undefined ? undefined : refer(own),
        otherParents: other === undefined ? [] : [refer(other)],
        transactions: i % 4 === 0 ? [text] : [],
      },
      networkId,
      secret(creator),
      suite,
    )
    const handle = engine.insert({
      id: event.id,
      creator,
      selfParent: own?.handle ?? -1,
      otherParents: other === undefined ? [] : [other.handle],
      birthRound: event.birthRound,
      timestamp: event.timestamp,
      coin: coinOf(event),
      transactionCount: event.transactionCount,
    })
    engine.takeDecidedRounds()
    tips[creator] = { event, handle }
    yield event.bytes
  }
}

/** A longer file begins with what a shorter one is: the largest is made once and the others are cut from it. */
function firstOf(file: string, count: number, out: string): void {
  const whole = readFileSync(file)
  const header = whole.readUInt32BE(17)
  let at = 21 + header
  for (let i = 0; i < count; i++) at += 10 + whole.readUInt32BE(at)
  const fd = openSync(out, 'w')
  for (let from = 0; from < at;) from += writeSync(fd, whole, from, Math.min(1 << 24, at - from))
  closeSync(fd)
}

const folder = values.keep ?? mkdtempSync(join(tmpdir(), 'hearsay-bench-explorer-'))
mkdirSync(folder, { recursive: true })
const fileOf = (count: number): string =>
  join(folder, `events-${size}-${count}${values.signed ? '-signed' : ''}.hsx`)
const largest = Math.max(...counts)
if (!existsSync(fileOf(largest))) {
  const began = performance.now()
  writeEventFile({
    path: fileOf(largest),
    header: { genesis: genesisToJson(genesis), title: `${largest} events`, unsigned: !values.signed },
    events: gossip(largest),
  })
  console.log(`made ${largest} signed events in ${((performance.now() - began) / 1_000).toFixed(1)} s`)
}
for (const count of counts) if (!existsSync(fileOf(count))) firstOf(fileOf(largest), count, fileOf(count))

/** As much of it as is used: it is a tool of the tests, not of the scripts. */
interface Playwright {
  readonly chromium: {
    launchPersistentContext(
      profile: string,
      options: { executablePath: string; args: string[]; viewport: { width: number; height: number } },
    ): Promise<{
      newPage(): Promise<{
        goto(url: string): Promise<unknown>
        waitForSelector(selector: string, options: { timeout: number }): Promise<unknown>
        waitForTimeout(ms: number): Promise<void>
        getAttribute(selector: string, name: string): Promise<string | null>
        evaluate(script: string): Promise<unknown>
        workers(): { evaluate(script: string): Promise<unknown> }[]
      }>
      close(): Promise<void>
      newCDPSession(page: unknown): Promise<{
        send(method: string, parameters: object): Promise<unknown>
        on(event: string, listener: (event: Record<string, unknown>) => void): void
      }>
    }>
  }
}
type Context = Awaited<ReturnType<Playwright['chromium']['launchPersistentContext']>>

interface Process {
  readonly pid: number
  readonly parent: number
  readonly cpuMs: number
  readonly rssMiB: number
  readonly command: string
}

function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8')
        const cpuMs = (Number(fields[11]) + Number(fields[12])) * 10
        return [
          {
            pid: Number(name),
            parent: Number(fields[1]),
            cpuMs,
            rssMiB: (Number(fields[21]) * 4) / 1_024,
            command,
          },
        ]
      } catch {
        // It has ended meanwhile.
        return []
      }
    })
}

/** The browser's processes: those with this profile, and what they have started. */
function treeOf(mark: string): Process[] {
  const all = processes()
  const found = new Set(all.filter(({ command }) => command.includes(mark)).map(({ pid }) => pid))
  for (let grown = true; grown;) {
    grown = false
    for (const { pid, parent } of all)
      if (found.has(parent) && !found.has(pid)) {
        found.add(pid)
        grown = true
      }
  }
  return all.filter(({ pid }) => found.has(pid))
}

const cpuMsOf = (mark: string): number => treeOf(mark).reduce((total, { cpuMs }) => total + cpuMs, 0)

const flags = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--ignore-gpu-blocklist',
  '--enable-precise-memory-info',
  '--js-flags=--expose-gc',
]

interface Measured {
  readonly count: number
  readonly loadS: number
  readonly nearCpuMs: number
  readonly nearScriptMs: number
  readonly farCpuMs: number
  readonly farScriptMs: number
  readonly rssMiB: number
  readonly columnsMiB: number
  readonly heapMiB: number
  readonly checkerMiB: number
}

async function measure(count: number): Promise<Measured> {
  const server = await serveFile(fileOf(count))
  const profile = mkdtempSync(join(tmpdir(), 'hearsay-profile-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: executablePath!,
    args: flags,
    viewport: { width: 1280, height: 800 },
  })
  try {
    const page = await context.newPage()
    await page.goto(server.url)
    await page.waitForSelector('html[data-loaded]', { timeout: 900_000 })
    const [held, tookMs] = ((await page.getAttribute('html', 'data-loaded')) ?? '').split(' ').map(Number)
    if (held !== count) throw new Error(`${held} of ${count} events were taken in`)
    await page.evaluate('gc()')
    const heapMiB = Number(await page.evaluate('performance.memory.usedJSHeapSize')) / 2 ** 20
    const [checker] = page.workers()
    if (checker === undefined) throw new Error('the checker is not there')
    await checker.evaluate('gc()')
    await page.waitForTimeout(1_000)
    const heap = await cdpHeap(context, page)
    const checkerMiB = heap / 2 ** 20
    const columnsMiB = Number(await page.getAttribute('html', 'data-bytes')) / 2 ** 20
    const renderers = treeOf(profile).filter(({ command }) => command.includes('--type=renderer'))
    const rssMiB = Math.max(...renderers.map((each) => each.rssMiB))

    const move = async (): Promise<{ cpuMs: number; scriptMs: number }> => {
      const read = async (): Promise<[number, number]> => [
        Number(await page.getAttribute('#map', 'data-frames')),
        Number(await page.getAttribute('#map', 'data-frame-ms')),
      ]
      await page.waitForTimeout(500)
      const [framesBefore, msBefore] = await read()
      const cpuBefore = cpuMsOf(profile)
      // By a pixel a frame, up and down, as a hand on a wheel would.
      await page.evaluate(`new Promise((resolve) => {
        const map = document.getElementById('map'); const end = performance.now() + ${seconds * 1_000}; let turn = 0
        const step = () => { turn += 1
          map.dispatchEvent(new WheelEvent('wheel', { deltaY: turn % 240 < 120 ? 1 : -1, bubbles: true, cancelable: true }))
          if (performance.now() < end) requestAnimationFrame(step); else resolve() }
        requestAnimationFrame(step) })`)
      const cpuMs = cpuMsOf(profile) - cpuBefore
      const [framesAfter, msAfter] = await read()
      const frames = framesAfter - framesBefore
      return { cpuMs: cpuMs / frames, scriptMs: (msAfter - msBefore) / frames }
    }

    const far = await move()
    // From all of it down to the usual scale, at the newest end.
    await page.evaluate(
      `(() => { const map = document.getElementById('map'); for (let i = 0; i < 40; i++) map.dispatchEvent(new WheelEvent('wheel', { deltaY: -120, ctrlKey: true, bubbles: true, cancelable: true, clientX: 400, clientY: 300 })); })()`,
    )
    await page.evaluate(
      `(() => { const map = document.getElementById('map'); for (let i = 0; i < 4; i++) map.dispatchEvent(new WheelEvent('wheel', { deltaY: 120, ctrlKey: true, bubbles: true, cancelable: true, clientX: 400, clientY: 300 })); })()`,
    )
    const near = await move()
    return {
      count,
      loadS: tookMs! / 1_000,
      nearCpuMs: near.cpuMs,
      nearScriptMs: near.scriptMs,
      farCpuMs: far.cpuMs,
      farScriptMs: far.scriptMs,
      rssMiB,
      columnsMiB,
      heapMiB,
      checkerMiB,
    }
  } finally {
    await context.close()
    await server.stop()
    rmSync(profile, { recursive: true, force: true })
  }
}

console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} of them; Node ${process.versions.node}; software GL; ${size} members`,
)
console.log(
  '   events   load s  ev/s  frame CPU ms  script ms | all in sight: CPU ms  script ms | process MiB  columns  heap  checker  together',
)
/** Heap and array buffers of the checker's thread, which only the debugger's protocol tells. */
async function cdpHeap(context: Context, page: unknown): Promise<number> {
  const session = await context.newCDPSession(page)
  const worker = Promise.withResolvers<string>()
  const answer = Promise.withResolvers<number>()
  session.on('Target.attachedToTarget', ({ sessionId }) => worker.resolve(sessionId as string))
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { id, result } = JSON.parse(message as string) as {
      id?: number
      result?: { usedSize: number; backingStorageSize?: number }
    }
    if (id === 2) answer.resolve((result?.usedSize ?? 0) + (result?.backingStorageSize ?? 0))
  })
  await session.send('Target.setAutoAttach', {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  })
  const timer = setTimeout(() => worker.reject(new Error('no checker to ask')), 20_000)
  const sessionId = await worker.promise
  clearTimeout(timer)
  const ask = (id: number, method: string): Promise<unknown> =>
    session.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method }) })
  await ask(1, 'HeapProfiler.collectGarbage')
  await ask(2, 'Runtime.getHeapUsage')
  return answer.promise
}

/** What is held after a collection: the page's heap, the columns of the graph, and the checker's heap with its arrays. */
const heldMiB = ({ heapMiB, checkerMiB, columnsMiB }: Measured): number => heapMiB + checkerMiB + columnsMiB

const all: Measured[] = []
for (const count of counts.toSorted((a, b) => a - b)) {
  const m = await measure(count)
  all.push(m)
  console.log(
    `${String(m.count).padStart(9)} ${m.loadS.toFixed(1).padStart(8)} ${Math.round(m.count / m.loadS)
      .toString()
      .padStart(
        5,
      )} ${m.nearCpuMs.toFixed(1).padStart(13)} ${m.nearScriptMs.toFixed(2).padStart(10)} | ${m.farCpuMs.toFixed(1).padStart(20)} ${m.farScriptMs.toFixed(2).padStart(10)} | ${m.rssMiB.toFixed(0).padStart(11)} ${m.columnsMiB.toFixed(1).padStart(8)} ${m.heapMiB.toFixed(1).padStart(5)} ${m.checkerMiB.toFixed(1).padStart(8)} ${heldMiB(m).toFixed(1).padStart(9)}`,
  )
}
const [first, last] = [all[0]!, all.at(-1)!]
console.log(
  `frame cost from ${first.count} to ${last.count} events: ${(last.nearCpuMs / first.nearCpuMs).toFixed(2)} times, with all in sight ${(last.farCpuMs / first.farCpuMs).toFixed(2)} times`,
)
console.log(`memory held at ${last.count} events: ${heldMiB(last).toFixed(0)} MiB`)
if (values.keep === undefined) rmSync(folder, { recursive: true, force: true })
