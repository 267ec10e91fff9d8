import { describe, expect, test } from 'vitest'
import {
  collectMember,
  formatAddress,
  parseAddress,
  parseDuration,
  parseFrom,
  parseMemberCount,
  parsePort,
  parseTransactionCount,
} from '../../packages/cli/src/index.ts'

const refused = expect.objectContaining({ code: 'commander.invalidArgument' }) as Error

describe('spans of time', () => {
  test.each([
    ['10s', 10_000],
    ['10', 10_000],
    ['500ms', 500],
    ['2m', 120_000],
    ['1.5s', 1_500],
    ['600s', 600_000],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })
  test.each(['', 's', '-1s', '1h', '1e3', ' 1s', '0', '0s', '11m', '1.2345s', '1_000ms'])(
    'not %j',
    (text) => {
      expect(() => parseDuration(text)).toThrow(refused)
    },
  )
})

describe('addresses', () => {
  test.each([
    ['8740', '127.0.0.1', 8740],
    ['127.0.0.1:8740', '127.0.0.1', 8740],
    ['http://127.0.0.1:8740', '127.0.0.1', 8740],
    ['http://node.example:80/', 'node.example', 80],
    ['[::1]:8740', '::1', 8740],
  ])('%s', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port })
  })
  test.each(['', 'host', '::1:8740', 'https://a:1', 'a:0', 'a:65536', 'a b:1', 'u@h:1', '127.0.0.1:8740/v1'])(
    'not %j',
    (text) => {
      expect(() => parseAddress(text)).toThrow(refused)
    },
  )
  test('as they are written', () => {
    expect(formatAddress({ host: '::1', port: 1 })).toBe('[::1]:1')
    expect(formatAddress({ host: 'a.b', port: 1 })).toBe('a.b:1')
  })
})

test('numbers', () => {
  expect(parseMemberCount('16')).toBe(16)
  expect(parsePort('65535')).toBe(65_535)
  expect(parseTransactionCount('20tx')).toBe(20)
  expect(parseTransactionCount('20')).toBe(20)
  for (const text of ['0', '17', '-4', '4.0', '0x4', '4 ', ''])
    expect(() => parseMemberCount(text)).toThrow(refused)
  for (const text of ['0', '65536', '1e3']) expect(() => parsePort(text)).toThrow(refused)
})

test('where a reading begins', () => {
  expect(['0', '97', '007', 'round:13'].map(parseFrom)).toEqual(['0', '97', '7', 'round:13'])
  for (const text of ['-1', 'round:', 'end', '1.5', '99999999999999999', 'round:-1'])
    expect(() => parseFrom(text)).toThrow(refused)
})

test('members', () => {
  const key = 'Ab'.repeat(32)
  const two = collectMember(`bob:${key}:3`, collectMember(`ada:${key}`, []))
  expect(two).toEqual([
    { name: 'ada', publicKey: key.toLowerCase(), weight: 1 },
    { name: 'bob', publicKey: key.toLowerCase(), weight: 3 },
  ])
  for (const text of [
    '',
    'ada',
    `Ada:${key}`,
    `ada:${key.slice(2)}`,
    `ada:${key}:0`,
    `ada:${key}:1:2`,
    `:${key}`,
  ])
    expect(() => collectMember(text, [])).toThrow(refused)
})
