/**
 * The event: one fixed binary layout (event-layout.ts), hashed and signed in place, never re-encoded.
 *
 * The id is SHA-256 of everything before the signature: one body can have many valid signatures, and none of them may
 * matter. A reference names its parent's creator and birth round, so that everyone can tell from the event alone which
 * parents are ancient and need not be waited for (graph.ts).
 */
import {
  bytesKey,
  concatBytes,
  createByteWriter,
  equalBytes,
  readUint16,
  readUint32,
  readUint48,
  readUint64,
} from './bytes.ts'
import type { CryptoSuite, Sha256 } from './crypto.ts'
import {
  DOMAIN,
  AT_NETWORK,
  AT_VERSION,
  AT_CREATOR,
  AT_SEQUENCE,
  AT_BIRTH_ROUND,
  AT_TIMESTAMP,
  AT_SALT,
  AT_PAYLOAD_SIZE,
  AT_TRANSACTION_COUNT,
  AT_PAYLOAD_ROOT,
  AT_SELF_PARENTS,
  AT_OTHER_PARENTS,
  AT_REFERENCES,
  REFERENCE_BYTES,
  SIGNATURE_BYTES,
  SALT_BYTES,
  MAX_EVENT_BYTES,
} from './event-layout.ts'
import {
  MAX_OTHER_PARENTS,
  MAX_PAYLOAD_BYTES,
  MAX_TRANSACTIONS,
  MAX_UINT48,
  PROTOCOL_VERSION,
} from './limits.ts'
import {
  countTransactions,
  encodePayload,
  isPayloadSound,
  payloadRoot,
  type PayloadPiece,
} from './payload.ts'

/** Identifies an event in maps (see `bytesKey`). */
export type EventKey = string

/** What an event says of a parent. */
export interface EventReference {
  readonly creator: number
  readonly birthRound: number
  readonly id: Uint8Array
}

/** What a creator decides about an event; the rest follows from it. */
export interface EventFields {
  readonly creator: number
  readonly sequence: number
  readonly birthRound: number
  readonly timestamp: number
  readonly salt: Uint8Array
  readonly selfParent: EventReference | undefined
  readonly otherParents: readonly EventReference[]
  readonly transactions: readonly (Uint8Array | PayloadPiece)[]
}

/** An event whose layout is sound. Nothing is known yet about who made it. */
export interface DecodedEvent {
  /** The whole event as received; owned, never written to. */
  readonly bytes: Uint8Array
  readonly bodyBytes: number
  readonly id: Uint8Array
  readonly key: EventKey
  readonly creator: number
  readonly sequence: number
  readonly birthRound: number
  readonly timestamp: number
  readonly transactionCount: number
  readonly selfParent: EventReference | undefined
  readonly otherParents: readonly EventReference[]
}

declare const verified: unique symbol

/** An event that its creator signed and whose payload is the one that was signed for. */
export interface VerifiedEvent extends DecodedEvent {
  readonly [verified]: true
}

/** Why bytes are not an event. A closed list: it doubles as metric label. */
export const EVENT_REJECTIONS = [
  'event-too-short',
  'event-too-long',
  'event-domain',
  'event-network',
  'event-version',
  'event-length',
  'event-sequence',
  'event-birth-round',
  'event-timestamp',
  'event-parents',
  'event-payload',
  'event-unknown-creator',
  'event-signature',
] as const
export type EventRejection = (typeof EVENT_REJECTIONS)[number]

export type DecodeResult =
  | { readonly ok: true; readonly event: DecodedEvent }
  | { readonly ok: false; readonly reason: EventRejection }

function rejected(reason: EventRejection): { ok: false; reason: EventRejection } {
  return { ok: false, reason }
}

/**
 * Reads an event of the given network. Cheapest checks first; bad input is a rejection, never an error. The bytes are
 * kept, not copied: hand over bytes that nothing else writes to.
 */
export function decodeEvent(bytes: Uint8Array, networkId: Uint8Array, sha256: Sha256): DecodeResult {
  if (bytes.length < AT_REFERENCES + SIGNATURE_BYTES) return rejected('event-too-short')
  if (bytes.length > MAX_EVENT_BYTES) return rejected('event-too-long')
  if (!equalBytes(bytes.subarray(0, AT_NETWORK), DOMAIN)) return rejected('event-domain')
  if (!equalBytes(bytes.subarray(AT_NETWORK, AT_VERSION), networkId)) return rejected('event-network')
  if (readUint16(bytes, AT_VERSION) !== PROTOCOL_VERSION) return rejected('event-version')
  const selfParents = bytes[AT_SELF_PARENTS]!
  const otherParentCount = bytes[AT_OTHER_PARENTS]!
  if (selfParents > 1 || otherParentCount > MAX_OTHER_PARENTS) return rejected('event-parents')
  const payloadBytes = readUint32(bytes, AT_PAYLOAD_SIZE)
  const transactionCount = readUint32(bytes, AT_TRANSACTION_COUNT)
  if (payloadBytes > MAX_PAYLOAD_BYTES || transactionCount > MAX_TRANSACTIONS)
    return rejected('event-payload')
  const bodyBytes = AT_REFERENCES + REFERENCE_BYTES * (selfParents + otherParentCount)
  if (bytes.length !== bodyBytes + SIGNATURE_BYTES + payloadBytes) return rejected('event-length')
  const references: EventReference[] = []
  for (let i = 0; i < selfParents + otherParentCount; i++) {
    const at = AT_REFERENCES + REFERENCE_BYTES * i
    references.push({
      creator: readUint32(bytes, at),
      birthRound: readUint48(bytes, at + 4),
      id: bytes.subarray(at + 10, at + REFERENCE_BYTES),
    })
  }
  const id = sha256(bytes.subarray(0, bodyBytes))
  const event: DecodedEvent = {
    bytes,
    bodyBytes,
    id,
    key: bytesKey(id),
    creator: readUint32(bytes, AT_CREATOR),
    sequence: readUint48(bytes, AT_SEQUENCE),
    birthRound: readUint48(bytes, AT_BIRTH_ROUND),
    timestamp: readUint64(bytes, AT_TIMESTAMP),
    transactionCount,
    selfParent: selfParents === 1 ? references[0] : undefined,
    otherParents: selfParents === 1 ? references.slice(1) : references,
  }
  const reason = fieldRejection(event)
  return reason === undefined ? { ok: true, event } : rejected(reason)
}

/** The rules that can be checked on the event alone (spec section 1). */
function fieldRejection(event: DecodedEvent): EventRejection | undefined {
  const { creator, selfParent, otherParents } = event
  if (event.sequence < 1 || (selfParent === undefined) !== (event.sequence === 1)) return 'event-sequence'
  if (event.birthRound < 1) return 'event-birth-round'
  // Room above: consensus times add the number of transactions.
  if (event.timestamp > Number.MAX_SAFE_INTEGER - MAX_UINT48) return 'event-timestamp'
  if (selfParent !== undefined && selfParent.creator !== creator) return 'event-parents'
  const creators = new Set<number>([creator])
  for (const parent of otherParents) creators.add(parent.creator)
  if (creators.size !== otherParents.length + 1) return 'event-parents'
  // Round 0 would be ancient from the first day: a parent that nobody ever has to show.
  const isBornInTime = (parent: EventReference): boolean =>
    parent.birthRound >= 1 && parent.birthRound <= event.birthRound
  if (selfParent !== undefined && !isBornInTime(selfParent)) return 'event-birth-round'
  return otherParents.every(isBornInTime) ? undefined : 'event-birth-round'
}

/** The last bit of the id: it covers the salt, so nobody can predict it before the event exists. */
export function coinOf(event: DecodedEvent): 0 | 1 {
  return (event.id[31]! & 1) as 0 | 1
}

export function payloadOf(event: DecodedEvent): Uint8Array {
  return event.bytes.subarray(event.bodyBytes + SIGNATURE_BYTES)
}

export function payloadRootOf(event: DecodedEvent): Uint8Array {
  return event.bytes.subarray(AT_PAYLOAD_ROOT, AT_SELF_PARENTS)
}

/** Body and signature without the payload: what a branch proof carries. */
export function headerOf(event: DecodedEvent): Uint8Array {
  return event.bytes.subarray(0, event.bodyBytes + SIGNATURE_BYTES)
}

/** The key that a creator signs with, or `undefined` if it is no member. */
export type KeyOf = (creator: number) => Uint8Array | undefined

export type VerifyResult =
  | { readonly ok: true; readonly event: VerifiedEvent }
  | { readonly ok: false; readonly reason: EventRejection }

/**
 * Checks creator, signature (STRICT rule, strict.ts) and payload. Of an event that was put together here (`assembleEvent`) the
 * commitment is what its payload gave then: it is not computed a second time.
 */
export function verifyEvent(
  event: DecodedEvent,
  keyOf: KeyOf,
  suite: CryptoSuite,
  isAssembledHere = false,
): VerifyResult {
  const reason = headerRejection(event, keyOf, suite)
  if (reason !== undefined) return rejected(reason)
  const payload = payloadOf(event)
  if (!isPayloadSound(payload, event.transactionCount)) return rejected('event-payload')
  if (isAssembledHere) return { ok: true, event: event as VerifiedEvent }
  if (!equalBytes(payloadRoot(suite.sha256, payload), payloadRootOf(event))) return rejected('event-payload')
  return { ok: true, event: event as VerifiedEvent }
}

function headerRejection(event: DecodedEvent, keyOf: KeyOf, suite: CryptoSuite): EventRejection | undefined {
  const publicKey = keyOf(event.creator)
  if (publicKey === undefined) return 'event-unknown-creator'
  const body = event.bytes.subarray(0, event.bodyBytes)
  const signature = event.bytes.subarray(event.bodyBytes, event.bodyBytes + SIGNATURE_BYTES)
  return suite.verify(publicKey, body, signature) ? undefined : 'event-signature'
}

/**
 * Takes an event as verified that this member itself has verified before and kept under checksums since: for
 * reading back one's own journal, for nothing else.
 */
export function trustVerified(event: DecodedEvent): VerifiedEvent {
  return event as VerifiedEvent
}

const transactionCountOf = (transactions: EventFields['transactions']): number =>
  transactions.reduce((sum, each) => sum + (each instanceof Uint8Array ? 1 : each.count), 0)

/** Lays out and signs a new event. Fields out of bounds are an invariant violation: the caller made them. */
export function createEvent(
  fields: EventFields,
  networkId: Uint8Array,
  secretKey: Uint8Array,
  suite: CryptoSuite,
): VerifiedEvent {
  const payload = encodePayload(fields.transactions)
  const body = encodeBody(fields, networkId, payload, suite.sha256)
  const signature = suite.sign(secretKey, body)
  const writer = createByteWriter(body.length + SIGNATURE_BYTES + payload.length)
  writer.bytes(body)
  writer.bytes(signature)
  writer.bytes(payload)
  const decoded = decodeEvent(writer.finish(), networkId, suite.sha256)
  if (!decoded.ok) throw new Error(`invariant: own event is not valid: ${decoded.reason}`)
  if (!isPayloadSound(payload, transactionCountOf(fields.transactions)))
    throw new Error('invariant: own payload is not sound')
  return decoded.event as VerifiedEvent
}

/** An event without what follows from the rest: the payload's commitment and count, and what all events have in common. */
export interface EventParts extends Omit<EventFields, 'transactions'> {
  readonly payload: Uint8Array
  readonly signature: Uint8Array
}

/** Takes an event apart. Put together again it is the same, if its payload is sound. */
export function eventParts(event: DecodedEvent): EventParts {
  const { creator, sequence, birthRound, timestamp, selfParent, otherParents, bodyBytes } = event
  const signature = event.bytes.subarray(bodyBytes, bodyBytes + SIGNATURE_BYTES)
  const parents = { selfParent, otherParents }
  return {
    creator,
    sequence,
    birthRound,
    timestamp,
    ...parents,
    salt: saltOf(event),
    payload: payloadOf(event),
    signature,
  }
}

/** Puts an event together from its parts, which must be within the bounds of the layout; nothing else is checked. */
export function assembleEvent(parts: EventParts, networkId: Uint8Array, sha256: Sha256): Uint8Array {
  const { payload, signature } = parts
  return concatBytes(encodeBody(parts, networkId, payload, sha256), signature, payload)
}

function encodeBody(
  fields: Omit<EventFields, 'transactions'>,
  networkId: Uint8Array,
  payload: Uint8Array,
  sha256: Sha256,
): Uint8Array {
  const references = fields.selfParent === undefined ? [] : [fields.selfParent]
  references.push(...fields.otherParents)
  const writer = createByteWriter(AT_REFERENCES + REFERENCE_BYTES * references.length)
  writer.bytes(DOMAIN)
  writer.bytes(networkId)
  writer.uint16(PROTOCOL_VERSION)
  writer.uint32(fields.creator)
  writer.uint48(fields.sequence)
  writer.uint48(fields.birthRound)
  writer.uint64(fields.timestamp)
  writer.bytes(fields.salt)
  writer.uint32(payload.length)
  writer.uint32(countTransactions(payload))
  writer.bytes(payloadRoot(sha256, payload))
  writer.uint8(fields.selfParent === undefined ? 0 : 1)
  writer.uint8(fields.otherParents.length)
  for (const reference of references) {
    writer.uint32(reference.creator)
    writer.uint48(reference.birthRound)
    writer.bytes(reference.id)
  }
  return writer.finish()
}

export function saltOf(event: DecodedEvent): Uint8Array {
  return event.bytes.subarray(AT_SALT, AT_SALT + SALT_BYTES)
}

/** Two signed headers of one creator for one sequence number: anyone can check that it branched. */
export interface BranchProof {
  readonly first: Uint8Array
  readonly second: Uint8Array
}

export function branchProof(first: DecodedEvent, second: DecodedEvent): BranchProof {
  return { first: headerOf(first), second: headerOf(second) }
}

/** The member that the proof convicts, or `undefined` if it proves nothing. */
export function verifyBranchProof(
  proof: BranchProof,
  networkId: Uint8Array,
  keyOf: KeyOf,
  suite: CryptoSuite,
): number | undefined {
  const first = decodeHeader(proof.first, networkId, suite.sha256)
  const second = decodeHeader(proof.second, networkId, suite.sha256)
  if (first === undefined || second === undefined) return undefined
  if (first.creator !== second.creator || first.sequence !== second.sequence) return undefined
  if (first.key === second.key) return undefined
  if (headerRejection(first, keyOf, suite) !== undefined) return undefined
  if (headerRejection(second, keyOf, suite) !== undefined) return undefined
  return first.creator
}

/** The event that a signed header (`headerOf`) is of, without its payload; `undefined` if it is none or its signature is wrong. */
export function verifyHeader(
  header: Uint8Array,
  networkId: Uint8Array,
  keyOf: KeyOf,
  suite: CryptoSuite,
): DecodedEvent | undefined {
  const event = decodeHeader(header, networkId, suite.sha256)
  return event === undefined || headerRejection(event, keyOf, suite) !== undefined ? undefined : event
}

/** Reads a header by standing zeros in for the payload, which the proof does not need. */
function decodeHeader(header: Uint8Array, networkId: Uint8Array, sha256: Sha256): DecodedEvent | undefined {
  if (header.length < AT_REFERENCES + SIGNATURE_BYTES || header.length > MAX_EVENT_BYTES) return undefined
  const payloadBytes = readUint32(header, AT_PAYLOAD_SIZE)
  if (payloadBytes > MAX_PAYLOAD_BYTES) return undefined
  const whole = new Uint8Array(header.length + payloadBytes)
  whole.set(header)
  const decoded = decodeEvent(whole, networkId, sha256)
  if (!decoded.ok || decoded.event.bodyBytes + SIGNATURE_BYTES !== header.length) return undefined
  return decoded.event
}
