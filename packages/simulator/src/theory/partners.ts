/** Whom somebody calls: uniform draws. */
import type { Random } from '../random.ts'

/** A whole number, 0 <= result < n. */
export const below = (random: Random, n: number): number => Math.floor(random.next() * n)

/** One of n members, not `self`. */
export function otherThan(random: Random, n: number, self: number): number {
  const drawn = below(random, n - 1)
  return drawn >= self ? drawn + 1 : drawn
}

/** `count` different ones of n members, none of them `self`, into `chosen`. For counts that are small against n. */
export function othersThan(random: Random, n: number, self: number, count: number, chosen: number[]): void {
  chosen.length = 0
  while (chosen.length < count) {
    const drawn = otherThan(random, n, self)
    if (!chosen.includes(drawn)) chosen.push(drawn)
  }
}
