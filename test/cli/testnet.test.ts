// One testnet of four, from the first start through submissions of every form to its proof: real processes throughout.
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHarness, isAlive, type ReadyTestnet, type Run, until } from '../network/command.ts'

const harness = createHarness()
let cwd = ''
let net: ReadyTestnet

beforeAll(async () => {
  cwd = harness.folder()
  net = await harness.testnet(cwd)
})
afterAll(() => harness.cleanUp())

const hearsay = (...args: readonly string[]): Promise<Run> => harness.run(args, { cwd })
const textsOf = (run: Run): unknown[] => run.lines().map((each) => each['text'])

test('keys are for their owner only, and the nodes are processes of their own', () => {
  const dir = join(cwd, '.hearsay/testnet')
  expect(net.ready.nodes.map(({ name }) => name)).toEqual(['ada', 'bob', 'cat', 'dan'])
  for (const { name, pid } of net.ready.nodes) {
    expect(statSync(join(dir, name)).mode & 0o777).toBe(0o700)
    expect(statSync(join(dir, name, 'key')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(dir, name, 'key'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/)
    expect(isAlive(pid)).toBe(true)
  }
  expect(readdirSync(join(cwd, '.hearsay'))).toEqual(['testnet'])
})

test('a submission is final, and all four have it at the same place', async () => {
  const run = await hearsay('submit', 'hello')
  expect(run.err).toBe('')
  expect(run.out).toMatch(
    /^final {2}#0 {2}round \d+ {2}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z {2}event [0-9a-f]{4}…[0-9a-f]{2}\.0 {2}in \d+\.\d{3} s\n$/,
  )
  expect(run.code).toBe(0)
  const json = await hearsay('submit', 'again', '--json', '--node', 'dan')
  expect(json.json()).toMatchObject({ state: 'ordered', position: 1, index: 0 })
  await expectEqualLogs(2)
})

async function expectEqualLogs(transactions: number): Promise<string> {
  const logs: string[] = []
  for (const { name } of net.ready.nodes) {
    let log = ''
    await until(`${name} has ${transactions}`, async () => {
      log = (await hearsay('log', '--json', '--node', name)).out
      return log.split('\n').length - 1 >= transactions
    })
    logs.push(log)
  }
  expect(new Set(logs).size).toBe(1)
  expect(logs[0]!.split('\n').length - 1).toBe(transactions)
  return logs[0]!
}

test('lines of a file: bytes kept, empty lines count, a final newline does not', async () => {
  const before = (await hearsay('log', '--json')).lines().length
  const bytes = Buffer.concat([
    Buffer.from('first\n\n  two spaces  \r\n'),
    Buffer.of(0xff, 0x00, 0xfe, 0x0a),
    Buffer.from('grüße\u2028\ttab\n\n'),
  ])
  writeFileSync(join(cwd, 'lines.txt'), bytes)
  const run = await hearsay('submit', '--file', 'lines.txt', '--node', 'bob')
  expect(run.err).toBe('')
  expect(run.out).toMatch(/^6 transactions final {2}#\d+…#\d+ {2}in \d+\.\d s\n$/)
  const log = await hearsay('log', '--json', '--from', String(before))
  expect(log.lines().map((each) => each['hex'])).toEqual(
    ['first', '', '  two spaces  \r', null, 'grüße\u2028\ttab', ''].map((text) =>
      text === null ? 'ff00fe' : Buffer.from(text).toString('hex'),
    ),
  )
})

test('standard input, several texts, hexadecimal', async () => {
  const before = (await hearsay('log', '--json')).lines().length
  const piped = await harness.run(['submit', '-', '--json'], { cwd, input: 'a\n\nb' })
  expect(piped.lines().map((each) => [each['line'], each['state']])).toEqual([
    [1, 'ordered'],
    [2, 'ordered'],
    [3, 'ordered'],
  ])
  const one = await harness.run(['submit', '-'], { cwd, input: 'one line\n' })
  expect(one.out).toMatch(/^final {2}#/)
  const several = await hearsay('submit', 'c', 'd')
  expect(several.out.match(/^final {2}#/gm)).toHaveLength(2)
  expect((await hearsay('submit', '--hex', '00fF')).code).toBe(0)
  const nothing = await harness.run(['submit', '-'], { cwd, input: '' })
  expect([nothing.code, nothing.out, nothing.err]).toEqual([0, '', 'nothing to submit: the input is empty\n'])
  const log = await hearsay('log', '--json', '--from', String(before))
  expect(textsOf(log)).toEqual(['a', '', 'b', 'one line', 'c', 'd', null])
})

test('input that cannot be a transaction', async () => {
  const before = (await hearsay('log', '--json')).lines().length
  const cases: [number, RegExp, string[], string | undefined][] = [
    [2, /^✖ E_BAD_HEX {2}the text is not hexadecimal/, ['--hex', '0'], undefined],
    [65, /E_BAD_HEX {2}line 2 of standard input/, ['-', '--hex'], '00\nxyz\n'],
    [
      6,
      /E_TOO_LARGE {2}line 2 of standard input .*\n {2}the lines before it/,
      ['-'],
      `x\n${'y'.repeat(70_000)}\nz\n`,
    ],
    [6, /E_TOO_LARGE .*\n {2}split it/, ['-'.repeat(70_000)], undefined],
    [2, /E_USAGE {2}nothing to submit/, [], undefined],
    [2, /E_USAGE {2}texts and --file/, ['x', '--file', 'lines.txt'], undefined],
    [2, /E_SYSTEM_NOENT .*no-such-file/, ['--file', 'no-such-file'], undefined],
    [2, /E_USAGE {2}--node zoe: the testnet has ada, bob, cat, dan/, ['x', '--node', 'zoe'], undefined],
  ]
  for (const [code, message, args, input] of cases) {
    // A text that begins with a hyphen stands behind two of them.
    const long = args[0] !== undefined && args[0].length > 1_000
    const all = ['submit', ...(long ? ['--', ...args] : args)]
    const run = await harness.run(all, { cwd, ...(input === undefined ? {} : { input }) })
    expect(run.err).toMatch(message)
    expect(run.code).toBe(code)
  }
  const log = await hearsay('log', '--json', '--from', String(before))
  expect(log.lines().map((each) => each['hex'])).toEqual(['00', '78'])
})

test('not waiting', async () => {
  const before = (await hearsay('log', '--json')).lines().length
  const run = await hearsay('submit', 'later', '--no-wait')
  expect([run.code, run.out]).toEqual([
    0,
    expect.stringMatching(/^(pending|gossiped) {2}submitted, not final yet/),
  ])
  const several = await hearsay('submit', 'later', 'still', '--no-wait', '--json')
  expect(several.lines().map((each) => each['line'])).toEqual([1, 2])
  await until(
    'all three are there',
    async () => (await hearsay('log', '--json')).lines().length === before + 3,
  )
})

test('log and tail', async () => {
  const all = (await hearsay('log')).out
  expect(all).toMatch(/^#0 {2}round \d+ {2}\S+Z {2}ada {2}hello\n/)
  expect(all).toContain('0xff00fe\n')
  expect(all).toContain('  two spaces  \\r\n')
  expect((await hearsay('log', '--limit', '1')).out).toBe(`${all.split('\n')[0]}\n`)
  expect((await hearsay('log', '--limit', '0')).out).toBe('')
  const round = (await hearsay('log', '--json', '--from', '1', '--limit', '1')).json()['round'] as number
  expect((await hearsay('log', '--from', `round:${round}`)).out).toContain('again')
  const ahead = await hearsay('log', '--from', 'round:99999999')
  expect([ahead.code, ahead.err]).toEqual([2, expect.stringContaining('not decided yet')])

  const count = all.split('\n').length - 1
  const follower = harness.start(['tail', '--json', '--from', String(count), '--node', 'cat'], { cwd })
  expect((await hearsay('submit', 'followed', '--node', 'ada')).code).toBe(0)
  await until('the follower has a line', () => follower.out().includes('\n'))
  expect(JSON.parse(follower.out())).toMatchObject({ position: count, text: 'followed' })
  follower.child.kill('SIGINT')
  expect((await follower.ended).code).toBe(0)
})

test('status of one and of all', async () => {
  const one = await hearsay('status', '--node', 'bob')
  expect(one.out).toMatch(/^node {6,}bob\nstate +active\n/)
  const all = await hearsay('status', '--all')
  expect(all.out.split('\n')).toHaveLength(6)
  for (const { name, api } of net.ready.nodes)
    expect(all.out).toMatch(new RegExp(`^${name} +127.0.0.1:${api.port} +active`, 'm'))
  const json = await hearsay('status', '--all', '--json')
  expect(json.lines().map((each) => [each['name'], each['networkId']])).toEqual(
    net.ready.nodes.map(({ name }) => [name, net.ready.networkId]),
  )
})

test('four writers at once: every line once, in the order of its writer, the same everywhere', async () => {
  const before = (await hearsay('log', '--json')).lines().length
  const lines = 2_000
  const names = net.ready.nodes.map(({ name }) => name)
  for (const name of names) {
    const text = Array.from({ length: lines }, (_, i) => `${name} ${i}\n`).join('')
    writeFileSync(join(cwd, `${name}.txt`), text)
  }
  const runs = await Promise.all(
    names.map((name) => hearsay('submit', '--file', `${name}.txt`, '--node', name)),
  )
  for (const run of runs)
    expect([run.code, run.out]).toEqual([0, expect.stringMatching(/^2,000 transactions final/)])
  const log = await expectEqualLogs(before + 4 * lines)
  const seen = new Map<string, number>()
  for (const line of log.split('\n').slice(before, -1)) {
    const text = (JSON.parse(line) as { text: string }).text
    const [name = '', number] = text.split(' ')
    expect(Number(number)).toBe(seen.get(name) ?? 0)
    seen.set(name, Number(number) + 1)
  }
  expect([...seen.values()]).toEqual([lines, lines, lines, lines])
})

test('Ctrl-C ends all, the audit proves the ledger, and a second start continues it', async () => {
  const before = (await hearsay('status', '--json')).json()
  const pids = net.ready.nodes.map(({ pid }) => pid)
  const startedMs = performance.now()
  net.child.kill('SIGINT')
  expect((await net.ended).code).toBe(0)
  // Two seconds are promised; the nodes are killed after 1.5. The rest is for a busy machine.
  expect(performance.now() - startedMs).toBeLessThan(10_000)
  expect(pids.some(isAlive)).toBe(false)

  const proof = await hearsay('verify', '.hearsay/testnet')
  expect([proof.code, proof.err]).toEqual([0, ''])
  expect(proof.out).toMatch(/^ada {2}events [\d,]+ {2}signatures ok {2}round/)
  const last = proof.out.trimEnd().split('\n').at(-1)
  expect(last).toMatch(/^OK {3}4 nodes agree on [\d,]+ transactions, ledger [0-9a-f]{64} {2}in/)
  expect(last).toContain(String(before['ledgerHash']))
  const json = (await hearsay('verify', '.hearsay/testnet', '--json')).json()
  expect(json).toMatchObject({ agree: true, failures: [], commonTransactions: before['transactions'] })

  const other = await hearsay('testnet', '3')
  expect([other.code, other.err]).toEqual([78, expect.stringMatching(/E_OTHER_TESTNET.*\n.*--fresh/)])

  net = await harness.testnet(cwd)
  expect(net.ready).toMatchObject({ networkId: before['networkId'], transactions: before['transactions'] })
  const receipt = (await hearsay('submit', 'on we go', '--json')).json()
  expect(receipt['position']).toBe(before['transactions'])
})

test('a byte that is changed in a copy is found, and the file and the place are named', async () => {
  const dir = join(cwd, '.hearsay/testnet')
  const copy = join(cwd, 'copy')
  net.child.kill('SIGINT')
  await net.ended
  cpSync(join(dir, 'cat'), copy, { recursive: true })
  expect((await hearsay('verify', join(dir, 'ada'), copy)).code).toBe(0)
  const journals = readdirSync(copy, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /journal|segment/.test(name),
  )
  const file = journals.map((name) => join(copy, name)).find((path) => statSync(path).isFile())!
  const bytes = readFileSync(file)
  const at = Math.floor(bytes.length / 2)
  bytes[at]! ^= 0x10
  writeFileSync(file, bytes)
  const run = await hearsay('verify', join(dir, 'ada'), copy)
  expect([3, 65]).toContain(run.code)
  expect(run.err).toContain(file.slice(file.indexOf('copy')))
  expect(run.err).toMatch(/byte [\d,]+|at \d+/)
  expect(existsSync(file)).toBe(true)
})
