// Decides that a data directory has one process at a time. The lock is an exclusive transaction on a small SQLite file, because
// that is the one exclusive lock that Node brings on all platforms and that the system itself releases when the process dies.
//
// Nothing else in the same process may open the lock file: POSIX releases a file's locks when any of its descriptors is closed.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type * as Sqlite from 'node:sqlite'
import { DirectoryLocked } from './errors.ts'
import { nodeFiles } from './files.ts'

export type DirectoryLock = { release(): void }

const sqliteBusy = 5

/** Makes the directory if need be. Throws DirectoryLocked if a living process holds it. */
export function lockDirectory(dir: string): DirectoryLock {
  const directory = resolve(dir)
  nodeFiles.makeDirectory(directory)
  const pidFile = join(directory, 'lock.pid')
  const { DatabaseSync } = loadSqlite()
  const database = new DatabaseSync(join(directory, 'lock.db'), { timeout: 0 })
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (!isBusy(error)) throw error
    throw new DirectoryLocked(directory, readPid(pidFile))
  }
  writeFileSync(pidFile, `${process.pid}\n`)
  let held = true
  return {
    release() {
      if (!held) return
      held = false
      // While the lock is still ours: afterwards it might be another holder's file.
      rmSync(pidFile, { force: true })
      database.close()
    },
  }
}

/** Only a hint for the operator: a killed holder leaves its file behind until the next one writes its own. */
function readPid(pidFile: string): number | null {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8').trim())
    return Number.isSafeInteger(pid) && pid > 0 ? pid : null
  } catch {
    return null
  }
}

function isBusy(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error)) return false
  return typeof error.errcode === 'number' && (error.errcode & 0xff) === sqliteBusy
}

/**
 * Node 22 announces on first use that its SQLite is experimental. What is used of it here (open, exec, close) is the same in all
 * versions, so this one warning is dropped, and only while the module loads.
 */
function loadSqlite(): typeof Sqlite {
  const emit = process.emitWarning
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    if (String(warning).includes('SQLite is an experimental feature')) return
    Reflect.apply(emit, process, [warning, ...rest])
  }
  try {
    return process.getBuiltinModule('node:sqlite')
  } finally {
    process.emitWarning = emit
  }
}
