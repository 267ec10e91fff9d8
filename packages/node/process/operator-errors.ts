/** Which exit status goes with which error of the rooms below. */
import { DiskError } from '../disk/index.ts'
import { EXIT_OF_CODE, OperatorError } from '../src/errors.ts'

/** What the disk and the transport say, with the exit status that goes with it; anything else as it is. */
export function asOperatorError(error: unknown): Error {
  if (error instanceof OperatorError || !(error instanceof Error)) return error as Error
  const code = (error as { code?: unknown }).code
  if (typeof code !== 'string' || (!(error instanceof DiskError) && !(code in EXIT_OF_CODE))) return error
  return new OperatorError(code, error.message, EXIT_OF_CODE[code] ?? 1, undefined, { cause: error })
}
