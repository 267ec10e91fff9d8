/** Decides which commands there are for evidence against members that have branched, their arguments and their help. */
import type { Command } from 'commander'
import { type CommonOptions, examples, withCommon } from './every-command.ts'
import type { NodeOptions } from './program.ts'
import type { VerifyProofOptions } from './proof-commands.ts'

export interface EvidenceActions {
  evidence(options: NodeOptions): Promise<void>
  exportEvidence(file: string, options: NodeOptions): Promise<void>
  verifyEvidence(file: string, options: VerifyProofOptions): Promise<void>
}

/** The options of the command above, and then its own. */
const merged = <T extends CommonOptions>(command: Command): T => command.optsWithGlobals()

export function addEvidence(
  program: Command,
  actions: EvidenceActions,
  withNode: (command: Command) => Command,
): void {
  const evidence = withNode(program.command('evidence'))
    .description('Prints what proves that members have branched: two signed headers each, as JSON.')
    .addHelpText('before', examples('evidence', 'evidence --node bob'))
    .action((options: NodeOptions) => actions.evidence(options))
  withNode(evidence.command('export'))
    .description('Writes all that a node holds to a file that anybody with the genesis can check.')
    .addHelpText(
      'before',
      examples('evidence export evidence.json', 'evidence export evidence.json --node bob'),
    )
    .argument('<file>', 'where to')
    .action((file: string, _: NodeOptions, command: Command) =>
      actions.exportEvidence(file, merged<NodeOptions>(command)),
    )
  withCommon(evidence.command('verify'))
    .description('Checks such a file offline, with nothing but the genesis.')
    .addHelpText('before', examples('evidence verify evidence.json --genesis ./ada/genesis.json'))
    .argument('<file>', 'the evidence, or - for standard input')
    .option('--genesis <file>', 'genesis of the network, from where you trust it', 'genesis.json')
    .action((file: string, _: VerifyProofOptions, command: Command) =>
      actions.verifyEvidence(file, merged<VerifyProofOptions>(command)),
    )
}
