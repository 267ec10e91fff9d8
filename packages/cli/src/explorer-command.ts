/** Decides what `hearsay explorer` takes. */
import type { Command } from 'commander'
import { examples } from './every-command.ts'
import { parsePort } from './parse.ts'
import type { NodeOptions } from './program.ts'

export interface ExplorerOptions extends NodeOptions {
  readonly port?: number
  /** Only writes the file that the page opens. */
  readonly out?: string
}

export interface ExplorerActions {
  explorer(path: string | undefined, options: ExplorerOptions): Promise<void>
}

export function addExplorer(
  program: Command,
  actions: ExplorerActions,
  withNode: (command: Command) => Command,
): void {
  withNode(program.command('explorer'))
    .description(
      'Says where the page of a node is; or shows a file, a data directory or a case of the simulator in the page, without any node.',
    )
    .addHelpText(
      'before',
      examples(
        'explorer                       the page of the testnet that runs',
        'explorer .hearsay/testnet/ada  what a node has on disk',
        'explorer sim-17.json           what broke in a simulated world, at the step where it broke',
        'explorer ./ada --out ada.hsx   a file of signed events, to open anywhere',
      ),
    )
    .argument('[path]', 'data directory, file of events, interchange file, or case of the simulator')
    .option('--port <number>', 'where the page is served (default: any that is free)', parsePort)
    .option('--out <file>', 'write the file that the page opens, and serve nothing')
    .action((path: string | undefined, options: ExplorerOptions) => actions.explorer(path, options))
}
