// stands at: test/dag/planted.test.ts
import { describe, test } from 'vitest'

test.skip('later', () => {}) // breaks: deferred
test['only']('alone', () => {}) // breaks: deferred
test.todo('one day') // breaks: deferred
test.skipIf(true)('sometimes', () => {}) // breaks: deferred
test('by an option', { skip: true }, () => {}) // breaks: deferred
describe.only.each([1])('%i', () => {}) // breaks: deferred
test('from within', (context) => {
  context.skip() // breaks: deferred
})
