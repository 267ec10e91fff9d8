/** The README is kept true: its commands are scripts of the workspace, and each that it shows for a testnet runs as written. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { COMMAND, freeBlock, type Running, start, until } from '../network/command.ts'

const root = join(import.meta.dirname, '../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const shellLines = [...readme.matchAll(/```sh\n([^]*?)```/g)].flatMap((block) => block[1]!.trim().split('\n'))

/** A folder in which `.hearsay/testnet` is the default, as in a checkout. */
const folder = mkdtempSync(join(tmpdir(), 'hearsay-readme-'))
let testnet: Running
let base = 0

beforeAll(async () => {
  cpSync(join(root, 'README.md'), join(folder, 'README.md'))
  base = await freeBlock()
  testnet = start(['testnet', '--port', String(base)], { cwd: folder })
  await until('testnet is ready', () => /ready in/.test(testnet.err()), 90_000)
})

afterAll(async () => {
  testnet.child.kill('SIGINT')
  await testnet.ended
  rmSync(folder, { recursive: true, force: true })
})

test('its two commands are scripts of the workspace', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const named = shellLines.flatMap((line) => /^npx -y pnpm@12 (?:-s )?(\w+)/.exec(line)?.[1] ?? [])
  expect(new Set(named)).toEqual(new Set(['testnet', 'test', 'hearsay']))
  for (const name of named) expect(scripts).toHaveProperty(name)
})

test('its commands run as written', () => {
  const commands = shellLines.filter((line) => line.startsWith('npx -y pnpm@12 -s hearsay '))
  expect(commands.length).toBeGreaterThan(4)
  for (const line of commands) {
    const command = line.replace('npx -y pnpm@12 -s hearsay', `"${process.execPath}" "${COMMAND}"`)
    const { status, stdout, stderr } = spawnSync(command, { shell: true, cwd: folder, encoding: 'utf8' })
    expect(status, `${line}\n${stdout}${stderr}`).toBe(0)
  }
})

test('a plain HTTP client can submit', async () => {
  const line = shellLines.find((each) => each.startsWith('curl '))!
  const [, text, path] = /--data-binary "(.*)" http:\/\/127\.0\.0\.1:8740(\S+)/.exec(line)!
  const answer = await fetch(`http://127.0.0.1:${base}${path}`, { method: 'POST', body: text! })
  expect(answer.status).toBe(200)
})

test('every link to a file leads somewhere', () => {
  const pages = [
    'README.md',
    'packages/README.md',
    ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/README.md`),
  ]
  for (const page of pages) {
    if (page === 'packages/README.md/README.md') continue
    const text = readFileSync(join(root, page), 'utf8')
    for (const [, target] of text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)) {
      expect(existsSync(join(root, dirname(page), target!)), `${page} → ${target}`).toBe(true)
    }
  }
})

test('the TypeScript that the pages show runs as written', () => {
  const blocks = readdirSync(join(root, 'packages')).flatMap((name) => {
    const page = join(root, 'packages', name, 'README.md')
    if (!existsSync(page)) return []
    return [...readFileSync(page, 'utf8').matchAll(/```ts\n([^]*?)```/g)].map(([, code]) => ({
      page,
      code: code!,
    }))
  })
  expect(blocks.length).toBeGreaterThan(0)
  for (const { page, code } of blocks) {
    const args = ['--input-type=module-typescript', '--eval', code]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: join(root, 'test'),
      encoding: 'utf8',
    })
    expect(status, `${page}\n${stderr}`).toBe(0)
    expect(stdout, page).not.toBe('')
  }
})
