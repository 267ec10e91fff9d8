/** Decides which commands act on a running testnet, their arguments and their help. */
import { Argument, type Command } from 'commander'
import { type CommonOptions, examples, withCommon } from './every-command.ts'
import {
  type DelayArgument,
  type NetOrder,
  parseCut,
  parseDelay,
  parseLink,
  parseLoss,
  parseNames,
} from './net-orders.ts'
import { parseDuration } from './parse.ts'
import { type NodeOptions, TESTNET_DIR } from './program.ts'

export interface NetOptions extends CommonOptions {
  /** Folder of the testnet. */
  readonly dir: string
}

export interface NetActions {
  net(options: NodeOptions): Promise<void>
  ps(options: NetOptions): Promise<void>
  order(order: NetOrder, options: NetOptions): Promise<void>
}

interface TimedOptions extends NetOptions {
  /** Milliseconds. */
  readonly for?: number
}

const timed = ({ for: forMs }: TimedOptions): { readonly forMs?: number } =>
  forMs === undefined ? {} : { forMs }

export function addNet(program: Command, actions: NetActions, withNode: (command: Command) => Command): void {
  const net = withNode(program.command('net'))
    .description(
      'Prints the network in a few numbers that liars of less than a third cannot move; its commands act on a testnet.',
    )
    .addHelpText(
      'before',
      examples('net', 'net ps', 'net cut ada,bob --for 10s', 'net kill eve', 'net heal', 'net down'),
    )
    .action((options: NodeOptions) => actions.net(options))
  const add = (name: string, description: string, ...lines: readonly string[]): Command =>
    withCommon(net.command(name))
      .description(description)
      .addHelpText('before', examples(...lines.map((line) => `net ${line}`)))
      .option('--dir <folder>', 'folder of the testnet', TESTNET_DIR)
  const addTimed = (...all: Parameters<typeof add>): Command =>
    add(...all).option('--for <time>', 'take it back after so long', parseDuration)
  const nodes = new Argument('<nodes>', 'their names').argParser(parseNames)
  const where = new Argument('<link or value>', 'a link like ada→bob, or what follows if it is for all links')

  add('ps', 'Prints the nodes of the testnet and what is wrong with its links.', 'ps', 'ps --json').action(
    (options: NetOptions) => actions.ps(options),
  )
  addTimed('cut', 'Parts nodes from all others, or one link.', 'cut ada,bob', 'cut ada→bob --for 10s')
    .addArgument(new Argument('<who>', 'nodes like ada,bob, or a link like ada→bob').argParser(parseCut))
    .action((who: ReturnType<typeof parseCut>, options: TimedOptions) =>
      actions.order({ do: 'cut', ...who, ...timed(options) }, options),
    )
  add('heal', 'Makes all links as they should be.', 'heal').action((options: NetOptions) =>
    actions.order({ do: 'heal' }, options),
  )
  addTimed('kill', 'Kills nodes at once (SIGKILL).', 'kill eve', 'kill ada,bob --for 5s')
    .addArgument(nodes)
    .action((names: readonly string[], options: TimedOptions) =>
      actions.order({ do: 'kill', nodes: names, ...timed(options) }, options),
    )
  add('start', 'Starts nodes that do not run, and lets paused ones go on.', 'start eve')
    .addArgument(nodes)
    .action((names: readonly string[], options: NetOptions) =>
      actions.order({ do: 'start', nodes: names }, options),
    )
  addTimed('pause', 'Stops nodes in the middle of whatever they do (SIGSTOP).', 'pause eve --for 10s')
    .addArgument(nodes)
    .action((names: readonly string[], options: TimedOptions) =>
      actions.order({ do: 'pause', nodes: names, ...timed(options) }, options),
    )
  addTimed('delay', 'Delays what passes a link, each way.', 'delay ada→bob 200ms', 'delay 40ms±10 --for 1m')
    .addArgument(where)
    .addArgument(new Argument('[time]', 'like 200ms or 40ms±10'))
    .action((first: string, second: string | undefined, options: TimedOptions) => {
      const { link, value } = linkAndValue<DelayArgument>(first, second, parseDelay)
      return actions.order({ do: 'delay', ...link, ...value, ...timed(options) }, options)
    })
  addTimed(
    'drop',
    'Loses a share of what passes a link; it is sent again, as by TCP.',
    'drop 5%',
    'drop ada→bob 20%',
  )
    .addArgument(where)
    .addArgument(new Argument('[share]', 'like 5%'))
    .action((first: string, second: string | undefined, options: TimedOptions) => {
      const { link, value } = linkAndValue(first, second, parseLoss)
      return actions.order({ do: 'drop', ...link, share: value, ...timed(options) }, options)
    })
  add(
    'fork',
    'Makes a node contradict itself: its key runs twice, and the others keep the proof.',
    'fork dan',
  )
    .argument('<node>', 'its name')
    .action((name: string, options: NetOptions) => actions.order({ do: 'fork', node: name }, options))
  add('down', 'Stops the testnet; its ledger is kept.', 'down').action((options: NetOptions) =>
    actions.order({ do: 'down' }, options),
  )
}

/** `ada→bob 200ms`, or `200ms` for all links. */
function linkAndValue<T>(
  first: string,
  second: string | undefined,
  parse: (text: string) => T,
): { readonly link: { readonly link?: readonly [string, string] }; readonly value: T } {
  const link = second === undefined ? undefined : parseLink(first)
  if (second !== undefined && link === undefined) return { link: {}, value: parse(`${first} ${second}`) }
  return { link: link === undefined ? {} : { link }, value: parse(second ?? first) }
}
