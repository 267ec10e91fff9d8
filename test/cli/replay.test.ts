import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createHarness } from '../network/command.ts'

const harness = createHarness()
afterAll(() => harness.cleanUp())

const cases = join(import.meta.dirname, '../conformance/cases')

test.each(readdirSync(cases))('replay %s prints what is expected', async (name) => {
  const file = join(cases, name)
  const run = await harness.run(['replay', file])
  expect([run.code, run.err]).toEqual([0, ''])
  expect(run.json()).toEqual((JSON.parse(readFileSync(file, 'utf8')) as { expected: unknown }).expected)
})

test('replay of standard input', async () => {
  const file = readFileSync(join(cases, 'genesis-4.json'))
  const run = await harness.run(['replay', '-'], { input: file })
  expect(run.json()['decidedRound']).toBe(13)
})

test('a file that is none is refused with the place', async () => {
  const whole = readFileSync(join(cases, 'single-member.json'), 'utf8')
  const json = JSON.parse(whole) as { events: Record<string, unknown>[] }
  json.events[3]!['timestamp'] = 'noon'
  const malformed: [string, RegExp][] = [
    ['{"config": }', /standard input: line 1, column 12: /],
    ['[]', /standard input: /],
    [JSON.stringify(json), /event.*3.*timestamp/],
  ]
  for (const [input, message] of malformed) {
    const run = await harness.run(['replay', '-'], { input })
    expect([run.code, run.out]).toEqual([65, ''])
    expect(run.err).toMatch(/^✖ E_MALFORMED/)
    expect(run.err).toMatch(message)
  }
  expect((await harness.run(['replay', 'no-such-file'])).code).toBe(2)
})
