/** The example of the README, as it stands there, in four processes; and the same node embedded in this one. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCounter, type Application } from '@hearsay/node'
import { createNode, NotFinalYet, type EmbeddedNode } from '@hearsay/node/process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../network/command.ts'
import { startNetwork } from '../network/network.ts'

const root = join(import.meta.dirname, '../..')
const names = ['ada', 'bob', 'cat', 'dan']
const folder = mkdtempSync(join(tmpdir(), 'hearsay-example-'))
const dirOf = (name: string): string => join(folder, 'net', name)
const started: ChildProcess[] = []

beforeAll(async () => {
  // Founds four members; the processes are the test's.
  const network = await startNetwork({ dir: folder })
  await network.stop()
})

afterAll(() => {
  for (const child of started) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** Ends a process that the test started. */
function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}

const counter: Application<number> = createCounter()
const embed = (): Promise<EmbeddedNode<number>[]> =>
  Promise.all(names.map((name) => createNode({ dir: dirOf(name), app: counter })))
const sums = (nodes: readonly EmbeddedNode<number>[]): Readonly<number>[] => nodes.map((node) => node.state())

const lines = (text: string): string[] => text.trim().split('\n')

async function logOf(node: EmbeddedNode<number>, from: number): Promise<string[]> {
  const texts: string[] = []
  for await (const { position, text } of node.log({ from, follow: false })) texts.push(`${position} ${text}`)
  return texts
}

test('the ten lines of the README, in four processes', async () => {
  const [, code] = /```ts\n([^]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))!
  expect(code!.trim().split('\n').length).toBeLessThanOrEqual(12)
  const file = join(folder, 'example.ts')
  writeFileSync(file, code!)
  symlinkSync(join(root, 'test/node_modules'), join(folder, 'node_modules'))
  const outputs = names.map((name) => {
    const child = spawn(process.execPath, [file, dirOf(name)], { stdio: ['ignore', 'pipe', 'pipe'] })
    started.push(child)
    const output = { text: '', errors: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => void (output.text += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => void (output.errors += text))
    return output
  })
  await until('each has seen four transactions', () => {
    const failed = outputs.find(({ errors }) => errors.includes('Error'))
    if (failed !== undefined) throw new Error(failed.errors)
    return outputs.every(({ text }) => lines(text).length >= 5)
  })
  for (const child of started) await end(child)
  const logs = outputs.map(({ text }) => lines(text).slice(1))
  for (const log of logs) expect(log).toEqual(['0 5', '1 5', '2 5', '3 5'])
  // Each had a place of its own, and was told the sum that its transaction made.
  const receipts = outputs.map(({ text }) => lines(text)[0]!.split(' ').map(Number))
  expect(receipts.map(([position]) => position).sort()).toEqual([0, 1, 2, 3])
  for (const [position, result, sum] of receipts) {
    expect(result).toBe(5 * (position! + 1))
    expect(sum).toBeGreaterThanOrEqual(result!)
  }
  const nodes = await embed()
  try {
    await until('all have fetched all', () => sums(nodes).every((sum) => sum === 20))
  } finally {
    for (const node of nodes) await node.stop()
  }
})

test('an embedded node: one id is one transaction, refusals, results, the log from a cursor', async () => {
  const nodes = await embed()
  const [ada, bob] = nodes as [EmbeddedNode<number>, EmbeddedNode<number>]
  try {
    await until('all have fetched all', () => sums(nodes).every((sum) => sum === 20))
    const first = await ada.submit('7', { id: 'order-1' })
    expect(first).toMatchObject({ state: 'ordered', position: 4, result: 27, reason: undefined })
    const [again, at] = await Promise.all([
      ada.submit('7', { id: 'order-1' }),
      ada.submit('7', { id: 'order-1' }),
    ])
    expect(again).toMatchObject({ id: first.id, position: 4 })
    expect(at.position).toBe(4)
    // The same bytes through another member, twice at once: ordered up to three times, one effect.
    const expiresMs = Date.now() + 60_000
    const same = { id: 'order-2', expiresMs }
    const both = await Promise.all([ada.submit('100', same), bob.submit('100', same)])
    expect(both.map(({ id }) => id)).toEqual([both[0].id, both[0].id])
    expect(both[1].position).toBe(both[0].position)
    expect(both.map(({ result }) => result)).toEqual([127, 127])
    await expect(ada.submit('no number')).rejects.toMatchObject({ code: 'E_REJECTED', exitCode: 6 })
    const late = await bob.submit('1', { expiresMs: Date.now() - 10_000 })
    expect(late).toMatchObject({ state: 'expired', reason: 'expired', result: undefined })
    await expect(ada.submit('1', { signal: AbortSignal.abort() })).rejects.toThrow(NotFinalYet)
    await until('states are equal', () => sums(nodes).every((sum) => sum === 128))
    // Every node tells the same log from any cursor, without what had no effect.
    const whole = await logOf(ada, 0)
    expect(whole.map((line) => line.split(' ')[1])).toEqual(['5', '5', '5', '5', '7', '100', '1'])
    for (const node of nodes) {
      expect(await logOf(node, 0)).toEqual(whole)
      expect(await logOf(node, 5)).toEqual(whole.slice(5))
      expect(node.query()).toBe(128)
    }
  } finally {
    for (const node of nodes) await node.stop()
  }
})

test('an application that looks at the clock stops its node and says why', async () => {
  const liar: Application<number> = { init: () => 0, apply: () => ({ state: Date.now() }) }
  // Without its snapshots the node gives it the whole ledger again.
  rmSync(join(dirOf('ada'), 'snapshots'), { recursive: true })
  await expect(createNode({ dir: dirOf('ada'), app: liar })).rejects.toThrow(
    /the application has failed at round .*clock/,
  )
})
