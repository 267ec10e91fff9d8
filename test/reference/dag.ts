/**
 * The DAG interchange object (packages/consensus/spec/dag-interchange.md) as the reference model reads it. Nothing here comes from the engine:
 * the model must not share so much as a type with what it judges.
 */

export interface DagEvent {
  readonly id: string
  readonly creator: number
  readonly selfParent: string | null
  readonly otherParents: readonly string[]
  readonly birthRound: number
  readonly timestamp: number
  readonly coin: 0 | 1
  readonly transactionCount: number
}

export interface DagRoster {
  readonly fromRound: number
  readonly members: readonly { readonly id: number; readonly weight: number }[]
}

export interface DagConfig {
  readonly coinFrequency: number
  readonly roundsNonAncient: number
}

export interface DagSnapshot {
  readonly round: number
  readonly judges: readonly string[]
  readonly ancientThreshold: number
  readonly lastTimestamp: number
  readonly nextOrder: number
}

export interface ExpectedEvent {
  readonly id: string
  readonly timestamp: number
  readonly order: number
}

export interface ExpectedRound extends DagSnapshot {
  readonly events: readonly ExpectedEvent[]
}

export interface Expected {
  readonly decidedRound: number
  readonly rounds: readonly ExpectedRound[]
}

export interface Dag {
  readonly name: string
  readonly config: DagConfig
  readonly rosters: readonly DagRoster[]
  readonly snapshot: DagSnapshot | null
  readonly events: readonly DagEvent[]
  readonly expected?: Expected
}
