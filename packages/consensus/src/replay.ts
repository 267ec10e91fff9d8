/**
 * Runs the events of one DAG interchange file through an engine. Source: spec, "DAG interchange format" and section 7.
 *
 * Pure: takes the parsed JSON, gives an object of the shape of `expected`. A malformed file is refused with an Error
 * that names the event and the field.
 */
import { createEngine } from './engine.ts'
import type { EngineTuning } from './core.ts'
import { NO_EVENT } from './types.ts'
import type {
  ConsensusConfig,
  ConsensusSnapshot,
  DecidedRound,
  Engine,
  EngineEvent,
  ScheduledRoster,
} from './types.ts'

export interface InterchangeRound {
  readonly round: number
  readonly judges: readonly string[]
  readonly ancientThreshold: number
  readonly lastTimestamp: number
  readonly nextOrder: number
  readonly events: readonly { readonly id: string; readonly timestamp: number; readonly order: number }[]
}

/** What a replay prints: the `expected` of a file. */
export interface InterchangeResult {
  readonly decidedRound: number
  readonly rounds: readonly InterchangeRound[]
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${where}: not an object`)
  return value as Fields
}

function listOf(fields: Fields, name: string, where: string): readonly unknown[] {
  const value = fields[name]
  if (!Array.isArray(value)) throw new Error(`${where}: ${name} is not a list`)
  return value
}

function integerOf(fields: Fields, name: string, where: string, least = 0): number {
  const value = fields[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    throw new Error(`${where}: ${name} is not an integer from ${least} to 2^53 - 1`)
  }
  return value
}

const ID = /^[0-9a-f]{64}$/

function idOf(value: unknown, name: string, where: string): string {
  if (typeof value !== 'string' || !ID.test(value))
    throw new Error(`${where}: ${name} is not 64 lowercase hex digits`)
  return value
}

function nibble(code: number): number {
  return code < 58 ? code - 48 : code - 87
}

function bytesOf(hex: string): Uint8Array {
  const bytes = new Uint8Array(32)
  for (let i = 0; i < 32; i++)
    bytes[i] = nibble(hex.charCodeAt(2 * i)) * 16 + nibble(hex.charCodeAt(2 * i + 1))
  return bytes
}

function hexOf(bytes: Uint8Array): string {
  let hex = ''
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0')
  return hex
}

function readRosters(file: Fields): ScheduledRoster[] {
  return listOf(file, 'rosters', 'file').map((value, i) => {
    const where = `rosters[${i}]`
    const roster = fieldsOf(value, where)
    const members = listOf(roster, 'members', where).map((member, j) => {
      const fields = fieldsOf(member, `${where}.members[${j}]`)
      return {
        id: integerOf(fields, 'id', `${where}.members[${j}]`),
        weight: integerOf(fields, 'weight', `${where}.members[${j}]`, 1),
      }
    })
    return { fromRound: integerOf(roster, 'fromRound', where), members }
  })
}

function readConfig(file: Fields): ConsensusConfig {
  const config = fieldsOf(file['config'], 'config')
  return {
    coinFrequency: integerOf(config, 'coinFrequency', 'config', 1),
    roundsNonAncient: integerOf(config, 'roundsNonAncient', 'config', 1),
  }
}

function readSnapshot(file: Fields): ConsensusSnapshot | undefined {
  if (file['snapshot'] === null || file['snapshot'] === undefined) return undefined
  const snapshot = fieldsOf(file['snapshot'], 'snapshot')
  return {
    round: integerOf(snapshot, 'round', 'snapshot'),
    judges: listOf(snapshot, 'judges', 'snapshot').map((id, i) =>
      bytesOf(idOf(id, `judges[${i}]`, 'snapshot')),
    ),
    ancientThreshold: integerOf(snapshot, 'ancientThreshold', 'snapshot', 1),
    lastTimestamp: integerOf(snapshot, 'lastTimestamp', 'snapshot'),
    nextOrder: integerOf(snapshot, 'nextOrder', 'snapshot'),
  }
}

interface KnownEvent {
  readonly hex: string
  readonly creator: number
  readonly birthRound: number
  readonly timestamp: number
  handle: number
}

/** The events of the file so far, by id, and the ids of all that are to come. */
interface Reading {
  readonly known: Map<string, KnownEvent>
  readonly places: ReadonlyMap<string, number>
}

function idsOfFile(events: readonly unknown[]): Map<string, number> {
  const places = new Map<string, number>()
  for (let i = 0; i < events.length; i++) {
    const id = idOf(fieldsOf(events[i], `events[${i}]`)['id'], 'id', `events[${i}]`)
    const other = places.get(id)
    if (other !== undefined) throw new Error(`events[${i}]: id ${id} stands at events[${other}] already`)
    places.set(id, i)
  }
  return places
}

/** The parent of that id; undefined if the file does not hold it. */
function parentOf(
  reading: Reading,
  id: unknown,
  name: string,
  birthRound: number,
  where: string,
): KnownEvent | undefined {
  const hex = idOf(id, name, where)
  const parent = reading.known.get(hex)
  if (parent === undefined) {
    if (reading.places.has(hex)) throw new Error(`${where}: ${name} ${hex} does not come before its child`)
    return undefined
  }
  if (parent.birthRound > birthRound) {
    throw new Error(`${where}: birthRound ${birthRound} is before that of ${name}, ${parent.birthRound}`)
  }
  return parent
}

/** Reads the event at one place of the file, and remembers it. */
function readEvent(reading: Reading, value: unknown, i: number): { event: EngineEvent; known: KnownEvent } {
  const fields = fieldsOf(value, `events[${i}]`)
  const hex = idOf(fields['id'], 'id', `events[${i}]`)
  const where = `events[${i}] (${hex})`
  const creator = integerOf(fields, 'creator', where)
  const birthRound = integerOf(fields, 'birthRound', where, 1)
  const timestamp = integerOf(fields, 'timestamp', where)
  const coin = integerOf(fields, 'coin', where)
  if (creator > 0xffff_ffff) throw new Error(`${where}: creator is not an unsigned 32-bit integer`)
  if (coin > 1) throw new Error(`${where}: coin is neither 0 nor 1`)
  let selfParent = NO_EVENT
  if (fields['selfParent'] !== null) {
    const parent = parentOf(reading, fields['selfParent'], 'selfParent', birthRound, where)
    if (parent !== undefined) {
      if (parent.creator !== creator)
        throw new Error(`${where}: selfParent is by ${parent.creator}, not by ${creator}`)
      if (parent.timestamp >= timestamp)
        throw new Error(`${where}: timestamp is not greater than that of selfParent`)
      selfParent = parent.handle
    }
  }
  const creators = new Set<number>([creator])
  const otherParents = listOf(fields, 'otherParents', where).map((id, j) => {
    const parent = parentOf(reading, id, `otherParents[${j}]`, birthRound, where)
    if (parent === undefined) return NO_EVENT
    if (creators.has(parent.creator)) {
      throw new Error(
        `${where}: otherParents[${j}] is by ${parent.creator}, like another parent or the event itself`,
      )
    }
    creators.add(parent.creator)
    return parent.handle
  })
  const transactionCount = integerOf(fields, 'transactionCount', where)
  const id = bytesOf(hex)
  return {
    event: {
      id,
      creator,
      selfParent,
      otherParents,
      birthRound,
      timestamp,
      coin: coin === 1 ? 1 : 0,
      transactionCount,
    },
    known: { hex, creator, birthRound, timestamp, handle: NO_EVENT },
  }
}

function printRound(decided: DecidedRound): InterchangeRound {
  return {
    round: decided.round,
    judges: decided.judges.map(hexOf),
    ancientThreshold: decided.ancientThreshold,
    lastTimestamp: decided.lastTimestamp,
    nextOrder: decided.nextOrder,
    events: decided.events.map(({ id, timestamp, order }) => ({ id: hexOf(id), timestamp, order })),
  }
}

/** Replays a parsed interchange file. Throws an Error that names event and field if the file is malformed. */
export function replayInterchange(file: unknown, tuning: EngineTuning = {}): InterchangeResult {
  const fields = fieldsOf(file, 'file')
  const snapshot = readSnapshot(fields)
  const options = { config: readConfig(fields), rosters: readRosters(fields) }
  const engine: Engine = createEngine(snapshot === undefined ? options : { ...options, snapshot }, tuning)
  const events = listOf(fields, 'events', 'file')
  const reading: Reading = { known: new Map(), places: idsOfFile(events) }
  const rounds: InterchangeRound[] = []
  for (let i = 0; i < events.length; i++) {
    const { event, known } = readEvent(reading, events[i], i)
    known.handle = engine.insert(event)
    reading.known.set(known.hex, known)
    for (const decided of engine.takeDecidedRounds()) rounds.push(printRound(decided))
  }
  return { decidedRound: engine.decidedRound(), rounds }
}
