/** Decides which commands make keys, tokens and the list of founders, their arguments and their help. */
import { type Command, Option } from 'commander'
import { type CommonOptions, examples, withCommon } from './every-command.ts'
import { collectMember, type MemberArgument, parseSeed } from './parse.ts'

export interface KeygenOptions extends CommonOptions {
  readonly out: string
  readonly fromSeed?: string
}

export interface TokenOptions extends CommonOptions {
  readonly dir: string
  readonly name: string
  readonly role: 'read' | 'submit' | 'admin'
}

export interface GenesisNewOptions extends CommonOptions {
  readonly member: readonly MemberArgument[]
  readonly out: string
}

export interface FoundingActions {
  keygen(options: KeygenOptions): Promise<void>
  token(options: TokenOptions): Promise<void>
  genesisNew(options: GenesisNewOptions): Promise<void>
  genesisShow(file: string, options: CommonOptions): Promise<void>
  genesisHash(file: string, options: CommonOptions): Promise<void>
}

export function addFounding(program: Command, actions: FoundingActions): void {
  withCommon(program.command('keygen'))
    .description("Makes a member's secret key and prints its public key.")
    .addHelpText('before', examples('keygen --out ./ada/key'))
    .requiredOption('--out <file>', 'where to write the secret key; it must not exist')
    .option('--from-seed <hex>', 'a given key instead of a random one; for tests only', parseSeed)
    .action((options: KeygenOptions) => actions.keygen(options))
  withCommon(program.command('token'))
    .description('Makes a token for the API of a node, and prints it once. With one, everybody needs one.')
    .addHelpText(
      'before',
      examples('token --dir ./ada --name grafana --role read', 'token --dir ./ada --name shop --role submit'),
    )
    .requiredOption('--dir <folder>', 'data directory of the node')
    .requiredOption('--name <name>', 'whom it is for')
    .addOption(
      new Option('--role <role>', 'what it allows')
        .choices(['read', 'submit', 'admin'])
        .makeOptionMandatory(),
    )
    .action((options: TokenOptions) => actions.token(options))
  const genesis = program
    .command('genesis')
    .description('Makes and shows the list of founders that all share.')
    .addHelpText(
      'before',
      examples('genesis new --member ada:PUBLICKEY --out genesis.json', 'genesis hash ada/genesis.json'),
    )
  withCommon(genesis.command('new'))
    .description('Writes a genesis of the given members. Its hash is the id of the network.')
    .addHelpText(
      'before',
      examples('genesis new --member ada:PUBLICKEY --member bob:PUBLICKEY:2 --out genesis.json'),
    )
    .addOption(
      new Option('--member <name:publickey[:weight]>', 'a member; repeat it for each, in order of their ids')
        .argParser(collectMember)
        .default([])
        .makeOptionMandatory(),
    )
    .requiredOption('--out <file>', 'where to write it; it must not exist')
    .action((options: GenesisNewOptions) => actions.genesisNew(options))
  withCommon(genesis.command('show'))
    .description('Prints the members of a genesis.')
    .addHelpText('before', examples('genesis show ada/genesis.json --json'))
    .argument('[file]', 'the genesis', 'genesis.json')
    .action((file: string, options: CommonOptions) => actions.genesisShow(file, options))
  withCommon(genesis.command('hash'))
    .description('Prints the id of the network.')
    .addHelpText('before', examples('genesis hash ada/genesis.json'))
    .argument('[file]', 'the genesis', 'genesis.json')
    .action((file: string, options: CommonOptions) => actions.genesisHash(file, options))
}
