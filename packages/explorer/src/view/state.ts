/** What the page shows, as signals: the world writes them, the view reads them. */
import { signal, type Signal } from '@preact/signals-core'
import type { Mark } from '../model/frames.ts'
import type { GraphStore } from '../model/store.ts'
import type { Fault } from './faults.ts'
import type { Lie, Standing } from '../verify/verdict.ts'

export type Tab = 'event' | 'log' | 'nodes' | 'figures' | 'links' | 'evidence' | 'testnet' | 'table'

/** A node as the page sees it. */
export interface NodeRow {
  readonly name: string
  readonly url: string
  readonly answers: boolean
  readonly state: string
  readonly reason: string | null
  readonly round: number
  readonly transactions: number
  readonly ledgerHash: string
  readonly standing: Standing
  readonly roundTripMs: number | null
  readonly memoryMiB: number | null
  readonly version: string
  readonly finalityP50Ms: number | null
  readonly finalityP99Ms: number | null
  readonly waiting: number
}

export type Liveness = 'up' | 'suspected' | 'down' | 'unknown'

export interface LinkRow {
  readonly from: string
  readonly to: string
  /** As the nodes' API says it. */
  readonly state: Liveness
  readonly roundTripMs: number | null
  readonly silentMs: number | null
}

export interface LogRow {
  readonly position: number
  readonly order: number
  readonly index: number
  /** Place of the transaction in its event. */
  readonly nth: number
  readonly round: number
  readonly time: number
  readonly creator: string
  readonly text: string
}

export type ProofState = 'asked' | 'proved' | 'wrong' | 'not-yet'

/** All of the event that was clicked. */
export interface Selected {
  readonly index: number
  readonly id: string
  readonly creator: string
  readonly sequence: number
  readonly birthRound: number
  readonly timestamp: number
  readonly sizeBytes: number
  readonly selfParent: string | null
  readonly otherParents: readonly { readonly id: string; readonly creator: string }[]
  readonly transactions: readonly {
    readonly text: string | null
    readonly hex: string
    readonly bytes: number
    readonly sealed: boolean
  }[]
  readonly signature: 'good' | 'none'
  /** The engine's reasons in words; null if it lies back too far. */
  readonly why: string | null
}

export interface Opened {
  readonly title: string
  readonly networkId: string
  readonly isSigned: boolean
  readonly means: string
  readonly violation: { readonly invariant: string; readonly message: string; readonly at: number } | null
  /** Of a file that says what to expect. */
  readonly asExpected: boolean | null
}

export type Play = 'live' | 'paused' | 'playing'

export interface State {
  readonly store: Signal<GraphStore | undefined>
  /** Counts up whenever the store has changed. */
  readonly version: Signal<number>
  readonly opened: Signal<Opened | undefined>
  readonly failed: Signal<string>
  readonly tab: Signal<Tab>
  readonly isDark: Signal<boolean>
  readonly play: Signal<Play>
  /** Events that are shown; all of them while it is live. */
  readonly shown: Signal<number>
  readonly speed: Signal<number>
  readonly scale: Signal<number>
  readonly hovered: Signal<number>
  readonly hoverText: Signal<string>
  readonly selected: Signal<Selected | undefined>
  readonly selectedIndex: Signal<number>
  readonly nodes: Signal<readonly NodeRow[]>
  readonly links: Signal<readonly LinkRow[]>
  readonly lies: Signal<readonly Lie[]>
  readonly log: Signal<readonly LogRow[]>
  /** Position of the first row of the log that is shown; -1 follows its end. */
  readonly logFrom: Signal<number>
  readonly proofs: Signal<ReadonlyMap<number, ProofState>>
  readonly marks: Signal<readonly Mark[]>
  /** What was done to a testnet. */
  readonly faults: Signal<readonly Mark[]>
  readonly hasControl: Signal<boolean>
  readonly controlWord: Signal<string>
  readonly submitted: Signal<string>
  readonly loading: Signal<string>
  /** A file is looked at: there are no nodes to agree. */
  readonly isFile: Signal<boolean>
  /** How much of what was opened is checked, from 0 to 1. */
  readonly share: Signal<number>
  readonly renderer: Signal<string>
}

export function createState(isDark: boolean): State {
  return {
    store: signal<GraphStore | undefined>(undefined),
    version: signal(0),
    opened: signal<Opened | undefined>(undefined),
    failed: signal(''),
    tab: signal<Tab>('log'),
    isDark: signal(isDark),
    play: signal<Play>('live'),
    shown: signal(0),
    speed: signal(20),
    scale: signal(22),
    hovered: signal(-1),
    hoverText: signal(''),
    selected: signal<Selected | undefined>(undefined),
    selectedIndex: signal(-1),
    nodes: signal<readonly NodeRow[]>([]),
    links: signal<readonly LinkRow[]>([]),
    lies: signal<readonly Lie[]>([]),
    log: signal<readonly LogRow[]>([]),
    logFrom: signal(-1),
    proofs: signal<ReadonlyMap<number, ProofState>>(new Map()),
    marks: signal<readonly Mark[]>([]),
    faults: signal<readonly Mark[]>([]),
    hasControl: signal(false),
    controlWord: signal(''),
    submitted: signal(''),
    loading: signal(''),
    isFile: signal(false),
    share: signal(1),
    renderer: signal(''),
  }
}

/** Whoever calls this is made again when the graph has grown: the graph itself is no signal. */
export const watch = ({ version }: State): number => version.value

/** What people can do; the world does it. */
export interface Actions {
  select(index: number): void
  selectId(id: string): void
  play(): void
  pause(): void
  live(): void
  step(events: number): void
  seek(shown: number): void
  jump(text: string): void
  zoom(factor: number): void
  fit(): void
  logTo(from: number): void
  search(text: string): void
  submit(text: string): void
  fault(fault: Fault): void
  toggleTheme(): void
  /** Called with the element that a drawing goes into, and with null when it goes. */
  mountMap(element: unknown): void
  mountCharts(element: unknown): void
  openFile(): void
}
