/** What is done to a testnet, in the words of its control API (cli, net-orders.ts), and how it stands on the time axis. */
import type { Mark } from '../model/frames.ts'

interface OnLink {
  /** Its two ends; all links if it is not there. */
  readonly link?: readonly [string, string]
}

export type Fault =
  | { readonly do: 'cut'; readonly nodes: readonly string[] }
  | { readonly do: 'cut'; readonly link: readonly [string, string] }
  | { readonly do: 'heal' }
  | ({ readonly do: 'delay'; readonly delayMs: number; readonly jitterMs: number } & OnLink)
  | ({ readonly do: 'drop'; readonly share: number } & OnLink)
  | { readonly do: 'kill' | 'start' | 'pause'; readonly nodes: readonly string[] }
  | { readonly do: 'fork'; readonly node: string }
  | { readonly do: 'down' }

/** Carried out, from the page, the command line or anywhere, or taken back when its time was over. */
export interface DoneFault {
  readonly atMs: number
  readonly order: Fault
  readonly isOver: boolean
}

const where = ({ link }: OnLink): string => (link === undefined ? '' : ` ${link.join('–')}`)

export function faultWords(fault: Fault): string {
  switch (fault.do) {
    case 'cut':
      return 'link' in fault ? `cut ${fault.link.join('–')}` : `cut off ${fault.nodes.join(', ')}`
    case 'heal':
      return 'heal all links'
    case 'delay':
      return `delay${where(fault)} ${fault.delayMs}${fault.jitterMs === 0 ? '' : ` to ${fault.delayMs + fault.jitterMs}`} ms`
    case 'drop':
      return `drop${where(fault)} ${Math.round(fault.share * 100)} %`
    case 'fork':
      return `${fault.node} is made to branch`
    case 'down':
      return 'the testnet is stopped'
    default:
      return `${fault.do} ${fault.nodes.join(', ')}`
  }
}

const REPAIRS: readonly Fault['do'][] = ['heal', 'start']

/** `eventsAt` tells how many events there were at a time (microseconds). */
export const markOf = ({ atMs, order, isOver }: DoneFault, eventsAt: (micros: number) => number): Mark => ({
  at: eventsAt(atMs * 1_000),
  kind: isOver || REPAIRS.includes(order.do) ? 'repair' : 'fault',
  text: isOver ? `end of ${faultWords(order)}` : faultWords(order),
})
