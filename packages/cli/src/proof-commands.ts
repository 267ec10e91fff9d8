/** Decides which commands there are for one transaction and its proof, their arguments and their help. */
import type { Command } from 'commander'
import { type CommonOptions, examples, withCommon } from './every-command.ts'
import type { NodeOptions } from './program.ts'

export interface ProofOptions extends NodeOptions {
  /** Standard output if it is not there. */
  readonly out?: string
}

export interface VerifyProofOptions extends CommonOptions {
  readonly genesis: string
}

export interface ProofActions {
  transaction(name: string, options: NodeOptions): Promise<void>
  proof(name: string, options: ProofOptions): Promise<void>
  verifyProof(file: string, options: VerifyProofOptions): Promise<void>
}

export function addTransactionProofs(
  program: Command,
  actions: ProofActions,
  withNode: (command: Command) => Command,
): void {
  withNode(program.command('tx'))
    .description('Prints what has become of one transaction.')
    .addHelpText('before', examples('tx 97', 'tx 5c1e…08 --node bob'))
    .argument('<name>', 'its position, or the id of a sealed one')
    .action((name: string, options: NodeOptions) => actions.transaction(name, options))
  withNode(program.command('proof'))
    .description('Fetches a portable proof of the transaction at a position, or that there is none yet.')
    .addHelpText('before', examples('proof 97 --out 97.json', 'proof 5c1e…08'))
    .argument('<name>', 'its position, or the id of a sealed one')
    .option('--out <file>', 'where to write it (default: standard output)')
    .action((name: string, options: ProofOptions) => actions.proof(name, options))
  withCommon(program.command('verify-proof'))
    .description('Checks a portable proof offline, with nothing but the genesis.')
    .addHelpText('before', examples('verify-proof 97.json --genesis ./ada/genesis.json'))
    .argument('<file>', 'the proof, or - for standard input')
    .option('--genesis <file>', 'genesis of the network, from where you trust it', 'genesis.json')
    .action((file: string, options: VerifyProofOptions) => actions.verifyProof(file, options))
}
