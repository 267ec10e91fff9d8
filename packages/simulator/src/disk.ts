/**
 * Decides what a disk may do to those who trust it: a file system in memory that forgets, reorders, tears, misplaces and refuses,
 * from one stream of random numbers. Faults: power cut, bit rot, misdirected write, no space, I/O error, short write and read,
 * slow sync.
 *
 * What is promised, as POSIX promises it and no more: bytes and size of a file are durable when a sync of that file that began
 * after they were written has ended well; names in a directory when that directory was synced. Until then each write may
 * survive or not, in any order, torn at sector boundaries; each change of a name may survive or not, a rename as a whole.
 * After a sync that failed, what it was to make durable stays unsure for ever, though it can still be read (the kernel drops such
 * pages and a second sync says nothing about them: "fsyncgate", 2018).
 */

/** read: must exist. update: must exist, read and write. create: must not exist. recreate: emptied if it exists. */
export type DiskMode = 'read' | 'update' | 'create' | 'recreate'

/** Chances from 0 to 1, each for one operation. */
export type DiskFaults = {
  readonly shortWrite: number
  readonly shortRead: number
  readonly readError: number
  readonly writeError: number
  readonly syncError: number
  /** The bytes go to another place of this or another file; nobody hears of it. */
  readonly misdirectedWrite: number
  /** Space for the contents of all files. */
  readonly capacityBytes: number
  /** From and to how long a sync takes, for those who simulate time. */
  readonly syncMs: readonly [number, number]
}

export const soundDisk: DiskFaults = {
  shortWrite: 0,
  shortRead: 0,
  readError: 0,
  writeError: 0,
  syncError: 0,
  misdirectedWrite: 0,
  capacityBytes: Infinity,
  syncMs: [0, 0],
}

/**
 * What becomes of that which is not durable when the power fails. all: everything survives (only the process died). none: nothing
 * does. prefix: everything up to some byte, in the order in which it was written. any: any part of it, in sectors.
 */
export type Survival = 'all' | 'none' | 'prefix' | 'any'

/** A sync under way. */
export type SyncTicket = { readonly inode: Inode; readonly writes: readonly Write[] }

export type SimulatedDisk = {
  list(directory: string): string[]
  makeDirectory(directory: string): void
  open(path: string, mode: DiskMode): number
  size(fd: number): number
  read(fd: number, target: Uint8Array, length: number, position: number): number
  write(fd: number, source: Uint8Array, start: number, end: number, position: number): number
  truncate(fd: number, size: number): void
  sync(fd: number): void
  /** A sync that takes time is two calls; what is written between them is not covered, a power cut between them is before it. */
  beginSync(fd: number): SyncTicket
  endSync(ticket: SyncTicket): void
  /** How long a sync that begins now takes. */
  syncMs(): number
  syncDirectory(directory: string): void
  rename(from: string, to: string): void
  remove(path: string): void
  close(fd: number): void
  setFaults(faults: Partial<DiskFaults>): void
  /** The machine loses power and comes back: open files are gone, and what was not durable is what `survival` leaves of it. */
  powerCut(survival: Survival): void
  /** Flips one bit of a file, durably. */
  flip(path: string, bit: number): void
  /** Flips a random bit of a random file that is not empty; undefined if there is none. */
  rot(): { readonly path: string; readonly position: number } | undefined
  /** What a reader finds now. */
  contents(): Map<string, Uint8Array>
}

type Content = { bytes: Uint8Array; size: number }
type Write =
  | { readonly kind: 'bytes'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'size'; readonly size: number }
/** `unsynced` is in order; `doomed` writes are in it too and no later sync covers them. */
type Inode = {
  readonly volatile: Content
  readonly durable: Content
  unsynced: Write[]
  readonly doomed: Set<Write>
}
type NameChange =
  | { readonly kind: 'link'; readonly path: string; readonly inode: Inode }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string; readonly inode: Inode }

const sectorBytes = 512

export function createSimulatedDisk(options: {
  readonly random: () => number
  readonly faults?: Partial<DiskFaults>
  readonly contents?: ReadonlyMap<string, Uint8Array>
}): SimulatedDisk {
  const { random } = options
  let faults: DiskFaults = { ...soundDisk, ...options.faults }
  let names = new Map<string, Inode>()
  let durableNames = new Map<string, Inode>()
  let nameChanges: NameChange[] = []
  const open = new Map<number, Inode>()
  let nextFd = 100
  for (const [path, bytes] of options.contents ?? []) names.set(path, newInode(bytes))
  durableNames = new Map(names)

  const happens = (chance: number): boolean => chance > 0 && random() < chance
  const below = (limit: number): number => Math.floor(random() * limit)

  function at(fd: number): Inode {
    const inode = open.get(fd)
    if (inode === undefined) throw failure('EBADF', `file ${fd} is not open`)
    return inode
  }

  function change(inode: Inode, write: Write): void {
    inode.unsynced.push(write)
    apply(inode.volatile, write)
  }

  function changeName(step: NameChange): void {
    nameChanges.push(step)
    applyName(names, step)
  }

  function freeBytes(): number {
    if (faults.capacityBytes === Infinity) return Infinity
    let used = 0
    for (const { volatile } of names.values()) used += volatile.size
    return Math.max(0, faults.capacityBytes - used)
  }

  function openFile(path: string, mode: DiskMode): number {
    let inode = names.get(path)
    if (inode === undefined) {
      if (mode === 'read' || mode === 'update') throw failure('ENOENT', `${path} does not exist`)
      if (freeBytes() === 0) throw failure('ENOSPC', `no space for ${path}`)
      inode = newInode(new Uint8Array(0))
      changeName({ kind: 'link', path, inode })
    } else if (mode === 'create') throw failure('EEXIST', `${path} exists`)
    else if (mode === 'recreate') change(inode, { kind: 'size', size: 0 })
    open.set(nextFd, inode)
    return nextFd++
  }

  function write(fd: number, source: Uint8Array, start: number, end: number, position: number): number {
    const inode = at(fd)
    if (happens(faults.writeError)) throw failure('EIO', 'the write failed')
    let count = end - start
    // What replaces bytes needs no space.
    const free = freeBytes()
    if (position + count > inode.volatile.size + free) {
      count = Math.max(0, inode.volatile.size + free - position)
      if (count === 0) throw failure('ENOSPC', 'no space left on the disk')
    }
    if (count > 1 && happens(faults.shortWrite)) count = 1 + below(count - 1)
    const bytes = source.slice(start, start + count)
    if (happens(faults.misdirectedWrite)) misdirect(inode, position, bytes)
    else change(inode, { kind: 'bytes', position, bytes })
    return count
  }

  function misdirect(inode: Inode, position: number, bytes: Uint8Array): void {
    const inodes = [...names.values()]
    const target = inodes[below(inodes.length)] ?? inode
    const sectors = Math.ceil(target.volatile.size / sectorBytes)
    const place = (position % sectorBytes) + sectorBytes * below(sectors)
    const room = Math.max(0, target.volatile.size - place)
    change(target, { kind: 'bytes', position: place, bytes: bytes.subarray(0, room) })
    // The size is metadata and right; where the bytes should be is what was there before, or nothing.
    const end = position + bytes.length
    if (end > inode.volatile.size) change(inode, { kind: 'size', size: end })
  }

  function endSync({ inode, writes }: SyncTicket): void {
    const covered = new Set(writes)
    if (happens(faults.syncError)) {
      for (const each of covered) inode.doomed.add(each)
      throw failure('EIO', 'the sync failed')
    }
    const left: Write[] = []
    for (const each of inode.unsynced) {
      if (covered.has(each) && !inode.doomed.has(each)) apply(inode.durable, each)
      else left.push(each)
    }
    inode.unsynced = left
  }

  function syncDirectory(directory: string): void {
    const left: NameChange[] = []
    for (const step of nameChanges) {
      const here =
        parentOf(step.path) === directory || (step.kind === 'rename' && parentOf(step.to) === directory)
      if (here) applyName(durableNames, step)
      else left.push(step)
    }
    nameChanges = left
  }

  function powerCut(survival: Survival): void {
    open.clear()
    const kept =
      survival === 'all' ? nameChanges.length : survival === 'prefix' ? below(nameChanges.length + 1) : 0
    for (const [i, step] of nameChanges.entries()) {
      if (survival === 'any' ? random() < 0.5 : i < kept) applyName(durableNames, step)
    }
    nameChanges = []
    names = new Map()
    for (const [path, inode] of durableNames) names.set(path, newInode(survivors(inode, survival, random)))
    durableNames = new Map(names)
  }

  function flip(path: string, bit: number): void {
    const inode = names.get(path)
    if (inode === undefined || bit >= inode.volatile.size * 8)
      throw failure('ENOENT', `${path} has no bit ${bit}`)
    const mask = 1 << (bit & 7)
    for (const content of [inode.volatile, inode.durable]) {
      if (bit >> 3 < content.size) content.bytes[bit >> 3]! ^= mask
    }
  }

  return {
    list: (directory) => [...names.keys()].filter((path) => parentOf(path) === directory).map(nameOf),
    makeDirectory: () => undefined,
    open: openFile,
    size: (fd) => at(fd).volatile.size,
    read(fd, target, length, position) {
      const { bytes, size } = at(fd).volatile
      if (happens(faults.readError)) throw failure('EIO', 'the read failed')
      let count = Math.max(0, Math.min(length, size - position))
      if (count > 1 && happens(faults.shortRead)) count = 1 + below(count - 1)
      target.set(bytes.subarray(position, position + count))
      return count
    },
    write,
    truncate: (fd, size) => change(at(fd), { kind: 'size', size }),
    sync: (fd) => endSync({ inode: at(fd), writes: [...at(fd).unsynced] }),
    beginSync: (fd) => ({ inode: at(fd), writes: [...at(fd).unsynced] }),
    endSync,
    syncMs: () => faults.syncMs[0] + random() * (faults.syncMs[1] - faults.syncMs[0]),
    syncDirectory,
    rename(from, to) {
      const inode = names.get(from)
      if (inode === undefined) throw failure('ENOENT', `${from} does not exist`)
      changeName({ kind: 'rename', path: from, to, inode })
    },
    remove(path) {
      if (!names.has(path)) throw failure('ENOENT', `${path} does not exist`)
      changeName({ kind: 'unlink', path })
    },
    close: (fd) => void open.delete(fd),
    setFaults: (changes) => void (faults = { ...faults, ...changes }),
    powerCut,
    flip,
    rot() {
      const full = [...names].filter(([, inode]) => inode.volatile.size > 0)
      const chosen = full[below(full.length)]
      if (chosen === undefined) return undefined
      const bit = below(chosen[1].volatile.size * 8)
      flip(chosen[0], bit)
      return { path: chosen[0], position: bit >> 3 }
    },
    contents: () =>
      new Map([...names].map(([path, { volatile }]) => [path, volatile.bytes.slice(0, volatile.size)])),
  }
}

function newInode(bytes: Uint8Array): Inode {
  const content = (): Content => ({ bytes: bytes.slice(), size: bytes.length })
  return { volatile: content(), durable: content(), unsynced: [], doomed: new Set() }
}

function apply(content: Content, write: Write): void {
  if (write.kind === 'size') return resize(content, write.size)
  const end = write.position + write.bytes.length
  if (end > content.size) resize(content, end)
  content.bytes.set(write.bytes, write.position)
}

/** What is new is zeros. */
function resize(content: Content, size: number): void {
  if (size < content.size) content.bytes.fill(0, size, content.size)
  if (size > content.bytes.length) {
    const larger = new Uint8Array(Math.max(size, content.bytes.length * 2, 1024))
    larger.set(content.bytes)
    content.bytes = larger
  }
  content.size = size
}

function applyName(names: Map<string, Inode>, step: NameChange): void {
  if (step.kind === 'link') names.set(step.path, step.inode)
  else names.delete(step.path)
  if (step.kind === 'rename') names.set(step.to, step.inode)
}

function survivors(inode: Inode, survival: Survival, random: () => number): Uint8Array {
  const { durable, unsynced, volatile } = inode
  if (survival === 'all') return volatile.bytes.slice(0, volatile.size)
  if (survival === 'none') return durable.bytes.slice(0, durable.size)
  const content: Content = { bytes: durable.bytes.slice(0, durable.size), size: durable.size }
  // Per cut, whether much or little of it survives: both ends of the scale are visited.
  const share = random()
  for (const write of unsynced) {
    const whole = random() < share
    if (whole) apply(content, write)
    else if (write.kind === 'bytes') tear(content, write, survival, random)
    if (!whole && survival === 'prefix') break
  }
  return content.bytes.slice(0, content.size)
}

/** In order: all up to some byte. Else: any set of its sectors, perhaps with the size of the whole and zeros where nothing came. */
function tear(
  content: Content,
  write: Extract<Write, { kind: 'bytes' }>,
  survival: Survival,
  random: () => number,
): void {
  const { position, bytes } = write
  if (survival === 'prefix') {
    const kept = Math.floor(random() * (bytes.length + 1))
    return apply(content, { kind: 'bytes', position, bytes: bytes.subarray(0, kept) })
  }
  const fate = random()
  if (fate < 0.3) return
  const end = position + bytes.length
  if (fate < 0.8 && end > content.size) resize(content, end)
  for (let from = position; from < end;) {
    const to = Math.min(end, (Math.floor(from / sectorBytes) + 1) * sectorBytes)
    const part = bytes.subarray(from - position, to - position)
    if (random() < 0.5) apply(content, { kind: 'bytes', position: from, bytes: part })
    from = to
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(`simulated disk: ${code}: ${message}`), { code })
}
