/**
 * What a real run does to its files, written down: every operation that changes something, with its bytes, in order. From any
 * beginning of it a simulated disk is brought to where the real one was, and then loses power.
 */
import type { Files, OpenMode } from '@hearsay/node/disk'
import type { SimulatedDisk } from '@hearsay/simulator'

export type Operation =
  | { readonly kind: 'open'; readonly fd: number; readonly path: string; readonly mode: OpenMode }
  | { readonly kind: 'write'; readonly fd: number; readonly bytes: Uint8Array; readonly position: number }
  | { readonly kind: 'truncate'; readonly fd: number; readonly size: number }
  | { readonly kind: 'sync' | 'close'; readonly fd: number }
  /** A sync that takes time: what is written before its end and after its begin is not covered. */
  | { readonly kind: 'begin-sync'; readonly fd: number; readonly ticket: number }
  | { readonly kind: 'end-sync'; readonly ticket: number }
  | { readonly kind: 'sync-directory' | 'remove'; readonly path: string }

/** The same files; what changes something is noted when it has happened, a sync also when it begins. */
export function recordingFiles(files: Files, note: (operation: Operation) => void): Files {
  let nextTicket = 1
  return {
    ...files,
    open: (path, mode) => {
      const fd = files.open(path, mode)
      note({ kind: 'open', fd, path, mode })
      return fd
    },
    write: (fd, source, start, end, position) => {
      const count = files.write(fd, source, start, end, position)
      note({ kind: 'write', fd, bytes: source.slice(start, start + count), position })
      return count
    },
    truncate: (fd, size) => {
      files.truncate(fd, size)
      note({ kind: 'truncate', fd, size })
    },
    sync: (fd) => {
      files.sync(fd)
      note({ kind: 'sync', fd })
    },
    syncData: async (fd) => {
      const ticket = nextTicket++
      note({ kind: 'begin-sync', fd, ticket })
      await files.syncData(fd)
      note({ kind: 'end-sync', ticket })
    },
    syncDirectory: (path) => {
      files.syncDirectory(path)
      note({ kind: 'sync-directory', path })
    },
    remove: (path) => {
      files.remove(path)
      note({ kind: 'remove', path })
    },
    close: (fd) => {
      files.close(fd)
      note({ kind: 'close', fd })
    },
  }
}

/** Does to a simulated disk what was done to the real one, one operation a call. */
export function createReenactment(disk: SimulatedDisk): (operation: Operation) => void {
  const open = new Map<number, number>()
  const tickets = new Map<number, ReturnType<SimulatedDisk['beginSync']>>()
  const fdOf = (fd: number): number => {
    const here = open.get(fd)
    if (here === undefined) throw new Error(`the recording uses file ${fd} before it is opened`)
    return here
  }
  return (operation) => {
    switch (operation.kind) {
      case 'open':
        return void open.set(operation.fd, disk.open(operation.path, operation.mode))
      case 'write': {
        const { bytes, position } = operation
        return void disk.write(fdOf(operation.fd), bytes, 0, bytes.length, position)
      }
      case 'truncate':
        return disk.truncate(fdOf(operation.fd), operation.size)
      case 'sync':
        return disk.sync(fdOf(operation.fd))
      case 'begin-sync':
        return void tickets.set(operation.ticket, disk.beginSync(fdOf(operation.fd)))
      case 'end-sync': {
        const ticket = tickets.get(operation.ticket)
        if (ticket === undefined)
          throw new Error(`the recording ends sync ${operation.ticket} before its begin`)
        tickets.delete(operation.ticket)
        return disk.endSync(ticket)
      }
      case 'sync-directory':
        return disk.syncDirectory(operation.path)
      case 'remove':
        return disk.remove(operation.path)
      case 'close':
        disk.close(fdOf(operation.fd))
        return void open.delete(operation.fd)
    }
  }
}
