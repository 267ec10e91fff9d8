/** Decides which commands there are under `sim` for theory, their arguments and their help. */
import type { EpidemicModel } from '@hearsay/simulator'
import { type Command, Option } from 'commander'
import { type CommonOptions, examples, withCommon } from './every-command.ts'
import {
  parseAmount,
  parseContacts,
  parseFanout,
  parseNetworkSize,
  parseRunCount,
  parseShare,
} from './parse.ts'

export interface TheoryOptions extends CommonOptions {
  readonly seed: number
  /** Small runs, as in the test suite. */
  readonly small?: boolean
  /** Ids of checks; all if there are none. */
  readonly only: readonly string[]
  /** Folder for the page of plots. */
  readonly plots?: string
}

export interface EpidemicOptions extends CommonOptions {
  readonly model: EpidemicModel
  readonly members: number
  readonly fanout: number
  readonly loss: number
  readonly contacts: number
  readonly runs: number
  readonly seed: number
  /** SVG file. */
  readonly out?: string
}

export interface TheoryActions {
  theory(options: TheoryOptions): void | Promise<void>
  epidemic(options: EpidemicOptions): void | Promise<void>
}

/** Written down here, so that the command starts without loading the simulator. */
const MODELS = ['push', 'pull', 'push-pull', 'once', 'sir', 'sis'] as const satisfies readonly EpidemicModel[]

const collect = (text: string, previous: readonly string[]): readonly string[] => [...previous, text]

export function addTheory(sim: Command, actions: TheoryActions): void {
  withCommon(sim.command('theory'))
    .description('Measures what theory says of gossip in closed form, and whether it holds.')
    .addHelpText(
      'before',
      examples(
        'sim theory --small',
        'sim theory --only E1 --only E20 --seed 7',
        'sim theory --plots ./plots',
      ),
    )
    .option('--seed <number>', 'the seed of all that is random', parseAmount, 1)
    .option('--small', 'small runs with wider tolerances, in seconds')
    .option('--only <id>', 'only this check; may be repeated', collect, [])
    .option('--plots <folder>', 'write theory.html with all figures and plots there')
    .action((options: TheoryOptions) => actions.theory(options))
  withCommon(sim.command('epidemic'))
    .description('Simulates one epidemic many times, beside what theory says of it.')
    .addHelpText(
      'before',
      examples(
        'sim epidemic --members 1000 --loss 0.1',
        'sim epidemic --model once --fanout 4',
        'sim epidemic --model sir --contacts 2 --out sir.svg',
      ),
    )
    .addOption(
      new Option('--model <name>', 'rumours in rounds, told once by everybody, or with recovery')
        .choices(MODELS)
        .default('push'),
    )
    .option('--members <count>', 'how many', parseNetworkSize, 1_000)
    .option('--fanout <count>', 'partners of a member', parseFanout, 1)
    .option('--loss <share>', 'of contacts that fail, from 0 to below 1', parseShare, 0)
    .option('--contacts <number>', 'sir, sis: contacts until recovery', parseContacts, 2)
    .option('--runs <count>', 'how many', parseRunCount, 100)
    .option('--seed <number>', 'the seed of all that is random', parseAmount, 1)
    .option('--out <file>', 'write the plot there as SVG')
    .action((options: EpidemicOptions) => actions.epidemic(options))
}
