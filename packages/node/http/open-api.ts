// The API as a document (OpenAPI 3.1), served at /openapi.json. A test holds it to the routes, the problems and the answers.
import { type ProblemCode, problems } from './problem.ts'
import { type Json, count, hex, ref, schemas, text } from './open-api-schemas.ts'

type Answers = readonly (readonly [status: number, description: string, media: string, schema: Json])[]

/** What every request may be refused with. */
const ALWAYS: readonly ProblemCode[] = [
  'E_BAD_REQUEST',
  'E_TOKEN_NEEDED',
  'E_ROLE',
  'E_FOREIGN_HOST',
  'E_FOREIGN_ORIGIN',
  'E_METHOD',
  'E_INTERNAL',
]

function responses(answers: Answers, refused: readonly ProblemCode[]): Json {
  const found: { [status: string]: { description: string; content: { [media: string]: Json } } } = {}
  for (const [status, description, media, schema] of answers) {
    const before = found[status]
    if (before === undefined) found[status] = { description, content: { [media]: { schema } } }
    else before.content[media] = { schema }
  }
  for (const code of [...refused, ...ALWAYS]) {
    const [status, title] = problems[code]
    const before = found[status]
    const description =
      before === undefined ? `${code}: ${title}` : `${before.description}; ${code}: ${title}`
    found[status] = { description, content: { 'application/problem+json': { schema: ref('Problem') } } }
  }
  return found
}

const query = (name: string, description: string, schema: Json): Json => ({
  name,
  in: 'query',
  required: false,
  description,
  schema,
})
const ID: Json = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'A position, or the id of a sealed transaction: 64 hexadecimal digits.',
  schema: text,
}
const untilOf = (...moments: readonly string[]): Json =>
  query('until', 'When to answer.', { type: 'string', enum: moments })
const bytes = (media: string, schema: Json): Json => ({ required: true, content: { [media]: { schema } } })

interface Operation {
  readonly id: string
  readonly summary: string
  readonly parameters?: readonly Json[]
  readonly body?: Json
  readonly answers: Answers
  readonly refused?: readonly ProblemCode[]
}

function operation({ id, summary, parameters = [], body, answers, refused = [] }: Operation): Json {
  return {
    operationId: id,
    summary,
    parameters,
    ...(body === undefined ? {} : { requestBody: body }),
    responses: responses(answers, refused),
  }
}

const INTAKE: readonly ProblemCode[] = [
  'E_OTHER_BYTES',
  'E_SLOW_BODY',
  'E_TOO_LARGE',
  'E_REJECTED',
  'E_POOL_FULL',
  'E_STOPPING',
  'E_DISK_FULL',
]
const JSON_TYPE = 'application/json'

const paths: { readonly [path: string]: Json } = {
  '/v1/tx': {
    post: operation({
      id: 'submit',
      summary: 'Submits the body as one transaction.',
      parameters: [
        untilOf('ordered', 'certified', 'accepted'),
        query('timeout', 'How long to wait, like 10s.', text),
        {
          name: 'Idempotency-Key',
          in: 'header',
          required: false,
          description: 'Repeating the request with the same key and body is the same transaction.',
          schema: { ...text, maxLength: 256 },
        },
      ],
      body: bytes('application/octet-stream', {}),
      answers: [
        [200, 'Final.', JSON_TYPE, ref('Receipt')],
        [202, 'Taken in, not final in time.', JSON_TYPE, ref('Pending')],
      ],
      refused: INTAKE,
    }),
  },
  '/v1/tx/batch': {
    post: operation({
      id: 'submitBatch',
      summary:
        'Submits each line, a JSON string, {"hex": …} or {"base64": …}; answers a line for each, in order.',
      parameters: [untilOf('ordered', 'accepted')],
      body: {
        required: true,
        content: {
          'application/x-ndjson': { schema: text },
          'application/octet-stream': {
            schema: {
              description:
                'Transactions, each behind its length (four bytes, big-endian); at most 256 KiB and 8,192.',
            },
          },
        },
      },
      answers: [
        [
          200,
          'A line for each line; of bytes, the receipt of the first.',
          'application/x-ndjson',
          ref('BatchLine'),
        ],
        [200, 'A line for each line; of bytes, the receipt of the first.', JSON_TYPE, ref('Packed')],
        [202, 'Taken in, not final in time.', JSON_TYPE, ref('Packed')],
      ],
      refused: ['E_TOO_MANY_STREAMS', ...INTAKE.filter((code) => code !== 'E_OTHER_BYTES')],
    }),
  },
  '/v1/tx/{id}': {
    get: operation({
      id: 'transaction',
      summary: 'What has become of a transaction.',
      parameters: [ID],
      answers: [
        [200, 'What is known.', JSON_TYPE, { anyOf: [ref('Receipt'), ref('Pending'), ref('Unknown')] }],
      ],
      refused: ['E_NOT_FOUND'],
    }),
  },
  '/v1/tx/{id}/proof': {
    get: operation({
      id: 'proof',
      summary: 'A portable proof of the transaction, or that there is none at the position yet.',
      parameters: [ID],
      answers: [[200, 'Checked with @hearsay/client/verify.', JSON_TYPE, ref('Proof')]],
      refused: ['E_NOT_FOUND', 'E_NOT_CERTIFIED'],
    }),
  },
  '/v1/log': {
    get: operation({
      id: 'log',
      summary: 'The ordered transactions: a page, or a stream by the Accept header.',
      parameters: [
        query('from', 'A position, round:N or end.', text),
        query('limit', 'At most so many.', count),
        query('follow', '1: the stream of lines goes on as the ledger grows.', {
          type: 'string',
          enum: ['0', '1'],
        }),
        {
          name: 'Last-Event-ID',
          in: 'header',
          required: false,
          description: 'Of an event stream: where to go on; a browser sends it by itself.',
          schema: text,
        },
      ],
      answers: [
        [200, 'A page, lines or events.', JSON_TYPE, ref('LogPage')],
        [200, 'A page, lines or events.', 'application/x-ndjson', ref('Transaction')],
        [200, 'A page, lines or events.', 'text/event-stream', ref('Transaction')],
      ],
      refused: ['E_NOT_FOUND', 'E_TOO_MANY_STREAMS'],
    }),
  },
  '/v1/events': {
    get: operation({
      id: 'events',
      summary:
        'Signed events, parents first: what the order can be derived from. Each behind its length (four bytes, big-endian) and the cursor behind it (six); a length of 0 says only how far the stream is.',
      parameters: [
        query('from', 'A cursor of this node; 0 is the beginning.', count),
        query('limit', 'At most so many.', count),
        query('follow', '1: the stream goes on as events come.', { type: 'string', enum: ['0', '1'] }),
      ],
      answers: [[200, 'Bytes.', 'application/octet-stream', {}]],
      refused: ['E_TOO_MANY_STREAMS'],
    }),
  },
  '/v1/query': {
    get: operation({
      id: 'query',
      summary: 'Asks the application.',
      parameters: [query('path', 'What is asked for.', text), query('data', 'Hexadecimal.', hex)],
      answers: [[200, 'Its answer, and how many transactions it knows.', JSON_TYPE, ref('Answer')]],
      refused: ['E_QUERY'],
    }),
  },
  '/v1/status': {
    get: operation({
      id: 'status',
      summary: 'How the node is.',
      answers: [[200, 'Its state and figures.', JSON_TYPE, ref('Status')]],
    }),
  },
  '/v1/peers': {
    get: operation({
      id: 'peers',
      summary: 'The other members: whether they are alive, traffic by kind, what they say of themselves.',
      answers: [[200, 'A peer each.', JSON_TYPE, ref('Peers')]],
    }),
  },
  '/v1/net': {
    get: operation({
      id: 'net',
      summary: 'The network in aggregates that members of less than a third of the weight cannot move.',
      answers: [[200, 'Figures; null without reports of more than two thirds.', JSON_TYPE, ref('Net')]],
    }),
  },
  '/v1/evidence': {
    get: operation({
      id: 'evidence',
      summary: 'Two signed headers for each member that has branched.',
      answers: [[200, 'Proofs that anybody can verify.', JSON_TYPE, ref('Evidence')]],
    }),
  },
  '/v1/genesis': {
    get: operation({
      id: 'genesis',
      summary: 'The members that the network was founded with.',
      answers: [[200, 'genesis.json', JSON_TYPE, ref('Genesis')]],
    }),
  },
  '/healthz': {
    get: operation({
      id: 'health',
      summary: 'Whether the process works.',
      answers: [[200, 'It does.', JSON_TYPE, ref('Health')]],
      refused: ['E_NOT_READY'],
    }),
  },
  '/readyz': {
    get: operation({
      id: 'readiness',
      summary: 'Whether the node is in quorum and not behind.',
      answers: [[200, 'It is.', JSON_TYPE, ref('Health')]],
      refused: ['E_NOT_READY'],
    }),
  },
  '/metrics': {
    get: operation({
      id: 'metrics',
      summary: 'Figures in the text format of Prometheus.',
      answers: [[200, 'Figures.', 'text/plain', text]],
    }),
  },
  '/openapi.json': {
    get: operation({
      id: 'openApi',
      summary: 'This document.',
      answers: [[200, 'OpenAPI 3.1', JSON_TYPE, { type: 'object' }]],
    }),
  },
}

export const openApi: { readonly [key: string]: Json } = {
  openapi: '3.1.0',
  info: {
    title: 'Hearsay node',
    version: '1',
    description:
      'One member of a network. A WebSocket at /v1/ws gives the ledger by credit and takes transactions.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/' }],
  security: [{}, { token: [] }],
  paths,
  components: { schemas, securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
}
