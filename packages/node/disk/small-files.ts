// Decides how small files (keys, roster, settings) are replaced and read: whole or not at all, and a private one only if it is
// private.
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { DiskFull, isNoSpace, KeyPermissions } from './errors.ts'
import { nodeFiles, readFully } from './files.ts'

/** No key file is larger; a wrong path (a device, a journal) is not read into memory. */
const maxPrivateFileBytes = 64 * 1024

/**
 * Replaces a file so that after a power cut it is either the old or the new one, never a mixture, and durable once this returns.
 * `mode` holds exactly, whatever the umask. If it fails, the old file is as it was.
 */
export function writeFileDurable(path: string, bytes: Uint8Array, mode: number): void {
  // In the same directory, since only there the rename is one step; made anew, so that nobody has put a link there.
  const temporary = `${path}.${process.pid}.tmp`
  rmSync(temporary, { force: true })
  try {
    const fd = openSync(temporary, 'wx', mode)
    try {
      fchmodSync(fd, mode)
      for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, path)
    nodeFiles.syncDirectory(dirname(path))
  } catch (error) {
    rmSync(temporary, { force: true })
    throw isNoSpace(error) ? new DiskFull(path, bytes.length, error) : error
  }
}

/** Reads a key file; throws KeyPermissions if anybody but its owner has access. A missing file is the system's ENOENT. */
export function readPrivateFile(path: string): Uint8Array {
  // Checked on the open file: between a check by name and the reading it could be exchanged. Not blocking, for it may be a pipe.
  const fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const status = fstatSync(fd)
    if (!status.isFile()) throw new KeyPermissions(path, 'is not a regular file')
    // Windows has no such bits: there the file is as private as the user's profile.
    if (process.platform !== 'win32' && (status.mode & 0o077) !== 0) {
      const mode = (status.mode & 0o777).toString(8).padStart(3, '0')
      throw new KeyPermissions(path, `is open to others than its owner (mode ${mode})`)
    }
    if (status.size > maxPrivateFileBytes) {
      throw new KeyPermissions(path, `has ${status.size} bytes and cannot be a key`)
    }
    const bytes = new Uint8Array(status.size)
    if (!readFully(nodeFiles, fd, path, bytes, bytes.length, 0))
      throw new KeyPermissions(path, 'changed while it was read')
    return bytes
  } finally {
    closeSync(fd)
  }
}
