// `graph`: which events are drawn, in which language, and where the drawing goes.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createHarness } from '../network/command.ts'

const harness = createHarness()
afterAll(() => harness.cleanUp())

const cases = join(import.meta.dirname, '../conformance/cases')
const genesis4 = join(cases, 'genesis-4.json')

test('to standard output, in each language', async () => {
  const beginnings = { svg: /^<svg /, dot: /^digraph events \{/, mermaid: /^flowchart TB\n/ }
  for (const [format, beginning] of Object.entries(beginnings)) {
    const run = await harness.run(['graph', '--file', genesis4, '--format', format, '--last', '40'])
    expect([run.code, run.err]).toEqual([0, 'drew 40 of 160 events\n'])
    expect(run.out).toMatch(beginning)
    expect(run.out.endsWith('\n\n')).toBe(false)
  }
})

test('to a file, by rounds', async () => {
  const cwd = harness.folder()
  const rounds = ['--from-round', '3', '--to-round', '4']
  const run = await harness.run(['graph', '--file', genesis4, ...rounds, '--out', 'events.svg'], { cwd })
  expect([run.code, run.out]).toEqual([0, ''])
  expect(run.err).toMatch(/^drew \d+ of 160 events to events\.svg\n$/)
  const svg = readFileSync(join(cwd, 'events.svg'), 'utf8')
  expect(new Set([...svg.matchAll(/: round (\d+)/g)].map(([, round]) => round))).toEqual(new Set(['3', '4']))
  const json = await harness.run(['graph', '--file', genesis4, ...rounds, '--json', '-q'])
  const { events } = json.json() as { events: { round: number }[] }
  expect(events.length).toBe(svg.match(/<g>/g)!.length)
  expect(new Set(events.map(({ round }) => round))).toEqual(new Set([3, 4]))
})

test('of a running testnet, with the names of the members', async () => {
  const cwd = harness.folder()
  await harness.testnet(cwd)
  await harness.run(['submit', 'hello'], { cwd })
  const run = await harness.run(['graph', '-q'], { cwd })
  expect([run.code, run.err]).toEqual([0, ''])
  for (const name of ['ada', 'bob', 'cat', 'dan']) expect(run.out).toContain(`>${name}</text>`)
  expect(run.out).toContain('received in round 1')
})

test('what cannot be drawn is refused', async () => {
  const refusals: [readonly string[], number, RegExp][] = [
    [['--file', genesis4, '--from-round', '4', '--to-round', '3'], 2, /is after --to-round 3/],
    [['--file', genesis4, '--dir', '.'], 2, /--file and --dir/],
    [['--dir', 'no-such-folder'], 2, /does not exist/],
    [['--file', genesis4, '--out', 'no-such-folder/events.svg', '-q'], 2, /no-such-folder/],
    [['--file', join(import.meta.dirname, '../network/command.ts')], 65, /E_MALFORMED/],
  ]
  for (const [args, code, message] of refusals) {
    const run = await harness.run(['graph', ...args])
    expect([args, run.code, run.out]).toEqual([args, code, ''])
    expect(run.err).toMatch(message)
  }
})
