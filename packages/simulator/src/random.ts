/**
 * Randomness of a simulated world: all of it comes from one seed. Streams of different names are independent of each other, so
 * that what one part draws, or draws no more, does not change what another one gets (xoshiro128**, Blackman and Vigna 2018;
 * seeded through splitmix32).
 */

export interface Random {
  /** From 0 to below 1. */
  next(): number
  /** An integer from `low` to `high`, both included. */
  integer(low: number, high: number): number
  between(low: number, high: number): number
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T
  /** The same elements in random order. */
  shuffled<T>(from: readonly T[]): T[]
  bytes(count: number): Uint8Array
  /** Another stream, which depends on the seed and this name only. */
  stream(name: string): Random
}

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by))

function mix(state: number): number {
  let z = state
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
  return (z ^ (z >>> 16)) >>> 0
}

/** `seed` is a safe integer that is not negative. */
export function createRandom(seed: number, name = ''): Random {
  let folded = mix((seed >>> 0) ^ mix(Math.floor(seed / 2 ** 32) + 0x9e3779b9))
  for (let i = 0; i < name.length; i++) folded = mix(folded ^ (name.charCodeAt(i) + 0x9e3779b9))
  let a = mix(folded + 0x9e3779b9)
  let b = mix(folded + 0x3c6ef372)
  let c = mix(folded + 0xdaa66d2b)
  let d = mix(folded + 0x78dde6e4) | 1

  function bits(): number {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9)
    const t = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = rotate(d, 11)
    return result >>> 0
  }

  const next = (): number => bits() / 2 ** 32
  const integer = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1))
  return {
    next,
    integer,
    between: (low, high) => low + next() * (high - low),
    chance: (probability) => next() < probability,
    pick: (from) => {
      if (from.length === 0) throw new Error('invariant: nothing to pick from')
      return from[integer(0, from.length - 1)]!
    },
    shuffled: (from) => {
      const order = [...from]
      for (let i = order.length - 1; i > 0; i--) {
        const j = integer(0, i)
        const moved = order[i]!
        order[i] = order[j]!
        order[j] = moved
      }
      return order
    },
    bytes: (count) => Uint8Array.from({ length: count }, () => bits() >>> 24),
    stream: (other) => createRandom(seed, `${name}/${other}`),
  }
}
