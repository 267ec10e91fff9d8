// The disk: what a member keeps, and how it finds out whether it still has it.
export {
  BufferFull,
  DirectoryLocked,
  DiskError,
  DiskFull,
  JournalClosed,
  JournalDamaged,
  JournalFailed,
  JournalForeign,
  JournalMissing,
  KeyPermissions,
  systemCode,
} from './errors.ts'
export { type Files, nodeFiles, type OpenMode, readFully } from './files.ts'
export {
  defaultMaxBufferedBytes,
  defaultSegmentBytes,
  type Journal,
  type JournalOptions,
  openJournal,
  type Recovered,
  type Verified,
  verifyJournal,
  type TornTail,
} from './journal.ts'
export {
  type BlockPlace,
  type LedgerFile,
  type LedgerFileOptions,
  openLedgerFile,
  verifyLedgerFile,
} from './ledger-file.ts'
export type { Range } from './scan.ts'
export { type DirectoryLock, lockDirectory } from './lock.ts'
export type { ReadResult, StoredRecord } from './reader.ts'
export type { OnRecord } from './segments.ts'
export { readPrivateFile, writeFileDurable } from './small-files.ts'
