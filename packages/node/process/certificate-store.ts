/**
 * The certificates of a data directory: `certificates/round-<round>.hsc`, one file each. They are few (at most one a second of
 * work), and each proves itself: what is read back is believed only if its signatures are valid, so a file needs no checksum,
 * and one that is not sound is removed. All of the newest are kept; of the older ones as many as are needed so that
 * every round has one within reach of a proof.
 */
import { join } from 'node:path'
import {
  certificateFault,
  decodeCertificate,
  encodeCertificate,
  MAX_CERTIFICATE_BYTES,
  type CryptoSuite,
  type Genesis,
  type RoundCertificate,
} from '@hearsay/dag'
import { DiskFull, type Files } from '../disk/index.ts'
import type { CertificateSource } from './prover.ts'

/** All of the newest are kept, and of the older ones one in so many rounds: half of what a proof reaches over. */
const NEWEST = 64
const SPACING_ROUNDS = 512
const KEPT = 16_384
/** In memory. */
const CACHED = 64
const NAME = /^round-(\d{15})\.hsc$/

export interface CertificateStore extends CertificateSource {
  /** Served at once, on disk a little later. */
  add(certificate: RoundCertificate): void
  /** Round of the newest; 0 if there is none. */
  lastRound(): number
  /** Called with the round of each new one; returns how to stop that. */
  onCertified(listener: (round: number) => void): () => void
  /** All that was added is on disk when the promise is fulfilled. */
  settled(): Promise<void>
}

export interface CertificateStoreParts {
  readonly dir: string
  readonly genesis: Genesis
  readonly networkId: Uint8Array
  readonly suite: CryptoSuite
  readonly files: Files
  readonly narrate: (line: string) => void
  readonly onError: (error: unknown) => void
}

export function createCertificateStore(parts: CertificateStoreParts): CertificateStore {
  const { files, networkId } = parts
  const directory = join(parts.dir, 'certificates')
  const path = (round: number): string => join(directory, `round-${String(round).padStart(15, '0')}.hsc`)
  /** Ascending. */
  const rounds = files
    .list(directory)
    .flatMap((name) => {
      const digits = NAME.exec(name)?.[1]
      return digits === undefined ? [] : [Number(digits)]
    })
    .sort((a, b) => a - b)
  const cache = new Map<number, RoundCertificate>()
  /** Not on disk (yet). */
  const unwritten = new Set<number>()
  const listeners = new Set<(round: number) => void>()
  let writing: Promise<void> = Promise.resolve()

  function remember(certificate: RoundCertificate): void {
    cache.set(certificate.round, certificate)
    if (cache.size <= CACHED) return
    for (const oldest of cache.keys()) {
      if (unwritten.has(oldest)) continue
      cache.delete(oldest)
      return
    }
  }

  function read(round: number): RoundCertificate | undefined {
    const fd = files.open(path(round), 'read')
    try {
      const size = files.size(fd)
      if (size > MAX_CERTIFICATE_BYTES) return undefined
      const bytes = new Uint8Array(size)
      for (let got = 0; got < size;) {
        const n = files.read(fd, bytes.subarray(got), size - got, got)
        if (n === 0) return undefined
        got += n
      }
      const certificate = decodeCertificate(bytes)
      if (certificate?.round !== round) return undefined
      return certificateFault(certificate, networkId, parts.genesis.members, parts.suite) === undefined
        ? certificate
        : undefined
    } finally {
      files.close(fd)
    }
  }

  /** The certificate at that place of `rounds`; one that is not sound is gone afterwards. */
  function at(index: number): RoundCertificate | undefined {
    const round = rounds[index]!
    const known = cache.get(round)
    if (known !== undefined) return known
    const certificate = read(round)
    if (certificate !== undefined) {
      remember(certificate)
      return certificate
    }
    parts.narrate(`certificates: ${path(round)} is not sound and is removed`)
    drop(index)
    return undefined
  }

  function drop(index: number): void {
    const [round] = rounds.splice(index, 1)
    cache.delete(round!)
    if (!unwritten.delete(round!)) files.remove(path(round!))
  }

  /** With one more than all are kept, one of the older ones goes: what lies on both sides of it is near enough. */
  function thin(): void {
    const index = rounds.length - NEWEST - 1
    if (index >= 1 && rounds[index + 1]! - rounds[index - 1]! <= SPACING_ROUNDS) drop(index)
    if (rounds.length > KEPT) drop(0)
  }

  async function write(certificate: RoundCertificate): Promise<void> {
    const { round } = certificate
    if (!unwritten.has(round)) return
    files.makeDirectory(directory)
    const bytes = encodeCertificate(certificate)
    const fd = files.open(path(round), 'recreate')
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
    unwritten.delete(round)
  }

  async function writeNext(before: Promise<void>, certificate: RoundCertificate): Promise<void> {
    await before
    try {
      await write(certificate)
    } catch (error) {
      if (!(error instanceof DiskFull) && (error as { code?: unknown }).code !== 'ENOSPC')
        return parts.onError(error)
      // It is served as long as this process lives and it is one of the newest; later ones stand for it.
      parts.narrate(`certificate of round ${certificate.round}: no space`)
    }
  }

  function add(certificate: RoundCertificate): void {
    const { round } = certificate
    if (round <= (rounds.at(-1) ?? 0)) return
    rounds.push(round)
    unwritten.add(round)
    remember(certificate)
    thin()
    writing = writeNext(writing, certificate)
    for (const listener of listeners) listener(round)
  }

  /** The place of the first certificate of that round or a later one. */
  function placeOf(round: number): number {
    let low = 0
    for (let high = rounds.length; low < high;) {
      const middle = (low + high) >> 1
      if (rounds[middle]! < round) low = middle + 1
      else high = middle
    }
    return low
  }

  function certificateFrom(round: number): RoundCertificate | undefined {
    for (;;) {
      const place = placeOf(round)
      if (place === rounds.length) return undefined
      const found = at(place)
      if (found !== undefined) return found
    }
  }

  function certificateUpTo(round: number): RoundCertificate | undefined {
    for (let place = placeOf(round + 1) - 1; place >= 0; place--) {
      const found = at(place)
      if (found !== undefined) return found
    }
    return undefined
  }

  return {
    add,
    certificateFrom,
    certificateUpTo,
    lastRound: () => rounds.at(-1) ?? 0,
    onCertified: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    settled: () => writing,
  }
}
