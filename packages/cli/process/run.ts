// Decides how a run of the command begins and ends: which file does what (loaded only when it is wanted, so that the command
// starts fast), how a fault is reported, and that everything printed has left the process before it exits.
import { existsSync, readFileSync } from 'node:fs'
import { type Actions, createProgram, EXIT, type Fault, faultOf } from '../src/index.ts'
import { createTerminal, flush, reportFault } from './terminal.ts'

const actions: Actions = {
  testnet: async (count, options) => (await import('./testnet.ts')).testnet(count, options),
  up: async (options) => (await import('./up.ts')).up(options),
  keygen: async (options) => (await import('./founding.ts')).keygen(options),
  token: async (options) => (await import('./tokens.ts')).token(options),
  genesisNew: async (options) => (await import('./founding.ts')).genesisNew(options),
  genesisShow: async (file, options) => (await import('./founding.ts')).genesisShow(file, options),
  genesisHash: async (file, options) => (await import('./founding.ts')).genesisHash(file, options),
  submit: async (texts, options) => (await import('./submit.ts')).submit(texts, options),
  log: async (options) => (await import('./reading.ts')).log(options),
  tail: async (options) => (await import('./reading.ts')).tail(options),
  status: async (options) => (await import('./reading.ts')).status(options),
  peers: async (options) => (await import('./network.ts')).peers(options),
  net: async (options) => (await import('./network.ts')).net(options),
  order: async (order, options) => (await import('./net-control.ts')).order(order, options),
  ps: async (options) => (await import('./net-control.ts')).ps(options),
  appTest: async (command, options) => (await import('./app-test.ts')).appTest(command, options),
  configShow: async (options) => (await import('./settings.ts')).configShow(options),
  completion: async (script) => (await import('./settings.ts')).completion(script),
  exportLog: async (options) => (await import('./settings.ts')).exportLog(options),
  evidence: async (options) => (await import('./evidence.ts')).evidence(options),
  exportEvidence: async (file, options) => (await import('./evidence.ts')).exportEvidence(file, options),
  verifyEvidence: async (file, options) => (await import('./evidence.ts')).verifyEvidenceFile(file, options),
  verify: async (dirs, options) => (await import('./proof.ts')).verify(dirs, options),
  transaction: async (name, options) => (await import('./transaction-proof.ts')).transaction(name, options),
  proof: async (name, options) => (await import('./transaction-proof.ts')).proof(name, options),
  verifyProof: async (file, options) =>
    (await import('./transaction-proof.ts')).verifyProofFile(file, options),
  replay: async (file, options) => (await import('./proof.ts')).replay(file, options),
  explain: async (name, options) => (await import('./explain.ts')).explain(name, options),
  explorer: async (path, options) => (await import('./explorer.ts')).explorer(path, options),
  graph: async (options) => (await import('./graph.ts')).graph(options),
  sim: async (options) => (await import('./sim.ts')).sim(options),
  theory: async (options) => (await import('./theory.ts')).theory(options),
  tune: async (options) => (await import('./tune.ts')).tune(options),
  epidemic: async (options) => (await import('./theory.ts')).epidemic(options),
}

/** That of the package: beside the sources, or one folder further up where it is built. */
function version(): string {
  const files = ['../package.json', '../../package.json'].map((path) => new URL(path, import.meta.url))
  const file = files.find((each) => existsSync(each))
  if (file === undefined) throw new Error('invariant: a package without package.json')
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

/** Runs the command to its end and exits. */
export async function run(argv: readonly string[]): Promise<void> {
  // Looked for by hand: what is wrong may be the arguments themselves.
  const isSet = (...names: readonly string[]): boolean => argv.some((argument) => names.includes(argument))
  const terminal = createTerminal({ json: isSet('--json'), verbose: isSet('-v', '--verbose') })
  let exitCode: number = EXIT.ok
  const report = (fault: Fault, error?: unknown): void => {
    exitCode = fault.exitCode
    reportFault(terminal, fault, error)
  }
  process.on('uncaughtException', (error) => {
    report(faultOf(error), error)
    process.exit(exitCode)
  })
  const program = createProgram(version(), actions, {
    out: (text) => void process.stdout.write(text),
    help: (text) => void process.stderr.write(text),
    usageFault: (text, command) => {
      const [message = '', ...more] = text
        .trim()
        .replace(/^error: /, '')
        .split('\n')
      const hint = [...more, `see: ${command} --help`].join('\n  ')
      report({ code: 'E_USAGE', message, hint, exitCode: EXIT.usage })
    },
  })
  try {
    await program.parseAsync(argv)
  } catch (error) {
    if (isFromParser(error)) {
      // Reported already. Help that was asked for is no error; help in place of a missing command is.
      if (error.exitCode !== 0) exitCode = EXIT.usage
    } else {
      report(faultOf(error), error)
    }
  }
  await flush()
  process.exit(exitCode)
}

function isFromParser(error: unknown): error is { code: string; exitCode: number } {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.')
}
