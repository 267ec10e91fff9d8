/**
 * Adds up, for every column of a list of bit sets, the weight of the sets that contain it. Nothing here knows what
 * is counted.
 *
 * With equal weights the counts are made for 32 columns at once: they stand bit-sliced in planes (plane i holds bit i
 * of every column's count), and eight sets at a time are added by a tree of carry-save adders, about six operations
 * per set and word. With unequal weights the columns are added one by one; sums stay exact below 2^53.
 */

/** Enough for counts up to 2^16 − 1. */
const PLANES = 16
export const MAX_SETS = 0xffff

/** Fixed-shape record: scratch of one engine. */
export class Counter {
  /** Where each set begins. Places after the last are filled up by `count` with 0, where an empty set must be. */
  offsets: Int32Array = new Int32Array(16)
  /** What each set weighs; read with unequal weights only. */
  weights: Float64Array = new Float64Array(16)
  /** For sets that have to be made; the first one stays empty. */
  made: Int32Array = new Int32Array(0)
  planes: Int32Array = new Int32Array(PLANES)
  sums: Float64Array = new Float64Array(32)
}

export function reserve(c: Counter, sets: number, words: number): void {
  if (sets > MAX_SETS) throw new Error(`invariant: ${sets} sets are too many to count`)
  if (c.offsets.length < sets + 8) {
    c.offsets = new Int32Array(2 * sets + 8)
    c.weights = new Float64Array(2 * sets + 8)
  }
  if (c.made.length < (sets + 1) * words) c.made = new Int32Array((sets + 1) * words)
  if (c.planes.length < words * PLANES) {
    c.planes = new Int32Array(words * PLANES)
    c.sums = new Float64Array(words * 32)
  }
}

export function popcount(x: number): number {
  x -= (x >>> 1) & 0x55555555
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333)
  return (((x + (x >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24
}

/** Counts the columns of one word of the first `count` sets, which are filled up to a multiple of eight. */
function countWord(c: Counter, sets: Int32Array, count: number, word: number): void {
  const { offsets, planes } = c
  const at = word * PLANES
  let p0 = 0
  let p1 = 0
  let p2 = 0
  for (let i = 3; i < PLANES; i++) planes[at + i] = 0
  for (let i = 0; i < count; i += 8) {
    const a = sets[offsets[i]! + word]!
    const b = sets[offsets[i + 1]! + word]!
    const d = sets[offsets[i + 2]! + word]!
    const e = sets[offsets[i + 3]! + word]!
    const g = sets[offsets[i + 4]! + word]!
    const h = sets[offsets[i + 5]! + word]!
    const k = sets[offsets[i + 6]! + word]!
    const l = sets[offsets[i + 7]! + word]!
    // ones: (p0, a, b), (·, d, e), (·, g, h), (·, k, l)
    let half = p0 ^ a
    const c0 = (p0 & a) | (half & b)
    p0 = half ^ b
    half = p0 ^ d
    const c1 = (p0 & d) | (half & e)
    p0 = half ^ e
    half = p0 ^ g
    const c2 = (p0 & g) | (half & h)
    p0 = half ^ h
    half = p0 ^ k
    const c3 = (p0 & k) | (half & l)
    p0 = half ^ l
    // twos
    half = p1 ^ c0
    const t0 = (p1 & c0) | (half & c1)
    p1 = half ^ c1
    half = p1 ^ c2
    const t1 = (p1 & c2) | (half & c3)
    p1 = half ^ c3
    // fours
    half = p2 ^ t0
    let carry = (p2 & t0) | (half & t1)
    p2 = half ^ t1
    for (let i = at + 3; carry !== 0; i++) {
      const plane = planes[i]!
      planes[i] = plane ^ carry
      carry &= plane
    }
  }
  planes[at] = p0
  planes[at + 1] = p1
  planes[at + 2] = p2
}

function addWord(c: Counter, sets: Int32Array, count: number, word: number): void {
  const { offsets, weights, sums } = c
  const at = word * 32
  for (let k = 0; k < 32; k++) sums[at + k] = 0
  for (let i = 0; i < count; i++) {
    const weight = weights[i]!
    for (let bits = sets[offsets[i]! + word]!; bits !== 0; bits &= bits - 1) {
      sums[at + 31 - Math.clz32(bits & -bits)]! += weight
    }
  }
}

/** Counts the columns of the first `count` sets. The set at offset 0 must be empty. */
export function countColumns(
  c: Counter,
  sets: Int32Array,
  count: number,
  words: number,
  equal: boolean,
): void {
  if (!equal) {
    for (let word = 0; word < words; word++) addWord(c, sets, count, word)
    return
  }
  const { offsets } = c
  for (let i = count; (i & 7) !== 0; i++) offsets[i] = 0
  for (let word = 0; word < words; word++) countWord(c, sets, count, word)
}

/** The columns of one word whose sum is at least `least` (an integer >= 1). */
export function columnsAtLeast(c: Counter, word: number, least: number, equal: boolean): number {
  if (!equal) {
    const { sums } = c
    const at = word * 32
    let set = 0
    for (let k = 0; k < 32; k++) if (sums[at + k]! >= least) set |= 1 << k
    return set
  }
  const { planes } = c
  const at = word * PLANES
  let atLeast = -1
  for (let i = 0; i < PLANES; i++) {
    atLeast = ((least >>> i) & 1) === 1 ? atLeast & planes[at + i]! : atLeast | planes[at + i]!
  }
  return atLeast
}

/** The weight of the members in a set. */
export function weightOf(
  sets: Int32Array,
  offset: number,
  words: number,
  weights: Float64Array,
  equal: boolean,
): number {
  let sum = 0
  for (let word = 0; word < words; word++) {
    let bits = sets[offset + word]!
    if (equal) {
      sum += popcount(bits)
    } else {
      for (; bits !== 0; bits &= bits - 1) sum += weights[word * 32 + 31 - Math.clz32(bits & -bits)]!
    }
  }
  return sum
}
