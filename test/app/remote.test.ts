// An application in another language, over its standard input and output: the same order and the same state as the TypeScript one on
// the same ledger, although either side is killed meanwhile.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Application } from '@hearsay/node'
import { startNode } from '@hearsay/node/process'
import { afterAll, expect, test } from 'vitest'
import { createHarness, type Run, until } from '../network/command.ts'

const harness = createHarness()
afterAll(() => harness.cleanUp())

const TALLY = join(import.meta.dirname, 'tally.py')
const hasPython = spawnSync('python3', ['--version']).status === 0

/** Without Python it is not run, and the output says so. */
const withPython = (name: string, body: () => Promise<void>): void => {
  if (hasPython) test(name, body)
  else console.warn(`SKIPPED, there is no python3 on this machine: ${name}`)
}

/** What tally.py does. */
type Said = Map<string, number>
const tally: Application<Said> = {
  init: () => new Map(),
  apply(said, { text, bytes }) {
    const isText = Buffer.from(text, 'utf8').equals(bytes)
    if (text === '' || !isText) return { state: said, rejected: 'say something' }
    const key = Buffer.from(text).toString('hex')
    const count = (said.get(key) ?? 0) + 1
    return { state: said.set(key, count), result: count }
  },
  query: (said, path) => said.get(Buffer.from(path).toString('hex')) ?? 0,
}
const digest = (said: Said): string => {
  const lines = [...said].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, count]) => `${key}=${count}\n`)
  return createHash('sha256').update(lines.join('')).digest('hex')
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)

const query = async (port: number, path: string): Promise<unknown> => {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/query?path=${path}`)
  return answer.ok ? ((await answer.json()) as { result: unknown }).result : undefined
}

withPython('Python beside TypeScript: the same state, across kill -9 of either side', async () => {
  const cwd = harness.folder()
  const net = await harness.testnet(cwd, '4', '--app', `exec python3 ${TALLY}`)
  const hearsay = (...args: readonly string[]): Promise<Run> => harness.run(args, { cwd })
  const { nodes } = net.ready
  await until('all applications answer', async () => {
    const ready = await Promise.all(nodes.map(({ api }) => fetch(`http://127.0.0.1:${api.port}/readyz`)))
    return ready.every(({ ok }) => ok)
  })
  const first = (await hearsay('submit', 'hello', '--json')).json()
  expect(first).toMatchObject({ state: 'ordered', result: 1, position: 0 })
  expect((await hearsay('submit', '--hex', 'fffe', '--json')).json()).toMatchObject({
    state: 'rejected',
    reason: 'say something',
  })

  const lines = Array.from({ length: 400 }, (_, i) => `word ${i % 37}\n`).join('')
  writeFileSync(join(cwd, 'words'), lines)
  const writing = [
    hearsay('submit', '--file', 'words', '--node', 'ada', '--timeout', '60s'),
    hearsay('submit', '--file', 'words', '--node', 'dan', '--timeout', '60s'),
  ]
  for (const name of ['bob', 'ada', 'bob'])
    for (const pid of childrenOf(nodes.find((node) => node.name === name)!.pid)) process.kill(pid, 'SIGKILL')
  expect((await hearsay('net', 'kill', 'cat', '--for', '200ms')).code).toBe(0)
  for (const run of await Promise.all(writing)) expect(run.code, run.err).toBe(0)
  // Who was killed is behind for a moment, and says so.
  let states: unknown[] = []
  await until('all have counted all', async () => {
    const counts = await Promise.all(
      nodes.map(({ api }) => query(api.port, 'word%200').catch(() => undefined)),
    )
    states = await Promise.all(nodes.map(({ api }) => query(api.port, '').catch(() => undefined)))
    return counts.every((count) => count === 22) && states.every((state) => state !== undefined)
  })
  expect(new Set(states).size).toBe(1)
  net.child.kill('SIGINT')
  expect((await net.ended).code).toBe(0)

  // The same ledger through the TypeScript application, from its first event on.
  const dir = join(cwd, '.hearsay/testnet/dan')
  const node = await startNode({ dir, application: tally as Application<unknown>, replayAll: true })
  expect(digest(node.machine.state() as Said)).toBe(states[0])
  await node.stop()
})

withPython(
  'app-test: an application that keeps its state passes, those that do not fit are told apart',
  async () => {
    const fit = await harness.run(['app-test', `python3 ${TALLY}`, '--transactions', '60', '--json'])
    expect([fit.code, fit.err]).toEqual([0, ''])
    expect(fit.lines().map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'skipped'])
    const source = readFileSync(TALLY, 'utf8')
    const planted: [string, string, string, RegExp][] = [
      [
        'depends on the moment',
        'sorted(state["said"].items())',
        'sorted(state["said"].items()) + [("t", os.times().elapsed)]',
        /the same again/,
      ],
      ['forgets the cursor', '"cursor": 0, "said"', '"cursor": 5, "said"', /a new state stands at 0/],
      [
        'counts twice after a crash',
        'state["cursor"] = asked["cursor"]\n',
        'state["cursor"] = asked["from"]\n',
        /killed in the middle/,
      ],
      [
        'ends at odd input',
        'if not tx["text"]:',
        'if tx["text"] is None: sys.exit(1)\n        if not tx["text"]:',
        /odd ones too/,
      ],
    ]
    for (const [what, from, to, where] of planted) {
      expect(source, what).toContain(from)
      const file = join(harness.folder(), 'planted.py')
      writeFileSync(file, source.replace(from, to))
      const run = await harness.run(['app-test', `python3 ${file}`, '--transactions', '40'])
      expect(run.code, what).toBe(3)
      expect(run.out, what).toMatch(new RegExp(`✖ .*${where.source}`))
    }
  },
)

test('over a socket: asked where it stands, given what follows, and again when it has gone', async () => {
  const cwd = harness.folder()
  const path = join(cwd, 'app.sock')
  let cursor = 0
  let isBroken = true
  const applied: string[] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    let held = ''
    socket.on('error', () => undefined)
    socket.setEncoding('utf8').on('data', (piece: string) => {
      held += piece
      for (let at = held.indexOf('\n'); at >= 0; at = held.indexOf('\n')) {
        const asked = JSON.parse(held.slice(0, at)) as {
          id: number
          apply?: { cursor: number; transactions: { text: string }[] }
        }
        held = held.slice(at + 1)
        if (asked.apply !== undefined && isBroken) {
          // Stored, and dead before anybody hears of it.
          isBroken = false
          applied.push(...asked.apply.transactions.map(({ text }) => text))
          cursor = asked.apply.cursor
          return socket.destroy()
        }
        if (asked.apply !== undefined) {
          applied.push(...asked.apply.transactions.map(({ text }) => text))
          cursor = asked.apply.cursor
        }
        const results = asked.apply?.transactions.map(() => ({ result: 'taken' }))
        socket.write(`${JSON.stringify({ id: asked.id, cursor, hash: null, results })}\n`)
      }
      return undefined
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(path, resolve)
  })
  await harness.testnet(cwd, '1', '--app', `unix:${path}`)
  const submit = async (text: string): Promise<Record<string, unknown>> =>
    (await harness.run(['submit', text, '--json', '--timeout', '60s'], { cwd })).json()
  expect(await submit('first')).toMatchObject({ state: 'ordered', result: null })
  expect(await submit('second')).toMatchObject({ state: 'ordered', result: 'taken' })
  expect(applied).toEqual(['first', 'second'])
  expect(sockets.length).toBe(2)
  for (const socket of sockets) socket.destroy()
  server.close()
})
