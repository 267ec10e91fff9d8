/**
 * How many events of a lane stand in each stretch of rows, on two scales: so that a million events zoomed out to one picture cost
 * as much as a thousand.
 */
const FINE_ROWS = 32
const COARSE = 64
const COARSE_ROWS: number = FINE_ROWS * COARSE

export interface Density {
  add(row: number): void
  /** Events in rows from … to, by whole stretches. */
  count(from: number, to: number): number
  bytes(): number
}

function widened(list: Uint32Array<ArrayBuffer>, at: number): Uint32Array<ArrayBuffer> {
  if (at < list.length) return list
  const more = new Uint32Array(Math.max(at + 1, list.length + (list.length >> 1)))
  more.set(list)
  return more
}

const sum = (list: Uint32Array, from: number, to: number): number => {
  let total = 0
  for (let i = Math.max(0, from); i < Math.min(to, list.length); i++) total += list[i]!
  return total
}

export function createDensity(): Density {
  let fine = new Uint32Array(32)
  let coarse = new Uint32Array(8)
  return {
    add: (row) => {
      const at = Math.floor(row / FINE_ROWS)
      fine = widened(fine, at)
      fine[at]! += 1
      const above = Math.floor(at / COARSE)
      coarse = widened(coarse, above)
      coarse[above]! += 1
    },
    count: (from, to) => {
      if (to - from >= 4 * COARSE_ROWS)
        return sum(coarse, Math.floor(from / COARSE_ROWS), Math.ceil(to / COARSE_ROWS))
      return sum(
        fine,
        Math.floor(from / FINE_ROWS),
        Math.max(Math.floor(from / FINE_ROWS) + 1, Math.ceil(to / FINE_ROWS)),
      )
    },
    bytes: () => fine.byteLength + coarse.byteLength,
  }
}
