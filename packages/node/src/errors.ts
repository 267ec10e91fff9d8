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
