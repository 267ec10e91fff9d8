// `hearsay net`: what is done to a testnet of real processes while it runs, through the command and through its control API.
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ControlFile, NetState } from '../../packages/cli/src/index.ts'
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
const state = async (): Promise<NetState> =>
  (await hearsay('net', 'ps', '--json')).json() as unknown as NetState
const done = async (...args: readonly string[]): Promise<NetState> => {
  const run = await hearsay('net', ...args, '--json')
  expect([run.code, run.err]).toEqual([0, ''])
  return run.json() as unknown as NetState
}
const pidOf = ({ nodes }: NetState, name: string): number | null =>
  nodes.find((each) => each.name === name)!.pid
const reach = async (name: string): Promise<unknown> =>
  (await hearsay('status', '--json', '--node', name)).json()['reachableMembers']
const submits = async (name: string, text: string): Promise<void> => {
  const run = await hearsay('submit', text, '--node', name, '--timeout', '60s')
  expect(run.code, run.err).toBe(0)
}

test('two are cut off: nothing is final, until the links are whole again', async () => {
  await submits('ada', 'before')
  const cut = await done('cut', 'ada,bob')
  expect(cut.links.filter((each) => each.state === 'cut').map(({ link }) => link)).toEqual([
    ['ada', 'cat'],
    ['ada', 'dan'],
    ['bob', 'cat'],
    ['bob', 'dan'],
  ])
  await until('ada sees two', async () => (await reach('ada')) === 2)
  const stuck = await hearsay('submit', 'stuck', '--timeout', '300ms')
  expect([stuck.code, stuck.out]).toEqual([5, ''])
  await done('heal')
  await until('ada sees all', async () => (await reach('ada')) === 4)
  await submits('dan', 'after')
})

test('links: a delay and a loss, for a time', async () => {
  const delayed = await done('delay', 'ada→bob', '30ms±10', '--for', '500ms')
  expect(delayed.links.find(({ link }) => link.join() === 'ada,bob')).toMatchObject({
    delayMs: 20,
    jitterMs: 20,
  })
  await done('drop', '5%')
  expect((await hearsay('net', 'ps')).out).toMatch(/^bob→cat {2}5 % lost$/m)
  await submits('ada', 'slowly')
  await until('the delay is over', async () => (await state()).links.every((each) => each.delayMs === 0))
  await done('heal')
  expect((await hearsay('net', 'ps')).out).not.toContain('→')
})

test('a node is killed, started, paused, and goes on', async () => {
  const before = pidOf(await state(), 'dan')!
  const killed = await done('kill', 'dan')
  expect([pidOf(killed, 'dan'), isAlive(before)]).toEqual([null, false])
  await submits('ada', 'without dan')
  const started = await done('start', 'dan')
  expect(pidOf(started, 'dan')).not.toBe(before)
  await until('dan is back', async () => (await hearsay('status', '--node', 'dan')).code === 0)
  await submits('dan', 'with dan')
  const paused = await done('pause', 'dan', '--for', '300ms')
  expect(paused.nodes.map((each) => each.state)).toEqual(['running', 'running', 'running', 'paused'])
  await until('dan runs', async () => (await state()).nodes.every((each) => each.state === 'running'))
  await submits('dan', 'after the pause')
})

test('the control API: only with the token, only for pages of the testnet', async () => {
  const file = join(cwd, '.hearsay/testnet/control.json')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const { url, token } = JSON.parse(readFileSync(file, 'utf8')) as ControlFile
  const page = `http://127.0.0.1:${net.ready.nodes[0]!.api.port}`
  const asked = async (headers: Record<string, string>, body?: object): Promise<number> =>
    (
      await fetch(url, {
        headers,
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      })
    ).status
  const bearer = { Authorization: `Bearer ${token}` }
  expect(await asked({})).toBe(401)
  expect(await asked({ Authorization: `Bearer ${'x'.repeat(token.length)}` })).toBe(401)
  expect(await asked(bearer)).toBe(200)
  expect(await asked({ ...bearer, Origin: page })).toBe(200)
  expect(await asked({ ...bearer, Origin: 'http://evil.example' })).toBe(403)
  const asks = await fetch(url, { method: 'OPTIONS', headers: { Origin: page } })
  expect([asks.status, asks.headers.get('access-control-allow-origin')]).toEqual([204, page])
  const wrong: object[] = [
    {},
    { do: 'cut', nodes: ['zoe'] },
    { do: 'cut', nodes: ['ada', 'bob', 'cat', 'dan'] },
    { do: 'delay', link: ['ada', 'ada'], delayMs: 1 },
    { do: 'delay', delayMs: -1 },
    { do: 'drop', share: 2 },
    { do: 'kill', nodes: [] },
    { do: 'pause', nodes: ['ada'], forMs: 0 },
    { do: 'fork', node: 'zoe' },
  ]
  for (const order of wrong) expect(await asked(bearer, order), JSON.stringify(order)).toBe(400)
  const unknown = await hearsay('net', 'kill', 'zoe')
  expect([unknown.code, unknown.err]).toEqual([
    2,
    expect.stringMatching(/E_BAD_REQUEST {2}kill: nodes of ada/),
  ])
})

test('a node contradicts itself: the others have the proof and go on', async () => {
  await done('fork', 'dan')
  const evidence = await hearsay('evidence', '--json', '--node', 'ada')
  expect((evidence.json() as { evidence: { creator: string }[] }).evidence).toHaveLength(1)
  // Who has not seen both events has been told.
  expect((await hearsay('evidence', 'export', 'evidence.json', '--node', 'bob')).out).toBe(
    'evidence.json: dan\n',
  )
  const genesis = '.hearsay/testnet/ada/genesis.json'
  const verified = await hearsay('evidence', 'verify', 'evidence.json', '--genesis', genesis)
  expect([verified.code, verified.out]).toEqual([0, expect.stringMatching(/^OK {3}dan has signed two/)])
  await submits('ada', 'dan has branched')
})

test('down', async () => {
  expect((await hearsay('net', 'down')).code).toBe(0)
  expect((await net.ended).code).toBe(0)
  const gone = await hearsay('net', 'ps')
  expect([gone.code, gone.err]).toEqual([5, expect.stringContaining('E_NOT_RUNNING')])
  expect((await hearsay('verify', '.hearsay/testnet/ada', '.hearsay/testnet/bob')).code).toBe(0)
})
