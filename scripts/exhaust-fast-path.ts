/**
 * Does the unanimous fast path (packages/consensus/FAST-PATH.md) ever decide otherwise than the rule? Looks at every gossip graph
 * up to a size, not at some of them:
 *
 *   node scripts/exhaust-fast-path.ts --events 11
 *
 * Three members; the third one branches (two branches, from any of its events or from nothing). Every graph from genesis whose events
 * have a self-parent and one other-parent that they did not know yet, each graph once. Weights 9, 5 and 6: the brancher
 * has just under a third, and 9 + 5 and 9 + 6 are supermajorities, so its votes are counted in the place of an honest member's.
 *
 * In each graph, if one first vote of every member is there and they are all alike, every later witness's vote on every
 * candidate has to be the same, and strong from the third round of voting on (so no decision can be another one); the engine
 * with the fast path has to decide the same judges; and the engine without it must not decide others. That is asked of the reference
 * model, which shares nothing with the engine. A graph's part that has the first votes is a view of the same network, so this
 * covers everything that could follow within the size.
 *
 * --control shows that the search can find something: the same with a premise that is too weak (one honest member's
 * vote is missing), with a brancher of just over a third, and with coinFrequency 2. All three must be contradicted.
 * --abstract counts votes alone, for 4 to 10 members and any behaviour of the branching ones.
 *
 * Other options: --weights 9,5,6, --coinFrequency 3. Exit status 1 if the fast path is contradicted, or a control is not.
 */
import { parseArgs } from 'node:util'
import { countAbstractly } from '../test/reference/exhaust-votes.ts'
import { CONTROLS, explore, SEARCH } from '../test/reference/exhaust.ts'
import type { Found, Search } from '../test/reference/exhaust.ts'

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '10' },
    weights: { type: 'string', default: '9,5,6' },
    coinFrequency: { type: 'string', default: '3' },
    control: { type: 'boolean', default: false },
    abstract: { type: 'boolean', default: false },
  },
})
const search: Search = {
  ...SEARCH,
  weights: values.weights.split(',').map(Number),
  coinFrequency: Number(values.coinFrequency),
  events: Number(values.events),
}

function report(name: string, given: Search): Found {
  const began = performance.now()
  const found = explore(given)
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  console.log(
    `${name}: weights ${given.weights.join(' ')}, coinFrequency ${given.coinFrequency}, ` +
      `${found.graphs} graphs of up to ${given.events} events in ${seconds} s; ` +
      `first votes alike in ${found.fired}, with later votes in ${found.checked} ` +
      `(${found.divided} of these votes not strong), engines asked in ${found.asked}; ` +
      `${found.contradictions} contradictions`,
  )
  if (found.example !== '') console.log(`  ${found.example}`)
  return found
}

if (values.abstract) {
  const { choices, ways, contradictions } = countAbstractly()
  console.log(
    `votes: ${choices} choices of branching members, ${ways} ways to count, ${contradictions} contradictions`,
  )
  if (contradictions > 0) process.exitCode = 1
} else if (values.control) {
  for (const [name, change] of CONTROLS) {
    const found = report(name, { ...search, ...change })
    if (found.contradictions === 0) process.exitCode = 1
  }
} else if (report('fast path', search).contradictions > 0) {
  process.exitCode = 1
}
