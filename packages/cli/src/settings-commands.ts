/** Decides which commands show settings, complete what is typed, and write the ordered log for other programs. */
import { Argument, type Command, Option } from 'commander'
import { completionScript, type Shell, SHELLS } from './completion.ts'
import { type CommonOptions, examples, withCommon } from './every-command.ts'
import { type From, parseFrom, parseLimit } from './parse.ts'
import type { NodeOptions } from './program.ts'

export interface ConfigOptions extends CommonOptions {
  readonly dir: string
}

export type ExportFormat = 'ndjson' | 'csv'

export interface ExportOptions extends NodeOptions {
  readonly format: ExportFormat
  readonly from?: From
  readonly limit?: number
  /** Standard output if it is not there. */
  readonly out?: string
}

export interface SettingsActions {
  configShow(options: ConfigOptions): Promise<void>
  /** The script, for a shell to read. */
  completion(script: string): Promise<void>
  exportLog(options: ExportOptions): Promise<void>
}

export function addSettings(
  program: Command,
  actions: SettingsActions,
  withNode: (command: Command) => Command,
): void {
  withNode(program.command('export'))
    .description(
      'Writes the ordered transactions for other programs: NDJSON, or CSV with a first line of names.',
    )
    .addHelpText(
      'before',
      examples('export --out log.ndjson', 'export --format csv --from 97 --limit 1000 > log.csv'),
    )
    .addOption(new Option('--format <name>', 'how').choices(['ndjson', 'csv']).default('ndjson'))
    .option('--from <position>', 'first position, or round:N', parseFrom)
    .option('--limit <number>', 'at most so many', parseLimit)
    .option('--out <file>', 'where to write it (default: standard output)')
    .action((options: ExportOptions) => actions.exportLog(options))
  const config = program
    .command('config')
    .description('Shows settings.')
    .addHelpText('before', examples('config show --dir ./ada'))
  withCommon(config.command('show'))
    .description(
      'Prints the settings that hold for a node and for the command, each with where it comes from.',
    )
    .addHelpText('before', examples('config show --dir ./ada', 'config show --dir ./ada --json'))
    .option('--dir <folder>', 'data directory of the node', '.')
    .action((options: ConfigOptions) => actions.configShow(options))
  program
    .command('completion')
    .description('Prints a script that completes the command in a shell.')
    .addHelpText(
      'before',
      examples(
        'completion bash > ~/.local/share/bash-completion/completions/hearsay',
        'completion zsh > ~/.hearsay-completion',
        'completion fish > ~/.config/fish/completions/hearsay.fish',
      ),
    )
    .addArgument(new Argument('<shell>', 'which').choices(SHELLS))
    .action((shell: Shell) => actions.completion(completionScript(program, shell)))
}
