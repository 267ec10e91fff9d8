// A disk in memory that loses power. Until a file is synced, each of its writes may survive or not, in any order, and be torn at
// sector boundaries; until its directory is synced, a new file may be absent. What was synced stays.
import { type Files, nodeFiles } from '@hearsay/node/disk'

type Write = { readonly position: number; readonly bytes: Uint8Array } | { readonly truncate: number }
type Inode = { volatile: Uint8Array; durable: Uint8Array; unsynced: Write[] }

export type LossyDisk = {
  readonly files: Files
  /** What is found after a power cut now: a new disk. `ordered`: writes survive as a prefix, only the last one is torn. */
  crash(chance: () => number, ordered: boolean): LossyDisk
}

const sectorBytes = 512

export function createLossyDisk(start: ReadonlyMap<string, Uint8Array> = new Map()): LossyDisk {
  const volatile = new Map<string, Inode>([...start].map(([path, bytes]) => [path, inode(bytes)]))
  let durable = new Map(volatile)
  const open = new Map<number, Inode>()
  let nextFd = 100
  const at = (fd: number): Inode => open.get(fd) ?? fail(`file ${fd} is not open`)
  const change = (file: Inode, write: Write): void => {
    file.unsynced.push(write)
    file.volatile = apply(file.volatile, write)
  }
  const sync = (fd: number): void => {
    const file = at(fd)
    file.durable = file.volatile
    file.unsynced = []
  }
  const files: Files = {
    ...nodeFiles,
    list: (directory) =>
      [...volatile.keys()]
        .filter((path) => path.startsWith(`${directory}/`))
        .map((path) => path.slice(directory.length + 1)),
    makeDirectory: () => undefined,
    open(path, mode) {
      const there = volatile.get(path)
      if (there === undefined && (mode === 'read' || mode === 'update')) fail(`${path} does not exist`)
      if (there !== undefined && mode === 'create') fail(`${path} exists`)
      const file = there ?? inode(new Uint8Array(0))
      if (mode === 'recreate') change(file, { truncate: 0 })
      volatile.set(path, file)
      open.set(nextFd, file)
      return nextFd++
    },
    size: (fd) => at(fd).volatile.length,
    read(fd, target, length, position) {
      const part = at(fd).volatile.subarray(position, position + length)
      target.set(part)
      return part.length
    },
    write(fd, source, from, end, position) {
      change(at(fd), { position, bytes: source.slice(from, end) })
      return end - from
    },
    truncate: (fd, size) => change(at(fd), { truncate: size }),
    sync,
    syncData: (fd) => Promise.resolve(sync(fd)),
    syncDirectory: () => void (durable = new Map(volatile)),
    remove: (path) => void volatile.delete(path),
    close: (fd) => void open.delete(fd),
  }
  return {
    files,
    crash(chance, ordered) {
      const left = new Map<string, Uint8Array>()
      for (const path of new Set([...durable.keys(), ...volatile.keys()])) {
        const file = (chance() < 0.5 ? volatile : durable).get(path)
        if (file !== undefined) left.set(path, survivors(file, chance, ordered))
      }
      return createLossyDisk(left)
    },
  }
}

function inode(bytes: Uint8Array): Inode {
  return { volatile: bytes, durable: bytes, unsynced: [] }
}

function survivors(file: Inode, chance: () => number, ordered: boolean): Uint8Array {
  let bytes = file.durable
  let stopped = false
  for (const write of file.unsynced) {
    if (stopped || (!ordered && chance() < 0.4)) continue
    if (ordered && chance() < 0.3) stopped = true
    const torn = stopped || (!ordered && chance() < 0.4)
    if (!torn) bytes = apply(bytes, write)
    else if ('bytes' in write) bytes = applyTorn(bytes, write, chance, ordered)
  }
  return bytes
}

/** In order: all up to some byte. Else: any set of its sectors, the size already that of the whole, zeros where nothing came. */
function applyTorn(
  bytes: Uint8Array,
  write: { position: number; bytes: Uint8Array },
  chance: () => number,
  ordered: boolean,
): Uint8Array {
  const { position } = write
  const kept = Math.floor(chance() * write.bytes.length)
  if (ordered) return apply(bytes, { position, bytes: write.bytes.subarray(0, kept) })
  let result = apply(bytes, { position, bytes: new Uint8Array(0) })
  const end = position + write.bytes.length
  if (end > result.length) result = apply(result, { position: end, bytes: new Uint8Array(0) })
  for (let from = position; from < end;) {
    const to = Math.min(end, (Math.floor(from / sectorBytes) + 1) * sectorBytes)
    const part = write.bytes.subarray(from - position, to - position)
    if (chance() < 0.5) result = apply(result, { position: from, bytes: part })
    from = to
  }
  return result
}

function apply(bytes: Uint8Array, write: Write): Uint8Array {
  if ('truncate' in write) return bytes.slice(0, write.truncate)
  const result = new Uint8Array(Math.max(bytes.length, write.position + write.bytes.length))
  result.set(bytes)
  result.set(write.bytes, write.position)
  return result
}

function fail(reason: string): never {
  throw new Error(`invariant of the test's disk: ${reason}`)
}
