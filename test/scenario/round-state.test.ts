/**
 * The state of a round is the same bytes on all members, in whatever order events came to them; who has nothing else goes on from it as
 * the others do; and nothing that is not exactly what was signed is taken.
 */
import { encodeBlock, type Block } from '@hearsay/consensus'
import {
  concatBytes,
  decodeEvent,
  equalBytes,
  networkIdOf,
  roundStatement,
  sealTransaction,
  trustVerified,
  type RoundCertificate,
  type VerifiedEvent,
} from '@hearsay/dag'
import {
  checkRoundState,
  createKeyValueStore,
  createOrderer,
  createStateMachine,
  consensusOf,
  encodeRoundState,
  headOf,
  RECORD_EVENT,
  STATE_FAULTS,
  type MachineTrial,
  type RoundState,
  type StateCheck,
  type StateFault,
} from '@hearsay/node'
import { expect, test } from 'vitest'
import { createWorld, suite, type World } from './world.ts'

interface Carried {
  readonly state: RoundState
  readonly bytes: Uint8Array
  readonly signedHash: Uint8Array
}

interface Scene {
  readonly world: World
  readonly networkId: Uint8Array
  /** Member → round → the state that it would keep. */
  readonly carried: ReadonlyMap<number, ReadonlyMap<number, Carried>>
}

function machineOf(world: World) {
  return createStateMachine({
    application: createKeyValueStore(suite.sha256),
    genesis: world.genesis,
    sha256: suite.sha256,
    decodeText: (bytes) => new TextDecoder().decode(bytes),
    onSealed: () => undefined,
  })
}

let played: Scene | undefined
/** One world is enough for all. */
const scene = (): Scene => (played ??= play(301))

/** Four members with links of very different delays; member 4 is away for a while and gets much at once. */
function play(seed: number): Scene {
  const machines = new Map<number, ReturnType<typeof machineOf>>()
  const carried = new Map<number, Map<number, Carried>>()
  const world: World = createWorld({
    seed,
    members: 4,
    roundsNonAncient: 6,
    delayMs: [1, 60],
    member: { carrySeconds: 1 },
    observe: (id, effect) => {
      const machine = machines.get(id) ?? machineOf(world)
      machines.set(id, machine)
      if (effect.kind === 'deliver') machine.apply(effect.block, effect.events)
      if (effect.kind !== 'carry') return
      const state = { block: effect.block, machine: machine.snapshot(), events: effect.events }
      const bytes = encodeRoundState(state, networkIdOf(world.genesis, suite.sha256), suite.sha256)
      const mine = carried.get(id) ?? new Map<number, Carried>()
      carried.set(id, mine)
      mine.set(effect.block.round, { state, bytes, signedHash: machine.signedHash() })
    },
  })
  world.startAll()
  for (let i = 0; i < 110; i++) {
    const sealed = sealTransaction({
      nonce: new Uint8Array(16).fill(i % 50),
      expires: 1_700_000_000_000_000 + (i % 50) * 1_000_000,
      body: new TextEncoder().encode(`set key${i % 7} ${i}`),
    })
    const ticket = 1_000_000 + i
    world.input(1 + (i % 3), { kind: 'submit', ticket, bytes: sealed })
    if (i === 40) for (const other of [1, 2, 3]) world.cut(4, other)
    if (i === 44) for (const other of [1, 2, 3]) world.heal(4, other)
    world.run(40)
  }
  world.run(2_000)
  return { world, networkId: networkIdOf(world.genesis, suite.sha256), carried }
}

function certify(
  { world, networkId }: Scene,
  { state, signedHash }: Carried,
  signers: readonly number[],
): RoundCertificate {
  const statement = { round: state.block.round, blockHash: state.block.hash, stateHash: signedHash }
  const message = roundStatement(statement, networkId)
  const signatures = signers.map((memberId) => ({
    memberId,
    signature: suite.sign(world.secretKey(memberId), message),
  }))
  return { ...statement, signatures }
}

const checkOf = ({ world, networkId }: Scene): StateCheck => ({
  genesis: world.genesis,
  networkId,
  suite,
  round: 0,
  tryMachine: (bytes): MachineTrial | undefined => {
    const machine = machineOf(world)
    try {
      machine.restore(bytes)
      return { round: machine.round(), signedHash: machine.signedHash(), snapshot: machine.snapshot() }
    } catch {
      return undefined
    }
  },
})

/** The last state that all four have kept. */
function lastCommon({ carried }: Scene): Carried {
  const rounds = [...carried.get(1)!.keys()].filter((round) =>
    [2, 3, 4].every((id) => carried.get(id)!.has(round)),
  )
  return carried.get(1)!.get(rounds.at(-1)!)!
}

test('members in one world keep equal states, whatever came to them when', () => {
  const { carried } = scene()
  const kept = new Map<number, Uint8Array[]>()
  for (const states of carried.values())
    for (const [round, { bytes }] of states) kept.set(round, [...(kept.get(round) ?? []), bytes])
  const shared = [...kept.values()].filter((all) => all.length > 1)
  expect(shared.length).toBeGreaterThan(2)
  for (const all of shared) for (const bytes of all) expect(equalBytes(bytes, all[0]!)).toBe(true)
})

test('who has nothing but a signed state goes on as the others do', () => {
  const all = scene()
  const { world, networkId } = all
  // Not the last one, so that there is something to go on with.
  const [, carried] = [...all.carried.get(1)!][1]!
  const result = checkRoundState(carried.bytes, certify(all, carried, [1, 2, 3]), checkOf(all))
  if (!result.ok) throw new Error(result.fault)
  const { state } = result
  const later: Block[] = []
  const machine = machineOf(world)
  machine.restore(state.machine)
  const orderer = createOrderer({
    genesis: world.genesis,
    networkId,
    sha256: suite.sha256,
    snapshot: { consensus: consensusOf(state.block), head: headOf(state.block), known: [] },
    onLinked: () => undefined,
    onBlock: (block, events) => {
      later.push(block)
      machine.apply(block, events)
    },
  })
  for (const event of state.events) orderer.offer(event, 1)
  for (const { kind, bytes } of world.node(2).records) {
    const decoded = kind === RECORD_EVENT ? decodeEvent(bytes, networkId, suite.sha256) : undefined
    if (decoded?.ok === true) orderer.offer(trustVerified(decoded.event), 1)
  }
  const expected = world.node(3).blocks.filter(({ round }) => round > state.block.round)
  expect(later.length).toBeGreaterThan(5)
  expect(later.map(({ hash }) => hash)).toEqual(expected.slice(0, later.length).map(({ hash }) => hash))
  expect(later.length).toBe(expected.length)
  const straight = machineOf(world)
  for (const block of world.node(3).blocks) straight.apply(block, eventsOf(all, block))
  expect(machine.snapshot()).toEqual(straight.snapshot())
})

function eventsOf({ world, networkId }: Scene, block: Block): VerifiedEvent[] {
  const byId = new Map<string, VerifiedEvent>()
  for (const { kind, bytes } of world.node(2).records) {
    const decoded = kind === RECORD_EVENT ? decodeEvent(bytes, networkId, suite.sha256) : undefined
    if (decoded?.ok === true) byId.set(String(decoded.event.id), trustVerified(decoded.event))
  }
  return block.entries.map(({ id }) => byId.get(String(id))!)
}

interface Poison {
  readonly bytes: Uint8Array
  readonly certificate: RoundCertificate
  readonly round?: number
  readonly fault: StateFault
}

const HEAD = 66
const flip = (bytes: Uint8Array, at: number): Uint8Array => {
  const changed = bytes.slice()
  changed[at]! ^= 1
  return changed
}
const put = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
  const changed = bytes.slice()
  new DataView(changed.buffer).setUint32(at, value)
  return changed
}

/** Each is one lie beside a sound state. */
function poisons(scene: Scene): Readonly<Record<string, Poison>> {
  const { world, networkId } = scene
  const carried = lastCommon(scene)
  const { state, bytes, signedHash } = carried
  const older = [...scene.carried.get(1)!.values()][0]!
  const certificate = certify(scene, carried, [1, 2, 3])
  const { signatures } = certificate
  const again = (changed: Partial<RoundState>): Uint8Array =>
    encodeRoundState({ ...state, ...changed }, networkId, suite.sha256)
  const signedFor = (hash: Uint8Array): RoundCertificate =>
    certify(scene, { ...carried, signedHash: hash }, [1, 2, 3])
  const blockBytes = encodeBlock(state.block, networkId, suite.sha256)
  const { events } = state
  const swapped = [events[1]!, events[0]!, ...events.slice(2)]
  const foreign = createWorld({ seed: 999, members: 4 })
  const foreignId = networkIdOf(foreign.genesis, suite.sha256)
  const unsignedEvent = (event: VerifiedEvent): VerifiedEvent =>
    ({ ...event, bytes: flip(event.bytes, event.bodyBytes + 3) }) as VerifiedEvent
  const ancient = decodedRecords(scene).find((each) => each.birthRound < state.block.ancientThreshold)!
  const later = decodedRecords(scene).find((each) => each.birthRound > state.block.round + 1)!
  const otherMachine = older.state.machine
  const emptier = machineOf(world)
  const isOf = (fault: StateFault, changed: Uint8Array): Poison => ({ bytes: changed, certificate, fault })
  const signedBy = (fault: StateFault, changed: RoundCertificate): Poison => ({
    bytes,
    certificate: changed,
    fault,
  })
  return {
    'a forged signature': signedBy('certificate-signature', {
      ...certificate,
      signatures: [
        { ...signatures[0]!, signature: flip(signatures[0]!.signature, 40) },
        ...signatures.slice(1),
      ],
    }),
    'two of four have signed': signedBy('certificate-weight', certify(scene, carried, [1, 2])),
    'nobody has signed': signedBy('certificate-weight', { ...certificate, signatures: [] }),
    'one has signed three times': signedBy('certificate-malformed', {
      ...certificate,
      signatures: [signatures[0]!, signatures[0]!, signatures[0]!],
    }),
    'another roster has signed': signedBy('certificate-signature', {
      ...certificate,
      signatures: [1, 2, 3].map((memberId) => ({
        memberId,
        signature: suite.sign(foreign.secretKey(memberId), roundStatement(certificate, networkId)),
      })),
    }),
    'a stranger has signed too': signedBy('certificate-stranger', {
      ...certificate,
      signatures: [...signatures, { memberId: 77, signature: signatures[0]!.signature }],
    }),
    'signed for another network': signedBy('certificate-signature', {
      ...certificate,
      signatures: [1, 2, 3].map((memberId) => ({
        memberId,
        signature: suite.sign(world.secretKey(memberId), roundStatement(certificate, foreignId)),
      })),
    }),
    'the certificate of another round': signedBy('state-round', certify(scene, older, [1, 2, 3])),
    'a round that was decided here already': {
      ...isOf('state-old', bytes),
      round: state.block.ancientThreshold - 1,
    },
    'cut off': isOf('state-length', bytes.subarray(0, bytes.length - 1)),
    'cut off within its head': isOf('state-length', bytes.subarray(0, HEAD - 1)),
    'something after it': isOf('state-length', concatBytes(bytes, new Uint8Array(1))),
    'a block that says to be longer than all': isOf('state-length', put(bytes, 54, 0xffff_ffff)),
    'four thousand million events': isOf('state-length', put(bytes, 62, 0xffff_ffff)),
    'an event longer than all': isOf(
      'state-length',
      put(bytes, HEAD + blockBytes.length + state.machine.length, 0xffff_ffff),
    ),
    'not a state': isOf('state-form', flip(bytes, 3)),
    'of another genesis': isOf('state-network', flip(bytes, 20)),
    'a number in front that is not its round': isOf('state-round', flip(bytes, 53)),
    'a block that is none': isOf('block-unsound', flip(bytes, HEAD + blockBytes.length - 1)),
    'a block with another last time': isOf(
      'block-unsigned',
      again({ block: { ...state.block, lastTimestamp: state.block.lastTimestamp + 1 } }),
    ),
    'a block with other judges': isOf(
      'block-unsigned',
      again({ block: { ...state.block, judges: state.block.judges.toReversed() } }),
    ),
    'a machine that cannot be': isOf('machine-unsound', again({ machine: new Uint8Array(11).fill(255) })),
    'the machine of an older round': isOf('machine-unsound', again({ machine: otherMachine })),
    'a machine with one bit turned': isOf(
      'machine-unsigned',
      again({ machine: withOtherMemory(state.machine) }),
    ),
    'an empty machine that says its round': isOf(
      'machine-unsigned',
      again({ machine: concatBytes(state.machine.subarray(0, 6), emptier.snapshot().subarray(6)) }),
    ),
    'an event with a turned signature': isOf(
      'event-unsound',
      again({ events: [unsignedEvent(events[0]!), ...events.slice(1)] }),
    ),
    'an ancient event': isOf('event-ancient', again({ events: [ancient, ...events] })),
    'an event twice': isOf('event-twice', again({ events: [...events, events[0]!] })),
    'events in another order': isOf('event-order', again({ events: swapped })),
    'an event that no judge has heard of': isOf('event-needless', again({ events: [...events, later] })),
    'an event is missing': isOf('judge-missing', again({ events: events.slice(1) })),
    'without events': isOf('judge-missing', again({ events: [] })),
    'signed by all for another state': {
      bytes,
      certificate: signedFor(flip(signedHash, 0)),
      fault: 'machine-unsigned',
    },
  }
}

function decodedRecords({ world, networkId }: Scene): VerifiedEvent[] {
  return world.node(2).records.flatMap(({ kind, bytes }) => {
    const decoded = kind === RECORD_EVENT ? decodeEvent(bytes, networkId, suite.sha256) : undefined
    return decoded?.ok === true ? [trustVerified(decoded.event)] : []
  })
}

/** The first id that is remembered is another one. */
const withOtherMemory = (machine: Uint8Array): Uint8Array => flip(machine, 10 + 4 + 8)

test('poisoned states are refused, each for what is wrong with it', () => {
  const all = scene()
  const table = Object.entries(poisons(all))
  expect(table.length).toBeGreaterThanOrEqual(20)
  const faults = new Set<string>()
  for (const [name, { bytes, certificate, fault, round }] of table) {
    const check = checkOf(all)
    const result = checkRoundState(bytes, certificate, round === undefined ? check : { ...check, round })
    expect(result.ok ? 'taken' : result.fault, name).toBe(fault)
    faults.add(fault)
  }
  const carried = lastCommon(all)
  const sound = checkRoundState(carried.bytes, certify(all, carried, [2, 3, 4]), checkOf(all))
  expect(sound.ok).toBe(true)
  // Every reason there is, but for one that a machine with two forms for one state gives.
  expect(STATE_FAULTS.filter((fault) => !faults.has(fault))).toEqual(['machine-form'])
})

test('no turned bit of a state goes through', () => {
  const all = scene()
  const carried = lastCommon(all)
  const certificate = certify(all, carried, [1, 2, 3])
  const check = checkOf(all)
  const step = Math.max(1, Math.floor(carried.bytes.length / 60))
  for (let at = 7; at < carried.bytes.length; at += step) {
    const result = checkRoundState(flip(carried.bytes, at), certificate, check)
    expect(result.ok, `byte ${at}`).toBe(false)
  }
})
