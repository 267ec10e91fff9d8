// Decides how all links of a local network are put under faults: one proxy for each direction in which a member may dial another,
// and what is done to a pair is done to both.
import type { LinkConduct } from '../src/index.ts'
import { type LinkAddress, type LinkFigures, type LinkProxy, startLinkProxy } from './link-proxy.ts'

export interface LinkMesh {
  /** What `dialer` has to take for the gossip address of `target`. */
  addressFor(dialer: string, target: string): LinkAddress
  /** Changes the link between two, whoever dialled; `stalled` is as seen from `a`: `to-target` is from `a` to `b`. */
  set(a: string, b: string, change: Partial<LinkConduct>): void
  setAll(change: Partial<LinkConduct>): void
  /** Breaks what passes between two now. */
  reset(a: string, b: string): void
  figures(): LinkFigures
  stop(): Promise<void>
}

export interface LinkMeshOptions {
  readonly names: readonly string[]
  /** Where each member really listens, for one that dials it. */
  readonly target: (name: string, dialer: string) => LinkAddress
  readonly seed: number
}

const keyOf = (dialer: string, to: string): string => `${dialer}>${to}`
const turned = { neither: 'neither', 'to-target': 'to-dialer', 'to-dialer': 'to-target' } as const

export async function startLinkMesh({ names, target, seed }: LinkMeshOptions): Promise<LinkMesh> {
  const proxies = new Map<string, LinkProxy>()
  const pairs = names.flatMap((dialer) =>
    names.filter((to) => to !== dialer).map((to) => [dialer, to] as const),
  )
  for (const [i, [dialer, to]] of pairs.entries()) {
    proxies.set(
      keyOf(dialer, to),
      await startLinkProxy({ target: () => target(to, dialer), seed: seed + 7_919 * i }),
    )
  }
  const proxy = (dialer: string, to: string): LinkProxy => {
    const found = proxies.get(keyOf(dialer, to))
    if (found === undefined) throw new Error(`no link from ${dialer} to ${to}`)
    return found
  }
  const set: LinkMesh['set'] = (a, b, change) => {
    proxy(a, b).set(change)
    proxy(b, a).set(change.stalled === undefined ? change : { ...change, stalled: turned[change.stalled] })
  }
  return {
    addressFor: (dialer, to) => proxy(dialer, to).address,
    set,
    setAll: (change) => {
      for (const each of proxies.values()) each.set(change)
    },
    reset: (a, b) => {
      proxy(a, b).reset()
      proxy(b, a).reset()
    },
    figures: () => {
      const sum = { connections: 0, accepted: 0, refused: 0, resets: 0, corrupted: 0, bytes: 0 }
      for (const each of proxies.values()) {
        const figures = each.figures()
        for (const name of Object.keys(sum) as (keyof LinkFigures)[]) sum[name] += figures[name]
      }
      return sum
    },
    stop: async () => {
      await Promise.all([...proxies.values()].map((each) => each.stop()))
    },
  }
}
