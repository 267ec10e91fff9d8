/**
 * Columns that grow without ever being copied: chunks of 65,536 numbers. Doubling one large array would for a moment need twice
 * its memory, which at a million events is what the page has for everything.
 */

const CHUNK_BITS = 16
const CHUNK = 1 << CHUNK_BITS
const MASK = CHUNK - 1

export type Numbers = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float32Array | Float64Array

export interface Column {
  get(index: number): number
  set(index: number, value: number): void
  push(value: number): void
  length(): number
  bytes(): number
}

function createColumn(make: (length: number) => Numbers): Column {
  const chunks: Numbers[] = []
  let length = 0
  const room = (index: number): Numbers => {
    const at = index >>> CHUNK_BITS
    while (chunks.length <= at) chunks.push(make(CHUNK))
    return chunks[at]!
  }
  return {
    get: (index) => chunks[index >>> CHUNK_BITS]?.[index & MASK] ?? 0,
    set: (index, value) => {
      room(index)[index & MASK] = value
      if (index >= length) length = index + 1
    },
    push: (value) => {
      room(length)[length & MASK] = value
      length += 1
    },
    length: () => length,
    bytes: () => chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0),
  }
}

export const bytes8 = (): Column => createColumn((length) => new Uint8Array(length))
export const bytes16 = (): Column => createColumn((length) => new Uint16Array(length))
export const whole = (): Column => createColumn((length) => new Uint32Array(length))
export const signed = (): Column => createColumn((length) => new Int32Array(length))
export const double = (): Column => createColumn((length) => new Float64Array(length))

/** A short list that grows by itself: for lanes, of which there are few and which differ much in length. */
export interface Growing {
  values: Uint32Array
  length: number
}

export const createGrowing = (): Growing => ({ values: new Uint32Array(64), length: 0 })

export function grow(list: Growing, value: number): void {
  if (list.length === list.values.length) {
    const more = new Uint32Array(list.values.length + Math.max(64, list.values.length >> 1))
    more.set(list.values)
    list.values = more
  }
  list.values[list.length] = value
  list.length += 1
}
