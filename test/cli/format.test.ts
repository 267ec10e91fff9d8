import { expect, test } from 'vitest'
import { formatTime } from '@hearsay/node'
import {
  agreementLine,
  type Audit,
  auditFault,
  auditTable,
  CommandError,
  createPaint,
  faultJson,
  faultOf,
  faultText,
  grouped,
  logLine,
  netFileFromJson,
  planNodes,
  portBlocks,
  printable,
  receiptLine,
  shortHash,
  summaryLine,
  table,
} from '../../packages/cli/src/index.ts'

const plain = createPaint(false)

test('times have six digits and agree with the calendar', () => {
  expect(formatTime(0)).toBe('1970-01-01T00:00:00.000000Z')
  expect(formatTime(1_795_340_463_118_402)).toMatch(/\.118402Z$/)
  for (let day = 0; day < 60_000; day += 13) {
    const micros = day * 86_400_000_000 + ((day * 7_919_000_123) % 86_400_000_000)
    const iso = new Date(Math.floor(micros / 1_000)).toISOString()
    expect(formatTime(micros)).toBe(`${iso.slice(0, -1)}${String(micros % 1_000).padStart(3, '0')}Z`)
  }
})

test('receipts and sums', () => {
  const receipt = {
    state: 'ordered',
    reason: null,
    result: null,
    position: 97,
    round: 13,
    time: '2026-11-22T09:41:03.118402Z',
    timestamp: 0,
    event: `5c1e${'0'.repeat(58)}08`,
    index: 0,
    latencyMs: 34.4,
  } as const
  expect(receiptLine(receipt, plain)).toBe(
    'final  #97  round 13  2026-11-22T09:41:03.118402Z  event 5c1e…08.0  in 0.034 s',
  )
  expect(summaryLine(20_413, 0, 81_651, 3_249)).toBe('20,413 transactions final  #0…#81651  in 3.2 s')
  expect([0, 999, 1_000, 1_234_567].map(grouped)).toEqual(['0', '999', '1,000', '1,234,567'])
  expect(shortHash('0011')).toBe('0011')
})

test('what others have sent does nothing to a terminal', () => {
  expect(printable('a\u001b[2Jb\nc\td\\e\u202ef\u0000\u009b\u007f')).toBe(
    'a\\u{1b}[2Jb\\nc\\td\\\\e\\u{202e}f\\u{0}\\u{9b}\\u{7f}',
  )
  expect(printable('grüße 東京 👋')).toBe('grüße 東京 👋')
  const where = {
    position: 1,
    round: 2,
    time: 't',
    timestamp: 0,
    creator: 'ada',
    event: '',
    index: 0,
    id: null,
  }
  expect(logLine({ ...where, text: null, hex: 'ff00' })).toBe('#1  round 2  t  ada  0xff00')
  expect(logLine({ ...where, text: '', hex: '' })).toBe('#1  round 2  t  ada  ')
})

test('tables', () => {
  expect(
    table(
      [
        ['a', '1', 'x'],
        ['bbb', '22', ''],
      ],
      [1],
    ),
  ).toBe('a     1  x\nbbb  22')
})

test('faults', () => {
  const own = new CommandError({ code: 'E_X', message: 'what', hint: 'next', exitCode: 69 })
  expect(faultText(faultOf(own), plain)).toBe('✖ E_X  what\n  next')
  expect(faultText(faultOf(own), createPaint(true))).toContain('\u001b[31m✖')
  expect(JSON.parse(faultJson(faultOf(own)))).toEqual({
    error: { code: 'E_X', message: 'what', hint: 'next', exitCode: 69 },
  })
  const foreign = Object.assign(new Error('E_Y: what'), { code: 'E_Y', exitCode: 65 })
  expect(faultOf(foreign)).toEqual({ code: 'E_Y', message: 'what', exitCode: 65 })
  const disk = Object.assign(new Error('locked'), { code: 'E_DIR_LOCKED' })
  expect(faultOf(disk).exitCode).toBe(69)
  const system = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' })
  expect(faultOf(system)).toMatchObject({
    code: 'E_SYSTEM_ACCES',
    message: 'permission denied',
    exitCode: 77,
  })
  expect(faultOf(new TypeError('x is undefined'))).toMatchObject({ code: 'E_UNEXPECTED', exitCode: 1 })
  expect(faultOf('text')).toMatchObject({ code: 'E_UNEXPECTED', exitCode: 1 })
})

const node = {
  dir: 'n/ada',
  name: 'ada',
  networkId: '00',
  events: 41_203,
  round: 12,
  transactions: 7,
  ledgerHash: '9be1000077',
  tornTail: null,
  branchedMembers: [],
}
const audit: Audit = {
  audited: [
    node,
    {
      ...node,
      name: 'bob',
      round: 10,
      transactions: 1,
      tornTail: { file: 'n/bob/journal/journal-1.hsj', offset: 70, bytes: 5 },
      branchedMembers: ['dan'],
    },
  ],
  failures: [],
  commonRound: 10,
  commonTransactions: 1,
  commonHash: 'abcd',
  agree: true,
}

test('audits', () => {
  expect(auditTable(audit)).toBe(
    'ada  events 41,203  signatures ok  round 12  7 transactions  ledger 9be1…77\n' +
      'bob  events 41,203  signatures ok  round 10  1 transaction   ledger 9be1…77  ' +
      'a prefix, 2 rounds behind; 5 unfinished bytes at the end of n/bob/journal/journal-1.hsj (from byte 70); branched: dan',
  )
  expect(agreementLine(audit)).toBe('2 nodes agree on 1 transaction, ledger abcd')
  expect(agreementLine({ ...audit, audited: [node] })).toMatch(/^1 node proves 1 transaction/)
  expect(auditFault(audit)).toBe(undefined)
  expect(auditFault({ ...audit, agree: false })?.exitCode).toBe(3)
  const corrupt = { dir: 'n/cat', kind: 'corrupt', message: 'journal-1 at byte 7: checksum' } as const
  expect(auditFault({ ...audit, failures: [corrupt] })).toMatchObject({
    exitCode: 65,
    message: 'n/cat: journal-1 at byte 7: checksum',
  })
  const wrong = { dir: 'n/dan', kind: 'wrong', message: 'a signature' } as const
  expect(auditFault({ ...audit, failures: [corrupt, wrong] })?.exitCode).toBe(3)
})

test('ports of no two blocks meet, and no port is both for an API and for gossip', () => {
  for (const count of [1, 4, 10, 11, 16]) {
    const used = new Set<number>()
    const names = Array.from({ length: count }, (_, i) => `n${i}`)
    for (const first of portBlocks(count))
      for (const { api, gossip } of planNodes(names, first))
        for (const { port } of [api, gossip]) {
          expect(used.has(port)).toBe(false)
          used.add(port)
        }
    expect(used.has(8740) && used.has(8840)).toBe(true)
  }
})

test('only what a testnet writes is taken for it', () => {
  const nodes = planNodes(['ada'], 8740).map((each) => ({ ...each, pid: null }))
  const file = { hearsay: 'testnet', version: 1, networkId: '00', pid: null, nodes }
  expect(netFileFromJson(file)).toBe(file)
  const others = [
    undefined,
    [],
    { ...file, hearsay: 'genesis' },
    { ...file, version: 2 },
    { ...file, nodes: {} },
    { ...file, nodes: [{ ...nodes[0], name: '../../home' }] },
    { ...file, nodes: [{ ...nodes[0], api: '127.0.0.1' }] },
  ]
  for (const each of others) expect(netFileFromJson(each)).toBe(undefined)
})
