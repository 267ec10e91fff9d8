// Decides what can go wrong with the disk and what is said about it: one class and one stable code for each cause that asks for
// a different reaction. Every message says what failed, where, and what to do next.

/** `code` is stable; programs branch on it, never on the text. */
export class DiskError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** Bytes that were written once are not there any more as they were written. Nothing was changed. */
export class JournalDamaged extends DiskError {
  readonly file: string
  /** Byte position in the file at which the damaged header or record begins. */
  readonly offset: number
  readonly reason: string

  constructor(file: string, offset: number, reason: string) {
    super(
      'E_JOURNAL_DAMAGED',
      `${file} is damaged at byte ${offset}: ${reason}. Nothing was changed. Keep the file as evidence and restore it from a ` +
        `back-up, or let this member join again from its peers; do not delete single segments`,
    )
    this.file = file
    this.offset = offset
    this.reason = reason
  }
}

/** Sound, but not ours: another network's files, or those of a later version. */
export class JournalForeign extends DiskError {
  readonly file: string

  constructor(file: string, reason: string) {
    super(
      'E_JOURNAL_FOREIGN',
      `${file} cannot be used: ${reason}. Check the data directory, the genesis file and the version of the program`,
    )
    this.file = file
  }
}

export class JournalMissing extends DiskError {
  readonly directory: string

  constructor(directory: string) {
    super('E_JOURNAL_MISSING', `${directory} holds no segment files. Check the data directory that was named`)
    this.directory = directory
  }
}

/** No space for what was to be written. Nothing is lost: what was buffered can be written later. */
export class DiskFull extends DiskError {
  readonly file: string
  /** Bytes that wait for space. */
  readonly bufferedBytes: number

  constructor(file: string, bufferedBytes: number, cause: unknown) {
    super(
      'E_DISK_FULL',
      `no space to write ${file} (${reasonOf(cause)}); ${bufferedBytes} bytes wait in memory. ` +
        `Free space on this file system or raise the quota; the next attempt continues where this one stopped`,
      { cause },
    )
    this.file = file
    this.bufferedBytes = bufferedBytes
  }
}

/** The caller appended more than it flushed. The record was not taken. */
export class BufferFull extends DiskError {
  constructor(directory: string, bufferedBytes: number, limitBytes: number) {
    super(
      'E_BUFFER_FULL',
      `${bufferedBytes} bytes for ${directory} wait in memory, the limit is ${limitBytes}. ` +
        `Take no more work until a flush has succeeded; if flushes fail with E_DISK_FULL, free space`,
    )
  }
}

/**
 * The system refused a file operation. If `fatal`, nothing more is written to these files by this process: after a failed fsync
 * the kernel may have dropped the pages and a second fsync that succeeds says nothing about them.
 */
export class JournalFailed extends DiskError {
  readonly file: string
  readonly fatal: boolean

  constructor(file: string, operation: string, fatal: boolean, cause: unknown) {
    const next = fatal
      ? 'What was not acknowledged may be lost. Check the disk (free space, kernel log), then start again: start-up keeps all that is sound'
      : 'It can be tried again'
    super('E_JOURNAL_FAILED', `${operation} of ${file} failed (${reasonOf(cause)}). ${next}`, { cause })
    this.file = file
    this.fatal = fatal
  }
}

export class JournalClosed extends DiskError {
  constructor(directory: string) {
    super('E_JOURNAL_CLOSED', `the files in ${directory} are closed already. Open them again`)
  }
}

export class DirectoryLocked extends DiskError {
  readonly directory: string
  /** As the holder wrote it down; null if it could not be read. */
  readonly holderPid: number | null

  constructor(directory: string, holderPid: number | null) {
    const holder = holderPid === null ? 'another process' : `process ${holderPid}`
    super(
      'E_DIR_LOCKED',
      `the data directory ${directory} is in use by ${holder}. ` +
        `Stop that process or name another directory; two nodes with one key would contradict each other`,
    )
    this.directory = directory
    this.holderPid = holderPid
  }
}

export class KeyPermissions extends DiskError {
  readonly file: string

  constructor(file: string, found: string) {
    super(
      'E_KEY_PERMISSIONS',
      `the private file ${file} ${found}. Nobody but its owner may have access: chmod 600 ${file}`,
    )
    this.file = file
  }
}

/** Whether the system says that there is no room: file system, quota, or the limit of a file's size. */
export function isNoSpace(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
}

export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

function reasonOf(cause: unknown): string {
  return systemCode(cause) ?? (cause instanceof Error ? cause.message : String(cause))
}
