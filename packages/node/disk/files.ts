// Decides which operations of the system the segment files use: all of them go through `Files`, so that a disk which loses,
// reorders or refuses writes can stand in its place. Nothing here retries an error.
import {
  closeSync,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname, resolve as absolute } from 'node:path'
import { JournalFailed } from './errors.ts'

/** read: must exist. update: must exist, read and write. create: must not exist. recreate: emptied if it exists. */
export type OpenMode = 'read' | 'update' | 'create' | 'recreate'

export type Files = {
  /** Names in a directory; none if there is no such directory. */
  list(directory: string): string[]
  /** Makes a directory and those above it, durably. */
  makeDirectory(directory: string): void
  open(path: string, mode: OpenMode): number
  size(fd: number): number
  /** Reads into `target` from its start; may give less than asked for. */
  read(fd: number, target: Uint8Array, length: number, position: number): number
  /** Writes `source[start, end)`; may write less than asked for. */
  write(fd: number, source: Uint8Array, start: number, end: number, position: number): number
  truncate(fd: number, size: number): void
  /** Content and metadata are durable when it returns. */
  sync(fd: number): void
  /** Content and size are durable when the promise is fulfilled; does not hold up the thread. */
  syncData(fd: number): Promise<void>
  /** The directory's entries are durable when it returns. */
  syncDirectory(directory: string): void
  remove(path: string): void
  close(fd: number): void
}

const flags: Record<OpenMode, string> = { read: 'r', update: 'r+', create: 'wx+', recreate: 'w+' }

export const nodeFiles: Files = {
  list(directory) {
    try {
      return readdirSync(directory)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
      throw error
    }
  },
  makeDirectory(directory) {
    // mkdir gives the topmost directory that it made: every entry from there down is new and must be made durable in its parent.
    const target = absolute(directory)
    const first = mkdirSync(target, { recursive: true, mode: 0o700 })
    if (first === undefined) return
    for (let made = target; ; made = dirname(made)) {
      syncDirectory(dirname(made))
      if (made === first || made === dirname(made)) return
    }
  },
  open: (path, mode) => openSync(path, flags[mode], 0o600),
  size: (fd) => fstatSync(fd).size,
  read: (fd, target, length, position) => readSync(fd, target, 0, length, position),
  write: (fd, source, start, end, position) => writeSync(fd, source, start, end - start, position),
  truncate: (fd, size) => ftruncateSync(fd, size),
  sync: (fd) => fsyncSync(fd),
  syncData: (fd) =>
    new Promise((resolve, reject) => {
      fdatasync(fd, (error) => (error === null ? resolve() : reject(error)))
    }),
  syncDirectory,
  remove: (path) => unlinkSync(path),
  close: (fd) => closeSync(fd),
}

/** On Windows directories cannot be opened for this; there NTFS logs its directory changes itself. */
function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return
  const fd = openSync(directory, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Reads exactly `length` bytes of the file that is at `path`; false if it ends before. */
export function readFully(
  files: Files,
  fd: number,
  path: string,
  target: Uint8Array,
  length: number,
  position: number,
): boolean {
  let got = 0
  while (got < length) {
    const n = readSome(files, fd, path, target.subarray(got), position + got)
    if (n === 0) return false
    got += n
  }
  return true
}

function readSome(files: Files, fd: number, path: string, target: Uint8Array, position: number): number {
  try {
    return files.read(fd, target, target.length, position)
  } catch (error) {
    throw new JournalFailed(path, 'reading', false, error)
  }
}
