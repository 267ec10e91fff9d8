// What the explorer's map costs with 1,000 … 1,000,000 events from a file, in a real Chromium: time a frame, memory, time to load.
// Run: node scripts/bench-explorer.ts [--counts 1000,10000,100000,1000000] [--members 4] [--seconds 4] [--signed] [--keep FOLDER] [--shots FOLDER]
//
// The method. Frame: CPU time of the processes of Chromium (/proc, user and system) divided by the frames that the map drew, while it is
// moved by one pixel a frame (`pan`: the newest end at the usual scale), zoomed in and out (`zoom`) and moved with all events in sight
// (`all`). The same strokes on the same 1280x800 window at each size. "page" is the renderer (script, canvas, compositing), "gpu" the process that
// draws: GL runs in software (SwiftShader), so its CPU time is the GPU's. `script` is the page's own code for a frame, by its own clock.
// Memory: after a collection, the JavaScript heap and the array buffers behind it, of the page and of the checker's thread together
// (Runtime.getHeapUsage of the DevTools protocol: usedSize + backingStorageSize). Loading: until all events can be seen (`seen`: a first
// look, not yet checked; of small files none is taken) and until every event is checked and ordered (`checked`).
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { genesisToJson } from '../packages/dag/src/index.ts'
import { createBestSuite } from '../packages/dag/native/index.ts'
import { serveFile, writeEventFile } from '../packages/explorer/process/index.ts'
import { CHROMIUM, heldBytes, openBrowser } from '../test/explorer/browser.ts'
import { gossip } from '../test/explorer/gossip.ts'

const { values } = parseArgs({
  options: {
    counts: { type: 'string', default: '1000,10000,100000,1000000' },
    members: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '4' },
    keep: { type: 'string' },
    shots: { type: 'string' },
    signed: { type: 'boolean', default: false },
  },
})
const counts = values.counts.split(',').map(Number)
const size = Number(values.members)
const seconds = Number(values.seconds)
if (CHROMIUM === undefined) throw new Error('no Chromium here: apt-get install chromium')

const best = createBestSuite().suite
/** Making and checking a million signatures takes minutes and changes nothing of what is drawn. */
const suite = values.signed ? best : { ...best, sign: () => new Uint8Array(64) }
/** A longer file begins with what a shorter one is: the largest is made once and the others are cut from it. */
function cut(file: string, count: number, out: string): void {
  const from = openSync(file, 'r')
  const to = openSync(out, 'w')
  const head = Buffer.alloc(21)
  readSync(from, head, 0, 21, 0)
  let at = 21 + head.readUInt32BE(17)
  const length = Buffer.alloc(4)
  for (let i = 0; i < count; i++) {
    readSync(from, length, 0, 4, at)
    at += 10 + length.readUInt32BE(0)
  }
  const piece = Buffer.alloc(1 << 20)
  for (let done = 0; done < at;) {
    const read = readSync(from, piece, 0, Math.min(piece.length, at - done), done)
    for (let put = 0; put < read;) put += writeSync(to, piece, put, read - put)
    done += read
  }
  closeSync(from)
  closeSync(to)
}

const folder = values.keep ?? mkdtempSync(join(tmpdir(), 'hearsay-bench-explorer-'))
mkdirSync(folder, { recursive: true })
const fileOf = (count: number): string =>
  join(folder, `events-${size}-${count}${values.signed ? '-signed' : ''}.hsx`)
const largest = Math.max(...counts)
if (!existsSync(fileOf(largest))) {
  const began = performance.now()
  const { genesis, events } = gossip(size, largest, suite)
  writeEventFile({
    path: fileOf(largest),
    header: { genesis: genesisToJson(genesis), title: 'random gossip', unsigned: !values.signed },
    events,
  })
  console.log(
    `made ${largest} ${values.signed ? 'signed' : 'unsigned'} events in ${((performance.now() - began) / 1_000).toFixed(1)} s`,
  )
}
for (const count of counts) if (!existsSync(fileOf(count))) cut(fileOf(largest), count, fileOf(count))

interface Process {
  readonly pid: number
  readonly parent: number
  readonly cpuMs: number
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
        return [{ pid: Number(name), parent: Number(fields[1]), cpuMs, command }]
      } catch {
        // It has ended meanwhile.
        return []
      }
    })
}

interface Spent {
  readonly page: number
  readonly gpu: number
  readonly other: number
}

/** CPU time so far of the processes below this one: of the browser. */
function spent(): Spent {
  const all = processes()
  const found = new Set([process.pid])
  for (let grown = true; grown;) {
    grown = false
    for (const { pid, parent } of all)
      if (found.has(parent) && !found.has(pid)) {
        found.add(pid)
        grown = true
      }
  }
  const sums = { page: 0, gpu: 0, other: 0 }
  for (const { pid, cpuMs, command } of all) {
    if (!found.has(pid) || pid === process.pid) continue
    const kind = command.includes('--type=renderer')
      ? 'page'
      : command.includes('--type=gpu-process')
        ? 'gpu'
        : 'other'
    sums[kind] += cpuMs
  }
  return sums
}

interface Frame {
  readonly page: number
  readonly gpu: number
  readonly total: number
  readonly script: number
}

interface Measured {
  readonly count: number
  readonly seenS: number
  readonly checkedS: number
  readonly pan: Frame
  readonly zoom: Frame
  readonly all: Frame
  readonly columnsMiB: number
  readonly heldMiB: number
}

const WHEEL =
  "document.getElementById('map').dispatchEvent(new WheelEvent('wheel', { bubbles: true, cancelable: true, clientX: 400, clientY: 300, WHAT }))"
const wheel = (what: string): string => WHEEL.replace('WHAT', what)

async function measure(count: number): Promise<Measured> {
  const server = await serveFile(fileOf(count))
  const browser = await openBrowser()
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'dark' })
    const began = performance.now()
    let toldS = 0
    await page.goto(server.url)
    await page.waitForSelector('html[data-drafted], html[data-loaded]', { timeout: 900_000 })
    const seenS = (performance.now() - began) / 1_000
    while ((await page.getAttribute('html', 'data-loaded')) === null) {
      await page.waitForTimeout(250)
      const far = Math.round((performance.now() - began) / 1_000)
      if (far >= toldS + 20) {
        toldS = far
        console.error(`${count}: ${far} s, ${(await page.textContent('#badge')) ?? ''}`)
      }
    }
    const checkedS = (performance.now() - began) / 1_000
    const [held] = ((await page.getAttribute('html', 'data-loaded')) ?? '').split(' ').map(Number)
    if (held !== count) throw new Error(`${held} of ${count} events were taken in`)
    await page.waitForTimeout(1_000)
    const heldMiB = (await heldBytes(page)) / 2 ** 20
    const columnsMiB = Number(await page.getAttribute('html', 'data-bytes')) / 2 ** 20

    const move = async (step: string): Promise<Frame> => {
      const read = async (): Promise<[number, number]> => [
        Number(await page.getAttribute('#map', 'data-frames')),
        Number(await page.getAttribute('#map', 'data-frame-ms')),
      ]
      await page.waitForTimeout(500)
      const [framesBefore, msBefore] = await read()
      const before = spent()
      await page.evaluate(`new Promise((resolve) => {
        const end = performance.now() + ${seconds * 1_000}; let turn = 0
        const step = () => { turn += 1; ${step}
          if (performance.now() < end) requestAnimationFrame(step); else resolve() }
        requestAnimationFrame(step) })`)
      const after = spent()
      const [framesAfter, msAfter] = await read()
      const frames = framesAfter - framesBefore
      const [ofPage, gpu, other] = [
        after.page - before.page,
        after.gpu - before.gpu,
        after.other - before.other,
      ]
      return {
        page: ofPage / frames,
        gpu: gpu / frames,
        total: (ofPage + gpu + other) / frames,
        script: (msAfter - msBefore) / frames,
      }
    }
    const shoot = async (name: string): Promise<void> => {
      if (values.shots !== undefined)
        await page.screenshot({ path: join(values.shots, `${count}-${name}.png`) })
    }
    const up = 'turn % 240 < 120 ? 1 : -1'
    await page.click('[aria-label="All of it"]')
    await shoot('all')
    const all = await move(wheel(`deltaY: ${up}`))
    await page.click('[aria-label="All of it"]')
    // From all of it down to the usual scale, at the newest end.
    await page.evaluate(`for (let i = 0; i < 42; i++) ${wheel('deltaY: i < 40 ? -120 : 120, ctrlKey: true')}`)
    await shoot('pan')
    const pan = await move(wheel(`deltaY: ${up}`))
    const zoom = await move(wheel('deltaY: turn % 60 < 30 ? 10 : -10, ctrlKey: true'))
    await shoot('zoom')
    return { count, seenS, checkedS, pan, zoom, all, columnsMiB, heldMiB }
  } finally {
    await browser.close()
    await server.stop()
  }
}

const words = ({ page, gpu, total, script }: Frame): string =>
  `${total.toFixed(1).padStart(6)} = ${page.toFixed(1)} page + ${gpu.toFixed(1)} gpu + …, script ${script.toFixed(2)}`

const all: Measured[] = []
try {
  console.log(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} of them; Node ${process.versions.node}; software GL; ${size} members; CPU ms a frame`,
  )
  for (const count of counts.toSorted((a, b) => a - b)) {
    const m = await measure(count)
    all.push(m)
    console.log(`${String(count).padStart(9)} events: seen after ${m.seenS.toFixed(1)} s, checked after ${m.checkedS.toFixed(1)} s; held ${m.heldMiB.toFixed(1)} MiB, of which columns ${m.columnsMiB.toFixed(1)}
          pan  ${words(m.pan)}
          zoom ${words(m.zoom)}
          all  ${words(m.all)}`)
  }
} finally {
  if (values.keep === undefined) rmSync(folder, { recursive: true, force: true })
}
const [first, last] = [all[0]!, all.at(-1)!]
const times = (kind: 'pan' | 'zoom' | 'all'): string =>
  `${kind} ${(last[kind].total / first[kind].total).toFixed(2)}`
console.log(
  `frame cost from ${first.count} to ${last.count} events, times: ${times('pan')}, ${times('zoom')}, ${times('all')}`,
)
console.log(
  `memory held at ${last.count} events: ${((last.heldMiB * 2 ** 20) / 1e6).toFixed(1)} MB (page and checker, heap and array buffers)`,
)
