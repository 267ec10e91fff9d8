/**
 * The house as a table: which packages and rooms there are, and which arrows between them. This file and the rules in
 * `check.ts` are the source of truth; the design document describes them.
 */

/** Package → packages whose `src` it may import. Complete: what is not here is forbidden. */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  dag: [],
  consensus: ['dag'],
  gossip: ['dag'],
  node: ['dag', 'consensus', 'gossip'],
  client: ['dag'],
  // The simulator and the command see a member through the node, and what the node's own interface is made of.
  simulator: ['node', 'dag', 'consensus', 'gossip'],
  explorer: ['client', 'consensus', 'dag'],
  // Keys and hashes are written as dag writes them, and `replay` is the ordering rule without a node.
  cli: ['node', 'simulator', 'client', 'explorer', 'dag', 'consensus'],
}

/** Package → its I/O rooms, beside `src`. A folder that is not here is not a room. */
export const IO_ROOMS: Readonly<Record<string, readonly string[]>> = {
  dag: ['native'],
  gossip: ['ws'],
  client: ['web'],
  node: ['disk', 'http', 'process'],
  simulator: ['process'],
  explorer: ['web', 'process', 'build'],
  cli: ['process'],
}

/** I/O room → other I/O rooms of its own package. */
const INNER_ARROWS: Readonly<Record<string, readonly string[]>> = {
  'node/process': ['node/disk'],
}

/** npm packages that compute only; all that a `src` may import from outside of the house. */
export const PURE_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  dag: ['@noble/ed25519', '@noble/hashes', 'cbor-x'],
  // Cells that tell who has read them when they change: the view's state.
  explorer: ['@preact/signals-core'],
  // Only describes the commands: what it would print or exit with is handed to it by the process room.
  cli: ['commander'],
}

/** Globals that give the same for the same arguments. Everything else that a `src` does not declare itself is refused. */
export const PURE_GLOBALS: ReadonlySet<string> = new Set([
  'undefined',
  'NaN',
  'Infinity',
  'Object',
  'Array',
  'String',
  'Number',
  'Boolean',
  'BigInt',
  'Symbol',
  'Math',
  'JSON',
  'RegExp',
  'Map',
  'Set',
  'WeakMap',
  'WeakSet',
  'ArrayBuffer',
  'DataView',
  'Uint8Array',
  'Uint16Array',
  'Uint32Array',
  'Int8Array',
  'Int16Array',
  'Int32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'Error',
  'TypeError',
  'RangeError',
  'SyntaxError',
  'parseInt',
  'parseFloat',
  'isNaN',
  'isFinite',
])

/** What of `Math` is exact on every machine: no `random`, and no function whose last bit is left to the implementation. */
export const EXACT_MATH: ReadonlySet<string> = new Set([
  'abs',
  'ceil',
  'clz32',
  'floor',
  'fround',
  'imul',
  'max',
  'min',
  'round',
  'sign',
  'sqrt',
  'trunc',
])

/** Methods whose result depends on the machine's language or time zone. */
export const LOCALE_METHODS: ReadonlySet<string> = new Set([
  'localeCompare',
  'toLocaleString',
  'toLocaleDateString',
  'toLocaleTimeString',
  'toLocaleLowerCase',
  'toLocaleUpperCase',
])

export const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(['utils', 'util', 'common', 'helpers', 'helper'])

export const MAX_LINES = 420

/** All packages that `name` reaches over any number of arrows. */
function reach(name: string): ReadonlySet<string> {
  const reached = new Set<string>()
  const waiting = [...(ARROWS[name] ?? [])]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (reached.has(next)) continue
    reached.add(next)
    waiting.push(...(ARROWS[next] ?? []))
  }
  return reached
}

/** Why the room `from` may not import the room `to` (both as `package/folder`), or undefined if it may. */
export function forbidden(from: string, to: string): string | undefined {
  if (from === to) return undefined
  const [fromPackage, fromFolder] = from.split('/') as [string, string]
  const [toPackage, toFolder] = to.split('/') as [string, string]
  if (fromFolder === 'src' && toFolder !== 'src') return 'a src imports no I/O room'
  if (fromPackage === toPackage) {
    if (toFolder === 'src' || INNER_ARROWS[from]?.includes(to)) return undefined
    return `${from} may not import ${to}`
  }
  if (toPackage === 'cli') return 'nothing imports cli'
  const allowed =
    toFolder === 'src' ? ARROWS[fromPackage]?.includes(toPackage) : reach(fromPackage).has(toPackage)
  return allowed ? undefined : `there is no arrow ${fromPackage} → ${toPackage}`
}
