/**
 * A map of the world for latencies: regions on five continents and the time that a packet takes one way between them, in
 * milliseconds (half of the round trips that large cloud providers publish for their regions, rounded; as of 2025). Within
 * a region half a millisecond.
 */
export const REGIONS = [
  'virginia',
  'oregon',
  'saopaulo',
  'frankfurt',
  'london',
  'capetown',
  'mumbai',
  'singapore',
  'tokyo',
  'sydney',
] as const
export type Region = (typeof REGIONS)[number]

const WITHIN_MS = 0.5

// Row by row what lies right of the diagonal.
const ONE_WAY_MS: readonly (readonly number[])[] = [
  [31, 57, 45, 38, 113, 93, 110, 74, 99],
  [88, 70, 64, 138, 109, 82, 49, 70],
  [102, 93, 170, 150, 163, 128, 155],
  [8, 77, 61, 80, 112, 143],
  [74, 56, 84, 105, 132],
  [128, 150, 178, 205],
  [30, 64, 76],
  [35, 46],
  [52],
]

/** From one of the ten regions to another, one way. */
export function oneWayMs(from: number, to: number): number {
  if (from === to) return WITHIN_MS
  const low = Math.min(from, to)
  const high = Math.max(from, to)
  return ONE_WAY_MS[low]![high - low - 1]!
}

/** One region of each continent: North and South America, Europe, Asia, Australia. */
export const FIVE_CONTINENTS: readonly number[] = [0, 2, 3, 8, 9]
