/**
 * Decides what can be done to a running testnet: the orders, how they are written by hand and as JSON, which links an order is
 * about, and what it makes of them. Loss is what TCP makes of it: what was lost comes later, and everything behind it waits.
 */
import { InvalidArgumentError } from 'commander'
import { type LinkConduct, OPEN_LINK } from './link-conduct.ts'
import type { Address } from './parse.ts'

/** Names the two ends; it is the same link from either. */
export type LinkName = readonly [string, string]

/** Of so many milliseconds, after which an order is taken back; for good if it is not there. */
interface Timed {
  readonly forMs?: number
}

export type NetOrder =
  /** These members from all others; among each other they stay linked. */
  | ({ readonly do: 'cut'; readonly nodes: readonly string[] } & Timed)
  | ({ readonly do: 'cut'; readonly link: LinkName } & Timed)
  /** All links are as they should be again. */
  | { readonly do: 'heal' }
  | ({ readonly do: 'kill' | 'pause'; readonly nodes: readonly string[] } & Timed)
  | { readonly do: 'start'; readonly nodes: readonly string[] }
  /** One link or all; each way. */
  | ({
      readonly do: 'delay'
      readonly link?: LinkName
      readonly delayMs: number
      readonly jitterMs: number
    } & Timed)
  | ({ readonly do: 'drop'; readonly link?: LinkName; readonly share: number } & Timed)
  /** The key of that member is used twice: it contradicts itself. */
  | { readonly do: 'fork'; readonly node: string }
  /** The whole testnet is stopped. */
  | { readonly do: 'down' }

export interface NetMember {
  readonly name: string
  readonly state: 'running' | 'paused' | 'stopped'
  readonly pid: number | null
  readonly api: Address
  readonly gossip: Address
}

export interface NetLink {
  readonly link: LinkName
  readonly state: LinkConduct['state']
  readonly delayMs: number
  readonly jitterMs: number
  readonly lossShare: number
}

/** What was done, when, for whoever draws it onto the time: the page does. */
export interface DoneOrder {
  readonly atMs: number
  readonly order: NetOrder
  /** It was taken back, after its time. */
  readonly isOver: boolean
}

/** Orders that are remembered: the newest so many. */
export const MOST_DONE = 200

/** What the control API answers to every order, and to a question. */
export interface NetState {
  readonly hearsay: 'net'
  readonly networkId: string
  readonly nodes: readonly NetMember[]
  readonly links: readonly NetLink[]
  readonly done: readonly DoneOrder[]
}

/** `control.json` in the folder of a testnet that runs: where it takes orders, and with which token. */
export interface ControlFile {
  readonly hearsay: 'control'
  readonly url: string
  readonly token: string
}

export interface LinkChange {
  readonly link: LinkName
  readonly change: Partial<LinkConduct>
}

export function pairsOf(names: readonly string[]): readonly LinkName[] {
  return names.flatMap((a, i) => names.slice(i + 1).map((b): LinkName => [a, b]))
}

const isSame = (one: LinkName, other: LinkName): boolean =>
  (one[0] === other[0] && one[1] === other[1]) || (one[0] === other[1] && one[1] === other[0])

/** What an order makes of the links; nothing for an order about nodes. */
export function linkChanges(order: NetOrder, names: readonly string[]): readonly LinkChange[] {
  const pairs = pairsOf(names)
  const on = (link: LinkName | undefined, change: Partial<LinkConduct>): readonly LinkChange[] =>
    pairs.filter((each) => link === undefined || isSame(each, link)).map((each) => ({ link: each, change }))
  switch (order.do) {
    case 'cut':
      if ('link' in order) return on(order.link, { state: 'cut' })
      return pairs
        .filter(([a, b]) => order.nodes.includes(a) !== order.nodes.includes(b))
        .map((link) => ({ link, change: { state: 'cut' } }))
    case 'heal':
      return on(undefined, OPEN_LINK)
    case 'delay':
      return on(order.link, { delayMs: order.delayMs, jitterMs: order.jitterMs })
    case 'drop':
      return on(order.link, { lossShare: order.share })
    default:
      return []
  }
}

/** What takes an order back. */
export function undoing(order: NetOrder, names: readonly string[]): NetOrder | readonly LinkChange[] {
  if (order.do === 'kill' || order.do === 'pause') return { do: 'start', nodes: order.nodes }
  return linkChanges(order, names).map(({ link, change }) => ({
    link,
    change: Object.fromEntries(
      Object.keys(change).map((name) => [name, OPEN_LINK[name as keyof LinkConduct]]),
    ),
  }))
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isSpan = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= 600_000

/** An order as JSON, for these members; a sentence if it is none. */
export function orderFromJson(json: unknown, names: readonly string[]): NetOrder | string {
  if (!isRecord(json)) return 'an order is an object with "do"'
  const known = (value: unknown): value is string => typeof value === 'string' && names.includes(value)
  const members = names.join(', ')
  const { do: what, nodes, node, link, delayMs = 0, jitterMs = 0, share, forMs } = json
  if (forMs !== undefined && !(isSpan(forMs) && forMs > 0)) return 'forMs: milliseconds, at most 600000'
  const timed = forMs === undefined ? {} : { forMs }
  const isLink = Array.isArray(link) && link.length === 2 && link.every(known) && link[0] !== link[1]
  if (link !== undefined && !isLink) return `link: two of ${members}`
  const linked = link === undefined ? {} : { link: link as unknown as LinkName }
  const areNodes = Array.isArray(nodes) && nodes.length > 0 && nodes.every(known)
  switch (what) {
    case 'cut':
      if (isLink) return { do: 'cut', link: link as unknown as LinkName, ...timed }
      if (!areNodes) return `cut: nodes, or a link, of ${members}`
      if (new Set(nodes).size === names.length) return 'cut: there is nobody left to be cut from'
      return { do: 'cut', nodes, ...timed }
    case 'kill':
    case 'pause':
      return areNodes ? { do: what, nodes, ...timed } : `${what}: nodes of ${members}`
    case 'start':
      return areNodes ? { do: 'start', nodes } : `start: nodes of ${members}`
    case 'delay':
      if (!isSpan(delayMs) || !isSpan(jitterMs)) return 'delayMs, jitterMs: milliseconds, at most 600000'
      return { do: 'delay', ...linked, delayMs, jitterMs, ...timed }
    case 'drop':
      if (typeof share !== 'number' || !(share >= 0 && share <= 0.9)) return 'share: from 0 to 0.9'
      return { do: 'drop', ...linked, share, ...timed }
    case 'fork':
      return known(node) ? { do: 'fork', node } : `fork: a node of ${members}`
    case 'heal':
    case 'down':
      return { do: what }
    default:
      return 'do: cut, heal, kill, start, pause, delay, drop, fork or down'
  }
}

/** `ada→bob`, `ada->bob`, `ada,bob` name the link of two; undefined for anything else. */
export function parseLink(text: string): LinkName | undefined {
  const [, a, b] = /^([a-z0-9-]{1,32})(?:→|->|,)([a-z0-9-]{1,32})$/.exec(text) ?? []
  return a === undefined || b === undefined ? undefined : [a, b]
}

/** `ada,bob` */
export function parseNames(text: string): readonly string[] {
  const names = text.split(',')
  if (!names.every((name) => /^[a-z0-9-]{1,32}$/.test(name)))
    throw new InvalidArgumentError('Names of nodes, like ada,bob.')
  return names
}

/** What `net cut` is given: the link of two if there is an arrow, else those who are parted from the others. */
export function parseCut(text: string): { readonly link: LinkName } | { readonly nodes: readonly string[] } {
  const link = text.includes(',') ? undefined : parseLink(text)
  return link === undefined ? { nodes: parseNames(text) } : { link }
}

export interface DelayArgument {
  readonly delayMs: number
  readonly jitterMs: number
}

/** `200ms`, `40ms±10` (between 30 and 50 ms) */
export function parseDelay(text: string): DelayArgument {
  const [, digits, unit, spread] =
    /^(\d{1,6}(?:\.\d{1,3})?)(ms|s)(?:(?:±|\+-)(\d{1,6})(?:ms)?)?$/.exec(text) ?? []
  const middle = Number(digits) * (unit === 's' ? 1_000 : 1)
  const half = Number(spread ?? 0)
  if (digits === undefined || middle > 60_000 || half > middle)
    throw new InvalidArgumentError('A delay of up to a minute, like 200ms, 1s or 40ms±10.')
  return { delayMs: middle - half, jitterMs: 2 * half }
}

/** `5%`, `0.05` */
export function parseLoss(text: string): number {
  const [, digits, percent] = /^(\d{1,3}(?:\.\d{1,6})?)(%)?$/.exec(text) ?? []
  const share = Number(digits) / (percent === undefined ? 1 : 100)
  if (digits === undefined || share > 0.9)
    throw new InvalidArgumentError('A share up to 90 %, like 5% or 0.05.')
  return share
}
