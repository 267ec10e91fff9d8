// stands at: packages/dag/src/planted.ts
const { random } = Math // breaks: global
const { floor } = { floor: (x: number) => Math.floor(x) }

export const planted = [
  Math.random(), // breaks: global
  Math['random'](), // breaks: global
  Math.sin(1), // breaks: global
  crypto.getRandomValues(new Uint8Array(16)), // breaks: global
  random,
  floor,
]
