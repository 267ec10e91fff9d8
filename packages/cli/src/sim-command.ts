/** Decides what `hearsay sim` itself takes: how many worlds, of what kind, from which seed. */
import { FAULT_KINDS, type FaultKind } from '@hearsay/simulator/fault-kinds'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type CommonOptions, examples, withCommon } from './every-command.ts'
import { parseAmount, parseDuration, parseRunCount } from './parse.ts'

export interface SimOptions extends CommonOptions {
  readonly seed: number
  readonly runs: number
  /** From and to how many members. */
  readonly nodes: readonly [number, number]
  readonly faults: readonly FaultKind[]
  /** Milliseconds after which no new world begins. */
  readonly for?: number
  readonly storm?: number
  readonly shrink?: boolean
  readonly untilFailure?: boolean
  /** A case file. */
  readonly replay?: string
  readonly workers?: number
  readonly out: string
}

export interface SimActions {
  sim(options: SimOptions): Promise<void>
}

const MOST_MEMBERS = 32

function parseNodes(text: string): readonly [number, number] {
  const [, low, high] = /^(\d{1,2})(?:-(\d{1,2}))?$/.exec(text) ?? []
  const least = Number(low)
  const most = high === undefined ? least : Number(high)
  if (low === undefined || least < 1 || most < least || most > MOST_MEMBERS)
    throw new InvalidArgumentError(`A number of members or a range, like 4-10; at most ${MOST_MEMBERS}.`)
  return [least, most]
}

function parseKinds(text: string): readonly FaultKind[] {
  if (text === 'all') return FAULT_KINDS
  if (text === 'none') return []
  return text.split(',').map((name) => {
    const kind = FAULT_KINDS.find((each) => each === name)
    if (kind === undefined) throw new InvalidArgumentError(`all, none, or some of ${FAULT_KINDS.join(',')}.`)
    return kind
  })
}

export function addSim(program: Command, actions: SimActions): Command {
  return withCommon(program.command('sim'))
    .description(
      'Runs whole networks in virtual time, each from one seed, with faults and liars, and looks at every step whether what is promised holds.',
    )
    .addHelpText(
      'before',
      examples(
        'sim                       ten worlds',
        'sim --runs 1000 --nodes 4-10',
        'sim --seed 17 --runs 1 --faults crash,disk --shrink',
        'sim --replay sim-17.json',
      ),
    )
    .option('--seed <number>', 'the first seed', parseAmount, 1)
    .option('--runs <count>', 'how many seeds', parseRunCount, 10)
    .addOption(
      new Option('--nodes <range>', 'members of a network').argParser(parseNodes).default([4, 10], '4-10'),
    )
    .addOption(
      new Option('--faults <kinds>', `what may happen: all, none, or some of ${FAULT_KINDS.join(',')}`)
        .argParser(parseKinds)
        .default(FAULT_KINDS, 'all'),
    )
    .option('--for <time>', 'begin no new world after so long', parseDuration)
    .option(
      '--storm <time>',
      'how long faults go on in a world (default: 2 to 7 s, by the seed)',
      parseDuration,
    )
    .option('--shrink', 'make a failing case smaller before it is kept')
    .option('--until-failure', 'begin no new world after a violation')
    .option('--replay <file>', 'run one kept case again')
    .option('--workers <count>', 'processes (default: one for each processor)', parseRunCount)
    .option('--out <folder>', 'where failing cases are kept', '.')
    .action((options: SimOptions) => actions.sim(options))
}
