/** A counter: each transaction is a whole number in decimal digits, and is added. */
import type { Application } from '../application.ts'

const NUMBER = /^[+-]?\d{1,15}$/

export function createCounter(): Application<number> {
  return {
    init: () => 0,
    check: (_sum, { text }) => (NUMBER.test(text) ? undefined : `not a whole number: ${text.slice(0, 40)}`),
    apply(sum, { text }) {
      if (!NUMBER.test(text)) return { state: sum, rejected: 'not a whole number' }
      const next = sum + Number(text)
      if (!Number.isSafeInteger(next)) return { state: sum, rejected: 'the sum would not be exact' }
      return { state: next, result: next }
    },
    query: (sum) => sum,
  }
}
