/** `hearsay sim theory` and `hearsay sim epidemic` as a user calls them. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createHarness } from '../network/command.ts'

const harness = createHarness()
afterAll(() => harness.cleanUp())

test('sim theory prints what was measured beside what is predicted, and writes a page that depends on the seed alone', async () => {
  const folder = harness.folder()
  const args = ['sim', 'theory', '--small', '--only', 'E1', '--only', 'E20', '--seed']
  const [text, json, again, other] = await Promise.all([
    harness.run([...args, '5', '--plots', join(folder, 'a')]),
    harness.run([...args, '5', '--json']),
    harness.run([...args, '5', '--quiet', '--plots', join(folder, 'b')]),
    harness.run([...args, '6', '--plots', join(folder, 'c')]),
  ])
  expect(text.err).toContain('2 checks hold, 5 figures, seed 5')
  expect(text.code).toBe(0)
  expect(text.out).toMatch(/rounds, n=64 F=1 +[\d.]+ ± [\d.e-]+ +11\.21 ± 0\.45 +holds/)
  const [push, spy] = json.lines()
  expect(push).toMatchObject({ id: 'E1', holds: true, unrefused: [] })
  expect((spy!['figures'] as object[])[0]).toMatchObject({ what: 'n=100 f=10 q=0.2', holds: true })
  expect([again.out, again.err]).toEqual([text.out, ''])
  const page = (name: string): string => readFileSync(join(folder, name, 'theory.html'), 'utf8')
  expect(page('b')).toBe(page('a'))
  expect(other.code).toBe(0)
  expect(page('c')).not.toBe(page('a'))
  expect(page('a')).toContain('<svg xmlns')
})

test('sim theory names the checks that there are', async () => {
  const { code, err } = await harness.run(['sim', 'theory', '--only', 'E99'])
  expect(code).toBe(2)
  expect(err).toContain('there is no check E99')
  expect(err).toContain('E1, E2')
})

test('sim epidemic prints a run beside its prediction', async () => {
  const folder = harness.folder()
  const svg = join(folder, 'sir.svg')
  const [rounds, sir, wrong] = await Promise.all([
    harness.run(['sim', 'epidemic', '--members', '64', '--runs', '50', '--json']),
    harness.run(['sim', 'epidemic', '--model', 'sir', '--members', '500', '--runs', '20', '--out', svg]),
    harness.run(['sim', 'epidemic', '--members', '4', '--fanout', '4']),
  ])
  const [mean] = rounds.json()['figures'] as { what: string; measured: number; predicted: number }[]
  expect(mean!.what).toBe('rounds until all know, mean')
  expect(Math.abs(mean!.measured / mean!.predicted - 1)).toBeLessThan(0.1)
  expect(sir.out).toContain('share infected, by mean times of recovery')
  expect(existsSync(svg)).toBe(true)
  expect([wrong.code, wrong.err.includes('only 3 others')]).toEqual([2, true])
})
