/**
 * The state of a round in one form for all members: what somebody needs who has nothing before it, and can check against
 * what members signed of the round (dag: certificate.ts). Source: spec section 7, with what the ledger adds.
 *
 *   "hearsay.carry.1\n" ‖ network id ‖ round (6) ‖ bytes of the block (4) ‖ bytes of the machine (4) ‖ number of events (4)
 *   ‖ block (ledger.ts) ‖ machine (state-machine.ts) ‖ events, each behind its length (4)
 *
 * The block's header holds what spec section 7 calls the snapshot: round, judges, ancient threshold, last timestamp, next order;
 * its hash is signed, and so is the machine's. The events are the judges and all of their ancestors that are not ancient, which
 * the judges' ids stand for. They come by (generation among them, id), so the order in which a member got them does not matter.
 * Two members may hold one event with two signatures by its creator; then both forms are sound.
 */
import {
  blockBytesOf,
  decodeBlock,
  encodeBlock,
  type Block,
  type ConsensusSnapshot,
  type LedgerHead,
} from '@hearsay/consensus'
import {
  ascii,
  bytesKey,
  certificateFault,
  compareBytes,
  createByteWriter,
  decodeEvent,
  equalBytes,
  readUint32,
  readUint48,
  verifyEvent,
  type CertificateFault,
  type CryptoSuite,
  type EventReference,
  type Genesis,
  type Graph,
  type RoundCertificate,
  type Sha256,
  type VerifiedEvent,
} from '@hearsay/dag'
import { createOrderer, type Orderer } from './orderer.ts'

const MAGIC = ascii('hearsay.carry.1\n')
const AT_ROUND = 48
const AT_BLOCK_BYTES = 54
const AT_MACHINE_BYTES = 58
const AT_EVENT_COUNT = 62
const HEAD_BYTES = 66
/** The largest that is made or taken, in bytes. */
export const MAX_ROUND_STATE_BYTES: number = 256 * 1024 * 1024

export interface RoundState {
  readonly block: Block
  /** As `StateMachine.snapshot` gives it. */
  readonly machine: Uint8Array
  /** In the order above. */
  readonly events: readonly VerifiedEvent[]
}

interface Placed {
  readonly event: VerifiedEvent
  readonly generation: number
}

const parentsOf = (event: VerifiedEvent, ancientThreshold: number): EventReference[] =>
  [...(event.selfParent === undefined ? [] : [event.selfParent]), ...event.otherParents].filter(
    (parent) => parent.birthRound >= ancientThreshold,
  )

const inOrder = (a: Placed, b: Placed): number =>
  a.generation - b.generation || compareBytes(a.event.id, b.event.id)

/**
 * The judges of a block and all of their ancestors that are not ancient after it, in order; undefined if `find` does not know
 * one of them. Without recursion: chains are long.
 */
function carried(
  block: Pick<Block, 'judges' | 'ancientThreshold'>,
  find: (key: string) => VerifiedEvent | undefined,
): Placed[] | undefined {
  const placed = new Map<string, Placed>()
  const stack = block.judges.map(bytesKey)
  while (stack.length > 0) {
    const key = stack.at(-1)!
    if (placed.has(key)) {
      stack.pop()
      continue
    }
    const event = find(key)
    if (event === undefined) return undefined
    let generation = 0
    let isReady = true
    for (const parent of parentsOf(event, block.ancientThreshold)) {
      const parentKey = bytesKey(parent.id)
      const known = placed.get(parentKey)
      if (known === undefined) {
        stack.push(parentKey)
        isReady = false
      } else generation = Math.max(generation, known.generation + 1)
    }
    if (!isReady) continue
    placed.set(key, { event, generation })
    stack.pop()
  }
  return [...placed.values()].sort(inOrder)
}

/** Must be asked when the block has just been made: the graph forgets afterwards. */
export function carriedEvents(graph: Graph, block: Block): readonly VerifiedEvent[] {
  const found = carried(block, (key) => graph.get(key)?.event)
  if (found === undefined)
    throw new Error(`invariant: an ancestor of a judge of round ${block.round} is gone`)
  return found.map(({ event }) => event)
}

export function encodeRoundState(state: RoundState, networkId: Uint8Array, sha256: Sha256): Uint8Array {
  const block = encodeBlock(state.block, networkId, sha256)
  const eventBytes = state.events.reduce((sum, { bytes }) => sum + 4 + bytes.length, 0)
  const writer = createByteWriter(HEAD_BYTES + block.length + state.machine.length + eventBytes)
  writer.bytes(MAGIC)
  writer.bytes(networkId)
  writer.uint48(state.block.round)
  writer.uint32(block.length)
  writer.uint32(state.machine.length)
  writer.uint32(state.events.length)
  writer.bytes(block)
  writer.bytes(state.machine)
  for (const { bytes } of state.events) {
    writer.uint32(bytes.length)
    writer.bytes(bytes)
  }
  return writer.finish()
}

/** Why a state is not taken. A closed list: it doubles as metric label. */
export const STATE_FAULTS = [
  'certificate-malformed',
  'certificate-stranger',
  'certificate-signature',
  'certificate-weight',
  'state-length',
  'state-form',
  'state-network',
  'state-round',
  'state-old',
  'block-unsound',
  'block-unsigned',
  'machine-unsound',
  'machine-form',
  'machine-unsigned',
  'event-unsound',
  'event-ancient',
  'event-twice',
  'event-order',
  'event-needless',
  'judge-missing',
] as const
export type StateFault = CertificateFault | (typeof STATE_FAULTS)[number]

export interface StateCheck {
  readonly genesis: Genesis
  readonly networkId: Uint8Array
  readonly suite: CryptoSuite
  /** Rounds that are decided here: what is not beyond all that can still be got from journals is refused. */
  readonly round: number
  /** A state machine like the node's own, of which nobody else knows. */
  readonly tryMachine: (bytes: Uint8Array) => MachineTrial | undefined
}

/** What a machine says that was brought to a state; undefined if it cannot be brought there. */
export interface MachineTrial {
  readonly round: number
  readonly signedHash: Uint8Array
  /** The state written again. */
  readonly snapshot: Uint8Array
}

export type StateResult =
  | { readonly ok: true; readonly state: RoundState; readonly orderer: Orderer }
  | { readonly ok: false; readonly fault: StateFault }

const refuse = (fault: StateFault): { readonly ok: false; readonly fault: StateFault } => ({
  ok: false,
  fault,
})

/**
 * Checks all of it: who signed the round, that block, machine and events are what was signed, and that the ordering rule starts from
 * them. The cheapest checks come first.
 */
export function checkRoundState(
  bytes: Uint8Array,
  certificate: RoundCertificate,
  check: StateCheck,
): StateResult {
  const { genesis, networkId, suite } = check
  const untrusted = certificateFault(certificate, networkId, genesis.members, suite)
  if (untrusted !== undefined) return refuse(untrusted)
  const parts = split(bytes, networkId, suite.sha256)
  if (typeof parts === 'string') return refuse(parts)
  const { block, machine } = parts
  if (parts.round !== certificate.round || block.round !== certificate.round) return refuse('state-round')
  if (!equalBytes(block.hash, certificate.blockHash)) return refuse('block-unsigned')
  // Everything that is lacked and not ancient then comes from journals: nothing may be left out in between.
  if (!isBeyond(block, check.round)) return refuse('state-old')
  const trial = check.tryMachine(machine)
  if (trial === undefined || trial.round !== block.round) return refuse('machine-unsound')
  if (!equalBytes(trial.signedHash, certificate.stateHash)) return refuse('machine-unsigned')
  if (!equalBytes(trial.snapshot, machine)) return refuse('machine-form')
  const events = checkEvents(parts.events, block, check)
  if (typeof events === 'string') return refuse(events)
  const state = { block, machine, events }
  const orderer = startOrderer(state, check)
  return orderer.isWaiting() ? refuse('judge-missing') : { ok: true, state, orderer }
}

/** Whether all that a member who has decided `round` could still order is ancient after this block. */
export const isBeyond = (block: Pick<Block, 'ancientThreshold'>, round: number): boolean =>
  block.ancientThreshold > round + 1

/** The orderer after that round, with all of the events. */
export function startOrderer(
  { block, events }: RoundState,
  { genesis, networkId, suite }: Pick<StateCheck, 'genesis' | 'networkId' | 'suite'>,
): Orderer {
  const orderer = createOrderer({
    genesis,
    networkId,
    sha256: suite.sha256,
    snapshot: { consensus: consensusOf(block), head: headOf(block), known: [] },
    onLinked: () => undefined,
    onBlock: () => undefined,
  })
  for (const event of events) orderer.offer(event, genesis.members[0]!.id)
  return orderer
}

export const consensusOf = (block: Block): ConsensusSnapshot => ({
  round: block.round,
  judges: block.judges,
  ancientThreshold: block.ancientThreshold,
  lastTimestamp: block.lastTimestamp,
  nextOrder: block.firstOrder + block.entries.length,
})

export const headOf = (block: Block): LedgerHead => ({
  round: block.round,
  hash: block.hash,
  nextOrder: block.firstOrder + block.entries.length,
  nextPosition: block.firstPosition + block.transactionCount,
})

interface Parts {
  readonly round: number
  readonly block: Block
  readonly machine: Uint8Array
  readonly events: readonly Uint8Array[]
}

/** No length is believed before the bytes that it speaks of are there. */
function split(bytes: Uint8Array, networkId: Uint8Array, sha256: Sha256): Parts | StateFault {
  if (bytes.length < HEAD_BYTES || bytes.length > MAX_ROUND_STATE_BYTES) return 'state-length'
  if (!equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) return 'state-form'
  if (!equalBytes(bytes.subarray(MAGIC.length, AT_ROUND), networkId)) return 'state-network'
  const atMachine = HEAD_BYTES + readUint32(bytes, AT_BLOCK_BYTES)
  let at = atMachine + readUint32(bytes, AT_MACHINE_BYTES)
  if (at > bytes.length) return 'state-length'
  const blockBytes = bytes.subarray(HEAD_BYTES, atMachine)
  if (blockBytesOf(blockBytes) !== blockBytes.length) return 'block-unsound'
  const block = decodeBlock(blockBytes, networkId, sha256)
  if (block === undefined) return 'block-unsound'
  const machine = bytes.slice(atMachine, at)
  const events: Uint8Array[] = []
  for (let left = readUint32(bytes, AT_EVENT_COUNT); left > 0; left--) {
    if (at + 4 > bytes.length) return 'state-length'
    const end = at + 4 + readUint32(bytes, at)
    if (end > bytes.length) return 'state-length'
    events.push(bytes.slice(at + 4, end))
    at = end
  }
  if (at !== bytes.length) return 'state-length'
  return { round: readUint48(bytes, AT_ROUND), block, machine, events }
}

function checkEvents(
  encoded: readonly Uint8Array[],
  block: Block,
  { genesis, networkId, suite }: StateCheck,
): readonly VerifiedEvent[] | StateFault {
  const keys = new Map(genesis.members.map(({ id, publicKey }) => [id, publicKey]))
  const known = new Map<string, VerifiedEvent>()
  const events: VerifiedEvent[] = []
  for (const bytes of encoded) {
    const decoded = decodeEvent(bytes, networkId, suite.sha256)
    if (!decoded.ok) return 'event-unsound'
    const checked = verifyEvent(decoded.event, (id) => keys.get(id), suite, false)
    if (!checked.ok) return 'event-unsound'
    const { event } = checked
    if (event.birthRound < block.ancientThreshold) return 'event-ancient'
    if (known.has(event.key)) return 'event-twice'
    known.set(event.key, event)
    events.push(event)
  }
  const wanted = carried(block, (key) => known.get(key))
  if (wanted === undefined) return 'judge-missing'
  if (wanted.length !== events.length) return 'event-needless'
  return wanted.every(({ event }, i) => event === events[i]) ? events : 'event-order'
}
