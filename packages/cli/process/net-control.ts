// Decides how `hearsay net …` reaches the testnet that runs in a folder, and what it prints.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  CommandError,
  type ControlFile,
  EXIT,
  formatAddress,
  type NetOptions,
  type NetOrder,
  type NetState,
  table,
} from '../src/index.ts'
import { testnetNodes } from './find-node.ts'
import { CONTROL_FILE } from './testnet-control.ts'
import { createTerminal, type Terminal } from './terminal.ts'

const notRunning = (dir: string, cause: unknown): CommandError =>
  new CommandError(
    {
      code: 'E_NOT_RUNNING',
      message: `the testnet in ${dir} does not run`,
      hint: 'start it with: hearsay testnet   or name another folder: --dir FOLDER',
      exitCode: EXIT.noQuorum,
    },
    { cause },
  )

function readControl(dir: string): ControlFile {
  testnetNodes(dir)
  try {
    return JSON.parse(readFileSync(join(dir, CONTROL_FILE), 'utf8')) as ControlFile
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw notRunning(dir, error)
    throw error
  }
}

async function call(dir: string, body?: NetOrder): Promise<NetState> {
  const { url, token } = readControl(dir)
  const asked = fetch(url, {
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  })
  const answer = await asked.catch((error: unknown) => {
    throw notRunning(dir, error)
  })
  const json: unknown = await answer.json()
  if (answer.ok) return json as NetState
  const { code, detail } = json as { code: string; detail: string }
  throw new CommandError({
    code,
    message: detail,
    hint: 'see: hearsay net ps',
    exitCode: answer.status === 400 ? EXIT.usage : EXIT.unavailable,
  })
}

function show(terminal: Terminal, { nodes, links }: NetState): Promise<void> {
  const rows = nodes.map(({ name, state, pid, api, gossip }) => [
    name,
    state,
    pid === null ? '-' : String(pid),
    formatAddress(api),
    formatAddress(gossip),
  ])
  const faulty = links.flatMap(({ link, state, delayMs, jitterMs, lossShare }) => {
    const faults = [
      ...(state === 'open' ? [] : [state]),
      ...(delayMs + jitterMs === 0
        ? []
        : [`${delayMs}${jitterMs === 0 ? '' : ` to ${delayMs + jitterMs}`} ms`]),
      ...(lossShare === 0 ? [] : [`${Number((100 * lossShare).toFixed(4))} % lost`]),
    ]
    return faults.length === 0 ? [] : [`${link.join('→')}  ${faults.join(', ')}`]
  })
  return terminal.out(
    [table([['node', 'state', 'pid', 'api', 'gossip'], ...rows], [2]), ...faulty].join('\n'),
  )
}

export async function ps({ dir, ...options }: NetOptions): Promise<void> {
  const terminal = createTerminal(options)
  const state = await call(dir)
  return terminal.isJson ? terminal.out(JSON.stringify(state)) : show(terminal, state)
}

export async function order(wanted: NetOrder, { dir, ...options }: NetOptions): Promise<void> {
  const terminal = createTerminal(options)
  const state = await call(dir, wanted)
  if (terminal.isJson) return terminal.out(JSON.stringify(state))
  return wanted.do === 'down' ? terminal.say('the testnet is stopping') : show(terminal, state)
}
