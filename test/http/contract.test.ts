/** The API and its OpenAPI document say the same: answers fit the schemas, and every problem that is listed really comes. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { type RunningNode, type SubmitRefusal, type SocketMessage } from '@hearsay/node'
import { type Api, type ApiOptions, startApi } from '@hearsay/node/http'
import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type Answer, answerOf, ask, open, raw, type Request } from './client.ts'
import { createFakeNode } from './fake-node.ts'

const apis: Api[] = []
afterEach(async () => {
  for (const api of apis.splice(0)) await api.stop()
})

async function serve(node: RunningNode, options: Partial<ApiOptions> = {}): Promise<number> {
  const api = await startApi({
    node,
    genesis: { hearsay: 'genesis', version: 1, members: [] },
    host: '127.0.0.1',
    port: 0,
    ...options,
  })
  apis.push(api)
  return api.address.port
}

function orderedNode(): ReturnType<typeof createFakeNode> {
  const node = createFakeNode()
  node.orderAlways()
  return node
}

type Document = {
  paths: Record<
    string,
    Record<string, { responses: Record<string, { content: Record<string, { schema: object }> }> }>
  >
  components: { schemas: { Problem: { properties: { code: { enum: string[] } } } } }
}

test('the document is sound, and every answer is as it says', async () => {
  const port = await serve(orderedNode())
  const document = (await ask(port, '/openapi.json')).json() as unknown as Document
  const result = await new Validator().validate(structuredClone(document))
  expect(result.errors).toBe(undefined)
  expect(result.valid).toBe(true)
  const ajv = new Ajv2020({
    strict: false,
    formats: { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/ },
  })
  ajv.addSchema(document, 'api')
  const fits = (path: string, method: string, answer: Answer): void => {
    const media = String(answer.headers['content-type']).split(';')[0]!
    const schema = document.paths[path]?.[method]?.responses[answer.status]?.content[media]?.schema
    expect(schema, `${method} ${path}: ${answer.status} ${media}`).toBeDefined()
    const where = ['paths', path, method, 'responses', String(answer.status), 'content', media, 'schema']
    const pointer = where.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')
    const bodies =
      media === 'application/x-ndjson'
        ? answer.lines()
        : media === 'text/plain' || media === 'application/octet-stream'
          ? [answer.text]
          : [answer.json()]
    for (const body of bodies)
      expect(ajv.validate(`api#/${encodeURI(pointer)}`, body), `${path}: ${ajv.errorsText()}`).toBe(true)
  }
  const all: [string, string, string, Request?][] = [
    ['/v1/tx', 'post', '/v1/tx', { method: 'POST', body: 'a' }],
    ['/v1/tx', 'post', '/v1/tx?until=accepted', { method: 'POST', body: 'a' }],
    ['/v1/tx/batch', 'post', '/v1/tx/batch', { method: 'POST', body: '"a"\nnonsense\n{"hex":"00"}\n' }],
    [
      '/v1/tx/batch',
      'post',
      '/v1/tx/batch',
      { method: 'POST', body: 'abc', headers: { 'Content-Type': 'application/octet-stream' } },
    ],
    ['/v1/tx/{id}', 'get', '/v1/tx/0'],
    ['/v1/tx/{id}', 'get', `/v1/tx/${'0'.repeat(64)}`],
    ['/v1/tx/{id}', 'get', '/v1/tx/99'],
    ['/v1/tx/{id}/proof', 'get', '/v1/tx/0/proof'],
    ['/v1/log', 'get', '/v1/log?limit=2'],
    ['/v1/log', 'get', '/v1/log', { headers: { Accept: 'application/x-ndjson' } }],
    ['/v1/events', 'get', '/v1/events'],
    ['/v1/query', 'get', '/v1/query?path=a'],
    ['/v1/status', 'get', '/v1/status'],
    ['/v1/peers', 'get', '/v1/peers'],
    ['/v1/net', 'get', '/v1/net'],
    ['/v1/evidence', 'get', '/v1/evidence'],
    ['/v1/genesis', 'get', '/v1/genesis'],
    ['/healthz', 'get', '/healthz'],
    ['/readyz', 'get', '/readyz'],
    ['/metrics', 'get', '/metrics'],
    ['/openapi.json', 'get', '/openapi.json'],
  ]
  for (const [path, method, target, request] of all) fits(path, method, await ask(port, target, request))
  expect(new Set(all.map(([path]) => path))).toEqual(new Set(Object.keys(document.paths)))
})

const refusing = (reason: SubmitRefusal): RunningNode => ({
  ...createFakeNode(),
  submit: () => ({ ok: false, reason, message: reason }),
})

const keyed = (body: string): Request => ({ method: 'POST', body, headers: { 'Idempotency-Key': 'one' } })

const postWith = (headers: Record<string, string>): Request => ({ method: 'POST', body: 'x', headers })

test('every problem that the document lists comes from the cause that it names', async () => {
  const seen = new Set<string>()
  const note = (answer: Answer, code: string, status: number): void => {
    expect([answer.json()['code'], answer.status, answer.headers['content-type']]).toEqual([
      code,
      status,
      'application/problem+json',
    ])
    seen.add(code)
  }
  const post: Request = { method: 'POST', body: 'x' }
  const refusals: [SubmitRefusal, string, number][] = [
    ['too-large', 'E_TOO_LARGE', 413],
    ['rejected', 'E_REJECTED', 422],
    ['pool-full', 'E_POOL_FULL', 429],
    ['disk-full', 'E_DISK_FULL', 503],
    ['stopping', 'E_STOPPING', 503],
  ]
  for (const [reason, code, status] of refusals) {
    const answer = await ask(await serve(refusing(reason)), '/v1/tx', post)
    note(answer, code, status)
    expect(answer.headers['retry-after']).toBe(reason === 'pool-full' ? '1' : undefined)
  }
  const node = orderedNode()
  const port = await serve(node, { limits: { bodyTimeoutMs: 100, streams: 1 } })
  note(await ask(port, '/v1/tx?until=never', post), 'E_BAD_REQUEST', 400)
  note(await ask(port, '/v1/nothing'), 'E_NOT_FOUND', 404)
  note(await ask(port, '/v1/tx/12'), 'E_NOT_FOUND', 404)
  note(await ask(port, '/v1/tx/zz'), 'E_BAD_REQUEST', 400)
  note(await ask(port, '/v1/status', post), 'E_METHOD', 405)
  note(await ask(port, '/v1/status', { headers: { Host: 'evil.example' } }), 'E_FOREIGN_HOST', 403)
  note(await ask(port, '/v1/status', { headers: { Origin: 'http://evil.example' } }), 'E_FOREIGN_ORIGIN', 403)
  note(await ask(port, '/v1/tx/0/proof'), 'E_NOT_CERTIFIED', 425)
  await ask(port, '/v1/tx', keyed('a'))
  note(await ask(port, '/v1/tx', keyed('b')), 'E_OTHER_BYTES', 409)
  expect(await raw(port, 'POST /v1/tx HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc')).toMatch(
    /408 [^]*E_SLOW_BODY/,
  )
  seen.add('E_SLOW_BODY')
  const follower = open(port, '/v1/log?follow=1', { headers: { Accept: 'application/x-ndjson' } })
  follower.end()
  await answerOf(follower)
  note(await ask(port, '/v1/log', { headers: { Accept: 'text/event-stream' } }), 'E_TOO_MANY_STREAMS', 503)
  follower.destroy()
  node.setStatus({ state: 'no-quorum', reason: 'alone' })
  note(await ask(port, '/readyz'), 'E_NOT_READY', 503)
  const broken: RunningNode = {
    ...createFakeNode(),
    query: () => Promise.reject(new Error('no such path')),
    log: () => Promise.reject(new Error('the disk is gone')),
  }
  const brokenPort = await serve(broken)
  note(await ask(brokenPort, '/v1/query?path=x'), 'E_QUERY', 422)
  note(await ask(brokenPort, '/v1/log'), 'E_INTERNAL', 500)
  const guarded = await serve(orderedNode(), { tokens: TOKENS })
  note(await ask(guarded, '/v1/status'), 'E_TOKEN_NEEDED', 401)
  note(await ask(guarded, '/v1/tx', { ...post, headers: bearer('reader') }), 'E_ROLE', 403)
  const document = (await ask(port, '/openapi.json')).json() as unknown as Document
  expect([...seen].sort()).toEqual([...document.components.schemas.Problem.properties.code.enum].sort())
})

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const TOKENS = [
  { name: 'reader', role: 'read', sha256: sha256('reader') },
  { name: 'writer', role: 'submit', sha256: sha256('writer') },
] as const
const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` })

test('tokens: who may do what; without them the API stays on the loopback interface', async () => {
  const port = await serve(orderedNode(), { tokens: TOKENS })
  const table: [string, Request, number][] = [
    ['/healthz', {}, 200],
    ['/openapi.json', {}, 200],
    ['/v1/log', {}, 401],
    ['/metrics', {}, 401],
    ['/v1/log', { headers: bearer('reader') }, 200],
    ['/v1/log', { headers: bearer('writer') }, 200],
    ['/v1/log', { headers: bearer('readers') }, 401],
    ['/v1/log', { headers: bearer('somebody') }, 401],
    ['/v1/log', { headers: { Authorization: 'Basic cmVhZGVyOg==' } }, 401],
    ['/v1/tx', postWith({}), 401],
    ['/v1/tx', postWith(bearer('reader')), 403],
    ['/v1/tx', postWith(bearer('writer')), 200],
    ['/v1/tx/batch', postWith(bearer('reader')), 403],
  ]
  for (const [path, request, status] of table)
    expect((await ask(port, path, request)).status, `${path} ${JSON.stringify(request.headers)}`).toBe(status)
  const fault = serve(createFakeNode(), { host: '0.0.0.0' })
  await expect(fault).rejects.toMatchObject({ code: 'E_TOKENS_MISSING', exitCode: 69 })
})

test('pages of an origin that the operator has named are let in, no others', async () => {
  const port = await serve(orderedNode(), { allowedOrigins: ['https://app.example'] })
  const asked = await ask(port, '/v1/tx', {
    method: 'OPTIONS',
    headers: { Origin: 'https://app.example', 'Sec-Fetch-Site': 'cross-site' },
  })
  expect([asked.status, asked.headers['access-control-allow-origin']]).toEqual([204, 'https://app.example'])
  const headers = { Origin: 'https://app.example', 'Sec-Fetch-Site': 'cross-site' }
  expect((await ask(port, '/v1/tx', { method: 'POST', body: 'x', headers })).status).toBe(200)
  expect((await ask(port, '/v1/status', { headers: { Origin: 'https://app.example.evil' } })).status).toBe(
    403,
  )
  expect((await ask(port, '/v1/status')).headers['access-control-allow-origin']).toBe(undefined)
})

test('an event stream names where to go on, and goes on there', async () => {
  const node = orderedNode()
  const port = await serve(node, { limits: { heartbeatMs: 20 } })
  for (const text of ['a', 'b', 'c']) await ask(port, '/v1/tx', { method: 'POST', body: text })
  const read = async (headers: Record<string, string>, until: RegExp): Promise<string> => {
    const request = open(port, '/v1/log', { headers: { Accept: 'text/event-stream', ...headers } })
    request.end()
    const response = await answerOf(request)
    expect(response.headers['content-type']).toBe('text/event-stream')
    let text = ''
    for await (const piece of response as AsyncIterable<Buffer>) {
      text += piece.toString('utf8')
      if (until.test(text)) break
    }
    request.destroy()
    return text
  }
  const whole = await read({}, /: here/)
  const ids = [...whole.matchAll(/^id: (\d+)\ndata: (.*)\n\n/gm)].map(([, id, data]) => [
    id,
    (JSON.parse(data!) as { text: string }).text,
  ])
  expect(ids).toEqual([
    ['1', 'a'],
    ['2', 'b'],
    ['3', 'c'],
  ])
  expect(await read({ 'Last-Event-ID': '2' }, /: here/)).toMatch(/^id: 3\n/)
})

async function connect(port: number, protocols: string[] = ['hearsay.v1']) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/ws`, protocols)
  const messages: SocketMessage[] = []
  socket.on('message', (data) => void messages.push(JSON.parse(String(data)) as SocketMessage))
  await Promise.race([
    once(socket, 'open'),
    once(socket, 'error').then(([error]) => Promise.reject(error as Error)),
  ])
  return { socket, messages, say: (message: object) => socket.send(JSON.stringify(message)) }
}

async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('a socket is sent what it has given credit for, and nothing is read before', async () => {
  const node = orderedNode()
  const port = await serve(node, { limits: { heartbeatMs: 30 } })
  const { socket, messages, say } = await connect(port)
  for (let id = 1; id <= 10; id++) say({ type: 'submit', id, text: `t${id}` })
  await eventually(() => messages.filter(({ type }) => type === 'receipt').length === 10)
  expect(node.reads()).toBe(0)
  const got = (): number[] => messages.flatMap((each) => (each.type === 'transaction' ? [each.position] : []))
  say({ type: 'subscribe', from: 2, credit: 3 })
  await eventually(() => got().length === 3)
  await eventually(() =>
    messages.some((each) => each.type === 'heartbeat' && each.head === 10 && each.next === 5),
  )
  expect(got()).toEqual([2, 3, 4])
  say({ type: 'credit', credit: 100 })
  await eventually(() => got().length === 8)
  await ask(port, '/v1/tx', { method: 'POST', body: 'later' })
  await eventually(() => got().length === 9)
  expect(got()).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10])
  say({ type: 'credit', credit: -1 })
  const [code] = (await once(socket, 'close')) as [number]
  expect(code).toBe(1008)
  expect(messages.at(-1)).toMatchObject({ type: 'problem', code: 'E_BAD_REQUEST' })
})

test('sockets: foreign pages and strangers stay outside, a token may come as a protocol, readers may not submit', async () => {
  const port = await serve(orderedNode(), { tokens: TOKENS })
  await expect(connect(port)).rejects.toThrow('401')
  const foreign = new WebSocket(`ws://127.0.0.1:${port}/v1/ws`, {
    headers: { ...bearer('reader'), Origin: 'http://evil.example' },
  })
  const [error] = (await once(foreign, 'error')) as [Error]
  expect(error.message).toContain('403')
  const { socket, messages, say } = await connect(port, ['hearsay.v1', 'bearer.reader'])
  expect(socket.protocol).toBe('hearsay.v1')
  say({ type: 'submit', id: 1, text: 'x' })
  await once(socket, 'close')
  expect(messages).toMatchObject([{ type: 'problem', code: 'E_ROLE' }])
})

test('metrics are in the form that Prometheus reads', async () => {
  const node = orderedNode()
  node.setStatus({ counters: { 'event-signature': 2 } })
  const { text, headers } = await ask(await serve(node), '/metrics')
  expect(headers['content-type']).toContain('version=0.0.4')
  expect(text).toContain('hearsay_refusals_total{reason="event-signature"} 2')
  const families = [...text.matchAll(/^# HELP (\S+) .+\n# TYPE \1 (?:gauge|counter)\n/gm)].map(
    ([, name]) => name,
  )
  expect(new Set(families).size).toBe(families.length)
  for (const line of text
    .trim()
    .split('\n')
    .filter((each) => !each.startsWith('#'))) {
    const [, name] = /^([a-z_0-9]+)(?:\{[^{}]*\})? -?[0-9.e+-]+$/.exec(line) ?? []
    expect(families, line).toContain(name)
  }
})
