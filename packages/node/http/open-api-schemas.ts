// The shapes of what the API answers, as JSON schemas: the components of its document (open-api.ts).
import { problems } from './problem.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export const text = { type: 'string' } as const
export const count = { type: 'integer', minimum: 0 } as const
const hash = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const
export const hex = { type: 'string', pattern: '^([0-9a-f]{2})*$' } as const
const orNull = (schema: { readonly type: string; readonly [key: string]: Json }): Json => ({
  ...schema,
  type: [schema.type, 'null'],
})
export const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` })

function object(properties: { readonly [key: string]: Json }, optional: readonly string[] = []): Json {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties).filter((key) => !optional.includes(key)),
  }
}

const where: { readonly [key: string]: Json } = {
  position: count,
  round: { ...count, description: 'Round that ordered it.' },
  time: { ...text, format: 'date-time', description: 'Consensus time for people.' },
  timestamp: { ...count, description: 'Consensus time: microseconds since the Unix epoch.' },
}

export const schemas: { readonly [key: string]: Json } = {
  Receipt: object({
    state: { type: 'string', enum: ['ordered', 'certified', 'rejected', 'expired', 'duplicate'] },
    reason: orNull(text),
    result: { description: 'What the application answered.' },
    ...where,
    event: hash,
    index: count,
    latencyMs: { type: 'number' },
  }),
  Pending: object({ state: { type: 'string', enum: ['pending', 'gossiped'] }, reason: orNull(text) }),
  Unknown: object({ state: { const: 'unknown' }, reason: { type: 'null' } }),
  Packed: {
    type: 'object',
    properties: { count },
    required: ['count'],
    anyOf: [ref('Receipt'), ref('Pending')],
  },
  BatchLine: {
    type: 'object',
    properties: { line: { type: 'integer', minimum: 1 } },
    required: ['line'],
    anyOf: [
      ref('Receipt'),
      ref('Pending'),
      object({
        state: { const: 'refused' },
        reason: {
          type: 'string',
          enum: ['too-large', 'pool-full', 'stopping', 'disk-full', 'rejected', 'malformed'],
        },
        message: text,
      }),
    ],
  },
  Transaction: object({
    ...where,
    creator: text,
    event: hash,
    index: count,
    id: orNull(hash),
    text: orNull(text),
    hex,
  }),
  LogPage: object({
    from: count,
    transactions: { type: 'array', items: ref('Transaction') },
    next: { ...count, description: 'Where the next page begins, on every node.' },
    total: count,
  }),
  Answer: object({ result: { description: 'What the application answered.' }, position: count }),
  Status: object({
    name: text,
    state: {
      type: 'string',
      enum: ['starting', 'replaying', 'observing', 'active', 'behind', 'no-quorum', 'stopping', 'failed'],
    },
    reason: orNull(text),
    networkId: hash,
    round: count,
    certifiedRound: count,
    ledgerHash: hash,
    transactions: count,
    lastTime: orNull(text),
    reachableWeight: count,
    totalWeight: count,
    poolTransactions: count,
    poolBytes: count,
    finalityP50Ms: orNull({ type: 'number' }),
    finalityP99Ms: orNull({ type: 'number' }),
    peers: {
      type: 'array',
      items: object({ memberId: count, name: text, weight: count, connected: { type: 'boolean' } }),
    },
    counters: { type: 'object', additionalProperties: count },
  }),
  Proof: object({
    hearsay: { const: 'proof' },
    version: { const: 1 },
    networkId: hash,
    kind: { type: 'string', enum: ['transaction', 'absence'] },
    position: count,
    header: hex,
    links: { type: 'array', items: hex },
    certificate: object({
      round: count,
      blockHash: hash,
      stateHash: hash,
      signatures: { type: 'array', items: object({ memberId: count, signature: hex }) },
    }),
  }),
  Genesis: object({ hearsay: { const: 'genesis' }, version: { const: 1 }, members: { type: 'array' } }),
  Peers: object({ peers: { type: 'array' } }),
  Net: object({ members: count, totalWeight: count, reportingMembers: count, reportingWeight: count }),
  Evidence: object({ evidence: { type: 'array' } }),
  Health: object({ state: text }),
  Problem: object({
    type: text,
    title: text,
    status: count,
    detail: text,
    code: { type: 'string', enum: Object.keys(problems) },
  }),
}
