/** Decides how an application in another process is put to the test, and what the report of that looks like. */
import type { Command } from 'commander'
import { type CommonOptions, examples, withCommon } from './every-command.ts'
import { parseEventCount } from './parse.ts'

export interface AppTestOptions extends CommonOptions {
  readonly transactions: number
  /** A file: each line of it a transaction that the application understands. */
  readonly lines?: string
}

export interface AppTestActions {
  appTest(command: string, options: AppTestOptions): Promise<void>
}

export interface AppTestFinding {
  readonly name: string
  readonly verdict: 'ok' | 'failed' | 'skipped'
  /** What was seen, or why not. */
  readonly detail: string
}

export function addAppTest(program: Command, actions: AppTestActions): void {
  withCommon(program.command('app-test'))
    .description(
      'Puts an application in another process to the test: determinism, crashes, restarts, snapshots, odd input.',
    )
    .addHelpText(
      'before',
      examples('app-test "python3 counter.py"', 'app-test ./my-app --lines examples.txt --json'),
    )
    .argument('<command>', 'starts the application; it keeps its state in the folder HEARSAY_APP_DIR')
    .option('--transactions <count>', 'how many', parseEventCount, 200)
    .option('--lines <file>', 'transactions that the application understands, one a line')
    .action((command: string, options: AppTestOptions) => actions.appTest(command, options))
}
