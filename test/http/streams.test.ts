import { afterEach, expect, test } from 'vitest'
import { createLineSplitter, startApi, type Api, type ApiOptions } from '@hearsay/node/http'
import { createFakeNode, type FakeNode } from './fake-node.ts'
import { answerOf, ask, open, readAll, until } from './client.ts'

const running: Api[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((api) => api.stop()))
})

async function serve(node: FakeNode, limits: ApiOptions['limits'] = {}): Promise<number> {
  const api = await startApi({ node, genesis: {}, host: '127.0.0.1', port: 0, limits })
  running.push(api)
  return api.address.port
}

const lines = (count: number): string =>
  Array.from({ length: count }, (_, i) => `${JSON.stringify(`line ${i}`)}\n`).join('')

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')

const positions = (text: string): number[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { position: number }).position)

const ndjson = { Accept: 'application/x-ndjson' }

test('a batch is taken in and answered in order, through a pool that is smaller', async () => {
  const node = createFakeNode(100)
  node.orderAlways()
  const port = await serve(node, { batchInFlight: 500 })
  const answer = await ask(port, '/v1/tx/batch', { method: 'POST', body: lines(5_000) })
  expect(answer.status).toBe(200)
  const receipts = answer.lines()
  expect(receipts.map((each) => each['line'])).toEqual(Array.from({ length: 5_000 }, (_, i) => i + 1))
  expect(receipts.every((each, i) => each['state'] === 'ordered' && each['position'] === i)).toBe(true)
  expect(node.taken.map(textOf)).toEqual(Array.from({ length: 5_000 }, (_, i) => `line ${i}`))
})

test('every form of a line, and lines that are none', async () => {
  const node = createFakeNode()
  node.orderAlways()
  const port = await serve(node)
  const body = Buffer.from(
    [
      '"héllo\\u0000"',
      '""',
      '{"hex":"00FFab"}',
      '{"base64":"AP8="}',
      '',
      '{"hex":"0"}',
      '{"base64":"?"}',
      '[1]',
      '"\\ud800"',
      `"${'x'.repeat(7 * 65_536)}"`,
      '"last, without newline"',
    ].join('\n'),
  )
  const answer = await ask(port, '/v1/tx/batch', { method: 'POST', body })
  const states = answer.lines().map((each) => each['reason'] ?? each['state'])
  const wrong = 'malformed'
  expect(states).toEqual([
    'ordered',
    'ordered',
    'ordered',
    'ordered',
    wrong,
    wrong,
    wrong,
    wrong,
    wrong,
    'too-large',
    'ordered',
  ])
  expect(node.taken.map((bytes) => Buffer.from(bytes).toString('hex'))).toEqual(
    ['héllo\0', '']
      .map((text) => Buffer.from(text).toString('hex'))
      .concat('00ffab', '00ff', Buffer.from('last, without newline').toString('hex')),
  )
})

test('until=accepted answers without waiting', async () => {
  const node = createFakeNode()
  const port = await serve(node)
  const answer = await ask(port, '/v1/tx/batch?until=accepted', { method: 'POST', body: lines(3) })
  expect(answer.lines()).toEqual([1, 2, 3].map((line) => ({ line, state: 'pending', reason: null })))
})

test('no more than the bound is in flight, answers come while lines are sent, and order is kept', async () => {
  const node = createFakeNode()
  const port = await serve(node, { batchInFlight: 10 })
  const request = open(port, '/v1/tx/batch', { method: 'POST' })
  const answered = answerOf(request)
  request.write(lines(25))
  const all = readAll(await answered)
  await until(() => node.taken.length === 10)
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(node.taken.length).toBe(10)
  node.order()
  await until(() => node.taken.length === 20)
  node.order()
  await until(() => node.taken.length === 25)
  request.end()
  node.order()
  expect((await all).lines().map((each) => each['line'])).toEqual(Array.from({ length: 25 }, (_, i) => i + 1))
})

test('a batch that breaks off within a line loses that line only, and leaves nothing behind', async () => {
  const node = createFakeNode()
  const port = await serve(node)
  const request = open(port, '/v1/tx/batch', { method: 'POST' })
  request.on('error', () => undefined)
  request.write('"one"\n"two"\n"thr')
  await until(() => node.taken.length === 2)
  request.destroy()
  await until(() => node.forgotten() === 2)
  expect(node.taken.map(textOf)).toEqual(['one', 'two'])
})

test('a batch that sends nothing is ended', async () => {
  const port = await serve(createFakeNode(), { batchIdleMs: 100 })
  const request = open(port, '/v1/tx/batch', { method: 'POST' })
  const answered = answerOf(request)
  request.on('error', () => undefined)
  request.write('"one"\n')
  await expect(answered.then(readAll)).rejects.toThrow(/aborted|hang up|reset/i)
})

test('streams are bounded in number', async () => {
  const node = createFakeNode()
  const port = await serve(node, { streams: 1 })
  const first = open(port, '/v1/log?follow=1', { headers: ndjson })
  first.end()
  await answerOf(first)
  const second = await ask(port, '/v1/log?follow=1', { headers: ndjson })
  expect([second.status, second.json()['code']]).toEqual([503, 'E_TOO_MANY_STREAMS'])
  expect((await ask(port, '/v1/log')).status).toBe(200)
  first.destroy()
})

test('the log in pages', async () => {
  const node = createFakeNode()
  for (const text of ['one', 'two', 'three']) node.submit(Buffer.from(text))
  node.order()
  node.submit(Uint8Array.of(255))
  node.order()
  const port = await serve(node)
  const page = (await ask(port, '/v1/log?from=1&limit=2')).json()
  expect(page).toMatchObject({ from: 1, next: 3, total: 4 })
  expect(page['transactions']).toMatchObject([
    { position: 1, round: 1, creator: 'ada', index: 1, text: 'two', hex: '74776f' },
    { position: 2, text: 'three' },
  ])
  const binary = (await ask(port, '/v1/log?from=round:2')).json()['transactions']
  expect(binary).toMatchObject([{ position: 3, text: null, hex: 'ff' }])
  expect((await ask(port, '/v1/log?from=9')).json()).toMatchObject({ from: 9, next: 9, transactions: [] })
  expect((await ask(port, '/v1/log?from=round:9')).status).toBe(404)
})

test('the log as a stream ends, a followed one goes on', async () => {
  const node = createFakeNode()
  for (let i = 0; i < 700; i++) node.submit(Buffer.from(`line ${i}`))
  node.order()
  const port = await serve(node)
  const some = await ask(port, '/v1/log?from=10&limit=600', { headers: ndjson })
  expect(positions(some.text)).toEqual(Array.from({ length: 600 }, (_, i) => i + 10))
  const rest = await ask(port, '/v1/log?from=10', { headers: ndjson })
  expect(positions(rest.text).length).toBe(690)
  expect((await ask(port, '/v1/log?from=end', { headers: ndjson })).text).toBe('')

  const request = open(port, '/v1/log?from=690&follow=1&limit=20', { headers: ndjson })
  request.end()
  const response = await answerOf(request)
  const all = readAll(response)
  for (let i = 0; i < 10; i++) {
    node.submit(Buffer.from('more'))
    node.order()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  expect(positions((await all).text)).toEqual(Array.from({ length: 20 }, (_, i) => i + 690))
})

test('a follower that does not read makes the node read no further', async () => {
  const node = createFakeNode()
  for (let i = 0; i < 1_000; i++) node.submit(Buffer.alloc(16_384, 'x'))
  node.order()
  const port = await serve(node, { streamPage: 16 })
  const request = open(port, '/v1/log?follow=1', { headers: ndjson })
  request.end()
  const response = await answerOf(request)
  response.pause()
  let before = -1
  while (before !== node.reads()) {
    before = node.reads()
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  // 63 pages of more than 0.7 MiB each are there: what the sockets hold is far less.
  expect(before).toBeLessThan(40)
  let count = 0
  const splitter = createLineSplitter(1_000_000)
  for await (const piece of response as AsyncIterable<Uint8Array>) {
    count += splitter.push(piece).length
    if (count === 1_000) break
  }
  expect(count).toBe(1_000)
})

test('lines are cut at newlines only, whatever the pieces', () => {
  const whole = Buffer.from('a\r\n\n\u2028b\n0123456789\nlast')
  for (let size = 1; size <= whole.length; size++) {
    const splitter = createLineSplitter(8)
    const found = []
    for (let at = 0; at < whole.length; at += size)
      found.push(...splitter.push(whole.subarray(at, at + size)))
    const end = splitter.end()
    expect(
      [...found, ...(end === undefined ? [] : [end])].map(({ bytes }) => bytes && textOf(bytes)),
    ).toEqual(['a\r', '', '\u2028b', undefined, 'last'])
    expect(splitter.end()).toBe(undefined)
  }
})
