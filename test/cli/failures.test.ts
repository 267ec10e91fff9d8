// What the command says and does when something is not as it should be: nodes that die, ports and folders that are taken, files
// that are damaged.
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createHarness, freeBlock, isAlive, occupy, type Run, until } from '../network/command.ts'

const harness = createHarness()
afterAll(() => harness.cleanUp())

test('nodes die: the others go on, without quorum it is said, and all becomes final when one returns', async () => {
  const cwd = harness.folder()
  const net = await harness.testnet(cwd)
  const hearsay = (...args: readonly string[]): Promise<Run> => harness.run(args, { cwd })
  const pidOf = (name: string): number => net.ready.nodes.find((node) => node.name === name)!.pid
  expect((await hearsay('submit', 'four')).code).toBe(0)

  process.kill(pidOf('dan'), 'SIGKILL')
  await until('it is said', () => net.err().includes('dan has stopped (killed by SIGKILL)'))
  await until('the hint', () => net.err().includes('start it again with: hearsay net start dan'))
  expect((await hearsay('submit', 'three', '--timeout', '60s')).code).toBe(0)

  // The first one that is asked by default is gone now.
  process.kill(pidOf('ada'), 'SIGKILL')
  await until('bob misses the quorum', async () => {
    const status = await hearsay('status', '--json', '--node', 'bob')
    return status.json()['state'] === 'no-quorum'
  })
  const waiting = await hearsay('submit', 'two', '--timeout', '1s')
  expect(waiting.code).toBe(5)
  expect(waiting.err).toMatch(
    /^! no quorum: 2 of 4 members within reach, more than two thirds of the weight is needed/,
  )
  expect(waiting.err).toMatch(/\n✖ E_NO_QUORUM {2}not final within 1 s/)
  const batch = await harness.run(['submit', '-', '--timeout', '1s'], { cwd, input: 'also\nthese\n' })
  expect([batch.code, batch.out]).toEqual([5, ''])
  expect(batch.err).toContain('lines 1 to 2 are sent and not answered')
  const table = (await hearsay('status', '--all')).out
  expect(table).toMatch(/^ada +\S+ +unreachable/m)
  expect(table).toMatch(/^bob +\S+ +no-quorum .*2\/4 .*no quorum/m)

  const again = harness.start(['up', '--dir', '.hearsay/testnet/dan', '--json'], { cwd })
  await until('dan is up', () => again.out().includes('\n'))
  expect((await hearsay('submit', 'three again', '--timeout', '60s')).code).toBe(0)
  const texts = async (name: string): Promise<unknown[]> =>
    (await hearsay('log', '--json', '--node', name)).lines().map((each) => each['text'])
  const all = ['four', 'three', 'two', 'also', 'these', 'three again']
  for (const name of ['bob', 'cat', 'dan'])
    await until(`${name} has all`, async () => (await texts(name)).length >= all.length)
  for (const name of ['bob', 'cat', 'dan']) expect((await texts(name)).toSorted()).toEqual(all.toSorted())
  expect(await texts('dan')).toEqual(await texts('bob'))

  again.child.kill('SIGTERM')
  expect((await again.ended).code).toBe(0)
  net.child.kill('SIGTERM')
  expect((await net.ended).code).toBe(0)
})

test('the nodes end with their testnet, also when it is killed, and the folder is free again', async () => {
  const cwd = harness.folder()
  const net = await harness.testnet(cwd, '2')
  const second = await harness.run(['testnet'], { cwd })
  expect([second.code, second.err]).toEqual([69, expect.stringContaining('E_DIR_LOCKED')])
  const fresh = await harness.run(['testnet', '--fresh'], { cwd })
  expect([fresh.code, fresh.err]).toEqual([69, expect.stringContaining('E_DIR_LOCKED')])
  net.child.kill('SIGKILL')
  await net.ended
  await until('all nodes have ended', () => !net.ready.nodes.some(({ pid }) => isAlive(pid)))
  const next = await harness.testnet(cwd, '--exit-after', '1tx')
  expect(next.ready.networkId).toBe(net.ready.networkId)
  expect((await harness.run(['submit', 'x'], { cwd })).code).toBe(0)
  expect((await next.ended).code).toBe(0)
})

test('a testnet that is stopped while it starts, and one whose nodes all die', async () => {
  const cwd = harness.folder()
  const ports = ['--port', String(await freeBlock())]
  const early = harness.start(['testnet', '2', ...ports], { cwd })
  await until('it is founded', () => early.err().includes('✔'))
  early.child.kill('SIGINT')
  expect((await early.ended).code).toBe(0)
  for (const name of ['ada', 'bob']) chmodSync(join(cwd, '.hearsay/testnet', name, 'key'), 0o644)
  const open = await harness.run(['testnet', ...ports], { cwd })
  expect(open.code).toBe(77)
  expect(open.err).toMatch(/ada has stopped \(exit status 77\): E_KEY_PERMISSIONS/)
  expect(open.err).toMatch(/E_NO_NODE_LEFT/)
})

test('only what is a testnet is wiped or continued', async () => {
  const cwd = harness.folder()
  const dir = join(cwd, 'home')
  mkdirSync(dir)
  writeFileSync(join(dir, 'precious'), '')
  for (const args of [[], ['--fresh']]) {
    const run = await harness.run(['testnet', '--dir', 'home', ...args], { cwd })
    expect([run.code, run.err]).toEqual([78, expect.stringContaining('E_NOT_A_TESTNET')])
  }
  rmSync(join(dir, 'precious'))
  const net = await harness.testnet(cwd, '1', '--dir', 'home', '--exit-after', '1tx')
  expect((await harness.run(['submit', 'alone', '--dir', 'home'], { cwd })).code).toBe(0)
  expect((await net.ended).code).toBe(0)
  writeFileSync(join(dir, 'precious'), '')
  const mixed = await harness.run(['testnet', '--dir', 'home', '--fresh'], { cwd })
  expect([mixed.code, mixed.err]).toEqual([
    78,
    expect.stringMatching(/also holds precious: nothing was wiped/),
  ])
  rmSync(join(dir, 'precious'))
  rmSync(join(dir, 'ada', 'key'))
  const half = await harness.run(['testnet', '--dir', 'home'], { cwd })
  expect([half.code, half.err]).toEqual([78, expect.stringMatching(/lacks ada\/key\n.*--fresh/)])
  // What a founding that was killed leaves behind does not stay.
  mkdirSync(join(cwd, 'home.unfinished-999999999'))
  const anew = await harness.testnet(cwd, '1', '--dir', 'home', '--fresh')
  expect(anew.ready.networkId).not.toBe(net.ready.networkId)
  expect(anew.ready.transactions).toBe(0)
  expect(readdirSync(cwd)).toEqual(['home'])
  anew.child.kill('SIGTERM')
  await anew.ended
})

test('a port that is taken', async () => {
  const cwd = harness.folder()
  const first = await freeBlock()
  const taken = await occupy(first + 101)
  const explicit = await harness.run(['testnet', '2', '--port', String(first)], { cwd })
  expect(explicit.code).toBe(69)
  expect(explicit.err).toMatch(
    process.platform === 'linux'
      ? new RegExp(`E_PORT_IN_USE {2}port ${taken.port} is already used by pid ${process.pid} \\(`)
      : /E_PORT_IN_USE/,
  )
  const beyond = await harness.run(['testnet', '2', '--port', '65500'], { cwd })
  expect(beyond.code).toBe(2)

  const dir = join(cwd, '.hearsay/testnet/ada')
  const busyApi = await harness.run([
    'up',
    '--dir',
    dir,
    '--api',
    String(taken.port),
    '--gossip',
    String(first + 100),
  ])
  expect([busyApi.code, busyApi.err]).toEqual([69, expect.stringContaining('E_PORT_IN_USE')])
  const busyGossip = await harness.run(['up', '--dir', dir, '--gossip', String(taken.port)])
  expect([busyGossip.code, busyGossip.err]).toEqual([69, expect.stringContaining('E_PORT_IN_USE')])
  taken.release()
})

test('without --port a taken block is left for the next one', async () => {
  const cwd = harness.folder()
  // If somebody else has it, that is as good.
  const taken = await occupy(8740).catch(() => undefined)
  const net = await harness.testnet(cwd, '1', '--default-ports')
  expect(net.ready.nodes[0]!.api.port).not.toBe(8740)
  expect(net.err()).toMatch(/port 8740 is already .*: taking ports from 87\d0 on/)
  net.child.kill('SIGTERM')
  await net.ended
  taken?.release()
})

test('nobody there', async () => {
  const cwd = harness.folder()
  const { port, release } = await occupy(0)
  release()
  for (const command of [['submit', 'x'], ['submit', 'x', 'y'], ['log'], ['tail'], ['status']]) {
    const run = await harness.run([...command, '--api', String(port)], { cwd })
    expect([run.code, run.out]).toEqual([5, ''])
    expect(run.err).toMatch(
      /^✖ E_API_UNREACHABLE {2}no node answers at 127\.0\.0\.1:\d+ \(ECONNREFUSED\)\n {2}start a testnet/,
    )
  }
  const fromEnvironment = await harness.run(['status', '--json'], {
    cwd,
    env: { HEARSAY_API: `127.0.0.1:${port}` },
  })
  expect(fromEnvironment.code).toBe(5)
  expect(JSON.parse(fromEnvironment.err)).toMatchObject({ error: { code: 'E_API_UNREACHABLE', exitCode: 5 } })
  const wrong = await harness.run(['status'], { cwd, env: { HEARSAY_API: 'nowhere' } })
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('HEARSAY_API=nowhere')])
  const none = await harness.run(['status', '--all'], { cwd })
  expect([none.code, none.err]).toEqual([2, expect.stringContaining('E_NO_TESTNET')])
})

test('a node that is not started', async () => {
  const cwd = harness.folder()
  const run = await harness.run(['up', '--dir', 'nowhere'], { cwd })
  expect(run.code).toBe(78)
  expect(run.err).toMatch(/^✖ E_\w+ {2}.*genesis\.json/)
})

test('keys and genesis', async () => {
  const cwd = harness.folder()
  const hearsay = (...args: readonly string[]): Promise<Run> => harness.run(args, { cwd })
  const made = await hearsay('keygen', '--out', 'ada/key')
  expect([made.code, made.out]).toEqual([0, expect.stringMatching(/^[0-9a-f]{64}\n$/)])
  const seed = readFileSync(join(cwd, 'ada/key'), 'utf8')
  expect(made.out + made.err).not.toContain(seed.trim())
  const twice = await hearsay('keygen', '--out', 'ada/key')
  expect([twice.code, twice.err]).toEqual([2, expect.stringContaining('E_FILE_EXISTS')])
  expect(readFileSync(join(cwd, 'ada/key'), 'utf8')).toBe(seed)
  // RFC 8032, section 7.1, test 1.
  const known = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
  const fromSeed = await hearsay('keygen', '--out', 'known', '--from-seed', known, '--json')
  expect(fromSeed.json()['publicKey']).toBe(
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  )

  const members = ['--member', `ada:${made.out.trim()}`, '--member', `bob:${fromSeed.json()['publicKey']}:2`]
  const genesis = await hearsay('genesis', 'new', ...members, '--out', 'genesis.json')
  expect(genesis.out).toMatch(/^[0-9a-f]{64}\n$/)
  expect((await hearsay('genesis', 'hash')).out).toBe(genesis.out)
  expect((await hearsay('genesis', 'show')).out).toMatch(
    /^network [0-9a-f]{64}\n\nid {2}name .*\n 0 {2}ada +1 .*\n 1 {2}bob +2 /,
  )
  expect((await hearsay('genesis', 'show', '--json')).json()).toMatchObject({
    members: [{ id: 0 }, { weight: 2 }],
  })
  const double = await hearsay('genesis', 'new', ...members, ...members, '--out', 'other.json')
  expect([double.code, double.err]).toEqual([2, expect.stringContaining('the name stands twice')])
  writeFileSync(join(cwd, 'bad.json'), '{"hearsay":"genesis","version":1}')
  expect((await hearsay('genesis', 'hash', 'bad.json')).code).toBe(78)
  expect((await hearsay('genesis', 'hash', 'none.json')).code).toBe(2)
})

test('verify names what it cannot verify', async () => {
  const cwd = harness.folder()
  for (const dir of ['nowhere', '.']) {
    const run = await harness.run(['verify', dir], { cwd })
    expect([run.code, run.err]).toEqual([2, expect.stringContaining('E_USAGE')])
  }
})
