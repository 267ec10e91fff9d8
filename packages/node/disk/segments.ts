// Decides how segment files are named and laid out in a directory, and what is known of a segment while the program runs.
import { join } from 'node:path'
import { crc32 as zlibCrc32 } from 'node:zlib'
import {
  type Crc32,
  encodeSegmentHeader,
  parseSegmentHeader,
  type SegmentPurpose,
  segmentHeaderBytes,
} from '../src/record-format.ts'
import type { Files } from './files.ts'

export const crc32: Crc32 = (bytes, seed) => zlibCrc32(bytes, seed)

/** Where the segments of one kind are: `<dir>/journal/journal-000001.hsj`, `<dir>/ledger/ledger-000001.hsl`. */
export type Layout = { readonly purpose: SegmentPurpose; readonly directory: string }

export type Segment = {
  readonly number: number
  readonly base: number
  readonly path: string
  readonly header: Uint8Array
  readonly seed: number
  /** Bytes in use from the start of the file, header included, buffered ones too. */
  size: number
}

export type OnRecord = (kind: number, payload: Uint8Array, offset: number) => void

export function layoutOf(dir: string, purpose: SegmentPurpose): Layout {
  return { purpose, directory: join(dir, purpose) }
}

export function segmentPath(layout: Layout, number: number): string {
  return join(layout.directory, `${layout.purpose}-${String(number).padStart(6, '0')}.hs${layout.purpose[0]}`)
}

/** Numbers of the segments in the directory, ascending. Files with other names are nobody's business here. */
export function listSegments(files: Files, layout: Layout): number[] {
  const pattern = new RegExp(`^${layout.purpose}-(\\d{6,})\\.hs${layout.purpose[0]}$`)
  const numbers: number[] = []
  for (const name of files.list(layout.directory)) {
    const digits = pattern.exec(name)?.[1]
    if (digits !== undefined) numbers.push(Number(digits))
  }
  return numbers.sort((a, b) => a - b)
}

/** A segment that holds nothing yet. */
export function planSegment(
  layout: Layout,
  networkId: Uint8Array,
  number: number,
  base: number,
  chain: number,
): Segment {
  const header = encodeSegmentHeader({ purpose: layout.purpose, networkId, number, base, chain }, crc32)
  const parsed = parseSegmentHeader(header, crc32)
  if (!parsed.ok) throw new Error(`invariant: a segment header does not read back: ${parsed.reason}`)
  const path = segmentPath(layout, number)
  return { number, base, path, header, seed: parsed.seed, size: segmentHeaderBytes }
}

/** Global offset at which a segment ends and the next one begins. */
export function endOf(segment: Segment): number {
  return segment.base + segment.size
}
