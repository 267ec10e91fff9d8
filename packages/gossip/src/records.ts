/**
 * What members say of themselves beside events: small signed records, the newest of each member and kind. A record says
 * who, what kind, which epoch and version; a newer one replaces an older one, wherever it comes from, and nobody can
 * make one for somebody else (Scuttlebutt's versions, van Renesse et al. 2008, with the owner's signature in place of trust).
 *
 * Nothing in a record is consensus: what it says of its author is the author's word alone, for display, addresses and
 * suspicions. What is proved by a record (a signature over a round) is proved by its content.
 *
 *   record   CBOR [member, kind, epoch, version, content, signature], at most MAX_RECORD_BYTES
 *   signed   "hearsay.record.1" ‖ network id ‖ CBOR [member, kind, epoch, version, content]
 *
 * Of two records of one author with the same epoch and version the one with the greater bytes is the newer: all come to hold
 * the same one, in whatever order they hear them.
 */
import {
  ascii,
  compareBytes,
  concatBytes,
  decodeCbor,
  encodeCbor,
  readUint32,
  type CborValue,
  type CryptoSuite,
} from '@hearsay/dag'

export const MAX_RECORD_BYTES = 512

/** Kinds of records; of each member the newest of each kind is kept. Others than these are refused. */
export const RECORD_KINDS = {
  /** How the member is: software, decided round, ledger hash, load (node-state.ts). */
  state: 1,
  /** Where it can be reached. */
  address: 2,
  /** Whom it suspects to be down. */
  suspicions: 3,
  /** Its signature over a decided round. */
  roundSignature: 4,
} as const
export type RecordKind = (typeof RECORD_KINDS)[keyof typeof RECORD_KINDS]

const KINDS: ReadonlySet<number> = new Set(Object.values(RECORD_KINDS))
const DOMAIN = ascii('hearsay.record.1')
const SIGNATURE_BYTES = 64
const MAX_VERSION = 2 ** 48

export interface RecordFields {
  readonly member: number
  readonly kind: RecordKind
  /** A life of the author: what it says after a restart is newer than all that it said before. */
  readonly epoch: number
  readonly version: number
  readonly content: Uint8Array
}

export interface NodeRecord extends RecordFields {
  /** The whole record; owned. */
  readonly bytes: Uint8Array
}

function signedBytes(fields: RecordFields, networkId: Uint8Array): Uint8Array {
  const { member, kind, epoch, version, content } = fields
  return concatBytes(DOMAIN, networkId, encodeCbor([member, kind, epoch, version, content]))
}

/** A record too long or a version out of range is the caller's mistake. */
export function signRecord(
  fields: RecordFields,
  networkId: Uint8Array,
  secretKey: Uint8Array,
  suite: CryptoSuite,
): NodeRecord {
  const { member, kind, epoch, version, content } = fields
  const signature = suite.sign(secretKey, signedBytes(fields, networkId))
  const bytes = encodeCbor([member, kind, epoch, version, content, signature])
  if (parseRecord(bytes) === undefined) throw new Error('invariant: own record is not sound')
  return { ...fields, bytes }
}

const isCount = (value: CborValue | undefined): value is number =>
  typeof value === 'number' && value >= 0 && value < MAX_VERSION

interface ParsedRecord extends NodeRecord {
  readonly signature: Uint8Array
}

/** The fields, with nothing checked but their form. */
function parseRecord(bytes: Uint8Array): ParsedRecord | undefined {
  if (bytes.length > MAX_RECORD_BYTES) return undefined
  // A copy: the bytes are a view of a frame, which a kept record would keep alive.
  const owned = bytes.slice()
  const decoded = decodeCbor(owned, { maxBytes: MAX_RECORD_BYTES })
  if (!decoded.ok || !Array.isArray(decoded.value) || decoded.value.length !== 6) return undefined
  const [member, kind, epoch, version, content, signature] = decoded.value as CborValue[]
  if (!isCount(member) || !isCount(kind) || !KINDS.has(kind)) return undefined
  if (!isCount(epoch) || !isCount(version) || !(content instanceof Uint8Array)) return undefined
  if (!(signature instanceof Uint8Array) || signature.length !== SIGNATURE_BYTES) return undefined
  return { member, kind: kind as RecordKind, epoch, version, content, bytes: owned, signature }
}

/** Positive if `a` is newer than `b`. Both are of one member and kind. */
export function compareRecords(a: NodeRecord, b: NodeRecord): number {
  return a.epoch - b.epoch || a.version - b.version || compareBytes(a.bytes, b.bytes)
}

/** Why a record was not taken. A closed list: it doubles as metric label. */
export const RECORD_REJECTIONS = [
  'record-unsound',
  'record-unknown-member',
  'record-old',
  'record-too-often',
  'record-forged',
] as const
export type RecordRejection = (typeof RECORD_REJECTIONS)[number]

export type RecordResult =
  | { readonly ok: true; readonly record: NodeRecord }
  | { readonly ok: false; readonly reason: RecordRejection; readonly record: NodeRecord | undefined }

/** By member and kind: epoch and version of the newest record held. */
export type RecordVersions = readonly {
  readonly member: number
  readonly kind: number
  readonly epoch: number
  readonly version: number
}[]

export interface RecordBook {
  /** Own records made from now on are of this life: a number larger than those of earlier ones, like the time of the start. */
  begin(epoch: number): void
  /** Takes a record in: cheapest checks first, the signature last. */
  offer(bytes: Uint8Array, nowMs: number): RecordResult
  /** Makes, keeps and returns the next own record of this kind. */
  publish(kind: RecordKind, content: Uint8Array): NodeRecord
  get(member: number, kind: RecordKind): NodeRecord | undefined
  ofKind(kind: RecordKind): readonly NodeRecord[]
  versions(): RecordVersions
  /** Records that are newer than what these versions say. */
  newerThan(versions: RecordVersions): readonly NodeRecord[]
  /** Whether these versions have anything newer than what is held here. */
  isBehind(versions: RecordVersions): boolean
  /** Differs when the records held differ, but for chance (1 in 2^32). */
  digest(): number
  count(): number
}

export interface RecordBookOptions {
  readonly memberId: number
  readonly members: readonly { readonly id: number; readonly publicKey: Uint8Array }[]
  readonly networkId: Uint8Array
  readonly secretKey: Uint8Array
  readonly suite: CryptoSuite
  /** Changes of one kind of one member that are taken at once, and per second after that. */
  readonly burst: number
  readonly perSecond: number
}

interface Shelf {
  record: NodeRecord
  tokens: number
  atMs: number
}

const shelfName = (member: number, kind: number): string => `${member}/${kind}`

/** Signatures are as good as random, and cost nothing to hash. */
const mark = (record: NodeRecord): number => readUint32(record.bytes, record.bytes.length - SIGNATURE_BYTES)

export function createRecordBook(options: RecordBookOptions): RecordBook {
  const { memberId, networkId, suite } = options
  const keys = new Map(options.members.map(({ id, publicKey }) => [id, publicKey]))
  /** `member/kind` → the newest. At most members × kinds. */
  const shelves = new Map<string, Shelf>()
  let epoch = 0
  let version = 0
  let digest = 0

  function put(record: NodeRecord, tokens: number, atMs: number): void {
    const name = shelfName(record.member, record.kind)
    const older = shelves.get(name)?.record
    if (older !== undefined) digest ^= mark(older)
    digest ^= mark(record)
    shelves.set(name, { record, tokens, atMs })
  }

  function offer(bytes: Uint8Array, nowMs: number): RecordResult {
    const refuse = (reason: RecordRejection, of?: NodeRecord): RecordResult => ({
      ok: false,
      reason,
      record: of,
    })
    const record = parseRecord(bytes)
    if (record === undefined) return refuse('record-unsound')
    const key = keys.get(record.member)
    if (key === undefined) return refuse('record-unknown-member')
    const shelf = shelves.get(shelfName(record.member, record.kind))
    if (shelf !== undefined && compareRecords(record, shelf.record) <= 0) return refuse('record-old', record)
    const isOwn = record.member === memberId
    const tokens =
      shelf === undefined
        ? options.burst
        : Math.min(options.burst, shelf.tokens + ((nowMs - shelf.atMs) / 1_000) * options.perSecond)
    // What is too often now is still there to be asked for when its turn has come.
    if (!isOwn && tokens < 1) return refuse('record-too-often', record)
    if (!suite.verify(key, signedBytes(record, networkId), record.signature)) return refuse('record-forged')
    if (isOwn) {
      outdo(record.epoch)
      return refuse('record-old', record)
    }
    const { member, kind, content } = record
    const kept: NodeRecord = {
      member,
      kind,
      epoch: record.epoch,
      version: record.version,
      content,
      bytes: record.bytes,
    }
    put(kept, tokens - 1, nowMs)
    return { ok: true, record: kept }
  }

  function publish(kind: RecordKind, content: Uint8Array): NodeRecord {
    version += 1
    const fields = { member: memberId, kind, epoch, version, content }
    const record = signRecord(fields, networkId, options.secretKey, suite)
    put(record, options.burst, 0)
    return record
  }

  /** Of an earlier life of this member, whose clock was ahead: all that it says now is said again, after that. */
  function outdo(older: number): void {
    if (older < epoch) return
    epoch = older + 1
    for (const { member, kind, content } of all()) if (member === memberId) publish(kind, content)
  }

  const all = (): NodeRecord[] => [...shelves.values()].map(({ record }) => record)

  function newerThan(versions: RecordVersions): NodeRecord[] {
    const theirs = new Map(versions.map((each) => [shelfName(each.member, each.kind), each]))
    return all().filter((record) => {
      const their = theirs.get(shelfName(record.member, record.kind))
      return (
        their === undefined ||
        record.epoch - their.epoch > 0 ||
        (record.epoch === their.epoch && record.version > their.version)
      )
    })
  }

  function isBehind(versions: RecordVersions): boolean {
    return versions.some(({ member, kind, epoch: theirEpoch, version: theirVersion }) => {
      if (!keys.has(member) || !KINDS.has(kind)) return false
      const held = shelves.get(shelfName(member, kind))?.record
      if (held === undefined) return true
      return theirEpoch > held.epoch || (theirEpoch === held.epoch && theirVersion > held.version)
    })
  }

  return {
    begin: (at) => void (epoch = Math.max(epoch, at)),
    offer,
    publish,
    get: (member, kind) => shelves.get(shelfName(member, kind))?.record,
    ofKind: (kind) => all().filter((record) => record.kind === kind),
    versions: () =>
      all().map(({ member, kind, epoch: at, version: held }) => ({ member, kind, epoch: at, version: held })),
    newerThan,
    isBehind,
    digest: () => digest >>> 0,
    count: () => shelves.size,
  }
}
