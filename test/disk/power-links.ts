/** Links between the machines of a world that loses power: in order and complete while they last, dialled again when they ended. */
import type { NodeTransport, NodeWorld } from '@hearsay/node/process'
import type { Agenda } from '@hearsay/simulator'

export type LinkEvent = Parameters<Parameters<NodeWorld['openTransport']>[0]>[0]

export interface Linked {
  readonly index: number
  /** Counts starts and ends: what an earlier life set going is void. */
  readonly life: number
  readonly state: string
  readonly onEvent: ((event: LinkEvent) => void) | undefined
}

export interface PowerLinks {
  transportOf(machine: Linked): NodeTransport
  connect(a: Linked, b: Linked): void
  disconnectAll(machine: Linked): void
}

interface Way {
  readonly from: number
  readonly to: number
  /** The other direction. */
  readonly twin: number
  lastMs: number
}

export function createPowerLinks(
  machines: readonly Linked[],
  agenda: Agenda,
  delayMs: () => number,
): PowerLinks {
  const links = new Map<number, Way>()
  let nextLink = 1

  /** In order, as on a real link; not to a later life of the receiver. */
  function deliverLater(way: Way, event: LinkEvent): void {
    const target = machines[way.to]!
    const { life } = target
    way.lastMs = Math.max(agenda.now() + delayMs(), way.lastMs)
    agenda.after(way.lastMs - agenda.now(), () => {
      if (target.life !== life || (event.kind === 'frame' && !links.has(way.twin))) return
      target.onEvent?.(event)
    })
  }

  function connect(a: Linked, b: Linked): void {
    const [one, two] = [nextLink++, nextLink++]
    links.set(one, { from: a.index, to: b.index, twin: two, lastMs: 0 })
    links.set(two, { from: b.index, to: a.index, twin: one, lastMs: 0 })
    a.onEvent?.({ kind: 'opened', link: one, memberId: b.index + 1 })
    b.onEvent?.({ kind: 'opened', link: two, memberId: a.index + 1 })
  }

  /** The other end hears of it when what was on its way has come. */
  function disconnect(link: number, reason: string): void {
    const way = links.get(link)
    if (way === undefined) return
    links.delete(link)
    deliverLater(way, { kind: 'closed', link: way.twin, memberId: way.from + 1, reason })
    machines[way.from]!.onEvent?.({ kind: 'closed', link, memberId: way.to + 1, reason })
    agenda.after(4, () => void links.delete(way.twin))
    const [a, b] = [machines[way.from]!, machines[way.to]!]
    agenda.after(20, () => {
      if (a.state === 'up' && b.state === 'up' && !areLinked(a, b)) connect(a, b)
    })
  }

  function areLinked(a: Linked, b: Linked): boolean {
    return [...links.values()].some(({ from, to }) => from === a.index && to === b.index)
  }

  function disconnectAll({ index }: Linked): void {
    for (const [link, way] of links) if (way.from === index) disconnect(link, 'gone')
  }

  return {
    transportOf: (machine) => {
      const { life } = machine
      return {
        send: (link, frame) => {
          const way = links.get(link)
          if (machine.life !== life || way === undefined) return
          deliverLater(way, { kind: 'frame', link: way.twin, bytes: frame })
        },
        bufferedBytes: () => 0,
        close: (link) => disconnect(link, 'closed'),
        counters: () => ({}),
        stop: () => {
          if (machine.life === life) disconnectAll(machine)
          return Promise.resolve()
        },
      }
    },
    connect,
    disconnectAll,
  }
}
