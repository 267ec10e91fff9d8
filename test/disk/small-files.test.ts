// Small files are whole or not there; private ones are read only if they are private.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { KeyPermissions, readPrivateFile, writeFileDurable } from '@hearsay/node/disk'
import { expect, test } from 'vitest'
import { caught, freshDirectory } from './support.ts'

test('a file is replaced, with the mode asked for, and nothing else is left', () => {
  const dir = freshDirectory()
  const path = join(dir, 'key')
  const before = process.umask(0o077)
  try {
    writeFileDurable(path, Uint8Array.of(1, 2, 3), 0o644)
  } finally {
    process.umask(before)
  }
  expect(statSync(path).mode & 0o777).toBe(0o644)
  writeFileDurable(path, Uint8Array.of(4), 0o600)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect([...readFileSync(path)]).toEqual([4])
  expect(readdirSync(dir)).toEqual(['key'])
})

test('an attempt that fails leaves the old file and no remains', () => {
  const dir = freshDirectory()
  mkdirSync(join(dir, 'taken', 'by-a-directory'), { recursive: true })
  expect(caught(() => writeFileDurable(join(dir, 'taken'), Uint8Array.of(1), 0o600))).toBeInstanceOf(Error)
  expect(readdirSync(dir)).toEqual(['taken'])
})

test('a link that waits under the temporary name is not followed', () => {
  const dir = freshDirectory()
  writeFileSync(join(dir, 'victim'), 'untouched')
  symlinkSync(join(dir, 'victim'), join(dir, `key.${process.pid}.tmp`))
  writeFileDurable(join(dir, 'key'), Uint8Array.of(1), 0o600)
  expect(readFileSync(join(dir, 'victim'), 'utf8')).toBe('untouched')
})

test.each([0o640, 0o604, 0o620, 0o602, 0o610, 0o677])('a key file with mode %i is refused', (mode) => {
  const path = join(freshDirectory(), 'key')
  writeFileDurable(path, Uint8Array.of(1), mode)
  const refusal = caught(() => readPrivateFile(path))
  expect(refusal).toBeInstanceOf(KeyPermissions)
  expect(refusal).toMatchObject({ code: 'E_KEY_PERMISSIONS', file: path })
  expect(String(refusal)).toContain(`chmod 600 ${path}`)
})

test('a private key file is read; a missing one is ENOENT', () => {
  const path = join(freshDirectory(), 'key')
  expect(caught(() => readPrivateFile(path))).toMatchObject({ code: 'ENOENT' })
  writeFileDurable(path, Uint8Array.of(5, 6), 0o600)
  expect([...readPrivateFile(path)]).toEqual([5, 6])
  chmodSync(path, 0o400)
  expect([...readPrivateFile(path)]).toEqual([5, 6])
})

test('what is no key file at all is refused without being read', () => {
  const dir = freshDirectory()
  expect(caught(() => readPrivateFile(dir))).toMatchObject({ code: 'E_KEY_PERMISSIONS' })
  const pipe = join(dir, 'pipe')
  expect(spawnSync('mkfifo', ['-m', '600', pipe]).status).toBe(0)
  expect(caught(() => readPrivateFile(pipe))).toMatchObject({ code: 'E_KEY_PERMISSIONS' })
  const large = join(dir, 'large')
  writeFileDurable(large, new Uint8Array(65 * 1024), 0o600)
  expect(caught(() => readPrivateFile(large))).toMatchObject({ code: 'E_KEY_PERMISSIONS' })
})
