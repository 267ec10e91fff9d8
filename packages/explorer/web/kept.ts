// Decides how an event's bytes are found again: the newest are kept, older ones are read once more from where they came.
import { createFrameReader } from '../src/model/frames.ts'
import { bytes8, double } from '../src/model/chunks.ts'

/** What may be asked for at once stays in memory up to here. */
const KEPT_BYTES = 4 * 1024 * 1024

/** Reads a frame that begins at a place. */
export type ReadAt = (cursor: number) => Promise<ReadableStream<Uint8Array>>

export interface Kept {
  keep(index: number, bytes: Uint8Array, source: number, before: number): void
  bytesOf(index: number): Promise<Uint8Array | undefined>
}

export function createKept(readers: readonly ReadAt[]): Kept {
  const cursors = double()
  const sources = bytes8()
  const newest = new Map<number, Uint8Array>()
  let held = 0
  return {
    keep: (index, bytes, source, before) => {
      cursors.set(index, before)
      sources.set(index, source)
      newest.set(index, bytes)
      held += bytes.length
      for (const [oldest, old] of newest) {
        if (held <= KEPT_BYTES) break
        newest.delete(oldest)
        held -= old.length
      }
    },
    bytesOf: async (index) => {
      const found = newest.get(index)
      if (found !== undefined) return found
      const before = cursors.get(index)
      const stream = await readers[sources.get(index)]?.(before)
      if (stream === undefined) return undefined
      const reader = stream.getReader()
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
    },
  }
}
