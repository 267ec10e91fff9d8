// Linted as a file of a src.
import { readFileSync } from 'node:fs' // refused

export const planted: readonly unknown[] = [
  Date.now(), // refused
  Math.random(), // refused
  Math.floor(1.5),
  performance.now(), // refused
  globalThis, // refused
  readFileSync,
]
