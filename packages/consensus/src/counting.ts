/**
 * Adds up, for every column of a list of bit sets, the weight of the sets that contain it; 32 columns (one word of each
 * set) at a time. Nothing here knows what is counted.
 *
 * With equal weights the 32 counts are made at once: they stand bit-sliced in planes (plane i holds bit i of every
 * column's count), and eight words at a time are added by a tree of carry-save adders, about six operations a word. With
 * unequal weights the columns are added one by one; sums stay exact below 2^53.
 */

/** Enough for counts up to 2^16 − 1. */
const PLANES = 16
const MAX_SETS = 0xffff

/** Fixed-shape record: scratch of one engine. */
export class Counter {
  /** Where each set begins, what it weighs (read with unequal weights only), and its word that is to be counted. */
  offsets: Int32Array = new Int32Array(16)
  weights: Float64Array = new Float64Array(16)
  column: Int32Array = new Int32Array(24)
  planes: Int32Array = new Int32Array(PLANES)
  planeCount = 0
  sums: Float64Array = new Float64Array(32)
}

export function reserve(c: Counter, sets: number): void {
  if (sets > MAX_SETS) throw new Error(`invariant: ${sets} sets are too many to count`)
  if (c.offsets.length >= sets) return
  c.offsets = new Int32Array(2 * sets)
  c.weights = new Float64Array(2 * sets)
  c.column = new Int32Array(2 * sets + 8)
}

export function popcount(x: number): number {
  x -= (x >>> 1) & 0x55555555
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333)
  return (((x + (x >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24
}

function countEqual(c: Counter, count: number): void {
  const { column, planes } = c
  for (let i = count; (i & 7) !== 0; i++) column[i] = 0
  const planeCount = Math.max(3, 32 - Math.clz32(count))
  c.planeCount = planeCount
  let p0 = 0
  let p1 = 0
  let p2 = 0
  for (let i = 3; i < planeCount; i++) planes[i] = 0
  for (let i = 0; i < count; i += 8) {
    const a = column[i]!
    const b = column[i + 1]!
    const d = column[i + 2]!
    const e = column[i + 3]!
    const g = column[i + 4]!
    const h = column[i + 5]!
    const k = column[i + 6]!
    const l = column[i + 7]!
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
    for (let i = 3; carry !== 0; i++) {
      const plane = planes[i]!
      planes[i] = plane ^ carry
      carry &= plane
    }
  }
  planes[0] = p0
  planes[1] = p1
  planes[2] = p2
}

function countWeighted(c: Counter, count: number): void {
  const { column, weights, sums } = c
  sums.fill(0)
  for (let i = 0; i < count; i++) {
    const weight = weights[i]!
    for (let bits = column[i]!; bits !== 0; bits &= bits - 1) sums[31 - Math.clz32(bits & -bits)]! += weight
  }
}

/** Counts the columns of the first `count` words in `column`. */
export function countColumn(c: Counter, count: number, equal: boolean): void {
  if (equal) countEqual(c, count)
  else countWeighted(c, count)
}

/** Puts one word of each of the first `count` sets into `column`, and counts. */
export function countWord(c: Counter, sets: Int32Array, count: number, word: number, equal: boolean): void {
  const { column, offsets } = c
  for (let i = 0; i < count; i++) column[i] = sets[offsets[i]! + word]!
  countColumn(c, count, equal)
}

/** The columns, of those just counted, whose sum is at least `least` (an integer >= 1). */
export function columnsAtLeast(c: Counter, least: number, equal: boolean): number {
  if (!equal) {
    const { sums } = c
    let set = 0
    for (let k = 0; k < 32; k++) if (sums[k]! >= least) set |= 1 << k
    return set
  }
  const { planes, planeCount } = c
  if (least >>> planeCount !== 0) return 0
  let atLeast = -1
  for (let i = 0; i < planeCount; i++) {
    atLeast = ((least >>> i) & 1) === 1 ? atLeast & planes[i]! : atLeast | planes[i]!
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
