/**
 * What goes over a link: CBOR arrays behind the strict scanner, each of a known kind, with every field checked and
 * bounded. A frame that is not sound closes the link with a reason; it never throws (gossip design, section 2.2).
 *
 *   1  HELLO     [1, network id, version, member id, software, features]  first on every link, both ways
 *   2  PING      [2, nonce]                                               nonce below 2^16; liveness.ts
 *   3  PONG      [3, nonce]
 *   4  DIGEST    [4, digest of records]                                    instead of STATUS when only records have changed
 *  16  STATUS    [16, decided round, ancient threshold, frontier, digest]   frontier: [creator, sequence, creator, …]
 *  17  EVENTS    [17, request or 0, [event, …]]                             pushes have request 0
 *  18  WANT      [18, request, frontier, [[creator, birth round, id], …], bytes wanted at most, ancient threshold]
 *  19  WANT_END  [19, request, complete]
 *  20  RECORDS   [20, [record, …]]                                          signed records (records.ts)
 *  22  GRAFT     [22, creator, sequence]                                   send me its events from there on (trees.ts)
 *  23  PRUNE     [23, creator]                                             no more of them
 *  24  PROBE_ASK [24, target, nonce]                                        challenge this member for me
 *  25  PROBE     [25, requester, nonce]
 *  26  ALIVE     [26, target, requester, nonce, signature]                  by the target; goes back the way of the probe
 *  21  VERSIONS  [21, answer, [member, kind, epoch, version, member, …]]    of the records held; no answer to an answer
 *  27  CREDIT    [27, request, bytes]                                    so many more for this want, while it is being answered
 *  48  NOTE      [48, topic, bytes]                                        from member to member, above gossip, which does not read it
 */
import { decodeCbor, encodeCbor, MAX_EVENT_BYTES, type CborValue, type EventReference } from '@hearsay/dag'
import { MAX_RECORD_BYTES, type RecordVersions } from './records.ts'

/** The largest frame, in bytes; the transport refuses more. */
export const MAX_FRAME_BYTES: number = 1024 * 1024
/** An EVENTS frame is closed when it reaches this size, in bytes, or MAX_EVENTS_PER_FRAME. */
export const SOFT_FRAME_BYTES: number = 128 * 1024
export const MAX_EVENTS_PER_FRAME = 128
/** Missing parents named in one WANT. */
export const MAX_WANTED_REFERENCES = 64
/** Members in a frontier. */
export const MAX_FRONTIER = 128

/** Records in one frame. */
export const MAX_RECORDS_PER_FRAME = 32
/** Records whose versions are told at once. */
export const MAX_VERSIONS = 1_024

export type Frontier = ReadonlyMap<number, number>

export interface HelloFrame {
  readonly kind: 'hello'
  readonly networkId: Uint8Array
  readonly version: number
  readonly memberId: number
  readonly software: string
  /** Sum of FEATURES that the sender understands. */
  readonly features: number
}
export interface StatusFrame {
  readonly kind: 'status'
  readonly decidedRound: number
  readonly ancientThreshold: number
  readonly frontier: Frontier
  /** Of the records held, see `RecordBook.digest`. */
  readonly recordsDigest: number
}
/** To who understands it: the frontier that was last told here stands. */
export interface DigestFrame {
  readonly kind: 'digest'
  readonly recordsDigest: number
}
export interface EventsFrame {
  readonly kind: 'events'
  readonly request: number
  /** Views into the frame. */
  readonly events: readonly Uint8Array[]
}
export interface WantFrame {
  readonly kind: 'want'
  readonly request: number
  readonly frontier: Frontier
  /** Parents that the frontier cannot name: of members that have branched. */
  readonly missing: readonly EventReference[]
  readonly maxBytes: number
  /** Events born before this round are of no use to who asks. */
  readonly ancientThreshold: number
}
export interface WantEndFrame {
  readonly kind: 'want-end'
  readonly request: number
  /** False if there is more than the wanted number of bytes allowed for. */
  readonly complete: boolean
}
/** To who understands it: the want goes on for so many bytes more. */
export interface CreditFrame {
  readonly kind: 'credit'
  readonly request: number
  readonly bytes: number
}
export interface RecordsFrame {
  readonly kind: 'records'
  /** Views into the frame. */
  readonly records: readonly Uint8Array[]
}
export interface VersionsFrame {
  readonly kind: 'versions'
  /** Said in answer to versions: not to be answered with versions. */
  readonly answer: boolean
  readonly versions: RecordVersions
}
/** What one member says to another above gossip: questions before the first event, history. */
export interface NoteFrame {
  readonly kind: 'note'
  /** 0 to 255: what the bytes are. */
  readonly topic: number
  /** A view into the frame. */
  readonly bytes: Uint8Array
}
/** The sender lacks this member's events from this number on, and does not get them from the member itself. */
export interface GraftFrame {
  readonly kind: 'graft'
  readonly creator: number
  readonly sequence: number
}
export interface PruneFrame {
  readonly kind: 'prune'
  readonly creator: number
}
export interface PingFrame {
  readonly kind: 'ping' | 'pong'
  readonly nonce: number
}
export interface ProbeAskFrame {
  readonly kind: 'probe-ask'
  readonly target: number
  readonly nonce: Uint8Array
}
export interface ProbeFrame {
  readonly kind: 'probe'
  readonly requester: number
  readonly nonce: Uint8Array
}
export interface AliveFrame {
  readonly kind: 'alive'
  readonly target: number
  readonly requester: number
  readonly nonce: Uint8Array
  readonly signature: Uint8Array
}
/** What a peer may be sent that not every version understands. */
export const FEATURES = { elided: 1, packed: 2, digest: 4, credit: 8 } as const

export type Frame =
  | PingFrame
  | ProbeAskFrame
  | ProbeFrame
  | AliveFrame
  | GraftFrame
  | PruneFrame
  | HelloFrame
  | StatusFrame
  | DigestFrame
  | EventsFrame
  | WantFrame
  | WantEndFrame
  | CreditFrame
  | RecordsFrame
  | VersionsFrame
  | NoteFrame

const HELLO = 1
const STATUS = 16
const EVENTS = 17
const WANT = 18
const WANT_END = 19
const RECORDS = 20
const VERSIONS = 21
const CREDIT = 27
const NOTE = 48
const PING = 2
const PONG = 3
const DIGEST = 4
const PROBE_ASK = 24
const PROBE = 25
const ALIVE = 26
const GRAFT = 22
const PRUNE = 23

function frontierValues(frontier: Frontier): CborValue[] {
  const values: CborValue[] = []
  for (const [creator, sequence] of frontier) values.push(creator, sequence)
  return values
}

export function encodeFrame(frame: Frame): Uint8Array {
  switch (frame.kind) {
    case 'hello':
      return encodeCbor([
        HELLO,
        frame.networkId,
        frame.version,
        frame.memberId,
        frame.software,
        frame.features,
      ])
    case 'status':
      return encodeCbor([
        STATUS,
        frame.decidedRound,
        frame.ancientThreshold,
        frontierValues(frame.frontier),
        frame.recordsDigest,
      ])
    case 'digest':
      return encodeCbor([DIGEST, frame.recordsDigest])
    case 'events':
      return encodeCbor([EVENTS, frame.request, frame.events])
    case 'want':
      return encodeCbor([
        WANT,
        frame.request,
        frontierValues(frame.frontier),
        frame.missing.map((each) => [each.creator, each.birthRound, each.id]),
        frame.maxBytes,
        frame.ancientThreshold,
      ])
    case 'want-end':
      return encodeCbor([WANT_END, frame.request, frame.complete])
    case 'credit':
      return encodeCbor([CREDIT, frame.request, frame.bytes])
    case 'ping':
      return encodeCbor([PING, frame.nonce])
    case 'pong':
      return encodeCbor([PONG, frame.nonce])
    case 'probe-ask':
      return encodeCbor([PROBE_ASK, frame.target, frame.nonce])
    case 'probe':
      return encodeCbor([PROBE, frame.requester, frame.nonce])
    case 'alive':
      return encodeCbor([ALIVE, frame.target, frame.requester, frame.nonce, frame.signature])
    case 'graft':
      return encodeCbor([GRAFT, frame.creator, frame.sequence])
    case 'prune':
      return encodeCbor([PRUNE, frame.creator])
    case 'records':
      return encodeCbor([RECORDS, frame.records])
    case 'versions': {
      const values = frame.versions.flatMap(({ member, kind, epoch, version }) => [
        member,
        kind,
        epoch,
        version,
      ])
      return encodeCbor([VERSIONS, frame.answer, values])
    }
    case 'note':
      return encodeCbor([NOTE, frame.topic, frame.bytes])
  }
}

const isCount = (value: CborValue | undefined): value is number => typeof value === 'number' && value >= 0
const isBytes = (value: CborValue | undefined): value is Uint8Array => value instanceof Uint8Array

function parseFrontier(value: CborValue | undefined): Frontier | undefined {
  if (!Array.isArray(value) || value.length % 2 !== 0 || value.length > 2 * MAX_FRONTIER) return undefined
  const frontier = new Map<number, number>()
  for (let i = 0; i < value.length; i += 2) {
    const creator = value[i] as CborValue
    const sequence = value[i + 1] as CborValue
    if (!isCount(creator) || !isCount(sequence) || frontier.has(creator)) return undefined
    frontier.set(creator, sequence)
  }
  return frontier
}

function parseReferences(value: CborValue | undefined): EventReference[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_WANTED_REFERENCES) return undefined
  const references: EventReference[] = []
  for (const each of value as CborValue[]) {
    if (!Array.isArray(each) || each.length !== 3) return undefined
    const [creator, birthRound, id] = each as CborValue[]
    if (!isCount(creator) || !isCount(birthRound) || !isBytes(id) || id.length !== 32) return undefined
    references.push({ creator, birthRound, id: id.slice() })
  }
  return references
}

function parseEvents(fields: readonly CborValue[]): EventsFrame | undefined {
  const [, request, events] = fields
  if (!isCount(request) || !Array.isArray(events) || events.length > MAX_EVENTS_PER_FRAME) return undefined
  for (const event of events as CborValue[])
    if (!isBytes(event) || event.length > MAX_EVENT_BYTES) return undefined
  return { kind: 'events', request, events: events as Uint8Array[] }
}

function parseWant(fields: readonly CborValue[]): WantFrame | undefined {
  const [, request, frontierField, missingField, maxBytes, ancientThreshold] = fields
  const frontier = parseFrontier(frontierField)
  const missing = parseReferences(missingField)
  if (!isCount(request) || frontier === undefined || missing === undefined) return undefined
  if (!isCount(maxBytes) || !isCount(ancientThreshold)) return undefined
  return { kind: 'want', request, frontier, missing, maxBytes, ancientThreshold }
}

function parseHello(fields: readonly CborValue[]): HelloFrame | undefined {
  const [, networkId, version, memberId, software, features] = fields
  if (!isBytes(networkId) || networkId.length !== 32 || !isCount(version) || !isCount(memberId))
    return undefined
  if (typeof software !== 'string' || software.length > 64 || !isCount(features)) return undefined
  return { kind: 'hello', networkId: networkId.slice(), version, memberId, software, features }
}

function parseStatus(fields: readonly CborValue[]): StatusFrame | undefined {
  const [, decidedRound, ancientThreshold, frontierField, recordsDigest] = fields
  const frontier = parseFrontier(frontierField)
  if (!isCount(decidedRound) || !isCount(ancientThreshold) || frontier === undefined) return undefined
  if (!isCount(recordsDigest)) return undefined
  return { kind: 'status', decidedRound, ancientThreshold, frontier, recordsDigest }
}

function parseRecords(records: CborValue | undefined): RecordsFrame | undefined {
  if (!Array.isArray(records) || records.length > MAX_RECORDS_PER_FRAME) return undefined
  for (const record of records as CborValue[])
    if (!isBytes(record) || record.length > MAX_RECORD_BYTES) return undefined
  return { kind: 'records', records: records as Uint8Array[] }
}

function parseVersions(fields: readonly CborValue[]): VersionsFrame | undefined {
  const [, answer, values] = fields
  if (typeof answer !== 'boolean' || !Array.isArray(values)) return undefined
  if (values.length % 4 !== 0 || values.length > 4 * MAX_VERSIONS) return undefined
  const numbers = values as CborValue[]
  if (!numbers.every(isCount)) return undefined
  const versions = []
  for (let i = 0; i < numbers.length; i += 4) {
    const [member, kind, epoch, version] = numbers.slice(i, i + 4) as [number, number, number, number]
    versions.push({ member, kind, epoch, version })
  }
  return { kind: 'versions', answer, versions }
}

function parseNote(fields: readonly CborValue[]): NoteFrame | undefined {
  const [, topic, bytes] = fields
  if (!isCount(topic) || topic > 255 || !isBytes(bytes)) return undefined
  return { kind: 'note', topic, bytes }
}

const isNonce = (value: CborValue | undefined): value is Uint8Array => isBytes(value) && value.length === 16

function parseLiveness(fields: readonly CborValue[]): Frame | undefined {
  const [kind, first, second] = fields
  if (!isCount(first)) return undefined
  if (kind === PING || kind === PONG) {
    if (fields.length !== 2 || first > 0xffff) return undefined
    return { kind: kind === PING ? 'ping' : 'pong', nonce: first }
  }
  if (kind === ALIVE) {
    const [, , , nonce, signature] = fields
    if (fields.length !== 5 || !isCount(second) || !isNonce(nonce)) return undefined
    if (!isBytes(signature) || signature.length !== 64) return undefined
    return { kind: 'alive', target: first, requester: second, nonce, signature }
  }
  if (fields.length !== 3 || !isNonce(second)) return undefined
  const nonce = second.slice()
  return kind === PROBE
    ? { kind: 'probe', requester: first, nonce }
    : { kind: 'probe-ask', target: first, nonce }
}

function parseTree(fields: readonly CborValue[]): Frame | undefined {
  const [kind, creator, sequence] = fields
  if (!isCount(creator)) return undefined
  if (kind === PRUNE) return fields.length === 2 ? { kind: 'prune', creator } : undefined
  return fields.length === 3 && isCount(sequence) ? { kind: 'graft', creator, sequence } : undefined
}

function parseFields(fields: readonly CborValue[]): Frame | undefined {
  const [kind, request, complete] = fields
  if (kind === CREDIT && fields.length === 3 && isCount(request) && isCount(complete))
    return { kind: 'credit', request, bytes: complete }
  if (kind === HELLO && fields.length === 6) return parseHello(fields)
  if (kind === STATUS && fields.length === 5) return parseStatus(fields)
  if (kind === DIGEST && fields.length === 2 && isCount(request))
    return { kind: 'digest', recordsDigest: request }
  if (kind === EVENTS && fields.length === 3) return parseEvents(fields)
  if (kind === WANT && fields.length === 6) return parseWant(fields)
  if (kind === GRAFT || kind === PRUNE) return parseTree(fields)
  if (kind === PING || kind === PONG || kind === PROBE_ASK || kind === PROBE || kind === ALIVE)
    return parseLiveness(fields)
  if (kind === RECORDS && fields.length === 2) return parseRecords(fields[1])
  if (kind === VERSIONS && fields.length === 3) return parseVersions(fields)
  if (kind === NOTE && fields.length === 3) return parseNote(fields)
  if (kind !== WANT_END || fields.length !== 3 || !isCount(request) || typeof complete !== 'boolean')
    return undefined
  return { kind: 'want-end', request, complete }
}

/** Reads a frame; `undefined` if it is not one. */
export function decodeFrame(bytes: Uint8Array): Frame | undefined {
  const decoded = decodeCbor(bytes, { maxBytes: MAX_FRAME_BYTES })
  if (!decoded.ok || !Array.isArray(decoded.value)) return undefined
  return parseFields(decoded.value as CborValue[])
}
