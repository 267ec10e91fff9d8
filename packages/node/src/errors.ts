/** An error for the operator: what failed, what to do next, a stable code, the exit status of the command. */
export class OperatorError extends Error {
  readonly code: string
  readonly hint: string | undefined
  readonly exitCode: number

  constructor(code: string, message: string, exitCode: number, hint?: string, options?: { cause: unknown }) {
    super(message, options)
    this.name = 'OperatorError'
    this.code = code
    this.exitCode = exitCode
    this.hint = hint
  }
}

/**
 * The exit status of the command for each error of the rooms below that brings none itself: those of the disk and of the transport.
 * The command adds those of the system to it.
 */
export const EXIT_OF_CODE: Readonly<Record<string, number>> = {
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
