/**
 * What was pruned from a data directory: `pruned-<number>.json` says with which segments journal and ledger begin. It is written
 * durably before a segment goes, so a segment that is missing without it is damage. The greatest number counts.
 */
import { join } from 'node:path'
import { type Files, readFully } from '../disk/index.ts'

export interface Pruned {
  /** Number of the first segment that is there. */
  readonly journal: number
  readonly ledger: number
}

const NOTHING: Pruned = { journal: 1, ledger: 1 }
const NAME = /^pruned-(\d{6})\.json$/
const nameOf = (number: number): string => `pruned-${String(number).padStart(6, '0')}.json`

const numbers = (dir: string, files: Files): number[] =>
  files
    .list(dir)
    .flatMap((name) => {
      const digits = NAME.exec(name)?.[1]
      return digits === undefined ? [] : [Number(digits)]
    })
    .sort((a, b) => b - a)

function parse(text: string): Pruned | undefined {
  try {
    const { journal, ledger, end } = JSON.parse(text) as Record<string, unknown>
    if (!Number.isSafeInteger(journal) || !Number.isSafeInteger(ledger) || end !== true) return undefined
    return { journal: journal as number, ledger: ledger as number }
  } catch {
    // A crash while it was written: nothing was removed on the strength of it.
    return undefined
  }
}

export function readPruned(dir: string, files: Files): Pruned {
  for (const number of numbers(dir, files)) {
    const path = join(dir, nameOf(number))
    const fd = files.open(path, 'read')
    try {
      const bytes = new Uint8Array(files.size(fd))
      const found = readFully(files, fd, path, bytes, bytes.length, 0)
        ? parse(new TextDecoder().decode(bytes))
        : undefined
      if (found !== undefined) return found
    } finally {
      files.close(fd)
    }
  }
  return NOTHING
}
