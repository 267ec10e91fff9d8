/**
 * Decides which commands there are, what arguments they take and what their help says. What a command does is handed in: the
 * program only calls it with arguments that are understood.
 */
import { Argument, Command, Option } from 'commander'
import { addAppTest, type AppTestActions } from './app-test-command.ts'
import { type CommonOptions, examples, withCommon } from './every-command.ts'
import { addExplorer, type ExplorerActions } from './explorer-command.ts'
import {
  type Address,
  type EventName,
  type From,
  parseAddress,
  parseDuration,
  parseEventCount,
  parseEventName,
  parseFrom,
  parseLimit,
  parseMemberCount,
  parsePort,
  parsePosition,
  parseRound,
  parseTransactionCount,
} from './parse.ts'
import { addFounding, type FoundingActions } from './founding-commands.ts'
import { addSettings, type SettingsActions } from './settings-commands.ts'
import { addNet, type NetActions } from './net-commands.ts'
import { type DelayArgument, parseDelay, parseLoss } from './net-orders.ts'
import { addEvidence, type EvidenceActions } from './evidence-commands.ts'
import { addTransactionProofs, type ProofActions } from './proof-commands.ts'
import { addSim, type SimActions } from './sim-command.ts'
import { addTune, type TuneActions } from './tune-command.ts'
import { addTheory, type TheoryActions } from './theory-commands.ts'

export interface TestnetOptions extends CommonOptions {
  readonly dir: string
  readonly port?: number
  readonly fresh?: boolean
  /** Ends when so many transactions are final everywhere. */
  readonly exitAfter?: number
  /** Of every link, each way. */
  readonly latency?: DelayArgument
  readonly loss?: number
  /** For every node. */
  readonly app?: string
}

export interface UpOptions extends CommonOptions {
  readonly dir: string
  readonly api?: Address
  readonly gossip?: Address
  readonly allowHost?: readonly string[]
  readonly allowOrigin?: readonly string[]
  readonly replayAll?: boolean
  /** An application in another process: a command, `unix:/path` or `tcp:host:port`. */
  readonly app?: string
  /** Ends when the process that started it does. */
  readonly withParent?: boolean
}

/** How a command finds the node that it talks to. */
export interface NodeOptions extends CommonOptions {
  readonly api?: Address
  readonly node?: string
  readonly token?: string
  /** Folder of the testnet whose nodes are meant. */
  readonly dir: string
}

export interface SubmitOptions extends NodeOptions {
  readonly file?: string
  readonly hex?: boolean
  readonly wait: boolean
  /** Milliseconds. */
  readonly timeout: number
}

export interface LogOptions extends NodeOptions {
  readonly from?: From
  readonly limit?: number
}

export interface StatusOptions extends NodeOptions {
  readonly all?: boolean
}

/** Where the events are that are to be explained or drawn. */
export interface GraphSource {
  /** DAG interchange file, `-` for standard input. */
  readonly file?: string
  /** Data directory, or the folder of a testnet: its first node. */
  readonly dir?: string
}

export interface ExplainOptions extends CommonOptions, GraphSource {
  readonly position?: number
}

export type GraphFormat = 'svg' | 'dot' | 'mermaid'

export interface GraphOptions extends CommonOptions, GraphSource {
  readonly format: GraphFormat
  readonly fromRound?: number
  readonly toRound?: number
  /** At most so many events, the newest. */
  readonly last?: number
  /** Standard output if it is not there. */
  readonly out?: string
}

export interface Actions
  extends
    TheoryActions,
    SimActions,
    ProofActions,
    NetActions,
    ExplorerActions,
    AppTestActions,
    EvidenceActions,
    TuneActions,
    FoundingActions,
    SettingsActions {
  testnet(count: number | undefined, options: TestnetOptions): Promise<void>
  up(options: UpOptions): Promise<void>
  submit(texts: readonly string[], options: SubmitOptions): Promise<void>
  log(options: LogOptions): Promise<void>
  tail(options: LogOptions): Promise<void>
  status(options: StatusOptions): Promise<void>
  peers(options: NodeOptions): Promise<void>
  verify(dirs: readonly string[], options: CommonOptions): Promise<void>
  replay(file: string, options: CommonOptions): Promise<void>
  explain(name: EventName | undefined, options: ExplainOptions): Promise<void>
  graph(options: GraphOptions): Promise<void>
}

/** Where the words of the program itself go. */
export interface ProgramOutput {
  readonly out: (text: string) => void
  /** Help that nobody asked for: in place of a command that is missing. */
  readonly help: (text: string) => void
  /** An error in the arguments, of the command with that name. */
  readonly usageFault: (message: string, command: string) => void
}

export const TESTNET_DIR = '.hearsay/testnet'

export function createProgram(version: string, actions: Actions, output: ProgramOutput): Command {
  const program = new Command('hearsay')
    .description('A hashgraph node: several members, one order, provable from their signed events.')
    .version(version, '-V, --version')
    .exitOverride()
    // `sim` and what is under it have options of the same names.
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .helpCommand('help [command]', 'help for a command')
    .addHelpText(
      'before',
      examples('testnet          four nodes on this machine', 'submit "hello"   from another terminal'),
    )
  addTestnet(program, actions)
  addUp(program, actions)
  addFounding(program, actions)
  addSubmit(program, actions)
  addReading(program, actions)
  addNet(program, actions, withNode)
  addProof(program, actions)
  addTransactionProofs(program, actions, withNode)
  addReasons(program, actions)
  addExplorer(program, actions, withNode)
  addAppTest(program, actions)
  addTheory(addSim(program, actions), actions)
  addTune(program, actions)
  addSettings(program, actions, withNode)
  eachCommand(program, (command) => {
    command.configureOutput({
      writeOut: output.out,
      writeErr: output.help,
      outputError: (text) => output.usageFault(text, nameOf(command)),
    })
    command.exitOverride()
  })
  return program
}

function eachCommand(command: Command, visit: (command: Command) => void): void {
  visit(command)
  for (const child of command.commands) eachCommand(child, visit)
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`
}

function withNode(command: Command): Command {
  return withCommon(command)
    .option('--api <host:port>', 'API of the node to talk to (or HEARSAY_API)', parseAddress)
    .option(
      '--token <text>',
      'for an API that asks for one (or HEARSAY_TOKEN, or a file: HEARSAY_TOKEN_FILE)',
    )
    .option('--node <name>', 'node of the testnet to talk to (default: the first that answers)')
    .option('--dir <folder>', 'folder of the testnet', TESTNET_DIR)
}

function addTestnet(program: Command, actions: Actions): void {
  withCommon(program.command('testnet'))
    .description('Runs several nodes on this machine until Ctrl-C. Its ledger is kept and continued.')
    .addHelpText('before', examples('testnet', 'testnet 7 --fresh', 'testnet --dir /tmp/net --port 9000'))
    .addArgument(
      new Argument('[n]', 'number of nodes (default: as last time, or 4)').argParser(parseMemberCount),
    )
    .option('--dir <folder>', 'where its keys and ledgers are', TESTNET_DIR)
    .option('--port <number>', 'first API port; gossip ports are 100 above', parsePort)
    .option('--fresh', 'wipe the testnet in that folder first')
    .option('--latency <time>', 'every link delays by this, each way, like 40ms±10', parseDelay)
    .option('--app <command>', APP)
    .option('--loss <share>', 'of what passes a link so much is lost and sent again, like 1%', parseLoss)
    .addOption(
      new Option('--exit-after <count>', 'end when so many transactions are final').argParser(
        parseTransactionCount,
      ),
    )
    .action((count: number | undefined, options: TestnetOptions) => actions.testnet(count, options))
}

const APP = 'an application: a command that is started, unix:/path or tcp:host:port'

const collectHost = (host: string, previous: readonly string[]): readonly string[] => [...previous, host]

function addUp(program: Command, actions: Actions): void {
  withCommon(program.command('up'))
    .description('Runs one node with its API in the foreground.')
    .addHelpText('before', examples('up --dir ./ada', 'up --dir ./ada --api 127.0.0.1:9000'))
    .requiredOption('--dir <folder>', 'data directory: genesis.json, config.json, key')
    .option('--api <host:port>', 'where the API listens, in place of what config.json says', parseAddress)
    .option('--gossip <host:port>', 'where gossip listens, in place of what config.json says', parseAddress)
    .option('--allow-host <name>', 'a further host name for the API; may be repeated', collectHost, [])
    .option('--allow-origin <origin>', 'whose pages may use the API; may be repeated', collectHost, [])
    .option('--app <command>', APP)
    .option('--replay-all', 'replay the whole journal, as if there were no snapshot')
    .addOption(new Option('--with-parent').hideHelp())
    .action((options: UpOptions) => actions.up(options))
}

function addSubmit(program: Command, actions: Actions): void {
  withNode(program.command('submit'))
    .description(
      'Submits transactions and waits until they are final. Each text is one; so is each line of a file.',
    )
    .addHelpText(
      'before',
      examples(
        'submit "hello"',
        'submit --file orders.txt --node bob',
        'submit - < orders.txt',
        'submit --hex 00ff',
      ),
    )
    .argument('[text...]', 'texts, or - for the lines of standard input')
    .option('--file <file>', 'submit each line of a file, empty ones too')
    .option('--hex', 'texts and lines are hexadecimal digits')
    .option('--no-wait', 'do not wait until they are final')
    .addOption(
      new Option('--timeout <time>', 'how long to wait for the next one to become final')
        .argParser(parseDuration)
        .default(10_000, '10s'),
    )
    .action((texts: string[], options: SubmitOptions) => actions.submit(texts, options))
}

function addReading(program: Command, actions: Actions): void {
  withNode(program.command('log'))
    .description('Prints the ordered transactions.')
    .addHelpText(
      'before',
      examples('log', 'log --from 97 --limit 10 --json', 'log --from round:13 --node bob'),
    )
    .option('--from <position>', 'first position, or round:N', parseFrom)
    .option('--limit <number>', 'at most so many', parseLimit)
    .action((options: LogOptions) => actions.log(options))
  withNode(program.command('tail'))
    .description('Prints transactions as they become final, until Ctrl-C.')
    .addHelpText('before', examples('tail', 'tail --from 0 --json'))
    .option('--from <position>', 'first position, or round:N (default: what comes from now on)', parseFrom)
    .action((options: LogOptions) => actions.tail(options))
  withNode(program.command('status'))
    .description('Prints how a node is.')
    .addHelpText('before', examples('status', 'status --all'))
    .option('--all', 'all nodes of the testnet, as a table')
    .action((options: StatusOptions) => actions.status(options))
  withNode(program.command('peers'))
    .description('Prints the other members as a node sees them: alive or not, round trip, traffic by kind.')
    .addHelpText('before', examples('peers', 'peers --node bob --json'))
    .action((options: NodeOptions) => actions.peers(options))
  addEvidence(program, actions, withNode)
}

function addProof(program: Command, actions: Actions): void {
  withCommon(program.command('verify'))
    .description('Derives the order again from the signed events of data directories, and compares them.')
    .addHelpText('before', examples('verify .hearsay/testnet', 'verify ./ada ./bob'))
    .argument('<dir...>', 'data directories, or the folder of a testnet')
    .action((dirs: string[], options: CommonOptions) => actions.verify(dirs, options))
  withCommon(program.command('replay'))
    .description('Orders the events of a DAG interchange file and prints the decided rounds as JSON.')
    .addHelpText('before', examples('replay dag.json', 'replay - < dag.json'))
    .argument('<file>', 'the file, or - for standard input')
    .action((file: string, options: CommonOptions) => actions.replay(file, options))
}

function withGraph(command: Command): Command {
  return withCommon(command)
    .option('--dir <folder>', `data directory, or folder of a testnet (default: "${TESTNET_DIR}")`)
    .option('--file <file>', 'DAG interchange file in place of a directory, or - for standard input')
}

function addReasons(program: Command, actions: Actions): void {
  withGraph(program.command('explain'))
    .description(
      'Says why an event stands where it stands: its round, the votes on it, when the judges knew it.',
    )
    .addHelpText(
      'before',
      examples(
        'explain 7795…4f',
        'explain --dir ./ada --position 0',
        'explain 62346bda --file dag.json --json',
      ),
    )
    .addArgument(new Argument('[id]', 'its id or the beginning of it').argParser(parseEventName))
    .option('--position <number>', 'the event of the transaction at that position', parsePosition)
    .action((name: EventName | undefined, options: ExplainOptions) => actions.explain(name, options))
  withGraph(program.command('graph'))
    .description('Draws who heard what from whom: lanes are members, time runs upwards, colours are rounds.')
    .addHelpText(
      'before',
      examples(
        'graph --out events.svg',
        'graph --dir ./ada --last 100 --format mermaid',
        'graph --file dag.json --from-round 3 --to-round 5 --format dot | dot -Tpng > events.png',
      ),
    )
    .addOption(new Option('--format <name>', 'how').choices(['svg', 'dot', 'mermaid']).default('svg'))
    .option('--from-round <number>', 'only events of this round and later ones', parseRound)
    .option('--to-round <number>', 'only events of this round and earlier ones', parseRound)
    .option(
      '--last <count>',
      'at most so many, the newest (default: 500 if no rounds are named)',
      parseEventCount,
    )
    .option('--out <file>', 'where to write it (default: standard output)')
    .action((options: GraphOptions) => actions.graph(options))
}
