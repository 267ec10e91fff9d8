// The simulated disk behind the interface that the journal uses.
import { type Files, nodeFiles } from '@hearsay/node/disk'
import type { SimulatedDisk } from '@hearsay/simulator'

/** `after` says when a sync ends: at once if it is not given. */
export function filesOf(
  disk: SimulatedDisk,
  after: (ms: number, run: () => void) => void = (_ms, run) => run(),
): Files {
  return {
    ...nodeFiles,
    ...disk,
    syncData: (fd) => {
      const ticket = disk.beginSync(fd)
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      after(disk.syncMs(), () => {
        try {
          disk.endSync(ticket)
          resolve()
        } catch (error) {
          reject(error)
        }
      })
      return promise
    },
  }
}
