/** A running hash over what happens in a world, cheap enough for every frame: 64 bits in two lanes (after MurmurHash3). */

export interface Trace {
  number(value: number): void
  bytes(value: Uint8Array): void
  /** 16 hexadecimal digits. */
  digest(): string
}

const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0')

export function createTrace(): Trace {
  let a = 0x9747b28c
  let b = 0x5bd1e995
  const word = (value: number): void => {
    a = Math.imul(a ^ Math.imul(value, 0xcc9e2d51), 0x1b873593) + 0x52dce729
    a = (a << 13) | (a >>> 19)
    b = Math.imul(b ^ a ^ (value << 7), 0x85ebca6b) ^ (value >>> 3)
    b = (b << 17) | (b >>> 15)
  }
  const view = new DataView(new ArrayBuffer(8))
  return {
    number: (value) => {
      view.setFloat64(0, value)
      word(view.getInt32(0))
      word(view.getInt32(4))
    },
    bytes: (value) => {
      word(value.length)
      for (let i = 0; i < value.length; i++) word(value[i]!)
    },
    digest: () => hex(a) + hex(b),
  }
}
