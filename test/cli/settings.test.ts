// Tokens with roles, settings with their origins, the log for other programs, and completion, on one real node.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHarness, freeBlock, hasEnded, until } from '../network/command.ts'

const harness = createHarness()
let dir = ''
let api = ''
const tokens: Record<string, string> = {}

beforeAll(async () => {
  const cwd = harness.folder()
  dir = join(cwd, 'ada')
  const port = await freeBlock()
  api = `127.0.0.1:${port}`
  const made = await harness.run(['keygen', '--out', join(cwd, 'key'), '--json'])
  const { publicKey } = made.json() as { publicKey: string }
  mkdirSync(dir, { mode: 0o700 })
  renameSync(join(cwd, 'key'), join(dir, 'key'))
  await harness.run(['genesis', 'new', '--member', `ada:${publicKey}`, '--out', join(dir, 'genesis.json')])
  const config = {
    name: 'ada',
    gossip: { host: '127.0.0.1', port: port + 100 },
    api: { host: '127.0.0.1', port },
    peers: {},
  }
  writeFileSync(join(dir, 'config.json'), JSON.stringify(config))
  for (const role of ['read', 'submit']) {
    const run = await harness.run(['token', '--dir', dir, '--name', role, '--role', role, '--json'])
    tokens[role] = (run.json() as { token: string }).token
  }
  const node = harness.start(['up', '--dir', dir, '--json'])
  await until('the node is up', () => node.out().includes('\n') || hasEnded(node.child))
})
afterAll(() => harness.cleanUp())

test('a token by option, environment or file; each role does what it may', async () => {
  const without = await harness.run(['status', '--api', api])
  expect([without.code, without.err]).toEqual([77, expect.stringMatching(/E_TOKEN_NEEDED.*\n.*--token/)])
  expect((await harness.run(['status', '--api', api, '--token', tokens['read']!])).code).toBe(0)
  const refused = await harness.run(['submit', 'x', '--api', api, '--token', tokens['read']!])
  expect([refused.code, refused.err]).toEqual([77, expect.stringContaining('E_ROLE')])
  const env = { HEARSAY_TOKEN: tokens['submit']! }
  expect((await harness.run(['submit', 'a, "b"', '--api', api], { env })).code).toBe(0)
  const file = join(harness.folder(), 'token')
  writeFileSync(file, `${tokens['submit']}\n`)
  expect(
    (await harness.run(['submit', '--hex', 'ff', '--api', api], { env: { HEARSAY_TOKEN_FILE: file } })).code,
  ).toBe(0)
})

test('export: NDJSON is what the log is, CSV is read back as it is', async () => {
  const env = { HEARSAY_TOKEN: tokens['read']! }
  const log = await harness.run(['log', '--api', api, '--json'], { env })
  const lines = await harness.run(['export', '--api', api], { env })
  expect([lines.code, lines.out]).toEqual([0, log.out])
  const out = join(harness.folder(), 'log.csv')
  expect((await harness.run(['export', '--api', api, '--format', 'csv', '--out', out], { env })).code).toBe(0)
  const csv = readFileSync(out, 'utf8').split('\n')
  expect(csv).toHaveLength(4)
  expect(csv[0]).toBe('position,round,time,timestamp,creator,event,index,id,text,hex')
  expect(csv[1]).toMatch(/^0,.*,"a, ""b""",612c20226222$/)
  expect(csv[2]).toMatch(/^1,.*,,ff$/)
  const again = await harness.run(['export', '--api', api, '--out', out], { env })
  expect([again.code, again.err]).toEqual([2, expect.stringContaining('E_SYSTEM_EXIST')])
})

test('config show: every setting with where it comes from, and no secret', async () => {
  const env = { HEARSAY_TOKEN: tokens['read']! }
  const run = await harness.run(['config', 'show', '--dir', dir, '--json'], { env })
  const { settings } = run.json() as { settings: { name: string; value: unknown; origin: string }[] }
  const of = (name: string) => settings.find((each) => each.name === name)
  expect(of('api')).toEqual({ name: 'api', value: api, origin: join(dir, 'config.json') })
  expect(of('members')).toEqual({ name: 'members', value: 1, origin: join(dir, 'genesis.json') })
  expect(of('HEARSAY_TOKEN')).toEqual({ name: 'HEARSAY_TOKEN', value: '(set)', origin: 'environment' })
  expect(of('HEARSAY_TOKEN_FILE')).toEqual({ name: 'HEARSAY_TOKEN_FILE', value: null, origin: 'default' })
  expect(run.out).not.toContain(tokens['read'])
  const wrong = await harness.run(['config', 'show', '--dir', join(dir, 'none')])
  expect([wrong.code, wrong.err]).toEqual([78, expect.stringContaining('E_BAD_CONFIG')])
})

test('completion: bash offers what comes next', async () => {
  const script = (await harness.run(['completion', 'bash'])).out
  const offered = (...words: string[]): string[] => {
    const list = words.map((word) => `'${word}'`).join(' ')
    const code = `${script}\nCOMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _hearsay; echo "\${COMPREPLY[@]}"`
    const run = spawnSync('bash', ['-c', code], { encoding: 'utf8' })
    expect(run.stderr).toBe('')
    return run.stdout.trim().split(' ')
  }
  expect(offered('hearsay', 'te')).toEqual(['testnet'])
  expect(offered('hearsay', 'net', 'k')).toEqual(['kill'])
  expect(offered('hearsay', 'genesis', '')).toEqual(['new', 'show', 'hash', '--help'])
  expect(offered('hearsay', 'submit', '--time')).toEqual(['--timeout'])
  for (const [shell, begin] of [
    ['zsh', /^autoload/],
    ['fish', /^complete -c hearsay/],
    ['powershell', /^Register-ArgumentCompleter/],
  ] as const)
    expect((await harness.run(['completion', shell])).out).toMatch(begin)
})
