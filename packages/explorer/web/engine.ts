// The checker's thread: reads the signed events, of nodes or of a file, and derives everything from them. Nothing else of the page
// decides what is true.
import { toHex, networkIdOf, type Genesis } from '@hearsay/dag'
import { explanationText } from '@hearsay/consensus'
import { createFrameReader, type FileHeader } from '../src/model/frames.ts'
import { idBytes, openAbstract } from '../src/verify/abstract.ts'
import { createChecking, type Checking } from './checking.ts'
import { checkFile, genesisOf, readHeader, type FileMessage } from './file.ts'
import type { ReadAt } from './kept.ts'
import type { FromChecker, OpenedView, Source, SourceState, ToChecker } from './protocol.ts'
import { createSignatureChecker } from './signatures.ts'

interface Scope {
  postMessage(message: FromChecker): void
  addEventListener(type: 'message', listener: (event: MessageEvent<ToChecker>) => void): void
}

const scope = globalThis as unknown as Scope
const RETRY_MS = 700

/** What can be asked, once something is open. */
interface Open {
  detail(index: number, reasons: boolean): Promise<unknown>
  prove(proof: unknown): unknown
}

let open: Open | undefined
const tell = (message: FromChecker): void => scope.postMessage(message)

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

async function openLive(genesisJson: unknown, sources: readonly Source[], token: string): Promise<void> {
  const genesis = genesisOf(genesisJson)
  const signatures = await createSignatureChecker()
  const headers: Record<string, string> = token === '' ? {} : { Authorization: `Bearer ${token}` }
  const states: Mutable<SourceState>[] = sources.map(({ name }) => ({
    name,
    cursor: 0,
    breaks: 0,
    isOpen: false,
    isPruned: false,
  }))
  const readers: ReadAt[] = sources.map(
    ({ url }) =>
      async (cursor) =>
        (await fetch(`${url}/v1/events?from=${cursor}&limit=1`, { headers })).body!,
  )
  const checking = createChecking({
    genesis,
    signatures,
    isSigned: true,
    isFile: false,
    readers,
    sources: () => states.map((state) => ({ ...state })),
    post: tell,
  })
  open = checking
  tell({ kind: 'opened', opened: openedView(genesis, signatures.suite.sha256, signatures.means) })

  async function follow(source: Source, at: number): Promise<void> {
    const state = states[at]!
    const answer = await fetch(`${source.url}/v1/events?follow=1&from=${state.cursor}`, { headers })
    if (!answer.ok || answer.body === null) {
      // A cursor of a journal that is another one now: from the beginning, what is known is passed over.
      if (answer.status === 400) state.cursor = 0
      return
    }
    state.isOpen = true
    const frames = createFrameReader(state.cursor)
    const reader = answer.body.getReader()
    for (let isFirst = true; ; isFirst = false) {
      const { done, value } = await reader.read()
      if (done) return
      const events = frames.push(value)
      if (isFirst && state.cursor === 0 && (events[0]?.before ?? frames.cursor()) > 0) state.isPruned = true
      await checking.take(events, at, source.name)
      state.cursor = frames.cursor()
      checking.post(false)
      flush(checking)
    }
  }

  for (const [at, source] of sources.entries()) {
    void (async () => {
      for (;;) {
        try {
          await follow(source, at)
        } catch (error) {
          // The node is away, or cut off: it is asked again, and the page says that it is silent.
          if (states[at]!.breaks === 0) console.info(`${source.name}: ${String(error)}`)
        }
        states[at]!.isOpen = false
        states[at]!.breaks += 1
        checking.post(true)
        await pause(RETRY_MS)
      }
    })()
  }
}

let flushing: ReturnType<typeof setTimeout> | undefined
/** What came last must be told as well when nothing follows it. */
function flush(checking: Checking): void {
  flushing ??= setTimeout(() => {
    flushing = undefined
    checking.post(true)
  }, 70)
}

function openedView(
  genesis: Genesis,
  sha256: (bytes: Uint8Array) => Uint8Array,
  means: string,
  header?: FileHeader,
): OpenedView {
  return {
    title: header?.title ?? '',
    networkId: toHex(networkIdOf(genesis, sha256)),
    members: genesis.members.map(({ id, name, weight }) => ({ id, name, weight })),
    isSigned: header?.unsigned !== true,
    means,
    marks: header?.marks ?? [],
    violation: header?.violation ?? null,
    claims: header?.claims ?? [],
    asExpected: null,
  }
}

async function openFile(message: FileMessage): Promise<void> {
  const file = await readHeader(message)
  if ('text' in file) return openJson(message.name, file.text)
  const { genesis, signatures, header } = file
  await checkFile(file, message.draft, tell, (checking) => {
    open = checking
    const title = header.title || message.name
    const opened = openedView(genesis, signatures.suite.sha256, signatures.means, { ...header, title })
    tell({ kind: 'opened', opened })
  })
}

const nameOf = (member: number): string => `m${member}`

function openJson(name: string, text: string): void {
  let file: unknown
  try {
    file = JSON.parse(text)
  } catch {
    throw new Error(`${name}: neither exported events nor JSON`)
  }
  if (typeof file === 'object' && file !== null && 'scenario' in file)
    throw new Error(
      `${name} says how a simulator's case is run, not what happened in it: open it with  hearsay explorer ${name}`,
    )
  const began = performance.now()
  const { members, batch, ids, engine, asExpected } = openAbstract(file)
  open = {
    prove: () => ({ ok: false, reason: 'there are no proofs of an abstract graph', signers: [], event: '' }),
    detail: async (index) => {
      const explanation = engine.explain(idBytes(ids[index] ?? ''))
      if (explanation === undefined) return undefined
      const { id, creator, selfParent, otherParents, birthRound, timestamp } = explanation
      return {
        index,
        id,
        creator: nameOf(creator),
        sequence: 0,
        birthRound,
        timestamp,
        sizeBytes: 0,
        selfParent,
        otherParents: otherParents.map((each) => ({ id: each, creator: '' })),
        transactions: [],
        signature: 'none',
        why: explanationText(explanation, { member: nameOf }),
      }
    },
  }
  tell({
    kind: 'opened',
    opened: {
      title: name,
      networkId: '',
      members,
      isSigned: false,
      means: 'none',
      marks: [],
      violation: null,
      claims: [],
      asExpected: asExpected ?? null,
    },
  })
  tell({ kind: 'batch', batch, sources: [], waiting: 0, share: 1 })
  tell({ kind: 'loaded', events: ids.length, tookMs: performance.now() - began })
}

const fail = (error: unknown): void =>
  tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) })

scope.addEventListener('message', ({ data }) => {
  switch (data.kind) {
    case 'live':
      return void openLive(data.genesis, data.sources, data.token).catch(fail)
    case 'file':
      return void openFile(data).catch(fail)
    case 'detail':
      return void (open?.detail(data.index, data.reasons) ?? Promise.resolve(undefined)).then(
        (value) => tell({ kind: 'answer', request: data.request, value }),
        (error: unknown) => {
          tell({ kind: 'answer', request: data.request, value: undefined })
          fail(error)
        },
      )
    case 'prove':
      return tell({ kind: 'answer', request: data.request, value: open?.prove(data.proof) })
  }
})
