/** Decides what all commands have in common: their options and how their examples look. */
import type { Command } from 'commander'

/** What every command understands. */
export interface CommonOptions {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
}

export const examples = (...lines: readonly string[]): string =>
  `Examples:\n${lines.map((line) => `  hearsay ${line}\n`).join('')}`

export function withCommon(command: Command): Command {
  return command
    .option('--json', 'print JSON: one object, or one a line')
    .option('-q, --quiet', 'no narration on standard error')
    .option('-v, --verbose', 'more narration, and stacks with errors')
}
