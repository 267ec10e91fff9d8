/**
 * Real nodes on bad disks, four processes.
 *
 *  flips  one bit is turned in a random file of a node that is down: its journal, ledger, index, snapshots, certificates, key, genesis.
 *         It then either comes to the same order as its peers, or does not start, or stops, with a message that names the file.
 *         Its settings (config.json) are left out: a turned bit can make other settings of them, and nobody could tell.
 *  full   a node lives on a file system of a few MiB that fills up under load. The others go on; when there is space again it goes on
 *         by itself, to the same ledger, and `hearsay verify` finds nothing. Needs root, for the mount; says so where it is left out.
 *
 *   node scripts/bad-disks.ts [flips|full ...] [--flips 60] [--seed 1]
 *
 * Prints one JSON line each; exit status 1 if anything else happened.
 */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import type { StatusJson } from '../packages/node/src/index.ts'
import { growSmallDisk, mountSmallDisk } from '../test/chaos/nemesis.ts'
import { run, start, until } from '../test/network/command.ts'
import { startNetwork, type Network } from '../test/network/network.ts'
import { seeded } from '../test/seeded.ts'

const { values, positionals } = parseArgs({
  options: { flips: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
  allowPositionals: true,
})
const parts = positionals.length === 0 ? ['flips', 'full'] : positionals
const seed = Number(values.seed)
const chance = seeded(seed)
const VICTIM = 'ada'
const OTHERS = ['bob', 'cat', 'dan']

const filesUnder = (dir: string): string[] =>
  readdirSync(dir, { withFileTypes: true }).flatMap((each) => {
    const path = join(dir, each.name)
    return each.isDirectory() ? filesUnder(path) : [path]
  })

async function load(network: Network, names: readonly string[], count: number, size = 100): Promise<void> {
  for (let i = 0; i < count; i += names.length)
    await Promise.all(
      names.map(async (name, at) =>
        network.submit(name, `${i + at} ${'x'.repeat(Math.floor(chance() * size))}`),
      ),
    )
}

/** Whether this node is active and as far as another, by the same hash. */
async function isEqual(network: Network): Promise<boolean> {
  const [own, other] = await Promise.all(
    [VICTIM, 'bob'].map(async (name) => network.status(name).catch(() => undefined)),
  )
  return own?.state === 'active' && own.ledgerHash === other?.ledgerHash && own.round === other.round
}

async function flips(): Promise<boolean> {
  const network = await startNetwork()
  const violations: string[] = []
  const outcomes = new Map<string, number>()
  try {
    await load(network, [VICTIM, ...OTHERS], 400)
    const home = join(network.dir, 'net', VICTIM)
    await network.killNode(VICTIM)
    const kept = `${home}.kept`
    cpSync(home, kept, { recursive: true })
    for (let i = 0; i < Number(values.flips); i++) {
      rmSync(home, { recursive: true })
      cpSync(kept, home, { recursive: true })
      await load(network, OTHERS, 3)
      const path = pick(home)
      const name = relative(home, path)
      const bytes = readFileSync(path)
      const bit = Math.floor(chance() * bytes.length * 8)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      writeFileSync(path, bytes)
      const outcome = await goesOn(network, home, name)
      const key = `${name.replace(/\d{3,}/g, 'N')}: ${outcome.kind}`
      outcomes.set(key, (outcomes.get(key) ?? 0) + 1)
      if (outcome.kind === 'violation') violations.push(`${name}, bit ${bit}: ${outcome.text}`)
    }
  } finally {
    await network.dispose()
  }
  console.log(
    JSON.stringify({
      part: 'flips',
      seed,
      flips: Number(values.flips),
      outcomes: Object.fromEntries(outcomes),
      violations,
    }),
  )
  return violations.length === 0
}

/** Every kind of file as often as any other, whatever its size. */
function pick(home: string): string {
  const files = filesUnder(home).filter((path) => statSync(path).size > 0 && basename(path) !== 'config.json')
  const kinds = Map.groupBy(files, (path) => relative(home, path).replace(/\d+/g, 'N'))
  const of = [...kinds.values()][Math.floor(chance() * kinds.size)]!
  return of[Math.floor(chance() * of.length)]!
}

async function goesOn(network: Network, home: string, name: string): Promise<{ kind: string; text: string }> {
  const up = start(['up', '--dir', home])
  let equal = false
  try {
    await until(
      'it is as far as the others, or ends',
      async () => up.child.exitCode !== null || (equal = await isEqual(network)),
      60_000,
    )
  } catch (error) {
    return { kind: 'violation', text: `${(error as Error).message}: ${up.err()}` }
  } finally {
    if (up.child.exitCode === null) up.child.kill('SIGKILL')
  }
  const { code, err } = await up.ended
  if (equal) return { kind: 'same order as its peers', text: '' }
  // A folder is named where the whole of it does not fit together.
  const isNamed = err.includes(basename(name)) || err.includes(name.split('/')[0]!)
  return isNamed && code !== 0
    ? { kind: `halts with ${code} and names it`, text: '' }
    : { kind: 'violation', text: `ends with ${code} and names no file: ${err}` }
}

async function full(): Promise<boolean> {
  const network = await startNetwork()
  const home = join(network.dir, 'net', VICTIM)
  let unmount: (() => void) | undefined
  const violations: string[] = []
  const figures: Record<string, number> = {}
  const expectSoon = async (what: string, holds: () => Promise<boolean>): Promise<void> =>
    until(what, holds, 120_000).catch((error: unknown) => void violations.push((error as Error).message))
  const status = async (): Promise<StatusJson> => network.status(VICTIM)
  try {
    await network.killNode(VICTIM)
    const kept = `${home}.kept`
    cpSync(home, kept, { recursive: true })
    unmount = mountSmallDisk(home, 4)
    if (unmount === undefined) {
      console.log(
        JSON.stringify({ part: 'full', leftOut: 'no small file system can be mounted here: it needs root' }),
      )
      return true
    }
    cpSync(kept, home, { recursive: true })
    await network.startNode(VICTIM)
    await expectSoon('the node is back', async () => isEqual(network))
    const beganMs = performance.now()
    while (!/disk/.test((await status()).reason ?? '') && performance.now() - beganMs < 120_000)
      await load(network, OTHERS, 60, 6_000)
    figures['filledAfterMs'] = Math.round(performance.now() - beganMs)
    figures['transactionsWhenFull'] = (await status()).transactions
    if (!/disk/.test((await status()).reason ?? ''))
      violations.push(`it does not say that its disk is full: ${JSON.stringify(await status())}`)
    const before = (await network.status('bob')).transactions
    await load(network, OTHERS, 60)
    if ((await network.status('bob')).transactions < before + 60) violations.push('the others do not go on')
    growSmallDisk(home, 256)
    const spaceMs = performance.now()
    await expectSoon('it has caught up by itself', async () => isEqual(network))
    figures['caughtUpMs'] = Math.round(performance.now() - spaceMs)
    // It looks again once in a while.
    const isTaken = async (): Promise<boolean> =>
      (await network.submit(VICTIM, 'there is space again')).status === 200
    await expectSoon('it takes transactions again', isTaken)
    figures['takesTransactionsAfterMs'] = Math.round(performance.now() - spaceMs)
    await expectSoon('all are equal', async () => isEqual(network))
    await network.stop()
    const proof = await run(['verify', ...[VICTIM, ...OTHERS].map((name) => join(network.dir, 'net', name))])
    if (proof.code !== 0) violations.push(`verify ends with ${proof.code}: ${proof.err}`)
  } finally {
    await network.stop()
    if (unmount !== undefined && existsSync(home)) unmount()
    await network.dispose()
  }
  console.log(JSON.stringify({ part: 'full', seed, ...figures, violations }))
  return violations.length === 0
}

let sound = true
for (const part of parts) {
  if (part !== 'flips' && part !== 'full') throw new Error(`flips or full, not ${part}`)
  sound = (await (part === 'flips' ? flips() : full())) && sound
}
process.exitCode = sound ? 0 : 1
