import { expect, test } from 'vitest'
import { type Actions, createProgram } from '../../packages/cli/src/index.ts'

interface Outcome {
  /** Name and arguments of the command that was called. */
  readonly called: readonly unknown[] | undefined
  readonly faults: readonly string[]
  readonly printed: string
}

async function given(...argv: readonly string[]): Promise<Outcome> {
  let called: unknown[] | undefined
  const faults: string[] = []
  let printed = ''
  const actions = new Proxy({} as Actions, {
    get:
      (_, name) =>
      (...rest: unknown[]) => {
        called = [name, ...rest]
        return Promise.resolve()
      },
  })
  const program = createProgram('1.2.3', actions, {
    out: (text) => (printed += text),
    help: (text) => (printed += text),
    usageFault: (message, command) => faults.push(`${command}: ${message.trim()}`),
  })
  try {
    await program.parseAsync(['node', 'hearsay', ...argv])
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('commander.')))
      throw error
  }
  return { called, faults, printed }
}

const submitDefaults = { dir: '.hearsay/testnet', wait: true, timeout: 10_000 }

test.each([
  [['testnet'], ['testnet', undefined, { dir: '.hearsay/testnet' }]],
  [
    ['testnet', '7', '--fresh', '--port', '9000', '--dir', 'd', '--exit-after', '20tx', '--json'],
    ['testnet', 7, { dir: 'd', fresh: true, port: 9000, exitAfter: 20, json: true }],
  ],
  [
    ['up', '--dir', 'd', '--api', '9000', '--allow-host', 'a', '--allow-host', 'b', '-v'],
    [
      'up',
      {
        dir: 'd',
        api: { host: '127.0.0.1', port: 9000 },
        allowHost: ['a', 'b'],
        allowOrigin: [],
        verbose: true,
      },
    ],
  ],
  [
    ['keygen', '--out', 'k'],
    ['keygen', { out: 'k' }],
  ],
  [
    ['genesis', 'hash'],
    ['genesisHash', 'genesis.json', {}],
  ],
  [
    ['genesis', 'show', 'g', '--json'],
    ['genesisShow', 'g', { json: true }],
  ],
  [
    ['submit', 'a', 'b', '-q'],
    ['submit', ['a', 'b'], { ...submitDefaults, quiet: true }],
  ],
  [
    ['submit', '-'],
    ['submit', ['-'], submitDefaults],
  ],
  [
    ['submit', '--', '--json'],
    ['submit', ['--json'], submitDefaults],
  ],
  [
    ['submit', '--file', 'f', '--no-wait', '--timeout', '2m', '--node', 'bob', '--hex'],
    ['submit', [], { ...submitDefaults, file: 'f', wait: false, timeout: 120_000, node: 'bob', hex: true }],
  ],
  [
    ['log', '--from', '3', '--limit', '0'],
    ['log', { dir: '.hearsay/testnet', from: '3', limit: 0 }],
  ],
  [
    ['tail', '--from', 'round:3'],
    ['tail', { dir: '.hearsay/testnet', from: 'round:3' }],
  ],
  [
    ['status', '--all'],
    ['status', { dir: '.hearsay/testnet', all: true }],
  ],
  [
    ['verify', 'a', 'b'],
    ['verify', ['a', 'b'], {}],
  ],
  [
    ['replay', '-'],
    ['replay', '-', {}],
  ],
  [
    ['explain', '77A5'],
    ['explain', { text: '77A5', begin: '77a5', end: '' }, {}],
  ],
  [
    ['explain', '7795…4f.0', '--file', '-', '--json'],
    ['explain', { text: '7795…4f.0', begin: '7795', end: '4f' }, { file: '-', json: true }],
  ],
  [
    ['explain', '--dir', 'd', '--position', '0'],
    ['explain', undefined, { dir: 'd', position: 0 }],
  ],
  [['graph'], ['graph', { format: 'svg' }]],
  [
    ['graph', '--file', 'f', '--format', 'dot', '--from-round', '3', '--to-round', '5', '--out', 'o'],
    ['graph', { file: 'f', format: 'dot', fromRound: 3, toRound: 5, out: 'o' }],
  ],
  [
    ['graph', '--dir', 'd', '--last', '9', '--format', 'mermaid'],
    ['graph', { dir: 'd', last: 9, format: 'mermaid' }],
  ],
])('%j', async (argv, expected) => {
  const { called, faults } = await given(...argv)
  expect(faults).toEqual([])
  // The parser hands itself over as the last argument, which the program keeps to itself.
  expect(called).toEqual(expected)
})

test.each([
  [['tesnet'], /unknown command 'tesnet'\n\(Did you mean testnet\?\)/],
  [['status', '--al'], /unknown option '--al'\n\(Did you mean --all\?\)/],
  [['testnet', '17'], /from 1 to 16/],
  [['testnet', '4', '5'], /too many arguments/],
  [['testnet', '--port', '0'], /port number/],
  [['up'], /required option '--dir/],
  [['keygen'], /required option '--out/],
  [['keygen', '--out', 'k', '--from-seed', 'zz'], /64 hexadecimal/],
  [['genesis', 'new', '--member', 'ada'], /NAME:PUBLICKEY/],
  [['genesis', 'nwe'], /unknown command 'nwe'/],
  [['submit', 'x', '--timeout', 'soon'], /span of time/],
  [['submit', 'x', '--api', 'nowhere'], /address like/],
  [['log', '--limit', '-1'], /from 0 on/],
  [['log', 'x'], /too many arguments/],
  [['verify'], /missing required argument 'dir'/],
  [['replay'], /missing required argument 'file'/],
  [['graph', '--format', 'gif'], /Allowed choices are svg, dot, mermaid/],
  [['graph', '--last', '0'], /from 1 on/],
  [['graph', '--from-round', '0'], /A round from 1 on/],
  [['explain', 'x'], /hexadecimal digits/],
  [['explain', '7', '--position', '-1'], /from 0 on/],
])('%j is refused', async (argv, message) => {
  const { called, faults } = await given(...argv)
  expect(called).toBe(undefined)
  expect(faults).toHaveLength(1)
  expect(faults[0]).toMatch(message)
})

const nothing = (): void => undefined

/** Names of all commands, with the ones above them. */
function allCommands(): readonly (readonly string[])[] {
  const program = createProgram('1.2.3', {} as Actions, { out: nothing, help: nothing, usageFault: nothing })
  const found: string[][] = []
  const visit = (command: typeof program, path: readonly string[]): void => {
    for (const each of command.commands) {
      found.push([...path, each.name()])
      visit(each, [...path, each.name()])
    }
  }
  visit(program, [])
  return found
}

test('help has examples first', async () => {
  expect((await given('--help')).printed).toMatch(/^Examples:\n {2}hearsay testnet/)
  expect((await given('--version')).printed).toBe('1.2.3\n')
  expect(allCommands().length).toBeGreaterThan(30)
})

test.each(allCommands().map((path) => [path.join(' '), path] as const))(
  'hearsay %s: the first lines of its help are examples, which it understands',
  async (name, path) => {
    const { printed } = await given(...path, '--help')
    expect(printed).toMatch(new RegExp(`^Examples:\n {2}hearsay ${name}`))
    const [examples = ''] = printed.split('\n\n')
    for (const line of examples.split('\n').slice(1)) {
      // Up to a comment, a pipe or a file.
      const [text = ''] = line.trim().split(/ {2,}| [|<>] /)
      const words = [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!)
      const { faults } = await given(
        ...words
          .slice(1)
          .map((word) => (/^(\w+:)PUBLICKEY/.test(word) ? word.replace('PUBLICKEY', 'a'.repeat(64)) : word)),
      )
      expect(faults, line).toEqual([])
    }
  },
)
