// Opens a file of signed events: a first look at all of it if it is large, so that its map stands there in seconds, and behind that the
// check of every signature and of the order. It is read as a stream; of its events nothing stays but numbers and where they lie.
import { genesisFromJson, networkIdOf, type Genesis } from '@hearsay/dag'
import {
  createFrameReader,
  FILE_MAGIC,
  FRAME_HEAD,
  type FileHeader,
  type Frame,
} from '../src/model/frames.ts'
import { createDraft } from '../src/verify/draft.ts'
import { createChecking, type Checking, type Taken } from './checking.ts'
import type { ReadAt } from './kept.ts'
import type { FromChecker, ToChecker } from './protocol.ts'
import { createSignatureChecker, type SignatureChecker } from './signatures.ts'

/** A smaller file is checked before anybody could have looked at it. */
const DRAFT_BYTES = 512 << 10
const DRAFT_EVENTS = 131_072
/** Pieces whose signatures are checked while the order of the ones before is derived. */
const AHEAD = 4
const MOST_HEADER_BYTES = 64 << 20

export type FileMessage = Extract<ToChecker, { kind: 'file' }>

export function genesisOf(json: unknown): Genesis {
  const parsed = genesisFromJson(json)
  if (!parsed.ok) throw new Error(`the genesis is not sound: ${parsed.faults.join('; ')}`)
  return parsed.value
}

/** The first bytes of a stream, and the stream of what follows. */
async function headOf(stream: ReadableStream<Uint8Array>) {
  const reader = stream.getReader()
  let held = new Uint8Array(0)
  const need = async (count: number): Promise<boolean> => {
    while (held.length < count) {
      const { done, value } = await reader.read()
      if (done) return false
      const more = new Uint8Array(held.length + value.length)
      more.set(held)
      more.set(value, held.length)
      held = more
    }
    return true
  }
  const take = (count: number): Uint8Array => {
    const taken = held.slice(0, count)
    held = held.slice(count)
    return taken
  }
  return { need, take, rest: () => held, reader }
}

/** Reads from a place of the file on, and how long it is in all. */
export interface Opened {
  readonly streamFrom: ReadAt
  readonly totalBytes: number
  readonly whole: () => Promise<string>
}

async function openStream({ blob, url, name }: FileMessage): Promise<Opened> {
  if (blob !== undefined) {
    const streamFrom: ReadAt = async (from, limit) =>
      blob.slice(from, limit === undefined ? blob.size : from + limit).stream() as ReadableStream<Uint8Array>
    return { streamFrom, totalBytes: blob.size, whole: () => blob.text() }
  }
  const ask = async (from: number, limit?: number): Promise<Response> => {
    const range = `bytes=${from}-${limit === undefined ? '' : from + limit - 1}`
    const answer = await fetch(url!, { headers: { Range: range } })
    if (!answer.ok || answer.body === null) throw new Error(`${name}: ${answer.status}`)
    return answer
  }
  const first = await ask(0, 1)
  const totalBytes = Number(first.headers.get('Content-Range')?.split('/')[1] ?? 0)
  await first.body!.cancel()
  return {
    streamFrom: async (from, limit) => (await ask(from, limit)).body!,
    totalBytes,
    whole: async () => (await ask(0)).text(),
  }
}

export interface SignedFile extends Opened {
  readonly name: string
  readonly header: FileHeader
  readonly genesis: Genesis
  readonly signatures: SignatureChecker
  /** Where the events begin. */
  readonly start: number
}

/** What it is; the text of a file that is none of signed events. */
export async function readHeader(message: FileMessage): Promise<SignedFile | { readonly text: string }> {
  const { name } = message
  const opened = await openStream(message)
  const head = await headOf(await opened.streamFrom(0))
  try {
    const magic = new TextEncoder().encode(FILE_MAGIC)
    if (!(await head.need(magic.length + 4)) || !magic.every((byte, i) => head.rest()[i] === byte))
      return { text: await opened.whole() }
    head.take(magic.length)
    const size = new DataView(head.take(4).buffer).getUint32(0)
    if (size > MOST_HEADER_BYTES || !(await head.need(size)))
      throw new Error(`${name}: the file ends in its header`)
    const header = JSON.parse(new TextDecoder().decode(head.take(size))) as FileHeader
    const start = magic.length + 4 + size
    const [genesis, signatures] = [genesisOf(header.genesis), await createSignatureChecker()]
    return { ...opened, name, header, genesis, signatures, start }
  } finally {
    await head.reader.cancel()
  }
}

/** The frames of a file, piece by piece. Cursors are places in it, whatever the stream that it was made of said. */
async function* piecesOf(
  { streamFrom, start }: SignedFile,
  onEnd: (restBytes: number) => void = () => undefined,
): AsyncGenerator<readonly Frame[]> {
  const reader = (await streamFrom(start)).getReader()
  const frames = createFrameReader(start)
  let cursor = start
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      const found = frames.push(value)
      yield found.map((frame) => {
        const before = cursor
        cursor += FRAME_HEAD + frame.bytes.length
        return { ...frame, before, after: cursor }
      })
    }
  } finally {
    await reader.cancel()
  }
  onEnd(frames.rest())
}

/** The first look. Stops where the file is odd: the check says what is wrong with it. */
async function sketch(
  file: SignedFile,
  checking: Checking,
  tell: (message: FromChecker) => void,
): Promise<void> {
  const { suite } = file.signatures
  const draft = createDraft(file.genesis, networkIdOf(file.genesis, suite.sha256), suite.sha256)
  const began = performance.now()
  let told = 0
  const post = (): void => {
    told = draft.count()
    tell({ kind: 'draft', linked: draft.drain() })
  }
  for await (const frames of piecesOf(file)) {
    for (const { bytes, before } of frames) {
      if (!draft.take(bytes)) return
      checking.place(draft.count() - 1, before)
    }
    if (draft.count() - told >= DRAFT_EVENTS) post()
  }
  post()
  tell({ kind: 'drafted', events: draft.count(), tookMs: performance.now() - began })
}

export async function checkFile(
  file: SignedFile,
  withDraft: boolean,
  tell: (message: FromChecker) => void,
  onOpen: (checking: Checking) => void,
): Promise<void> {
  const { name, header, genesis, signatures, start, streamFrom, totalBytes } = file
  let cursor = start
  const checking = createChecking({
    genesis,
    signatures,
    isSigned: header.unsigned !== true,
    isFile: true,
    readers: [streamFrom],
    sources: () => [{ name, cursor, breaks: 0, isOpen: true, isPruned: false }],
    share: () => (totalBytes <= start ? 1 : Math.min(1, (cursor - start) / (totalBytes - start))),
    post: tell,
  })
  onOpen(checking)
  const isSketched = withDraft && totalBytes - start >= DRAFT_BYTES
  if (isSketched) await sketch(file, checking, tell)
  const began = performance.now()
  let rest = 0
  const underWay: { readonly taken: Taken; readonly after: number }[] = []
  const finish = async (): Promise<void> => {
    const { taken, after } = underWay.shift()!
    await checking.finish(taken)
    cursor = after
  }
  try {
    for await (const frames of piecesOf(file, (restBytes) => (rest = restBytes))) {
      underWay.push({ taken: checking.begin(frames, 0, name), after: frames.at(-1)?.after ?? cursor })
      if (underWay.length > AHEAD) await finish()
    }
  } finally {
    while (underWay.length > 0) await finish()
    checking.post(true)
  }
  if (rest > 0) tell({ kind: 'failed', message: `${name} ends in the middle of an event` })
  const waiting = checking.waitingCount()
  if (waiting > 0) {
    // What can be seen is shown, and that it is not checked.
    if (!isSketched && checking.linkedCount() === 0) await sketch(file, checking, tell)
    const message = `${name}: ${waiting} of its events name others that are not in it, so no order can be derived from them. A journal that was pruned begins so: open one that is whole`
    tell({ kind: 'failed', message })
  }
  tell({ kind: 'loaded', events: checking.linkedCount(), tookMs: performance.now() - began })
}
