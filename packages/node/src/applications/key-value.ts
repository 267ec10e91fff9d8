/**
 * A key-value store. A transaction is text:
 *
 *   set KEY VALUE        VALUE is the rest, spaces and all
 *   delete KEY
 *   swap KEY OLD NEW     sets it to NEW if it is OLD (`-`: not there); OLD and NEW have no spaces
 *
 * The hash of the state is the root of a tree over 4,096 buckets of keys, so that one changed key costs the hashing of one
 * bucket and twelve nodes, however large the store is.
 */
import {
  concatBytes,
  createByteWriter,
  decodeCbor,
  encodeCbor,
  hashLeaf,
  readUint32,
  type Sha256,
} from '@hearsay/dag'
import type { Application, Step } from '../application.ts'

const BUCKETS = 4_096
const MAX_KEY = 256
const ENTRY_LIMITS = { maxBytes: 1024 * 1024 }

export interface KeyValueState {
  readonly entries: Map<string, string>
  /** Keys by bucket. */
  readonly buckets: readonly Set<string>[]
  /** Node 1 is the root, 2n and 2n + 1 are below n, BUCKETS + b is bucket b. */
  readonly tree: Uint8Array[]
  /** Buckets whose hashes are not up to date. */
  readonly changed: Set<number>
}

type Command =
  | { readonly verb: 'set'; readonly key: string; readonly value: string }
  | { readonly verb: 'delete'; readonly key: string }
  | { readonly verb: 'swap'; readonly key: string; readonly old: string | undefined; readonly value: string }

const FORMS =
  /^(?:(?<set>set) (?<setKey>\S+) (?<setValue>[^]*)|(?<delete>delete) (?<deleteKey>\S+)|swap (?<key>\S+) (?<old>\S+) (?<value>\S+))$/

/** A byte order mark has no place at the beginning of a text in canonical CBOR. */
const isSound = (text: string): boolean => !text.startsWith('\uFEFF')

function parse(text: string): Command | undefined {
  const found = FORMS.exec(text)?.groups
  if (found === undefined) return undefined
  const key = found['setKey'] ?? found['deleteKey'] ?? found['key'] ?? ''
  const value = found['setValue'] ?? found['value'] ?? ''
  if (key.length > MAX_KEY || !isSound(key) || !isSound(value)) return undefined
  if (found['set'] !== undefined) return { verb: 'set', key, value }
  if (found['delete'] !== undefined) return { verb: 'delete', key }
  return { verb: 'swap', key, old: found['old'] === '-' ? undefined : found['old'], value }
}

const byCode = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

export function createKeyValueStore(sha256: Sha256): Application<KeyValueState> {
  const bucketOf = (key: string): number => {
    const hash = sha256(encodeCbor(key))
    return ((hash[0]! << 8) | hash[1]!) % BUCKETS
  }
  const hashPair = (left: Uint8Array, right: Uint8Array): Uint8Array =>
    sha256(concatBytes(Uint8Array.of(1), left, right))

  function emptyState(): KeyValueState {
    const tree: Uint8Array[] = []
    let hash = hashLeaf(sha256)
    for (let first = BUCKETS; first >= 1; first /= 2) {
      for (let node = first; node < 2 * first; node++) tree[node] = hash
      hash = hashPair(hash, hash)
    }
    const buckets = Array.from({ length: BUCKETS }, () => new Set<string>())
    return { entries: new Map(), buckets, tree, changed: new Set() }
  }

  function put(state: KeyValueState, key: string, value: string | undefined): void {
    const bucket = bucketOf(key)
    if (value === undefined) {
      state.entries.delete(key)
      state.buckets[bucket]!.delete(key)
    } else {
      state.entries.set(key, value)
      state.buckets[bucket]!.add(key)
    }
    state.changed.add(bucket)
  }

  function apply(state: KeyValueState, command: Command): Step<KeyValueState> {
    const { verb, key } = command
    const before = state.entries.get(key)
    if (verb === 'delete' && before === undefined) return { state, rejected: `no key ${key}` }
    if (verb === 'swap' && before !== command.old)
      return { state, rejected: `${key} is ${before ?? 'not there'}` }
    put(state, key, verb === 'delete' ? undefined : command.value)
    return { state, result: before ?? null }
  }

  function updateTree({ entries, buckets, tree, changed }: KeyValueState): void {
    let level = new Set<number>()
    for (const bucket of changed) {
      const parts = [...buckets[bucket]!].sort(byCode).map((key) => encodeCbor([key, entries.get(key)!]))
      tree[BUCKETS + bucket] = hashLeaf(sha256, ...parts)
      level.add((BUCKETS + bucket) >> 1)
    }
    changed.clear()
    while (level.size > 0) {
      const above = new Set<number>()
      for (const node of level) {
        tree[node] = hashPair(tree[2 * node]!, tree[2 * node + 1]!)
        if (node > 1) above.add(node >> 1)
      }
      level = above
    }
  }

  return {
    init: emptyState,
    check: (_state, { text }) =>
      parse(text) === undefined ? 'not a command: set KEY VALUE, delete KEY or swap KEY OLD NEW' : undefined,
    apply: (state, { text }) => {
      const command = parse(text)
      return command === undefined ? { state, rejected: 'not a command' } : apply(state, command)
    },
    query: (state, path) => (path === '' ? state.entries.size : (state.entries.get(path) ?? null)),
    hash: (state) => {
      updateTree(state)
      return state.tree[1]!
    },
    snapshot: ({ entries }) => {
      const parts = [...entries.keys()].sort(byCode).map((key) => encodeCbor([key, entries.get(key)!]))
      const writer = createByteWriter(parts.reduce((sum, part) => sum + 4 + part.length, 0))
      for (const part of parts) {
        writer.uint32(part.length)
        writer.bytes(part)
      }
      return writer.finish()
    },
    restore: (bytes) => {
      const state = emptyState()
      for (let at = 0; at < bytes.length;) {
        const end = at + 4 + readUint32(bytes, at)
        const entry = decodeCbor(bytes.subarray(at + 4, end), ENTRY_LIMITS)
        if (!entry.ok) throw new Error(`not a snapshot of a key-value store: ${entry.reason}`)
        const [key, value] = entry.value as readonly [string, string]
        put(state, key, value)
        at = end
      }
      return state
    },
  }
}
