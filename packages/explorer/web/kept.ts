// Decides how an event's bytes are found again: the newest are kept, older ones are read once more from where they came.
import { createFrameReader } from '../src/model/frames.ts'
import { createColumn } from '../src/model/chunks.ts'

/** What of nodes may be asked for at once stays in memory up to here. */
export const KEPT_BYTES: number = 4 * 1024 * 1024

/** Reads from a place on, `limit` bytes of a file. */
export type ReadAt = (cursor: number, limit?: number) => Promise<ReadableStream<Uint8Array>>

/** Most events are shorter. */
const FIRST_READ = 4_096

async function readFrame(read: ReadAt, before: number, limit?: number): Promise<Uint8Array | undefined> {
  const reader = (await read(before, limit)).getReader()
  const frames = createFrameReader(before)
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return undefined
      const [frame] = frames.push(value)
      if (frame !== undefined) return frame.bytes
    }
  } finally {
    await reader.cancel()
  }
}

export interface Kept {
  keep(index: number, bytes: Uint8Array, source: number, before: number): void
  bytesOf(index: number): Promise<Uint8Array | undefined>
  /** Where an event begins in the stream that it came from. */
  cursorOf(index: number): number
}

/** `mostBytes` stay in memory: none of a file, which lies there. */
export function createKept(readers: readonly ReadAt[], mostBytes: number): Kept {
  const cursors = createColumn()
  const sources = createColumn()
  const newest = new Map<number, Uint8Array>()
  let oldest = 0
  let held = 0
  return {
    cursorOf: cursors.get,
    keep: (index, bytes, source, before) => {
      cursors.set(index, before)
      sources.set(index, source)
      if (mostBytes === 0) return
      if (newest.size === 0) oldest = index
      newest.set(index, bytes)
      held += bytes.length
      for (; held > mostBytes; oldest++) {
        held -= newest.get(oldest)?.length ?? 0
        newest.delete(oldest)
      }
    },
    bytesOf: async (index) => {
      const found = newest.get(index)
      if (found !== undefined) return found
      const read = readers[sources.get(index)]
      if (read === undefined || index >= cursors.length()) return undefined
      const before = cursors.get(index)
      return (await readFrame(read, before, FIRST_READ)) ?? (await readFrame(read, before))
    },
  }
}
