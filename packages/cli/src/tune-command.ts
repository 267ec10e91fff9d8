/** Decides which figures `tune` is given, and its help. */
import type { Profile } from '@hearsay/node'
import { type Command, Option } from 'commander'
import { type CommonOptions, examples, withCommon } from './every-command.ts'
import { parseAmount, parseContacts, parseNetworkSize, parseShare } from './parse.ts'

export interface TuneOptions extends CommonOptions {
  readonly members: number
  /** Events a second that a member makes. */
  readonly rate: number
  /** Payload of an event. */
  readonly bytes: number
  /** One way, milliseconds. */
  readonly delay: number
  /** Of pushes. */
  readonly loss: number
  readonly profile?: Profile
}

export interface TuneActions {
  tune(options: TuneOptions): Promise<void>
}

/** Written down here, so that the command starts without loading the node. */
const NAMES = ['local', 'lan', 'wan'] as const satisfies readonly Profile[]

export function addTune(program: Command, actions: TuneActions): void {
  withCommon(program.command('tune'))
    .description('Predicts coverage, latency and bytes of a full mesh, for each profile of config.json.')
    .addHelpText(
      'before',
      examples('tune --members 16 --delay 0.5', 'tune --members 7 --delay 80 --loss 0.01 --profile wan'),
    )
    .option('--members <count>', 'how many', parseNetworkSize, 7)
    .option('--rate <number>', 'events a second that a member makes', parseContacts, 10)
    .option('--bytes <count>', 'payload of an event', parseAmount, 500)
    .option('--delay <ms>', 'from member to member, one way', parseContacts, 1)
    .option('--loss <share>', 'of pushes that do not arrive', parseShare, 0)
    .addOption(new Option('--profile <name>', 'only this one').choices(NAMES))
    .action((options: TuneOptions) => actions.tune(options))
}
