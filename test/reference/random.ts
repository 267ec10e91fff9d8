/** A small seeded generator of random numbers (sfc32): the same seed gives the same graph on every machine. */

export interface Random {
  /** 0 <= result < 2^32. */
  uint32(): number
  /** 0 <= result < n. */
  below(n: number): number
  /** low <= result <= high. */
  between(low: number, high: number): number
  chance(probability: number): boolean
  pick<T>(items: readonly T[]): T
  shuffle<T>(items: readonly T[]): T[]
  /** 32 random bytes in hex. */
  id(): string
}

export function createRandom(seed: number): Random {
  let a = seed >>> 0
  let b = Math.floor(seed / 2 ** 32) >>> 0
  let c = 0x9e3779b9
  let counter = 1

  function uint32(): number {
    const t = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + t
    return t >>> 0
  }

  for (let i = 0; i < 15; i++) uint32()
  const below = (n: number): number => Math.floor((uint32() / 2 ** 32) * n)
  return {
    uint32,
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (probability) => uint32() / 2 ** 32 < probability,
    pick: (items) => items[below(items.length)]!,
    shuffle<T>(items: readonly T[]): T[] {
      const result = [...items]
      for (let i = result.length - 1; i > 0; i--) {
        const j = below(i + 1)
        const held = result[i]!
        result[i] = result[j]!
        result[j] = held
      }
      return result
    },
    id: () => Array.from({ length: 8 }, () => uint32().toString(16).padStart(8, '0')).join(''),
  }
}
