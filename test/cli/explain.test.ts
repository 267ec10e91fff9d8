// `explain` of files and of the directory of a node that runs: what it finds, what it prints, what it refuses.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHarness, type Run } from '../network/command.ts'

const harness = createHarness()
let cwd = ''

beforeAll(async () => {
  cwd = harness.folder()
  await harness.testnet(cwd)
  await harness.run(['submit', 'hello', 'and more'], { cwd })
})
afterAll(() => harness.cleanUp())

const hearsay = (...args: readonly string[]): Promise<Run> => harness.run(args, { cwd })
const cases = join(import.meta.dirname, '../conformance/cases')
const genesis4 = join(cases, 'genesis-4.json')

interface File {
  readonly events: { id: string; transactionCount: number }[]
  readonly expected: { rounds: { events: { id: string; order: number }[] }[] }
}
const file = JSON.parse(readFileSync(genesis4, 'utf8')) as File

test('an event of a file, by its id and by its beginning', async () => {
  const { id } = file.events[20]!
  const whole = await hearsay('explain', id, '--file', genesis4)
  expect([whole.code, whole.err]).toEqual([0, ''])
  expect(whole.out).toMatch(new RegExp(`^event ${id}\n  by member \\d, `))
  expect(whole.out).toMatch(/\nround \d+.*\n {2}in the election of round \d+/)
  expect(whole.out).toMatch(/\nplace \d+ in the order, consensus timestamp \d{4}-\d\d-\d\dT.*Z/)
  const begun = await hearsay('explain', id.slice(0, 12).toUpperCase(), '--file', genesis4)
  expect(begun.out).toBe(whole.out)
  const ends = await hearsay('explain', `${id.slice(0, 6)}…${id.slice(-4)}.0`, '--file', genesis4)
  expect(ends.out).toBe(whole.out)
  const json = await harness.run(['explain', id, '--file', '-', '--json'], { input: readFileSync(genesis4) })
  expect(json.json()).toMatchObject({ id, place: { kind: 'ordered' } })
})

test('an event of a file by the position of a transaction', async () => {
  const counts = new Map(file.events.map((event) => [event.id, event.transactionCount]))
  const order = file.expected.rounds.flatMap((round) => round.events)
  let next = 0
  const at5 = order.find(({ id }) => (next += counts.get(id)!) > 5)!
  const run = await hearsay('explain', '--position', '5', '--file', genesis4, '--json')
  expect(run.json()).toMatchObject({ id: at5.id, place: { order: at5.order } })
})

test('an event of a running node: the first transaction, read-only', async () => {
  const dir = join(cwd, '.hearsay/testnet/ada')
  const names = readdirSync(dir).toSorted()
  const [log] = (await hearsay('log', '--limit', '1', '--json')).lines()
  const run = await hearsay('explain', '--dir', '.hearsay/testnet/ada', '--position', '0', '--json')
  expect([run.code, run.err]).toEqual([0, ''])
  expect(run.json()).toMatchObject({
    id: log!['event'],
    place: { kind: 'ordered', receivedRound: log!['round'], timestamp: log!['timestamp'] },
  })
  expect(readdirSync(dir).toSorted()).toEqual(names)
  // The testnet's folder stands for its first node, and is where it looks when nothing is said.
  const text = await hearsay('explain', '--position', '0')
  expect(text.out).toMatch(/ {2}by (ada|bob|cat|dan), \d+ transactions?, /)
  expect(text.out).toBe((await hearsay('explain', '--dir', '.hearsay/testnet', '--position', '0')).out)
})

test('what cannot be explained is refused', async () => {
  const twice = file.events[0]!.id[0]!
  const refusals: [readonly string[], number, RegExp][] = [
    [['explain', 'ffff00000000', '--file', genesis4], 2, /E_UNKNOWN_EVENT {2}there is no event ffff00000000/],
    [['explain', twice, '--file', genesis4], 2, /E_AMBIGUOUS_EVENT[^]*give more digits: [0-9a-f]{64}, /],
    [['explain', '--position', '999999', '--file', genesis4], 2, /E_UNKNOWN_EVENT.*transactions ordered/],
    [['explain', '--position', '0', '--file', join(cases, 'snapshot-start-4.json')], 2, /snapshot/],
    [['explain'], 2, /which event/],
    [['explain', 'aa', '--position', '0'], 2, /not by both/],
    [['explain', 'aa', '--file', genesis4, '--dir', '.'], 2, /--file and --dir/],
    [['explain', 'aa', '--file', 'no-such-file'], 2, /no-such-file/],
    [['explain', 'aa', '--dir', 'no-such-folder'], 2, /no-such-folder does not exist/],
    [
      ['explain', 'aa', '--file', join(import.meta.dirname, '../network/command.ts')],
      65,
      /E_MALFORMED.*line 1/,
    ],
  ]
  for (const [args, code, message] of refusals) {
    const run = await hearsay(...args)
    expect([args, run.code, run.out]).toEqual([args, code, ''])
    expect(run.err).toMatch(message)
  }
})

test('a damaged journal is told with its place', async () => {
  const from = join(cwd, '.hearsay/testnet/ada')
  const dir = join(harness.folder(), 'copy')
  mkdirSync(join(dir, 'journal'), { recursive: true })
  for (const name of ['genesis.json', 'config.json'])
    writeFileSync(join(dir, name), readFileSync(join(from, name)))
  const [segment] = readdirSync(join(from, 'journal'))
  const bytes = readFileSync(join(from, 'journal', segment!))
  bytes[200] = bytes[200]! ^ 1
  writeFileSync(join(dir, 'journal', segment!), bytes)
  const run = await hearsay('explain', '--dir', dir, '--position', '0')
  expect([run.code, run.out]).toEqual([65, ''])
  expect(run.err).toMatch(/E_JOURNAL_DAMAGED/)
})
