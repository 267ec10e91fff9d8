// One process at a time in a data directory; a dead one never keeps the next one out.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DirectoryLocked, lockDirectory } from '@hearsay/node/disk'
import { expect, test } from 'vitest'
import { caught, freshDirectory, startChild } from './support.ts'

test('a second process is told who holds the directory; kill -9 frees it', async () => {
  const dir = join(freshDirectory(), 'data')
  const holder = startChild('holder.ts', dir)
  expect(await holder.line()).toBe('held')
  const refusal = caught(() => lockDirectory(dir))
  expect(refusal).toBeInstanceOf(DirectoryLocked)
  expect(refusal).toMatchObject({ code: 'E_DIR_LOCKED', directory: dir, holderPid: holder.process.pid })
  expect(String(refusal)).toContain(dir)

  holder.process.kill('SIGKILL')
  await holder.gone
  const lock = lockDirectory(dir)
  const second = startChild('holder.ts', dir)
  expect(await second.line()).toBe(`E_DIR_LOCKED ${process.pid}`)
  expect(await second.gone).toEqual({ code: 0, signal: null, errors: '' })
  lock.release()
  expect(existsSync(join(dir, 'lock.pid'))).toBe(false)
})

test('a released directory is free, and nothing is said on the error output', async () => {
  const dir = freshDirectory()
  const holder = startChild('holder.ts', dir)
  expect(await holder.line()).toBe('held')
  holder.process.stdin!.end()
  expect(await holder.line()).toBe('released')
  // An experimental-feature warning would be here.
  expect(await holder.gone).toEqual({ code: 0, signal: null, errors: '' })
  const lock = lockDirectory(dir)
  lock.release()
  lock.release()
})

test('one process cannot take it twice either', () => {
  const dir = freshDirectory()
  const lock = lockDirectory(dir)
  expect(caught(() => lockDirectory(dir))).toMatchObject({ code: 'E_DIR_LOCKED', holderPid: process.pid })
  // The refused attempt has not taken the lock away.
  expect(caught(() => lockDirectory(dir))).toMatchObject({ code: 'E_DIR_LOCKED' })
  lock.release()
  lockDirectory(dir).release()
})
