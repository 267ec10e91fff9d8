/**
 * Every interleaving of a small world of real members (packages/simulator/src/model), within budgets small enough to be exhausted:
 *
 *   node scripts/model-check.ts                  all worlds below
 *   node scripts/model-check.ts --world 3-ticks  one of them
 *
 * In each state nobody accepts an event twice, nobody stops, and ledgers are prefixes of each other; from every 1,000th state on it
 * is tried whether, without further faults, everybody comes to hold the same events and to order all transactions. Exit status 1
 * with the way there if not.
 */
import { parseArgs } from 'node:util'
import { createNativeSuite } from '../packages/dag/native/index.ts'
import { type Budget, createFastSuite, searchInterleavings } from '../packages/simulator/src/index.ts'

const NOTHING: Budget = { submitting: 0, ticks: 0, losses: 0, breaks: 0, crashes: 0 }
const WORLDS: Readonly<Record<string, Budget & { readonly members: 2 | 3 }>> = {
  '2-loss': { ...NOTHING, members: 2, submitting: 1, ticks: 2, losses: 1 },
  '2-losses': { ...NOTHING, members: 2, submitting: 1, ticks: 2, losses: 2 },
  '2-break': { ...NOTHING, members: 2, submitting: 1, ticks: 1, breaks: 1 },
  '2-crash': { ...NOTHING, members: 2, submitting: 1, ticks: 1, crashes: 1 },
  '2-both-submit': { ...NOTHING, members: 2, submitting: 2, ticks: 1, losses: 1 },
  '3-ticks': { ...NOTHING, members: 3, submitting: 1, ticks: 1 },
  '3-loss': { ...NOTHING, members: 3, submitting: 1, ticks: 0, losses: 1 },
}

const { values } = parseArgs({
  options: { world: { type: 'string' }, states: { type: 'string', default: '2000000' } },
})
const names = values.world === undefined ? Object.keys(WORLDS) : [values.world]
const suite = createFastSuite(createNativeSuite().sha256)
let all = 0
for (const name of names) {
  const world = WORLDS[name]
  if (world === undefined) throw new Error(`no world ${name}: one of ${Object.keys(WORLDS).join(', ')}`)
  const { members, ...budget } = world
  const { violation, states, transitions, histories, ends, completed, isExhausted } = searchInterleavings({
    members,
    suite,
    budget,
    maxStates: Number(values.states),
    completeEvery: 1_000,
    onProgress: (count) => process.stderr.write(`${name}: ${count} states\n`),
  })
  all += states
  console.log(
    `${name}: ${states} states, ${transitions} transitions, ${histories} histories of members, ${ends} ends, ` +
      `${completed} completed, ${isExhausted ? 'all' : 'not all'} of it`,
  )
  if (violation === undefined) continue
  console.log(`VIOLATION ${violation.what}\n  ${violation.path.join('\n  ')}`)
  process.exitCode = 1
}
console.log(`${all} states in all`)
