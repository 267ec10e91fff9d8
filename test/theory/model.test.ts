/**
 * Small worlds of real members, all interleavings of them: nothing forbidden happens, and all ends well. Larger ones, over a million
 * states: node scripts/model-check.ts. With frames that are swallowed the search must find out.
 */
import { createNativeSuite } from '@hearsay/dag/native'
import { decodeFrame, ELIDED_FRAME } from '@hearsay/gossip'
import { type Budget, createFastSuite, searchInterleavings, type SearchOptions } from '@hearsay/simulator'
import { expect, test } from 'vitest'

const suite = createFastSuite(createNativeSuite().sha256)
const none: Budget = { submitting: 1, ticks: 1, losses: 0, breaks: 0, crashes: 0 }

const search = (budget: Budget, more: Partial<SearchOptions> = {}) =>
  searchInterleavings({ members: 2, suite, budget, maxStates: 4_000, completeEvery: 400, ...more })

const kindOf = (frame: Uint8Array): string | undefined => decodeFrame(frame)?.kind

/** What member 1 sends of this kind never arrives. */
const pushes: SearchOptions['swallow'] = (from, _, frame) => {
  const decoded = decodeFrame(frame)
  const isPush = frame[0] === ELIDED_FRAME || (decoded?.kind === 'events' && decoded.request === 0)
  return from === 1 && isPush
}

const allButGreetings: SearchOptions['swallow'] = (from, _, frame) =>
  // A note asks for one's own newest event, before which none is made.
  from === 1 && kindOf(frame) !== 'hello' && kindOf(frame) !== 'note'

test('a lost frame', () => {
  const report = search({ ...none, losses: 1 }, { completeEvery: 50 })
  expect(report.violation).toBeUndefined()
  expect(report.isExhausted).toBe(true)
  expect(report.states).toBeGreaterThan(300)
  expect(report.ends).toBeGreaterThan(50)
  expect(report.completed).toBeGreaterThan(5)
})

test.for([
  ['broken links', { ...none, breaks: 1 }],
  ['a crash', { ...none, crashes: 1 }],
] as const)('%s, the first states of the search', ([, budget]) => {
  const report = search(budget)
  expect(report.violation).toBeUndefined()
  expect(report.states).toBe(4_000)
  expect(report.completed).toBe(10)
})

test('three members, the first states of the search', () => {
  const report = search(none, { members: 3, maxStates: 3_000 })
  expect(report.violation).toBeUndefined()
  expect(report.states).toBe(3_000)
})

test('pushes that never arrive are repaired', () => {
  const report = search(none, { maxStates: 400, completeEvery: 5, swallow: pushes })
  expect(report.violation).toBeUndefined()
  expect(report.completed).toBeGreaterThan(0)
})

test('planted: where nothing of a member arrives but its greetings, the search finds who never has everything', () => {
  const { violation } = search(none, { maxStates: 400, completeEvery: 20, swallow: allButGreetings })
  expect(violation?.what).toMatch(/not everybody has everything/)
  expect(violation!.path.length).toBeGreaterThan(0)
})
