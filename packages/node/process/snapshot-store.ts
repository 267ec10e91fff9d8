/**
 * The snapshots of a data directory: `snapshots/snapshot-<round>.hss`, the newest two. Each file is written whole and made
 * durable before anything relies on it; one that a crash left unfinished is told by its checksum.
 */
import { join } from 'node:path'
import type { Sha256 } from '@hearsay/dag'
import { type Files, systemCode } from '../disk/index.ts'
import { decodeSnapshot, encodeSnapshot, MAX_SNAPSHOT_BYTES, type NodeSnapshot } from '../src/snapshot.ts'

const KEPT = 2
const NAME = /^snapshot-(\d{15})\.hss$/

export interface SnapshotStore {
  /** Rounds of the snapshots that are there, the newest first. */
  rounds(): readonly number[]
  /** Reads one; says why in `reason` when it is not sound. */
  read(round: number): ReturnType<typeof decodeSnapshot>
  /** Writes one durably, and removes all but the newest two. */
  write(snapshot: NodeSnapshot): Promise<void>
  path(round: number): string
}

export function createSnapshotStore(
  dir: string,
  networkId: Uint8Array,
  sha256: Sha256,
  files: Files,
): SnapshotStore {
  const directory = join(dir, 'snapshots')
  const path = (round: number): string => join(directory, `snapshot-${String(round).padStart(15, '0')}.hss`)

  function rounds(): number[] {
    const found = files.list(directory).flatMap((name) => {
      const digits = NAME.exec(name)?.[1]
      return digits === undefined ? [] : [Number(digits)]
    })
    return found.sort((a, b) => b - a)
  }

  function read(round: number): ReturnType<typeof decodeSnapshot> {
    try {
      return readWhole(round)
    } catch (error) {
      // There is an older one, or the journal: what the system refuses to read is as good as not there.
      if (systemCode(error) === undefined) throw error
      return { ok: false, reason: `it cannot be read: ${String(error)}` }
    }
  }

  function readWhole(round: number): ReturnType<typeof decodeSnapshot> {
    const fd = files.open(path(round), 'read')
    try {
      const size = files.size(fd)
      if (size > MAX_SNAPSHOT_BYTES) return { ok: false, reason: `it has ${size} bytes` }
      const bytes = new Uint8Array(size)
      for (let got = 0; got < size;) {
        const n = files.read(fd, bytes.subarray(got), size - got, got)
        if (n === 0) return { ok: false, reason: 'it ends early' }
        got += n
      }
      return decodeSnapshot(bytes, networkId, sha256)
    } finally {
      files.close(fd)
    }
  }

  async function write(snapshot: NodeSnapshot): Promise<void> {
    files.makeDirectory(directory)
    const { round } = snapshot.member.orderer.head
    const bytes = encodeSnapshot(snapshot, networkId, sha256)
    // Only one that could not be read may be there already.
    const fd = files.open(path(round), rounds().includes(round) ? 'recreate' : 'create')
    try {
      for (let written = 0; written < bytes.length;) {
        const n = files.write(fd, bytes, written, bytes.length, written)
        if (n === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' })
        written += n
      }
      await files.syncData(fd)
    } finally {
      files.close(fd)
    }
    files.syncDirectory(directory)
    const old = rounds().slice(KEPT)
    for (const each of old) files.remove(path(each))
  }

  return { rounds, read, write, path }
}
