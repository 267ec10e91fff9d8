// Directories, children and observed file systems for the tests of the disk. Everything is real except where a test says so.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Files, type Journal, nodeFiles, openJournal } from '@hearsay/node/disk'
import { afterEach } from 'vitest'

export const networkId: Uint8Array = Uint8Array.from({ length: 32 }, (_, i) => i * 7)

const cleanups: (() => void)[] = []

afterEach(() => {
  for (const clean of cleanups.splice(0).toReversed()) clean()
})

export function atEnd(clean: () => void): void {
  cleanups.push(clean)
}

export function freshDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'hearsay-disk-'))
  atEnd(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Payloads that tell their index, of uneven lengths, the empty one among them. */
export function payload(i: number, length: number = (i * 13) % 57): Uint8Array {
  return Uint8Array.from({ length }, (_, k) => (i * 31 + k * 17) & 0xff)
}

/** A closed journal of `count` records in a fresh directory. */
export async function smallJournal(count: number, segmentBytes: number): Promise<string> {
  const dir = freshDirectory()
  const journal = openJournal({ dir, networkId, segmentBytes })
  for (let i = 0; i < count; i++) {
    journal.append(i & 0x7f, payload(i))
    if (i % 3 === 2) await journal.sync()
  }
  await journal.close()
  return dir
}

export function segmentFiles(dir: string, room: string = 'journal'): string[] {
  const names = readdirSync(join(dir, room)).sort((a, b) => (a < b ? -1 : 1))
  return names.map((name) => join(dir, room, name))
}

/** The files of a journal, to be put into other directories. */
export function contents(dir: string): Map<string, Uint8Array> {
  return new Map(segmentFiles(dir).map((path) => [path.slice(dir.length + 1), readFileSync(path)]))
}

export function restore(dir: string, files: ReadonlyMap<string, Uint8Array>): void {
  rmSync(join(dir, 'journal'), { recursive: true, force: true })
  mkdirSync(join(dir, 'journal'), { recursive: true })
  for (const [name, bytes] of files) writeFileSync(join(dir, name), bytes)
}

export function readAll(journal: Journal, maxBytes = 300): { kind: number; payload: Uint8Array }[] {
  const all: { kind: number; payload: Uint8Array }[] = []
  for (let at = 0; ;) {
    const { records, next } = journal.readFrom(at, maxBytes)
    for (const { kind, payload } of records) all.push({ kind, payload: Uint8Array.from(payload) })
    if (records.length === 0) return all
    at = next
  }
}

export function caught(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

/** The real files, with single operations replaced; `log` gets the names of what is called. */
export function observed(changes: Partial<Files> = {}, log: string[] = []): Files {
  const files = { ...nodeFiles, ...changes }
  const paths = new Map<number, string>()
  const nameOf = (fd: number): string => (paths.get(fd) ?? '').replace(/^.*\//, '')
  return {
    ...files,
    open(path, mode) {
      const fd = files.open(path, mode)
      paths.set(fd, path)
      if (mode !== 'read') log.push(`${mode} ${nameOf(fd)}`)
      return fd
    },
    write(fd, source, start, end, position) {
      log.push(`write ${nameOf(fd)} at ${position}`)
      return files.write(fd, source, start, end, position)
    },
    truncate(fd, size) {
      log.push(`truncate ${nameOf(fd)} to ${size}`)
      files.truncate(fd, size)
    },
    sync(fd) {
      log.push(`sync ${nameOf(fd)}`)
      files.sync(fd)
    },
    syncData(fd) {
      log.push(`syncData ${nameOf(fd)}`)
      return files.syncData(fd)
    },
    syncDirectory(directory) {
      log.push(`syncDirectory ${directory.replace(/^.*\//, '')}`)
      files.syncDirectory(directory)
    },
  }
}

export type Child = {
  readonly process: ChildProcess
  /** The next line of its output; null when it ended. */
  line(): Promise<string | null>
  /** Signal and what it wrote to the error output, once it is gone. */
  gone: Promise<{ code: number | null; signal: string | null; errors: string }>
}

export function startChild(script: string, ...args: string[]): Child {
  const path = join(import.meta.dirname, 'children', script)
  const child = spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  atEnd(() => child.kill('SIGKILL'))
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const gone = new Promise<{ code: number | null; signal: string | null; errors: string }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, errors }))
  })
  const line = async (): Promise<string | null> => {
    const result = await lines.next()
    return result.done === true ? null : result.value
  }
  return { process: child, line, gone }
}

/** Mounts a small file system for one test; null (and a loud note) where that is not allowed. */
export function mounted(...args: string[]): string | null {
  const dir = mkdtempSync(join(tmpdir(), 'hearsay-mount-'))
  const run = spawnSync('mount', [...args, dir], { encoding: 'utf8' })
  if (run.status !== 0) {
    rmSync(dir, { recursive: true, force: true })
    console.warn(
      `NOT TESTED ON A REAL FILE SYSTEM: mount ${args.join(' ')} failed: ${run.stderr}${run.error ?? ''}`,
    )
    return null
  }
  atEnd(() => {
    spawnSync('umount', [dir])
    rmSync(dir, { recursive: true, force: true })
  })
  return dir
}
