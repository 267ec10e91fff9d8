/** Which exit status goes with which error of the rooms below. */
import { DiskError } from '../disk/index.ts'
import { OperatorError } from '../src/errors.ts'

/** Exit codes of what can go wrong below; 1 for what is not listed. */
const EXIT_CODES: Readonly<Record<string, number>> = {
  E_JOURNAL_DAMAGED: 65,
  E_JOURNAL_FOREIGN: 78,
  E_JOURNAL_MISSING: 78,
  E_DIR_LOCKED: 69,
  E_KEY_PERMISSIONS: 77,
  E_DISK_FULL: 69,
  E_BUFFER_FULL: 69,
  E_PORT_IN_USE: 69,
  E_LISTEN_DENIED: 77,
  E_ADDRESS_NOT_AVAILABLE: 78,
  E_BAD_ROSTER: 78,
}

/** What the disk and the transport say, with the exit status that goes with it; anything else as it is. */
export function asOperatorError(error: unknown): Error {
  if (error instanceof OperatorError || !(error instanceof Error)) return error as Error
  const code = (error as { code?: unknown }).code
  if (typeof code !== 'string' || (!(error instanceof DiskError) && !(code in EXIT_CODES))) return error
  return new OperatorError(code, error.message, EXIT_CODES[code] ?? 1, undefined, { cause: error })
}
