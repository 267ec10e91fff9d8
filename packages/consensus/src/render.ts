/**
 * The event map: decides where each event of a graph is drawn, in which lane and at which height, and how it looks; the
 * formats beside this file only write that down. A lane is a creator; a creator that has branched has a lane for each
 * branch. Time runs upwards: an event stands one row above the highest of its parents.
 *
 * The same events give the same map, in whatever order they come, so the same bytes are written.
 */
import type { Explanation } from './explain-types.ts'

export interface DrawnEvent {
  readonly id: string
  readonly creator: number
  readonly selfParent: string | null
  readonly otherParents: readonly string[]
  readonly round: number | null
  readonly witness: boolean
  readonly fame: 'famous' | 'not famous' | 'undecided' | null
  readonly judge: boolean
  readonly receivedRound: number | null
  readonly order: number | null
}

export interface DrawingOptions {
  /** Names are escaped: they may hold anything. */
  readonly nameOf?: (member: number) => string
}

/** What of an explanation can be seen in a drawing. */
export function drawnEvent(e: Explanation): DrawnEvent {
  const { id, creator, selfParent, otherParents, round, fame, place } = e
  const isOrdered = place.kind === 'ordered'
  return {
    id,
    creator,
    selfParent,
    otherParents,
    round: round?.round ?? null,
    witness: round?.witness ?? false,
    fame: fame?.status ?? null,
    judge: fame?.judge ?? false,
    receivedRound: isOrdered ? place.receivedRound : null,
    order: isOrdered ? place.order : null,
  }
}

export interface Spot {
  readonly event: DrawnEvent
  /** Place in the map: events by row, creator and id. */
  readonly index: number
  /** Place among the lanes, from the left. */
  readonly lane: number
  /** From the bottom. */
  readonly row: number
}

export interface Lane {
  readonly member: number
  readonly label: string
}

export interface Edge {
  readonly child: Spot
  readonly parent: Spot
  readonly isSelf: boolean
}

export interface EventMap {
  readonly lanes: readonly Lane[]
  readonly spots: readonly Spot[]
  readonly edges: readonly Edge[]
  readonly rows: number
}

export interface Look {
  readonly fill: string
  /** The colour of the round in full, for rings and borders. */
  readonly colour: string
  readonly ink: string
}

/** In full and dim; rounds take them in turn. */
const COLOURS: readonly (readonly [string, string])[] = [
  ['#2f6fde', '#c9daf6'],
  ['#d9730d', '#f8dfc4'],
  ['#2f8f52', '#cbe9d6'],
  ['#b83280', '#f3cfe3'],
  ['#13808a', '#c5e6e9'],
  ['#c53d34', '#f5d0cd'],
  ['#7046c4', '#dccff3'],
  ['#7d7816', '#e6e4bf'],
]
const NO_ROUND: readonly [string, string] = ['#6b6b6b', '#dedede']

/** Received events in full colour, the others dim. */
export function lookOf({ round, receivedRound }: DrawnEvent): Look {
  const [full, dim] = round === null ? NO_ROUND : COLOURS[round % COLOURS.length]!
  const isReceived = receivedRound !== null
  return { fill: isReceived ? full : dim, colour: full, ink: isReceived ? '#ffffff' : '#333333' }
}

export const shortId = (id: string): string => id.slice(0, 6)

/** What is told of an event beside its place and colour. */
export function factsOf(event: DrawnEvent): readonly string[] {
  const { round, witness, fame, judge, receivedRound, order } = event
  return [
    round === null ? 'no round' : `round ${round}`,
    ...(witness ? ['witness'] : []),
    ...(fame === null ? [] : [fame === 'undecided' ? 'fame undecided' : fame]),
    ...(judge ? ['judge'] : []),
    ...(receivedRound === null ? ['not ordered'] : [`received in round ${receivedRound}`, `place ${order}`]),
  ]
}

const ascending = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const parentsOf = ({ selfParent, otherParents }: DrawnEvent): readonly string[] =>
  selfParent === null ? otherParents : [selfParent, ...otherParents]

/** Rows by id; parents come before their children in `events`. Those that are not drawn count for nothing. */
function rowsOf(events: readonly DrawnEvent[]): Map<string, number> {
  const rows = new Map<string, number>()
  for (const event of events)
    rows.set(
      event.id,
      parentsOf(event).reduce((row, id) => Math.max(row, (rows.get(id) ?? -1) + 1), 0),
    )
  return rows
}

/** The branch of its creator, from 0, that each event stands on: a child of the last event of a branch goes on with it. */
function branchesOf(sorted: readonly DrawnEvent[]): Map<string, number> {
  const branches = new Map<string, number>()
  const tips = new Map<number, string[]>()
  for (const { id, creator, selfParent } of sorted) {
    const own = tips.get(creator) ?? []
    tips.set(creator, own)
    const goesOn = selfParent === null ? -1 : own.indexOf(selfParent)
    const branch = goesOn >= 0 ? goesOn : own.length
    own[branch] = id
    branches.set(id, branch)
  }
  return branches
}

/** Parents stand before their children in `events`. */
export function mapEvents(events: readonly DrawnEvent[], options: DrawingOptions = {}): EventMap {
  const nameOf = options.nameOf ?? ((member: number): string => `member ${member}`)
  const rowOf = rowsOf(events)
  const sorted = [...events].sort(
    (a, b) => rowOf.get(a.id)! - rowOf.get(b.id)! || a.creator - b.creator || ascending(a.id, b.id),
  )
  const branches = branchesOf(sorted)
  const widths = new Map<number, number>()
  for (const { id, creator } of sorted)
    widths.set(creator, Math.max(widths.get(creator) ?? 0, branches.get(id)! + 1))
  const lanes: Lane[] = []
  const firstLane = new Map<number, number>()
  for (const member of [...widths.keys()].sort((a, b) => a - b)) {
    firstLane.set(member, lanes.length)
    const width = widths.get(member)!
    for (let branch = 0; branch < width; branch++)
      lanes.push({ member, label: width === 1 ? nameOf(member) : `${nameOf(member)} (${branch + 1})` })
  }
  const spots = sorted.map((event, index): Spot => ({
    event,
    index,
    lane: firstLane.get(event.creator)! + branches.get(event.id)!,
    row: rowOf.get(event.id)!,
  }))
  const byId = new Map(spots.map((spot) => [spot.event.id, spot]))
  const edges = spots.flatMap((child) =>
    parentsOf(child.event).flatMap((id): readonly Edge[] => {
      const parent = byId.get(id)
      return parent === undefined ? [] : [{ child, parent, isSelf: id === child.event.selfParent }]
    }),
  )
  const rows = spots.reduce((most, { row }) => Math.max(most, row + 1), 0)
  return { lanes, spots, edges, rows }
}

/** What a label may not hold: controls, and marks that turn the direction of writing. */
function isUnprintable(code: number): boolean {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0xfffe || code === 0xffff) return true
  return (
    code === 0x200e ||
    code === 0x200f ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069)
  )
}

/** Text that is well-formed and does nothing but stand there, cut to what fits above a lane. */
export function plainLabel(text: string, most = 32): string {
  let plain = ''
  let length = 0
  for (const character of text.toWellFormed()) {
    if (length === most) return `${plain}…`
    plain += isUnprintable(character.codePointAt(0)!) ? '\ufffd' : character
    length += 1
  }
  return plain
}
