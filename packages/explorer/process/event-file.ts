// Writes a file of signed events that the page opens: what it is, then the events as a node streams them (src/model/frames.ts).
import { closeSync, openSync, writeSync } from 'node:fs'
import { FILE_MAGIC, FRAME_HEAD, type FileHeader } from '../src/model/frames.ts'

export interface EventFileOptions {
  readonly path: string
  readonly header: FileHeader
  /** Parents first. */
  readonly events: Iterable<Uint8Array>
}

const WRITE_BYTES = 1 << 20

/** Gives the number of events. */
export function writeEventFile({ path, header, events }: EventFileOptions): number {
  const fd = openSync(path, 'w', 0o600)
  let count = 0
  let cursor = 0
  let pieces: Buffer[] = []
  let held = 0
  const flush = (): void => {
    const whole = Buffer.concat(pieces)
    for (let at = 0; at < whole.length;) at += writeSync(fd, whole, at)
    pieces = []
    held = 0
  }
  const put = (bytes: Buffer): void => {
    pieces.push(bytes)
    held += bytes.length
    cursor += bytes.length
    if (held >= WRITE_BYTES) flush()
  }
  try {
    const text = Buffer.from(JSON.stringify(header))
    const size = Buffer.alloc(4)
    size.writeUInt32BE(text.length)
    put(Buffer.concat([Buffer.from(FILE_MAGIC), size, text]))
    for (const event of events) {
      const framed = Buffer.alloc(FRAME_HEAD + event.length)
      framed.writeUInt32BE(event.length, 0)
      framed.writeUIntBE(cursor + framed.length, 4, 6)
      framed.set(event, FRAME_HEAD)
      put(framed)
      count += 1
    }
    flush()
  } finally {
    closeSync(fd)
  }
  return count
}
