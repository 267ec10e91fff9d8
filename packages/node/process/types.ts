/** What starting a node and auditing data directories takes and gives. */
import type { TornTail } from '../disk/index.ts'
import type { RunningNode } from '../src/api-types.ts'
import type { Application } from '../src/application.ts'
import type { NodeConfig } from '../src/config.ts'
import type { StateMachine } from '../src/state-machine.ts'

export interface StartOptions {
  /** Data directory with `genesis.json`, `config.json` and `key`. */
  readonly dir: string
  /** In place of what `config.json` says. */
  readonly overrides?: Partial<NodeConfig>
  /** What the ordered transactions do; the same on every member. Without one they are only ordered. */
  readonly application?: Application<unknown>
  /** Pass over the snapshots and replay the whole journal. */
  readonly replayAll?: boolean
  /** Narration for people, one line each, without newline. */
  readonly narrate?: (line: string) => void
}

export interface StartedNode extends RunningNode {
  readonly config: NodeConfig
  /** Where the gossip server really listens. */
  readonly gossipAddress: { readonly host: string; readonly port: number }
  readonly machine: StateMachine<unknown>
  /** Other gossip addresses of members, by name: links to those that are dialled from here are made anew. */
  setPeers(peers: NodeConfig['peers']): void
}

/** What an audit found in one data directory. */
export interface AuditedDirectory {
  readonly dir: string
  readonly name: string
  readonly networkId: Uint8Array
  readonly events: number
  readonly round: number
  readonly transactions: number
  readonly ledgerHash: Uint8Array
  /** Block hash after a round, for comparing nodes that are not equally far; round 0 is 32 zero bytes. */
  readonly hashAt: (round: number) => Uint8Array | undefined
  readonly tornTail: TornTail | null
  readonly branchedMembers: readonly string[]
}

/** A failed audit: `corrupt` is damaged data (exit 65), `wrong` is sound data that does not prove what it says (exit 3). */
export interface AuditFailure {
  readonly dir: string
  readonly kind: 'corrupt' | 'wrong'
  /** File and place and what is wrong there. */
  readonly message: string
}

export interface AuditReport {
  readonly audited: readonly AuditedDirectory[]
  readonly failures: readonly AuditFailure[]
  /** The last round that all audited directories have decided, and whether their ledgers are equal up to it. */
  readonly commonRound: number
  readonly commonTransactions: number
  readonly commonHash: Uint8Array | undefined
  readonly agree: boolean
}
