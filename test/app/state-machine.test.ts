/** Applications over a ledger that the test makes: once means once, equal ledgers give equal states, clocks are refused. */
import { extendLedger, EMPTY_LEDGER, type Block, type LedgerHead } from '@hearsay/consensus'
import { createEvent, type Genesis, sealTransaction, toHex, type VerifiedEvent } from '@hearsay/dag'
import { createBestSuite } from '@hearsay/dag/native'
import {
  createCounter,
  createKeyValueStore,
  createOnceWindow,
  createStateMachine,
  MAX_LIFETIME_MICROS,
  type Application,
  type Outcome,
  type StateMachine,
} from '@hearsay/node'
import { expect, test } from 'vitest'

const { suite } = createBestSuite()
const networkId = new Uint8Array(32).fill(3)
const key = new Uint8Array(32).fill(9)
const genesis = { members: [] } as unknown as Genesis
const START = 1_000_000_000_000
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function machineOf<S>(
  application: Application<S> | undefined,
): StateMachine<S> & { sealed: [string, number, unknown][] } {
  const sealed: [string, number, unknown][] = []
  const machine = createStateMachine({
    application,
    genesis,
    sha256: suite.sha256,
    decodeText: (each) => new TextDecoder().decode(each),
    onSealed: (id, position, reason) => void sealed.push([toHex(id), position, reason]),
  })
  return { ...machine, sealed }
}

/** Rounds of one event each. */
function createRounds(): (
  timestamp: number,
  transactions: readonly Uint8Array[],
) => [Block, VerifiedEvent[]] {
  let head: LedgerHead = EMPTY_LEDGER
  return (timestamp, transactions) => {
    const event = createEvent(
      {
        creator: 0,
        sequence: 1,
        birthRound: 1,
        timestamp,
        salt: new Uint8Array(16),
        selfParent: undefined,
        otherParents: [],
        transactions,
      },
      networkId,
      key,
      suite,
    )
    const entries = [{ id: event.id, timestamp, transactionCount: transactions.length }]
    const round = {
      round: head.round + 1,
      judges: [],
      ancientThreshold: 1,
      lastTimestamp: timestamp,
      entries,
    }
    const extended = extendLedger(head, round, networkId, suite.sha256)
    head = extended.head
    return [extended.block, [event]]
  }
}

const seal = (nonce: number, expires: number, text: string): Uint8Array =>
  sealTransaction({ nonce: new Uint8Array(16).fill(nonce), expires, body: bytes(text) })

const kinds = (outcomes: ReadonlyMap<number, Outcome>): string[] =>
  [...outcomes].map(
    ([position, each]) => `${position} ${each.kind === 'applied' ? String(each.result) : each.reason}`,
  )

test('a sealed transaction takes effect once, and not after its time', () => {
  const rounds = createRounds()
  const machine = machineOf(createCounter())
  const once = seal(1, START + 50, '5')
  expect(kinds(machine.apply(...rounds(START, [once, bytes('1'), once, bytes('1')])))).toEqual([
    '0 5',
    '1 6',
    '2 duplicate',
    '3 7',
  ])
  expect(kinds(machine.apply(...rounds(START + 40, [once, seal(2, START + 50, '5')])))).toEqual([
    '4 duplicate',
    '5 12',
  ])
  expect(kinds(machine.apply(...rounds(START + 51, [once, seal(3, START + 50, '1')])))).toEqual([
    '6 expired',
    '7 expired',
  ])
  expect(
    kinds(machine.apply(...rounds(START + 60, [seal(4, START + 61 + MAX_LIFETIME_MICROS, '1')]))),
  ).toEqual(['8 too-far-ahead'])
  expect(kinds(machine.apply(...rounds(START + 70, [bytes('x'), bytes('9'.repeat(15))])))).toEqual([
    '9 not a whole number',
    `10 ${12 + 999_999_999_999_999}`,
  ])
  expect(machine.state()).toBe(12 + 999_999_999_999_999)
  expect(machine.sealed.map(([, position, reason]) => [position, reason])).toEqual([
    [0, undefined],
    [2, 'duplicate'],
    [4, 'duplicate'],
    [5, undefined],
    [6, 'expired'],
    [7, 'expired'],
    [8, 'too-far-ahead'],
  ])
})

const id = (n: number): Uint8Array => suite.sha256(Uint8Array.of(n))

test('what is remembered is bounded, and forgotten when its time is over', () => {
  const window = createOnceWindow(undefined, 3)
  const second = 1_000_000
  for (const n of [1, 2, 3]) expect(window.judge(id(n), START + n * second, START)).toBe(undefined)
  expect(window.judge(id(4), START + second, START)).toBe('window-full')
  expect(window.judge(id(1), START + second, START + second)).toBe('duplicate')
  expect(window.judge(id(4), START + 9 * second, START + 2 * second)).toBe(undefined)
  expect(window.size()).toBe(3)
  const copy = createOnceWindow(window.encode(), 3)
  expect(copy.encode()).toEqual(window.encode())
  expect(copy.judge(id(3), START + 3 * second, START + 2 * second)).toBe('duplicate')
})

test('without an application only seals are looked at, and there is no state to sign', () => {
  const rounds = createRounds()
  const machine = machineOf(undefined)
  const once = seal(1, START + 50, 'a')
  expect(kinds(machine.apply(...rounds(START, [bytes(''), once, bytes('\0'), once])))).toEqual([
    '3 duplicate',
  ])
  expect(machine.hash()).toBe(undefined)
})

test('snapshot and restore at any round give the same state, hash and memory', () => {
  const script = [
    ['set a 1', 'set b two words', 'delete nothing'],
    ['swap a 1 2', 'swap a 1 3', 'swap c - 1', 'set \uFEFFx 1'],
    ['delete b', 'set a 7', 'nonsense'],
  ]
  const application = createKeyValueStore(suite.sha256)
  for (let cut = 0; cut <= script.length; cut++) {
    const rounds = createRounds()
    const straight = machineOf(application)
    let other = machineOf(application)
    for (const [i, texts] of script.entries()) {
      if (i === cut) {
        const snapshot = other.snapshot()
        other = machineOf(application)
        other.restore(snapshot)
        expect(other.snapshot()).toEqual(snapshot)
      }
      const sealed = texts.map((text, n) => seal(n, START + 9_000_000, text))
      const made = rounds(START + i, [...sealed, ...sealed])
      expect(kinds(other.apply(...made))).toEqual(kinds(straight.apply(...made)))
      expect(toHex(other.hash()!)).toBe(toHex(straight.hash()!))
    }
    expect(straight.query('a', bytes(''))).toBe('7')
    expect(straight.query('b', bytes(''))).toBe(null)
    expect(straight.query('', bytes(''))).toBe(2)
    expect(other.snapshot()).toEqual(straight.snapshot())
  }
})

test('the hash of a store depends on what is in it and on nothing else', () => {
  const application = createKeyValueStore(suite.sha256)
  const hashOf = (texts: readonly string[]): string => {
    const machine = machineOf(application)
    machine.apply(...createRounds()(START, texts.map(bytes)))
    return toHex(machine.hash()!)
  }
  const many = Array.from({ length: 300 }, (_, i) => `set key${i} ${i}`)
  expect(hashOf(many)).toBe(hashOf(many.toReversed()))
  expect(hashOf([...many, 'set more 1', 'delete more'])).toBe(hashOf(many))
  expect(hashOf([...many, 'set key7 8'])).not.toBe(hashOf(many))
  expect(hashOf(['set a b'])).not.toBe(hashOf(['set ab b']))
})

test('a state that is no CBOR value asks for a snapshot of its own', () => {
  const machine = machineOf({ init: () => ({ sum: 0 }), apply: (state) => ({ state }) })
  expect(() => machine.snapshot()).toThrow('E_APP_SNAPSHOT')
})
