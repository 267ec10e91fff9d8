/**
 * Reads a DAG interchange file and gives its events to whoever orders them. Source: spec, "DAG interchange format".
 *
 * Pure: takes the parsed JSON. A malformed file is refused with an Error that names the event and the field.
 */
import { NO_EVENT } from './types.ts'
import type {
  ConsensusConfig,
  ConsensusSnapshot,
  EngineEvent,
  EngineOptions,
  EventHandle,
  ScheduledRoster,
} from './types.ts'

/** What takes the events, as an engine does. */
export interface EventSink {
  insert(event: EngineEvent): EventHandle
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

function putBytes(hex: string, bytes: Uint8Array): Uint8Array {
  for (let i = 0; i < 32; i++)
    bytes[i] = nibble(hex.charCodeAt(2 * i)) * 16 + nibble(hex.charCodeAt(2 * i + 1))
  return bytes
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
      putBytes(idOf(id, `judges[${i}]`, 'snapshot'), new Uint8Array(32)),
    ),
    ancientThreshold: integerOf(snapshot, 'ancientThreshold', 'snapshot', 1),
    lastTimestamp: integerOf(snapshot, 'lastTimestamp', 'snapshot'),
    nextOrder: integerOf(snapshot, 'nextOrder', 'snapshot'),
  }
}

/** What is known of the events of the file, by place; the handles of those that have been read. */
interface Reading {
  readonly places: ReadonlyMap<string, number>
  readonly creators: Float64Array
  readonly birthRounds: Float64Array
  readonly timestamps: Float64Array
  readonly handles: Float64Array
  /** 32 bytes for each event. */
  readonly ids: Uint8Array
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

/** The place of the parent of that id; −1 if the file does not hold it. */
function parentOf(
  reading: Reading,
  id: unknown,
  name: string,
  i: number,
  birthRound: number,
  where: string,
): number {
  const hex = idOf(id, name, where)
  const place = reading.places.get(hex)
  if (place === undefined) return -1
  if (place >= i) throw new Error(`${where}: ${name} ${hex} does not come before its child`)
  if (reading.birthRounds[place]! > birthRound) {
    throw new Error(
      `${where}: birthRound ${birthRound} is before that of ${name}, ${reading.birthRounds[place]!}`,
    )
  }
  return place
}

function readSelfParent(
  reading: Reading,
  fields: Fields,
  i: number,
  birthRound: number,
  where: string,
): number {
  if (fields['selfParent'] === null) return NO_EVENT
  const { creators, timestamps, handles } = reading
  const place = parentOf(reading, fields['selfParent'], 'selfParent', i, birthRound, where)
  if (place < 0) return NO_EVENT
  if (creators[place] !== creators[i]) {
    throw new Error(`${where}: selfParent is by ${creators[place]}, not by ${creators[i]}`)
  }
  if (timestamps[place]! >= timestamps[i]!) {
    throw new Error(`${where}: timestamp is not greater than that of selfParent`)
  }
  return handles[place]!
}

function readOtherParents(
  reading: Reading,
  fields: Fields,
  i: number,
  birthRound: number,
  where: string,
): number[] {
  const { creators, handles } = reading
  const used = new Set<number>([creators[i]!])
  return listOf(fields, 'otherParents', where).map((id, j) => {
    const place = parentOf(reading, id, `otherParents[${j}]`, i, birthRound, where)
    if (place < 0) return NO_EVENT
    const creator = creators[place]!
    if (used.has(creator)) {
      throw new Error(
        `${where}: otherParents[${j}] is by ${creator}, like another parent or the event itself`,
      )
    }
    used.add(creator)
    return handles[place]!
  })
}

/** Reads the event at one place of the file. */
function readEvent(reading: Reading, value: unknown, i: number): EngineEvent {
  const fields = fieldsOf(value, `events[${i}]`)
  const hex = idOf(fields['id'], 'id', `events[${i}]`)
  const where = `events[${i}] (${hex})`
  const creator = integerOf(fields, 'creator', where)
  const birthRound = integerOf(fields, 'birthRound', where, 1)
  const timestamp = integerOf(fields, 'timestamp', where)
  const coin = integerOf(fields, 'coin', where)
  const transactionCount = integerOf(fields, 'transactionCount', where)
  if (creator > 0xffff_ffff) throw new Error(`${where}: creator is not an unsigned 32-bit integer`)
  if (coin > 1) throw new Error(`${where}: coin is neither 0 nor 1`)
  reading.creators[i] = creator
  reading.birthRounds[i] = birthRound
  reading.timestamps[i] = timestamp
  return {
    id: putBytes(hex, reading.ids.subarray(32 * i, 32 * i + 32)),
    creator,
    selfParent: readSelfParent(reading, fields, i, birthRound, where),
    otherParents: readOtherParents(reading, fields, i, birthRound, where),
    birthRound,
    timestamp,
    coin: coin === 1 ? 1 : 0,
    transactionCount,
  }
}

/**
 * Gives each event of a parsed file to what `open` makes of the file's options. `inserted` is told after each event: the
 * handle that it got, NO_EVENT if it was ancient, and its id.
 */
export function feedInterchange<Sink extends EventSink>(
  file: unknown,
  open: (options: EngineOptions) => Sink,
  inserted: (sink: Sink, handle: EventHandle, id: string) => void,
): Sink {
  const fields = fieldsOf(file, 'file')
  const snapshot = readSnapshot(fields)
  const options = { config: readConfig(fields), rosters: readRosters(fields) }
  const sink = open(snapshot === undefined ? options : { ...options, snapshot })
  const events = listOf(fields, 'events', 'file')
  const reading: Reading = {
    places: idsOfFile(events),
    creators: new Float64Array(events.length),
    birthRounds: new Float64Array(events.length),
    timestamps: new Float64Array(events.length),
    handles: new Float64Array(events.length),
    ids: new Uint8Array(32 * events.length),
  }
  for (let i = 0; i < events.length; i++) {
    const handle = sink.insert(readEvent(reading, events[i], i))
    reading.handles[i] = handle
    inserted(sink, handle, (events[i] as { id: string }).id)
  }
  return sink
}
