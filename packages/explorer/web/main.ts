// The page: asks where it is (a node, a testnet, a file), starts the checker, and does what people ask for.
import { batch as together } from '@preact/signals'
import { render } from 'preact'
import type { Mark } from '../src/model/frames.ts'
import { firstAtRow } from '../src/model/scene.ts'
import { createStore } from '../src/model/store.ts'
import { lieOfRefusal } from '../src/verify/verdict.ts'
import { createState, type Actions, type State } from '../src/view/state.ts'
import { grouped } from '../src/view/format.ts'
import { h } from '../src/view/parts.ts'
import { Shell } from '../src/view/shell.ts'
import { createCharts } from './charts.ts'
import { createControl, type Control } from './control.ts'
import { createLog } from './log.ts'
import { createMap } from './map.ts'
import { createAsking, type Asking } from './nodes.ts'
import { createPlayer } from './player.ts'
import { toVNode } from './tree.ts'
import type { Detail, FromChecker, Proved, Source, ToChecker } from './protocol.ts'

interface Config {
  readonly nodes: readonly Source[]
  readonly control: { readonly url: string; readonly token: string } | null
  readonly file: { readonly name: string; readonly url: string } | null
}

const THEME = 'hearsay-theme'

function wantsDark(): boolean {
  const kept = localStorage.getItem(THEME)
  return kept === null ? matchMedia('(prefers-color-scheme: dark)').matches : kept === 'dark'
}

const state: State = createState(wantsDark())
let checker: Worker | undefined
let asking: Asking | undefined
let control: Control | undefined
let config: Config = { nodes: [], control: null, file: null }
let requests = 0
const answers = new Map<number, (value: unknown) => void>()
const token = (): string => sessionStorage.getItem('hearsay-token') ?? ''

type Question =
  | { readonly kind: 'detail'; readonly index: number; readonly reasons: boolean }
  | { readonly kind: 'prove'; readonly proof: unknown }

function ask<T>(question: Question): Promise<T> {
  return new Promise((resolve) => {
    requests += 1
    answers.set(requests, resolve as (value: unknown) => void)
    const message: ToChecker = { ...question, request: requests }
    checker?.postMessage(message)
  })
}

const fail = (words: string): void => void (state.failed.value = words)

const map = createMap(state, (index) => actions.select(index), moveSelection)
const charts = createCharts(state)
const player = createPlayer(state, map)
const log = createLog({
  state,
  detail: (index) => ask<Detail | undefined>({ kind: 'detail', index, reasons: false }),
  prove: (proof) => ask<Proved>({ kind: 'prove', proof }),
  base: () => config.nodes[0]?.url,
  token,
})

/** What was opened last, to open it once more. */
let openedFile: Extract<ToChecker, { kind: 'file' }> | undefined
let sawDraft = false

function onMessage({ data }: MessageEvent<FromChecker>): void {
  switch (data.kind) {
    case 'draft': {
      const store = state.store.value
      if (store === undefined) return
      store.sketch(data.linked)
      sawDraft = true
      return together(() => {
        state.shown.value = store.count()
        state.version.value += 1
        state.loading.value = `${grouped(store.count())} events looked at`
      })
    }
    case 'drafted':
      document.documentElement.dataset['drafted'] = `${data.events} ${Math.round(data.tookMs)}`
      return actions.fit()
    case 'opened': {
      const { opened } = data
      return together(() => {
        state.opened.value = opened
        state.store.value = createStore(opened.members)
        state.marks.value = [...opened.marks]
        state.failed.value = ''
      })
    }
    case 'batch': {
      const store = state.store.value
      if (store === undefined) return
      return together(() => {
        const before = store.checked()
        if (!store.apply(data.batch)) {
          // The file is not what it looked like: without a first look, then.
          if (openedFile !== undefined) startChecker({ ...openedFile, draft: false })
          return
        }
        if (state.play.value === 'live') state.shown.value = store.count()
        state.version.value += 1
        const forged = data.batch.refusals.map(lieOfRefusal)
        const fresh = forged.filter(
          ({ node, derived }) =>
            !state.lies.value.some((lie) => lie.node === node && lie.derived === derived),
        )
        if (fresh.length > 0) state.lies.value = [...state.lies.value, ...fresh]
        for (const { member, at } of data.batch.branchings)
          addMark({
            at: Math.max(at, before),
            kind: 'violation',
            text: `${store.members[member]!.name} branches`,
          })
        if (data.sources.some(({ isPruned }) => isPruned))
          fail(
            'The journal of this node was pruned, it begins later than the network: the order cannot be derived from its beginning here. Open the page of a node that keeps all of it; single transactions can be checked with: hearsay proof',
          )
        state.share.value = data.share
        if (config.file !== null && data.share < 1)
          state.loading.value = `${grouped(store.checked())} events checked, ${Math.floor(100 * data.share)} %`
        log.refresh()
      })
    }
    case 'loaded': {
      state.loading.value = ''
      state.share.value = 1
      document.documentElement.dataset['bytes'] = String(state.store.value?.bytes() ?? 0)
      document.documentElement.dataset['loaded'] = `${data.events} ${Math.round(data.tookMs)}`
      const violation = state.opened.value?.violation
      if (violation === undefined || violation === null) return sawDraft ? undefined : actions.fit()
      player.seek(violation.at)
      state.scale.value = 18
      return map.wake()
    }
    case 'answer': {
      answers.get(data.request)?.(data.value)
      answers.delete(data.request)
      return undefined
    }
    case 'failed':
      state.loading.value = ''
      return fail(data.message)
  }
}

/** A checker of its own for whatever is opened: nothing of what was before is left in it. */
function startChecker(message: ToChecker): void {
  checker?.terminate()
  asking?.stop()
  control?.stop()
  control = undefined
  answers.clear()
  openedFile = message.kind === 'file' ? message : undefined
  sawDraft = false
  together(() => {
    state.store.value = undefined
    state.opened.value = undefined
    state.lies.value = []
    state.nodes.value = []
    state.selected.value = undefined
    state.selectedIndex.value = -1
    state.hovered.value = -1
    state.proofs.value = new Map()
    state.log.value = []
    state.faults.value = []
    state.play.value = 'live'
    state.shown.value = 0
    state.isFile.value = message.kind === 'file'
    state.share.value = message.kind === 'file' ? 0 : 1
    state.failed.value = ''
  })
  map.reset()
  log.reset()
  checker = new Worker('./engine.js', { type: 'module' })
  checker.addEventListener('message', onMessage)
  checker.addEventListener('error', (event) => fail(`the checker has failed: ${event.message}`))
  checker.postMessage(message)
}

function openFile(file: File): void {
  config = { nodes: [], control: null, file: { name: file.name, url: '' } }
  state.hasControl.value = false
  startChecker({ kind: 'file', name: file.name, blob: file, draft: true })
}

function addMark(mark: Mark): void {
  state.marks.value = [...state.marks.value.slice(-199), mark]
}

function moveSelection(step: 'up' | 'down' | 'left' | 'right'): void {
  const store = state.store.value
  if (store === undefined || store.count() === 0) return
  const from = state.selectedIndex.value
  if (from < 0) return actions.select(state.shown.value - 1)
  const lane = store.lanes()[store.laneOf(from)]!
  const to = (index: number): void => {
    if (index >= 0 && index < state.shown.value) actions.select(index)
  }
  if (step === 'up' || step === 'down') {
    const at = firstAtRow(store, lane.events, store.rowOf(from)) + (step === 'up' ? 1 : -1)
    return to(at >= 0 && at < lane.events.length() ? lane.events.get(at) : -1)
  }
  const others = store.lanes().length
  const { events } = store.lanes()[(store.laneOf(from) + (step === 'right' ? 1 : others - 1)) % others]!
  const at = firstAtRow(store, events, store.rowOf(from))
  const level = at < events.length() ? events.get(at) : -1
  to(level >= 0 && level < state.shown.value ? level : at > 0 ? events.get(at - 1) : -1)
}

async function submit(text: string): Promise<void> {
  const url = config.nodes[0]?.url ?? ''
  state.submitted.value = 'on its way …'
  const began = performance.now()
  try {
    const headers: Record<string, string> = token() === '' ? {} : { Authorization: `Bearer ${token()}` }
    const answer = await fetch(`${url}/v1/tx?timeout=30s`, { method: 'POST', body: text, headers })
    const receipt = (await answer.json()) as {
      state?: string
      position?: number
      reason?: string | null
      detail?: string
    }
    if (!answer.ok) throw new Error(receipt.detail ?? `${answer.status}`)
    const took = `${Math.round(performance.now() - began)} ms`
    state.submitted.value =
      receipt.position === undefined
        ? `${receipt.state ?? ''}: ${receipt.reason ?? 'not final yet; it stays submitted'}`
        : `final as #${receipt.position} in ${took}`
  } catch (error) {
    state.submitted.value = `not submitted: ${(error as Error).message}`
  }
}

const actions: Actions = {
  select: (index) => {
    state.selectedIndex.value = index
    const store = state.store.value
    if (store === undefined || index < 0) return
    state.tab.value = 'event'
    if (index >= state.shown.value) player.seek(store.count())
    map.show(index)
    void ask<Detail | undefined>({ kind: 'detail', index, reasons: true }).then((detail) => {
      if (detail !== undefined && state.selectedIndex.value === index) state.selected.value = detail
    })
  },
  selectId: (id) => {
    const found = state.store.value?.findId(id.slice(0, 16)) ?? -1
    if (found >= 0) actions.select(found)
    else fail(`${id.slice(0, 16)}… is not held here`)
  },
  play: player.play,
  pause: player.pause,
  live: player.live,
  step: player.step,
  seek: player.seek,
  jump: (text) => {
    const found = player.find(text)
    if (found === undefined)
      return fail(
        `${text}: a round (round 12), a transaction (#97), a time (14:03:20) or the beginning of an id`,
      )
    if (found.index < 0) return fail(`${text}: there is none, or not yet`)
    state.failed.value = ''
    actions.select(found.index)
  },
  zoom: map.zoom,
  fit: map.fit,
  logTo: log.to,
  search: (text) => {
    const position = player.findInLog(text)
    const store = state.store.value
    if (store === undefined || position < 0) return fail(`${text}: nothing like that is in the log`)
    state.failed.value = ''
    log.to(position)
    const index = store.ordered(store.orderOfPosition(position))
    state.selectedIndex.value = index
    map.show(index)
  },
  submit: (text) => void submit(text),
  fault: (wanted) => void control?.order(wanted),
  toggleTheme: () => {
    state.isDark.value = !state.isDark.value
    localStorage.setItem(THEME, state.isDark.value ? 'dark' : 'light')
    applyTheme()
  },
  mountMap: (element) => map.mount(element as HTMLElement | null),
  mountCharts: (element) => charts.mount(element as HTMLElement | null),
  openFile: () => {
    const input = document.createElement('input')
    input.type = 'file'
    input.addEventListener('change', () => {
      const [file] = input.files ?? []
      if (file !== undefined) openFile(file)
    })
    input.click()
  },
}

function applyTheme(): void {
  document.documentElement.dataset['theme'] = state.isDark.value ? 'dark' : 'light'
}

function acceptDrops(): void {
  addEventListener('dragover', (event) => {
    event.preventDefault()
    document.documentElement.dataset['drop'] = 'yes'
  })
  addEventListener('dragleave', () => delete document.documentElement.dataset['drop'])
  addEventListener('drop', (event) => {
    event.preventDefault()
    delete document.documentElement.dataset['drop']
    const [file] = event.dataTransfer?.files ?? []
    if (file !== undefined) openFile(file)
  })
}

async function getJson<T>(url: string): Promise<T> {
  const headers: Record<string, string> = token() === '' ? {} : { Authorization: `Bearer ${token()}` }
  const answer = await fetch(url, { headers })
  if (answer.status === 401) {
    const given = prompt('This node asks for a token (hearsay token):') ?? ''
    if (given === '') throw new Error('this node asks for a token')
    sessionStorage.setItem('hearsay-token', given)
    return getJson(url)
  }
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`)
  return (await answer.json()) as T
}

async function begin(): Promise<void> {
  config = await getJson<Config>('./config.json')
  if (config.file !== null)
    return startChecker({
      kind: 'file',
      name: config.file.name,
      url: new URL(config.file.url, location.href).href,
      draft: true,
    })
  // The node that the page comes from stands first: it is asked what only one need answer.
  const own = await getJson<{ name: string }>('/v1/status')
  const here = { name: own.name, url: location.origin }
  const others = config.nodes.filter(({ name }) => name !== own.name)
  config = { ...config, nodes: [here, ...others] }
  const genesis = await getJson<unknown>('/v1/genesis')
  state.hasControl.value = config.control !== null
  startChecker({ kind: 'live', genesis, sources: config.nodes, token: token() })
  asking = createAsking({ sources: config.nodes, token, state })
  asking.start()
  if (config.control !== null) control = createControl(config.control, state)
}

applyTheme()
acceptDrops()
render(toVNode(h(Shell, { state, actions })), document.getElementById('page')!)
begin().catch((error: unknown) => fail(error instanceof Error ? error.message : String(error)))
