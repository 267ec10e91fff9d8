// Decides what an application in another process must bear to be fit for a network: it is run as a node would run it, killed in the
// middle, given the same transactions in other portions, snapshots of another one, and bytes that make no sense.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AppliedJson } from '@hearsay/node'
import { type ApplicationChannel, openApplication } from '@hearsay/node/process'
import { type AppTestFinding, type AppTestOptions, CommandError, createDraw, EXIT } from '../src/index.ts'
import { createTerminal } from './terminal.ts'

type Fields = Readonly<Record<string, unknown>>

class Unfit extends Error {}

interface Run {
  readonly channel: ApplicationChannel
  readonly dir: string
}

/** Text, numbers, nothing, and bytes that are no text; what an application makes of it is its own business. */
function transactionsOf(count: number, lines: readonly string[]): readonly AppliedJson[] {
  const draw = createDraw(1)
  return Array.from({ length: count }, (_, i) => {
    const usual = lines.length > 0 ? lines[i % lines.length]! : `key${Math.floor(draw() * 20)}=${i}`
    const bytes =
      i % 17 === 16
        ? Buffer.from([0xff, 0xfe, i % 256])
        : Buffer.from(i % 23 === 22 ? '' : i % 5 === 4 ? String(i) : usual)
    const text = i % 17 === 16 ? null : bytes.toString('utf8')
    return {
      position: i,
      timestamp: 1_700_000_000_000_000 + i,
      creator: 'ada',
      text,
      hex: bytes.toString('hex'),
    }
  })
}

async function ask(run: Run, question: Parameters<ApplicationChannel['ask']>[0]): Promise<Fields> {
  const answered = await run.channel.ask(question)
  if (answered === undefined) throw new Unfit(`it does not know ${Object.keys(question)[0]}`)
  return answered
}

const hello = (run: Run): Promise<Fields> =>
  ask(run, { hello: { protocol: 1, networkId: '00'.repeat(32), name: 'ada' } })

/** Applies from..to in portions of so many; gives the last hash and all results. */
async function apply(
  run: Run,
  all: readonly AppliedJson[],
  from: number,
  to: number,
  portion: number,
): Promise<{ readonly hash: unknown; readonly results: readonly unknown[] }> {
  const results: unknown[] = []
  let hash: unknown
  for (let at = from; at < to; at += portion) {
    const transactions = all.slice(at, Math.min(to, at + portion))
    const answered = await ask(run, {
      apply: { round: at + 1, from: at, cursor: at + transactions.length, transactions },
    })
    if (!Array.isArray(answered['results']) || answered['results'].length !== transactions.length)
      throw new Unfit(`apply: ${transactions.length} results are wanted, in a list`)
    results.push(...(answered['results'] as unknown[]))
    hash = answered['hash']
  }
  if (typeof hash !== 'string')
    throw new Unfit('apply: it gives no hash of its state, so nodes cannot be compared')
  return { hash, results }
}

const same = (one: unknown, other: unknown, what: string): void => {
  if (JSON.stringify(one) !== JSON.stringify(other))
    throw new Unfit(
      `${what}: ${JSON.stringify(one)?.slice(0, 100)} and ${JSON.stringify(other)?.slice(0, 100)}`,
    )
}

export async function appTest(command: string, options: AppTestOptions): Promise<void> {
  const terminal = createTerminal(options)
  const lines =
    options.lines === undefined
      ? []
      : readFileSync(options.lines, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
  const all = transactionsOf(options.transactions, lines)
  const half = Math.floor(all.length / 2)
  const folder = mkdtempSync(join(tmpdir(), 'hearsay-app-test-'))
  const running: Run[] = []
  const findings: AppTestFinding[] = []

  async function open(dir = mkdtempSync(join(folder, 'state-'))): Promise<Run> {
    const channel = await openApplication({ command, dir, onLine: (line) => terminal.detail(line) })
    const run: Run = { channel, dir }
    running.push(run)
    return run
  }
  async function crash({ channel, dir }: Run): Promise<Run> {
    if (channel.pid === undefined) throw new Error('nothing to kill')
    process.kill(-channel.pid, 'SIGKILL')
    await channel.ended
    return open(dir)
  }

  let reference: Awaited<ReturnType<typeof apply>> | undefined
  const expected = (): NonNullable<typeof reference> => {
    if (reference === undefined) throw new Unfit('the first run has failed already')
    return reference
  }
  const checks: readonly (readonly [string, () => Promise<string>])[] = [
    [
      'a new state stands at 0',
      async () => {
        const { cursor } = await hello(await open())
        if (cursor !== 0)
          throw new Unfit(`hello: cursor ${JSON.stringify(cursor)} in an empty HEARSAY_APP_DIR`)
        return 'cursor 0'
      },
    ],
    [
      'transactions are applied, odd ones too',
      async () => {
        const run = await open()
        await hello(run)
        reference = await apply(run, all, 0, all.length, 7)
        same((await hello(run))['cursor'], all.length, 'cursor after all')
        return `${all.length} transactions, hash ${String(reference.hash).slice(0, 16)}`
      },
    ],
    [
      'the same again gives the same, in other portions too',
      async () => {
        const run = await open()
        await hello(run)
        const again = await apply(run, all, 0, all.length, 1)
        same(again.hash, expected().hash, 'hashes')
        same(again.results, expected().results, 'results')
        return 'equal'
      },
    ],
    [
      'killed in the middle it goes on where it stood',
      async () => {
        let run = await open()
        await hello(run)
        await apply(run, all, 0, half, 7)
        run = await crash(run)
        const { cursor } = await hello(run)
        if (cursor !== 0 && cursor !== half)
          throw new Unfit(`after ${half} it stands at ${JSON.stringify(cursor)}`)
        same((await apply(run, all, cursor, all.length, 7)).hash, expected().hash, 'hashes')
        return cursor === half ? `went on at ${half}` : 'keeps nothing: it began at 0 again'
      },
    ],
    [
      'killed while it applies, nothing is done twice or left out',
      async () => {
        let run = await open()
        const { cursor: first } = await hello(run)
        let at = Number(first)
        for (let round = 0; round < 5; round++) {
          const to = Math.min(all.length, at + Math.ceil(all.length / 5))
          const under = apply(run, all, at, to, Math.max(1, to - at)).catch(() => undefined)
          await new Promise((resolve) => setTimeout(resolve, round))
          run = await crash(run)
          await under
          const { cursor } = await hello(run)
          if (cursor !== 0 && cursor !== at && cursor !== to)
            throw new Unfit(`between ${at} and ${to} it stands at ${JSON.stringify(cursor)}`)
          at = cursor as number
        }
        if (at < all.length) same((await apply(run, all, at, all.length, 7)).hash, expected().hash, 'hashes')
        else same((await hello(run))['hash'], expected().hash, 'hashes')
        return 'equal'
      },
    ],
    [
      'a question changes nothing',
      async () => {
        const run = await open()
        await hello(run)
        const { hash } = await apply(run, all, 0, half, 7)
        const first = all[0]!
        await run.channel.ask({ check: { text: first.text, hex: first.hex } })
        const query = await run.channel.ask({ query: { path: 'nothing', hex: '' } })
        same((await hello(run))['hash'] ?? hash, hash, 'hashes')
        return query === undefined ? 'answers no queries' : 'equal'
      },
    ],
    [
      'a snapshot is the state, in another process too',
      async () => {
        const run = await open()
        await hello(run)
        await apply(run, all, 0, half, 7)
        const taken = await run.channel.ask({ snapshot: {} })
        if (taken === undefined) return ''
        same(taken['cursor'], half, 'cursor of the snapshot')
        const other = await open()
        await hello(other)
        const restored = await ask(other, { restore: { cursor: half, hex: String(taken['hex']) } })
        same(restored['cursor'], half, 'cursor after restoring')
        same((await apply(other, all, half, all.length, 7)).hash, expected().hash, 'hashes')
        return 'equal'
      },
    ],
  ]
  try {
    for (const [name, check] of checks) {
      let finding: AppTestFinding
      try {
        const detail = await check()
        finding =
          detail === ''
            ? { name, verdict: 'skipped', detail: 'it knows no snapshots' }
            : { name, verdict: 'ok', detail }
      } catch (error) {
        finding = { name, verdict: 'failed', detail: error instanceof Error ? error.message : String(error) }
      }
      findings.push(finding)
      const { good, bad, dim } = terminal.paint
      const sign = { ok: good('✔'), failed: bad('✖'), skipped: dim('-') }[finding.verdict]
      await terminal.out(
        terminal.isJson ? JSON.stringify(finding) : `${sign} ${name}  ${dim(finding.detail)}`,
      )
    }
  } finally {
    for (const { channel } of running) channel.end()
    await Promise.all(running.map(({ channel }) => channel.ended))
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  const failed = findings.filter(({ verdict }) => verdict === 'failed')
  if (failed.length === 0) return
  throw new CommandError({
    code: 'E_APP_UNFIT',
    message: `${failed.length} of ${findings.length} checks have failed`,
    hint: 'what is asked and answered: packages/node/README.md, "Applications in other processes"',
    exitCode: EXIT.notVerified,
  })
}
