/**
 * The stream of signed events and the file made of it. An event stands behind its length (4 bytes, big-endian) and the cursor
 * behind it (6); a length of 0 says only how far the stream is. A file begins with a line that says so, the length of its
 * header (4) and the header as JSON.
 */
import { readUint32, readUint48 } from '@hearsay/dag'

export const FRAME_HEAD = 10
/** The first bytes of a file. */
export const FILE_MAGIC = 'hearsay.events.1\n'
/** Longer than any event: a stream that says more is not one. */
const MOST_BYTES = 1 << 20

export interface Frame {
  readonly bytes: Uint8Array
  readonly before: number
  readonly after: number
}

export interface FrameReader {
  /** The events that this piece completes, as copies. */
  push(piece: Uint8Array): Frame[]
  /** Where to go on: behind the last event that was complete. */
  cursor(): number
  /** Bytes of an event that is not whole yet. */
  rest(): number
}

export function createFrameReader(from: number): FrameReader {
  let held = new Uint8Array(0)
  let cursor = from
  return {
    push: (piece) => {
      const bytes = held.length === 0 ? piece : new Uint8Array(held.length + piece.length)
      if (held.length > 0) {
        bytes.set(held)
        bytes.set(piece, held.length)
      }
      const frames: Frame[] = []
      let at = 0
      while (at + FRAME_HEAD <= bytes.length) {
        const length = readUint32(bytes, at)
        if (length > MOST_BYTES) throw new Error(`an event of ${length} bytes: this is no stream of events`)
        if (at + FRAME_HEAD + length > bytes.length) break
        const after = readUint48(bytes, at + 4)
        const start = at + FRAME_HEAD
        if (length > 0) frames.push({ bytes: bytes.slice(start, start + length), before: cursor, after })
        cursor = after
        at = start + length
      }
      held = bytes.slice(at)
      return frames
    },
    cursor: () => cursor,
    rest: () => held.length,
  }
}

/** A thing that happened beside the events: a fault, a repair, a broken promise. */
export interface Mark {
  /** Events that there were by then. */
  readonly at: number
  readonly kind: 'fault' | 'repair' | 'violation' | 'note'
  readonly text: string
}

/** What a file says of itself. */
export interface FileHeader {
  readonly genesis: unknown
  readonly title: string
  /** Signatures are not real ones: they are a simulator's. */
  readonly unsigned?: boolean
  readonly marks?: readonly Mark[]
  readonly violation?: { readonly invariant: string; readonly message: string; readonly at: number }
  /** Hashes of ledgers that are claimed for a round. */
  readonly claims?: readonly { readonly node: string; readonly round: number; readonly hash: string }[]
}
