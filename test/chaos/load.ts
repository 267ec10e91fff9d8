/**
 * Clients that keep a fleet busy: single submissions, batches and reads in a seeded mix, each client at one node; and clients of
 * the SDK, which submit through whichever node answers, again and again until it is final.
 */
import { createClient, type Recorder } from '../history/client.ts'
import { createRoamer } from '../history/roamer.ts'
import { createRandom } from '../dag/random.ts'
import type { Fleet } from '../network/fleet.ts'

export interface LoadOptions {
  readonly seed: number
  readonly clientsOfEach: number
  /** So many of those also read; all, unless told otherwise. */
  readonly readersOfEach?: number
  /** Clients of the SDK. */
  readonly roamers?: number
  /** Between two operations of one client, on average. */
  readonly thinkMs: number
  /** How long a client waits for a transaction to be final. */
  readonly waitMs: number
}

export interface Load {
  /** No new operations; resolves when the last has returned. */
  stop(): Promise<void>
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Numbers the loads on one recorder, so that no two transactions are equal. */
let loads = 0

export function startLoad(fleet: Fleet, recorder: Recorder, options: LoadOptions): Load {
  const stopped = new AbortController()
  loads += 1
  async function work(name: string, index: number): Promise<void> {
    const client = createClient(`${name}-${loads}-${index}`, fleet.node(name), recorder)
    const random = createRandom(options.seed * 1_000 + index)
    while (!stopped.signal.aborted) {
      await pause(random.below(2 * options.thinkMs))
      const choice = random.below(20)
      const reads = index % options.clientsOfEach < (options.readersOfEach ?? options.clientsOfEach)
      if (choice < 14 || (choice >= 16 && !reads)) {
        const { outcome } = await client.submit(options.waitMs)
        // Nobody hammers a node that is not there.
        if (outcome === 'fail') await pause(300)
      } else if (choice < 16) await client.batch(1 + random.below(20), options.waitMs)
      else await client.read(200)
    }
  }
  const all = fleet.names.flatMap((name, n) =>
    Array.from({ length: options.clientsOfEach }, (_, i) => work(name, n * options.clientsOfEach + i)),
  )
  async function roam(index: number): Promise<void> {
    const roamer = createRoamer(`roamer-${loads}-${index}`, fleet, index, recorder)
    const random = createRandom(options.seed * 1_000 + 500 + index)
    while (!stopped.signal.aborted) {
      await pause(random.below(2 * options.thinkMs))
      await roamer.submit(options.waitMs)
    }
  }
  all.push(...Array.from({ length: options.roamers ?? 0 }, (_, i) => roam(i)))
  // Told when the load is stopped, so that whoever began it ends the nodes first.
  const faults: unknown[] = []
  const guarded = all.map((each) =>
    each.catch((error: unknown) => {
      faults.push(error)
      stopped.abort()
    }),
  )
  return {
    stop: async () => {
      stopped.abort()
      await Promise.all(guarded)
      if (faults.length > 0) throw faults[0]
    },
  }
}
