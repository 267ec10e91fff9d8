/**
 * Runs the events of one DAG interchange file through an engine. Source: spec, "DAG interchange format" and section 7.
 *
 * Pure: takes the parsed JSON, gives an object of the shape of `expected`. A malformed file is refused with an Error
 * that names the event and the field.
 */
import { toHex } from '@hearsay/dag'
import type { EngineTuning } from './core.ts'
import { createEngine } from './engine.ts'
import { feedInterchange } from './interchange.ts'
import { NO_EVENT } from './types.ts'
import type { DecidedRound } from './types.ts'

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

function printRound(decided: DecidedRound, hexes: readonly string[]): InterchangeRound {
  return {
    round: decided.round,
    judges: decided.judges.map(toHex),
    ancientThreshold: decided.ancientThreshold,
    lastTimestamp: decided.lastTimestamp,
    nextOrder: decided.nextOrder,
    events: decided.events.map(({ handle, timestamp, order }) => ({ id: hexes[handle]!, timestamp, order })),
  }
}

/** Replays a parsed interchange file. Throws an Error that names event and field if the file is malformed. */
export function replayInterchange(file: unknown, tuning: EngineTuning = {}): InterchangeResult {
  /** Ids by handle. */
  const hexes: string[] = []
  const rounds: InterchangeRound[] = []
  const engine = feedInterchange(
    file,
    (options) => createEngine(options, tuning),
    (sink, handle, id) => {
      if (handle !== NO_EVENT) hexes[handle] = id
      for (const decided of sink.takeDecidedRounds()) rounds.push(printRound(decided, hexes))
    },
  )
  return { decidedRound: engine.decidedRound(), rounds }
}
