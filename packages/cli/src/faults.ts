/**
 * Decides what the command says when it cannot do what it was asked, and with which status it exits. Every fault has a stable
 * code, says what failed and where, and what to do next.
 */

import { EXIT_OF_CODE } from '@hearsay/node/errors'

/** The statuses that the command exits with. */
export const EXIT = {
  ok: 0,
  /** A bug: nothing of the below. */
  unexpected: 1,
  usage: 2,
  /** What was verified is not so, or nodes disagree. */
  notVerified: 3,
  /** Not final before `--timeout`. */
  notFinal: 4,
  /** No node within reach, or the nodes within reach are too few. */
  noQuorum: 5,
  rejected: 6,
  corrupt: 65,
  /** A port or a directory is in use, no space, a runtime too old. */
  unavailable: 69,
  permissions: 77,
  badConfig: 78,
  interrupted: 130,
} as const

/** What is told on standard error. */
export interface Fault {
  readonly code: string
  /** What failed: which file, port or peer. */
  readonly message: string
  /** What to do next. */
  readonly hint?: string
  readonly exitCode: number
}

/** A fault on its way to whoever reports it. */
export class CommandError extends Error {
  readonly fault: Fault

  constructor(fault: Fault, options?: ErrorOptions) {
    super(fault.message, options)
    this.name = 'CommandError'
    this.fault = fault
  }
}

export const usageError = (message: string, hint?: string): CommandError =>
  new CommandError({
    code: 'E_USAGE',
    message,
    exitCode: EXIT.usage,
    ...(hint === undefined ? {} : { hint }),
  })

/** Statuses for what the system says; those of the node's own errors are in its package. */
const EXIT_OF_SYSTEM: Readonly<Record<string, number>> = {
  EACCES: EXIT.permissions,
  EPERM: EXIT.permissions,
  EROFS: EXIT.permissions,
  ENOSPC: EXIT.unavailable,
  EDQUOT: EXIT.unavailable,
  EMFILE: EXIT.unavailable,
  ENOENT: EXIT.usage,
  ENOTDIR: EXIT.usage,
  EISDIR: EXIT.usage,
  EEXIST: EXIT.usage,
}

const HINT_OF_SYSTEM: Readonly<Record<string, string>> = {
  EACCES: 'look at who owns it and its mode, or run as the user it belongs to',
  EPERM: 'look at who owns it and its mode, or run as the user it belongs to',
  ENOENT: 'check the path',
  ENOTDIR: 'check the path',
  EISDIR: 'name a file',
  ENOSPC: 'free space on this file system',
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** What to tell about anything that was thrown. */
export function faultOf(error: unknown): Fault {
  if (error instanceof CommandError) return error.fault
  if (!(error instanceof Error)) return unexpected(String(error))
  const { code, hint, exitCode, next } = error as {
    code?: unknown
    hint?: unknown
    exitCode?: unknown
    next?: unknown
  }
  const name = textOf(code)
  if (name === undefined) return unexpected(error.message)
  const status = typeof exitCode === 'number' ? exitCode : (EXIT_OF_CODE[name] ?? EXIT_OF_SYSTEM[name])
  if (status === undefined) return unexpected(error.message)
  const advice = textOf(hint) ?? textOf(next) ?? HINT_OF_SYSTEM[name]
  return {
    code: name.startsWith('E_') ? name : `E_SYSTEM_${name.slice(1)}`,
    // Some errors begin their message with their code, which is printed anyway.
    message: error.message.startsWith(`${name}: `) ? error.message.slice(name.length + 2) : error.message,
    exitCode: status,
    ...(advice === undefined ? {} : { hint: advice }),
  }
}

function unexpected(message: string): Fault {
  return {
    code: 'E_UNEXPECTED',
    message,
    hint: 'this is a fault of Hearsay itself: run it again with --verbose for the stack, and report it with that',
    exitCode: EXIT.unexpected,
  }
}
