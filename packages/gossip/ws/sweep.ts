// Decides when deadlines are looked at: one timer for the whole transport, however many links there are.
//
// Its clock counts the time during which this process ran. After a standstill (a suspended laptop, SIGSTOP, a long pause of the
// collector) the answers of the peers are still unread in the sockets, and on the wall clock every one of them would seem silent.

export interface Sweep {
  /** Milliseconds of running time. */
  nowMs(): number
  stop(): void
}

export function startSweep(everyMs: number, look: (nowMs: number) => void): Sweep {
  // Ordinary lateness of a busy process counts, a standstill does not.
  const standstillMs = 2 * everyMs
  let runningMs = 0
  let lastMs = performance.now()
  let lastSweepMs = lastMs
  const nowMs = (): number => {
    const wallMs = performance.now()
    runningMs += Math.min(wallMs - lastMs, standstillMs)
    lastMs = wallMs
    return runningMs
  }
  let skipped = false
  const timer = setInterval(() => {
    const at = nowMs()
    const stood = lastMs - lastSweepMs > standstillMs
    lastSweepMs = lastMs
    // Timers run before sockets are read: after a standstill let the sockets speak first. Only once in a row, or a process
    // that is always late would never look.
    skipped = stood && !skipped
    if (!skipped) look(at)
  }, everyMs)
  return { nowMs, stop: () => clearInterval(timer) }
}
