import { afterEach, expect, test } from 'vitest'
import { startApi, type Api, type ApiOptions } from '@hearsay/node/http'
import { createFakeNode, type FakeNode } from './fake-node.ts'
import { answerOf, ask, open, raw, readAll, until } from './client.ts'

const running: Api[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((api) => api.stop()))
})

async function serve(node: FakeNode, more: Partial<ApiOptions> = {}): Promise<number> {
  const api = await startApi({ node, genesis: { hearsay: 'genesis' }, host: '127.0.0.1', port: 0, ...more })
  running.push(api)
  return api.address.port
}

/** Host, Origin and fetch metadata as a browser or another program would send them; `P` stands for the port. */
const doors: readonly [status: number, why: string, headers: Record<string, string>][] = [
  [200, 'loopback address with port', { Host: '127.0.0.1:P' }],
  [200, 'loopback address without port', { Host: '127.0.0.1' }],
  [200, 'localhost', { Host: 'localhost:P' }],
  [200, 'localhost in capitals', { Host: 'LOCALHOST:P' }],
  [200, 'IPv6 loopback', { Host: '[::1]:P' }],
  [200, 'a configured name', { Host: 'node.example:P' }],
  [403, 'a foreign name (DNS rebinding)', { Host: 'evil.example:P' }],
  [403, 'a name that ends like ours', { Host: 'evil.localhost:P' }],
  [403, 'a name that begins like ours', { Host: '127.0.0.1.evil.example:P' }],
  [403, 'the loopback address as one number', { Host: '2130706433' }],
  [403, 'the loopback address in short', { Host: '127.1:P' }],
  [403, 'a rooted name', { Host: 'localhost.:P' }],
  [403, 'credentials before the name', { Host: 'evil@localhost:P' }],
  [403, 'IPv6 with a zone', { Host: '[::1%25lo]:P' }],
  [200, 'our own page', { Host: '127.0.0.1:P', Origin: 'http://127.0.0.1:P' }],
  [403, 'a foreign page', { Host: '127.0.0.1:P', Origin: 'http://evil.example' }],
  [403, 'a page without origin', { Host: '127.0.0.1:P', Origin: 'null' }],
  [403, 'another program of this machine', { Host: '127.0.0.1:P', Origin: 'http://127.0.0.1:3000' }],
  [403, 'our name over TLS', { Host: '127.0.0.1:P', Origin: 'https://127.0.0.1:P' }],
  [403, 'another name of ours', { Host: '127.0.0.1:P', Origin: 'http://localhost:P' }],
  [403, 'an image on a foreign page', { Host: '127.0.0.1:P', 'Sec-Fetch-Site': 'cross-site' }],
  [403, 'a script of another local port', { Host: '127.0.0.1:P', 'Sec-Fetch-Site': 'same-site' }],
  [200, 'typed into the address bar', { Host: '127.0.0.1:P', 'Sec-Fetch-Site': 'none' }],
  [
    200,
    'a link on a foreign page',
    { Host: '127.0.0.1:P', 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' },
  ],
]

test.each(doors)('%i for %s', async (status, _why, headers) => {
  const node = createFakeNode()
  const port = await serve(node, { allowedHosts: ['node.example'] })
  const sent = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value.replaceAll('P', String(port))]),
  )
  if (headers['Host'] === 'LOCALHOST:P') sent['Host'] = `LOCALHOST:${port}`
  const answer = await ask(port, '/v1/status', { headers: sent })
  expect(answer.status).toBe(status)
  const posted = await ask(port, '/v1/tx?until=accepted', { method: 'POST', headers: sent, body: 'x' })
  const isFormPost = headers['Sec-Fetch-Mode'] === 'navigate'
  expect(posted.status).toBe(status === 200 && !isFormPost ? 202 : 403)
  expect(node.taken.length).toBe(posted.status === 202 ? 1 : 0)
})

test('a request needs exactly one Host', async () => {
  const port = await serve(createFakeNode())
  expect(await raw(port, 'GET /healthz HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /)
  expect(await raw(port, 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
  expect(await raw(port, 'GET /healthz HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n')).toMatch(
    /^HTTP\/1\.1 403 /,
  )
  const two = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n'
  expect(await raw(port, two)).toMatch(/^HTTP\/1\.1 40[03] /)
  const absolute = 'GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  expect(await raw(port, absolute)).toMatch(/^HTTP\/1\.1 400 /)
})

test('errors are problems with a code, and every answer names the network', async () => {
  const port = await serve(createFakeNode())
  const missing = await ask(port, '/v2/tx')
  expect(missing.status).toBe(404)
  expect(missing.headers['content-type']).toBe('application/problem+json')
  expect(missing.headers['x-net-id']).toBe('07'.repeat(32))
  expect(missing.json()).toMatchObject({
    status: 404,
    code: 'E_NOT_FOUND',
    type: 'urn:hearsay:problem:not-found',
  })
  const method = await ask(port, '/v1/tx', { method: 'DELETE' })
  expect([method.status, method.headers['allow']]).toEqual([405, 'POST'])
  for (const bad of ['/v1/log?from=-1', '/v1/log?limit=x', '/v1/log?follow=1', '/v1/log?from=1e3'])
    expect((await ask(port, bad)).status).toBe(400)
  for (const bad of ['until=never', 'timeout=10', 'timeout=99999s', 'timeout=-1s'])
    expect((await ask(port, `/v1/tx?${bad}`, { method: 'POST', body: 'x' })).status).toBe(400)
})

test('a transaction is answered when it is final', async () => {
  const node = createFakeNode()
  node.orderAlways()
  const port = await serve(node)
  const bytes = Uint8Array.of(0, 255, 10, 13)
  const answer = await ask(port, '/v1/tx', { method: 'POST', body: bytes })
  expect(answer.status).toBe(200)
  expect(answer.json()).toEqual({
    state: 'ordered',
    reason: null,
    result: null,
    position: 0,
    round: 1,
    time: '2023-11-14T22:13:20.000000Z',
    timestamp: 1_700_000_000_000_000,
    event: '00'.repeat(32),
    index: 0,
    latencyMs: 1,
  })
  expect(node.taken.map((each) => [...each])).toEqual([[...bytes]])
  expect(node.forgotten()).toBe(1)
})

test('not final in time: 202 with where it is, and why', async () => {
  const node = createFakeNode()
  node.setStatus({ state: 'no-quorum', reason: 'no quorum: 2 of 4 members within reach' })
  const port = await serve(node)
  const waited = await ask(port, '/v1/tx?timeout=50ms', { method: 'POST', body: 'a' })
  expect([waited.status, waited.json()]).toEqual([
    202,
    { state: 'pending', reason: 'no quorum: 2 of 4 members within reach' },
  ])
  const accepted = await ask(port, '/v1/tx?until=accepted', { method: 'POST', body: 'b' })
  expect(accepted.status).toBe(202)
  expect(node.taken.length).toBe(2)
  expect(node.forgotten()).toBe(2)
})

test('refusals: too large, pool full, stopping; nothing is taken in', async () => {
  const node = createFakeNode(0)
  const port = await serve(node)
  const large = await ask(port, '/v1/tx', { method: 'POST', body: Buffer.alloc(65_537) })
  expect([large.status, large.json()['code']]).toEqual([413, 'E_TOO_LARGE'])
  const chunked = open(port, '/v1/tx', { method: 'POST', headers: { 'Transfer-Encoding': 'chunked' } })
  const answered = answerOf(chunked)
  // The server may close while the client still writes.
  chunked.on('error', () => undefined)
  for (let i = 0; i < 3; i++) chunked.write(Buffer.alloc(32_768))
  expect((await readAll(await answered)).status).toBe(413)
  const full = await ask(port, '/v1/tx', { method: 'POST', body: 'x' })
  expect([full.status, full.headers['retry-after'], full.json()['code']]).toEqual([429, '1', 'E_POOL_FULL'])
  node.setStatus({ state: 'stopping' })
  const stopping = await ask(port, '/v1/tx', { method: 'POST', body: 'x' })
  expect([stopping.status, stopping.json()['code']]).toEqual([503, 'E_STOPPING'])
  expect(node.taken.length).toBe(0)
})

test('a client that goes away while it waits costs nothing more', async () => {
  const node = createFakeNode()
  const port = await serve(node)
  const request = open(port, '/v1/tx', { method: 'POST' })
  request.on('error', () => undefined)
  request.end('x')
  await until(() => node.taken.length === 1)
  request.destroy()
  await until(() => node.forgotten() === 1)
})

test('slow headers and slow bodies are ended', async () => {
  const port = await serve(createFakeNode(), { limits: { headersTimeoutMs: 200, bodyTimeoutMs: 200 } })
  expect(await raw(port, 'GET /healthz HTTP/1.1\r\nHost: loc')).toMatch(/^(HTTP\/1\.1 408 |$)/)
  const slow = 'POST /v1/tx HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc'
  expect(await raw(port, slow)).toMatch(/^HTTP\/1\.1 408 [^]*E_SLOW_BODY/)
})

test('health, readiness and genesis', async () => {
  const node = createFakeNode()
  const port = await serve(node)
  expect((await ask(port, '/readyz')).status).toBe(200)
  node.setStatus({ state: 'no-quorum', reason: 'why' })
  expect((await ask(port, '/readyz')).json()['detail']).toBe('no-quorum: why')
  expect((await ask(port, '/healthz')).status).toBe(200)
  node.setStatus({ state: 'failed', reason: 'disk' })
  expect((await ask(port, '/healthz')).status).toBe(503)
  expect((await ask(port, '/v1/genesis')).json()).toEqual({ hearsay: 'genesis' })
})

test('a busy port is told as such', async () => {
  const node = createFakeNode()
  const port = await serve(node)
  await expect(serve(node, { port })).rejects.toMatchObject({ code: 'E_PORT_IN_USE', exitCode: 69, port })
})

test('stop ends followers and waiters at once', async () => {
  const node = createFakeNode()
  const port = await serve(node)
  const follower = ask(port, '/v1/log?follow=1', { headers: { Accept: 'application/x-ndjson' } })
  const waiter = ask(port, '/v1/tx?timeout=60s', { method: 'POST', body: 'x' })
  await until(() => node.taken.length === 1 && node.reads() === 1)
  await running.pop()?.stop()
  expect((await follower).text).toBe('')
  expect((await waiter).json()['state']).toBe('pending')
})
