/** `hearsay tune` says what the profiles come to, by the formulas of packages/gossip/README.md. */
import { expect, test } from 'vitest'
import { run } from '../network/command.ts'

test('tune: coverage, latency and bytes for each profile', async () => {
  const args = ['tune', '--members', '16', '--delay', '50', '--loss', '0.1', '--bytes', '100', '--rate', '10']
  const lines = (await run([...args, '--json'])).out.trim().split('\n')
  const [local, lan, wan] = lines.map((line) => JSON.parse(line) as Record<string, number | string>)
  expect([local, lan, wan].map((each) => each?.['profile'])).toEqual(['local', 'lan', 'wan'])
  expect(lan).toMatchObject({
    coverageByPush: 0.9,
    pushMs: 50,
    // 10 events a second to 15 others, of 100 bytes and 89 of header.
    eventBytesPerSecond: 10 * 15 * 189,
    advertBytesPerSecond: 4 * 49,
    idleBytesPerSecondPerLink: 25,
    frozenSuspectedMs: 1_050,
    frozenDownMs: 2_050,
    killedSuspectedMs: 200,
    streamBytesPerSecond: 1.5 * 1024 * 1024 * 10,
  })
  expect(local!['repairMs']).toBeLessThan(lan!['repairMs'] as number)
  expect(wan!['frozenSuspectedMs']).toBeLessThanOrEqual(3_000)
  const text = await run([...args, '--profile', 'wan'])
  expect(text.out).toMatch(/reached by the push alone +90\.0 %\n/)
  expect((await run(['tune', '--profile', 'moon'])).code).toBe(2)
})
