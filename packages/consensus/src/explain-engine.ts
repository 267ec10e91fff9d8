/**
 * Why an engine gave an event its place: `engine.explain`. Decides what is kept for that and for how long, and holds the
 * explanation to what the engine itself has found.
 *
 * An engine made with `explain` keeps of each event what it was given, and of each decided round its snapshot, for the last
 * `rounds` decided rounds: all events that were not ancient when the oldest of these was decided. That is all that
 * happens on the engine's way. Only when somebody asks is the explainer (a second reading of the rule, which shares
 * nothing with the engine) started from that oldest snapshot (spec section 7) and given the events in the engine's order.
 * It has to come to the engine's rounds, judges, order and times; if it does not, one of the two is wrong, and that is thrown.
 */
import { bytesKey, toHex } from '@hearsay/dag'
import { createExplainer } from './explain.ts'
import type { Explainer } from './explain.ts'
import type { Explanation } from './explain-types.ts'
import { NO_EVENT } from './types.ts'
import type {
  ConsensusSnapshot,
  DecidedRound,
  EngineEvent,
  EngineOptions,
  EventHandle,
  ScheduledRoster,
} from './types.ts'

/** What the engine that is explained says of itself. */
export interface ExplainedEngine {
  snapshot(): ConsensusSnapshot
  /** In the election that is held; null if it has none, or is not held. */
  roundOf(handle: EventHandle): number | null
}

export interface Recorder {
  /** The engine has taken (or refused: NO_EVENT) an event, and has decided these rounds at it. `threshold` was the ancient threshold before. */
  inserted(event: EngineEvent, handle: EventHandle, threshold: number, decided: readonly DecidedRound[]): void
  scheduled(roster: ScheduledRoster): void
  explain(id: Uint8Array, engine: ExplainedEngine): Explanation | undefined
}

/** An event as the engine was given it, with its parents by what they are called everywhere. */
interface Kept {
  readonly event: EngineEvent
  readonly handle: EventHandle
  readonly selfParent: string | null
  readonly otherParents: readonly string[]
  /** The last round that was decided when it came. */
  readonly cameAfter: number
}

/** An explainer under way: what it started from, and how far it has been fed and compared. */
interface Reader {
  readonly explainer: Explainer
  readonly from: number
  readonly handles: Map<EventHandle, EventHandle>
  /** Handles below this one were fed. */
  fed: EventHandle
  compared: number
}

function equalIds(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, i) => byte === b[i])
}

/** Thrown when the explainer and the engine do not agree: an invariant, so never caught. */
function disagree(what: string, explained: unknown, found: unknown): never {
  throw new Error(
    `invariant: the explanation finds ${what} ${String(explained)}, the engine ${String(found)}`,
  )
}

export function createRecorder(options: EngineOptions, rounds: number): Recorder {
  const genesis = options.snapshot?.round === 0 ? undefined : options.snapshot
  const first = genesis?.round ?? 0
  const kept = new Map<EventHandle, Kept>()
  const handles = new Map<string, EventHandle>()
  let rosters = options.rosters
  /** The last `rounds` decided ones, and before them the one that these stand on, unless that is the start. */
  let decided: DecidedRound[] = []
  let reader: Reader | undefined

  const lastRound = (): number => decided.at(-1)?.round ?? first
  /** Explanations reach back to the rounds after this one. */
  const oldest = (): number => Math.max(first, lastRound() - rounds)

  function inserted(
    event: EngineEvent,
    handle: EventHandle,
    threshold: number,
    newlyDecided: readonly DecidedRound[],
  ): void {
    if (handle !== NO_EVENT) {
      const present = (parent: EventHandle): string[] => {
        const by = kept.get(parent)
        return by === undefined || by.event.birthRound < threshold ? [] : [toHex(by.event.id)]
      }
      kept.set(handle, {
        event,
        handle,
        selfParent: present(event.selfParent)[0] ?? null,
        otherParents: event.otherParents.flatMap(present),
        cameAfter: lastRound(),
      })
      handles.set(bytesKey(event.id), handle)
    }
    if (newlyDecided.length === 0) return
    decided.push(...newlyDecided)
    forget()
  }

  /** Drops what no explanation needs any more. */
  function forget(): void {
    const base = decided.findLastIndex(({ round }) => round <= oldest())
    if (base < 0) return
    const { ancientThreshold, round } = decided[base]!
    decided = decided.slice(base)
    for (const [handle, { event }] of kept) {
      if (event.birthRound >= ancientThreshold) continue
      kept.delete(handle)
      handles.delete(bytesKey(event.id))
      if (reader !== undefined && handle >= reader.fed) reader = undefined
    }
    if (reader !== undefined && (reader.compared < round || reader.from < round - rounds)) reader = undefined
  }

  function startReader(): Reader {
    const from = oldest()
    const { snapshot: given, ...rest } = options
    const snapshot = from === first ? given : decided.find(({ round }) => round === from)
    const explainer = createExplainer({ ...rest, rosters, ...(snapshot === undefined ? {} : { snapshot }) })
    return { explainer, from, handles: new Map(), fed: 0, compared: from }
  }

  function feed(to: Reader): void {
    const own = (handle: EventHandle): EventHandle => to.handles.get(handle) ?? NO_EVENT
    for (const { event, handle } of kept.values()) {
      if (handle < to.fed) continue
      const otherParents = event.otherParents.map(own)
      const given = to.explainer.insert({ ...event, selfParent: own(event.selfParent), otherParents })
      if (given !== NO_EVENT) to.handles.set(handle, given)
      to.fed = handle + 1
    }
  }

  /** The explainer must have decided what the engine has. */
  function compare(to: Reader, engine: ExplainedEngine): void {
    const wanted = engine.snapshot()
    const found = to.explainer.snapshot()
    for (const key of ['round', 'ancientThreshold', 'lastTimestamp', 'nextOrder'] as const) {
      if (found[key] !== wanted[key]) disagree(key, found[key], wanted[key])
    }
    const [judges, right] = [found.judges.map(toHex).join(), wanted.judges.map(toHex).join()]
    if (judges !== right) disagree('the judges', judges, right)
    const placed = to.explainer.placed()
    const firstPlace = placed[0]?.order ?? 0
    for (const { round, events } of decided) {
      if (round <= to.compared) continue
      for (const { id, order, timestamp } of events) {
        const other = placed[order - firstPlace]
        if (other === undefined || !equalIds(other.id, id) || other.timestamp !== timestamp)
          disagree(
            `at place ${order}`,
            other && `${toHex(other.id)} at ${other.timestamp}`,
            `${toHex(id)} at ${timestamp}`,
          )
      }
      to.compared = round
    }
  }

  /**
   * Is all there that a reading from genesis would say? An event that came before the oldest snapshot may have had a round
   * only in an election before that; and a judge of that snapshot became one there.
   */
  function isWhole({ round, place }: Explanation, cameAfter: number): boolean {
    const from = oldest()
    if (from === first || cameAfter >= from) return true
    return (
      place.kind !== 'before-snapshot' && round !== null && round.round !== null && round.election >= from + 2
    )
  }

  function explain(id: Uint8Array, engine: ExplainedEngine): Explanation | undefined {
    const handle = handles.get(bytesKey(id))
    if (handle === undefined) return undefined
    reader ??= startReader()
    feed(reader)
    compare(reader, engine)
    const { selfParent, otherParents, cameAfter } = kept.get(handle)!
    const explanation = reader.explainer.explain(id)
    if (explanation === undefined || !isWhole(explanation, cameAfter)) return undefined
    const round = engine.roundOf(handle)
    if (explanation.roundNow !== round) disagree(`of ${toHex(id)} the round`, explanation.roundNow, round)
    return { ...explanation, selfParent, otherParents }
  }

  return {
    inserted,
    scheduled: (roster) => {
      rosters = [...rosters, roster]
      reader = undefined
    },
    explain,
  }
}
